"""Errors a person can cause or mend; each ends in one sentence in the interface language."""

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from clip_app.strings import Language, text

#: What the system says of a place that may not be written; that will not pass as a full disk does.
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)

# Placeholders whose value can be a path of this machine.
_PATHS = {"folder", "model", "name", "path", "store"}


@dataclass(frozen=True)
class Reason:
    """Why something was not done: a sentence in every language, to keep, store and send.

    Attributes:
        key: name of the sentence in `clip_app.strings`.
        params: values for the placeholders of that sentence.
    """

    key: str
    params: Mapping[str, object] = field(default_factory=dict)

    def message(self, language: Language) -> str:
        """The sentence to show, in `language`."""
        return text(self.key, language, **self.params)

    def about(self, name: str) -> Self:
        """The same said of a file by another name."""
        return replace(self, params={**self.params, "name": name})


class ClipAppError(Exception):
    """Base of every error that is shown to a person as one sentence.

    Its type is what code catches, its `reason` what a person is told.

    Args:
        key: name of the sentence in `clip_app.strings`.
        params: values for the placeholders of that sentence.
    """

    def __init__(self, key: str, **params: object) -> None:
        self.reason = Reason(key, params)
        super().__init__(key, params)

    @property
    def key(self) -> str:
        """Name of the sentence, for logs and tests; code that decides by it wants a type."""
        return self.reason.key

    @property
    def params(self) -> Mapping[str, object]:
        """Values in the sentence."""
        return self.reason.params

    def message(self, language: Language) -> str:
        """The sentence to show, in `language`."""
        return self.reason.message(language)

    def about(self, name: str) -> Self:
        """The same error of a file by another name."""
        return type(self)(self.key, **self.reason.about(name).params)

    def bare(self) -> Self:
        """The same error to keep: a traceback would keep the picture that it arose from."""
        return type(self)(self.key, **self.params)

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.key, dict(self.params))

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


def _again(kind: type[ClipAppError], key: str, params: dict[str, object]) -> ClipAppError:
    """An error that comes out of another process."""
    return kind(key, **params)


class ImageError(ClipAppError):
    """No image, or one that cannot or must not be decoded."""


class DamagedImageError(ImageError):
    """Bytes that are not as their format asks; something of the picture may be saved."""


class UnopenedImageError(ImageError):
    """A file that is there and cannot be read: no permission, or its disk fails."""


class ChangedImageError(ImageError):
    """A file that is not any more what was indexed."""


class InputError(ClipAppError):
    """Labels, descriptions, templates or options that cannot be used as given."""


class ChangedMapError(InputError):
    """An area, or points, of a map that is not the one there is now."""


class EntryError(InputError):
    """One file of an upload that cannot be taken in; the others can."""


class UploadLimitError(InputError):
    """More than one visitor may upload; nothing further is taken in."""


class ModelError(ClipAppError):
    """A model that is unknown, cannot be loaded, or has failed while it ran."""


class UnknownModelError(ModelError):
    """A name that no model has."""


class ModelChangingError(ModelError):
    """Another model is being loaded just now."""


class HubUnreachableError(ModelError):
    """Weights that are not in the local cache, and no model hub answers."""


class DownloadError(ModelError):
    """Weights that a hub has, but that did not arrive; what arrived is kept."""


class StorageError(ClipAppError):
    """A file that could not be written: disk full, no permission."""


class ReadOnlyIndexError(StorageError):
    """Indexes that can be read and not written."""


class GalleryError(ClipAppError):
    """A folder or an index that cannot be used as asked."""


class MissingIndexError(GalleryError):
    """A gallery that has not been indexed."""


class OtherModelError(GalleryError):
    """A gallery that has an index, but none that the model in use can search."""


class DamagedIndexError(GalleryError):
    """An index that must be made anew."""
