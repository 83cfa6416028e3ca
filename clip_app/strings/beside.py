"""The page: two answers side by side."""

STRINGS: dict[str, tuple[str, str]] = {
    "beside": (
        "Side by side: two sentences, languages or models",
        "比一比：两组句式、两种语言、两个模型",
    ),
    "beside_intro": (
        "The photo and the words above, asked in two ways. Change either, and both answers follow.",
        "上面的照片和词，换两种方式来问。照片或词一改，两边的答案跟着变。",
    ),
    "beside_how": ("What to compare", "比什么"),
    "beside_templates": ("Two sentences", "两组句式"),
    "beside_languages": ("Two languages", "两种语言"),
    "beside_models": ("Two models", "两个模型"),
    "beside_first": ("Sentence on the left", "左边的句式"),
    "beside_second": ("Sentence on the right", "右边的句式"),
    "beside_zh": ("Chinese", "中文"),
    "beside_en": ("English", "英文"),
    "beside_other": (
        "The same words in the other language, one a line",
        "同样的词，用另一种语言写，每行一个",
    ),
    "beside_unknown": (
        "We have no translation of these; write your own: {labels}",
        "这些词没有现成的译法，请自己改：{labels}",
    ),
    "beside_count": (
        "There [number:is|are] {number} [number:word|words] above and {other} here. Each needs its "
        "partner, in the same order.",
        "上面有 {number} 个词，这里有 {other} 个。请一个对一个，顺序也要一样。",
    ),
    "beside_with": ("Compare the present model with", "和现在的模型比"),
    "beside_load": ("Load and compare", "载入并比较"),
    "beside_none": (
        "No other model is on this machine. One is downloaded under Model.",
        "这台机器上没有别的模型，可以先到“模型”页下载一个。",
    ),
    "beside_choose": (
        "This model is not here any more; choose another one.",
        "这个模型已经不在了，换一个吧。",
    ),
    "beside_waits": (
        "Put a photo and a few words above first.",
        "先在上面放一张照片，写几个词。",
    ),
    "beside_asking": ("Asking both …", "正在问两边……"),
    "beside_loading": ("Loading {model} …", "正在载入 {model}……"),
    "beside_best": ("They disagree: “{one}” and “{other}”.", "第一名不同：“{one}”和“{other}”。"),
    "beside_best_same": ("Both put “{one}” first.", "第一名一样：“{one}”。"),
    "beside_moved": (
        "Of {number} words, {moved} [moved:has|have] another rank.",
        "{number} 个词里，{moved} 个名次变了。",
    ),
    "beside_order_same": ("The order is the same.", "名次完全一样。"),
    "beside_gap": (
        "Widest gap: “{label}”, {gap} points.",
        "分差最大：“{label}”，{gap} 个百分点。",
    ),
    "beside_rank": ("rank {one} → {other}", "第 {one} 名 → 第 {other} 名"),
    "beside_points": ("{gap} points", "{gap} 个百分点"),
    "beside_more": ("and {number} more", "另有 {number} 个"),
    "beside_chance": ("none of these", "都不是"),
}
