"""Every sentence a person sees, in English and Chinese, in one place.

`STRINGS` maps a key to its (English, Chinese) pair. Placeholders are `str.format` fields by name;
the values put into them are data and are never formatted again.
"""

from typing import Literal

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

STRINGS: dict[str, tuple[str, str]] = {
    # Images
    "image_missing": ("Please add an image first.", "请先添加一张图片。"),
    "image_unreadable": (
        "{name} is not an image this app can read.",
        "{name} 不是本应用能识别的图片。",
    ),
    "image_svg": (
        "{name} is an SVG drawing; please export it as PNG or JPEG first.",
        "{name} 是 SVG 矢量图，请先导出为 PNG 或 JPEG。",
    ),
    "image_damaged": (
        "{name} is damaged or incomplete; please try another copy.",
        "{name} 已损坏或不完整，请换一份再试。",
    ),
    "image_empty": ("{name} is empty.", "{name} 没有任何内容。"),
    "image_too_large": (
        "{name} has {megapixels} megapixels; this app opens at most {limit}.",
        "{name} 的像素过多（{megapixels} MP），上限为 {limit} MP。",
    ),
    "image_file_too_large": (
        "{name} takes {megabytes} MB; this app opens at most {limit} MB.",
        "{name} 文件过大（{megabytes} MB），上限为 {limit} MB。",
    ),
    "image_out_of_memory": (
        "There is not enough memory to open {name}.",
        "内存不足，无法打开 {name}。",
    ),
    "image_not_found": ("{name} was not found.", "找不到 {name}。"),
    "image_is_folder": (
        "{name} is a folder, not an image.",
        "{name} 是文件夹，不是图片。",
    ),
    "image_cannot_be_opened": (
        "{name} could not be opened; please check its permissions.",
        "无法打开 {name}，请检查文件权限。",
    ),
    # Labels, templates, descriptions
    "labels_missing": (
        "Please type at least one label, for example: cat, dog.",
        "请至少输入一个类别，例如：猫，狗。",
    ),
    "labels_too_many": (
        "{number:,} labels are too many; the limit is {limit:,}.",
        "类别太多：{number:,} 个，上限为 {limit:,} 个。",
    ),
    "descriptions_missing": (
        "Please type at least one description, one on each line.",
        "请至少输入一条描述，每行一条。",
    ),
    "descriptions_too_many": (
        "{number:,} lines are too many; the limit is {limit:,}.",
        "行数太多：{number:,} 行，上限为 {limit:,} 行。",
    ),
    "images_too_many": (
        "{number} images are too many; the limit is {limit}.",
        "图像太多：{number} 张，上限为 {limit} 张。",
    ),
    "text_too_long": (
        "One text has {number:,} characters; the limit is {limit:,}.",
        "有一条文本长达 {number:,} 个字符，上限为 {limit:,} 个。",
    ),
    "template_without_place": (
        'The template "{template}" has no {{}} where the label goes.',
        "模板“{template}”中没有放置类别的 {{}}。",
    ),
    "collection_unreadable": (
        "{name} is not a text file that can be read; please save it as .txt or .csv in UTF-8.",
        "无法将 {name} 作为文本文件读取，请另存为 UTF-8 编码的 .txt 或 .csv。",
    ),
    "collection_no_texts": (
        "{name} holds no list of texts, nor of objects with a caption.",
        "{name} 中没有文本列表，也没有带 caption（描述）的对象。",
    ),
    "file_not_found": ("There is no file {name} to read.", "找不到可读取的文件 {name}。"),
    # The gallery: folders, indexes, searching
    "image_outside": (
        "{name} leads out of the folders that may be read.",
        "{name} 指向允许读取的目录之外。",
    ),
    "folder_not_allowed": (
        "{folder} is not a folder below the configured gallery roots.",
        "{folder} 不是已配置图库目录下的文件夹。",
    ),
    "folder_not_there": (
        "The folder {folder} is not there any more: it was deleted or renamed, or its disk is "
        "unplugged. What was indexed of it is kept.",
        "文件夹 {folder} 已不存在：可能已被删除或改名，或磁盘未连接。已建立的索引仍然保留。",
    ),
    "folder_gone": (
        "The folder {folder} is not there any more; its index was kept.",
        "文件夹 {folder} 已不存在，其索引仍然保留。",
    ),
    "folder_unreadable": (
        "The folder {folder} cannot be listed; please check its permissions.",
        "无法读取文件夹 {folder}，请检查权限。",
    ),
    "folder_empty": (
        "There are no images in the folder {folder}.",
        "文件夹 {folder} 中没有图像。",
    ),
    "folder_empty_now": (
        "The folder {folder} holds no images now; in case its disk is unplugged, its index was "
        "kept. To drop the index, forget the folder.",
        "文件夹 {folder} 中现在没有图像。也许磁盘未连接，索引仍然保留；如确要清除，请删除该索引。",
    ),
    "index_missing": (
        "The folder {folder} has no index yet; please index it first.",
        "文件夹 {folder} 还没有索引，请先建立索引。",
    ),
    "index_none": (
        "No folder has been indexed yet; please index one first.",
        "还没有任何文件夹建立过索引，请先建立一个。",
    ),
    "index_busy": (
        "The index of {folder} is being updated elsewhere just now; please wait for that to end.",
        "{folder} 的索引正在别处更新，请等待其完成。",
    ),
    "index_damaged": (
        "The index of {folder} is damaged; index the folder again, and a new one takes its place.",
        "{folder} 的索引已损坏；重新建立索引即可替换它。",
    ),
    "index_read_only": (
        "The folder that keeps the indexes cannot be written ({reason}): what is indexed can be "
        "searched, but nothing can be indexed.",
        "存放索引的文件夹无法写入（{reason}）：已有索引可以搜索，但不能建立或更新索引。",
    ),
    "terminal_index_read_only": (
        "The folder {folder}, which keeps the indexes, cannot be written ({reason}): what is "
        "indexed there can be searched, but nothing can be indexed.",
        "存放索引的文件夹 {folder} 无法写入（{reason}）：已有索引可以搜索，但不能建立或更新索引。",
    ),
    "index_newer": (
        "The index of {folder} was written by a newer version of this program.",
        "{folder} 的索引由本程序的更新版本写入。",
    ),
    "index_other_model": (
        "The index of {folder} was made with {model}, but {current} is in use. Index the folder "
        "again to make one for {current} beside it.",
        "{folder} 的索引由 {model} 建立，而当前模型是 {current}。"
        "重新建立索引会为 {current} 另建一份，原索引保留。",
    ),
    "left_out_kinds": (
        "{number:,} files of other kinds left out: {kinds}.",
        "另有 {number:,} 个其他类型的文件未读取：{kinds}。",
    ),
    "left_out_other": (
        "{number:,} files that are neither pictures nor videos left out.",
        "另有 {number:,} 个既非图片也非视频的文件未读取。",
    ),
    "left_out_nomedia": (
        "{number:,} pictures left out by a .nomedia file: {folders}.",
        "有 {number:,} 张图片因所在文件夹含 .nomedia 而未读取：{folders}。",
    ),
    "nomedia_here": (
        "This folder has a .nomedia file in it, but was indexed because it was chosen itself.",
        "此文件夹含有 .nomedia 文件；因为是直接指定的，仍为它建立了索引。",
    ),
    "query_missing": (
        "Please type what to look for, or add a picture.",
        "请输入要查找的内容，或添加一张图片。",
    ),
    "terms_too_many": (
        "{number} terms are too many; the limit is {limit}.",
        "检索项太多：{number} 个，上限为 {limit} 个。",
    ),
    "top_k_invalid": (
        "The number of results must be between 1 and {limit}.",
        "结果数量必须在 1 到 {limit} 之间。",
    ),
    "top_k_not_whole": (
        "The number of labels to return must be a whole number, 0 (for all) or more.",
        "返回的类别数量必须是不小于 0 的整数（0 表示全部）。",
    ),
    "image_changed": (
        "{name} has changed since it was indexed; please index the folder again.",
        "{name} 在建立索引后已被修改，请重新建立索引。",
    ),
    "archive_damaged": (
        "The archive {name} is damaged or was not copied to its end.",
        "压缩包 {name} 已损坏，或没有传完。",
    ),
    "archive_other_kind": (
        "{name} is a {kind} archive; please pack the photos as a .zip.",
        "{name} 其实是 {kind} 压缩包；请改用 .zip 格式打包照片。",
    ),
    "entry_damaged": (
        "{name} is damaged inside its archive.",
        "压缩包里的 {name} 已损坏。",
    ),
    "entry_encrypted": (
        "{name} is protected by a password; please pack it without one.",
        "{name} 设有密码；请重新打包，不要加密。",
    ),
    "entry_too_large": (
        "{name} is too large for one photo and was left out.",
        "{name} 作为一张照片过大，已跳过。",
    ),
    "entry_method": (
        "{name} is packed in a way that cannot be read here; please pack it again as a plain .zip,"
        " for example with 7-Zip, or fewer files at a time.",
        "{name} 的压缩方式这里无法读取；请重新打包为普通 .zip（例如用 7-Zip），或分几次打包。",
    ),
    "upload_not_stored": (
        "The photos could not be stored: {reason}.",
        "照片无法保存：{reason}。",
    ),
    "upload_too_many": (
        "More than {limit:,} photos are too many to upload; please use a gallery folder.",
        "上传的照片超过 {limit:,} 张，请改用图库目录。",
    ),
    "upload_too_large": (
        "Together these photos take more than {limit} GB; please use a gallery folder.",
        "这些照片总共超过 {limit} GB，请改用图库目录。",
    ),
    "store_failed": (
        "The vector store {store} does not answer as it should: {reason}",
        "向量库 {store} 未能正常响应：{reason}",
    ),
    "qdrant_not_installed": (
        "This setting needs Qdrant's client; please run: pip install qdrant-client",
        "此设置需要 Qdrant 客户端，请运行：pip install qdrant-client",
    ),
    "ray_not_installed": (
        'The option --ray needs Ray; please run: pip install "ray[data]"',
        '选项 --ray 需要 Ray，请运行：pip install "ray[data]"',
    ),
    "ray_failed": (
        "Ray's workers have failed: {reason}",
        "Ray 的工作进程出现故障：{reason}",
    ),
    # The gallery in the terminal
    "folder_missing": ("There is no folder {folder}.", "找不到文件夹 {folder}。"),
    "indexes_unreadable": (
        "There are only indexes made with {model}, but {current} is in use. Index a folder again, "
        "or search with --model {model}.",
        "现有索引由 {model} 建立，而当前模型是 {current}。"
        "请重新建立索引，或用 --model {model} 搜索。",
    ),
    "terminal_progress": (
        "{done:,} of {total:,} files, {rate:.0f} a second, {left} left",
        "{done:,} / {total:,} 个文件，每秒 {rate:.0f} 个，剩余 {left}",
    ),
    "terminal_progress_begun": ("{done:,} of {total:,} files", "{done:,} / {total:,} 个文件"),
    "terminal_indexed": (
        "{found:,} images in {folder}: {encoded:,} encoded, {reused:,} known from elsewhere, "
        "{unchanged:,} unchanged, {forgotten:,} gone, {broken:,} broken; {seconds:.1f} s.",
        "{folder} 中有 {found:,} 个图像文件：新编码 {encoded:,}，内容已知 {reused:,}，"
        "未变 {unchanged:,}，移除 {forgotten:,}，损坏 {broken:,}；用时 {seconds:.1f} 秒。",
    ),
    "terminal_stopping": (
        "Stopping after this batch; press Ctrl-C again to end at once.",
        "完成这一批后停止；再按一次 Ctrl-C 立即结束。",
    ),
    "terminal_stopped": (
        "Stopped. What is done is kept; run the same command again to go on.",
        "已停止。完成的部分已保存，再次运行同一命令即可继续。",
    ),
    "terminal_unreadable": (
        "{path} could not be looked at, so what was known of it is kept; please check its "
        "permissions and its disk.",
        "无法查看 {path}，已知的内容予以保留；请检查权限和磁盘。",
    ),
    "terminal_broken": (
        "Files that could not be read ({number:,}):",
        "有 {number:,} 个文件无法读取：",
    ),
    "terminal_broken_more": ("… and {number:,} more", "……另有 {number:,} 个"),
    "terminal_kept": (
        "{kept:,} pictures are gone; what was learnt of them is kept for {days} days in case they "
        "come back. index --forget-missing drops it at once.",
        "有 {kept:,} 张图片已不在文件夹中；其特征会保留 {days} 天，以备它们重新出现。"
        "用 index --forget-missing 可立即清除。",
    ),
    "terminal_folder_gone": (
        "The folder {folder} is not there now; these are the remembered results.",
        "文件夹 {folder} 现在不存在，以下是索引中记住的结果。",
    ),
    "terminal_hidden": (
        "{number} more that do not fit; --all shows them.",
        "另有 {number} 个不太相符的结果，用 --all 显示。",
    ),
    "terminal_status": (
        "{files:,} files, {images:,} different pictures, {broken:,} broken, indexed with {model}",
        "{files:,} 个文件，{images:,} 张不同的图片，损坏 {broken:,}，由 {model} 建立",
    ),
    "terminal_usable": ("searched by the model in use", "当前模型可以搜索"),
    "terminal_forgotten": (
        "The index of {folder} is deleted; the photographs are untouched.",
        "已删除 {folder} 的索引，照片本身未受影响。",
    ),
    # Images in the terminal
    "pattern_without_files": (
        "No file matches {pattern}.",
        "没有与 {pattern} 匹配的文件。",
    ),
    "paths_missing": (
        "No file names came on standard input.",
        "标准输入中没有文件名。",
    ),
    "paths_unreadable": (
        "Standard input is not a list of file names, one a line; for a list separated by NUL "
        "characters (find -print0), add -0.",
        "标准输入不是每行一个文件名的列表；如果文件名以 NUL 字符分隔（find -print0），请加上 -0。",
    ),
    "terminal_answered": ("{number:,} images done", "已完成 {number:,} 张"),
    "output_failed": (
        "The answers could not be written: {reason}.",
        "结果无法写出：{reason}。",
    ),
    "unexpected_terminal": (
        "This is a fault in the program. Please report it with the lines above.",
        "这是程序自身的错误，请附上以上内容反馈给我们。",
    ),
    # Settings and models
    "setting_invalid": (
        "The setting {name} is not valid: {reason}.",
        "设置项 {name} 无效：{reason}。",
    ),
    "auth_malformed": (
        "The setting auth must have the form USER:PASSWORD.",
        "设置项 auth 的格式应为“用户名:密码”。",
    ),
    "model_unknown": (
        'There is no model called "{model}"; `python -m clip_app models` lists the names.',
        "没有名为“{model}”的模型；运行 `python -m clip_app models` 可查看所有名称。",
    ),
    "model_broken": (
        'The model "{model}" cannot be loaded: its files are missing, damaged or of another kind.',
        "无法加载模型“{model}”：文件缺失、损坏或格式不符。",
    ),
    "model_changing": (
        "Another model is being loaded just now; please wait.",
        "正在加载另一个模型，请稍候。",
    ),
    "model_path_forbidden": (
        "From the page, only folders below the configured model folder can be loaded.",
        "在页面中只能加载已配置的模型目录下的文件夹。",
    ),
    "hub_unreachable": (
        'The weights of "{model}" are not on this machine and the model hub {hub} does not answer.',
        "本机没有“{model}”的权重，且模型仓库 {hub} 没有响应。",
    ),
    "proxy_unusable": (
        "The proxy {setting} in the environment is of a kind that cannot be used here; downloads "
        "go without it.",
        "环境变量中的代理 {setting} 无法使用，下载时将不经过它。",
    ),
    "proxy_needs_socks": (
        "The proxy {setting} needs one more package, `pip install socksio`; until then downloads "
        "go without it.",
        "代理 {setting} 需要另装一个包：`pip install socksio`；在此之前，下载时不经过它。",
    ),
    "no_proxy_unusable": (
        "The entry {setting} of NO_PROXY cannot be understood and is left out.",
        "无法理解 NO_PROXY 中的 {setting}，已忽略。",
    ),
    "download_interrupted": (
        'The download of "{model}" was interrupted; run it again, and it goes on where it stopped.',
        "“{model}”的下载中断了；请再试一次，会从中断处继续。",
    ),
    "download_damaged": (
        'What was downloaded of "{model}" is not what the hub has and was discarded; '
        "please run it again.",
        "下载到的“{model}”与模型仓库中的文件不一致，已丢弃；请再试一次。",
    ),
    "download_not_saved": (
        'The download of "{model}" could not be saved: {reason}; what has arrived is kept.',
        "“{model}”的下载无法保存：{reason}；已下载的部分会保留。",
    ),
    "hub_gated": (
        'The model hub {hub} gives "{model}" only to those who have accepted its terms; please do '
        "so there and set HF_TOKEN.",
        "“{model}”需先在模型仓库 {hub} 上同意其使用条款；完成后请设置 HF_TOKEN。",
    ),
    "hub_no_repository": (
        'The model hub {hub} has no "{model}", or it is private.',
        "模型仓库 {hub} 上没有“{model}”，或者它不公开。",
    ),
    "hub_no_model": (
        '"{model}" on {hub} lacks the files of an open_clip model.',
        "{hub} 上的“{model}”缺少 open_clip 模型所需的文件。",
    ),
    "hub_strange": (
        '{hub} does not answer like a model hub, so that "{model}" cannot be downloaded; perhaps '
        "a log-in page of the network or a proxy answers in its place.",
        "{hub} 的应答不像模型仓库，无法下载“{model}”；可能是网络的登录页面或代理代为应答。",
    ),
    "hub_busy": (
        'The model hub {hub} cannot deliver "{model}" just now (HTTP {status}); please run it '
        "again later.",
        "模型仓库 {hub} 暂时无法提供“{model}”（HTTP {status}），请稍后再试。",
    ),
    "precision_slow": (
        "This processor has no instructions for {precision}; float32 is used, which is several "
        "times faster here.",
        "本机处理器没有 {precision} 指令，改用 float32，在这台机器上要快好几倍。",
    ),
    "device_missing": ("There is no {device} device here.", "这台机器上没有 {device} 设备。"),
    "out_of_memory": (
        "The device has too little memory for this model; please choose a smaller one.",
        "设备内存不足以运行该模型，请选择较小的模型。",
    ),
    "disk_full": ("The result could not be saved: {reason}.", "结果无法保存：{reason}。"),
    "unexpected": (
        "Something went wrong here; it has been noted in the log. Please try again.",
        "程序出现意外错误，已记入日志，请重试。",
    ),
    "share_unreachable": (
        "The share server cannot be reached; the app goes on at its local address.",
        "无法连接分享服务器，应用仍可通过本地地址使用。",
    ),
    "port_taken": (
        "Port {port} is in use or not allowed; please choose another with --port.",
        "端口 {port} 已被占用或无权使用，请用 --port 另选一个。",
    ),
    "host_unusable": (
        "The address {host} cannot be listened on here; please choose another with --host.",
        "无法在地址 {host} 上监听，请用 --host 另选一个。",
    ),
    "temporary_folder_unusable": (
        "The folder {folder} of GRADIO_TEMP_DIR cannot be written to.",
        "环境变量 GRADIO_TEMP_DIR 指定的文件夹 {folder} 无法写入。",
    ),
    "login_needed": (
        "This page asks for a user name and a password; please log in.",
        "访问此页面需要用户名和密码，请先登录。",
    ),
    "request_malformed": (
        "This request cannot be understood: a value is missing, is of the wrong kind, or names a "
        "file that was not uploaded.",
        "无法理解这个请求：缺少某个值、类型不对，或者指向未上传的文件。",
    ),
    "endpoint_unknown": (
        "There is no such endpoint; the link at the foot of the page lists them.",
        "没有这个接口；页面底部的链接列出了全部接口。",
    ),
    "command_description": (
        "Open-vocabulary vision with CLIP: classify, match, serve.",
        "用 CLIP 识别任意类别：分类、匹配、网页服务。",
    ),
    # The page
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
        "The starter model answers while {better} is being downloaded.",
        "正在下载 {better}，下载完成前由入门模型作答。",
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
    "setting_precision": (
        "float32, float16 or bfloat16; auto keeps scores within 0.01 of float32",
        "float32、float16 或 bfloat16；auto 保证得分与 float32 相差不超过 0.01",
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
}


def text(key: str, language: Language, **params: object) -> str:
    """The sentence `key` in `language`, its placeholders filled with `params`.

    Raises:
        KeyError: if the key is unknown or a placeholder has no value.
    """
    return STRINGS[key][LANGUAGES.index(language)].format(**params)


def language_of(tag: str | None, default: Language = "en") -> Language:
    """The interface language for a BCP-47 tag or an `Accept-Language` header.

    Any Chinese (`zh`, `zh-CN`, `zh_TW`, `zh-Hant-HK` …) is Chinese. In a list the entry with the
    highest quality value that is Chinese or English decides; without one, `default`.
    """
    ranked: list[tuple[float, int, Language]] = []
    for position, part in enumerate((tag or "").split(",")):
        name, _, options = part.strip().partition(";")
        primary = name.replace("_", "-").split("-")[0].lower()
        try:
            quality = float(options.strip().removeprefix("q=")) if options else 1.0
        except ValueError:
            quality = 0.0
        if primary in LANGUAGES and quality > 0:
            ranked.append((-quality, position, "zh" if primary == "zh" else "en"))
    return min(ranked)[2] if ranked else default
