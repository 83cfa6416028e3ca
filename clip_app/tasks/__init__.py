"""One capability a file: what a page, an API and a terminal ask for alike."""
