"""Every tab by keyboard, by screen reader, by finger and on every width, in both languages."""

import re

import pytest

from tests.conftest import EXAMPLES
from tests.test_page import filled, paused

pytestmark = pytest.mark.browser

TABS = ["classify", "match", "gallery", "learn", "model"]
PHONE = {"width": 390, "height": 844}
SIZES = [PHONE, {"width": 820, "height": 1180}, {"width": 1280, "height": 900}]
LANGUAGES = {"zh": "zh-CN", "en": "en-US"}

# More than any tab has, which is two for each of the gallery's 150 photographs: a walk that is
# longer goes in circles.
_MOST_STOPS = 360

# What a person acts on; of a field in a label the label is what is touched.
_ACTED_ON = (
    "button, a[href], input:not([type=hidden]), select, textarea, summary, [contenteditable=true],"
    " [role=button], [role=tab], [role=radio], [role=option], [tabindex='0']"
)

_SEEN = """(one) => {
  const style = getComputedStyle(one);
  return one.checkVisibility({ opacityProperty: false, visibilityProperty: true })
    && style.visibility !== 'hidden' && one.getClientRects().length > 0;
}"""

_DESCRIBED = """(one) => {
  const id = one.closest('[id]')?.id ?? '';
  const said = one.ariaLabel || one.innerText || one.placeholder || one.value || one.name || '';
  return `${one.tagName.toLowerCase()}.${one.className} in #${id}: ${String(said).slice(0, 40)}`;
}"""

# The element that has the focus: what it is, whether a person sees where it is.
_STOP = f"""() => {{
  const seen = {_SEEN};
  const described = {_DESCRIBED};
  const one = document.activeElement;
  if (!one || one === document.body || one === document.documentElement) return null;
  const drawn = [one, one.nextElementSibling, one.parentElement, one.closest('label'),
    one.parentElement?.parentElement, one.parentElement?.parentElement?.parentElement];
  const framed = drawn.filter(Boolean).some((each) => {{
    const style = getComputedStyle(each);
    return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)
      || (each === one && style.boxShadow !== 'none');
  }});
  const box = one.getBoundingClientRect();
  window.reached ??= [];
  const again = window.reached.indexOf(one);
  window.reached.push(one);
  const before = window.reached.at(-2);
  const forward = !before || Boolean(
    before.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
  return {{ what: described(one), framed, again, forward, seen: seen(one),
    onScreen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth }};
}}"""

# What is too small for a finger: [description, width, height], or a field of small letters.
_SMALL = f"""(selector) => {{
  const seen = {_SEEN};
  const described = {_DESCRIBED};
  const found = [];
  for (const one of document.querySelectorAll(selector)) {{
    if (!seen(one) || one.ariaHidden === 'true') continue;
    const within = one.closest('label, summary, button, a[href]') ?? one;
    // A link or a button in the middle of a sentence is as high as its line (WCAG 2.5.8).
    const inline = getComputedStyle(one).display === 'inline' && one.closest('p, li');
    const [box, around] = [one.getBoundingClientRect(), within.getBoundingClientRect()];
    const width = Math.max(box.width, around.width);
    const height = Math.max(box.height, around.height);
    const scrolls = one.matches('[tabindex="0"]:not([role=button], button, input)');
    if (!inline && !scrolls && width > 1 && (width < 39.5 || height < 39.5)) {{
      found.push([described(one), Math.round(width), Math.round(height)]);
    }}
    const typed = one.matches('textarea, select, [contenteditable=true],'
      + ' input:not([type=checkbox], [type=radio], [type=range], [type=file], [type=button])');
    const size = parseFloat(getComputedStyle(one).fontSize);
    if (typed && size < 16) found.push([described(one), `letters of ${{size}} px`]);
  }}
  return found;
}}"""


# What a person acts on that lies beyond the right edge, and that nothing scrolls into view.
_BEYOND = f"""(selector) => {{
  const seen = {_SEEN};
  const described = {_DESCRIBED};
  const scrolls = (one) => {{
    for (let up = one.parentElement; up; up = up.parentElement) {{
      if (/auto|scroll|hidden|clip/.test(getComputedStyle(up).overflowX)
        && up !== document.body && up !== document.documentElement) return true;
    }}
    return false;
  }};
  return [...document.querySelectorAll(selector)]
    .filter((one) => seen(one) && one.getBoundingClientRect().width > 1
      && one.getBoundingClientRect().right > innerWidth + 1 && !scrolls(one))
    .map(described);
}}"""


