"""Whole commands from a cold process, beside rclip with the same weights.

    python benchmarks/peers.py --work FOLDER [--rclip .../bin/rclip] [--runs 5] [--only REGEX]

Prints one table: medians of the runs, in each of which every command has its turn, so that a ratio
holds on a noisy machine too. What it needs is made by `peer_parts.py` once and kept in FOLDER;
rclip is installed there where none is named, on the newest Python found. What fails says so in its
cell. Nothing is asserted about time.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

import httpx  # noqa: E402
from app_server import ask_without_client, server  # noqa: E402
from peer_parts import (  # noqa: E402
    DEFAULT,
    HUB,
    LARGE_NUMBER,
    PHOTOGRAPHS,
    RCLIP,
    SMALL_NUMBER,
    SMALL_PHOTOGRAPHS,
    STARTER_SIDE,
    STARTER_TOWER,
    VIT,
    VIT_SIDE,
    VIT_TOWER,
)

PARTS = (sys.executable, str(ROOT / "benchmarks/peer_parts.py"))
LABELS = "cat, dog, flower, rocket, coffee, temple, car, mountain, photographer, night sky"
QUERY = "two dogs on a beach"
PHOTOGRAPH = ROOT / "assets/examples/cat.jpg"

# A command that takes longer is ended, and counts as failed.
LIMIT_SECONDS = 1800

# Runs that are not counted fill every cache, and what is made once is made; a command is taken for
# warm when a run took at least this share of the one before.
WARM = 0.8


@dataclass(frozen=True)
class Outcome:
    """Of one run: seconds, peak memory in GB (10^9 bytes), what it printed; or why it failed."""

    seconds: float = 0.0
    memory: float = 0.0
    output: str = ""
    failure: str = ""


@dataclass(frozen=True)
class Command:
    """What one run starts.

    Attributes:
        line: program and arguments.
        expected: what its output must hold, a regular expression.
        folder: where it is started.
        fresh: files and folders that are removed before each run.
        is_page: whether it serves the page, which is asked once and ended; the port is added.
    """

    line: Sequence[str]
    expected: str
    folder: Path = ROOT
    fresh: tuple[Path, ...] = ()
    is_page: bool = False


def _seconds(outcome: Outcome) -> float:
    return outcome.seconds


def _memory(outcome: Outcome) -> float:
    return outcome.memory


def _rate(outcome: Outcome) -> float:
    report = json.loads(outcome.output)
    return float(report["encoded"] / report["seconds"])


def _bare_rate(outcome: Outcome) -> float:
    return float(json.loads(outcome.output)[0])


@dataclass(frozen=True)
class Row:
    """A line of the table: the names of a command and of what it is compared with, the figures to
    read off their runs, and the aim.
    """

    title: str
    ours: str
    peer: str = ""
    aim: str = ""
    unit: str = "s"
    figure: Callable[[Outcome], float] = _seconds
    peer_figure: Callable[[Outcome], float] = _seconds


_rate_row = partial(Row, unit="images/s", figure=_bare_rate, peer_figure=_bare_rate)
_memory_row = partial(Row, unit="GB", figure=_memory, peer_figure=_memory)
ROWS = (
    Row("text query, ViT-B-32-256", "vit query", "rclip query", "≤ rclip"),
    Row("text query, default model", "default query", "rclip query", "≤ 1.5 s, ≤ rclip"),
    Row("classify a photograph, 10 labels, default model", "default classify", "", "≤ 2.5 s"),
    Row("classify a photograph, 10 labels, starter", "starter classify", "", "≤ 1.2 s"),
    Row("index 300 photographs, ViT-B-32-256", "vit index", "rclip index", "≤ 0.8 × rclip"),
    Row("the same, int8", "int8 index", "rclip index", "≤ 0.5 × rclip"),
    Row("the same, default model", "default index", "rclip index"),
    Row(
        "index 1000 small ones, starter; beside it the bare ONNX tower",
        *("starter index", "bare tower", "≥ 105 and ≥ 0.9 of the tower", "images/s"),
        figure=_rate,
        peer_figure=_bare_rate,
    ),
    _rate_row("decoding the 1000 alone; beside it the bare tower", "small alone", "bare tower"),
    _rate_row("decoding the 300 alone; beside it rclip's bare tower", "decode alone", "vit tower"),
    _memory_row("peak memory, query, ViT-B-32-256", "vit query", "rclip query"),
    _memory_row("peak memory, index, ViT-B-32-256", "vit index", "rclip index"),
    _memory_row("peak memory, query, default model", "default query", "rclip query", "≤ 0.7 GB"),
    _memory_row("peak memory, index, default model", "default index", "rclip index", "≤ 1.0 GB"),
    Row("`app.py`: start to first answer, starter", "starter page", "", "≤ 6 s"),
    Row("`app.py`: start to first answer, default model cached", "default page", "", "≤ 8 s"),
)


def main() -> None:
    """Make what is missing, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder that keeps 3 GB")
    parser.add_argument("--rclip", type=Path, help="rclip of an environment that has it")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=4, help="runs not counted, at most")
    parser.add_argument("--only", default="", help="commands to measure, as 'default|rclip'")
    options = parser.parse_args()
    work = options.work.resolve()
    subprocess.run([*PARTS, "make", str(work)], check=True)
    rclip = (options.rclip or installed_rclip(work / "rclip_environment")).absolute()
    os.environ |= {
        "HF_HOME": str(work / HUB),
        "HF_HUB_OFFLINE": "1",
        "RCLIP_DATADIR": str(work / RCLIP),
        # What the app keeps for its next process is kept here, and nothing is found that others
        # have kept.
        "XDG_CACHE_HOME": str(work / "cache"),
        "XDG_DATA_HOME": str(work / "data"),
    }
    chosen = {k: v for k, v in commands(work, rclip).items() if re.search(options.only, k)}
    load, version = os.getloadavg()[0], _version(rclip)
    outcomes = measure(chosen, options.runs, options.warm_up)
    print(f"{os.cpu_count()} cores, load average before: {load:.1f}, ", end="")
    print(f"Python {platform.python_version()}, {version}, medians of {options.runs}\n")
    print_table(outcomes)


