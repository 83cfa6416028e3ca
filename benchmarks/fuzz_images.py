"""Mutate pictures of every format and decode them: what must never happen is a fault.

`python benchmarks/fuzz_images.py --seconds 600` prints how many were tried, read and refused, by
format and error. A fault is any exception but `ImageError`, more than 10 s of processor time, or
more than 3 GB; its file is kept in the folder of --faults.
"""

import argparse
import io
import random
import resource
import struct
import sys
import time
import traceback
import warnings
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clip_app.errors import ImageError
from clip_app.images import date_taken, load_image

_SLOW_SECONDS = 10
_MOST_KILOBYTES = 3 * 2**20
_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


def samples() -> dict[str, bytes]:
    """A small picture in every format and in the variants that take ways of their own."""
    y, x = np.mgrid[0:90, 0:120]
    blue = 128 + 100 * np.sin(x / 9) * np.cos(y / 7)
    photo = Image.fromarray(np.stack([x * 2, y * 2, blue], -1).astype(np.uint8))
    black = Image.new("RGB", photo.size)
    grey = Image.fromarray((np.asarray(photo.convert("L"), np.uint16)) << 4)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    options: dict[str, tuple[Image.Image, str, dict]] = {
        "jpeg": (photo, "JPEG", {"exif": exif}),
        "jpeg progressive": (photo, "JPEG", {"progressive": True}),
        "jpeg cmyk": (photo.convert("CMYK"), "JPEG", {}),
        "mpo": (photo, "MPO", {"save_all": True, "append_images": [black]}),
        "png": (photo, "PNG", {"exif": exif}),
        "png 16 bit": (grey, "PNG", {}),
        "png palette": (photo.quantize(64), "PNG", {"transparency": 3}),
        "apng": (black, "PNG", {"save_all": True, "append_images": [photo, photo]}),
        "webp": (photo, "WEBP", {"exif": exif}),
        "webp lossless": (photo, "WEBP", {"lossless": True}),
        "webp animated": (black, "WEBP", {"save_all": True, "append_images": [photo]}),
        "avif": (photo, "AVIF", {"exif": exif}),
        "avif animated": (black, "AVIF", {"save_all": True, "append_images": [photo]}),
        "heic": (photo, "HEIF", {"exif": exif.tobytes()}),
        "heic of two": (photo, "HEIF", {"save_all": True, "append_images": [black]}),
        "gif": (photo, "GIF", {}),
        "gif animated": (black, "GIF", {"save_all": True, "append_images": [photo, photo]}),
        "tiff": (photo, "TIFF", {"exif": exif}),
        "tiff lzw": (photo, "TIFF", {"compression": "tiff_lzw"}),
        "tiff jpeg": (photo, "TIFF", {"compression": "jpeg"}),
        "tiff pages": (black.resize((9, 9)), "TIFF", {"save_all": True, "append_images": [photo]}),
        "tiff 16 bit": (grey, "TIFF", {"compression": "tiff_adobe_deflate"}),
        "bmp": (photo, "BMP", {}),
        "bmp palette": (photo.quantize(64), "BMP", {}),
        "jpeg 2000": (photo, "JPEG2000", {}),
        "ppm": (photo, "PPM", {}),
        "pgm 16 bit": (grey, "PPM", {}),
    }
    return {kind: _encoded(*how) for kind, how in options.items()}


def _encoded(image: Image.Image, format_name: str, options: dict) -> bytes:
    file = io.BytesIO()
    image.save(file, format_name, **options)
    return file.getvalue()


def flipped(data: bytearray, rng: random.Random) -> bytearray:
    """One to thirty bits turned, most of them near the beginning."""
    for _ in range(rng.randint(1, 30)):
        data[int(len(data) * rng.random() ** 2)] ^= 1 << rng.randrange(8)
    return data


def cut(data: bytearray, rng: random.Random) -> bytearray:
    """The file without its end; mostly a short one."""
    return data[: int(len(data) * (1 - rng.random() ** 3))]


def spliced(data: bytearray, rng: random.Random) -> bytearray:
    """A piece of the file left out, doubled, zeroed or replaced by noise."""
    start, end = sorted(rng.sample(range(len(data) + 1), 2))
    end = min(end, start + rng.choice((4, 64, 1024, len(data))))
    piece = rng.choice((b"", data[start:end] * 2, bytes(end - start), rng.randbytes(end - start)))
    data[start:end] = piece
    return data


