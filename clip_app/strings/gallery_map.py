"""The map of a gallery: what its groups are called, and what cannot be done."""

STRINGS: dict[str, tuple[str, str]] = {
    "gallery_map_all": ("all photos", "全部照片"),
    "gallery_map_and": (", ", "、"),
    "gallery_map_mixed": ("mixed: {name}", "混杂：{name}"),
    "gallery_map_here": ("in no subfolder", "不在子文件夹里"),
    "gallery_map_others": ("other folders", "其他文件夹"),
    "gallery_map_working": ("Drawing the map: {percent} %", "正在绘制地图：{percent}%"),
    "gallery_map_large": (
        "A map shows at most {limit:,} photos, and here are {number:,}: choose a folder of them.",
        "地图最多显示 {limit:,} 张照片，这里有 {number:,} 张，请选其中一个文件夹。",
    ),
    "gallery_map_changed": (
        "The map has been drawn anew since this area was chosen on it; choose it again.",
        "地图已经重新绘制，原来圈出的范围不再适用，请重新圈选。",
    ),
}
