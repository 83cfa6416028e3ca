"""The app as `app.py` serves it, the model of `--model` going by the name of the default preset."""

import sys
from dataclasses import replace
from typing import Any

from clip_app.model import slot
from clip_app.model.catalog import DEFAULT_PRESET, ModelSource, find_model
from clip_app.server.serve import launch, prepare


def as_preset(*named: Any) -> ModelSource:
    """The source that `find_model` finds, under the preset's name."""
    return replace(find_model(*named), name=DEFAULT_PRESET)


def main() -> int:
    """Serve until stopped, with the flags of `app.py`; returns the exit code."""
    slot.find_model = as_preset
    return launch(*prepare(sys.argv[1:]))


if __name__ == "__main__":
    sys.exit(main())
