"""The page: many images at once, the matrix, collections of texts."""

STRINGS: dict[str, tuple[str, str]] = {
    "images": ("Images", "多张图像"),
    "batch": ("Many images at once", "批量分类"),
    "batch_files": ("Photos", "照片"),
    "batch_button": ("Classify all", "全部分类"),
    "batch_progress": ("Classifying", "正在分类"),
    "broken_files": ("Left out: {reasons}", "已跳过：{reasons}"),
    "download_svg": ("Download picture (SVG)", "下载图片（SVG）"),
    "collection": ("Search my own text collection", "在我的文本库中检索"),
    "collection_file": (
        "Text file: .txt, one text a line, .csv, .tsv or .json, up to 100,000 lines",
        "文本文件：.txt（每行一条）、.csv、.tsv 或 .json，最多 100,000 行",
    ),
    "collection_pasted": ("Or paste the texts, one a line", "或粘贴文本（每行一条）"),
    "collection_button": ("Find the best texts", "查找最匹配的文本"),
    "matrix": ("Several images with several texts", "多图与多文本对照"),
    "matrix_button": ("Compare", "对照"),
    "matrix_caption": (
        "Cosine similarity; the best text of each image is outlined.",
        "余弦相似度；每张图像的最佳文本以边框标出。",
    ),
}
