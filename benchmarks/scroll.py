"""How a gallery of 100,000 photographs scrolls: frames, tiles in the document, and memory.

    python benchmarks/scroll.py [--rows 100000] [--step 1200] [--chromium /usr/bin/chromium]

The search page's own script runs in headless Chromium on made-up rows, whose pages it asks for as
it would ask the app; what is measured is the browser's part alone. All rows but the last 6,000
come with the first answer, as if one had scrolled through them already; measured is how these last
scroll, with a further page every second frame or so.
"""

import argparse
import json
import statistics
from typing import Any

from finder_alone import finder_alone

_PAGE = 60
_LAST = 6_000  # rows that are scrolled through
_TRACED = 200  # frames in which the longest task is looked for

_SETTING = """
({ html, css, words }) => {
  document.body.dataset.tab = 'gallery';
  document.body.innerHTML = `<style>${css}</style><div id="root">${html}</div>`;
  window.gradio_config = { root: '', api_prefix: '' };
  window.clipApp = { lang: () => 'en', show: () => {}, onTab: () => {}, onAddress: () => {},
    address: { get: () => ({}), set: () => {} } };
  window.props = { words, tries: [], kinds: [] };
  window.trigger = (kind, sent) => {
    if (kind !== 'ask') return;
    const length = Math.min(sent.offset ? PAGE : FIRST, ROWS - sent.offset);
    const rows = Array.from({ length }, (_, i) => {
      const rank = sent.offset + i;
      return { hash: String(rank), name: `photo ${rank}.jpg`, similarity: 0.3, rank, copies: 0,
        width: 400, height: 220 + (rank * 7919) % 380, date: '2024-05-31',
        thumbnail: `/thumbnail/${rank}.webp` };
    });
    const next = sent.offset + rows.length;
    const found = { id: sent.id, offset: sent.offset, rows, total: ROWS, above: 500, images: ROWS,
      searched: true, following: next < ROWS ? next : null, query: '', interpreted: false,
      wanted: '', unwanted: [], remarks: [],
      facets: { folders: [], kinds: [], years: [], keywords: [] },
      gallery: { en: 'g' }, kept: [] };
    setTimeout(() => window.dispatchEvent(new CustomEvent('clipapp:found', { detail: found })), 0);
  };
}
"""

_SCROLL = """
async (step) => {
  scrollTo(0, document.documentElement.scrollHeight);
  await new Promise(requestAnimationFrame);
  const frames = [];
  let tiles = 0;
  let last = performance.now();
  let still = 0;
  while (still < 30) {
    const before = scrollY;
    scrollBy(0, step);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
    tiles = Math.max(tiles, document.querySelectorAll('.tile').length);
    still = scrollY === before ? still + 1 : 0;
  }
  const places = [...document.querySelectorAll('.tile')].map((one) => Number(one.dataset.place));
  return { frames, tiles, reached: Math.max(...places) + 1 };
}
"""

_SCROLL_BACK = """
async ([step, number]) => {
  for (let frame = 0; frame < number; frame += 1) {
    scrollBy(0, -step);
    await new Promise(requestAnimationFrame);
  }
}
"""

# What of the page's main thread is told, in seconds of processor time so far.
_SPENT = ("TaskDuration", "ScriptDuration", "LayoutDuration", "RecalcStyleDuration")


def _spent(session: Any) -> dict[str, float]:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in metrics if one["name"] in _SPENT}


def _longest_task(trace: bytes) -> float:
    """Milliseconds of processor time of the longest task of the page's main thread."""
    events = json.loads(trace)["traceEvents"]
    main = {
        (one["pid"], one["tid"])
        for one in events
        if one["name"] == "thread_name" and one["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        one.get("tdur", 0)
        for one in events
        if one["name"] == "ThreadControllerImpl::RunTask" and (one["pid"], one["tid"]) in main
    ]
    return max(tasks) / 1000


def measured(rows: int, step: int, chromium: str) -> dict[str, Any]:
    """Frames in ms, the processor time of one and of the longest task, the most tiles there were
    at once, and the script's memory in MB.
    """
    setting = _SETTING.replace("ROWS", str(rows)).replace("PAGE", str(_PAGE))
    setting = setting.replace("FIRST", str(max(_PAGE, rows - _LAST)))
    with finder_alone(chromium, setting) as page:
        page.wait_for_selector(".tile")
        session = page.context.new_cdp_session(page)
        # Of the thread's own time, which other programs on the machine do not lengthen.
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = _spent(session)
        found = page.evaluate(_SCROLL, step)
        after = _spent(session)
        browser = page.context.browser
        assert browser is not None  # only of a context that was given its own folder
        browser.start_tracing(page=page, categories=["toplevel"])
        page.evaluate(_SCROLL_BACK, [step, _TRACED])
        longest = _longest_task(browser.stop_tracing())
        session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")["usedSize"] / 1e6
    frames = sorted(found["frames"])
    return {
        "rows": found["reached"],
        "frames": len(frames),
        "median_ms": round(statistics.median(frames), 1),
        "p95_ms": round(frames[int(0.95 * len(frames))], 1),
        "longest_ms": round(frames[-1], 1),
        **{
            f"cpu_{name.removesuffix('Duration').lower()}_ms": round(
                1000 * (after[name] - before[name]) / len(frames), 2
            )
            for name in _SPENT
        },
        "cpu_longest_task_ms": round(longest, 1),
        "most_tiles": found["tiles"],
        "heap_mb": round(heap, 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--step", type=int, default=1200, help="pixels a frame")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    print(json.dumps(measured(options.rows, options.step, options.chromium)))
