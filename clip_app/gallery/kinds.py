"""What a file's name says it is, and how the files that were left out are counted."""

import mimetypes
import os
from collections import Counter
from dataclasses import dataclass, field

from clip_app.images import SUPPORTED_SUFFIXES

#: A picture that can be read, by its ending.
IMAGE = "image"
#: An ending that says nothing, or none: only the first bytes can tell.
UNKNOWN = "unknown"
#: Files that are neither pictures nor videos, counted together.
OTHER = "other"

# Folders with a `.nomedia` that a report names.
_SHOWN_FOLDERS = 20

# What follows is what `mimetypes` does not know. Raw formats are named, after exiftool's list:
# many are TIFF files with a small preview inside, so that their first bytes must not decide.
_RAW = (
    "3fr ari arq arw bay cap cr2 cr3 crw dcr dcs dng eip erf fff gpr iiq j6i k25 kdc mef mos mrw "
    "nef nrw orf ori pef ptx pxn r3d raf raw rw2 rwl rwz sr2 srf srw x3f"
)
_WITHOUT_DECODER = (
    "bpg dds djv djvu emf exr fits flif hdp hdr icns jng jxl jxr pcx psb psd qoi svgz tga wdp wmf "
    "afdesign afphoto ai cdr clip eps indd kra mdp procreate ps sai2 sketch xcf"
)
_MOVING = (
    "livp 3g2 3gp 3gpp asf avi divx dv f4v flv insv lrv m2t m2ts m4v mkv mod mts mxf ogm ogv rm "
    "rmvb tod vob wmv"
)
_UNFINISHED_DOWNLOADS = "!qb !ut aria2 bc! crdownload downloading opdownload part partial td xltd"
# Beside photographs in great numbers: not worth opening.
_COMPANIONS = (
    "7z aae apk cos cube db dop gpx ini iso lnk log lrcat lrprev lrtemplate m4a md nksc npy npz "
    "on1 parquet plist pp3 pt pth rar rss safetensors sqlite thumbdata toml url xmp yaml yml"
)


def _known_kinds() -> dict[str, str]:
    """What each ending with the dot that is no picture's here is counted as."""
    types = mimetypes.MimeTypes()  # Python's own table: the same on every machine
    guessed = types.types_map[False] | types.types_map[True]
    kinds = {f".{name}": OTHER for name in _COMPANIONS.split()} | dict.fromkeys(
        types.encodings_map, OTHER
    )
    for suffix, kind in guessed.items():
        if kind.startswith(("image/", "video/")):
            kinds[suffix] = suffix.removeprefix(".")
        elif kind != "application/octet-stream":  # which says that nothing is known
            kinds[suffix] = OTHER
    named = " ".join((_RAW, _WITHOUT_DECODER, _MOVING, _UNFINISHED_DOWNLOADS))
    kinds |= {f".{name}": name for name in named.split()}
    return {suffix: kind for suffix, kind in kinds.items() if suffix not in SUPPORTED_SUFFIXES}


_KNOWN_KINDS = _known_kinds()


def kind_of(name: str) -> str:
    """What a file is by its ending: `IMAGE`, `UNKNOWN`, `OTHER`, or a picture or video that is not
    read, by its ending in lower case without the dot.
    """
    suffix = os.path.splitext(name)[1].lower()
    return IMAGE if suffix in SUPPORTED_SUFFIXES else _KNOWN_KINDS.get(suffix, UNKNOWN)


@dataclass
class LeftOut:
    """What a walk through a folder saw and did not take.

    Attributes:
        kinds: files by `kind_of`; there are few kinds, so this stays small.
        nomedia: folders that hold a `.nomedia`, by their path below the gallery; "" is the
            gallery itself, which is indexed all the same, since somebody named it.
        nomedia_images: pictures, by their endings, in and below those folders.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    nomedia: list[str] = field(default_factory=list)
    nomedia_images: int = 0

    def count(self, kind: str, hidden: bool) -> None:
        """Count a file that was not taken; `hidden` by a `.nomedia`."""
        if not hidden:
            self.kinds[kind] += 1
        elif kind == IMAGE:
            self.nomedia_images += 1

    def by_number(self) -> tuple[tuple[str, int], ...]:
        """Kinds and how many files of each; the most frequent first, `OTHER` last."""
        return tuple(sorted(self.kinds.items(), key=lambda one: (one[0] == OTHER, -one[1], one[0])))

    def named_folders(self) -> tuple[str, ...]:
        """The first folders with a `.nomedia`; the gallery itself is `.`."""
        return tuple(folder or "." for folder in self.nomedia[:_SHOWN_FOLDERS])
