"""Rebuilds the bundled starter model from public inputs; `python -m training.build --help`."""
