"""The app as where others reach it too, though it listens on this machine alone."""

import sys

from clip_app.server.serve import launch, prepare
from clip_app.settings import Settings


def main() -> int:
    """Serve until stopped, with the flags of `app.py`; returns the exit code."""
    Settings.is_personal = property(lambda _: False)  # type: ignore[assignment, method-assign]
    return launch(*prepare(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
