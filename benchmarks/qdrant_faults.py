"""A gallery in a cluster of three Qdrant nodes, each of which dies and freezes at every work.

    CLIP_APP_TEST_QDRANT=.../qdrant python benchmarks/qdrant_faults.py [--rounds 2] [--freezes 1]

Each round changes the folder, has a node fail in the middle of indexing, searching, forgetting or
optimising, brings it back, and has the index run once more. Then every replica of every part must
be equal in number and content, and searches through each node equal to SQLite's.
"""

import argparse
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from clip_app.errors import StorageError  # noqa: E402
from clip_app.model.slot import load_model  # noqa: E402
from clip_app.settings import Settings  # noqa: E402
from tests.qdrant_gallery import Compared  # noqa: E402
from tests.qdrant_servers import Node, running  # noqa: E402

WORKS = ("index", "search", "forget", "optimise")
CALLED = {"index": "write", "forget": "forget", "optimise": "optimise"}
PICTURES = 150
CHANGED = 30

# Longer than the client waits for an answer, so that it goes on elsewhere.
FROZEN_SECONDS = 65


def main() -> None:
    """Have the nodes fail and print a line for each time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2, help="kills of each node at each work")
    parser.add_argument(
        "--freezes", type=int, default=1, help="of each node, at one work after another"
    )
    options = parser.parse_args()
    chance = random.Random(0)
    plan = [
        (work, node, "kill") for _ in range(options.rounds) for work in WORKS for node in range(3)
    ]
    works = [WORKS[number % len(WORKS)] for number in range(3 * options.freezes)]
    plan += [(work, number % 3, "freeze") for number, work in enumerate(works)]
    service = load_model(Settings(model="starter", device="cpu"))
    with tempfile.TemporaryDirectory() as place, running(Path(place), 3) as nodes:
        gallery = Compared(service, nodes, Path(place) / "gallery")
        gallery.add(PICTURES)
        gallery.index()
        print("| work | node | fault | the work itself | seconds | mended | afterwards |")
        print("|---|---|---|---|---:|---:|---|", flush=True)
        wrong = 0
        for work, number, fault in plan:
            began = time.monotonic()
            outcome = fail(gallery, work, nodes[number], fault, chance.uniform(0.0, 0.03))
            took = time.monotonic() - began
            mended, after = "", "all equal"
            try:
                mended = str(gallery.assert_agree())
            except AssertionError as error:
                wrong += 1
                after = " ".join(str(error).split())[:200]
            name = "first" if number == 0 else f"other {number}"
            print(
                f"| {work} | {name} | {fault} | {outcome} | {took:.0f} | {mended} | {after} |",
                flush=True,
            )
        kills = sum(fault == "kill" for *_, fault in plan)
        print(f"\n{kills} kills, {len(plan) - kills} freezes, {wrong} times something differed.")
        gallery.close()
    sys.exit(bool(wrong))


def fail(gallery: Compared, work: str, node: Node, fault: str, delay: float) -> str:
    """Change the folder, have a node fail in the middle of the work, and bring it back."""
    if work == "index":
        gallery.add(CHANGED)
    if work in ("forget", "optimise"):
        gallery.remove(CHANGED)
        gallery.add(CHANGED)  # the next time there must be as many
    failed = threading.Event()

    def act() -> None:
        node.signal(signal.SIGKILL if fault == "kill" else signal.SIGSTOP)
        failed.set()

    if work == "search":
        threading.Timer(delay, act).start()
    else:
        gallery.when(CALLED[work], act, delay)
    began = time.monotonic()
    try:
        outcome = searched(gallery) if work == "search" else indexed(gallery, work)
    except StorageError as error:
        outcome = str(error)[:120]
    outcome += "" if failed.is_set() else ", before the fault"
    failed.wait()
    if fault == "kill":
        node.kill()  # waits for its end
        node.start()
    else:
        time.sleep(max(0.0, FROZEN_SECONDS - (time.monotonic() - began)))
        node.signal(signal.SIGCONT)
    return outcome


def indexed(gallery: Compared, work: str) -> str:
    """One run of the indexer."""
    report = gallery.index(keep_missing=work != "optimise")
    return f"done, {report.encoded} encoded, {report.forgotten} forgotten"


def searched(gallery: Compared) -> str:
    """Searches for some seconds, across the fault: all must answer the same."""
    until = time.monotonic() + 3
    first = gallery.searched(gallery.store)
    asked = 1
    while time.monotonic() < until:
        if gallery.searched(gallery.store) != first:
            return "answers differed"
        asked += 1
    return f"{asked * len(first)} searches alike"


if __name__ == "__main__":
    main()
