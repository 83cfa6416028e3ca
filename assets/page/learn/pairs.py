import numpy as np
from PIL import Image

import clip_app

model = clip_app.load_model("starter")
names = ["cat", "coffee", "flower", "rocket"]
captions = ["a cat's face", "a cup of coffee", "a flower", "a rocket on a launch pad"]
images = model.encode_images([Image.open(f"{name}.jpg") for name in names])
texts = model.encode_texts(captions)
logits = model.logit_scale * images @ texts.T  # cosines / temperature, 4 × 4
right = np.diag(logits)
by_image = np.log(np.exp(logits).sum(axis=1)) - right
by_text = np.log(np.exp(logits).sum(axis=0)) - right
loss = (by_image.mean() + by_text.mean()) / 2