def commands(work: Path, rclip: Path) -> dict[str, Command]:
    """Every command that is measured, by its name; what needs another or is compared follows it."""
    app = (sys.executable, "-m", "clip_app")
    photographs, index = work / PHOTOGRAPHS, work / "index"
    hit = r"\.jpg"
    measured = {
        "rclip index": Command(
            # It has no command that indexes alone; the query takes a second of it.
            *((str(rclip), QUERY), hit, photographs),
            tuple(work / RCLIP / f"db.sqlite3{ending}" for ending in ("", "-wal", "-shm")),
        ),
        "rclip query": Command((str(rclip), "--no-indexing", QUERY), hit, photographs),
    }
    for name, model, flags in (
        ("vit", VIT, ()),
        ("int8", VIT, ("--precision", "int8")),
        ("default", DEFAULT, ()),
    ):
        chosen = ("--model", model, *flags, "--index", str(index / name), "--json")
        measured[f"{name} index"] = Command(
            (*app, "index", str(photographs), *chosen),
            f'"encoded": {LARGE_NUMBER}\\b',
            fresh=(index / name,),
        )
        if name != "int8":
            # Whether a word fits is no matter: the weights know nothing.
            query = (*app, "search", "--text", QUERY, "--all", *chosen)
            measured[f"{name} query"] = Command(query, hit)
    small = (str(work / SMALL_PHOTOGRAPHS), "--model", "starter", "--index", str(index / "starter"))
    measured["starter index"] = Command(
        (*app, "index", *small, "--json"),
        f'"encoded": {SMALL_NUMBER}\\b',
        fresh=(index / "starter",),
    )
    for name, where in (
        ("bare tower", ("rate", str(work / STARTER_TOWER))),
        ("vit tower", ("rate", str(work / VIT_TOWER))),
        ("small alone", ("decode", str(work / SMALL_PHOTOGRAPHS), str(STARTER_SIDE))),
        ("decode alone", ("decode", str(photographs), str(VIT_SIDE))),
    ):
        measured[name] = Command((*PARTS, *where), r"\d")
    for name, model in (("default", DEFAULT), ("starter", "starter")):
        asked = ("classify", str(PHOTOGRAPH), "--labels", LABELS, "--model", model)
        measured[f"{name} classify"] = Command((*app, *asked), "rocket")
        # As `make run` starts it: without a choice the default model, if it is there.
        choice = () if model == DEFAULT else ("--model", model)
        page = (sys.executable, "app.py", *choice, "--port")
        measured[f"{name} page"] = Command(page, f'"model": "{model}"', is_page=True)
    return measured


def measure(
    chosen: Mapping[str, Command], runs: int, warm_up: int
) -> Mapping[str, Sequence[Outcome]]:
    """Run every command until it is warm, then `runs` times, each in its turn.

    Returns:
        by the name of the command, its runs; a single one where it failed.
    """
    outcomes: dict[str, list[Outcome]] = {}
    for name, command in chosen.items():
        before = float("inf")
        for _ in range(warm_up):
            outcome = _told(name, "not counted", command)
            if outcome.failure:
                outcomes[name] = [outcome]
            if outcome.failure or outcome.seconds >= WARM * before:
                break
            before = outcome.seconds
    for number in range(runs):
        for name, command in chosen.items():
            known = outcomes.setdefault(name, [])
            if known and known[-1].failure:
                continue
            outcome = _told(name, f"run {number + 1}", command)
            outcomes[name] = [outcome] if outcome.failure else [*known, outcome]
    return outcomes


