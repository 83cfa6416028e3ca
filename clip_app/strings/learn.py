"""The page: how CLIP works, five questions with something to try for each."""

STRINGS: dict[str, tuple[str, str]] = {
    "learn_number": ("Question {number}", "思考题 {number}"),
    "learn_answer": ("In short:", "一句话："),
    "learn_code": ("The same in ten lines of Python", "同样的事，用十行 Python 做"),
    "learn_1": ("Why does contrastive learning work?", "对比学习为什么有效？"),
    "learn_1_answer": (
        "Nobody has to name anything: the other captions of the batch are the wrong answers, and "
        "they come for free. Each pair that belongs together is pulled close, all others are "
        "pushed apart, from both sides. The bigger the batch, the harder the exam. The temperature "
        "says how strictly it is marked, and CLIP learnt its own along with the rest.",
        "不用人来标类别：同一批里别人的说明就是现成的错误答案。每一对拉近，其余的推远，照片和文字两边都考。"
        "一批越大，考题越难；温度决定判分有多严，CLIP 连它也是自己学出来的。",
    ),
    "learn_1_try": ("See one row of the table", "看看表里的一行"),
    "learn_1_words": (
        "a close-up of a cat\na cup of coffee on a table\na rocket at night\na yellow flower",
        "一只猫的脸部特写\n桌上的一杯咖啡\n夜里的火箭\n一朵黄色的花",
    ),
    "learn_pairs_hint": (
        "Four photos, four captions, each scored with each (cosine similarity). Training wants the "
        "framed diagonal high and everything else low. Click two captions to swap them, and see "
        "what it costs.",
        "四张照片、四句说明，两两打分（余弦相似度）。训练想要的，是框住的对角线高、别处都低。点两句说明，让它们对调，看看损失涨多少。",
    ),
    "learn_pairs_table": ("Photos by captions", "照片与说明两两打分"),
    "learn_pairs_loss": ("loss", "损失"),
    "learn_pairs_whole": ("Contrastive loss", "对比损失"),
    "learn_pairs_both": (
        "photo finds caption {by_image}, caption finds photo {by_text}; blind guessing among "
        "{count} is ln {count} = {chance}",
        "照片找说明 {by_image}，说明找照片 {by_text}；{count} 选 1 全靠蒙是 ln {count} = {chance}",
    ),
    "learn_pairs_temperature": (
        "Temperature τ = {tau}: cosines are multiplied by 1/τ = {scale}",
        "温度 τ = {tau}，也就是把余弦乘以 1/τ = {scale}",
    ),
    "learn_pairs_own": ("The model’s own ({scale})", "模型自己学到的（{scale}）"),
    "learn_pairs_right": ("Put captions right", "说明放回原位"),
    "learn_pairs_yours": ("Use your own photos and captions", "换成自己的照片和说明"),
    "learn_pairs_replace": ("Other photo", "换照片"),
    "learn_pairs_photo": ("Photo {number}", "第 {number} 张照片"),
    "learn_pairs_caption": ("Caption {number}", "第 {number} 句说明"),
    "learn_pairs_empty": ("Each photo needs a caption.", "每张照片都要有一句说明。"),
    "learn_2": (
        "Texts from the web are messy. Why does it learn all the same?",
        "网上的图文良莠不齐，为什么还能学会？",
    ),
    "learn_2_answer": (
        "Wrong captions are each wrong in their own way, right ones agree with each other; over "
        "hundreds of millions of pairs the errors cancel out. Vague words still score lower than "
        "exact ones.",
        "错的说法各有各的错，对的说法彼此一致；几亿对图文加在一起，错的就抵消了。不过，含糊的话得分还是不如准确的话。",
    ),
    "learn_2_try": ("Exact, vague and wrong captions", "比比准确的、含糊的和说错的"),
    "learn_2_words": (
        "a tabby cat looking to the right\nan animal\nIMG_2041\nhappy Monday\na dog on the beach",
        "一只看向右边的花猫\n一只动物\nIMG_2041\n周一快乐\n沙滩上的狗",
    ),
    "learn_3": ("Where does it go wrong?", "它会错在哪里？"),
    "learn_3_answer": (
        "Counting, left and right, and “no”: it has learnt which things are in a picture, and "
        "little about how many there are and where.",
        "数数、左右、“没有”：它学会了画面里有什么，却不太管有几个、在哪边。",
    ),
    "learn_3_try": ("Let it count", "让它数一数"),
    "learn_3_words": (
        "one cat, two cats, three cats, no cat",
        "一只猫，两只猫，三只猫，没有猫",
    ),
    "learn_4": (
        "How does it search thousands of photos at once?",
        "几千张照片，为什么马上就能找到？",
    ),
    "learn_4_answer": (
        "Each photo was turned into a row of numbers beforehand. A search only turns your words "
        "into such a row, and compares it with all of them: one multiplication of matrices.",
        "每张照片事先都变成了一串数。搜索时只要把你的话也变成一串数，再和所有照片比一遍，就是一次矩阵乘法。",
    ),
    "learn_4_try": ("Search the photos here", "在这里的照片中找一找"),
    "learn_4_words": ("a rocket", "火箭"),
    "learn_5": (
        "The same word in English and in Chinese: is it the same to the model?",
        "同一个词，中文和英文对它来说一样吗？",
    ),
    "learn_5_answer": (
        "A bilingual model puts both languages into one space, though not exactly on one point. A "
        "model that has only read English guesses at Chinese.",
        "双语模型把两种语言放进同一个空间，但不会完全重合。只学过英文的模型，看中文只能瞎猜。",
    ),
    "learn_5_try": ("Both languages side by side", "中英文放在一起比"),
    "learn_5_words": ("cat, 猫, dog, 狗, flower, 花", "猫，cat，狗，dog，花，flower"),
}
