"""A picture as people see it: RGB, turned as its EXIF block says, without metadata."""

from PIL import ExifTags, Image

from clip_app.images.limits import (
    DECODER_ERRORS,
    MAX_PIXELS,
    check_size,
    decoder_errors,
    shown_name,
)
from clip_app.images.modes import is_scaled, rgb

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: Orientations by which width and height change places.
SIDEWAYS = frozenset({5, 6, 7, 8})


def normalise(
    image: Image.Image, *, name: str | None = None, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """A new upright RGB picture without metadata, from a Pillow image of any mode.

    Transparency is laid over white. Of 16-bit grey, the upper 8 of the bits that are used are kept
    (`used_bits`); 32-bit integers and floats, whose range is unknown, are stretched from their
    minimum and maximum to black and white.

    Raises:
        ImageError: if the image is empty or too large, or its file is damaged.
    """
    shown = shown_name(name=name)
    check_size(image.size, max_pixels, shown)
    with decoder_errors(shown):
        scaled = is_scaled(image)
        if image.format == "TIFF":
            image.info.pop("xmp", None)  # Pillow would turn the picture by it while it loads
        image.load()
        upright = rgb(image, scaled)
        transpose = _UPRIGHT.get(orientation(image))
        if transpose is not None:
            upright = upright.transpose(transpose)
    # A second call must not turn the picture again.
    upright.info.clear()
    return upright


def orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 if there is none or the EXIF block is broken, as browsers do.

    Pillow would look into XMP too, which no browser does, and has turned a TIFF file already.
    """
    block = image.info.get("exif")
    if image.format == "TIFF" or not isinstance(block, bytes):
        return 1
    exif = Image.Exif()
    try:
        exif.load(block)
        orientation = exif.get(ExifTags.Base.Orientation, 1)
    except DECODER_ERRORS:
        return 1
    return orientation if isinstance(orientation, int) else 1
