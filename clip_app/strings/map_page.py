"""The page: the map of a gallery."""

STRINGS: dict[str, tuple[str, str]] = {
    "map_views": ("View", "显示方式"),
    "map_as_grid": ("Grid", "网格"),
    "map_as_chart": ("Map", "地图"),
    "map_all": ("{total} [total:photo|photos]", "{total} 张照片"),
    "map_label": (
        "Map of {number} [number:photo|photos]: photos that look alike lie close together. Arrow "
        "keys move it, plus and minus zoom, 0 shows all of it, Enter opens the photo in the "
        "middle. The groups are listed beside it.",
        "{number} 张照片的地图，越像的离得越近。方向键移动，加号、减号缩放，0 显示全图，"
        "回车打开正中的照片。各组另有列表。",
    ),
    "map_in_view": (
        "{number} [number:photo|photos] in view: {names}",
        "当前看到 {number} 张：{names}",
    ),
    "map_comma": (", ", "、"),
    "map_hint": (
        "Alike lies close together · scroll to zoom, drag to move, Shift and drag to select",
        "越像的离得越近 · 滚轮缩放，拖动移动，按住 Shift 拖动可圈选",
    ),
    "map_touch_hint": (
        "Alike lies close together · pinch to zoom, drag to move",
        "越像的离得越近 · 双指缩放，单指移动",
    ),
    "map_lasso_hint": (
        "Draw a line around the photos to search among",
        "把想找的那一片圈起来，只在里面搜",
    ),
    "map_lasso": ("Select an area (or Shift and drag)", "圈选一片（也可按住 Shift 拖动）"),
    "map_nearer": ("Zoom in", "放大"),
    "map_farther": ("Zoom out", "缩小"),
    "map_home": ("Show all of the map", "显示全图"),
    "map_stop": ("Stop", "停止"),
    "map_again": ("Make the map", "生成地图"),
    "map_stopped": ("The map was not finished.", "地图还没画完就停了。"),
    "map_waiting": ("Making the map …", "正在画地图……"),
    "map_no_webgl": (
        "This browser cannot draw the map (it needs WebGL 2); the groups can still be chosen.",
        "这个浏览器画不了地图（需要 WebGL 2）；各组照片仍可以在列表里选。",
    ),
    "map_colour": ("Colour by", "颜色表示"),
    "map_by_cluster": ("group", "分组"),
    "map_by_date": ("date", "日期"),
    "map_by_folder": ("folder", "文件夹"),
    "map_by_likeness": ("similarity", "相似度"),
    "map_search_first": ("Search for something first", "先搜点什么"),
    "map_clusters": ("Groups, named by the model", "分组（名字由模型起）"),
    "map_see": (
        "Show on the map: {name}, {number} [number:photo|photos]",
        "在地图上看：{name}，{number} 张",
    ),
    "map_only": ("Search only among: {name}", "只在“{name}”里搜"),
    "map_cluster_chip": ("group {name}", "分组：{name}"),
    "map_area_chip": ("an area of the map", "地图上圈选的一片"),
    "map_area_chip_counted": (
        "{number} [number:photo|photos] of the map",
        "地图上圈选的 {number} 张",
    ),
    "map_area_old": (
        "The chosen area is not on this map; all photos are searched.",
        "选的那一片不在现在的地图上，改为搜全部照片。",
    ),
    "map_words": ("What you search, on the map", "搜索的词在地图上"),
    "map_word": (
        "– cosine {cosine} to its nearest photos; these among one another {among}.",
        "和最接近的照片，余弦 {cosine}；这些照片彼此之间 {among}。",
    ),
    "map_word_alone": (
        "– cosine {cosine} to its nearest photo.",
        "和最接近的照片，余弦 {cosine}。",
    ),
    "map_why": (
        "Texts and images lie in two regions of CLIP's space, with a gap between them, so that a "
        "word is drawn where its nearest photos lie.",
        "CLIP 的文字和图像虽在同一空间，却各占一片，中间有道缝，所以把词画在离它最近的照片那里。",
    ),
}
