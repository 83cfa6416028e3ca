"""The page's shell in a real Chromium: header, address, language, theme, names and contrast."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from clip_app.ui.parts import PAGE
from docs.pictures import draw_first
from tests.conftest import App
from tests.test_page import DESKTOP, PHONE, filled, paused, shoot

pytestmark = pytest.mark.browser

TABS = ("classify", "match", "gallery", "learn", "model")
WIDTHS = (1440, 1280, 820, 390)


@pytest.fixture
def open_shell(app, open_at):
    def opened(query: str = "", locale: str = "zh-CN", viewport=DESKTOP, **how):
        return open_at(app.url + query, locale, viewport, shown="", **how)

    return opened


def show(page, tab: str) -> None:
    page.locator(f"#tab-{tab}").click()
    page.wait_for_function("tab => document.body.dataset.tab === tab", arg=tab)


def query_of(page) -> dict[str, str]:
    return {key: one[0] for key, one in parse_qs(urlsplit(page.url).query).items()}


# What is served -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "title"),
    [("zh-CN,en;q=0.5", "CLIP 图文实验室"), ("en", "CLIP image and text lab")],
)
def test_a_link_shows_our_title_sentence_and_picture_and_nothing_of_gradios(app, accepted, title):
    answer = httpx.get(app.url + "/", headers={"accept-language": accepted})
    head = answer.text.partition("</head>")[0].partition("window.gradio_config")[0]
    assert re.findall(r"<title>(.*?)</title>", head) == [title]
    tags = re.findall(r'<meta property="og:(\w+)" content="([^"]*)"', head)
    assert dict(tags)["title"] == title
    assert len({key for key, _ in tags}) == len(tags)
    assert "i18n" not in head
    assert not re.search(r"twitter:creator|gradio\.app|raw\.githubusercontent|Click to try", head)
    picture = httpx.get(dict(tags)["image"])
    assert picture.headers["content-type"] == "image/png"
    assert (PAGE / "share.png").read_bytes() == picture.content
    with Image.open(PAGE / "share.png") as share:
        assert share.size == (1200, 630)


def test_behind_a_proxy_the_picture_has_the_address_that_visitors_use(app):
    headers = {"x-forwarded-proto": "https", "x-forwarded-host": "lab.example.org"}
    page = httpx.get(app.url + "/", headers=headers).text
    assert 'property="og:image" content="https://lab.example.org/page/share.png"' in page


def test_the_page_is_compressed_and_scripts_are_kept(app):
    answer = httpx.get(app.url + "/", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(answer.content) / 2
    script = re.search(r'src="\./(assets/index-[^"]+\.js)"', answer.text)[1]
    assert "immutable" in httpx.get(f"{app.url}/{script}").headers["cache-control"]
    assert httpx.get(f"{app.url}/assets/none.js").headers.get("cache-control") is None


def test_what_gradio_needs_is_named_in_the_head_and_its_styles_are_one(new_context, app):
    page = new_context(locale="en-US", viewport=DESKTOP).new_page()
    asked = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    page.goto(app.url)
    page.wait_for_function("window.clipApp.isReady()")
    head = httpx.get(app.url + "/").text.partition("</head>")[0]
    named = re.findall(r'<link rel="modulepreload" crossorigin href="\.(/assets/[^"]+)">', head)
    scripts = [path for path in asked if path.startswith("/assets/") and path.endswith(".js")]
    assert len(scripts) > 30
    assert set(scripts) <= set(named)
    styles = [path for path in asked if path.endswith(".css") and path != "/theme.css"]
    assert len(styles) == 1
    assert re.fullmatch(r"/page/gradio-\w{16}\.css", styles[0])
    # The page asks for it, and Gradio for nothing else to look as it should.
    assert (
        page.evaluate("getComputedStyle(document.querySelector('#room-classify')).flexDirection")
        == "column"
    )
    theme = re.search(r'href="\.(/theme\.css\?v=[^"]+)"', head)[1]
    for path in (styles[0], styles[0], theme):  # the same for every visitor
        answer = httpx.get(app.url + path)
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] in ("br", "gzip")
        assert len(answer.text) > 5_000


def test_the_first_paint_shows_the_first_example():
    with Image.open(PAGE / "first.webp") as first:
        shown = np.asarray(first.convert("RGB"), np.int16)
    assert np.abs(shown - np.asarray(draw_first(), np.int16)).mean() < 6


def test_the_first_paint_needs_no_script_of_gradios(new_context, app):
    page = new_context(locale="zh-CN", viewport=DESKTOP).new_page()
    page.route("**/assets/**", lambda route: route.abort())
    # The header is whole before the rest of the page, which takes seconds on a slow line.
    page.add_init_script(
        """new MutationObserver((_, watching) => {
          const chosen = document.querySelector('[role=tab][aria-selected=true]');
          if (!chosen) return;
          watching.disconnect();
          window.early = [document.readyState, chosen.dataset.tab,
            document.querySelector('#model-chip').textContent.includes('入门模型')];
        }).observe(document, { subtree: true, childList: true, attributes: true });"""
    )
    page.goto(app.url)
    assert page.evaluate("early") == ["loading", "classify", True]
    assert page.locator("h1:visible").inner_text() == "给 AI 看一张照片，让它在你写的词里选"
    page.wait_for_function("document.querySelector('.first-paint img').naturalWidth === 640")
    assert page.get_by_role("tab").all_inner_texts()[:2] == ["图像分类", "文本匹配"]
    shoot(page, "first-paint")


# The header -----------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_one_low_header_and_nothing_wider_than_the_screen(open_shell, width):
    page = open_shell("", "en-US", {"width": width, "height": 844})
    for tab in TABS:
        show(page, tab)
        paused(page, 300)
        box = page.locator(".masthead").bounding_box()
        assert box["height"] <= 56
        wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, f"{tab} is {wide} px wider than {width} px"
        beyond = page.evaluate(
            "[...document.querySelectorAll('.masthead button, .masthead label, .masthead a')]"
            ".filter((one) => one.getBoundingClientRect().right > innerWidth + 1).length"
        )
        assert beyond == 0
        assert page.locator("h1:visible").count() == 1


def test_arrow_keys_walk_through_the_tabs(open_shell):
    page = open_shell("", "en-US")
    page.get_by_role("tab", name="Classify").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-match"
    assert page.locator("#tab-match").get_attribute("aria-selected") == "true"
    page.keyboard.press("End")
    assert page.evaluate("document.body.dataset.tab") == "model"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.body.dataset.tab") == "classify"
    assert page.locator('[role=tab][tabindex="0"]').count() == 1


def test_the_keyboard_meets_the_header_from_left_to_right(open_shell):
    page = open_shell("", "en-US")
    met = []
    for _ in range(6):
        page.keyboard.press("Tab")
        met.append(
            page.evaluate(
                "document.activeElement.id || document.activeElement.className || "
                "document.activeElement.name"
            )
        )
    assert met[:3] == ["home", "tab-classify", "model-chip"]
    assert met[3:5] == ["page-language", "theme"]


def test_the_chip_names_the_model_and_leads_to_its_tab(open_shell):
    page = open_shell("", "zh-CN")
    chip = page.locator("#model-chip")
    assert chip.inner_text() == "入门模型 · 换更强的"
    chip.click()
    page.locator("#model-catalog li").first.wait_for()
    rows = page.locator("#model-catalog li").all_inner_texts()
    assert "xlm-roberta-base-vit-b-32" in rows[0]
    assert "推荐" in rows[0]
    assert [row for row in rows if "正在用" in row] == [
        one for one in rows if one.startswith("入门模型")
    ]
    assert page.locator("#model-catalog li", has_text="正在用").locator("button").count() == 0


# The address ----------------------------------------------------------------------------------


def test_tabs_stand_in_the_address_and_back_returns_to_them(open_shell):
    page = open_shell("?__theme=light", "en-US")
    show(page, "match")
    show(page, "model")
    assert query_of(page) == {"tab": "model", "__theme": "light"}
    page.go_back()
    page.wait_for_function("document.body.dataset.tab === 'match'")
    page.go_back()
    page.wait_for_function("document.body.dataset.tab === 'classify'")
    page.go_forward()
    page.wait_for_function("document.body.dataset.tab === 'match'")
    page.reload()
    page.wait_for_function("window.clipApp.isReady()")
    assert page.evaluate("document.body.dataset.tab") == "match"


def test_a_link_opens_its_tab_in_its_language(open_shell):
    page = open_shell("?tab=learn&lang=en", "zh-CN")
    assert page.locator("h1:visible").inner_text() == "How it works"
    assert page.title() == "CLIP image and text lab"
    page.locator("#learn-questions a:visible").first.click()
    page.wait_for_function("document.body.dataset.tab === 'match'")
    assert "a close-up of a cat" in query_of(page)["texts"]
    assert page.evaluate("window.clipApp.address.get().lang") == "en"
    page.go_back()
    page.wait_for_function("document.body.dataset.tab === 'learn'")


def test_typing_replaces_the_address_and_a_search_adds_to_it(open_shell):
    page = open_shell("", "en-US")
    before = page.evaluate("history.length")
    page.evaluate("window.clipApp.address.set({labels: 'cat, a & b'})")
    assert query_of(page)["labels"] == "cat, a & b"
    assert page.evaluate("history.length") == before
    page.evaluate("window.clipApp.address.set({q: 'dog', labels: ''}, {push: true})")
    assert query_of(page) == {"q": "dog"}
    assert page.evaluate("history.length") == before + 1


# Uploads --------------------------------------------------------------------------------------

# Each part that takes files: what opens it, where they are chosen, where it is said what is wrong.
_TAKES_FILES = {
    "classify": (
        ("", "#classify-image .file", "#classify-image .problem"),
        ("#teach > button", "#teach .of input[type=file]", "#teach .of .up-said"),
        ("#teach .more summary", "#teach .not input[type=file]", "#teach .not .up-said"),
        ("", "#teach .import input", "#teach .state"),
        ("#batch > button", "#batch input[type=file]", "#batch .up-said"),
        ("#check > button", "#check input[type=file]", "#check .up-said"),
    ),
    "match": (("#matrix > button", "#matrix input[type=file]", "#matrix .up-said"),),
    "gallery": (
        ("", "#finder .file", "#finder .problem"),
        ("#finder .add", "#gallery-intake input[type=file]", "#gallery-intake .up-said"),
        ("#finder .tidy", "#sorting .back input", "#sorting .now"),
    ),
    "learn": (("#learn-pairs summary", "#learn-pairs li input[type=file]", "#learn-pairs .told"),),
}


def test_an_upload_that_fails_is_told_on_every_part_that_takes_files(open_shell, tmp_path):
    file = tmp_path / "a photo (1).png"
    file.write_bytes(b"never arrives")
    page = open_shell("", "en-US")
    page.route("**/gradio_api/upload*", lambda route: route.abort())
    for tab, parts in _TAKES_FILES.items():
        show(page, tab)
        filled(page, tab)
        for opener, chosen, said in parts:
            if opener:
                page.locator(opener).first.click()
            page.locator(chosen).first.set_input_files(file)
            told = page.locator(said).first
            expect(told).to_contain_text("a photo (1).png could not be uploaded.")
            assert told.is_visible(), said
        page.get_by_label("中文").check()
        for _, _, said in parts:
            expect(page.locator(said).first).to_contain_text("a photo (1).png 上传失败")
        page.get_by_label("English").check()
        assert page.locator(".toast-body").count() == 0, "Gradio has words of its own"


def test_a_file_that_is_dropped_beside_what_takes_it_does_not_replace_the_page(open_shell):
    page = open_shell("", "en-US")
    stopped = """([place, kind]) => ['dragover', 'drop'].map((type) => {
      const data = new DataTransfer();
      if (kind === 'file') data.items.add(new File(['x'], 'x.jpg', { type: 'image/jpeg' }));
      else data.setData('text/plain', 'some words');
      const event = new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: data });
      document.querySelector(place).dispatchEvent(event);
      return event.defaultPrevented;
    })"""
    assert page.evaluate(stopped, [".masthead", "file"]) == [True, True]
    # Words are moved within a field as everywhere, also where files are taken.
    show(page, "match")
    page.locator("#matrix > button").click()
    page.locator("#matrix textarea").wait_for()
    show(page, "gallery")
    filled(page, "gallery")
    for field in ("#matrix textarea", "#finder .query", "#classify-image .stage"):
        assert page.evaluate(stopped, [field, "words"]) == [False, False], field


# Language and theme ---------------------------------------------------------------------------


def test_title_and_language_follow_the_switch_and_are_kept(open_shell):
    page = open_shell("", "zh-CN")
    assert page.title() == "CLIP 图文实验室"
    page.get_by_label("English").check()
    assert page.title() == "CLIP image and text lab"
    assert page.evaluate("document.documentElement.lang") == "en"
    assert query_of(page) == {"lang": "en"}
    # In the same browser, from an address that says nothing.
    other = open_shell("", context=page.context)
    assert other.title() == "CLIP image and text lab"


def test_the_theme_is_kept_and_shown_from_the_first_paint(open_shell):
    page = open_shell("", "en-US", color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.locator(".theme").click()  # light
    page.locator(".theme").click()  # dark
    assert page.locator(".theme").get_attribute("aria-label") == "Light or dark: dark"
    assert page.evaluate(background) != light
    page.reload(wait_until="commit")
    page.wait_for_selector(".masthead")
    assert page.evaluate(background) != light
    page.wait_for_function("window.clipApp.isReady()")
    assert page.evaluate("document.body.classList.contains('dark')")
    page.locator(".theme").click()  # as the system
    assert page.evaluate(background) == light
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"{background} !== '{light}'")


# Words, names and contrast --------------------------------------------------------------------

# What stays in Latin letters on a Chinese page: names, formats, units.
LATIN = re.compile(
    r"CLIP|AI|API|CSV|JSON|SVG|PNG|ZIP|HTML|ImageNet|CIFAR|English|EN|MCP"
    r"|HF_ENDPOINT|gradio_client|pip install|Python|softmax|EXIT|STOP|OPEN|SALE|examples/[a-z-]+"
    r"|Crossmodal|recall@1|\bln\b|OCR|LAION|DataComp|a photo of a"
    r"|sigmoid|open_clip|hf-hub|float32|int8|cpu|cuda|starter|MB|GB|Apache|MIT|Apple|apple-amlr"
    r"|YYYY-MM-DD|IMG_\d+|Shift|Enter|Esc|[\w.-]+\.(?:txt|csv|tsv|json|jsonl|zip|jpg|jpeg|png)"
    r"|\.(?:txt|csv|tsv|jsonl?|zip)|[a-z\d]+(?:-[a-z\d]+){2,}|mobileclip2-\w+|vit-\w[\w-]*|pe-core-\w+"
)

_SHOWN = """() => {
  const found = [];
  for (const one of document.body.querySelectorAll('*')) {
    if (['SCRIPT', 'STYLE', 'TEXTAREA'].includes(one.tagName) || one.closest('code')) continue;
    if (!one.checkVisibility({visibilityProperty: true})) continue;
    for (const node of one.childNodes) {
      if (node.nodeType === Node.TEXT_NODE && node.data.trim()) found.push(node.data.trim());
    }
    for (const name of ['aria-label', 'title', 'alt', 'placeholder']) {
      if (one.getAttribute(name)) found.push(one.getAttribute(name));
    }
  }
  return found;
}"""


def names_of(page) -> list[str]:
    """The names in the browser's accessibility tree."""
    session = page.context.new_cdp_session(page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        node["name"]["value"]
        for node in nodes
        if not node.get("ignored") and node.get("name", {}).get("value")
    ]


