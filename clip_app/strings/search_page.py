"""The page: searching a gallery."""

STRINGS: dict[str, tuple[str, str]] = {
    "tab_gallery": ("Search", "图库搜索"),
    "gallery_folder": ("Gallery", "图库"),
    "gallery_folder_info": (
        "A configured folder, or a folder below one.",
        "已配置的目录，或其下的子文件夹。",
    ),
    "gallery_own": ("my uploads", "我上传的照片"),
    "gallery_examples": ("example photos", "示例照片"),
    "gallery_index": ("Index this gallery", "建立索引"),
    "gallery_stop": ("Stop", "停止"),
    "gallery_add": ("Add my own photos", "添加自己的照片"),
    "gallery_add_files": ("Photos, or .zip archives of them", "照片，或照片的 .zip 压缩包"),
    "gallery_add_button": ("Add and index", "添加并建立索引"),
    "gallery_query": ("What are you looking for?", "想找什么？"),
    "gallery_query_info": (
        "Join terms with + and −: beach + sunset - people. What is “without …” is subtracted; "
        'what is in "quotes" is taken as it is.',
        "可用 + 和 − 组合：海滩 + 日落 - 人。“没有……”会自动排除；加引号则按原文搜索。",
    ),
    "gallery_query_placeholder": ("a sunny beach without people", "没有人的海滩"),
    "gallery_example_query": ("a bird", "鸟"),
    "gallery_exclude": ("Without", "排除"),
    "gallery_exclude_placeholder": ("people, cars", "人，汽车"),
    "gallery_images": ("… or like these pictures", "……或与这些图片相似"),
    "gallery_search": ("Search", "搜索"),
    "gallery_image_weight": ("Weight of the pictures", "图片的权重"),
    "gallery_top_k": ("Results", "结果数量"),
    "gallery_show_all": ("Show what does not fit, too", "也显示不太相符的结果"),
    "gallery_below": ("Only in the folder", "仅限子文件夹"),
    "gallery_types": ("Only file types", "仅限文件类型"),
    "gallery_from": ("Taken from", "拍摄日期从"),
    "gallery_until": ("Taken until", "拍摄日期到"),
    "gallery_date_info": (
        "Where a photo does not say, the date of the file counts.",
        "照片没有拍摄日期时，按文件日期筛选。",
    ),
    "gallery_filters": ("Filters and options", "筛选与选项"),
    "gallery_results": ("Found pictures", "搜索结果"),
    "gallery_no_index": (
        "{gallery} has not been indexed yet. Click “{button}” to make it searchable.",
        "{gallery} 还没有索引。点击“{button}”后即可搜索。",
    ),
    "gallery_other_model": (
        "{gallery} was indexed with {model}; click “{button}” to make an index for the present "
        "model beside it.",
        "{gallery} 的索引由 {model} 建立；点击“{button}”可为当前模型另建一份，原索引保留。",
    ),
    "gallery_status": (
        "{gallery}: {images:,} pictures in {files:,} files can be searched.",
        "{gallery}：可搜索 {images:,} 张图片（{files:,} 个文件）。",
    ),
    "gallery_broken": (
        "Files that could not be read ({number:,}): {reasons}",
        "有 {number:,} 个文件无法读取：{reasons}",
    ),
    "gallery_progress": (
        "Indexing {gallery}: {done:,} of {total:,}, {rate:.0f} a second, {left} left",
        "正在索引 {gallery}：{done:,} / {total:,}，每秒 {rate:.0f} 张，剩余 {left}",
    ),
    "gallery_scanning": ("Looking through {gallery} …", "正在扫描 {gallery} ……"),
    "gallery_done": (
        "Done in {seconds:.0f} s: {encoded:,} new, {reused:,} moved or copied, {unchanged:,} "
        "unchanged, {forgotten:,} removed.",
        "用时 {seconds:.0f} 秒：新增 {encoded:,}，移动或重复 {reused:,}，未变 {unchanged:,}，"
        "移除 {forgotten:,}。",
    ),
    "gallery_kept": (
        "{kept:,} pictures are gone; what was learnt of them is kept for {days} days in case they "
        "come back.",
        "有 {kept:,} 张图片已不在文件夹中；其特征会保留 {days} 天，以备它们重新出现。",
    ),
    "gallery_stopped": (
        "Stopped; what is done is kept. Index again to go on.",
        "已停止，完成的部分已保存；再次建立索引即可继续。",
    ),
    "files_missing": ("Please choose files first.", "请先选择文件。"),
    "gallery_receiving": (
        "Taking in the photos: {done:,} of {total:,} files.",
        "正在接收照片：第 {done:,} 个，共 {total:,} 个文件。",
    ),
    "gallery_received": ("{images:,} photos added.", "已添加 {images:,} 张照片。"),
    "gallery_unreadable": (
        "{number:,} files cannot be read as images: {names}",
        "{number:,} 个文件不是能读取的图片：{names}",
    ),
    "gallery_refused": (
        "{number:,} files could not be taken in. {reasons}",
        "{number:,} 个文件未能接收。{reasons}",
    ),
    "gallery_left_out": (
        "{number:,} files are no images and were left out: {names}",
        "{number:,} 个文件不是图片，已跳过：{names}",
    ),
    "gallery_understood": ("Searched for: {query}", "搜索：{query}"),
    "gallery_literally": ("Take it literally", "按原文搜索"),
    "gallery_found": (
        "{number} of {images:,} pictures, by similarity",
        "从 {images:,} 张图片中找到 {number} 张，按相似度排列",
    ),
    "gallery_nothing_fits": (
        "Nothing in this gallery fits well.",
        "图库中没有合适的图像。",
    ),
    "gallery_cut_explained": (
        "A picture does not fit where unrelated words would match it about as well.",
        "若随便一个无关的词与图片也差不多同样匹配，就算不太相符。",
    ),
    "gallery_nothing_found": (
        "No picture passes these filters.",
        "没有符合筛选条件的图片。",
    ),
    "gallery_page": ("Page {page} of {pages}", "第 {page} / {pages} 页"),
    "gallery_previous": ("Previous", "上一页"),
    "gallery_next": ("Next", "下一页"),
    "gallery_unfit": ("does not fit", "不太相符"),
    "gallery_more": ("More like this", "更多类似"),
    "gallery_less": ("Less like this", "减少类似"),
    "gallery_clear": ("Forget these hints", "清除偏好"),
    "gallery_close": ("Close", "关闭"),
    "gallery_download": ("Download original", "下载原图"),
    "gallery_path": ("File", "文件"),
    "gallery_taken": ("Date", "日期"),
    "gallery_file_date": ("Date of the file", "文件日期"),
    "gallery_size": ("Size", "大小"),
    "gallery_also": ("Also in", "同样的图片"),
}
