"""What setting up takes: seconds and room, with torch and without.

    python benchmarks/setup.py

Makes both environments as `make setup` and `make setup LIGHT=1` do, from nothing, in a temporary
folder, and prints one table. Nothing is asserted; what pip keeps from before is used, as anywhere.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SETUPS = {"make setup": (), "make setup LIGHT=1": ("LIGHT=1",)}


def main() -> None:
    """Set both up, and print one table."""
    print("| | seconds | GB |")
    print("|---|---:|---:|")
    for name, flags in SETUPS.items():
        with tempfile.TemporaryDirectory() as folder:
            venv = Path(folder) / "venv"
            started = time.perf_counter()
            subprocess.run(
                ["make", "setup", *flags, f"PYTHON={sys.executable}", f"VENV={venv}"],
                cwd=ROOT,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            took = time.perf_counter() - started
            files = (path for path in venv.rglob("*") if path.is_file() and not path.is_symlink())
            print(f"| `{name}` | {took:.0f} | {sum(f.stat().st_size for f in files) / 1e9:.2f} |")


if __name__ == "__main__":
    main()
