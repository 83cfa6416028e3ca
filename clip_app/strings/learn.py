"""The page: how CLIP works, five questions with something to try for each."""

STRINGS: dict[str, tuple[str, str]] = {
    "learn_number": ("Question {number}", "思考题 {number}"),
    "learn_answer": ("An answer", "一种回答"),
    "learn_code": ("The same in a few lines of Python", "同样的事，用十来行 Python 做"),
    "learn_1": ("Why does contrastive learning work?", "对比学习为什么有效？"),
    "learn_1_answer": (
        "Nobody has to name anything: the other captions of the batch are the wrong answers, and "
        "they come for free. Each pair that belongs together is pulled close, all others are "
        "pushed apart, from both sides. The bigger the batch, the harder the exam. The temperature "
        "says how strictly it is marked, and CLIP learnt its own along with the rest.",
        "不用人来标类别：同一批里别人的说明就是现成的错误答案。每一对拉近，其余的推远，照片和文字两边都考。"
        "一批越大，考题越难；温度决定判分有多严，CLIP 连它也是自己学出来的。",
    ),
    "learn_1_source": (
        "CLIP’s authors had 32,768 pairs in a batch; predicting the words of captions instead took "
        "twelve times as many pairs to learn as much (Radford et al. 2021, figure 2).",
        "CLIP 的作者一批用了 32,768 对；要是改成逐词预测说明文字，"
        "得多看十二倍的图文才能学到同样的程度"
        "（Radford 等，2021，图 2）。",
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
        "Wrong captions are each wrong in their own way, right ones agree with each other: one "
        "name wrong in five costs the head a few points, not a fifth, and hundreds of millions of "
        "pairs smooth out more than our few dozen can. It has limits: errors that all point the "
        "same way do not cancel out, and every wrong pair pushes right ones apart. That is why "
        "better chosen pairs (DataComp after LAION) made better models.",
        "错的说法各有各的错，对的说法彼此一致：五个名字里错一个，分类头只掉几个百分点，而不是掉两成；"
        "几亿对图文，比这里的几十张更能把错的抵消掉。但也有限度：错得一个方向的抵消不了，"
        "每一对错的也会把本来对的推开。所以数据挑得更好（从 LAION 到 DataComp），模型就更好。",
    ),
    "learn_2_source": (
        "open_clip’s ViT-B/32: 66.6 % of ImageNet after 34 billion pairs of LAION-2B, 69.2 % after "
        "only 13 billion of DataComp, which were chosen more strictly (open_clip’s table of "
        "results).",
        "open_clip 的 ViT-B/32：看过 340 亿对 LAION-2B，ImageNet 上 66.6%；"
        "改看挑得更严的 DataComp，只用 130 亿对，就有 69.2%（open_clip 的成绩表）。",
    ),
    "learn_2_try": ("Exact, vague and wrong captions", "比比准确的、含糊的和说错的"),
    "learn_2_words": (
        "a tabby cat looking to the right\nan animal\nIMG_2041\nhappy Monday\na dog on the beach",
        "一只看向右边的花猫\n一只动物\nIMG_2041\n周一快乐\n沙滩上的狗",
    ),
    "learn_noise_hint": (
        "{count} photos (downwards) of the example gallery and their titles (across); the darker, "
        "the more alike. Shuffle some titles, as if a web page had put the wrong words under a "
        "photo.",
        "示例图库里的 {count} 张照片（竖）和它们的标题（横），颜色越深越像。"
        "打乱几个标题，就好比网页在照片下面配错了字。",
    ),
    "learn_noise_loss": ("Contrastive loss", "对比损失"),
    "learn_noise_wrong": ("{wrong} of {count} titles shuffled", "{count} 个标题，打乱 {wrong} 个"),
    "learn_noise_found": (
        "{found} of {count} photos find the title they were given (framed). Blind guessing would "
        "be a loss of {chance}.",
        "{count} 张照片里，有 {found} 张最像配给它的标题（框住的格子）。全靠蒙，损失是 {chance}。",
    ),
    "learn_noise_picture": (
        "{count} photos by {count} titles, {wrong} of them shuffled",
        "{count} 张照片和 {count} 个标题两两比较，打乱了 {wrong} 个",
    ),
    "learn_noise_head": (
        "Does learning survive that? A small classifier on these vectors is told the topics of "
        "half of the photos, some of them wrong, and is then asked about the other half.",
        "这样还学得会吗？在这些向量上训练一个小分类头：告诉它一半照片的主题，其中故意说错一部分，再考它另一半。",
    ),
    "learn_noise_train": ("Train it now", "现在就训练"),
    "learn_noise_reading": (
        "Reading photo {done} of {total} …",
        "正在读第 {done} 张，共 {total} 张……",
    ),
    "learn_noise_trained": (
        "Right about photos that it never saw, of {photos} of {topics} topics; always naming the "
        "commonest would be {guess}.",
        "没见过的照片，答对了多少（共 {photos} 张、{topics} 个主题；一律猜最多的那个是 {guess}）。",
    ),
    "learn_noise_share": ("{share} % shuffled", "打乱 {share} %"),
    "learn_3": ("Where does it go wrong?", "它会错在哪里？"),
    "learn_3_answer": (
        "It has learnt which things go with which words, and little about how the words hang "
        "together: how many, on which side, which colour belongs to what, “no”. Web captions "
        "rarely need that to be told apart from others, so training never asked for it. Larger "
        "models err less often, but in the same places. Where it matters, count with a detector, "
        "read with OCR, or teach it examples of your own.",
        "它学会了哪些词对应哪些东西，却不太管词和词之间的关系：有几个、在哪边、颜色是谁的、有没有“没有”。"
        "网上的图说，光凭提到了什么就能分清，训练也就没逼它学这些。模型大了，错得少些，但错的还是这几处。"
        "真要紧的时候：数数用检测模型，认字用 OCR，或者拿自己的照片教它。",
    ),
    "learn_3_source": (
        "Of four captions, of which some say what is not there, OpenAI’s CLIP chose the right one "
        "for 39 % of the photographs of COCO; blind guessing is 25 % (NegBench, CVPR 2025).",
        "四句说明里有几句说的是“没有什么”：在 COCO 的照片上，OpenAI 的 CLIP 选对了 39%，"
        "而瞎猜是 25%（NegBench，CVPR 2025）。",
    ),
    "learn_3_try": ("Let it count", "让它数一数"),
    "learn_3_words": (
        "one giraffe, two giraffes, three giraffes, four giraffes",
        "一只长颈鹿，两只长颈鹿，三只长颈鹿，四只长颈鹿",
    ),
    "learn_failing_hint": (
        "What will the model say? Guess first; its answer comes after your click.",
        "模型会选哪个？先猜一猜，点了再看它的答案。",
    ),
    "learn_failing_count": ("How many giraffes?", "有几只长颈鹿？"),
    "learn_failing_sides": ("Which is left, which is red?", "谁在左边，谁是红的？"),
    "learn_failing_no": ("Is there a banana?", "有香蕉吗？"),
    "learn_failing_letters": ("What does the sign say?", "牌子上写着什么？"),
    "learn_failing_colours": ("Which colour are the flowers?", "花是什么颜色？"),
    "learn_failing_no_labels": (
        "a strawberry and a banana, a strawberry and no banana",
        "草莓和香蕉，草莓没有香蕉",
    ),
    "learn_failing_style": ("Which animal did Dürer draw?", "丢勒画的是什么动物？"),
    "learn_failing_style_labels": ("lion, horse, dog, bear, wolf", "狮子，马，狗，熊，狼"),
    "learn_failing_print": ("What do the bars stand for?", "每根柱子代表什么？"),
    "learn_failing_print_labels": (
        "a chart of years, a chart of months, a chart of weekdays, a chart of countries",
        "按年的图表，按月的图表，按星期的图表，按国家的图表",
    ),
    "learn_failing_right": ("right", "正确答案"),
    "learn_failing_picked": ("its choice", "它选的"),
    "learn_failing_guessed": ("your guess", "你猜的"),
    "learn_failing_wrong": (
        "It chose “{picked}”; right is “{right}”.",
        "它选了“{picked}”，其实是“{right}”。",
    ),
    "learn_failing_knows": (
        "This time it is right. Try others like it: it may have been luck.",
        "这次它对了。多换几张类似的试试，也许只是碰巧。",
    ),
    "learn_failing_why_count": (
        "“Giraffe” is in all four, and hardly anyone writes the number into a caption.",
        "四个选项里都有“长颈鹿”，而配图的人很少把数目写进去。",
    ),
    "learn_failing_why_sides": (
        "All four name the same two shapes and colours; only their order differs, and order "
        "counts for little in its vector.",
        "四句话里的形状和颜色都一样，只是次序不同；而变成向量以后，次序几乎不起作用。",
    ),
    "learn_failing_why_no": (
        "Whoever writes “banana” has mostly photographed one. “No” changes the vector only a "
        "little.",
        "写到“香蕉”的，多半真拍了香蕉。加个“没有”，向量只变了一点点。",
    ),
    "learn_failing_why_letters": (
        "Letters on a board look like a sign, and most signs that it has seen said stop. Large "
        "models do read a little, and then a label stuck on an apple can deceive them.",
        "牌子上有字母，就像个路牌；而它见过的牌子多半写着 STOP。"
        "大模型能认一点字，可这时在苹果上贴张纸条就能骗过它。",
    ),
    "learn_failing_why_colours": (
        "It sees much green and some flowers, and does not tie the colour to the thing.",
        "它看到一大片绿、几朵花，却没把颜色和东西对上号。",
    ),
    "learn_failing_why_style": (
        "Most lions it has learnt from are photographs. Painted ones look otherwise, and what it "
        "knows of lions holds less well there.",
        "它学过的狮子多半是照片。画出来的样子不一样，它学到的那一套就不太管用了。",
    ),
    "learn_failing_why_print": (
        "Jan, Feb, Mar stand below the bars, but a photo is made small before it is looked at, and "
        "small print becomes a smudge.",
        "柱子下面写着 Jan、Feb、Mar，可照片要先缩小才给模型看，小字就糊成一团了。",
    ),
    "learn_failing_score": (
        "Of {count} it got {wrong} wrong; you foresaw {foreseen} of its answers.",
        "看了 {count} 张，它错了 {wrong} 张；它的选择你猜中了 {foreseen} 次。",
    ),
    "learn_4": (
        "How does it search thousands of photos at once?",
        "几千张照片，为什么马上就能找到？",
    ),
    "learn_4_answer": (
        "The slow part, reading the photos, was done beforehand: each is a row of numbers. A "
        "search turns your words into one more row and compares it with all, one multiplication of "
        "matrices, whose time grows with their number. From some 50,000 photos on an index pays: "
        "it looks at a small part, or at shortened vectors, and may miss a few. This app then "
        "takes product codes, and compares what they propose exactly.",
        "最慢的一步，也就是读照片，事先就做完了：每张照片变成一串数。搜索时只要把你的话也变成一串数，"
        "和所有照片比一遍，就是一次矩阵乘法，耗时跟照片数成正比。到五万张左右，建索引就划算了："
        "只看一小部分，或者只看压缩过的向量，代价是可能漏掉几张。本应用那时用乘积量化先挑出候选，再精确比较。",
    ),
    "learn_4_source": (
        "The faiss project advises the same: from about a million vectors on, comparing one by one "
        "becomes too slow (faiss wiki, “Indexing 1M vectors”). Product codes: Jégou et al. 2011; "
        "HNSW: Malkov and Yashunin 2018.",
        "faiss 项目的建议也一样：到一百万个左右，逐个比就太慢了"
        "（faiss wiki，“Indexing 1M vectors”）。"
        "乘积量化：Jégou 等，2011；HNSW：Malkov 与 Yashunin，2018。",
    ),
    "learn_4_try": ("Search the photos here", "在这里的照片中找一找"),
    "learn_4_words": ("a rocket", "火箭"),
    "learn_speed_hint": (
        "Measured on this machine when you click: the gallery that you chose under Search, else "
        "the example gallery, then a million made-up vectors, mixtures of those of the gallery. "
        "They have 64 numbers each, as a million of the model’s own would not fit everywhere. It "
        "takes a minute or two and up to 0.7 GB of memory.",
        "点一下，就在这台机器上现测：先测你在“图库搜索”里选的图库（没有就用示例图库），"
        "再测一百万个编造的向量，由图库里的向量随机混合而成；"
        "每个只留 64 个数，因为一百万个完整的向量不是哪台机器都放得下。"
        "要一两分钟，最多占 0.7 GB 内存。",
    ),
    "learn_speed_go": ("Measure now", "现在就测"),
    "learn_speed_stop": ("Stop", "停止"),
    "learn_speed_running": ("Measuring", "正在测"),
    "learn_speed_words": ("Words to a vector", "把一句话变成向量"),
    "learn_speed_gallery": ("All {photos} photos compared", "和 {photos} 张照片逐张比"),
    "learn_speed_brute": ("All {number} vectors compared", "和 {number} 个向量逐个比"),
    "learn_speed_codes": (
        "The same {number} by product codes",
        "同样 {number} 个，用乘积量化",
    ),
    "learn_speed_graph": (
        "{graph_number} of them by a graph (HNSW)",
        "其中 {graph_number} 个，用近邻图（HNSW）",
    ),
    "learn_speed_ms": ("{number} ms", "{number} 毫秒"),
    "learn_speed_more_brute": (
        "{number} vectors of {dim} numbers take {megabytes} MB, and all of it is read for each "
        "search: twice as many photos, twice the time.",
        "{number} 个向量，每个 {dim} 个数，占 {megabytes} MB，每搜一次都要从头读一遍："
        "照片多一倍，时间也多一倍。",
    ),
    "learn_speed_more_codes": (
        "Product codes shorten each to a few bytes, {codes_megabytes} MB in all; the 1,000 that "
        "look best are then compared exactly, and {codes_found} of the ten best were among them.",
        "乘积量化把每个向量压成几个字节，总共 {codes_megabytes} MB；"
        "从中挑出最像的 1,000 个再精确比较，"
        "最好的十个里找到了 {codes_found}。",
    ),
    "learn_speed_more_graph": (
        "The graph goes from neighbour to neighbour and found {graph_found}, but had to be built "
        "first: {graph_seconds} s for these {graph_number}.",
        "近邻图从一个邻居跳到下一个，找到了 {graph_found}，但得先建好："
        "这 {graph_number} 个花了 {graph_seconds} 秒。",
    ),
    "learn_5": (
        "The same word in English and in Chinese: is it the same to the model?",
        "同一个词，中文和英文对它来说一样吗？",
    ),
    "learn_5_answer": (
        "Nearly, if it was trained on both: a word and its translation come to lie close together, "
        "so either finds the photo, but they are not the same point, and in close cases the order "
        "can change. A model that read English only cuts Chinese into pieces it never learnt "
        "anything about, and its Chinese answers are chance. Look at a model’s figures for your "
        "language, not only at those for English.",
        "两种语言都学过，就差不多一样：一个词和它的译文离得很近，用哪个都找得到照片；但毕竟不是同一个点，"
        "遇到难分的，名次会变。只学过英文的模型，会把中文切成它从没学过的碎片，答案就是瞎猜。"
        "所以挑模型要看它在你的语言上的成绩，不能只看英文。",
    ),
    "learn_5_source": (
        "Reading both is not the same as being equally good: SigLIP 2 (base) knows more of "
        "ImageNet than XLM-RoBERTa-CLIP, 74.0 against 62.4 %, and finds fewer photographs by "
        "Chinese descriptions, 62.6 against 72.5 % (open_clip’s and Immich’s tables).",
        "两种语言都会，不等于两种一样好：SigLIP 2（base）在 ImageNet 上是 74.0%，"
        "XLM-RoBERTa-CLIP 是 62.4%；用中文找照片却反过来，62.6% 对 72.5%"
        "（open_clip 和 Immich 的成绩表）。",
    ),
    "learn_5_try": ("Both languages side by side", "中英文放在一起比"),
    "learn_5_words": ("cat, 猫, dog, 狗, flower, 花", "猫，cat，狗，dog，花，flower"),
    "learn_languages_hint": (
        "The same photo, the same words: the upper bar in English, the lower one in Chinese. "
        "“Alike” is the cosine of the word and its translation.",
        "同一张照片、同一组词：上面一条是英文，下面一条是中文。“词与译文”是这两个词的余弦相似度。",
    ),
    "learn_languages_photo": ("Photo", "照片"),
    "learn_languages_between": ("alike: {cosine}", "词与译文：{cosine}"),
    "learn_languages_same": (
        "Both languages put the same first: {en}, {zh}.",
        "两种语言选的第一名一样：{en}、{zh}。",
    ),
    "learn_languages_differ": (
        "They disagree: {en} in English, {zh} in Chinese.",
        "两种语言不一致：英文选 {en}，中文选 {zh}。",
    ),
    "learn_languages_own": ("Use words of your own", "换成自己的词"),
    "learn_languages_in_en": ("English", "英文"),
    "learn_languages_in_zh": ("Chinese, in the same order", "中文，次序要对上"),
    "learn_languages_uneven": (
        "Each word needs its translation: there are {en} in English and {zh} in Chinese.",
        "每个词都要有译文：现在英文有 {en} 个，中文有 {zh} 个。",
    ),
    "learn_languages_many": (
        "More than {limit} words cannot be compared at a glance.",
        "超过 {limit} 个词就看不过来了。",
    ),
    "learn_languages_choose": (
        "Now the same photo and words through a model that reads English only; it is loaded for "
        "this one answer.",
        "再让一个只懂英文的模型看同一张照片、同一组词；它只为这一次加载。",
    ),
    "learn_languages_none": (
        "No model that reads English only is on this machine; the tab “Model” can fetch one, "
        "vit-b-32-openai for instance, and it will be offered here.",
        "这台机器上没有只懂英文的模型；可以在“模型”页下载一个，"
        "比如 vit-b-32-openai，之后就能在这里试。",
    ),
    "learn_languages_load": (
        "Try {model} (needs {needs} MB of memory, {free} MB are free)",
        "试试 {model}（要 {needs} MB 内存，空闲 {free} MB）",
    ),
    "learn_languages_loading": ("Loading {model} …", "正在加载 {model}……"),
    "learn_languages_other": (
        "The same through {model}, which reads English only:",
        "换成只懂英文的 {model}：",
    ),
    "learn_languages_models": (
        "What others measured, not computed here: how often a Chinese description finds its photo "
        "among 3,600 at the first try (Crossmodal-3600, recall@1, by open_clip). The first reads "
        "both languages, the others only English.",
        "这是别人测的，不是在这里算的：用一句中文描述，在 3,600 张照片里一次就找对的比例"
        "（Crossmodal-3600 的 recall@1，open_clip 公布）。第一个模型中英文都懂，后两个只学过英文。",
    ),
}
