"""clip_app: open-vocabulary vision with CLIP, in a page, a terminal and an API."""

__version__ = "0.1.0"
