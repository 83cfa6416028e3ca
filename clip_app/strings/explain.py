"""How the numbers of a result come about: the strip under the card."""

STRINGS: dict[str, tuple[str, str]] = {
    "explain": ("How it is computed", "它是怎么算的"),
    "explain_waits": (
        "Once there is an answer above, every step to it stands here.",
        "上面有了答案，这里就列出每一步。",
    ),
    "explain_pending": ("One moment …", "正在算……"),
    "explain_photo": ("1 · The photo becomes {count} numbers", "1 · 照片变成 {count} 个数"),
    "explain_pixels": (
        "The model looks at {width} × {height} pixels in three colours, {numbers} numbers. Its "
        "image encoder makes {count} of them: a vector of length 1.",
        "模型看到的是 {width} × {height} 个像素，每个像素三种颜色，一共 {numbers} 个数。"
        "图像编码器把它们变成 {count} 个数，也就是一个长度为 1 的向量。",
    ),
    "explain_key": (
        "A stripe a number: blue above 0, red below; the stronger the colour, the farther from 0.",
        "一条就是一个数：蓝的大于 0，红的小于 0，颜色越浓，离 0 越远。",
    ),
    "explain_word": ("2 · So do the words", "2 · 文字也变成一串数"),
    "explain_word_how": (
        "The text encoder was trained together with the image encoder, so that what belongs "
        "together points the same way.",
        "文字编码器和图像编码器是一起训练的：配得上的照片和文字，向量的方向相近。",
    ),
    "explain_choose": ("Which one to follow", "看哪一个"),
    "explain_prompt": ("What the model reads:", "模型读到的是："),
    "explain_prompts": (
        "The model reads {number} sentences; the mean of their vectors, made length 1 again, "
        "counts:",
        "模型读到 {number} 句话，向量取平均，再缩放到长度 1：",
    ),
    "explain_prompts_more": ("{number} more", "还有 {number} 句"),
    "explain_taught": (
        "Taught with {examples} [examples:photo|photos]: {rest} parts of words and {share} of "
        "photos are added, and made length 1 again.",
        "它是用 {examples} 张照片教过的：文字占 {rest} 份，照片占 {share} 份，"
        "相加后再缩放到长度 1。",
    ),
    "explain_taught_mean": (
        "What all photos have in common was taken from the examples before.",
        "相加之前，先从例子里去掉了所有照片共有的部分。",
    ),
    "explain_taught_away": (
        "The examples are pushed away from {number} [number:counterexample|counterexamples].",
        "例子还被推离了 {number} 张“不是它”的照片。",
    ),
    "explain_taught_words": (
        "By the words alone, the cosine would be {cosine}.",
        "只靠文字的话，余弦是 {cosine}。",
    ),
    "explain_cosine": ("3 · Multiply and add: the cosine", "3 · 相乘再相加，得到余弦"),
    "explain_cosine_how": (
        "Photo × words, number by number: up where both have the same sign, down where they "
        "differ. As both vectors have length 1, the sum of all {count} products is the cosine of "
        "the angle between them. The lines add up from left to right, one for each word.",
        "照片的数和文字的数一对一相乘：同号朝上，异号朝下。"
        "两个向量长度都是 1，所以 {count} 个乘积加起来，就是它们夹角的余弦。"
        "曲线是从左往右一路加过去，每个词一条。",
    ),
    "explain_sum": (
        "The sum of {count} products for “{label}”:",
        "“{label}”的 {count} 个乘积之和：",
    ),
    "explain_which": ("Which of the {count} numbers", "看 {count} 个数里的第几个"),
    "explain_number": (
        "No. {number}: photo {photo} × “{label}” {text} = {product}; the sum up to here is {sum}",
        "第 {number} 个数：照片 {photo} × “{label}” {text} = {product}，加到这里是 {sum}",
    ),
    "explain_score_softmax": ("4 · From cosines to percent", "4 · 从余弦到百分比"),
    "explain_score_sigmoid": ("4 · From the cosine to percent", "4 · 从余弦到百分比"),
    "explain_score_background": ("4 · From the cosine to “times”", "4 · 从余弦到“倍”"),
    "explain_how_softmax": (
        "Cosines lie close together. They are multiplied by 1/τ, which the model learnt in "
        "training, and become powers of e; a share of the sum of all {count} is the score "
        "(softmax). What is 0.1 ahead in cosine gets {times} times the score. Move the "
        "temperature, and see.",
        "余弦之间差得不多。先乘以训练时学到的 1/τ，再作 e 的指数，"
        "各自在 {count} 个的总和里占多少，就是得分（softmax）。"
        "余弦高 0.1，得分就是对方的 {times} 倍。拖一拖温度看看。",
    ),
    "explain_how_sigmoid": (
        "Each by itself: the cosine times 1/τ, and the model’s bias {bias}; the sigmoid makes it a "
        "score from 0 to 100 %.",
        "各打各的：余弦乘以 1/τ，加上模型的偏置 {bias}，再用 sigmoid 变成 0 到 100 %。",
    ),
    "explain_how_background": (
        "Each by itself: its power of e against the mean of those of {words} unrelated words; what "
        "means nearly the same does not count. So the card says how many times as readily it is "
        "taken as an ordinary one of them.",
        "各打各的：它作 e 的指数，和 {words} 个不相干的词平均下来比（意思太接近的词不算进去）。"
        "卡片上写的就是，它比一个普通的不相干的词突出多少倍。",
    ),
    "explain_words_sum": (
        "the sum of e^… over {words} unrelated words",
        "{words} 个不相干的词的 e^… 之和",
    ),
    "explain_rest": ("the other {number}", "其余 {number} 个"),
    "explain_mark": (
        "The thin line is where the score on the card is.",
        "细线标的是卡片上的得分。",
    ),
    "explain_calibrated": ("Calibrated (1/τ ÷ {temperature})", "校准（1/τ ÷ {temperature}）"),
    "explain_calibrated_what": (
        "The model is a little too sure of itself. With 1/τ divided by {temperature}, fitted on "
        "public photos, the first has {score}, and about so often it is right where one of the "
        "words is. The card’s own score is not divided.",
        "模型有点过于自信。把 1/τ 除以 {temperature}（用公开照片定出来的），第一名是 {score}，"
        "写的词里有对的时，大约就有这么多次是对的。卡片上的得分没有除。",
    ),
    "explain_none": (
        "“None of these” is another test and changes no score: the best is ahead of unrelated "
        "words by {lead} (log-odds), which makes it {chance} likely that none is right.",
        "“都不是”是另一项检验，不改变得分：第一名比不相干的词领先 {lead}（对数几率），"
        "折算下来，都不对的可能是 {chance}。",
    ),
    "explain_none_behind": (
        "“None of these” is another test and changes no score: the best is behind unrelated words "
        "by {lead} (log-odds), which makes it {chance} likely that none is right.",
        "“都不是”是另一项检验，不改变得分：第一名比不相干的词落后 {lead}（对数几率），"
        "折算下来，都不对的可能是 {chance}。",
    ),
    "explain_others": ("5 · In other sentences", "5 · 换个句式"),
    "explain_others_how": (
        "Before it is compared, a word is put into sentences (prompt templates). Others give "
        "another vector, and other numbers.",
        "词要先放进句子（提示词模板）再比。换一组句式，向量就变了，得分也跟着变。",
    ),
    "explain_try": ("Try all of ours", "把几组都试一遍"),
    "explain_stop": ("Stop", "停止"),
    "explain_trying": ("{done} of {total} sentences read", "读了 {done} / {total} 句"),
    "explain_used": ("in use", "正在用"),
    "explain_first": ("first: {label}", "第一名：{label}"),
    "explain_shown": (
        "How many labels to tell in full must be a whole number from 1 to {limit}.",
        "要详细列出多少个候选词，请填 1 到 {limit} 的整数。",
    ),
    "explain_labels_many": (
        "Other sentences are tried on {limit} words at most; there are {number}.",
        "试其他句式最多 {limit} 个词，现在有 {number} 个。",
    ),
}
