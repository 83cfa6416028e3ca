"""The page: its labels, tabs and verdicts."""

STRINGS: dict[str, tuple[str, str]] = {
    "title": ("CLIP image and text lab", "CLIP 图文实验室"),
    "subtitle": (
        "Ask a photo anything: type your own classes or descriptions, see what the model thinks.",
        "给一张照片，输入任意类别或描述，看看模型怎么判断。",
    ),
    "language": ("Language", "语言"),
    "model_line": (
        "Model: {title} · {device} · {precision} · {size} px",
        "模型：{title} · {device} · {precision} · {size} 像素",
    ),
    "starter_title": ("bundled starter", "内置入门模型"),
    "starter_notice": (
        "Starter model: good for a first look; choose {better} for quality.",
        "当前为入门模型：适合初步体验；要获得更好的效果，请选择 {better}。",
    ),
    "starter_meanwhile": (
        "Downloading {download}. The starter model answers until then.",
        "正在下载 {download}。下载完成前由入门模型作答。",
    ),
    "starter_ending": (
        "{better} has been downloaded and takes over in a moment.",
        "{better} 已下载完成，马上接替入门模型。",
    ),
    "starter_again": (
        "The download of {better} broke off. It goes on by itself once the model hub answers "
        "again; the starter model answers until then.",
        "{better} 的下载中断了。模型仓库恢复响应后会自动继续；在此之前由入门模型作答。",
    ),
    "tab_classify": ("Classify", "图像分类"),
    "tab_match": ("Match", "文本匹配"),
    "tab_model": ("Model", "模型"),
    "image": ("Image", "图像"),
    "images": ("Images", "多张图像"),
    "labels": ("Labels", "类别"),
    "labels_info": (
        "Separate with commas, semicolons or line breaks; up to 10,000.",
        "用逗号、顿号、分号或换行分隔，最多 10,000 个。",
    ),
    "labels_placeholder": ("cat, dog, bird", "猫，狗，鸟"),
    "label_set": ("Ready-made label sets", "现成的类别集"),
    "label_set_info": ("One click fills the labels.", "点选即可填入类别。"),
    "options": ("Options", "选项"),
    "templates": ("Prompt template", "提示词模板"),
    "templates_info": (
        "The label takes the place of {{}}; averaging several templates is often better.",
        "类别会替换 {{}}；对多个模板取平均往往更准。",
    ),
    "templates_auto": ("Automatic (by the labels' language)", "自动（按类别的语言）"),
    "templates_none": ("None: the label alone", "不使用：只用类别本身"),
    "templates_single": ("a photo of a {{}}.", "单个英文模板：a photo of a {{}}."),
    "templates_clip7": ("CLIP's 7 templates", "CLIP 的 7 个模板"),
    "templates_clip80": ("CLIP's 80 templates", "CLIP 的 80 个模板"),
    "templates_chinese": ("4 Chinese templates", "4 个中文模板"),
    "templates_own": ("My own", "自定义"),
    "own_templates": ("My templates, one a line", "自定义模板，每行一个"),
    "scoring": ("Scores", "评分方式"),
    "scoring_softmax": ("Compare labels (sum to 100 %)", "类别相互比较（总和为 100%）"),
    "scoring_independent": ("Each label by itself", "每个类别单独评分"),
    "top_k": ("How many to show", "显示数量"),
    "classify_button": ("Classify", "开始分类"),
    "examples": ("Examples", "示例"),
    "result": ("Result", "结果"),
    "all_scores": ("Scores and similarities", "得分与相似度"),
    "column_image": ("Image", "图像"),
    "column_file": ("File", "文件"),
    "column_label": ("Label", "类别"),
    "column_text": ("Description", "描述"),
    "column_score": ("Score", "得分"),
    "column_similarity": ("Cosine similarity", "余弦相似度"),
    "verdict_best": ("Best label: {label}, {score}", "最可能的类别：{label}，{score}"),
    "verdict_none": (
        "None of these labels seems to fit this image.",
        "这些类别似乎都不符合这张图像。",
    ),
    "verdict_explained": (
        "As many unrelated words would do as well by luck in {chance} of cases; above {limit} we "
        "say that none fits.",
        "随机取同样多的无关词语，有 {chance} 的概率也能达到这一相似度；"
        "超过 {limit} 时判为“都不符合”。",
    ),
    "fits_not": ("none fits", "都不符合"),
    "scoring_used_softmax": (
        "Scores: softmax over your labels (they sum to 100 %).",
        "得分：对所列类别做 softmax（总和为 100%）。",
    ),
    "scoring_used_sigmoid": (
        "Scores: sigmoid, each label by itself.",
        "得分：sigmoid，每个类别单独计算。",
    ),
    "scoring_used_background": (
        "Scores: each label by itself, against about 770 unrelated words.",
        "得分：每个类别单独与约 770 个无关词语比较。",
    ),
    "text_cut": (
        'The model read only the first {read} of the {length} characters of "{text}".',
        "“{text}”共 {length} 个字符，模型只读了前 {read} 个。",
    ),
    "labels_share": (
        "These labels mean nearly the same and share the score between them: {pairs}.",
        "以下类别含义几乎相同，会分摊得分：{pairs}。",
    ),
    "language_unread": (
        "This model does not read Chinese; results for Chinese text are close to chance. "
        "Choose {better}, which does.",
        "当前模型不懂中文，中文文本的结果接近随机。请改用支持中文的 {better}。",
    ),
    "english_better": (
        "{better} is better at English: ImageNet {theirs:.1f} %, here {ours:.1f} %.",
        "{better} 的英文更准：ImageNet {theirs:.1f}%，当前模型 {ours:.1f}%。",
    ),
    "english_better_choose": ("See tab Model.", "可在“模型”页切换。"),
    "batch": ("Many images at once", "批量分类"),
    "batch_files": ("Photos", "照片"),
    "batch_button": ("Classify all", "全部分类"),
    "batch_progress": ("Classifying", "正在分类"),
    "encoding_texts": ("Encoding texts", "正在编码文本"),
    "loading_model": ("Loading {model}", "正在加载 {model}"),
    "broken_files": ("Left out: {reasons}", "已跳过：{reasons}"),
    "download_csv": ("Download CSV", "下载 CSV"),
    "download_json": ("Download JSON", "下载 JSON"),
    "download_svg": ("Download picture (SVG)", "下载图片（SVG）"),
    "descriptions": ("Descriptions, one a line", "描述（每行一条）"),
    "descriptions_placeholder": ("a cat lying on a sofa", "一只躺在沙发上的猫"),
    "match_button": ("Match", "开始匹配"),
    "match_best": ("Best match: {text}", "最佳匹配：{text}"),
    "match_none": (
        "None of these descriptions seems to fit this image.",
        "这些描述似乎都不符合这张图像。",
    ),
    "match_confidence": ("confidence {score}", "置信度 {score}"),
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
    "model_choose": ("Choose another model", "选择其他模型"),
    "model_choose_info": (
        "A name from the table, ARCHITECTURE:TAG of open_clip, or hf-hub:OWNER/NAME.",
        "表中的名称、open_clip 的“架构:权重标签”，或 hf-hub:所有者/名称。",
    ),
    "model_load": ("Load", "加载"),
    "model_loaded": ("{model} now answers.", "已切换到 {model}。"),
    "model_name": ("Name", "名称"),
    "model_languages": ("Languages", "语言"),
    "model_download": ("Download", "下载大小"),
    "model_imagenet": ("ImageNet top-1", "ImageNet 零样本准确率"),
    "model_chinese": ("Chinese retrieval R@1", "中文检索 R@1"),
    "model_scoring": ("Scoring", "评分"),
    "model_licence": ("Licence", "许可证"),
    "model_device": ("Device", "设备"),
    "model_precision": ("Precision", "精度"),
    "model_image_size": ("Image size", "图像尺寸"),
    "model_embedding": ("Embedding size", "向量维度"),
    "model_parameters": ("Parameters", "参数量"),
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
    "gallery_example_query": ("a cup of coffee", "一杯咖啡"),
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
    "duration_seconds": ("{number:.0f} s", "{number:.0f} 秒"),
    "duration_minutes": ("{number:.0f} min", "{number:.0f} 分钟"),
    "duration_hours": ("{number:.1f} h", "{number:.1f} 小时"),
    "metrics": ("Times of each step", "各步骤用时"),
    "metrics_step": ("Step", "步骤"),
    "metrics_count": ("Count", "次数"),
    "metrics_mean": ("Mean, ms", "平均（毫秒）"),
    "metrics_median": ("Median, ms", "中位数（毫秒）"),
    "metrics_p95": ("95th percentile, ms", "第 95 百分位（毫秒）"),
    "error": ("Please note", "请注意"),
    # Settings: `--help` and docs/models.md
    "setting_model": (
        "a name from the table of models; ARCHITECTURE:TAG or ARCHITECTURE:/path/of/weights of "
        "open_clip; hf-hub:OWNER/NAME; or a model's folder. auto is the default model, or else "
        "starter",
        "模型表中的名称；open_clip 的“架构:权重标签”或“架构:权重文件路径”；hf-hub:所有者/名称；"
        "或模型文件夹。auto 优先用默认模型，不行再用 starter",
    ),
    "setting_device": (
        "cuda, mps or cpu; auto takes the first of these that is there",
        "cuda、mps 或 cpu；auto 按此顺序取第一个可用的",
    ),
    "setting_engine": (
        "onnx or torch; auto: ONNX Runtime on a CPU once a model is exported, else torch",
        "onnx 或 torch；auto：在 CPU 上，模型导出后由 ONNX Runtime 运行，其余用 torch",
    ),
    "setting_export": (
        "export a model for ONNX Runtime in the background the first time a CPU runs it",
        "首次在 CPU 上运行某个模型时，在后台为 ONNX Runtime 导出它",
    ),
    "setting_precision": (
        "float32, float16, bfloat16, or int8 on a CPU; auto keeps scores within 0.01 of float32",
        "float32、float16、bfloat16，或在 CPU 上用 int8；auto 保证得分与 float32 相差不超过 0.01",
    ),
    "setting_language": (
        "language of the page, en or zh; auto follows the browser",
        "页面语言，zh 或 en；auto 跟随浏览器",
    ),
    "setting_host": (
        "address to listen on; 0.0.0.0 for all",
        "监听地址；0.0.0.0 表示所有网卡",
    ),
    "setting_port": (
        "port to listen on; 0 picks a free one",
        "监听端口；0 表示自动选一个空闲端口",
    ),
    "setting_share": (
        "make a public link through Gradio's share server",
        "通过 Gradio 的分享服务器生成公开链接",
    ),
    "setting_auth": (
        "USER:PASSWORD to ask for before the page opens",
        "打开页面前要求登录，格式为“用户名:密码”",
    ),
    "setting_mcp": ("serve the API to MCP clients too", "同时为 MCP 客户端提供服务"),
    "setting_open_browser": (
        "open the page in a browser once it is served",
        "启动后自动在浏览器中打开页面",
    ),
    "setting_allow_model_change": (
        "let visitors change the model, for everyone; by default only on a local, unshared page",
        "允许访问者切换模型（对所有人生效）；默认仅限未分享的本机页面",
    ),
    "setting_model_root": (
        "folder whose open_clip model folders can be chosen in the page",
        "页面上可选的 open_clip 模型文件夹都放在这个目录下",
    ),
    "setting_gallery_roots": (
        "folders of photographs to index and search in the page, joined by : (on Windows ;)",
        "页面中可索引和搜索的照片目录，用 : 连接（Windows 上用 ;）",
    ),
    "setting_index_dir": (
        "folder for indexes, thumbnails and uploads; for Gradio's temporary files too, unless "
        "GRADIO_TEMP_DIR is set",
        "存放索引、缩略图和上传照片的目录；未设置 GRADIO_TEMP_DIR 时，也存放 Gradio 的临时文件",
    ),
    "setting_gallery_store": (
        "where indexes are kept: sqlite (in the index folder), or qdrant+http://HOST:6333",
        "索引存放在哪里：sqlite（在索引目录中），或 qdrant+http://主机:6333",
    ),
    "setting_qdrant_api_key": (
        "the key that the Qdrant server asks for",
        "Qdrant 服务器要求的密钥",
    ),
    "setting_max_upload_mb": ("largest upload in megabytes", "上传文件的大小上限（MB）"),
    "setting_cache_mb": (
        "memory for cached features in megabytes",
        "特征缓存可用的内存（MB）",
    ),
    "setting_cache_dir": (
        "folder for features of long text lists, so that no later start computes them again",
        "存放长文本列表特征的目录，以后启动时无需重新计算",
    ),
}
