from PIL import Image

import clip_app

model = clip_app.load_model("starter")
image = model.encode_images([Image.open("cat.jpg")])
texts = model.encode_texts(["a photo of a cat", "a photo with no cat", "a photo of a dog"])
cat, no_cat, dog = (image @ texts.T)[0]
print(f"a cat {cat:.2f}, no cat {no_cat:.2f}, a dog {dog:.2f}")
print(f"“a cat” and “no cat” to each other: {texts[0] @ texts[1]:.2f}")
