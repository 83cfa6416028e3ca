"""What lies in a .zip from anywhere: each entry's real name, and its bytes or why there are none.

Archives come from Macs, Chinese Windows, phones and exporters. One entry that cannot be read costs
that entry; only an archive whose table of contents is gone is refused as a whole.
"""

import contextlib
import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from clip_app.errors import EntryError, InputError
from clip_app.images import shown_name

# Fields of the format (PKWARE, APPNOTE.TXT 4.4.4 and 4.6.9).
_ENCRYPTED, _UTF8 = 1 << 0, 1 << 11
_ZIP64, _UNICODE_PATH, _NO_FIELD = 0x0001, 0x7075, 0xFFFF
_IN_ZIP64 = 0xFFFFFFFF
_CENTRAL, _LOCAL = b"PK\x01\x02", b"PK\x03\x04"

# What unpacking raises for bytes it cannot use; OSError is bz2's word for them.
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, ValueError)

# DOS letters with accents in cp437. GB 18030 pairs two of these bytes for rare characters only.
_DOS_LETTERS = frozenset(range(0x80, 0xA6))

# Newer needs than Python knows; what cannot be read after all fails at its own entry.
_NEWEST_VERSION = 63

# How files begin that are named .zip and are something else.
_OTHER_ARCHIVES = {
    b"Rar!": "RAR",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}


class Archive:
    """A .zip that is open for reading."""

    def __init__(self, path: Path, name: str) -> None:
        """Open it and read its table of contents.

        Args:
            path: where it lies.
            name: what to call it.

        Raises:
            InputError: if it is another kind of archive, or its table of contents cannot be read.
        """
        self.name = name
        try:
            self._zip = _opened(path)
        except (*_DAMAGE, NotImplementedError, struct.error) as error:
            kind = _other_kind(path)
            key = "archive_other_kind" if kind else "archive_damaged"
            raise InputError(key, name=shown_name(name), kind=kind) from error

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def __len__(self) -> int:
        return len(self._zip.filelist)

    def files(self) -> Iterator[tuple[str, zipfile.ZipInfo]]:
        """The name and the entry of every file in it, in the order of its table of contents."""
        for entry in self._zip.filelist:
            name = entry_name(entry)
            if not name.endswith(("/", "\\")):
                yield name, entry

    @contextlib.contextmanager
    def open(self, entry: zipfile.ZipInfo) -> Iterator["IO[bytes]"]:
        """An entry's bytes.

        Raises:
            EntryError: if they cannot be unpacked, at once or while they are read.
        """
        name = shown_name(entry_name(entry))
        if entry.flag_bits & _ENCRYPTED:
            raise EntryError("entry_encrypted", name=name)
        try:
            with self._zip.open(entry) as source:
                yield io.BufferedReader(_Unpacked(source, name))
        except EntryError:
            raise
        except NotImplementedError as error:
            raise EntryError("entry_method", name=name) from error
        except (*_DAMAGE, RuntimeError) as error:
            raise EntryError("entry_damaged", name=name) from error


class _Unpacked(io.RawIOBase):
    """An entry's bytes, whose damage is told apart from a disk that cannot be written."""

    def __init__(self, source: IO[bytes], name: str) -> None:
        self._source = source
        self._name = name

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        """Fill `buffer`; returns how much of it."""
        try:
            block = self._source.read(len(buffer))
        except (*_DAMAGE, RuntimeError, NotImplementedError) as error:
            raise EntryError("entry_damaged", name=self._name) from error
        buffer[: len(block)] = block
        return len(block)


def entry_name(entry: zipfile.ZipInfo) -> str:
    """The name that whoever packed an entry gave it.

    Marked as UTF-8, it is UTF-8. Else a name of Info-ZIP's extra field counts; else UTF-8, which
    Macs write without the mark and which other encodings hardly ever look like; else GB 18030, as
    Chinese Windows writes; else cp437, as the format says. It is cp437 also where no byte means
    anything but a letter with an accent there: café and München, not three rare characters.
    """
    if entry.flag_bits & _UTF8:
        return entry.orig_filename
    raw = entry.orig_filename.encode("cp437")
    if (name := _unicode_path(entry.extra, raw)) is not None:
        return name
    western = all(byte < 0x80 or byte in _DOS_LETTERS for byte in raw)
    for encoding in ("utf-8",) if western else ("utf-8", "gb18030"):
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode(encoding)
    return entry.orig_filename


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in the extra field 0x7075, if it belongs to the name `raw`."""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and len(field) > 5 and field[0] == 1:
            (checksum,) = struct.unpack("<I", field[1:5])
            if checksum == zlib.crc32(raw):
                with contextlib.suppress(UnicodeDecodeError):
                    return field[5:].decode("utf-8")
    return None


def _other_kind(path: Path) -> str | None:
    """What a file that is no .zip is, if it is another kind of archive."""
    with open(path, "rb") as file:
        head = file.read(512)
    if head[257:262] == b"ustar":
        return "tar"
    return next((kind for mark, kind in _OTHER_ARCHIVES.items() if head.startswith(mark)), None)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (UnicodeDecodeError, NotImplementedError, zipfile.BadZipFile, struct.error):
        if not zipfile.is_zipfile(path):
            raise
        # One line of the table of contents is not as Python wants it, for which it refuses the
        # archive. Uploads are small enough to be changed in memory.
        return zipfile.ZipFile(io.BytesIO(_mended(path.read_bytes())))


def _mended(data: bytes) -> bytes:
    """The archive without what makes Python refuse the whole of it for one entry."""
    changed = bytearray(data)
    for signature, flags, length, name in ((_CENTRAL, 8, 28, 46), (_LOCAL, 6, 26, 30)):
        start = data.find(signature)
        while start >= 0 and start + name <= len(data):
            (bits,) = struct.unpack_from("<H", data, start + flags)
            size, extra = struct.unpack_from("<HH", data, start + length)
            end = start + name + size
            try:
                data[start + name : end].decode("utf-8")
            except UnicodeDecodeError:  # marked as UTF-8 or not, it is read like one without
                struct.pack_into("<H", changed, start + flags, bits & ~_UTF8)
            if signature == _CENTRAL:
                changed[start + 6] = min(data[start + 6], _NEWEST_VERSION)
                far = struct.unpack_from("<II", data, start + 20)
                far += struct.unpack_from("<I", data, start + 42)
                fields = data[end : end + extra]
                if len(fields) >= 4 and not _is_sound(fields, 8 * far.count(_IN_ZIP64)):
                    struct.pack_into("<HH", changed, end, _NO_FIELD, extra - 4)
            start = data.find(signature, start + 4)
    return bytes(changed)


def _is_sound(extra: bytes, far: int) -> bool:
    """Whether the extra fields of an entry are whole, and those that Python reads are readable.

    `far` is how many bytes of sizes and places must be in the field of Zip64, if there is one.
    """
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if len(field) < length or (kind == _ZIP64 and length < far):
            return False
        if kind == _UNICODE_PATH:
            try:
                field[5:].decode("utf-8")
            except UnicodeDecodeError:
                return False
            if length < 5:
                return False
    return True
