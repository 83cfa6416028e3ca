"""How a result is computed: the numbers of API and strip are those of open_clip and numpy."""

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from clip_app.errors import InputError
from clip_app.images import load_image
from clip_app.model.backgrounds import background_words
from clip_app.prompts import TEMPLATE_SETS
from clip_app.server.answers import classification_answer
from clip_app.strings import text
from clip_app.tasks.classify import classify
from clip_app.tasks.concepts import beside_words, learn_concept
from clip_app.tasks.explain import MOST_COMPARED, explain
from clip_app.tasks.match import judge
from clip_app.ui.html import percent
from tests.conftest import EXAMPLES
from tests.test_page import dimmed

CAT, COFFEE = EXAMPLES / "cat.jpg", EXAMPLES / "coffee.jpg"
LABELS = ["cat", "dog", "rabbit", "bird", "flower", "car"]


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def test_every_step_is_that_of_plain_open_clip(service):
    import torch

    from clip_app.model.torch_engine import load_open_clip

    model, transform, tokens = load_open_clip(service.source)
    with torch.no_grad(), Image.open(CAT) as photo:
        image = model.encode_image(transform(photo.convert("RGB"))[None], normalize=True)[0]
        rows = []
        for label in LABELS:
            prompts = [one.format(label) for one in TEMPLATE_SETS["clip7"]]
            row = model.encode_text(tokens(prompts), normalize=True).mean(dim=0)
            rows.append((row / row.norm()).numpy())
        scale = model.logit_scale.exp().item()
    cosines = np.array(rows) @ image.numpy()
    scores = softmax(scale * cosines)

    found = explain(service, CAT, LABELS, "clip7")
    assert found.templates == TEMPLATE_SETS["clip7"]
    assert found.logit_scale == pytest.approx(scale)
    assert found.vector @ image.numpy() > 0.9999
    assert {one.name for one in found.results} == set(LABELS)
    for one in found.results:
        place = LABELS.index(one.name)
        assert one.vector @ rows[place] > 0.9999
        assert one.similarity == pytest.approx(cosines[place], abs=2e-3)
        assert one.logit == pytest.approx(scale * one.similarity, rel=1e-6)
        assert one.score == pytest.approx(scores[place], abs=5e-3)


@pytest.mark.parametrize("independent", [False, True])
def test_the_last_step_is_the_answer_of_classify(service, independent):
    found = explain(service, COFFEE, LABELS, independent=independent)
    answer = classify(service, COFFEE, LABELS, independent=independent)
    assert [(one.name, one.score, one.similarity) for one in found.results] == [
        (one.label, one.score, one.similarity) for one in answer.results
    ]
    assert found.chance == answer.chance
    cosines = np.array([one.vector for one in found.results]) @ found.vector
    np.testing.assert_allclose(found.similarities, cosines, atol=1e-6)
    if not independent:
        assert found.background is None
        np.testing.assert_allclose(
            [one.score for one in found.results], softmax(found.logit_scale * cosines), rtol=1e-4
        )
        assert found.calibrated == (
            1.41,
            pytest.approx(softmax(found.logit_scale / 1.41 * cosines)[0], rel=1e-4),
        )
        return
    assert found.kind == "background"
    assert len(found.background) == len(background_words("en"))
    for one in found.results:
        far = np.delete(found.background, one.near).astype(np.float64)
        rivals = np.exp(found.logit_scale * far).sum()
        own = np.exp(one.logit)
        assert one.score == pytest.approx(own / (own + rivals), rel=1e-4)


def test_a_taught_label_is_said_to_be_made_of_words_and_photographs(service):
    rex = learn_concept(service, "Rex", [CAT], [COFFEE])
    found = explain(service, CAT, ["@Rex", "dog"], "single", concepts=[rex])
    one, other = found.results
    assert (one.name, other.taught) == ("Rex", None)
    taught = one.taught
    assert (taught.examples, taught.counter_examples, taught.without_mean) == (1, 1, True)
    (words,) = service.encode_texts(["a photo of a Rex."])
    assert taught.words == pytest.approx(float(words @ found.vector), abs=1e-6)
    assert taught.words < one.similarity
    shown = rex.direction - beside_words(service, 1, 2)
    assert taught.share == pytest.approx(0.35)
    np.testing.assert_allclose(one.vector, mixture(words, shown, taught.share), atol=1e-6)
    alone = explain(service, CAT, ["@Rex"], "single", concepts=[rex]).results[0]
    assert not alone.taught.without_mean
    wanted = mixture(words, rex.direction, alone.taught.share)
    np.testing.assert_allclose(alone.vector, wanted, atol=1e-6)


