"""The page: labels, descriptions and verdicts."""

STRINGS: dict[str, tuple[str, str]] = {
    "image": ("Photo", "照片"),
    "photo_yours": ("your photo:", "你的照片："),
    "photo_none": (
        "Drop a photo here, paste a screenshot, or choose one.",
        "把照片拖到这里，粘贴截图，或选一张。",
    ),
    "photo_reading": ("Reading…", "正在读取……"),
    "photo_choose": ("Choose a photo", "选照片"),
    "photo_replace": ("Replace", "换照片"),
    "photo_camera": ("Camera", "拍照"),
    "photo_snap": ("Take it", "拍下"),
    "photo_stop": ("turn the camera off", "关闭摄像头"),
    "photo_similar": ("Similar", "搜类似"),
    "photo_clear": ("remove the photo", "移除照片"),
    "photo_no_camera": (
        "No camera: there is none, or this page may not use it.",
        "用不了摄像头：没有找到，或没有允许本页使用。",
    ),
    "labels": ("Your words", "候选词"),
    "chips_first": ("a word, then Enter…", "写一个词，回车…"),
    "chips_more": ("another word…", "再写一个词…"),
    "chip_edit": ("edit {label}", "修改 {label}"),
    "chip_remove": ("remove {label}", "删除 {label}"),
    "chips_set": ("{name} · {number} words", "{name} · {number} 类"),
    "chips_many": ("{number} words", "{number} 个词"),
    "chips_as_text": ("Paste a list", "批量粘贴"),
    "chips_as_chips": ("Back to chips", "收起"),
    "label_sets": ("Try:", "试试："),
    "label_sets_named": ("Ready-made words", "不知道写什么？选一组现成的"),
    "set_poor": (
        "The starter model is poor at these: take its answers as guesses.",
        "入门模型不擅长这一组，答案多半靠猜。",
    ),
    "sets_poor": ("dashed: the starter is poor at these", "虚线：入门模型不擅长"),
    "set_last": ("My last words", "上次的词"),
    "photo_fails": ("The starter model gets this wrong.", "入门模型会认错这一张。"),
    "replaced": ("Now: {name}.", "已换成“{name}”。"),
    "chips_cleared": ("Removed: {number} words.", "已清空 {number} 个词。"),
    "undo": ("Undo", "撤销"),
    "example_words": ("the example's words", "示例自带的词"),
    "example_offers": ("This example's own words: {words}", "这张示例自带的词：{words}"),
    "example_take": ("Use them", "换成这些"),
    "options": ("Sentence and scores", "句式与打分"),
    "templates": ("Sentence (prompt template)", "句式（提示词模板）"),
    "templates_info": (
        "Each word is put into a sentence before it is compared; {{}} is its place. The average of "
        "several sentences is often better.",
        "先把词放进句子再比较，{{}} 是词的位置；几个句式取平均通常更准。",
    ),
    "templates_auto": (
        "Automatic, by their language",
        "自动（看词是中文还是英文）",
    ),
    "templates_none": ("None: the word alone", "不用句式，只用词本身"),
    "templates_single": ("a photo of a {{}}.", "一个英文句式：a photo of a {{}}."),
    "templates_clip7": ("CLIP's 7 sentences", "CLIP 的 7 个句式"),
    "templates_clip80": ("CLIP's 80 sentences", "CLIP 的 80 个句式"),
    "templates_chinese": ("4 Chinese sentences", "4 个中文句式"),
    "templates_own": ("My own", "自己写"),
    "own_templates": ("My sentences, one a line", "自己的句式，每行一个"),
    "scoring": ("Scores", "打分"),
    "scoring_softmax": ("Compared with each other (sum to 100 %)", "放在一起比（合计 100 %）"),
    "scoring_independent": ("Each by itself", "各打各的"),
    "top_k": ("How many to show", "显示几个"),
    "examples": ("Examples", "示例"),
    "column_similarity": ("Cosine similarity", "余弦相似度"),
    "verdict_none": (
        "None of these labels seems to fit this image.",
        "你写的词好像都不对。换几个词试试？",
    ),
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
    "classify_reading": ("Reading the words: {done} of {total}", "正在读词：{done} / {total}"),
    "classify_stopped": (
        "Stopped. Enter in the field asks again.",
        "停下了。在输入框里按回车，就再来一次。",
    ),
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