def _told(name: str, which: str, command: Command) -> Outcome:
    outcome = run(command)
    told = outcome.failure or f"{outcome.seconds:.2f} s"
    print(f"{name}, {which}: {told}", file=sys.stderr, flush=True)
    return outcome


def run(command: Command) -> Outcome:
    """One run of a command, in a process of its own."""
    for path in command.fresh:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    outcome = _served(command) if command.is_page else _ended(command)
    if not outcome.failure and not re.search(command.expected, outcome.output):
        return Outcome(failure=f"answered without {command.expected}")
    return outcome


def _ended(command: Command) -> Outcome:
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        process = subprocess.Popen(
            command.line,
            cwd=command.folder,
            stdout=output,
            stderr=errors,
        )
        limit = threading.Timer(LIMIT_SECONDS, process.kill)
        limit.start()
        # It gives the peak of this child alone. That counts from this process's own, for which
        # reason this one imports neither torch nor a model.
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        limit.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            return Outcome(failure=_last_line(errors.read() or f"ended: {process.returncode}"))
        # On macOS in bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        return Outcome(seconds, used.ru_maxrss * unit / 1e9, output.read())


def _served(command: Command) -> Outcome:
    try:
        with (
            server(command.line) as (url, started),
            httpx.Client(base_url=url, trust_env=False, timeout=LIMIT_SECONDS) as http,
        ):
            answer = ask_without_client(http, "classify", [LABELS, "auto", 0], PHOTOGRAPH)
            return Outcome(time.perf_counter() - started, output=answer)
    except (RuntimeError, ValueError, KeyError, httpx.HTTPError) as error:
        return Outcome(failure=_last_line(str(error)))


def _last_line(told: str) -> str:
    return (told.strip().splitlines() or ["failed without a word"])[-1]


def print_table(outcomes: Mapping[str, Sequence[Outcome]]) -> None:
    """Print the rows of what was measured, as Markdown."""
    print("| whole command | clip_app | rclip | ratio | aim |\n|---|---:|---:|---:|---|")
    for row in ROWS:
        if row.ours not in outcomes:
            continue
        ours = _median(outcomes[row.ours], row.figure)
        peer = _median(outcomes.get(row.peer, []), row.peer_figure)
        ratio = "–"
        if isinstance(ours, float) and isinstance(peer, float):
            ratio = f"{ours / peer:.2f}"
        cells = " | ".join(_cell(value, row.unit) for value in (ours, peer))
        print(f"| {row.title} | {cells} | {ratio} | {row.aim} |")


def _median(outcomes: Sequence[Outcome], figure: Callable[[Outcome], float]) -> float | str:
    """The median; "–" where nothing was measured, the reason where it failed."""
    if not outcomes:
        return "–"
    if outcomes[-1].failure:
        return outcomes[-1].failure.replace("|", "/")
    try:
        return statistics.median(map(figure, outcomes))
    except (ValueError, KeyError, ZeroDivisionError) as error:
        return f"no figure in the answer: {error}"


def _cell(value: float | str, unit: str) -> str:
    return value if isinstance(value, str) else f"{value:.2f} {unit}"


def installed_rclip(environment: Path) -> Path:
    """The program of rclip in an environment of its own, made on the newest Python there is.

    rclip 4 needs Python 3.12; on an older one the registry's client takes 3.3.0.
    """
    program = environment / "bin/rclip"
    if not program.exists():
        python = next(filter(_runs, _pythons()))
        subprocess.run([python, "-m", "venv", str(environment)], check=True)
        install = [str(environment / "bin/python"), "-m", "pip", "install", "-q", "rclip"]
        subprocess.run(install, check=True)
    return program


def _pythons() -> list[str]:
    names = ("python3.14", "python3.13", "python3.12")
    by_pyenv = [
        str(path)
        for name in names
        for path in Path.home().glob(f".pyenv/versions/{name[6:]}.*/bin/python")
    ]
    return [*names, *by_pyenv, sys.executable]


def _runs(python: str) -> bool:
    try:
        return not subprocess.run([python, "-V"], capture_output=True, check=False).returncode
    except OSError:
        return False


def _version(rclip: Path) -> str:
    """Such as "rclip 4.0.8 on Python 3.12.1"."""
    asked = ([str(rclip), "--version"], [str(rclip.with_name("python")), "--version"])
    told = (subprocess.run(one, capture_output=True, text=True, check=True) for one in asked)
    return " on ".join(one.stdout.strip() for one in told)


if __name__ == "__main__":
    main()
