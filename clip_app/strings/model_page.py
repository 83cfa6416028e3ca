"""The page: the model that answers, and choosing another."""

STRINGS: dict[str, tuple[str, str]] = {
    "starter_title": ("Starter model", "入门模型"),
    "chip_better": ("pick a stronger one", "换更强的"),
    "chip_loading": ("downloading, {share}", "下载中 {share}"),
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
    "tab_model": ("Model", "模型"),
    "loading_model": ("Loading {model}", "正在加载 {model}"),
    "model_choose": ("Another model", "其他模型"),
    "model_choose_info": (
        "For experts: ARCHITECTURE:TAG of open_clip, hf-hub:OWNER/NAME, or a folder of yours.",
        "高级：填 open_clip 的“架构:权重”、hf-hub:所有者/名称，或自己的模型文件夹。",
    ),
    "model_load": ("Load", "加载"),
    "model_loaded": ("{model} now answers.", "已切换到 {model}。"),
    "model_not_listed": (
        "There is no such model. Please take one from the list.",
        "没有这个模型，请从下面的列表里选。",
    ),
    "model_mirror": (
        "If the hub cannot be reached from here, set the environment variable HF_ENDPOINT to a "
        "mirror and start the app again. The present model goes on answering.",
        "如果这里连不上模型仓库，可把环境变量 HF_ENDPOINT 设为镜像地址，再重新启动；"
        "现在的模型照常可用。",
    ),
    "model_use": ("Use", "用它"),
    "model_now": ("✓ answers now", "✓ 正在用"),
    "model_recommended": ("recommended", "推荐"),
    "starter_facts": (
        "English and Chinese · comes with the app, nothing to download · good at everyday things, "
        "weak at colours, styles, moods and counting",
        "中文、英文 · 随应用自带，不用下载 · 常见物体认得不错，颜色、风格、表情、人数不太行",
    ),
    "model_size": ("{size} to download, about as much memory", "下载 {size}，内存也约占这么多"),
    "model_imagenet": ("ImageNet {share} %", "ImageNet 准确率 {share} %"),
    "model_chinese": ("Chinese search {share} %", "中文检索 {share} %"),
    "model_licence": ("licence: {licence}", "许可证：{licence}"),
    "licence MIT (per its sister model)": (
        "MIT (per its sister model)",
        "MIT（据同系列模型）",
    ),
    "licence Apache-2.0 (hub copy)": ("Apache-2.0 (hub copy)", "Apache-2.0（据仓库副本）"),
    "licence Apple, see its card": ("Apple, see its card", "Apple 自有，见模型说明"),
    "licence apple-amlr (research only)": (
        "apple-amlr (research only)",
        "apple-amlr（仅限研究）",
    ),
    "reads_en": ("English", "英文"),
    "reads_en_zh": ("English and Chinese", "中文、英文"),
    "reads_zh": ("Chinese", "中文"),
    "reads_unknown": ("not known", "不清楚"),
    "model_name": ("Name", "名称"),
    "model_languages": ("Reads", "读得懂"),
    "model_scoring": ("Scores by", "打分方式"),
    "model_device": ("Runs on", "运行于"),
    "model_precision": ("Precision", "精度"),
    "model_image_size": ("Image size", "图像尺寸"),
    "model_embedding": ("Embedding size", "向量维度"),
    "model_parameters": ("Parameters", "参数量"),
    "step decode": ("decode a photo", "读图"),
    "step read": ("read a file", "读文件"),
    "step encode": ("encode a photo for a gallery", "图像编码（图库）"),
    "step encode images": ("encode an image", "图像编码"),
    "step encode texts": ("encode a text", "文本编码"),
    "step encode query": ("encode a query", "查询编码"),
    "step search": ("search", "检索"),
    "step judge": ("judge what fits", "判断是否符合"),
    "step scan": ("look through a folder", "扫描文件夹"),
    "step write": ("write to the index", "写入索引"),
    "metrics": ("Times of each step", "各步骤用时"),
    "metrics_step": ("Step", "步骤"),
    "metrics_count": ("Count", "次数"),
    "metrics_mean": ("Mean, ms", "平均（毫秒）"),
    "metrics_median": ("Median, ms", "中位数（毫秒）"),
    "metrics_p95": ("95th percentile, ms", "95 % 的情况不超过（毫秒）"),
}
