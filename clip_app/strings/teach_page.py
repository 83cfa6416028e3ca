"""The page: teaching the model with one's own photographs."""

STRINGS: dict[str, tuple[str, str]] = {
    "teach": ("Teach it with my examples", "用我的例子教它"),
    "teach_intro": (
        "Your dog, your mug, your part number: it has never seen them. Show it a few photos, give"
        " them a name, and use that like any other word, here and in a search.",
        "你家的狗、你的杯子、厂里的零件，它都没见过。给它看几张照片，起个名字，"
        "以后就能当候选词，也能拿来搜照片。",
    ),
    "teach_name": ("Name", "叫什么"),
    "teach_name_example": ("such as: my dog Rex", "例如：我家小白"),
    "teach_examples": ("Photos of it, 1 to 20", "它的照片，1～20 张"),
    "teach_without": (
        "Look-alikes: photos of what it is mistaken for",
        "容易混淆的：看着像、其实不是的照片",
    ),
    "teach_more": ("Look-alikes and weight", "容易混淆的、例子的比重"),
    "teach_alpha": ("Weight of the examples: {alpha}", "例子的比重：{alpha}"),
    "teach_alpha_what": (
        "The rest is what the name itself says. 0.7 is best for most things; go lower when a"
        " single photo has to stand for a broad kind.",
        "剩下的听名称怎么说。一般 0.7 最好；如果只有一张照片、要代表一大类东西，就调低些。",
    ),
    "teach_go": ("Teach", "教它"),
    "teach_replace": ("Teach again, replacing “{name}”", "重新教（替换“{name}”）"),
    "teach_add": ("Add to its examples", "加到已有的例子里"),
    "teach_looking": ("Looking at the photos …", "正在看照片……"),
    "teach_learnt": (
        "Learnt “{name}”: it is among your words now.",
        "学会了“{name}”，已经放进候选词。",
    ),
    "teach_moved": ("Imported: {names}.", "已导入：{names}。"),
    "teach_too_many": (
        "At most {limit} photos: the first {limit} are kept.",
        "最多 {limit} 张，只留下了前 {limit} 张。",
    ),
    "concept_name_taken": (
        "“{name}” has been taught already; please choose another name.",
        "“{name}”已经教过了，请换个名称。",
    ),
    "teach_known": ("Taught so far", "教过的"),
    "teach_none": ("Nothing yet.", "还没有。"),
    "teach_visit": (
        "Only you see these; they are deleted after your visit. Export what you want to keep.",
        "只有你看得到，离开后会删除；想留着就导出。",
    ),
    "teach_count": ("{number} photos", "{number} 张"),
    "teach_count_one": ("1 photo", "1 张"),
    "teach_count_away": ("{number} look-alikes", "{number} 张易混淆"),
    "teach_use": ("Use as a word", "当候选词"),
    "teach_rename": ("Rename", "改名"),
    "teach_new_name": ("New name for {name}", "“{name}”的新名称"),
    "teach_export": ("Export", "导出"),
    "teach_forget": ("Forget", "忘掉"),
    "teach_forget_sure": ("Really forget it?", "确定忘掉？"),
    "teach_export_all": ("Export all", "全部导出"),
    "teach_import": ("Import a file", "导入文件"),
    "teach_gain": (
        "Does it help? Each example of {names} was hidden once and guessed:",
        "教了有用吗？把 {names} 的例子轮流藏起来考一次：",
    ),
    "teach_gain_before": ("by the words alone", "只凭文字"),
    "teach_gain_after": ("with the other examples", "看过其余例子"),
    "teach_gain_right": ("{right} of {photos} right", "答对 {right} / {photos}"),
    "teach_gain_none": (
        "Once two of your words have examples, this tells how much teaching helps.",
        "有两个候选词教过以后，这里会告诉你教了有没有用。",
    ),
    "teach_advice": (
        "Give examples for all of your words, or for none: a word that has some draws photos away"
        " from those that have not. One photo of a broad kind can mislead.",
        "候选词最好都给例子，或者都不给：有例子的词会把照片从没例子的词那边拉过来。"
        "一大类东西只给一张例子，可能反而带偏。",
    ),
}
