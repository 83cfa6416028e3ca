"""The card that shows a result: its verdict, its bars, and what their numbers mean."""

STRINGS: dict[str, tuple[str, str]] = {
    "verdict_is": ("It’s “{label}”", "是“{label}”"),
    "verdict_closest": ("Closest: “{label}”", "最像“{label}”"),
    "match_is": ("Best fit: “{label}”", "最配的一句：“{label}”"),
    "match_closest": ("Closest: “{label}”", "比较接近的一句：“{label}”"),
    "verdict_sure": ("{score}, very sure", "{score}，很有把握"),
    "verdict_fairly": ("{score}, fairly sure", "{score}，比较有把握"),
    "verdict_close": ("{score}, a close call", "{score}，拿不准"),
    "verdict_doubtful": (
        "The order below is doubtful: unrelated labels often score this high too, so whichever "
        "comes first is mostly luck.",
        "下面的名次不可信：换成不相干的词，也常能得这么高分，第一名多半是碰巧。",
    ),
    "verdict_unsure": ("{score}, unsure", "{score}，不好说"),
    "verdict_unsure_why": (
        "Unsure: the model knows too little of such a photo to say whether any of these fits.",
        "不好说：这类照片模型了解得少，说不准里面有没有对的。",
    ),
    "verdict_alone": (
        "With nothing to compare it with, it always gets 100 %. Add a few more.",
        "只写了一个，没有别的可比，总是 100 %。再加几个试试。",
    ),
    "card_times": ("{times}×", "{times} 倍"),
    "card_stands_out_much": ("{score}, stands out clearly", "{score}，非常突出"),
    "card_stands_out": ("{score}, stands out", "{score}，比较突出"),
    "card_stands_out_little": ("{score}, stands out a little", "{score}，有一点突出"),
    "card_stands_out_not": ("{score}, does not stand out", "{score}，不突出"),
    "card_none": ("none of these", "都不是"),
    "card_none_what": ("What “none of these” means", "“都不是”是什么意思"),
    "card_none_explained": (
        "How likely it is that none of yours is right: the further your best is ahead of "
        "unrelated words, the less likely it got there by luck. It is a test of its own and no "
        "share of the other bars; above {limit} we say that none fits, above {unsure} that we are "
        "unsure.",
        "这几个都不对的可能：你的第一名比不相干的词高出越多，就越不会是碰巧。"
        "这是单独的检验，不和上面的百分比相加；"
        "超过 {limit} 就判为“都不是”，超过 {unsure} 就说“不好说”。",
    ),
    "card_calibrated": (
        "Calibrated on public photos of eight kinds: where one of the labels is right, the first "
        "of scores like these is right about {score} of the time.",
        "用八类公开照片校准过：如果写的词里有一个是对的，"
        "像这样的得分，第一名大约 {score} 的时候是对的。",
    ),
    "card_how": ("How to read these numbers", "这些数怎么看"),
    "card_cosine_explained": (
        "The small number is the cosine similarity: how far the photo’s vector and the text’s "
        "point the same way. It does not depend on the other texts.",
        "右边的小数是余弦相似度：照片和文字各变成一串数（向量），两个向量的方向越一致，它越大。"
        "它和你写的其他词无关。",
    ),
    "card_scores": ("Scores", "得分"),
    "card_score": ("score", "得分"),
    "card_cosine": ("cosine", "余弦"),
    "card_show_all": ("Show all ({number})", "显示全部（{number}）"),
    "card_best_of": ("The best {shown} of {number}", "最配的 {shown} 句（共 {number} 句）"),
    "card_png": ("Picture (PNG)", "结果卡片 PNG"),
    "card_copy": ("Copy picture", "复制图片"),
    "card_copied": ("Copied", "已复制"),
    "card_copy_failed": (
        "This browser does not let pictures be copied; download it instead.",
        "这个浏览器不让复制图片，请改用下载。",
    ),
    "card_csv": ("Numbers (CSV)", "数据 CSV"),
    "card_model": ("Model: {name}", "模型：{name}"),
    "card_no_photo": ("Add a photo, and the answer comes at once.", "放一张照片，答案马上出来。"),
    "card_no_labels": (
        "Write a few words, and the answer comes at once.",
        "写几个候选词，答案马上出来。",
    ),
    "card_stop": ("Stop", "停止"),
    "match_everyday": (
        "one or more people\nan animal\nsomething to eat or drink\na landscape\n"
        "a building or a street\na vehicle\nan object on a table\na page or screen with text",
        "一个人或几个人\n一只动物\n吃的或喝的东西\n一处自然风景\n"
        "建筑或街道\n一辆交通工具\n桌上的一件物品\n有文字的纸或屏幕",
    ),
    "match_no_texts": (
        "Write a few descriptions, one a line, and the answer comes at once.",
        "写几句描述，一行一句，答案马上出来。",
    ),
}
