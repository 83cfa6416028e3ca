"""Photographs sorted into folders and tagged in sidecars, by a plan, and all of it undone again."""
