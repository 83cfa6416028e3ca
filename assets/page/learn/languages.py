from PIL import Image

import clip_app

model = clip_app.load_model("starter")
image = model.encode_images([Image.open("cat.jpg")])
english = model.encode_labels(["cat", "dog", "rabbit"], ["a photo of a {}."])
chinese = model.encode_labels(["猫", "狗", "兔子"], ["一张{}的照片。"])
in_english = (image @ english.T)[0]  # cosines of the photograph with the English words
in_chinese = (image @ chinese.T)[0]
between = (english * chinese).sum(axis=1)  # of each word with its translation
