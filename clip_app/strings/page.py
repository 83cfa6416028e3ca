"""The page: its title, its tabs, and what they share."""

STRINGS: dict[str, tuple[str, str]] = {
    "title": ("CLIP image and text lab", "CLIP 图文实验室"),
    "description": (
        "Show the AI a photo, write a few words, and see which one it picks. Your photos stay on "
        "this machine.",
        "给 AI 看一张照片，再写几个词，看它选哪个。中文、英文都行，照片不会传到别处。",
    ),
    "share_picture": (
        "A photo of a cat beside bars: cat 99.9 %, rabbit 0.1 %",
        "一张猫的照片，旁边是得分条：猫 99.9 %，兔子 0.1 %",
    ),
    "theme_auto": ("Light or dark: as the system", "浅色或深色：跟随系统"),
    "theme_light": ("Light or dark: light", "浅色或深色：浅色"),
    "theme_dark": ("Light or dark: dark", "浅色或深色：深色"),
    "language": ("Language", "语言"),
    "tab_classify": ("Classify", "图像分类"),
    "tab_match": ("Match", "文本匹配"),
    "tab_learn": ("How it works", "原理"),
    "intro_classify": (
        "Show the AI a photo, and let it choose among your words",
        "给 AI 看一张照片，让它在你写的词里选",
    ),
    "intro_more_classify": (
        "No training needed, in English or Chinese. Drop a photo, paste a screenshot, or take an "
        "example.",
        "不用训练，中文、英文都行。拖进照片、粘贴截图，或点一张示例。",
    ),
    "intro_match": (
        "Write a few sentences, and see which one fits the photo best",
        "写几句话，看哪一句最配这张照片",
    ),
    "intro_more_match": (
        "One sentence a line. The photo is the same as under Classify.",
        "一行一句。照片和“图像分类”里的是同一张。",
    ),
    "intro_gallery": ("Search photos by what is in them", "用一句话，在照片里找"),
    "intro_more_gallery": (
        "No tags or file names needed: describe it, or search with a picture.",
        "不用标签，也不用文件名：描述一下，或用一张图片去找。",
    ),
    "intro_learn": ("How it works", "它是怎么做到的"),
    "intro_more_learn": (
        "Five questions about CLIP, each with something to try at once.",
        "关于 CLIP 的五个问题，每个都能马上动手试。",
    ),
    "intro_model": ("The model that answers", "现在由哪个模型作答"),
    "intro_more_model": (
        "What it is, which others there are, and how fast it is here.",
        "它是什么，还有哪些可选，在这台机器上有多快。",
    ),
    "download_csv": ("Download CSV", "下载 CSV"),
    "download_json": ("Download JSON", "下载 JSON"),
    "duration_seconds": ("{number:.0f} s", "{number:.0f} 秒"),
    "duration_minutes": ("{number:.0f} min", "{number:.0f} 分钟"),
    "duration_hours": ("{number:.1f} h", "{number:.1f} 小时"),
    "error": ("Please note", "请注意"),
    # What Gradio says in English, or by a key that it has no words for, and what it becomes.
    "gradio fullscreen": ("Fullscreen", "全屏"),
    "gradio exit": ("Exit fullscreen mode", "退出全屏"),
    "gradio remove": ("Remove Image", "移除照片"),
    "gradio upload": ("Upload file", "上传文件"),
    "gradio camera": ("Capture from camera", "拍照"),
    "gradio paste": ("Paste from clipboard", "从剪贴板粘贴"),
    "gradio drop": ("Click to upload or drop files", "点击上传，或把文件拖进来"),
    "gradio number": ("number input for {}", "{}（数值）"),
    "gradio slider": ("range slider for {}", "{}（滑块）"),
    "gradio reset": ("Reset to default value", "恢复默认值"),
    "gradio table": ("Table actions", "表格操作"),
    "gradio copy": ("Copy table data", "复制表格"),
    "gradio thumbnail": ("Thumbnail {} of {}", "缩略图 {} / {}"),
    "gradio close": ("Close", "关闭"),
    "gradio clear": ("Clear", "清除"),
    "gradio download": ("Download", "下载"),
    "gradio delete": ("Remove this file", "移除这个文件"),
    "gradio complete": ("complete", "完成"),
    "gradio common upload": ("upload", "上传"),
}
