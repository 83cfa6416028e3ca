"""Labels checked on photographs whose labels are known."""

STRINGS: dict[str, tuple[str, str]] = {
    "labels_file_unreadable": (
        "{name} is no table of files and labels, such as: photo.jpg,cat.",
        "{name} 不是“文件，标签”形式的表格，例如：photo.jpg,猫。",
    ),
    "evaluate_names": (
        "There [number:is|are] {number} [number:name|names] for {classes} [classes:class|classes].",
        "名称有 {number} 个，类别却有 {classes} 个。",
    ),
    "evaluate_unreadable": (
        "None of these photographs can be read.",
        "这些照片全都无法读取。",
    ),
    "check_title": ("How well the labels fit", "类别识别检验"),
    "check_photos": (
        "Photographs: {number}; classes: {classes}; unreadable: {failed}.",
        "照片 {number} 张，类别 {classes} 个；{failed} 张无法读取。",
    ),
    "check_model": ("Model", "模型"),
    "check_templates": ("Templates", "句式（提示词模板）"),
    "check_top1": ("Right", "正确率"),
    "check_top5": ("Among the first five", "前五命中率"),
    "check_interval": ("95 % interval", "95 % 区间"),
    "check_calibration": ("Calibration error", "校准误差"),
    "check_after": (
        "{before} as scored; {after} with temperature {temperature}, which evens scores out "
        "above 1 and sharpens them below",
        "原始得分 {before}；按温度 {temperature} 调整后 {after}"
        "（温度大于 1 拉近各项得分，小于 1 拉开）",
    ),
    "check_class": ("Class", "类别"),
    "check_number": ("Photographs", "照片数"),
    "check_recall": ("Found", "召回率"),
    "check_precision": ("Of those so named, right", "精确率"),
    "check_confusion": ("What is taken for what", "混淆矩阵"),
    "check_confusion_note": (
        "Each row is the right answer, each column what the model says. "
        "Choose a number to see the photographs.",
        "每一行是正确答案，每一列是模型的判断。点数字可以看相应的照片。",
    ),
    "check_confusion_cut": (
        "Only the {shown} classes with most mistakes are shown, of {all}.",
        "共 {all} 个类别，只显示出错最多的 {shown} 个。",
    ),
    "check_cell": ("{label} → {named}: {number}", "{label} → {named}：{number} 张"),
    "check_cell_right": ("{label}: {number} right", "{label}，答对 {number} 张"),
    "check_cell_more": ("{number} more are not shown.", "另有 {number} 张未显示。"),
    "check_worst": ("Surest mistakes", "最自信的错误"),
    "check_doubtful": ("Likely mislabelled", "可能标错的照片"),
    "check_doubtful_note": (
        "The text and the nearest photographs both speak for another label.",
        "文字和最相近的照片都指向另一个类别。",
    ),
    "check_compared": ("Templates compared", "句式（提示词模板）比较"),
    "check_compared_note": (
        "Chosen by one half of the photographs, told by the other.",
        "用一半照片选择，用另一半照片评估。",
    ),
    "check_choosing": ("Half that chooses", "选择用的一半"),
    "check_telling": ("Half that tells", "评估用的一半"),
    "check_lists": ("Lists that hold the right label", "包含正确类别的列表"),
    "check_lists_told": (
        "Labels that score {threshold} or more, and the best one always: {size} in the mean. "
        "The right one was among them for {coverage} of the half that tells; wanted were "
        "{wanted} %.",
        "列出得分不低于 {threshold} 的类别（最高分总在其中），平均 {size} 个。"
        "在评估用的一半里，正确类别在列表中的占 {coverage}，目标是 {wanted} %。",
    ),
    "names_of_no_class": (
        "None of these is the name of a class: {names}.",
        "这些名称都不是任何类别的名称：{names}。",
    ),
    "check_names": ("Names compared", "名称比较"),
    "check_names_told": (
        "On the half that tells: {before} with the classes' own names, {after} with the names that "
        "the other half chose.",
        "在评估用的一半里：用类别本来的名称 {before}，用另一半照片选出的名称 {after}。",
    ),
    "check_name": ("Name", "名称"),
    "check_best": ("chosen", "选中"),
    "check_none": ("None.", "没有。"),
    "check_written": ("The report is in {file}.", "报告已写入 {file}。"),
    "checking": ("Check it: how often is it right?", "检验：它答得对吗？"),
    "check_intro": (
        "Give it photos whose answers you know: a folder or .zip with a folder for each class, or "
        "photos and a table (file, label). It counts how often the model is right and shows where "
        "it is not. The sentence chosen above is used.",
        "给它一批知道答案的照片：一个文件夹或 .zip，里面每个类别一个文件夹；"
        "或者照片加一张表格（文件，标签）。"
        "它会算出答对多少，并指出错在哪里。句式用上面选的那种。",
    ),
    "check_drop": (
        "Drop a folder, a .zip, or photos and a .csv here, or click to choose",
        "把文件夹、.zip 或照片和 .csv 拖到这里，或点击选择",
    ),
    "check_sent": ("{names} · {size}", "{names} · {size}"),
    "check_folder": ("Or a folder that is there already", "或用已有的照片文件夹"),
    "check_folder_none": ("what was dropped", "用拖来的文件"),
    "check_taught": ("With what was taught", "用上教过的内容"),
    "check_taught_when": (
        "A class that bears the name of something you taught uses its examples. Check with other "
        "photos than you taught it with, or it looks better than it is.",
        "和教过的名称同名的类别，会用上它的例子。检验时请用别的照片：拿教过的照片来考，"
        "成绩会虚高。",
    ),
    "check_more": ("Compare names and models", "比较名称和模型"),
    "check_synonyms": (
        "Names to compare: a line a class, its own name first",
        "要比较的名称：每行一个类别，先写它本来的名称",
    ),
    "check_models": ("Beside the present model", "和现在的模型一起比较"),
    "check_models_none": (
        "No other model is on this machine.",
        "这台机器上没有别的模型。",
    ),
    "check_model_needs": (
        "{name}: about {needs} MB of memory more; {free} MB are free",
        "{name}：大约另需 {needs} MB 内存，现在空闲 {free} MB",
    ),
    "check_memory": (
        "{model} needs about {needs} MB of memory, and {free} MB are free.",
        "{model} 大约需要 {needs} MB 内存，现在只空闲 {free} MB。",
    ),
    "check_run": ("Check", "开始检验"),
    "check_again": ("Check again", "重新检验"),
    "check_stop": ("Stop", "停止"),
    "check_starting": ("Starting …", "正在开始……"),
    "check_receiving": ("Taking in files: {done} of {total}", "正在接收文件：{done} / {total}"),
    "check_reading": ("{model} · photo {done} of {total}", "{model} · 第 {done} 张，共 {total} 张"),
    "check_naming": ("{model} · reading the names", "{model} · 正在读类别名称"),
    "check_writing": ("Writing the report …", "正在写报告……"),
    "check_stopped": ("Stopped.", "已停止。"),
    "check_nothing": (
        "Drop photos whose answers you know, or choose a folder.",
        "先拖入知道答案的照片，或选一个文件夹。",
    ),
    "check_no_classes": (
        "There are no class folders: put the photos of each class into a folder with its name, or "
        "add a table (file, label).",
        "没有找到类别文件夹：请把每个类别的照片放进以它命名的文件夹，或者再加一张表格（文件，标签）。",
    ),
    "check_side": ("Models side by side", "模型对照"),
    "check_close": ("Close", "关闭"),
    "check_few": (
        "With {number} photos or more, it also gives short lists of labels: "
        "9 times in 10 the right one is among them.",
        "照片有 {number} 张以上时，还会给出一份简短的候选名单：十次里有九次，正确的类别就在其中。",
    ),
    "check_each": ("Class by class", "各个类别"),
    "check_rest": ("Show more", "显示更多"),
    "check_unread": ("Files that were not counted: {number}", "没有算进去的文件：{number} 个"),
    "check_unlabelled": (
        "{name} has no label: it is in no class folder, nor in the table.",
        "{name} 没有类别：它不在任何类别文件夹里，表格里也没有。",
    ),
    "check_take": ("Classify by these labels", "用这些词去分类"),
    "check_card": (
        "On the photos you checked, the right label is among these 9 times in 10: {labels}.",
        "按你检验过的照片，十有九次正确的词在这里面：{labels}。",
    ),
    "check_html": ("Download report (HTML)", "下载报告（HTML）"),
}
