"""The map of a gallery in a real Chromium: points, names, the drawer, an area as a filter."""

import base64
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import TimeoutError

from clip_app.gallery.galleries import EXAMPLES
from clip_app.gallery.gallery import open_gallery
from clip_app.gallery.prepared import prepared_for
from tests.test_gallery_page import counted
from tests.test_page import DESKTOP, PHONE, paused

pytestmark = pytest.mark.browser

_LISTEN = """
window.told = {};
for (const one of ['found', 'map-made', 'map-likeness'])
  addEventListener(`clipapp:${one}`, ({ detail }) => { if (detail) window.told[one] = detail; });
"""

SET_SIZE = "n => document.querySelector('#finder .tile')?.ariaSetSize === String(n)"


@pytest.fixture(scope="module")
def drawn(service, tmp_path_factory):
    """The example gallery's map, drawn here: which photograph each point is."""
    opened = open_gallery(EXAMPLES, service, index_dir=tmp_path_factory.mktemp("index"))
    opened.index(prepared=prepared_for(service.info.fingerprint))
    return opened.map()


def screen(places, width: float, height: float) -> np.ndarray:
    """Where points lie in a window that shows all of the map."""
    first, last = places.min(0).astype(float), places.max(0).astype(float)
    margin = min(56, width / 12, height / 8)
    size = np.array([width, height])
    zoom = ((size - 2 * margin) / (last - first)).min()
    return (places - (first + last) / 2) * zoom + size / 2


def within(corners: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Which points lie within a line that closes by itself, by the even-odd rule."""
    x, y = places.astype(float).T
    odd = np.zeros(len(places), bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, 0), strict=True):
        if ay != by:
            odd ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return odd


def corners_in(address: str) -> np.ndarray:
    """The line that an address holds, in the map's units."""
    (among,) = parse_qs(urlsplit(address).query)["among"]
    coded = among.split(".")[1]
    return np.frombuffer(base64.urlsafe_b64decode(coded + "=="), "<u2").reshape(-1, 2).astype(float)


def test_the_map_shows_names_opens_and_filters(app, open_at, drawn):
    page = open_at(f"{app.url}/?tab=gallery", "zh-CN", DESKTOP, shown="#finder .tile")
    page.add_init_script(_LISTEN)
    page.evaluate(_LISTEN)
    page.locator("#finder .views .chart").click()
    page.locator("#finder .map .clusters li").first.wait_for()
    told = page.evaluate("window.told['map-made']")
    places = np.frombuffer(base64.b64decode(told["points"]), "<u2").reshape(-1, 2)
    assert told["state"] == drawn.state
    assert len(places) == told["count"] == 150
    counted(page, "150 张照片")
    assert "150" in page.locator("#finder .map .over").get_attribute("aria-label")
    listed = page.locator("#finder .map .see span")
    assert listed.all_inner_texts() == [one.name["zh"] for one in drawn.clusters]

    # A photograph that no other is near, and on which no name lies, is the one that is told of it.
    stage = page.locator("#finder .map .over")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    spots = screen(places, box["width"], box["height"])
    gaps = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    np.fill_diagonal(gaps, np.inf)
    peek = page.locator("#finder .map .peek")
    for point in np.argsort(-gaps.min(1))[:20]:
        page.mouse.move(box["x"] + spots[point, 0], box["y"] + spots[point, 1])
        name = Path(drawn.paths[point]).name
        with suppress(TimeoutError):  # below a name there is nothing to wait for
            peek.get_by_text(name, exact=True).wait_for(timeout=5_000)
            break
    assert peek.locator("b").inner_text() == name
    page.mouse.down()
    page.mouse.up()
    drawer = page.locator("#finder .drawer")
    drawer.locator(".facts dd").first.wait_for()
    assert drawer.locator(".name").inner_text() == name
    page.keyboard.press("Escape")
    assert drawer.is_hidden()
    # From the third of the photographs that lie near, too, the keyboard goes back to the map.
    stage.focus()
    page.keyboard.press("Enter")
    drawer.locator(".facts dd").first.wait_for()
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('.map .over')")
    # Where there is nothing one zooms in as far as one likes: some photograph stays in view.
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] - 5)
    for _ in range(20):
        page.mouse.wheel(0, -1000)
    page.keyboard.press("+")
    page.wait_for_function(
        "() => /当前看到 [1-9]/.test(document.querySelector('#finder .map .told').innerText)"
    )
    page.keyboard.press("0")
    paused(page, 600)

    # An area, drawn with the button; the grid shows what lies in it and nothing else.
    page.locator("#finder .map .lasso").click()
    middle = np.median(spots, 0)
    turns = np.linspace(0, 2 * np.pi, 30)
    line = middle + np.column_stack(
        [170 * np.cos(turns), 130 * np.sin(turns) + 20 * np.sin(5 * turns)]
    )
    page.mouse.move(box["x"] + line[0, 0], box["y"] + line[0, 1])
    page.mouse.down()
    for x, y in line[1:]:
        page.mouse.move(box["x"] + x, box["y"] + y)
    page.mouse.up()
    page.wait_for_function("() => location.search.includes('among=')")
    chosen = within(corners_in(page.url), places)
    assert np.array_equal(chosen, within(line, spots))
    assert 10 < chosen.sum() < 100  # by the times of the checkout, which order the photographs
    counted(page, f"{chosen.sum()} 张照片")
    page.goto(page.url)
    chip = page.locator("#finder .term").filter(has_text=f"地图上圈选的 {chosen.sum()} 张")
    chip.wait_for()
    page.locator("#finder .map .clusters li").first.wait_for()
    page.locator("#finder .views .grid").click()
    page.wait_for_function(SET_SIZE, arg=int(chosen.sum()))
    found = page.evaluate("window.told.found.rows.map((one) => one.hash)")
    assert found == [drawn.hashes[one].hex() for one in np.flatnonzero(chosen)][:60]  # a page
    page.locator("#finder .query").fill("狗")
    page.locator("#finder .query").press("Enter")
    page.wait_for_function("() => window.told.found.searched")
    assert page.evaluate("window.told.found.total") == chosen.sum()
    chip.get_by_role("button").click()
    page.wait_for_function(SET_SIZE, arg=150)

    # The words lie on the map; a group is a filter, too, and has a name in each language.
    page.go_back()
    page.locator("#finder .views .chart").click()
    page.wait_for_function("() => window.told['map-likeness']?.terms?.[0]?.text === '狗'")
    words = page.locator("#finder .map .words")
    term = page.evaluate("window.told['map-likeness'].terms[0]")
    assert "◆ 狗" in words.inner_text()
    assert f"余弦 {term['cosine']:.2f}" in words.inner_text()
    page.locator(".masthead .languages input[value=en]").check(force=True)
    assert listed.all_inner_texts() == [one.name["en"] for one in drawn.clusters]
    page.locator("#finder .map .only").first.click()
    page.locator("#finder .term").filter(has_text=drawn.clusters[0].name["en"]).wait_for()
    page.locator("#finder .views .grid").click()
    page.wait_for_function(SET_SIZE, arg=drawn.clusters[0].size)
    assert "view=map" not in page.url
    assert ".c0" in page.url
    # An area of another map goes, with a sentence in its place; what is searched stays.
    page.goto(page.url.replace(drawn.state, "0" * 16).replace("?", "?view=map&"))
    page.locator("#finder .term.note").wait_for()
    page.wait_for_function("() => window.told.found?.total === 150")
    page.locator("#finder .map .clusters li").first.wait_for()
    assert page.locator("#finder .term").count() == 1
    assert "among" not in page.url
    assert not page.locator("#finder .problem").first.is_visible()


