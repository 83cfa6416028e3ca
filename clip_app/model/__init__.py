"""The one CLIP model of a process: which there are, finding one, loading it, encoding with it."""

import os

# ONNX Runtime would note a device id in the user's cache folder and tell its makers how it is used.
# Here, for it looks at this once, while it is imported. Whoever wants it sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
