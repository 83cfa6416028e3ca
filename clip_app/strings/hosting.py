"""What is said of running the app elsewhere."""

STRINGS: dict[str, tuple[str, str]] = {
    "space_folder_in_use": (
        "{folder} is there already and not empty; please name another folder for the Space.",
        "{folder} 已存在且不为空，请为 Space 换一个文件夹。",
    ),
    "space_folder_unwritable": (
        "The Space cannot be written to {folder}: {reason}.",
        "无法把 Space 写入 {folder}：{reason}。",
    ),
    "space_bucket": (
        "A bucket is mounted at an absolute path of letters, digits, dots, dashes and underscores, "
        'such as /data, not at "{bucket}".',
        "bucket 的挂载位置须为绝对路径，只含字母、数字、点、横线和下划线，例如 /data，"
        "不能是“{bucket}”。",
    ),
    "space_weights_file": (
        '"{model}" names a weights file on this machine; for a Space, put it into a folder with '
        "an open_clip_config.json, or on the hub, and choose that.",
        "“{model}”是本机上的权重文件。要用于 Space，请把它放进带有 open_clip_config.json "
        "的文件夹，或上传到模型仓库，再选择那里。",
    ),
    "space_towers": (
        '"{model}" is exported for CPUs: please choose --hardware cpu, or another model.',
        "“{model}”是为 CPU 导出的模型，请用 --hardware cpu，或换一个模型。",
    ),
    "space_done": (
        "{folder} ({megabytes} MB) is ready for a Space with {model}. Upload it with",
        "{folder}（{megabytes} MB）已准备好，可作为使用 {model} 的 Space。上传命令：",
    ),
    "space_not_preloaded": (
        "The hub does not say which files {model} has, so the Space downloads them whenever it "
        "starts; write the folder again with a connection to have them preloaded.",
        "无法从模型仓库得知 {model} 有哪些文件，因此 Space 每次启动时都会下载模型；"
        "联网后重新生成该文件夹即可预先加载。",
    ),
    "space_readme": (
        "Classify, match and search photographs by words, in English or Chinese, with any CLIP "
        "model. Its model and all else can be set with the variables of the Space's settings, "
        "`CLIP_APP_MODEL` and others; a bucket of photographs that is mounted here can be "
        "searched. The example photographs have licenses of their own: see "
        "`assets/examples/README.md` and `assets/gallery/README.md`.",
        "用文字对照片分类、匹配和搜索，中英文均可，支持各种 CLIP 模型。模型和其他选项可在 Space 的"
        "设置里用变量指定，例如 `CLIP_APP_MODEL`；挂载到这里的 bucket 里的照片可以搜索。"
        "示例照片各有许可证，见 `assets/examples/README.md` 和 `assets/gallery/README.md`。",
    ),
    "set_up_size": (
        "Setting up: {number} [number:package|packages], {megabytes} MB to download.",
        "正在安装：{number} 个软件包，需下载 {megabytes} MB。",
    ),
    "set_up_nothing": ("Everything is set up already.", "已全部安装。"),
    "set_up_unknown": (
        " The size of {number} more is not known.",
        "另有 {number} 个大小未知。",
    ),
    "set_up_cpu": (
        " No NVIDIA GPU was found, so PyTorch comes in its build for CPUs; TORCH_INDEX=pypi takes "
        "the other.",
        "没有发现 NVIDIA 显卡，因此使用 CPU 版 PyTorch；如需另一种，请设 TORCH_INDEX=pypi。",
    ),
}
