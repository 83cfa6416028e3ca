"""What the commands of the terminal say."""

STRINGS: dict[str, tuple[str, str]] = {
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
        "{found:,} [found:image|images] in {folder}: {encoded:,} encoded, {reused:,} known from "
        "elsewhere, {unchanged:,} unchanged, {forgotten:,} gone, {broken:,} broken; "
        "{seconds:.1f} s.",
        "{folder} 中有 {found:,} 个图像文件：新编码 {encoded:,}，内容已知 {reused:,}，"
        "未变 {unchanged:,}，移除 {forgotten:,}，损坏 {broken:,}；用时 {seconds:.1f} 秒。",
    ),
    "terminal_stopping": (
        "Stopping after this batch; press Ctrl-C again to end at once.",
        "完成这一批后停止；再按一次 Ctrl-C 立即结束。",
    ),
    "terminal_not_followed": (
        "The folder is no longer followed.",
        "已停止跟踪该文件夹。",
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
    "terminal_top_k": (
        "At most {number} are printed; --top-k changes that.",
        "最多显示 {number} 个，可用 --top-k 更改。",
    ),
    "terminal_unjudged": (
        "Whether these fit cannot be judged for this query; the best come first.",
        "这次检索无法判断是否相符，最接近的排在前面。",
    ),
    "terminal_unsaved": (
        "Nothing could be saved in {folder}: {reason}.",
        "无法保存到 {folder}：{reason}。",
    ),
    "terminal_one_label": (
        "There is only one label, which always gets 100 %; commas separate labels.",
        "只有一个类别，得分总是 100 %；多个类别请用逗号隔开。",
    ),
    "terminal_status": (
        "{files:,} [files:file|files], {images:,} different [images:picture|pictures], "
        "{broken:,} broken, indexed with {model}",
        "{files:,} 个文件，{images:,} 张不同的图片，损坏 {broken:,}，由 {model} 建立",
    ),
    "terminal_usable": ("searched by the model in use", "当前模型可以搜索"),
    "terminal_forgotten": (
        "The index of {folder} is deleted; the photographs are untouched.",
        "已删除 {folder} 的索引，照片本身未受影响。",
    ),
    "text_features_removed": (
        "Features of {number:,} lists of texts ({megabytes:.1f} MB) are deleted from {folder}.",
        "已从 {folder} 删除 {number:,} 份文本列表的特征（{megabytes:.1f} MB）。",
    ),
    "text_features_not_removed": (
        "The features of texts could not be deleted: {reason}.",
        "文本特征无法删除：{reason}。",
    ),
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
    "terminal_answered": ("{number:,} [number:image|images] done", "已完成 {number:,} 张"),
    "terminal_models_name": ("name", "名称"),
    "terminal_models_reads": ("reads", "语言"),
    "terminal_models_size": ("download", "下载大小"),
    "terminal_models_imagenet": ("ImageNet", "ImageNet"),
    "terminal_models_licence": ("license", "许可证"),
    "terminal_models_bundled": ("bundled", "自带"),
    "output_failed": (
        "The answers could not be written: {reason}.",
        "结果无法写出：{reason}。",
    ),
    "argument_command": (
        "There is no command {given}; it must be one of {choices}.",
        "没有 {given} 这个命令，可用的有 {choices}。",
    ),
    "argument_without_value": ("{name} needs a value.", "{name} 后面要有一个值。"),
    "argument_number": (
        "{name} must be a number, and not {given}.",
        "{name} 应为数字，不能是 {given}。",
    ),
    "argument_not_with": (
        "{name} cannot be used together with {other}.",
        "{name} 不能与 {other} 同时使用。",
    ),
    "argument_takes_none": (
        "{name} takes no value, and was given {given}.",
        "{name} 不带值，却写了 {given}。",
    ),
    "arguments_missing": (
        "Something is missing: {names}; --help tells what there is.",
        "还缺少 {names}；用 --help 查看用法。",
    ),
    "arguments_unknown": (
        "{given} is not understood here; --help tells what there is.",
        "无法识别 {given}；用 --help 查看用法。",
    ),
    "argument_ambiguous": (
        "{given} can mean {choices}; please write it out.",
        "{given} 可能指 {choices}，请写完整。",
    ),
    "argument_positive": ("must be a whole number of at least 1.", "应为正整数。"),
    "argument_share": ("must be between 0 and 1.", "必须在 0 到 1 之间。"),
    "argument_date": ("must be a date such as 2024-05-31.", "应为日期，例如 2024-05-31。"),
    "argument_shard": ("must be I/N, such as 1/4.", "应写成 I/N，例如 1/4。"),
    "argument_types": ("knows no image type {types}.", "不认识图像类型 {types}。"),
    "unexpected_terminal": (
        "This is a fault in the program. Please report it with the lines above.",
        "这是程序自身的错误，请附上以上内容反馈给我们。",
    ),
}
