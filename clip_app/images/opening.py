"""A source becomes an open file, and that an image of which no pixel is decoded yet."""

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from PIL import Image, ImageFile

from clip_app.errors import ImageError, UnopenedImageError
from clip_app.images.frames import largest_page
from clip_app.images.heads import TIFF, foreign_format, has_known_signature, looks_like_svg
from clip_app.images.limits import FORMATS, How, check_file_size, decoder_errors
from clip_app.images.modes import LARGEST_16_BIT


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
        if stat.S_ISDIR(status.st_mode):
            raise ImageError("image_is_folder", name=name)
        if not stat.S_ISREG(status.st_mode):
            raise ImageError("image_unreadable", name=name)
        check_file_size(status.st_size, name)
        file = open(source, "rb")  # noqa: SIM115  # closed below; only opening may fail here
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageError("image_not_found", name=name) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        raise UnopenedImageError("image_cannot_be_opened", name=name) from error
    with file:
        yield file


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
