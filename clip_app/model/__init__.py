"""The one CLIP model of a process: which there are, finding one, loading it, encoding with it."""