def swapped(data: bytearray, rng: random.Random) -> bytearray:
    """Two pieces, such as chunks, in each other's place."""
    a, b, c, d = sorted(rng.sample(range(len(data) + 1), 4))
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def enlarged(data: bytearray, rng: random.Random) -> bytearray:
    """Numbers of two or four bytes in the header replaced by extreme ones."""
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(min(len(data) - 4, 400))
        number, kind = rng.choice(_INTERESTING), rng.choice((">H", "<H", ">I", "<I"))
        struct.pack_into(kind, data, place, number & (0xFFFF if kind[1] == "H" else 0xFFFFFFFF))
    return data


def checked(data: bytearray, rng: random.Random) -> bytearray:
    """A PNG chunk changed and its checksum made right, so that the decoder reads on."""
    at, chunks = 8, []
    while data.startswith(b"\x89PNG") and at + 12 <= len(data):
        end = at + 8 + struct.unpack_from(">I", data, at)[0]
        if end + 4 > len(data):
            break
        chunks.append((at, end))
        at = end + 4
    if not chunks:
        return flipped(data, rng)
    start, end = rng.choice(chunks)
    if end > start + 8:
        data[rng.randrange(start + 8, end)] = rng.randrange(256)
    struct.pack_into(">I", data, end, zlib.crc32(data[start + 4 : end]))
    return data


MUTATIONS: tuple[Callable[[bytearray, random.Random], bytearray], ...] = (
    *(flipped, cut, spliced, swapped, enlarged, checked),
)


def attempt(data: bytes, target: int | None) -> tuple[str, str]:
    """(outcome, traceback or reason): "read", the key of an `ImageError`, or "FAULT"."""
    began = time.process_time()  # not the clock: other programs may be at work beside it
    try:
        date_taken(data)
        image = load_image(data, target_side=target)
        outcome = "read" if image.mode == "RGB" else "FAULT"
    except ImageError as error:
        outcome = error.key
    except Exception:  # noqa: BLE001  # a fault of any kind is what is looked for
        return "FAULT", traceback.format_exc()
    took = time.process_time() - began
    if took > _SLOW_SECONDS:
        return "FAULT", f"{took:.1f} s"
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if used > _MOST_KILOBYTES:
        return "FAULT", f"{used / 2**20:.2f} GB"
    return outcome, ""


def run(seed: int, seconds: float, faults: Path) -> dict[str, Counter[str]]:
    """Mutate and decode for some time; how often each outcome came, by format."""
    warnings.simplefilter("ignore")
    rng, files = random.Random(seed), samples()
    kinds, counted = sorted(files), defaultdict(Counter)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        kind = rng.choice(kinds)
        data = bytearray(files[kind])
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            if len(data) > 8:
                data = rng.choice(MUTATIONS)(data, rng)
        # Written first, so that what kills the process is kept too.
        current = faults / f"running-{seed}"
        current.write_bytes(data)
        outcome, reason = attempt(bytes(data), rng.choice((None, 16, 448)))
        counted[kind][outcome] += 1
        if outcome == "FAULT":
            number = counted[kind][outcome]
            name = f"{kind.replace(' ', '-')}-{seed}-{number}"
            current.rename(faults / name)
            (faults / f"{name}.txt").write_text(reason)
    (faults / f"running-{seed}").unlink(missing_ok=True)
    return dict(counted)


def main() -> None:
    """Run it in one or several processes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=Path, default=Path("fuzz-faults"))
    options = parser.parse_args()
    options.faults.mkdir(parents=True, exist_ok=True)
    total: dict[str, Counter[str]] = defaultdict(Counter)
    seeds = range(options.seed, options.seed + options.processes)
    with ProcessPoolExecutor(options.processes) as pool:
        jobs = [pool.submit(run, seed, options.seconds, options.faults) for seed in seeds]
        for job in jobs:
            for kind, outcomes in job.result().items():
                total[kind].update(outcomes)
    total["all"] = sum(total.values(), Counter())
    columns = sorted(total["all"], key=lambda key: (key != "read", key))
    print("| format | tried | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * (len(columns) + 1))
    for kind, outcomes in total.items():
        cells = [outcomes.total(), *(outcomes[column] for column in columns)]
        print(f"| {kind} | " + " | ".join(map(str, cells)) + " |")
    sys.exit(1 if total["all"]["FAULT"] else 0)


if __name__ == "__main__":
    main()
