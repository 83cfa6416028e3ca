"""Draws the pictures of the README: run `python -m docs.screenshots` when the page looks different.

`assets/screenshots` gets, for each language, the tab 图像分类 (`page`), 图库搜索 with a photograph
opened (`gallery`), and the first of them on a phone (`phone`).
"""

from playwright.sync_api import Browser, ViewportSize, sync_playwright

from clip_app.settings import ASSETS
from tests.conftest import App

SCREENSHOTS = ASSETS / "screenshots"

_LOCALES = {"en": "en-US", "zh": "zh-CN"}
_QUERIES = {"en": "a musical instrument", "zh": "水果"}
_DESKTOP: ViewportSize = {"width": 1280, "height": 960}
_PHONE: ViewportSize = {"width": 390, "height": 844}


def _draw(browser: Browser, url: str, language: str) -> None:
    locale = _LOCALES[language]
    for name, viewport, scale in (("page", _DESKTOP, 1), ("phone", _PHONE, 1.5)):
        page = browser.new_page(locale=locale, viewport=viewport, device_scale_factor=scale)
        page.goto(url)
        page.wait_for_selector("#classify-verdict .headline", timeout=60_000)
        page.wait_for_timeout(1500)  # the strip's photographs
        page.screenshot(path=SCREENSHOTS / f"{name}-{language}.png")
        page.close()
    page = browser.new_page(locale=locale, viewport=_DESKTOP)
    page.goto(f"{url}?tab=gallery&q={_QUERIES[language]}")
    page.locator(".tile .info span").first.wait_for(timeout=60_000)
    page.locator(".tile button.open").first.click()
    page.locator(".drawer .whole").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(2500)
    page.screenshot(path=SCREENSHOTS / f"gallery-{language}.png")
    page.close()


def main() -> None:
    """Write all six."""
    app = App()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            for language in _LOCALES:
                _draw(browser, app.url, language)
            browser.close()
    finally:
        app.stop()


if __name__ == "__main__":
    main()
