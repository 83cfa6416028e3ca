"""A source becomes an open file, and that an image of which no pixel is decoded yet."""

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import Image, ImageFile

from clip_app.errors import READ_ONLY, ImageError, UnopenedImageError
from clip_app.images.frames import largest_page
from clip_app.images.heads import TIFF, foreign_format, has_known_signature, looks_like_svg
from clip_app.images.limits import FORMATS, How, check_file_size, decoder_errors
from clip_app.images.modes import LARGEST_16_BIT

_KEY_OF_ERROR: dict[int | None, str] = {
    errno.ELOOP: "image_link_circle",
    errno.ENAMETOOLONG: "image_path_long",
    errno.ENXIO: "image_no_file",  # a socket, a device that is not there
    errno.ENODEV: "image_no_file",
}


@contextmanager
def opened(
    source: bytes | os.PathLike[str] | str, name: str
) -> Iterator[io.BytesIO | io.BufferedReader]:
    """The source as a file. A folder, pipe or device is refused before it could block."""
    if isinstance(source, bytes):
        check_file_size(len(source), name)
        yield io.BytesIO(source)
        return
    try:
        status = os.stat(source)
        check_regular(status.st_mode, name)
        check_file_size(status.st_size, name)
        file = open(source, "rb")  # noqa: SIM115  # closed below; only opening may fail here
    except (OSError, ValueError) as error:
        raise not_opened(error, source, name) from error
    with file:
        yield file


def check_regular(mode: int, name: str) -> None:
    """Raise an `ImageError` if what has this `st_mode` is no file with something to read."""
    if stat.S_ISDIR(mode):
        raise ImageError("image_is_folder", name=name)
    if not stat.S_ISREG(mode):
        raise ImageError("image_no_file", name=name)


def not_opened(error: OSError | ValueError, path: os.PathLike[str] | str, name: str) -> ImageError:
    """Why a file could not be opened or read, as what the system said of it tells."""
    if isinstance(error, ValueError):  # a null character, which no path has
        return ImageError("image_not_found", name=name)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        key = "image_link_broken" if os.path.islink(path) else "image_not_found"
        return ImageError(key, name=name)
    if error.errno in READ_ONLY:
        return UnopenedImageError("image_cannot_be_opened", name=name)
    if error.errno in _KEY_OF_ERROR:
        return ImageError(_KEY_OF_ERROR[error.errno], name=name)
    return UnopenedImageError("image_disk", name=name, reason=error.strerror or str(error))


def chosen(file: BinaryIO, how: How) -> ImageFile.ImageFile:
    """The picture of the file that is wanted, at the scale that is wanted, not decoded yet."""
    file.seek(0)
    image = _identified(file, how.name)
    # Only JPEG: HEIF would answer with an embedded thumbnail, which may be another picture.
    if how.target_side and image.format in ("JPEG", "MPO"):
        image.draft(None, (how.target_side, how.target_side))
    elif image.format == "TIFF" and getattr(image, "is_animated", False):
        with decoder_errors(how.name):
            image.seek(largest_page(image, how.max_pixels))
    elif image.format == "PPM" and image.tile[0][3] == ("RGB", LARGEST_16_BIT):
        # Pillow would scale each sample in Python, and to 8 bits.
        image.tile = [image.tile[0]._replace(codec_name="raw", args=("RGB;16B", 0, 1))]
    return image


def _identified(file: BinaryIO, name: str) -> ImageFile.ImageFile:
    """The image with its header read and no pixel decoded."""
    with decoder_errors(name):
        head = file.read(1024)
        try:
            return Image.open(file, formats=FORMATS)
        except Image.DecompressionBombError:
            if not head.startswith(TIFF):
                raise
            # Of a pyramid, a later page may be within the limit; each is checked by its own size.
            file.seek(0)
            return Image.OPEN["TIFF"][0](file, "")
        except Image.UnidentifiedImageError as error:
            if looks_like_svg(head):
                raise ImageError("image_svg", name=name) from error
            if not has_known_signature(head):
                if known := foreign_format(head):
                    raise ImageError("image_foreign", name=name, format=known) from error
                raise ImageError("image_unreadable", name=name) from error
            raise
