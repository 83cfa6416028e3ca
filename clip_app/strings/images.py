"""Pictures that cannot be read, and why."""

STRINGS: dict[str, tuple[str, str]] = {
    "image_missing": ("Please add an image first.", "请先添加一张图片。"),
    "image_unreadable": (
        "{name} is not an image this app can read.",
        "{name} 不是本应用能识别的图片。",
    ),
    "image_foreign": (
        "{name} is of the format {format}, which this app does not read; please export it as JPEG "
        "or PNG first.",
        "{name} 是 {format} 格式，本应用读不了，请先导出为 JPEG 或 PNG。",
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
    "image_other_kind": (
        "An image is a path, the bytes of a file or a picture in memory, and not {kind}.",
        "图像应为路径、文件内容或内存中的图片，而不是 {kind}。",
    ),
    "image_not_found": ("{name} was not found.", "找不到 {name}。"),
    "image_is_folder": (
        "{name} is a folder, not an image.",
        "{name} 是文件夹，不是图片。",
    ),
    "image_no_file": (
        "{name} is a pipe, a socket or a device, not a file.",
        "{name} 是管道、套接字或设备，不是文件。",
    ),
    "image_link_broken": (
        "{name} is a link, and what it leads to is not there.",
        "{name} 是一个链接，所指的文件不存在。",
    ),
    "image_link_circle": (
        "{name} is a link that leads in a circle, to no file.",
        "{name} 是循环链接，没有指向任何文件。",
    ),
    "image_path_long": (
        "The path of {name} is longer than this system allows.",
        "{name} 的路径过长，超出了系统的限制。",
    ),
    "image_disk": (
        "{name} could not be read ({reason}); please check the disk or the network share it is on.",
        "读取 {name} 时出错（{reason}），请检查它所在的磁盘或网络共享。",
    ),
    "image_cannot_be_opened": (
        "{name} could not be opened; please check its permissions.",
        "无法打开 {name}，请检查文件权限。",
    ),
}
