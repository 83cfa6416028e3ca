"""The settings: `--help` and docs/models.md; and what is said of values that they do not take."""

STRINGS: dict[str, tuple[str, str]] = {
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
    "setting_api_keys": (
        "keys that open the HTTP API, separated by commas; as a variable they stay out of the "
        "process list",
        "可访问 HTTP 接口的密钥，用逗号分隔；用环境变量设置，就不会出现在进程列表里",
    ),
    "setting_rate_limit": (
        "how often one caller may ask the HTTP API, such as 120/minute",
        "每个调用方访问 HTTP 接口的频率上限，例如 120/minute",
    ),
    "setting_fetch_images": (
        "let callers of the HTTP API name pictures by address, public ones only",
        "允许 HTTP 接口的调用方用网址指定图片（仅限公网地址）",
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
    "setting_allow_sorting": (
        "let visitors sort and tag photographs below the gallery roots; by default only on a "
        "local, unshared page",
        "允许访问者整理图库目录下的照片、写标签；默认仅限未分享的本机页面",
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
        "where indexes are kept: sqlite (in the index folder), or qdrant+http://HOST:6333, "
        "with more nodes after commas",
        "索引存放在哪里：sqlite（在索引目录中），或 qdrant+http://主机:6333，更多节点用逗号隔开",
    ),
    "setting_qdrant_api_key": (
        "the key that the Qdrant server asks for",
        "Qdrant 服务器要求的密钥",
    ),
    "setting_qdrant_replicas": (
        "on how many Qdrant nodes each part of a new index lies, where the cluster has so many",
        "新索引的每个分片存放在几个 Qdrant 节点上（不超过集群的节点数）",
    ),
    "setting_qdrant_ca": (
        "PEM file of the certificate authority of Qdrant servers, in place of the system's",
        "签发 Qdrant 服务器证书的 CA 的 PEM 文件，用来代替系统自带的 CA",
    ),
    "setting_max_upload_mb": ("largest upload in megabytes", "上传文件的大小上限（MB）"),
    "setting_cache_mb": (
        "memory for cached features in megabytes",
        "特征缓存可用的内存（MB）",
    ),
    "setting_choice": (
        'The setting {name} takes one of {choices}, and was given "{given}".',
        "设置项 {name} 只能是以下之一：{choices}；给出的是“{given}”。",
    ),
    "setting_number": (
        'The setting {name} takes a whole number, {least} or more, and was given "{given}".',
        "设置项 {name} 应为不小于 {least} 的整数；给出的是“{given}”。",
    ),
    "setting_number_between": (
        'The setting {name} takes a whole number from {least} to {most}, and was given "{given}".',
        "设置项 {name} 应为 {least} 到 {most} 的整数；给出的是“{given}”。",
    ),
    "setting_switch": (
        'The setting {name} takes true or false, and was given "{given}".',
        "设置项 {name} 只能是 true 或 false；给出的是“{given}”。",
    ),
    "setting_rate": (
        "The setting {name} takes a number for each second, minute, hour or day, such as "
        '120/minute, and was given "{given}".',
        "设置项 {name} 的格式如 120/minute，单位可以是 second、minute、hour 或 day；"
        "给出的是“{given}”。",
    ),
    "setting_store": (
        "The setting {name} takes sqlite, or the address of a Qdrant server such as "
        'qdrant+http://127.0.0.1:6333, and was given "{given}".',
        "设置项 {name} 应为 sqlite，或 Qdrant 服务器的地址，例如 qdrant+http://127.0.0.1:6333；"
        "给出的是“{given}”。",
    ),
    "gallery_roots_missing": (
        "These gallery roots are no folders that can be read, so nothing is searched there: "
        "{folders}",
        "以下图库目录不存在或无法读取，其中的照片不会被搜索：{folders}",
    ),
    "setting_cache_dir": (
        "folder for features of long text lists, so that no later start computes them again",
        "存放长文本列表特征的目录，以后启动时无需重新计算",
    ),
}
