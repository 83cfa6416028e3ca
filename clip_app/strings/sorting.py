"""Sorting photographs into folders, tagging them, and undoing it."""

STRINGS: dict[str, tuple[str, str]] = {
    "step_missing": ("{name} is not there any more.", "{name} 已经不在了。"),
    "step_changed": (
        "{name} was changed in the meantime and is left as it is.",
        "{name} 在此期间被改动过，保持原样。",
    ),
    "step_taken": (
        "Another file is called {name} there; it is not overwritten.",
        "那里已有另一个名为 {name} 的文件，不会覆盖它。",
    ),
    "step_link": (
        "The folder {name} is a link or lies behind one; nothing is put there.",
        "文件夹 {name} 是链接或位于链接之后，不会往里放任何东西。",
    ),
    "step_differs": (
        "The copy {name} does not read as it was written, so it is dropped; please check the disk.",
        "副本 {name} 读回来与写入的不一致，已丢弃；请检查磁盘。",
    ),
    "step_last": (
        "{name} is kept: its original is gone.",
        "保留 {name}：它的原文件已经不在了。",
    ),
    "step_failed": ("{name} could not be written: {reason}.", "{name} 无法写入：{reason}。"),
    "journal_unwritable": (
        "Nothing was done, because the undo file {name} could not be written: {reason}.",
        "撤销文件 {name} 无法写入，因此什么也没做：{reason}。",
    ),
    "journal_unreadable": ("{name} is no undo file of this app.", "{name} 不是本应用的撤销文件。"),
    "journal_newer": (
        "{name} was written by a newer version of this program; please undo it with that one.",
        "{name} 由本程序的更新版本写成，请用该版本撤销。",
    ),
    "journal_gone": (
        "That run was undone already; there is nothing left to do.",
        "这次整理已经撤销过，没有要做的了。",
    ),
    "journal_busy": (
        "{name} is being carried out or undone already; wait until that has ended.",
        "{name} 正在执行或撤销中，请等它结束。",
    ),
    "journal_outside": (
        "{name} is about files outside of the galleries' folders; undo it in the terminal.",
        "{name} 涉及图库目录之外的文件，请在终端里撤销。",
    ),
    "target_not_allowed": (
        "{target} cannot be the target: it must be a folder below the galleries' folders, not "
        "hidden, with no link on the way.",
        "不能放到 {target}：目标须是图库目录之下的文件夹，不能是隐藏文件夹，路径中也不能有链接。",
    ),
    "target_missing": (
        "Say which folder the photos go into.",
        "请写上要放到哪个文件夹。",
    ),
    "target_too_long": (
        "The target's path is longer than the disk can store: {name} …",
        "目标的路径太长，磁盘存不下：{name}……",
    ),
    "plan_unreadable": (
        "{name} is no plan: it needs a header with the columns file and class.",
        "{name} 不是计划表：首行须有 file 和 class 两列。",
    ),
    "plan_other_file": (
        "{name} in the plan is named twice, or is no photograph of the folder.",
        "计划表中的 {name} 重复出现，或不是该文件夹中的照片。",
    ),
    "plan_unwritable": (
        "The plan {name} could not be written: {reason}.",
        "计划表 {name} 无法写入：{reason}。",
    ),
    "sort_folder_taken": (
        "{folder} in the target is a file or a link, so no folder of that name can be made.",
        "目标位置中的 {folder} 是文件或链接，无法建立同名文件夹。",
    ),
    "sort_labels_missing": (
        "Say what to sort by: --labels, or a plan with --plan.",
        "请用 --labels 给出类别，或用 --plan 给出计划表。",
    ),
    "sidecar_unreadable": (
        "The sidecar {name} is no XMP that can be added to, so it is left as it is.",
        "附属文件 {name} 不是可以添加内容的 XMP，保持原样。",
    ),
    "sort_count": ("{number:>6,}  {label}", "{number:>6,}  {label}"),
    "sort_doubtful": ("doubtful: stay until you decide", "拿不准：由你决定之前不动"),
    "sort_none": ("none of these: stay", "都不是：不动"),
    "sort_doubt": (
        "  {path}: {best} {score:.0%}, {second} {second_score:.0%}",
        "  {path}：{best} {score:.0%}，{second} {second_score:.0%}",
    ),
    "sort_maybe_none": (" (may be none of these)", "（也可能都不是）"),
    "sort_dry": (
        "Nothing was done. --csv FILE writes the plan to edit, --plan FILE reads it, --do carries "
        "it out.",
        "什么也没做。用 --csv FILE 写出计划表供修改，--plan FILE 读入，--do 执行。",
    ),
    "sort_nothing": ("There is nothing to do.", "没有要做的事。"),
    "sort_begun": ("The undo file is {journal}.", "撤销文件：{journal}"),
    "sort_done": (
        "{number:,} done. To bring everything back: undo {journal}",
        "完成 {number:,} 个。要全部还原：undo {journal}",
    ),
    "sort_undone": ("{number:,} brought back.", "已还原 {number:,} 个。"),
    "sort_undone_before": (
        "Everything was brought back already; there is nothing left to do.",
        "之前已经全部还原，没有要做的了。",
    ),
    "sort_done_before": (
        "Everything was done already; there is nothing left to do.",
        "之前已经全部做完，没有要做的了。",
    ),
    "sort_progress": ("{done:,} of {total:,}", "{done:,} / {total:,}"),
    "sort_left": (
        "Left as they are ({number:,}):",
        "有 {number:,} 个保持原样：",
    ),
    "joint_warning_mean": (
        "--joint is for photographs that hold all the classes between them; where classes are "
        "missing, it gains nothing.",
        "--joint 适合所有类别都出现的一批照片；如果缺了一些类别，它没有好处。",
    ),
    "joint_warning_transclip": (
        "--joint transclip is for photographs that hold all the classes between them; where only "
        "a few of the classes are there, more photographs may get a wrong name.",
        "--joint transclip 适合所有类别都出现的一批照片；如果只出现了少数几类，认错的可能更多。",
    ),
    "joint_independent": (
        "Photographs are named together by scores that share 100 %; choose that kind of score.",
        "放在一起判断时，各候选词的得分合计 100 %，请改用这种打分方式。",
    ),
}
