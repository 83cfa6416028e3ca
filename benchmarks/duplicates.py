"""From which cosine on two photographs are one: copies against different photographs.

    python benchmarks/duplicates.py [FOLDER] [--model starter]

Of each photograph below FOLDER (the example gallery, without its drawn signs) copies are made as
they arise in life: smaller, compressed again, cropped, turned grey, framed. Against these stand
what must not be called copies: the photograph's nearest other one, and two parts of one
photograph that hardly overlap, as in two shots of one thing. "Found" is what the app calls copies:
a cosine of NEAR, or the same look by a hash and a cosine of SAME_VECTOR. Then: how long the groups
of so many vectors take.
"""

import argparse
import io
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from clip_app.gallery.search import SAME_LOOK_BITS, SAME_VECTOR  # noqa: E402
from clip_app.gallery.similar import NEAR, leaders_of  # noqa: E402
from clip_app.images import difference_hash, load_image  # noqa: E402
from clip_app.model.slot import load_model  # noqa: E402
from clip_app.scoring import unit  # noqa: E402
from clip_app.settings import Settings  # noqa: E402

THRESHOLDS = (0.90, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)


def again(image: Image.Image, kind: str, quality: int) -> Image.Image:
    """As it comes back from a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, quality=quality)
    return Image.open(buffer).convert("RGB")


def part(image: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    """What lies within shares of its width and height."""
    width, height = image.size
    return image.crop(
        (int(left * width), int(top * height), int(right * width), int(bottom * height))
    )


def smaller(image: Image.Image, share: float) -> Image.Image:
    """Its sides times `share`."""
    return image.resize([max(1, int(side * share)) for side in image.size])


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half the size": lambda one: smaller(one, 0.5),
    "a quarter of the size": lambda one: smaller(one, 0.25),
    "JPEG, quality 75": lambda one: again(one, "JPEG", 75),
    "JPEG, quality 30": lambda one: again(one, "JPEG", 30),
    "half the size, WebP, quality 50": lambda one: again(smaller(one, 0.5), "WEBP", 50),
    "2 % cut off each side": lambda one: part(one, 0.02, 0.02, 0.98, 0.98),
    "5 % cut off each side": lambda one: part(one, 0.05, 0.05, 0.95, 0.95),
    "10 % cut off each side": lambda one: part(one, 0.1, 0.1, 0.9, 0.9),
    "a fifth brighter": lambda one: ImageEnhance.Brightness(one).enhance(1.2),
    "mirrored": ImageOps.mirror,
    "grey": lambda one: ImageOps.grayscale(one).convert("RGB"),
    "white frame of 5 %": lambda one: ImageOps.expand(one, one.width // 20, "white"),
}
PARTS = ((0, 0, 0.6, 1), (0.4, 0, 1, 1))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "assets/gallery/examples")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--speed", action="store_true", help="only how long it takes")
    parsed = parser.parse_args()
    if not parsed.speed:
        compare(parsed.folder, parsed.model)
    speed()


def compare(folder: Path, model: str) -> None:
    """Print how alike copies and others are."""
    service = load_model(Settings(model=model, device="cpu"))
    paths = [p for p in sorted(folder.rglob("*.jpg")) if p.is_file()]
    images = [load_image(path) for path in paths]
    plain = service.encode_images(images)
    looks = looks_of(images)
    print(f"{len(images)} photographs, {service.info.name}; share found from a cosine of …\n")
    print("| | " + " | ".join(f"{one:.2f}" for one in THRESHOLDS) + " | median | found |")
    print("|---|" + "---|" * (len(THRESHOLDS) + 2))
    for name, change in COPIES.items():
        changed = [change(one) for one in images]
        cosines = (plain * service.encode_images(changed)).sum(1)
        tell(name, cosines, looks ^ looks_of(changed))
    among = plain @ plain.T
    np.fill_diagonal(among, -1)
    nearest = among.argmax(1)
    tell("**not copies:** the nearest other", among.max(1), looks ^ looks[nearest])
    left, right = ([part(one, *box) for one in images] for box in PARTS)
    cosines = (service.encode_images(left) * service.encode_images(right)).sum(1)
    tell("**not copies:** left and right 60 %", cosines, looks_of(left) ^ looks_of(right))
    print("\nThe nearest pairs of different photographs:")
    for n in np.argsort(-among.max(1))[:10:2]:
        print(f"{among[n].max():.3f} {paths[n].stem} and {paths[nearest[n]].stem}")


def looks_of(images: Sequence[Image.Image]) -> np.ndarray:
    """Their perceptual hashes, uint64."""
    return np.array([difference_hash(one) for one in images], np.uint64)


def tell(name: str, cosines: np.ndarray, differing: np.ndarray) -> None:
    """A row of the table."""
    shares = " | ".join(f"{100 * (cosines >= one).mean():.0f} %" for one in THRESHOLDS)
    same = (np.bitwise_count(differing) <= SAME_LOOK_BITS) & (cosines >= SAME_VECTOR)
    found = f"{100 * (same | (cosines >= NEAR)).mean():.0f} %"
    print(f"| {name} | {shares} | {np.median(cosines):.3f} | {found} |", flush=True)


def speed() -> None:
    """How long the groups take of vectors that are spread as those of photographs."""
    rng = np.random.default_rng(0)
    with np.load(ROOT / "assets/gallery/vectors.npz") as prepared:
        known = prepared["vectors"].astype(np.float32)
    known = unit(known @ np.linalg.qr(rng.standard_normal((known.shape[1], 512)))[0])
    print("\n| vectors of 512 | seconds | of a core | copies found |\n|---|---|---|---|")
    for number in (1_000, 10_000, 30_000, 100_000):
        mixed = rng.dirichlet(np.full(3, 0.5), number)
        rows = sum(mixed[:, [n]] * known[rng.integers(0, len(known), number)] for n in range(3))
        rows = unit(unit(rows) + rng.normal(0, 0.6 / 512**0.5, rows.shape))
        copies = number // 100
        rows[-copies:] = unit(rows[:copies] + rng.normal(0, 0.15 / 512**0.5, (copies, 512)))
        # Random looks are no one's copies.
        looks = rng.integers(0, 2**63, number, np.uint64)
        begun, spent = time.perf_counter(), time.process_time()
        leaders = leaders_of(rows, looks, NEAR)
        seconds, spent = time.perf_counter() - begun, time.process_time() - spent
        led = leaders != np.arange(number)
        print(
            f"| {number:,} | {seconds:.1f} | {spent:.1f} | {led.sum():,} of {copies:,} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
