"""The page: many images at once, the matrix, collections of texts."""

STRINGS: dict[str, tuple[str, str]] = {
    "images": ("Images", "多张图像"),
    "batch": ("Many images at once", "批量分类"),
    "batch_files": ("Photos", "照片"),
    "batch_button": ("Classify all", "全部分类"),
    "batch_progress": ("Classifying", "正在分类"),
    "broken_files": ("Left out: {reasons}", "已跳过：{reasons}"),
    "download_svg": ("Download picture (SVG)", "下载图片（SVG）"),
    "collection": (
        "Find the best of many texts (.txt, .csv)",
        "从很多句话里找最配的（.txt / .csv）",
    ),
    "collection_file": ("A file: one text a line, or a table", "文件：一行一句，或表格"),
    "collection_pasted": ("Or paste them here, one a line", "或贴在这里，一行一句"),
    "collection_button": ("Find the best", "找出最配的"),
    "collection_missing": (
        "Choose a file of texts, or paste some.",
        "选一个文本文件，或贴一些句子进来。",
    ),
    "texts_reading": ("Reading the texts: {done} of {total}", "正在读句子：{done} / {total}"),
    "texts_stopped": (
        "Stopped. What has been read is remembered, so the next run is quicker.",
        "停下了。读过的已经记住，下次会快一些。",
    ),
    "matrix": ("Several images with several texts", "多图与多文本对照"),
    "matrix_button": ("Compare", "对照"),
    "matrix_caption": (
        "Cosine similarity; the best text of each image is outlined.",
        "余弦相似度；每张图像的最佳文本以边框标出。",
    ),
}
