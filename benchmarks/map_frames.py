"""How the map of a gallery of 100,000 photographs moves: frames a second, panning and zooming.

    PYTHONPATH=. python benchmarks/map_frames.py [--points 100000] [--chromium /usr/bin/chromium]

The search page's own script runs in headless Chromium, which draws WebGL by software, on made-up
points in twenty groups. A frame is one that the browser drew: the time from one
`requestAnimationFrame` to the next, the mouse being moved or the wheel turned in each.
"""

import argparse
import base64
import json
import os
import statistics
from typing import Any

import numpy as np
from finder_alone import finder_alone

from clip_app.ui.parts import PAGE

_GROUPS = 20
_FRAMES = 180  # of each way of moving; of 60 a second, 3 s
_ZOOMS = {"whole": 0, "nearer": 9, "photographs": 24}  # turns of the wheel before one moves

_SETTING = """
({ html, css, words, map }) => {
  document.body.dataset.tab = 'gallery';
  document.body.innerHTML = `<style>${css}</style><div id="root">${html}</div>`;
  window.gradio_config = { root: '', api_prefix: '' };
  window.clipApp = { lang: () => 'en', show: () => {}, onTab: () => {}, onAddress: () => {},
    address: { get: () => ({ view: 'map' }), set: () => {} } };
  window.props = { words, tries: [], kinds: [] };
  const tell = (name, detail) => setTimeout(
    () => window.dispatchEvent(new CustomEvent(`clipapp:${name}`, { detail })), 0);
  window.trigger = (kind, { id, state, points }) => {
    if (kind === 'ask') tell('found', { id, offset: 0, rows: [], total: map.count, above: null,
      images: map.count, searched: false, following: null, query: '', interpreted: false,
      wanted: '', unwanted: [], remarks: [],
      facets: { folders: [], kinds: [], years: [], keywords: [] },
      gallery: { en: 'g' }, kept: [] });
    if (kind === 'map') tell('map-made', { ...map, id });
    if (kind === 'tiles') tell('map-tiles', { id, state, rows: points.map((point) => ({ point,
      hash: String(point), name: `photo ${point}.jpg`, similarity: 0, rank: 0, copies: 0,
      width: 400, height: 300, date: '2024-05-31',
      thumbnail: `/thumbnail/${point % 150}.webp` })) });
  };
}
"""

_MOVE = """
async ([how, turns, frames]) => {
  const over = document.querySelector('.map .over');
  const box = over.getBoundingClientRect();
  const [x, y] = [box.left + 0.45 * box.width, box.top + 0.5 * box.height];
  const fire = (Kind, type, more) => over.dispatchEvent(new Kind(type, {
    bubbles: true, cancelable: true, pointerId: 1, pointerType: 'mouse',
    clientX: x, clientY: y, ...more }));
  over.setPointerCapture = () => {};
  document.querySelector('.map .home').click();
  await new Promise((done) => setTimeout(done, 900));
  for (let turn = 0; turn < turns; turn += 1) fire(WheelEvent, 'wheel', { deltaY: -120 });
  await new Promise((done) => setTimeout(done, 1500));
  if (how === 'pan') fire(PointerEvent, 'pointerdown', { button: 0 });
  const taken = [];
  let last = await new Promise(requestAnimationFrame);
  for (let frame = 0; frame < frames; frame += 1) {
    if (how === 'pan') {
      const turn = frame / 12;
      const [right, down] = [150 * Math.sin(turn), 100 * (1 - Math.cos(turn))];
      fire(PointerEvent, 'pointermove', { clientX: x + right, clientY: y + down });
    } else fire(WheelEvent, 'wheel', { deltaY: Math.floor(frame / 30) % 2 ? 40 : -40 });
    const now = await new Promise(requestAnimationFrame);
    taken.push(now - last);
    last = now;
  }
  fire(PointerEvent, 'pointerup', {});
  return taken;
}
"""


def made_up(points: int) -> dict[str, Any]:
    """A map as the server tells of it: groups of many sizes, here dense and there thin."""
    rng = np.random.default_rng(0)
    centres = rng.uniform(0.15, 0.85, (_GROUPS, 2))
    share = np.sort(rng.dirichlet(np.ones(_GROUPS)))[::-1]
    group = rng.choice(_GROUPS, points, p=share).astype("u1")
    wide = rng.uniform(0.02, 0.09, _GROUPS)[group, None]
    places = np.clip(centres[group] + wide * rng.normal(size=(points, 2)), 0, 1)
    places = np.round(places * 65535).astype("<u2")

    def coded(values: np.ndarray) -> str:
        return base64.b64encode(values.tobytes()).decode()

    return {
        "state": "0" * 16,
        "count": points,
        "points": coded(places),
        "cluster": coded(group),
        "clusters": [
            {
                "id": i,
                "size": int((group == i).sum()),
                "x": round(65535 * float(centres[i, 0])),
                "y": round(65535 * float(centres[i, 1])),
                "name": {"en": f"group {i}", "zh": f"第 {i} 组"},
            }
            for i in range(_GROUPS)
        ],
        "day": coded(rng.integers(15_000, 20_000, points).astype("<i4")),
        "days": [15_100, 19_900],
        "folder": coded(np.zeros(points, "u1")),
        "folders": [{"name": {"en": "photos", "zh": "照片"}, "count": points}],
        "gap": None,
    }


def measured(points: int, chromium: str) -> list[dict[str, Any]]:
    """Frames a second and ms a frame, for each zoom and way of moving."""
    thumbnail = next((PAGE.parent / "examples").glob("cat.jpg")).read_bytes()
    more = {"map": made_up(points), "tokens": (PAGE / "shell.css").read_text("utf-8")}
    with finder_alone(chromium, _SETTING, more, thumbnail) as page:
        page.wait_for_selector(".map .clusters li")
        rows = []
        for seen, turns in _ZOOMS.items():
            for how in ("pan", "zoom"):
                frames = sorted(page.evaluate(_MOVE, [how, turns, _FRAMES]))
                rows.append(
                    {
                        "points": points,
                        "seen": seen,
                        "moved": how,
                        "frames_a_second": round(1000 * len(frames) / sum(frames), 1),
                        "median_ms": round(statistics.median(frames), 1),
                        "p95_ms": round(frames[int(0.95 * len(frames))], 1),
                        "load": round(os.getloadavg()[0], 1),
                    }
                )
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    for row in measured(options.points, options.chromium):
        print(json.dumps(row), flush=True)
