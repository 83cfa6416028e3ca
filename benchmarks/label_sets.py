"""How often a model puts the right label of a ready-made set first, on the example gallery.

`label_sets.json` says for each set which of its English labels are right for which picture. What is
printed belongs into the `starter` entry of `assets/label_sets/*.json`, the worse of both languages.

    python benchmarks/label_sets.py [--model starter]
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from clip_app.model.slot import load_model  # noqa: E402
from clip_app.photos import open_picture  # noqa: E402
from clip_app.prompts import label_sets  # noqa: E402
from clip_app.settings import ASSETS, Settings  # noqa: E402
from clip_app.tasks.classes import classes_from_labels  # noqa: E402

PICTURES = ASSETS / "gallery" / "examples"


def main() -> None:
    """Print a line a set and language: the share of right answers by kind of template."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="starter")
    service = load_model(Settings(model=parser.parse_args().model))
    for key, right in json.loads(Path(__file__).with_suffix(".json").read_text("utf-8")).items():
        pictures = [open_picture(PICTURES / file, service) for file in right]
        features = service.encode_images(pictures)
        english = label_sets()[key].labels["en"]
        for language, labels in label_sets()[key].labels.items():
            shares = []
            for templates in ("auto", "none", "clip7"):
                classes = classes_from_labels(service, labels, templates)
                best = (features @ classes.weights.T).argmax(axis=1)
                hits = [
                    english[one] in some for one, some in zip(best, right.values(), strict=True)
                ]
                shares.append(f"{templates} {sum(hits) / len(hits):.2f}")
            print(f"{key:11} {len(right):3} {language}  {'  '.join(shares)}")


if __name__ == "__main__":
    main()
