"""The app as `app.py` serves it, the default preset's repositories holding a small model.

open_clip would build the network that it has registered for the preset; here it builds the one that
the repository describes, as of any `hf-hub:` name.
"""

import sys
from dataclasses import replace

from clip_app.model.catalog import DEFAULT_PRESET, PRESETS
from clip_app.server.serve import launch, prepare

PRESET = PRESETS[DEFAULT_PRESET]

if __name__ == "__main__":
    PRESETS[DEFAULT_PRESET] = replace(PRESET, architecture=f"hf-hub:{PRESET.hub}", pretrained="")
    sys.exit(launch(*prepare(sys.argv[1:])))
