"""Where a model looks: heat maps on the page and in the terminal."""

STRINGS: dict[str, tuple[str, str]] = {
    "heat_legend": ("Where it looked: {text}", "它看了哪里：{text}"),
    "heat_legend_against": (
        "Where it looked: {text} (rather than {others})",
        "它看了哪里：{text}（对比 {others}）",
    ),
    "heat_found": (
        "For “{text}” it looks mostly {place} of the photo.",
        "判断“{text}”，它主要看照片的{place}。",
    ),
    "heat_unclear": (
        "For “{text}” no part of the photo clearly counts more than others, so no map is shown.",
        "判断“{text}”，照片里没有哪一处明显更要紧，所以不画出来。",
    ),
    "heat_how": (
        "A rough estimate: parts of the photo are blurred in turn, to see how much likeness is "
        "lost (occlusion, {passes} tries).",
        "大致的估计：轮流把照片的一部分弄模糊，看相似度掉多少（遮挡法，试了 {passes} 次）。",
    ),
    "heat_cropped": (
        "The dark edges it did not see: this model takes the middle, as a square.",
        "两端更暗的部分它没有看：这个模型只取中间一块方形。",
    ),
    "heat_text_missing": (
        "Please say what to look for in the photo.",
        "请输入要在照片里看什么。",
    ),
    "heat_contrast_same": (
        "“{text}” cannot be compared with itself; please name something else it could be.",
        "不能拿“{text}”和它自己对比，请换一个别的候选词。",
    ),
    "heat_off": ("Take the map away", "收起热力图"),
    "heat_stop": ("Stop", "停止"),
    "heat_running": ("Looking for “{text}” …", "正在看“{text}”……"),
    "heat_left": (
        "About {seconds} more [seconds:second|seconds].",
        "大约还要 {seconds} 秒。",
    ),
    "card_look": ("Choose a bar: where did it look?", "点一条，看它看了哪里"),
    "heat_file_unwritable": (
        "{path} could not be written; please check the folder and its permissions.",
        "无法写入 {path}，请检查文件夹和权限。",
    ),
    "heat_file_format": (
        "The map cannot be written to {path}: its name must end in one of {endings}.",
        "无法把热力图写入 {path}：文件名须以 {endings} 之一结尾。",
    ),
    "heat_written": ("The map is in {path}.", "热力图已存为 {path}。"),
    "place_top_left": ("at the top left", "左上"),
    "place_top": ("at the top", "上方"),
    "place_top_right": ("at the top right", "右上"),
    "place_left": ("at the left", "左边"),
    "place_middle": ("in the middle", "中间"),
    "place_right": ("at the right", "右边"),
    "place_bottom_left": ("at the bottom left", "左下"),
    "place_bottom": ("at the bottom", "下方"),
    "place_bottom_right": ("at the bottom right", "右下"),
}