def test_no_english_is_left_on_the_chinese_page(open_shell):
    page = open_shell("", "zh-CN")
    left = set()
    for tab in TABS:
        show(page, tab)
        filled(page, tab)
        for opener in page.locator(f".room-{tab} .label-wrap:visible").all():
            opener.click()
        paused(page, 500)
        shoot(page, f"chinese-{tab}")
        code = "".join(page.locator("code").all_text_contents())
        for said in {*page.evaluate(_SHOWN), *names_of(page)}:
            if said in code:
                continue
            without = LATIN.sub("", said.replace("CLIP image and text lab", ""))
            if re.search("[A-Za-z]{2,}", without):
                left.add((tab, said))
    assert left == set()


def test_everything_that_can_be_used_has_a_name(open_shell):
    page = open_shell("", "en-US")
    roles = {"button", "tab", "link", "textbox", "combobox", "radio", "checkbox", "slider", "image"}
    session = page.context.new_cdp_session(page)
    nameless = []
    for tab in TABS:
        show(page, tab)
        filled(page, tab)
        for node in session.send("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value", "").lower()
            if not node.get("ignored") and role in roles and not node["name"].get("value"):
                part = session.send(
                    "DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]}
                )["node"]
                nameless.append((tab, role, part["localName"], part.get("attributes")))
    assert nameless == []
    # Gradio's folds say that they are, and its announcements are words.
    show(page, "model")
    fold = page.locator("#metrics > .label-wrap")
    assert fold.get_attribute("aria-expanded") == "false"
    fold.click()
    page.locator("#metrics > .label-wrap[aria-expanded=true]").wait_for()
    said = {*names_of(page), *page.locator(".sr-only").all_text_contents()}
    assert [one for one in said if re.search(r"\w\.(?:complete|upload)|▼", one)] == []