def mixture(words: np.ndarray, shown: np.ndarray, share: float) -> np.ndarray:
    both = (1 - share) * words + share * shown / np.linalg.norm(shown)
    return both / np.linalg.norm(both)


def test_the_api_tells_every_number(app, service):
    client = Client(app.url, verbose=False)
    photo = handle_file(CAT)
    answer = client.predict(photo, ", ".join(LABELS), top_k=2, api_name="/explain")
    found = explain(service, load_image(CAT), LABELS)
    assert answer["scoring"] == "softmax"
    assert answer["templates"] == ["a photo of a {}."]
    assert (answer["pixels"]["width"], answer["pixels"]["height"]) == (224, 224)
    assert len(answer["results"]) == 2
    assert len(answer["similarities"]) == len(LABELS)
    np.testing.assert_allclose(answer["vector"], found.vector, atol=1e-6)
    for told, one in zip(answer["results"], found.results, strict=False):
        assert told["label"] == one.name
        assert told["score"] == pytest.approx(one.score, rel=1e-5)
        assert np.dot(told["vector"], answer["vector"]) == pytest.approx(
            told["similarity"], abs=1e-5
        )
    assert answer["none"]["chance"] == pytest.approx(found.chance, rel=1e-4)
    two = client.predict(photo, "dog, cat", other_templates=True, api_name="/explain")
    for one in two["other_templates"]:
        alone = classify(service, CAT, ["dog", "cat"], one["template"])
        wanted = classification_answer("", service, alone)["results"]
        assert one["prompts"] == len(TEMPLATE_SETS[one["template"]])
        assert [w["label"] for w in wanted] == [r["label"] for r in one["results"]]
        np.testing.assert_allclose(
            [w["score"] for w in wanted], [r["score"] for r in one["results"]], atol=1e-5
        )
    lines = "a cat\na bowl, of soup"
    matched = client.predict(photo, descriptions=lines, api_name="/explain")
    assert [
        (one["label"], pytest.approx(one["score"], rel=1e-4)) for one in matched["results"]
    ] == [(one.text, one.score) for one in judge(service, CAT, lines).results]
    assert matched["calibrated"] is None
    for wrong, sentence in (
        ({"top_k": 0}, text("explain_shown", "en", limit=100)),
        ({"top_k": 1.5}, text("explain_shown", "en", limit=100)),
        ({"labels": ""}, text("labels_missing", "en")),
    ):
        with pytest.raises(Exception, match=sentence[:40]):
            client.predict(photo, **{"labels": "cat", **wrong}, api_name="/explain")
    many = ",".join(map(str, range(MOST_COMPARED + 1)))
    with pytest.raises(Exception, match="at most"):
        client.predict(photo, many, other_templates=True, api_name="/explain")
    with pytest.raises(InputError):
        explain(service, CAT, LABELS, shown=101)


