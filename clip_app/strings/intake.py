"""The page: choosing a gallery, adding photographs to it, reading them."""

STRINGS: dict[str, tuple[str, str]] = {
    "gallery_folder": ("Photo folder", "选一个照片文件夹"),
    "gallery_drop": (
        "Drop photos, folders or a .zip of them here, or click to choose",
        "把照片、文件夹或 .zip 拖到这里，或点击选择",
    ),
    "gallery_index": ("Read photos", "读取照片"),
    "gallery_stop": ("Stop", "停止"),
    "gallery_follow": ("Keep up with new photos", "自动读取新照片"),
    "gallery_no_index": (
        "[number:One photo has|These photos have] not been read yet. Click “{button}”: "
        "[number:it takes|{number:,} of them take] about {time}.",
        "还没读过这里的照片。点“{button}”，{number:,} 张约 {time}。",
    ),
    "gallery_unread": (
        "{folder} has no index yet: click “{button}” first.",
        "{folder} 还没有索引，请先点“{button}”。",
    ),
    "gallery_no_index_many": (
        "These photos have not been read yet. Click “{button}”: about {rate:,} of them a minute.",
        "还没读过这里的照片。点“{button}”，每分钟约 {rate:,} 张。",
    ),
    "gallery_empty": ("There are no photos in this folder.", "这个文件夹里没有照片。"),
    "gallery_other_model": (
        "These photos were read with {model}. Click “{button}” to read them with the present "
        "model too; the other's index stays.",
        "这里的照片是用 {model} 读的。点“{button}”用现在的模型再读一遍，原来的索引会保留。",
    ),
    "gallery_status": (
        "{images:,} [images:photo|photos] can be searched.",
        "{images:,} 张照片可以搜。",
    ),
    "gallery_status_copies": (
        "{images:,} [images:photo|photos] can be searched, in {files:,} files.",
        "{images:,} 张照片可以搜（{files:,} 个文件，有些是重复的）。",
    ),
    "gallery_broken": (
        "Files that could not be read ({number:,}): {reasons}",
        "有 {number:,} 个文件读不了：{reasons}",
    ),
    "gallery_scanning": ("Looking through {gallery} …", "正在查看{gallery}……"),
    "gallery_starting": (
        "Starting: {gallery}, {total:,} [total:file|files] …",
        "正在开始：{gallery}，{total:,} 个文件……",
    ),
    "gallery_progress": (
        "{gallery}: {done:,} of {total:,} · {rate:,} a second · {left} left",
        "{gallery}：{done:,} / {total:,} · 每秒 {rate:,} 张 · 还剩 {left}",
    ),
    "gallery_stopping": ("Stopping …", "正在停止……"),
    "gallery_done": (
        "Done: {images:,} [images:photo|photos] can be searched ({time}).",
        "读好了，{images:,} 张照片可以搜了（{time}）。",
    ),
    "gallery_done_new": ("New: {number:,}.", "新读 {number:,} 张。"),
    "gallery_done_moved": ("Moved or copied: {number:,}.", "移动或重复 {number:,} 张。"),
    "gallery_done_removed": ("No longer there: {number:,}.", "已不在的 {number:,} 张。"),
    "gallery_kept": (
        "{kept:,} [kept:photo is|photos are] gone; what was learnt of [kept:it|them] is kept for "
        "{days} days in case [kept:it comes|they come] back.",
        "有 {kept:,} 张照片已不在文件夹里；它们的特征会再留 {days} 天，以防照片又回来。",
    ),
    "gallery_stopped": (
        "Stopped; what is done is kept. Click “{button}” to go on.",
        "已停止，读过的都留着。点“{button}”接着读。",
    ),
    "gallery_receiving": (
        "Taking in the photos: {done:,} of {total:,} [total:file|files]",
        "正在接收：{done:,} / {total:,} 个文件",
    ),
    "gallery_comma": (" · ", "，"),
    "gallery_received": ("Files received: {number:,}", "收到 {number:,} 个文件"),
    "gallery_usable": ("usable photos: {number:,}", "{number:,} 张可用"),
    "gallery_again": ("added before: {number:,}", "{number:,} 张之前加过"),
    "gallery_unreadable": (
        "cannot be read: {number:,} ({names})",
        "{number:,} 个读不了：{names}",
    ),
    "gallery_left_out": ("no photos: {number:,} ({names})", "{number:,} 个不是照片：{names}"),
    "gallery_not_taken": ("not taken in: {number:,}", "{number:,} 个没能接收"),
    "gallery_refused": (
        "Files that could not be taken in ({number:,}): {reasons}",
        "有 {number:,} 个文件没能接收：{reasons}",
    ),
}
