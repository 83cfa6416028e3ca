"""The page: labels, descriptions and verdicts."""

STRINGS: dict[str, tuple[str, str]] = {
    "image": ("Image", "图像"),
    "labels": ("Labels", "类别"),
    "labels_info": (
        "Separate with commas, semicolons or line breaks; up to 10,000.",
        "用逗号、顿号、分号或换行分隔，最多 10,000 个。",
    ),
    "labels_placeholder": ("cat, dog, bird", "猫，狗，鸟"),
    "label_set": ("Ready-made label sets", "现成的类别集"),
    "label_set_info": ("One click fills the labels.", "点选即可填入类别。"),
    "options": ("Options", "选项"),
    "templates": ("Prompt template", "提示词模板"),
    "templates_info": (
        "The label takes the place of {{}}; averaging several templates is often better.",
        "类别会替换 {{}}；对多个模板取平均往往更准。",
    ),
    "templates_auto": ("Automatic (by the labels' language)", "自动（按类别的语言）"),
    "templates_none": ("None: the label alone", "不使用：只用类别本身"),
    "templates_single": ("a photo of a {{}}.", "单个英文模板：a photo of a {{}}."),
    "templates_clip7": ("CLIP's 7 templates", "CLIP 的 7 个模板"),
    "templates_clip80": ("CLIP's 80 templates", "CLIP 的 80 个模板"),
    "templates_chinese": ("4 Chinese templates", "4 个中文模板"),
    "templates_own": ("My own", "自定义"),
    "own_templates": ("My templates, one a line", "自定义模板，每行一个"),
    "scoring": ("Scores", "评分方式"),
    "scoring_softmax": ("Compare labels (sum to 100 %)", "类别相互比较（总和为 100%）"),
    "scoring_independent": ("Each label by itself", "每个类别单独评分"),
    "top_k": ("How many to show", "显示数量"),
    "classify_button": ("Classify", "开始分类"),
    "examples": ("Examples", "示例"),
    "result": ("Result", "结果"),
    "all_scores": ("Scores and similarities", "得分与相似度"),
    "column_image": ("Image", "图像"),
    "column_file": ("File", "文件"),
    "column_label": ("Label", "类别"),
    "column_text": ("Description", "描述"),
    "column_score": ("Score", "得分"),
    "column_similarity": ("Cosine similarity", "余弦相似度"),
    "verdict_best": ("Best label: {label}, {score}", "最可能的类别：{label}，{score}"),
    "verdict_none": (
        "None of these labels seems to fit this image.",
        "你写的词好像都不对。换几个词试试？",
    ),
    "verdict_explained": (
        "As many unrelated words would do as well by luck in {chance} of cases; above {limit} we "
        "say that none fits.",
        "随机取同样多的无关词语，有 {chance} 的概率也能达到这一相似度；"
        "超过 {limit} 时判为“都不符合”。",
    ),
    "fits_not": ("none fits", "都不符合"),
    "scoring_used_softmax": (
        "The percentages compare your words with each other and sum to 100 % (softmax); they are "
        "not how likely it is to be right.",
        "百分比只在你写的词之间比较，加起来是 100 %（softmax），不是“猜对的概率”。",
    ),
    "scoring_used_sigmoid": (
        "Each word by itself (sigmoid): how well the model takes it to fit, whatever the others "
        "are. Low numbers are normal.",
        "每个词单独打分（sigmoid）：模型认为它和照片有多相符，与别的词无关。数字普遍偏低，很正常。",
    ),
    "scoring_used_background": (
        "Each word by itself, against about 770 unrelated ones: how far it stands out. “85×” "
        "means: choosing between it and an ordinary one of those, the model takes it 85 times as "
        "readily.",
        "每个词单独打分：和约 770 个不相干的词比，它有多突出。"
        "“85 倍”是说：在它和其中一个普通的词之间，模型选它的可能是选后者的 85 倍。",
    ),
    "text_cut": (
        'The model read only the first {read} of the {length} characters of "{text}".',
        "“{text}”共 {length} 个字符，模型只读了前 {read} 个。",
    ),
    "labels_share": (
        "These labels mean nearly the same and share the score between them: {pairs}.",
        "以下类别含义几乎相同，会分摊得分：{pairs}。",
    ),
    "language_unread": (
        "This model does not read Chinese; results for Chinese text are close to chance. "
        "Choose {better}, which does.",
        "当前模型不懂中文，中文文本的结果接近随机。请改用支持中文的 {better}。",
    ),
    "english_better": (
        "{better} is better at English: ImageNet {theirs:.1f} %, here {ours:.1f} %.",
        "{better} 的英文更准：ImageNet {theirs:.1f}%，当前模型 {ours:.1f}%。",
    ),
    "english_better_choose": ("See tab Model.", "可在“模型”页切换。"),
    "encoding_texts": ("Encoding texts", "正在编码文本"),
    "descriptions": ("Descriptions, one a line", "描述，一行一句"),
    "descriptions_placeholder": ("a cat lying on a sofa", "一只躺在沙发上的猫"),
    "match_none": (
        "None of these descriptions seems to fit this image.",
        "你写的描述好像都不对。换几句试试？",
    ),
    "match_used_softmax": (
        "The percentages compare your descriptions with each other and sum to 100 % (softmax); "
        "they are not how likely it is to be right.",
        "百分比只在这些描述之间比较，加起来是 100 %（softmax），不是“说对的概率”。",
    ),
}
