"""The map of a gallery: what its groups are called, and what cannot be done."""

STRINGS: dict[str, tuple[str, str]] = {
    "gallery_map_all": ("all photos", "全部照片"),
    "gallery_map_group": ("group {number}", "第 {number} 组"),
    # What groups of photographs are called besides the ready-made labels; pairs, in this order.
    "gallery_map_kinds": (
        "animal, insect, plant, food, fruit, vehicle, building, city, landscape, musical "
        "instrument, tool, furniture, clothes, sculpture, drawing, diagram, chart, sign, pattern, "
        "outer space, electronics, sport, portrait, underwater, aerial view",
        "动物、昆虫、植物、食物、水果、交通工具、建筑、城市、风景、乐器、工具、家具、衣服、雕塑、"
        "图画、示意图、图表、标志、图案、太空、电子产品、体育运动、肖像、水下、航拍",
    ),
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
