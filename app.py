"""Entry point of `python app.py` and of Hugging Face Spaces, which looks for `demo`."""

import os
import sys

from clip_app.network import mend_environment
from clip_app.process import end_process, heed_sigterm

# Before the libraries load, which takes seconds.
heed_sigterm()

# Before anything makes an HTTP client.
mend_environment()

# Spaces with a shared GPU want this imported before torch; elsewhere the package does not exist.
if os.environ.get("SPACES_ZERO_GPU"):
    import spaces  # noqa: F401

from clip_app.server.serve import launch, prepare  # noqa: E402

demo, served = prepare(sys.argv[1:] if __name__ == "__main__" else [])

if __name__ == "__main__":
    end_process(launch(demo, served))
