"""What `pip install` gives: a wheel that works by itself, a command, the public names."""

import doctest
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import clip_app
from tests.conftest import EXAMPLES, ROOT
from tests.gallery_helpers import put


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A fresh environment with the wheel in it; the libraries are this environment's."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("clip_app-*.whl")
    venv.create(folder / "env", with_pip=False)
    binary = folder / "env" / "bin"
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    (site / "libraries.pth").write_text(f"{libraries}\n")
    subprocess.run(
        [str(binary / "python"), "-m", "pip", "install", "-q", "--no-deps", "--no-index", wheel],
        check=True,
        cwd=folder,
    )
    return binary


def test_the_wheel_classifies_a_photograph_without_the_checkout(installed, tmp_path):
    told = subprocess.run(
        [
            installed / "clip-app",
            "classify",
            EXAMPLES / "cat.jpg",
            "--labels",
            "cat, dog",
            "--json",
        ],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "CLIP_APP_MODEL": "starter"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(told.stdout)["results"][0]["label"] == "cat"


def test_python_outside_the_checkout_indexes_and_searches(installed, tmp_path):
    program = f"""
import clip_app, sys
assert "checkout" not in clip_app.__file__ and {str(ROOT)!r} not in clip_app.__file__
model = clip_app.load_model("starter", device="cpu")
gallery = clip_app.open_gallery({str(EXAMPLES)!r}, model)
print(gallery.index().encoded)
print(gallery.search("a rocket - people").hits[0].path)
"""
    told = subprocess.run(
        [installed / "python", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        check=True,
    )
    encoded, first = told.stdout.split("\n")[:2]
    assert encoded == "6"
    assert Path(first).name == "rocket.jpg"
    assert (tmp_path / "data" / "clip_app" / "index").is_dir(), "the user's data folder"


def test_the_example_gallery_and_its_vectors_are_in_the_wheel(installed, tmp_path):
    program = """
from clip_app.gallery.galleries import EXAMPLES
from clip_app.gallery.prepared import prepared_for
from clip_app.gallery.stores.store import content_of
from clip_app.model.slot import load_model
from clip_app.settings import Settings
model = load_model(Settings(model="starter", device="cpu"))
hashes = {content_of(path.read_bytes()) for path in EXAMPLES.glob("*/*")}
print(hashes == set(prepared_for(model.info.fingerprint)), len(hashes) > 80)
"""
    told = subprocess.run(
        [installed / "python", "-c", program],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == ["True", "True"]


def test_public_names_are_there_and_documented():
    for name in clip_app.__all__:
        assert getattr(clip_app, name).__doc__, name
    with pytest.raises(AttributeError):
        _ = clip_app.no_such_name


def test_what_python_gives_is_taken_or_told_in_one_sentence(service, tmp_path):
    one, two = service.encode_texts("a cat"), service.encode_texts(["a cat"])
    assert np.array_equal(one, two), "one text, and not one of its letters"
    cat = Image.open(EXAMPLES / "cat.jpg")
    assert service.encode_images(cat).shape == one.shape
    put(tmp_path / "photos" / "cat.jpg", (EXAMPLES / "cat.jpg").read_bytes())
    put(tmp_path / "photos" / "flower.jpg", (EXAMPLES / "flower.jpg").read_bytes())
    gallery = clip_app.open_gallery(tmp_path / "photos", service, index_dir=tmp_path / "index")
    gallery.index()
    for picture in (cat, [cat], (EXAMPLES / "cat.jpg").read_bytes()):
        assert gallery.search(images=picture).hits[-1].path.endswith("flower.jpg")
    for wrong, said in (
        (lambda: clip_app.classify(service, np.asarray(cat), "cat"), "and not ndarray"),
        (lambda: gallery.search(images=[tmp_path / "no.jpg"]), "no.jpg was not found"),
        (lambda: gallery.search(["cat", "dog"]), "must be text, and not list"),
        (lambda: gallery.search("cat", exclude=["dog"]), "must be text, and not list"),
        (lambda: clip_app.load_model("starter", device="gpu"), "device takes one of auto, cuda"),
        (lambda: clip_app.load_model("starter", cache_mb=0), "cache_mb"),
        (lambda: clip_app.load_model(tmp_path / "none"), "There is no model called"),
    ):
        with pytest.raises(clip_app.ClipAppError, match=said):
            wrong()
    with pytest.raises(TypeError, match="there is no setting devise"):
        clip_app.load_model("starter", devise="cpu")


@pytest.mark.slow
def test_the_examples_in_the_package_run(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert doctest.testmod(clip_app).failed == 0