def unfold(page, tab: str) -> None:
    """Show a tab, open its folded parts and fill the batch."""
    page.evaluate("tab => window.clipApp.show(tab)", tab)
    filled(page, tab)
    if tab == "classify":
        page.locator("#batch > button").click()
        page.locator("#batch input[type=file]").set_input_files(
            [EXAMPLES / "cat.jpg", EXAMPLES / "rocket.jpg"]
        )
        page.locator("#batch .up-strip img").nth(1).wait_for()
        page.locator("#batch-button").click()
        page.locator("#batch .tile").nth(1).wait_for()
        page.locator("#batch-csv").wait_for()
    if tab == "match":
        page.locator("#matrix > button").click()
        page.locator("#matrix td.best").first.wait_for()
    if tab == "learn":  # asked as they come into view; an answer moves what is below it
        for question in page.locator("#room-learn .question").all():
            question.scroll_into_view_if_needed()
            paused(page, 200)
        page.wait_for_function(
            """() => {
              const room = document.querySelector('#room-learn');
              const before = window.height;
              window.height = document.documentElement.scrollHeight;
              return window.height === before && !room.querySelector('.stale')
                && [...room.querySelectorAll('img')]
                  .every((one) => one.complete || !one.checkVisibility());
            }""",
            polling=1500,
        )
    page.evaluate("window.scrollTo(0, 0); document.activeElement?.blur()")


@pytest.mark.parametrize("tab", TABS)
def test_the_keyboard_reaches_everything_in_order_and_leaves_again(app, open_at, tab):
    """Round the page once, beginning where it was clicked last."""
    page = open_at(app.url, LANGUAGES["en"], SIZES[-1])
    unfold(page, tab)
    stops, left = [], 0
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        if stop is None:
            left += 1
            continue
        if stops and stop["again"] == 0:
            break
        stops.append(stop)
    else:
        raise AssertionError(f"goes in circles: {[one['what'] for one in stops[-8:]]}")
    assert len(stops) > 8
    assert left <= 1, "the focus is lost on the way"
    assert [one["what"] for one in stops if one["again"] >= 0] == [], (
        "came back to what it had left"
    )
    assert [one["what"] for one in stops if not (one["seen"] and one["onScreen"])] == []
    assert [one["what"] for one in stops if not one["framed"]] == [], "where is the focus?"
    back = [one["what"] for one in stops if not one["forward"]]
    assert len(back) <= 1, "jumps back, not only from the end to the beginning"


def names(page) -> list[tuple[str, str]]:
    """(role, name) of what a screen reader can act on or reads as a heading or a picture."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    roles = {
        *("button", "link", "textbox", "searchbox", "combobox", "checkbox", "radio", "slider"),
        *("tab", "switch", "option", "spinbutton", "listbox", "menuitem", "heading", "image"),
        *("dialog", "region", "group"),
    }
    told = []
    for node in nodes:
        role = node.get("role", {}).get("value", "")
        if not node.get("ignored") and role in roles:
            told.append((role, node.get("name", {}).get("value", "")))
    session.detach()
    return told


# What is the same in both languages: names of things and formats, numbers, file names, addresses.
_SAME = re.compile(
    r"CLIP|English|CSV|JSON|PNG|SVG|API|EN|ImageNet|CIFAR|softmax|GPU|CPU|open_clip|hf-hub|HF_ENDPOINT"
    r"|\.?zip|\.txt|\.csv|\b[\w.-]+\.(?:jpe?g|png|webp|heic)\b|\b[KMG]B\b|[a-z0-9]+(?:[-_/:][A-Za-z0-9.]+)+"
    r"|Esc|Enter|Ctrl|YYYY-MM-DD|MIT|Apache|starter|torch|onnx|float32|int8|softmax",
    re.IGNORECASE,
)


def misnamed(told: list[tuple[str, str]], language: str) -> list[tuple[str, str]]:
    """What has a name in the other language, or none although a person can act on it."""
    nameless = [
        (role, name)
        for role, name in told
        if role not in ("image", "group", "region") and not name.strip()
    ]
    if language == "zh":
        return nameless + [
            (role, name)
            for role, name in told
            if re.search("[A-Za-z]{2}", _SAME.sub("", name)) and not re.search("[一-鿿]", name)
        ]
    return nameless + [
        (role, name)
        for role, name in told
        if re.search("[一-鿿]", name.replace("中文", "").replace("中", ""))
    ]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("viewport", SIZES, ids=[str(one["width"]) for one in SIZES])
def test_every_tab_fits_is_named_in_its_language_and_hit_by_fingers(
    app, open_at, language, viewport
):
    """One visit that goes through all tabs: nothing is wider than the screen, everything has a
    name, and on a phone fingers hit what they aim at and fields do not zoom.
    """
    page = open_at(app.url, LANGUAGES[language], viewport)
    for tab in TABS:
        unfold(page, tab)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, tab
        assert page.evaluate(_BEYOND, _ACTED_ON) == [], tab
        told = names(page)
        assert misnamed(told, language) == [], tab
        assert [name for role, name in told if role == "heading"], tab
        if viewport is PHONE:
            assert page.evaluate(_SMALL, _ACTED_ON) == [], tab
