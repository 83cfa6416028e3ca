"""Classes taught by example photographs."""

STRINGS: dict[str, tuple[str, str]] = {
    "concept_adding": (
        "“{name}” can take no more examples one by one: single ones are kept up to {limit}. Please "
        "teach it again with all of them.",
        "“{name}”没法再一张张加例子：逐张保存的最多 {limit} 张。请把全部照片放在一起重新教。",
    ),
    "concept_name_missing": (
        "Please give it a name, such as: my dog Rex.",
        "请起一个名称，例如：我家小白。",
    ),
    "concept_name_long": (
        "The name has {number:,} characters; the limit is {limit:,}.",
        "名称长达 {number:,} 个字符，上限为 {limit:,} 个。",
    ),
    "concept_name_separator": (
        "“{name}” cannot be a name: commas and semicolons separate labels.",
        "“{name}”不能用作名称：逗号、顿号和分号用于分隔类别。",
    ),
    "concept_examples_missing": (
        "There is no photograph to learn “{name}” from.",
        "没有可供学习“{name}”的照片。",
    ),
    "concept_examples_many": (
        "{number:,} photos are too many to learn from; the limit is {limit}.",
        "一次给了 {number:,} 张照片，最多 {limit} 张。",
    ),
    "concept_alpha": (
        "The share of the examples (alpha) must be between 0 and 1.",
        "示例所占比重（alpha）须在 0 到 1 之间。",
    ),
    "concept_other_model": (
        "“{name}” was taught to the model {model}; {current} cannot use it.",
        "“{name}”是教给模型 {model} 的，{current} 无法使用。",
    ),
    "concept_untaught": (
        "Nothing was taught as “{name}”; it is compared as ordinary words.",
        "没有教过“{name}”，按普通的词来比。",
    ),
    "concept_unknown": (
        "Nothing called “{name}” has been taught to this model.",
        "这个模型没有学过“{name}”。",
    ),
    "concepts_none": (
        "Nothing has been taught to this model yet.",
        "还没有教过这个模型任何概念。",
    ),
    "concepts_too_many": (
        "More than {limit:,} concepts cannot be kept; please forget some first.",
        "最多保存 {limit:,} 个概念，请先删除一些。",
    ),
    "concepts_too_large": (
        "{name} is larger than {limit} MB; no file of concepts is.",
        "{name} 超过 {limit} MB，不会是概念文件。",
    ),
    "concepts_unreadable": (
        "{name} is not a concepts file, or it is damaged.",
        "{name} 不是概念文件，或者已损坏。",
    ),
    "concepts_newer": (
        "{name} was written by a newer version of this program; please update it first.",
        "{name} 由本程序的更新版本写成，请先升级。",
    ),
    "concept_line": (
        "@{name}: examples {examples}, counter-examples {counter_examples}, α = {alpha:.2f}",
        "@{name}：示例 {examples} 张，反例 {counter_examples} 张，α = {alpha:.2f}",
    ),
    "concept_learnt": (
        "Learnt @{name} (photographs: {examples}); use it as a label or in a search.",
        "已从 {examples} 张照片学会 @{name}，可作类别或搜索词使用。",
    ),
    "concepts_moved": (
        "Concepts: {number}; file: {file}.",
        "{number} 个概念：{file}。",
    ),
    "concept_forgotten": ("@{name} is forgotten.", "@{name} 已删除。"),
    "teaching_gain": (
        "Examples left out one at a time: {before:.1f} % named rightly by words alone,"
        " {after:.1f} % with the other examples (photographs: {photos}).",
        "逐张留出示例检验：仅凭文字答对 {before:.1f} %，加上其余示例答对 {after:.1f} %"
        "（{photos} 张照片）。",
    ),
    "examples_missing": (
        "{folder} has no folders with photographs; it takes one folder for each class.",
        "{folder} 中没有装照片的子文件夹，每个类别需要一个。",
    ),
    "examples_without_label": (
        "The example folder “{name}” is not among the labels.",
        "示例文件夹“{name}”不在类别之中。",
    ),
    "examples_counted": (
        "{number} [number:example is|examples are] among the photographs that are counted, which "
        "makes the figures look better than they are.",
        "被统计的照片中有 {number} 张也是示例，结果会因此偏好。",
    ),
}
