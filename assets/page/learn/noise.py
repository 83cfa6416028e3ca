import numpy as np

from clip_app.tasks.contrastive import contrastive_loss, head_accuracy, shuffled

rng = np.random.default_rng(0)
right = np.repeat(np.arange(5), 40)  # 200 pictures of five things
features = rng.normal(size=(5, 64))[right] + 2 * rng.normal(size=(200, 64))
features /= np.linalg.norm(features, axis=1, keepdims=True)
learnt = rng.permutation(200) < 100  # half of them to learn from, half to be asked about
for share in (0, 0.2, 0.4, 0.6, 0.8):
    told = shuffled(right, share, rng)  # so many of the names are wrong
    print(share, head_accuracy(features, told, right, learnt))
pairs = features[:25] @ features[rng.permutation(25)].T  # captions at random
print("the loss of pairs at random", contrastive_loss(pairs, 20).mean)
