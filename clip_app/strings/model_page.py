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
    "metrics": ("Times of each step", "各步骤用时"),
    "metrics_step": ("Step", "步骤"),
    "metrics_count": ("Count", "次数"),
    "metrics_mean": ("Mean, ms", "平均（毫秒）"),
    "metrics_median": ("Median, ms", "中位数（毫秒）"),
    "metrics_p95": ("95th percentile, ms", "第 95 百分位（毫秒）"),
}
