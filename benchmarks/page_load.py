"""How long the page takes to open on a slow line, in Chromium, with nothing cached and again.

The line is Chromium's own emulation: 200 kB/s each way, 300 ms for each answer to begin. Needs
`playwright` and a Chromium.
"""

import argparse
import sys
from dataclasses import dataclass
from typing import Any

from app_server import ROOT, server
from playwright.sync_api import Browser, Page, sync_playwright

_LINE = {"offline": False, "latency": 300, "downloadThroughput": 2e5, "uploadThroughput": 2e5}
_HEADING = "document.querySelector('h1')?.checkVisibility()"
_PHOTO = (
    "[...document.images].some((one) => one.complete && one.naturalWidth > 100 &&"
    " one.checkVisibility())"
)


@dataclass
class Load:
    """What one opening of the page took, in seconds, requests and kB on the line."""

    heading: float
    photo: float
    result: float
    requests: int
    kilobytes: float


def measure(page: Page, url: str, result: str) -> Load:
    """Open `url`; `result` is an expression that is true once the example is answered."""
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", _LINE)
    sizes: list[float] = []
    line.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))

    def since_start(expression: str) -> float:
        page.wait_for_function(expression, timeout=60_000, polling="raf")
        return float(page.evaluate("performance.now() / 1000"))

    page.goto(url, wait_until="commit")
    times = [since_start(one) for one in (_HEADING, _PHOTO, result)]
    page.wait_for_timeout(1000)
    return Load(*times, len(sizes), sum(sizes) / 1000)


def main() -> None:
    """Print a line for a first and for a second visit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a running app, instead of one started here")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument(
        "--result",
        default="(document.querySelector('#room-classify')?.innerText || '').includes('99.')",
        help="JavaScript that is true once the example is answered",
    )
    given = parser.parse_args()

    def run(url: str) -> None:
        with sync_playwright() as playwright:
            browser: Browser = playwright.chromium.launch(
                executable_path=given.chromium, args=["--no-sandbox", "--disable-gpu"]
            )
            context: Any = browser.new_context(locale="en-US")
            print("visit   heading  photo  result  requests  kB")
            for visit in ("first", "second"):
                page = context.new_page()
                one = measure(page, url, given.result)
                page.close()
                print(
                    f"{visit:<8}{one.heading:>5.1f} s{one.photo:>6.1f} s{one.result:>6.1f} s"
                    f"{one.requests:>8}{one.kilobytes:>8.0f}"
                )
            browser.close()

    if given.url:
        run(given.url)
        return
    command = [sys.executable, str(ROOT / "app.py"), "--model", "starter", "--port"]
    with server(command) as (url, _):
        run(url)


if __name__ == "__main__":
    main()
