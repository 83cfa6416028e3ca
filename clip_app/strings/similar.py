"""Copies, near copies, typical and odd photographs, in the terminal and in the page."""

STRINGS: dict[str, tuple[str, str]] = {
    "near_invalid": (
        "How alike near copies must be is a number from {least} to 1.",
        "近似副本的相似度应在 {least} 到 1 之间。",
    ),
    "duplicates_found": (
        "{groups:,} [groups:group|groups] of copies among {images:,} [images:picture|pictures]; "
        "all but the largest of each take {megabytes} MB. Nothing was deleted.",
        "{images:,} 张图片里有 {groups:,} 组重复；每组只留最大的一张，可省 {megabytes} MB。"
        "没有删除任何文件。",
    ),
    "duplicates_none": (
        "There are no copies among {images:,} [images:picture|pictures].",
        "{images:,} 张图片里没有重复的。",
    ),
    "odd_typical": ("Most typical of this gallery", "最能代表这个图库的"),
    "odd_least": ("Least like the others", "最与众不同的"),
    "copies_title": ("Copies and odd ones out", "重复的和另类的照片"),
    "copies_about": (
        "Finds copies of one photo, also smaller, compressed or slightly cropped ones, and the "
        "photos least like the others. Nothing is deleted.",
        "找出重复的照片（缩小、压缩、稍微裁过的也算），以及和别的最不一样的照片。不会删除任何文件。",
    ),
    "copies_near": ("Counts as a copy from a similarity of", "相似度多少算重复"),
    "copies_go": ("Look for copies", "找重复照片"),
    "copies_stop": ("Stop", "停止"),
    "copies_working": ("Comparing: {done} of {total}", "正在比较：{done} / {total}"),
    "copies_stopped": ("Stopped.", "已停止。"),
    "copies_found": (
        "{groups} [groups:group|groups] of copies among {images} photos; all but the largest of "
        "each take {size}.",
        "{images} 张照片里有 {groups} 组重复；每组只留最大的一张，可省 {size}。",
    ),
    "copies_none": (
        "No copies among {images} photos.",
        "{images} 张照片里没有重复的。",
    ),
    "copies_largest": ("largest", "最大"),
    "copies_same": (
        "[number:one identical file|{number} identical files]: {names}",
        "另有 {number} 个相同文件：{names}",
    ),
    "copies_identical": ("identical", "完全相同"),
    "copies_likeness": ("similarity {similarity}", "相似度 {similarity}"),
    "copies_csv": ("List as CSV", "列表存成 CSV"),
    "copies_more": ("Show more", "再看一些"),
}
