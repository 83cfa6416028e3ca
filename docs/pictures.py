"""Draws the pictures of `assets/page`: run `python -m docs.pictures` when an example has changed.

`share.png` is what a chat shows of a link, 1200 × 630: the first example, judged by the starter
model. `first.webp` is the photograph that the page shows until its scripts are there.
"""

import base64
import html
import io

from PIL import Image, ImageOps
from playwright.sync_api import sync_playwright

from clip_app.model.slot import load_model
from clip_app.prompts import parse_labels
from clip_app.settings import Settings
from clip_app.strings import text
from clip_app.tasks.classify import classify
from clip_app.ui.examples import EXAMPLES_DIRECTORY, load_examples
from clip_app.ui.parts import PAGE

SHARE = (1200, 630)
FIRST = (640, 426)

_COLOURS = ("#3b46c4", "#0f766e", "#c2410c", "#9333ea", "#856404", "#be185d")


def draw_first() -> Image.Image:
    """The first example, as small as a slow line wants it."""
    with Image.open(EXAMPLES_DIRECTORY / load_examples()[0].file) as photo:
        return ImageOps.fit(photo.convert("RGB"), FIRST, Image.Resampling.LANCZOS)


def _share_page() -> str:
    example = load_examples()[0]
    service = load_model(Settings(model="starter", device="cpu"))
    with Image.open(EXAMPLES_DIRECTORY / example.file) as photo:
        photo.load()
        buffer = io.BytesIO()
        photo.convert("RGB").save(buffer, "JPEG", quality=92)
    answer = classify(service, [photo], parse_labels(example.labels["zh"]))[0]
    english = dict(
        zip(parse_labels(example.labels["zh"]), parse_labels(example.labels["en"]), strict=True)
    )
    bars = "".join(
        f"<p><b>{html.escape(one.label)}<i>{html.escape(english[one.label])}</i></b>"
        f'<u><s style="width:{max(100 * one.score, 1):.1f}%;background:{colour}"></s></u>'
        f"<em>{100 * one.score:.1f} %</em></p>"
        for one, colour in zip(answer.results[:5], _COLOURS, strict=False)
    )
    shown = base64.b64encode(buffer.getvalue()).decode()
    mark = (PAGE / "mark.svg").read_text("utf-8")
    return f"""<!doctype html><style>
    body {{ margin: 0; width: {SHARE[0]}px; height: {SHARE[1]}px; display: grid; gap: 48px;
      grid-template-columns: 500px 1fr; box-sizing: border-box; padding: 48px;
      background: #f6f4ef; color: #1b1b1f; font-family: "Noto Sans CJK SC", sans-serif; }}
    img {{ width: 500px; height: 534px; object-fit: cover; border-radius: 28px; }}
    h1 {{ display: flex; align-items: center; gap: 16px; margin: 4px 0 6px; font-size: 44px; }}
    svg {{ width: 60px; height: 60px; flex: none; }}
    h2 {{ margin: 0 0 30px; font-size: 25px; font-weight: 400; line-height: 1.5; color: #5a5963; }}
    p {{ display: grid; grid-template-columns: 150px 1fr 104px; align-items: center; gap: 14px;
      margin: 0 0 15px; font-size: 27px; }}
    i {{ display: block; font-size: 17px; font-weight: 400; font-style: normal; color: #5a5963; }}
    u {{ height: 30px; background: #e9e6dd; border-radius: 10px; overflow: hidden; }}
    s {{ display: block; height: 100%; border-radius: 10px; }}
    em {{ font-style: normal; font-weight: 600; text-align: right; }}
    </style><img src="data:image/jpeg;base64,{shown}"><div>
    <h1>{mark}{html.escape(text("title", "zh"))}</h1>
    <h2>{html.escape(text("intro_classify", "zh"))}<br>{html.escape(text("title", "en"))}</h2>
    {bars}</div>"""


def main() -> None:
    """Write both."""
    draw_first().save(PAGE / "first.webp", quality=62, method=6)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": SHARE[0], "height": SHARE[1]})
        page.set_content(_share_page())
        picture = page.screenshot()
        browser.close()
    with Image.open(io.BytesIO(picture)) as drawn:
        drawn.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(
            PAGE / "share.png", optimize=True
        )


if __name__ == "__main__":
    main()