# Text over a photograph has no background of its own, and is left to the eye.
_CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const colour = (text) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = (rgb) => {
    const linear = (c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgb.map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    const layers = [];
    for (let at = one; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      if (style.backgroundImage !== 'none' && at !== document.body) return null;
      const fill = colour(style.backgroundColor);
      if (fill[3]) layers.push(fill);
      if (fill[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]);
  };
  const [low, seen] = [[], []];
  for (const one of document.body.querySelectorAll('*')) {
    const texts = [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    const said = texts.map((node) => node.data.trim()).join('');
    if (!said || !one.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
    if (['SCRIPT', 'STYLE', 'OPTION'].includes(one.tagName) || one.closest(':disabled')) continue;
    const ground = behind(one);
    if (!ground) continue;
    const style = getComputedStyle(one);
    const ink = colour(one instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(over(ink, ground)), light(ground)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (!ink[3]) continue;
    seen.push(ratio);
    if (ratio < 4.5) low.push([ratio, one.tagName, String(one.className), said.slice(0, 40)]);
  }
  return [low, seen.length];
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_all_text_stands_out_from_its_background(open_shell, theme, viewport):
    page = open_shell(f"?__theme={theme}", "zh-CN", viewport)
    low = {}
    for tab in TABS:
        show(page, tab)
        filled(page, tab)
        for opener in page.locator(f".room-{tab} .label-wrap:visible").all():
            opener.click()
        paused(page, 700)
        shoot(page, f"{theme}-{tab}-{viewport['width']}")
        found, seen = page.evaluate(_CONTRAST)
        assert seen > 15
        if found:
            low[tab] = found
    assert low == {}


def test_the_servers_log_has_no_warning_of_a_page_that_opens(open_at):
    app = App()  # other tests hang up in the middle of a run, of which it may be told late
    try:
        open_at(app.url, "en-US", DESKTOP)
        open_at(f"{app.url}/?tab=match", "zh-CN", DESKTOP, "#match-best .headline:not(:empty)")
        log = "".join(app.log)
    finally:
        app.stop()
    assert not re.search("Warning|Traceback", log), log
