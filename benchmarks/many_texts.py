"""How long the page stands still with thousands of descriptions, in Chromium.

    python benchmarks/many_texts.py [--texts 10000]

Descriptions are pasted into the tab that matches texts; then all bars are shown and scrolled
through. A task of the page's thread holds up everything else in it, typing included. Needs
`playwright` and a Chromium.
"""

import argparse
import sys
import time

from app_server import ROOT, server
from playwright.sync_api import Page, sync_playwright

_WATCH = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) window.longest = Math.max(window.longest, one.duration);
  }).observe({ type: 'longtask' });
}"""
_PASTE = """(field, text) => {
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}"""
_ANSWERED = """(number) => document.querySelector('#match-best .more')?.innerText.includes(number)
  && document.querySelector('#match-best .result').getAttribute('aria-busy') === 'false'"""
_SCROLL = """async (number) => {
  const area = document.querySelector('#match-best .bars');
  document.querySelector('#match-best .more').click();
  while (area.querySelectorAll('.list .row').length < number) {
    area.scrollTop = area.scrollHeight;
    await new Promise(requestAnimationFrame);
  }
}"""


def measured(page: Page, name: str, started: float) -> None:
    """Print a row of the table: what has passed since `started`, and the longest task in it."""
    page.wait_for_timeout(300)  # long tasks are told when they are over
    longest = page.evaluate("Math.round([window.longest, window.longest = 0][0])")
    print(f"| {name} | {time.perf_counter() - started - 0.3:.1f} s | {longest} ms |")


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    texts = "\n".join(f"photograph {number} of a car" for number in range(given.texts))
    command = [sys.executable, str(ROOT / "app.py"), "--model", "starter", "--port"]
    with server(command) as (url, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=given.chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(locale="en-US")
        page.goto(f"{url}?tab=match")
        page.wait_for_selector("#match-best .headline", timeout=60_000)
        page.evaluate(_WATCH)
        print(f"| {given.texts:,} texts | takes | longest task |\n|---|---|---|")
        started = time.perf_counter()
        page.locator("#match-descriptions textarea").evaluate(_PASTE, texts)
        page.wait_for_function(_ANSWERED, arg=f"{given.texts:,}", timeout=600_000)
        measured(page, "pasted, read and ranked", started)
        started = time.perf_counter()
        page.evaluate(_SCROLL, given.texts)
        measured(page, "all shown and scrolled through", started)
        browser.close()


if __name__ == "__main__":
    main()