@pytest.mark.browser
def test_the_strip_has_the_numbers_of_card_and_api(app, service, open_at):
    # A link that brings photograph and words leaves the answer undimmed.
    page = open_at(
        f"{app.url}?photo=coffee&labels=tea,coffee,juice", "en-US", {"width": 1280, "height": 900}
    )
    page.locator("#classify-verdict .result:not(.stale) .row", has_text="coffee").wait_for()
    strip, fresh = page.locator("#classify-explain"), "#classify-explain .strip:not(.stale)"
    assert strip.locator(".strip").count() == 0, "nothing is computed before it is opened"
    strip.locator("> button").click()
    page.locator(fresh).wait_for()

    def texts(selector: str) -> list[str]:
        return page.locator(selector).all_inner_texts()

    def agrees(labels: list[str], photo, templates="auto") -> None:
        found = explain(service, load_image(photo), labels, templates)
        shown = [percent(one.score) for one in found.results]
        assert texts("#classify-explain .rows .score") == shown
        assert texts("#classify-verdict .row .score")[: len(shown)] == shown
        cosines = [f"{one.similarity:.3f}".replace("-", "−") for one in found.results]
        assert texts("#classify-explain .rows .cosine") == cosines
        assert texts("#classify-explain .choice") == [one.name for one in found.results]
        told = texts("#classify-explain .rows .logit")
        for one, line in zip(found.results, told, strict=True):
            assert line.endswith(f"= {one.logit:.2f}".replace("-", "−"))
        assert percent(found.chance) in texts("#classify-explain .notes p")[-1]

    agrees(["tea", "coffee", "juice"], COFFEE)

    # Typed above: dimmed, then explained anew; what is typed is text.
    entry = page.locator("#classify-labels .entry")
    with dimmed(page, "#classify-explain .strip"):
        entry.fill("<b>cup</b>")
        entry.press("Enter")
    page.locator(f"{fresh} .choice", has_text="<b>cup</b>").wait_for()
    labels = ["tea", "coffee", "juice", "<b>cup</b>"]
    agrees(labels, COFFEE)

    # The slider's softmax is numpy's, the card stays; the button goes back to the model's own.
    found = explain(service, load_image(COFFEE), labels)
    slider = strip.locator(".slide input")
    for exponent in (0.5, 1.7):
        slider.evaluate(
            "(one, to) => { one.value = to; one.dispatchEvent(new Event('input')); }", exponent
        )
        wanted = softmax(10**exponent * found.similarities.astype(np.float64))
        assert texts("#classify-explain .rows .score") == [percent(one) for one in wanted]
        assert texts("#classify-verdict .row .score")[0] == percent(found.results[0].score)
        assert percent(wanted[0]) in strip.locator(".formula").inner_text()
    strip.locator(".calibrated").click()
    assert texts("#classify-explain .rows .score")[0] == percent(found.calibrated[1])
    strip.locator(".own").click()
    agrees(labels, COFFEE)

    # Another label by the keyboard; one of its numbers, and the sum up to the last.
    second = found.results[1]
    strip.locator(".choice").nth(1).focus()
    page.keyboard.press("Enter")
    assert f"“{second.name}”" in strip.locator(".sum").inner_text()
    assert f"{second.similarity:.3f}" in strip.locator(".sum").inner_text()
    strip.locator(".which").focus()
    page.keyboard.press("Home")
    product = float(found.vector[0] * second.vector[0])
    said = strip.locator(".number").inner_text()
    assert said.startswith("No. 1: ")
    assert f"= {product:.4f};".replace("-", "−") in said
    page.keyboard.press("End")
    assert said != strip.locator(".number").inner_text()
    assert strip.locator(".number").inner_text().endswith(f"is {second.similarity:.3f}")
    for sign in (1, -1):
        paths = strip.locator(f".of-word .{'above' if sign > 0 else 'below'}")
        drawn = paths.evaluate_all("(all) => all.map((one) => one.getAttribute('d')).join('')")
        assert drawn.count("M") == (sign * second.vector > 0).sum()

    # Bars chosen one after the other: the photograph shows the last.
    page.evaluate(
        "for (const row of document.querySelectorAll('#classify-verdict .row')) row.click()"
    )
    last = page.locator("#classify-verdict .row .name").last.inner_text()
    page.wait_for_function(
        "document.querySelector('#classify-image .looking').hidden"
        " && !document.querySelector('#classify-image .looked').hidden",
    )
    assert f"“{last}”" in page.locator("#classify-image .where").inner_text()

    # Other sentences, on demand.
    strip.locator(".try").click()
    strip.locator(".sets li").nth(4).wait_for()
    for row, key in zip(strip.locator(".sets li").all(), TEMPLATE_SETS, strict=True):
        if key == "clip80":
            continue  # a second of computing here
        alone = classify(service, load_image(COFFEE), labels, key)
        mine = next(one for one in alone.results if one.label == second.name)
        assert row.locator(".score").inner_text() == percent(mine.score)
        assert alone.results[0].label in row.locator(".first").inner_text()
        assert ("used" in (row.get_attribute("class") or "")) == (key == "single")

    # What is too much for it cannot be asked, and says why.
    many = ", ".join(f"a{number}" for number in range(101))
    page.evaluate("many => clipApp.go({ tab: 'classify', labels: many })", many)
    strip.locator(".trying", has_text="100 words at most; there are 101").wait_for()
    assert strip.locator(".try").is_disabled()

    page.get_by_label("中文").check()
    page.locator(f"{fresh} h3", has_text="从余弦到百分比").wait_for()
    page.locator(fresh).wait_for()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.locator(".masthead .tabs button", has_text="匹配").click()
    page.locator("#match-best .row").first.wait_for()
    page.locator("#match-explain > button").click()
    page.locator("#match-explain .strip:not(.stale)").wait_for()
    assert texts("#match-explain .rows .score") == texts("#match-best .row .score")
    assert page.locator("#match-explain .of-others").is_hidden()
