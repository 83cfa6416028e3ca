"""The page: its title, its tabs, and what they share."""

STRINGS: dict[str, tuple[str, str]] = {
    "title": ("CLIP image and text lab", "CLIP 图文实验室"),
    "subtitle": (
        "Ask a photo anything: type your own classes or descriptions, see what the model thinks.",
        "给一张照片，输入任意类别或描述，看看模型怎么判断。",
    ),
    "language": ("Language", "语言"),
    "tab_classify": ("Classify", "图像分类"),
    "tab_match": ("Match", "文本匹配"),
    "download_csv": ("Download CSV", "下载 CSV"),
    "download_json": ("Download JSON", "下载 JSON"),
    "duration_seconds": ("{number:.0f} s", "{number:.0f} 秒"),
    "duration_minutes": ("{number:.0f} min", "{number:.0f} 分钟"),
    "duration_hours": ("{number:.1f} h", "{number:.1f} 小时"),
    "error": ("Please note", "请注意"),
}
