"""Galleries of generated photographs, and what an index of them must hold."""

import contextlib
import hashlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from clip_app.gallery.index_report import IndexReport
from clip_app.gallery.indexer import index_folder
from clip_app.gallery.roots import Roots
from clip_app.gallery.stores.sqlite_store import SqliteStore
from clip_app.gallery.stores.store import Entry, IndexKey
from clip_app.images import load_image
from clip_app.model.service import ModelService


def picture(seed: int, side: int = 64) -> Image.Image:
    """A picture that no other seed makes, cheap to make and to decode."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    return Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)


def picture_bytes(seed: int, kind: str = "PNG", side: int = 64, **options: Any) -> bytes:
    """The bytes of a picture file; PNG where the pixels must come out as they went in."""
    buffer = io.BytesIO()
    picture(seed, side).save(buffer, kind, **options)
    return buffer.getvalue()


@contextlib.contextmanager
def written_by_nobody(folder: Path) -> Iterator[None]:
    """A folder that this process can read and not write, as on a read-only disk.

    Root may write whatever the modes say, so it becomes another user meanwhile.
    """
    everything = [folder, *folder.rglob("*")]
    modes = {path: path.stat().st_mode for path in everything}
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    is_root = sys.platform != "win32" and os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        for path, mode in modes.items():
            if path.exists():
                path.chmod(mode)


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def fill(folder: Path, seeds: Iterable[int], below: str = "") -> None:
    """A photograph for each seed, half of them JPEG."""
    for seed in seeds:
        kind, suffix = ("JPEG", "jpg") if seed % 2 else ("PNG", "png")
        put(folder / below / f"photo {seed:04d}.{suffix}", picture_bytes(seed, kind))


def open_store(service: ModelService, place: Path, folder: Path) -> SqliteStore:
    info = service.info
    key = IndexKey(folder.resolve(), info.name, info.fingerprint, info.embedding_size)
    return SqliteStore(place, key, create=True)


def index(service: ModelService, store: SqliteStore, **options: Any) -> IndexReport:
    return index_folder(service, store, Roots.of([store.key.folder]), **options)


@pytest.fixture(scope="module")
def indexed_store(
    service: ModelService, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SqliteStore]:
    """The index of a module's `folder`."""
    store = open_store(service, tmp_path_factory.mktemp("index"), folder)
    assert index(service, store).broken_total == 0
    yield store
    store.close()


def contents(store: SqliteStore) -> dict[str, np.ndarray]:
    """Every file that has a vector, with it."""
    known = store.records([*store.paths()])
    found = {path: one.hash for path, one in known.items() if one.error is None}
    vectors = store.vectors(sorted({*found.values()}))
    return {path: vectors[content] for path, content in found.items()}


def expected(service: ModelService, folder: Path) -> dict[str, np.ndarray]:
    """What the index must hold: each readable file decoded and encoded by itself."""
    vectors = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                image = load_image(path)
            except Exception:  # noqa: BLE001 - a broken file has no vector
                continue
            vectors[os.fspath(path.relative_to(folder))] = service.encode_images([image])[0]
    return vectors


def assert_same(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert sorted(found) == sorted(wanted)
    for path, vector in wanted.items():
        np.testing.assert_allclose(found[path], vector, atol=1e-5, err_msg=repr(path))


def unit(seed: int, dim: int = 16) -> np.ndarray:
    vector = np.random.default_rng(seed).standard_normal(dim).astype(np.float32)
    return vector / np.linalg.norm(vector)


def digest(seed: int) -> bytes:
    return hashlib.blake2b(str(seed).encode(), digest_size=16).digest()


def entry(path: str, seed: int, dim: int = 16, taken: int = 0) -> Entry:
    """A file whose image is that of the seed, with a made-up vector: for tests of the store."""
    return Entry(path, 1, 1, digest(seed), taken, unit(seed, dim), seed * 2654435761 % 2**64)


def small_store(place: Path, dim: int = 16, **key: Any) -> SqliteStore:
    facts = {"folder": Path("/photos"), "model": "m", "fingerprint": "f", "dim": dim, **key}
    return SqliteStore(place, IndexKey(**facts), create=True)
