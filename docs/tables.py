"""Tables in the documentation that the code knows better: which models there are, which settings.

`python docs/tables.py` rewrites what stands between `<!-- table: NAME -->` and `<!-- end -->`;
with `--check` it only says which files are out of date, and ends with code 1 if any is.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic_core import PydanticUndefined

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from clip_app.model.catalog import DEFAULT_PRESET, PRESETS  # noqa: E402
from clip_app.settings import FLAGS, Settings  # noqa: E402
from clip_app.strings import Language, text  # noqa: E402

_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)

# What the catalog says of licences in English.
_LICENCES = {
    " (per its sister model)": "（依据同系列模型的说明）",
    ", see its card": "，见其模型说明",
    " (research only)": "（**仅限研究**）",
    " (hub copy)": "（模型仓库中的副本）",
}

# Defaults that are not a value to type.
_DEFAULTS = {
    "allow_model_change": ("local pages", "本机页面"),
    "gallery_roots": ("the examples", "示例照片"),
    "cache_dir": ("the user's cache folder", "用户缓存目录"),
    "index_dir": ("`data/index`, or the user's data folder", "`data/index`，或用户数据目录"),
}
_PLAIN = {None: ("none", "无"), False: ("off", "关"), True: ("on", "开")}


def models(page: Path, language: Language) -> Iterator[str]:
    """The models to choose from, the starter first."""
    zh = language == "zh"
    card = _link(
        page, "docs/zh-CN/models.md#入门模型" if zh else "docs/models.md#the-starter-model"
    )
    made = _link(page, "assets/starter/README.md")
    if zh:
        yield "| 名称 | 支持语言 | 下载大小 | ImageNet | 中文检索 | 评分 | 权重许可证 |"
        starter = (
            f"| `starter` | 英 + 中 | 自带 | [见说明]({card}) | | softmax | [制作过程]({made}) |"
        )
    else:
        yield "| name | reads | download | ImageNet | Chinese | scores | license of the weights |"
        starter = (
            f"| `starter` | en + zh | bundled | [see there]({card}) | | softmax "
            f"| [how it was made]({made}) |"
        )
    yield "|---|---|---:|---:|---:|---|---|"
    yield starter
    for preset in PRESETS.values():
        name = f"`{preset.key}`"
        if preset.key == DEFAULT_PRESET:
            name = f"**{name}**（默认）" if zh else f"**{name}** (default)"
        languages = [{"en": "英", "zh": "中"}[one] if zh else one for one in preset.languages]
        figures = ["–" if one is None else str(one) for one in (preset.imagenet, preset.chinese)]
        licence = preset.licence
        if zh:
            for english, chinese in _LICENCES.items():
                licence = licence.replace(english, chinese)
        licence = licence.replace("(research only)", "(**research only**)")
        cells = (
            name,
            " + ".join(languages),
            preset.download_size,
            *figures,
            preset.scoring,
            licence,
        )
        yield f"| {' | '.join(cells)} |"


def settings(page: Path, language: Language) -> Iterator[str]:
    """Every setting: its flag, its variable, its default and what it means."""
    zh = language == "zh"
    yield "| 参数 | 环境变量 | 默认值 | 含义 |" if zh else "| flag | variable | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in Settings.model_fields.items():
        if field.validation_alias is not None:  # what a Space tells, not a person
            continue
        flag = f"`--{name.replace('_', '-')}`" if name in FLAGS else ""
        default = field.default
        if name in _DEFAULTS:
            shown = _DEFAULTS[name][zh]
        elif default is PydanticUndefined:
            raise ValueError(f"the default of {name} has no words")
        elif default is None or isinstance(default, bool):
            shown = _PLAIN[default][zh]
        else:
            shown = f"`{default}`"
        meaning = text(f"setting_{name}", language).replace("|", "\\|")
        yield f"| {flag} | `CLIP_APP_{name.upper()}` | {shown} | {meaning} |"


_TABLES: dict[str, Callable[[Path, Language], Iterator[str]]] = {
    "models": models,
    "settings": settings,
}


def pages() -> list[Path]:
    """Every page of the documentation."""
    return [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def rewritten(page: Path) -> str:
    """A page's text with its tables as the code has them."""
    language: Language = "zh" if "zh-CN" in page.relative_to(ROOT).as_posix() else "en"

    def table(marked: re.Match[str]) -> str:
        lines = "\n".join(_TABLES[marked[2]](page, language))
        return f"{marked[1]}\n{lines}\n\n{marked[3]}"

    return _MARKED.sub(table, page.read_text("utf-8"))


def main(arguments: list[str]) -> int:
    """Rewrite the pages or, with `--check`, name those that are out of date."""
    stale = [page for page in pages() if rewritten(page) != page.read_text("utf-8")]
    for page in stale:
        print(page.relative_to(ROOT))
        if "--check" not in arguments:
            page.write_text(rewritten(page), "utf-8")
    return 1 if stale and "--check" in arguments else 0


def _link(page: Path, target: str) -> str:
    """A link from a page to a path below the root, perhaps with an anchor."""
    file, mark, anchor = target.partition("#")
    if page == ROOT / file:
        return mark + anchor
    return Path(os.path.relpath(ROOT / file, page.parent)).as_posix() + mark + anchor


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
