"""Labels checked on photographs whose labels are known."""

STRINGS: dict[str, tuple[str, str]] = {
    "labels_file_unreadable": (
        "{name} is no table of files and labels, such as: photo.jpg,cat.",
        "{name} 不是“文件，标签”形式的表格，例如：photo.jpg,猫。",
    ),
    "evaluate_names": (
        "There are {number} names for {classes} classes.",
        "名称有 {number} 个，类别却有 {classes} 个。",
    ),
    "evaluate_unreadable": (
        "None of these photographs can be read.",
        "这些照片全都无法读取。",
    ),
    "check_title": ("How well the labels fit", "类别识别检验"),
    "check_photos": (
        "Photographs: {number:,}; classes: {classes:,}; unreadable: {failed:,}.",
        "照片 {number:,} 张，类别 {classes:,} 个；{failed:,} 张无法读取。",
    ),
    "check_model": ("Model", "模型"),
    "check_templates": ("Templates", "提示模板"),
    "check_top1": ("Right", "正确率"),
    "check_top5": ("Among the first five", "前五命中率"),
    "check_interval": ("95 % interval", "95 % 区间"),
    "check_calibration": ("Calibration error", "校准误差"),
    "check_after": (
        "{before} as scored, {after} with temperature {temperature:.2f}",
        "原始得分 {before}，温度 {temperature:.2f} 下 {after}",
    ),
    "check_class": ("Class", "类别"),
    "check_number": ("Photographs", "照片数"),
    "check_recall": ("Found", "召回率"),
    "check_precision": ("Of those so named, right", "精确率"),
    "check_confusion": ("What is taken for what", "混淆矩阵"),
    "check_confusion_note": (
        "A row is the label, a column what the model says. Choose a number to see the photographs.",
        "行为标签，列为模型的判断。点击数字可查看相应照片。",
    ),
    "check_confusion_cut": (
        "Only the {shown} classes with most mistakes are shown, of {all}.",
        "共 {all} 个类别，只显示出错最多的 {shown} 个。",
    ),
    "check_cell": ("{label} → {named}: {number}", "{label} → {named}：{number} 张"),
    "check_cell_more": ("{number} more are not shown.", "另有 {number} 张未显示。"),
    "check_worst": ("Surest mistakes", "最自信的错误"),
    "check_doubtful": ("Likely mislabelled", "可能标错的照片"),
    "check_doubtful_note": (
        "The words and the nearest photographs both speak for another label.",
        "文字和最相近的照片都指向另一个类别。",
    ),
    "check_compared": ("Templates compared", "提示模板比较"),
    "check_compared_note": (
        "Chosen by one half of the photographs, told by the other.",
        "用一半照片选择，用另一半照片评估。",
    ),
    "check_choosing": ("Half that chooses", "选择用的一半"),
    "check_telling": ("Half that tells", "评估用的一半"),
    "check_lists": ("Lists that hold the right label", "包含正确类别的列表"),
    "check_lists_told": (
        "Labels that score {threshold} or more, and the best one always: {size:.1f} in the mean. "
        "The right one was among them for {coverage} of the half that tells; wanted were "
        "{wanted:.0f} %.",
        "列出得分不低于 {threshold} 的类别（最高分总在其中），平均 {size:.1f} 个。"
        "在评估用的一半里，正确类别在列表中的占 {coverage}，目标是 {wanted:.0f} %。",
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
}
