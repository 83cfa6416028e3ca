"""What was typed: labels, templates, descriptions, lists."""

STRINGS: dict[str, tuple[str, str]] = {
    "labels_missing": (
        "Please type at least one label, for example: cat, dog.",
        "请至少输入一个类别，例如：猫，狗。",
    ),
    "labels_too_many": (
        "{number:,} labels are too many; the limit is {limit:,}.",
        "类别太多：{number:,} 个，上限为 {limit:,} 个。",
    ),
    "descriptions_missing": (
        "Please type at least one description, one on each line.",
        "请至少输入一条描述，每行一条。",
    ),
    "descriptions_too_many": (
        "{number:,} lines are too many; the limit is {limit:,}.",
        "行数太多：{number:,} 行，上限为 {limit:,} 行。",
    ),
    "images_too_many": (
        "{number} images are too many; the limit is {limit}.",
        "图像太多：{number} 张，上限为 {limit} 张。",
    ),
    "results_many_labels": (
        "{number:,} results are too many for one answer; the limit is {limit:,}, so send fewer "
        "images or labels at a time, or a smaller “top_k”.",
        "一次最多返回 {limit:,} 个结果，这里有 {number:,} 个；请减少图片或类别，或者调小“top_k”。",
    ),
    "results_many_texts": (
        "{number:,} results are too many for one answer; the limit is {limit:,}, so send fewer "
        "images or descriptions at a time.",
        "一次最多返回 {limit:,} 个结果，这里有 {number:,} 个；请减少图片或描述。",
    ),
    "text_too_long": (
        "One text has {number:,} characters; the limit is {limit:,}.",
        "有一条文本长达 {number:,} 个字符，上限为 {limit:,} 个。",
    ),
    "template_without_place": (
        'The template "{template}" has no {{}} where the label goes.',
        "句式（提示词模板）“{template}”中没有放置类别的 {{}}。",
    ),
    "collection_unreadable": (
        "{name} is not a text file that can be read; please save it as .txt or .csv in UTF-8.",
        "无法将 {name} 作为文本文件读取，请另存为 UTF-8 编码的 .txt 或 .csv。",
    ),
    "collection_no_texts": (
        "{name} holds no list of texts, nor of objects with a caption.",
        "{name} 中没有文本列表，也没有带 caption（描述）的对象。",
    ),
    "text_empty": (
        "One of the labels or texts is empty.",
        "有一个类别或文本是空的。",
    ),
    "texts_other_kind": (
        "Labels, templates and other texts must be text, and not {kind}.",
        "类别、模板等应为文本，而不是 {kind}。",
    ),
    "choice_unknown": (
        "{name} must be one of {choices}, and not {given}.",
        "{name} 只能是 {choices}，不能是 {given}。",
    ),
    "share_invalid": (
        "{name} must be a number from 0 to 1.",
        "{name} 必须是 0 到 1 之间的数。",
    ),
    "file_not_found": ("There is no file {name} to read.", "找不到可读取的文件 {name}。"),
}
