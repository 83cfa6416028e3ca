"""How long the commands of the terminal take that need no model, from a cold process.

    python benchmarks/startup.py [--before CHECKOUT] [--runs 5]

With `--before`, another checkout is measured in turn with this one, each command of both in one
round, so that the ratio holds on a noisy machine too. Medians; nothing is asserted.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

COMMANDS = (("--help",), ("models",), ("status",), ("forget", "."), ("classify", "--help"))


def main() -> None:
    """Measure, and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, help="another checkout to compare with")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    places = {"now": ROOT} | ({"before": options.before.resolve()} if options.before else {})
    times: dict[tuple[str, ...], dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as index:
        for _ in range(options.runs):
            for command in COMMANDS:
                for name, place in places.items():
                    took = seconds(command, place, index)
                    times.setdefault(command, {}).setdefault(name, []).append(took)
    print("| command | " + " | ".join(f"{name}, s" for name in places) + " | ratio |")
    print("|---|" + "---:|" * (len(places) + 1))
    for command, measured in times.items():
        medians = {name: statistics.median(took) for name, took in measured.items()}
        ratio = f"{medians['before'] / medians['now']:.1f}" if "before" in medians else "–"
        cells = " | ".join(f"{medians[name]:.2f}" for name in places)
        print(f"| `{' '.join(command)}` | {cells} | {ratio} |")


def seconds(command: tuple[str, ...], place: Path, index: str) -> float:
    """How long one command takes in a process of its own."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "clip_app", *command],
        cwd=place,
        env={**os.environ, "CLIP_APP_INDEX_DIR": index},
        capture_output=True,
        check=False,
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
