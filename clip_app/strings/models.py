"""Settings, models, downloads, starting."""

STRINGS: dict[str, tuple[str, str]] = {
    "api_keys_empty": (
        "The setting api_keys is set, but holds no key; for an open API, please leave it unset.",
        "设置项 api_keys 已设置，但其中没有密钥；如要公开 HTTP 接口，请不要设置它。",
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
    "download_size": (
        "{name}, {done:,.0f} of {total:,.0f} MB",
        "{name}，{done:,.0f} / {total:,.0f} MB",
    ),
    "download_rate": (", {rate:.1f} MB/s, {left} left", "，{rate:.1f} MB/s，还需 {left}"),
    "time_seconds": ("{seconds} s", "{seconds} 秒"),
    "time_minutes": ("{minutes} min", "{minutes} 分钟"),
    "time_hours": ("{hours} h {minutes} min", "{hours} 小时 {minutes} 分钟"),
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
    "torch_missing": (
        'The model "{model}" needs torch, which is not installed here: install the packages of '
        "requirements.txt, or copy a folder of its exported towers here and choose that.",
        "模型“{model}”需要 torch，而这里没有安装：请安装 requirements.txt 中的依赖，"
        "或把导出的模型文件夹复制到本机，再选择该文件夹。",
    ),
    "export_failed": (
        'The model "{model}" cannot be exported for ONNX Runtime: {reason}.',
        "无法为 ONNX Runtime 导出模型“{model}”：{reason}。",
    ),
    "export_which": (
        "Please name the model to export; `models` lists them.",
        "请指明要导出的模型；`models` 命令会列出它们。",
    ),
    "export_folder_in_use": (
        "{folder} is there already and not empty; please name another folder.",
        "{folder} 已存在且不为空，请换一个文件夹。",
    ),
    "export_done": (
        "{model} is exported: {folder} ({megabytes:,.0f} MB).",
        "已导出 {model}：{folder}（{megabytes:,.0f} MB）。",
    ),
    "int8_cpu_only": (
        "int8 is for CPUs on ONNX Runtime: please choose --device cpu without --engine torch, or "
        "another precision.",
        "int8 只用于 CPU 上的 ONNX Runtime：请选择 --device cpu（且不要用 --engine torch），"
        "或改用其他精度。",
    ),
    "int8_failed": (
        'The model "{model}" cannot be run in int8: {reason}.',
        "模型“{model}”无法以 int8 运行：{reason}。",
    ),
    "int8_differs": (
        'The model "{model}" answers too differently in int8 (mean cosine to float32 {images:.3f} '
        "for images, {texts:.3f} for texts; at least {least} is needed); please use float32.",
        "模型“{model}”用 int8 时结果偏差过大（与 float32 的平均余弦：图片 {images:.3f}，"
        "文本 {texts:.3f}；至少应为 {least}），请使用 float32。",
    ),
    "int8_convolutions": (
        "The image tower of {model} stays in float32: most of its weights are convolutions, which "
        "gain nothing from int8 on a CPU.",
        "{model} 的图像编码器保持 float32：它的权重以卷积为主，在 CPU 上用 int8 并不会更快。",
    ),
    "int8_made": (
        "{model} is in int8 now (made once, {seconds:.0f} s); mean cosine to float32: {images:.4f} "
        "for images, {texts:.4f} for texts.",
        "{model} 已转换为 int8（只需一次，用时 {seconds:.0f} 秒）；与 float32 的平均余弦："
        "图片 {images:.4f}，文本 {texts:.4f}。",
    ),
    "towers_removed": (
        "{megabytes:,.0f} MB of exported models deleted from {folder}; they are made again when "
        "they are needed.",
        "已从 {folder} 删除导出的模型（{megabytes:,.0f} MB），需要时会重新导出。",
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
    "gpu_not_lent": (
        "The GPU that Hugging Face lends was not to be had: {reason}.",
        "没有借到 Hugging Face 的 GPU：{reason}。",
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
}