class Fingers:
    """Touches of a phone's screen, as Chromium takes them from its touch screen."""

    def __init__(self, page) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)

    def _send(self, kind: str, spots=()) -> None:
        touches = [{"x": x, "y": y, "id": one} for one, (x, y) in enumerate(spots)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def follow(self, *ways) -> None:
        """A finger along each of some ways, all of as many places."""
        self._send("touchStart", [way[0] for way in ways])
        for spots in zip(*(way[1:] for way in ways), strict=True):
            self._send("touchMove", spots)
            self._page.wait_for_timeout(16)
        self._send("touchEnd")


def test_fingers_steer_the_map(app, open_at, drawn):
    page = open_at(
        f"{app.url}/?tab=gallery", "zh-CN", PHONE, "#finder .tile", has_touch=True, is_mobile=True
    )
    page.locator("#finder .views .chart").tap()
    page.locator("#finder .map .clusters li").first.wait_for()
    # The view that follows the tap; the whole map can be seen, and the page beside it.
    paused(page, 600)
    box = page.locator("#finder .map .over").bounding_box()
    scrolled = page.evaluate("scrollY")
    corner, middle = np.array([box["x"], box["y"]]), np.array([box["width"], box["height"]]) / 2
    fingers, drawer = Fingers(page), page.locator("#finder .drawer")
    steps = np.linspace(0, 1, 12)[:, None]

    # Two fingers that draw apart to twice as wide, and move 20 pixels: what lay between them does.
    ways = [
        corner + middle + one * (40 + 40 * steps) * [1, 0] + 20 * steps
        for one in (np.array([-1]), 1)
    ]
    fingers.follow(*(way.tolist() for way in ways))
    spots = middle + 2 * (screen(drawn.places, *(2 * middle)) - middle) + 20
    gaps = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    np.fill_diagonal(gaps, np.inf)
    inside = ((spots > 30) & (spots < 2 * middle - [80, 60])).all(1)
    opened = 0
    paused(page, 800)
    for point in [one for one in np.argsort(-gaps.min(1)) if inside[one]][:3]:
        spot = (corner + spots[point]).tolist()
        fingers.follow([spot])
        drawer.locator(".facts dd").first.wait_for()
        opened += drawer.locator(".name").inner_text() == Path(drawn.paths[point]).name
        drawer.locator(".close").tap()
    assert opened == 3
    assert page.evaluate("[scrollY, visualViewport.scale]") == [scrolled, 1]

    # A tap does not end the drawing of an area, two fingers do not draw, one does.
    page.locator("#finder .map .lasso").tap()
    at = corner + middle
    fingers.follow([(corner + 8).tolist()])
    fingers.follow(
        *([(at + np.array([one * far, 0])).tolist() for far in (40, 60)] for one in (-1, 1))
    )
    assert page.locator("#finder .map .lasso").get_attribute("aria-pressed") == "true"
    assert "among=" not in page.url
    turns = np.linspace(0, 2 * np.pi, 24)
    around = at + 110 * np.column_stack([np.cos(turns), np.sin(turns)])
    fingers.follow(around.tolist())
    page.wait_for_function("() => location.search.includes('among=')")
    assert page.locator("#finder .map .lasso").get_attribute("aria-pressed") == "false"

    # On its side the phone keeps room beside the map to scroll the page by.
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_function("() => document.querySelector('#finder .map .over').clientWidth > 700")
    assert page.locator("#finder .map .over").bounding_box()["height"] < 260
