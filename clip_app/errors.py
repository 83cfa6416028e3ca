"""Errors a person can cause or mend; each ends in one sentence in the interface language."""

import os
from typing import Self

from clip_app.strings import Language, text

# Placeholders whose value can be a path of this machine.
_PATHS = {"folder", "model", "name", "path", "store"}


class ClipAppError(Exception):
    """Base of every error that is shown to a person as one sentence.

    Args:
        key: name of the sentence in `clip_app.strings`.
        params: values for the placeholders of that sentence.
    """

    def __init__(self, key: str, **params: object) -> None:
        self.key = key
        self.params = params
        super().__init__(key, params)

    def message(self, language: Language) -> str:
        """The sentence to show, in `language`."""
        return text(self.key, language, **self.params)

    def bare(self) -> Self:
        """The same error to keep: a traceback would keep the picture that it arose from."""
        return type(self)(self.key, **self.params)

    def public_message(self, language: Language) -> str:
        """The sentence for visitors of the page and the API: of a path, the last part only."""
        params = {
            key: os.path.basename(value.rstrip(os.sep))
            if key in _PATHS and isinstance(value, str) and os.path.isabs(value)
            else value
            for key, value in self.params.items()
        }
        return text(self.key, language, **params)

    def __str__(self) -> str:
        return self.message("en")


class ImageError(ClipAppError):
    """No image, or one that cannot or must not be decoded."""


class InputError(ClipAppError):
    """Labels, descriptions, templates or options that cannot be used as given."""


class ModelError(ClipAppError):
    """A model that is unknown, cannot be loaded, or has failed while it ran."""


class HubUnreachableError(ModelError):
    """Weights that are not in the local cache, and no model hub answers."""


class DownloadError(ModelError):
    """Weights that a hub has, but that did not arrive; what arrived is kept."""


class StorageError(ClipAppError):
    """A file that could not be written: disk full, no permission."""


class GalleryError(ClipAppError):
    """A folder or an index that cannot be used as asked."""
