"""The search page's own script alone in headless Chromium, on made-up answers, to be measured."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, sync_playwright

from clip_app.ui.parts import part
from clip_app.ui.tabs.gallery.finder import BROWSER_SIDE
from clip_app.ui.words import words

_RUN = """
(js) => {
  const element = document.querySelector('#root');
  new Function('element', 'props', 'trigger', 'watch', 'upload', js)(
    element, props, trigger, () => {}, null);
  window.dispatchEvent(new CustomEvent('clipapp:gallery'));
}
"""


@contextmanager
def finder_alone(
    chromium: str, setting: str, more: dict[str, Any] | None = None, thumbnail: bytes = b""
) -> Iterator[Page]:
    """A page of 1440 x 900 in which the script has just begun.

    Args:
        chromium: path of the browser.
        setting: JavaScript function of `html`, `css`, `words` and `more`, which makes the document
            and answers what the script asks.
        more: what else it takes; `tokens` go before the style.
        thumbnail: JPEG that is answered for each thumbnail.
    """
    side, given = part(*BROWSER_SIDE), dict(more or {})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.on("pageerror", lambda error: print(error))
        page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
        if thumbnail:
            page.route(
                "**/thumbnail/**",
                lambda route: route.fulfill(body=thumbnail, content_type="image/jpeg"),
            )
        page.goto("http://gallery.test/")
        given |= {
            "html": side["html_template"],
            # Gradio puts what is outside of a block on the component's own element.
            "css": given.pop("tokens", "") + "#root { " + side["css_template"] + " }",
            "words": words("find_", "map_", "gallery_folder"),
        }
        page.evaluate(setting, given)
        page.evaluate(_RUN, side["js_on_load"])
        yield page
        browser.close()
