"""The page: many images at once, the matrix, collections of texts."""

STRINGS: dict[str, tuple[str, str]] = {
    "photos_drop": (
        "Drop photos or folders here, or click to choose",
        "把照片或文件夹拖到这里，或点击选择",
    ),
    "photos_more": ("Add photos", "再加照片"),
    "photos_count": ("{count} [count:photo|photos] · {size}", "{count} 张 · {size}"),
    "photos_clear": ("Remove all", "全部移除"),
    "photos_remove": ("Remove {name}", "移除 {name}"),
    "photos_sending": ("Uploading {done} of {total} …", "正在上传第 {done} 张，共 {total} 张……"),
    "photos_stop": ("Stop uploading", "停止上传"),
    "photos_stopped": (
        "Stopped: {done} of {total} uploaded.",
        "已停止上传：共 {total} 个文件，已传 {done} 个。",
    ),
    "sent_lost": (
        "{name} could not be uploaded. Please try again.",
        "{name} 上传失败，请再试一次。",
    ),
    "sent_unreadable": (
        "{name} cannot be read: it is a folder, or it is no longer there.",
        "无法读取 {name}：它是一个文件夹，或者已经不在原处了。",
    ),
    "sent_nothing": ("There are no photos in {name}.", "{name} 里没有照片。"),
    "sent_more": (
        "[count:One more file was|{count} more files were] not uploaded.",
        "另有 {count} 个文件没有上传。",
    ),
    "batch": ("Many photos at once", "批量分类"),
    "batch_together": ("Name them together", "放在一起判断"),
    "batch_together_when": (
        "For photos that hold all of the labels between them: about eight more in a hundred are "
        "right. Leave it off where only a few of the labels are there: then more may get a wrong "
        "name.",
        "适合每个候选词都有照片的一批：每百张大约能多认对八张。如果只出现了少数几个词，请不要勾选，"
        "否则认错的可能更多。",
    ),
    "batch_button": ("Classify all", "全部分类"),
    "batch_again": ("Classify again", "重新分类"),
    "batch_stop": ("Stop", "停止"),
    "batch_starting": ("Starting …", "正在开始……"),
    "batch_running": (
        "{done} of {total} · {rate} photos/s · {left} left",
        "{done} / {total} 张 · 每秒 {rate} 张 · 还剩 {left}",
    ),
    "batch_done": ("{total} [total:photo|photos] in {time}", "{total} 张，用时 {time}"),
    "batch_stopped": (
        "Stopped after {done} of {total}; these are below.",
        "已停止：共 {total} 张，分好的 {done} 张在下面。",
    ),
    "batch_seconds": ("{number} s", "{number} 秒"),
    "batch_minutes": ("{number} min", "{number} 分钟"),
    "batch_stale": (
        "Words, options or photos have changed since; below is the earlier result.",
        "候选词、设置或照片改过了，下面还是之前的结果。",
    ),
    "batch_filters": ("Show only one group", "只看一组"),
    "batch_all": ("All", "全部"),
    "batch_nothing": ("None fits", "都不符合"),
    "batch_teach": ("Teach with these", "用这些教它"),
    "batch_teach_group": ("Teach with the photos of: {label}", "用“{label}”这组照片教它"),
    "batch_moved": ("Corrected", "改过的"),
    "batch_zip": ("Download sorted .zip", "下载分好类的 .zip"),
    "batch_unsure_folder": ("Unsure", "不好说"),
    "batch_fits": ("{label} {score}", "{label} {score}"),
    "batch_unsure": ("Unsure; closest: {label} {score}", "不好说，最接近 {label} {score}"),
    "batch_none": ("None fits; closest: {label} {score}", "都不符合，最接近 {label} {score}"),
    "batch_then": ("then {label} {score}", "其次 {label} {score}"),
    "batch_moved_to": ("corrected to {label}", "已改为 {label}"),
    "batch_move": ("Not right? Move to", "不对？改到"),
    "batch_as_judged": ("as judged: {label}", "模型的判断：{label}"),
    "batch_rest": (
        "{count} more [count:label scores|labels score] {score} or less; the CSV has them all.",
        "其余 {count} 个词得分不超过 {score}，全部得分见 CSV。",
    ),
    "batch_previous": ("Previous photo", "上一张"),
    "batch_next": ("Next photo", "下一张"),
    "batch_close": ("Close", "关闭"),
    "batch_broken": (
        "{count} [count:file|files] could not be read",
        "{count} 个文件读不了",
    ),
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
    "matrix": ("Similarity matrix: photos × sentences", "相似度矩阵：几张照片 × 几句话"),
    "matrix_first": (
        "Only the first {limit} of {number} photos are compared.",
        "这里有 {number} 张照片，只比较前 {limit} 张。",
    ),
    "matrix_texts": ("Sentences, one a line", "句子，一行一句"),
    "matrix_example": (
        "This is an example: add photos and write sentences of your own.",
        "这是示例，可以换成自己的照片和句子。",
    ),
    "matrix_numbers": ("Numbers", "数字"),
    "matrix_cosine": ("Cosine", "余弦相似度"),
    "matrix_by_photo": ("% by photo", "% 按照片"),
    "matrix_by_text": ("% by sentence", "% 按句子"),
    "matrix_cosine_said": (
        "How alike a photo and a sentence are to the model.",
        "模型眼里照片和句子有多像。",
    ),
    "matrix_by_photo_said": (
        "Softmax down each column: which of these sentences fits the photo? It adds up to 100%.",
        "每一列做 softmax：这些句子里哪句最配这张照片？一列合计 100 %。",
    ),
    "matrix_by_text_said": (
        "Softmax along each row: which of these photos fits the sentence? It adds up to 100%.",
        "每一行做 softmax：这些照片里哪张最配这句话？一行合计 100 %。",
    ),
    "matrix_best_photo": ("best sentence for the photo", "这张照片最配的句子"),
    "matrix_best_text": ("best photo for the sentence", "这句话最配的照片"),
    "matrix_scroll": ("Swipe sideways: {count} photos", "左右滑动，共 {count} 张"),
    "matrix_caption": (
        "Cosine similarity; the best sentence for each photo is outlined.",
        "余弦相似度；每张照片最配的句子以边框标出。",
    ),
}
