"""The forms of OpenAI and of the Hub, by the clients that people have."""

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import openai
import pytest
import uvicorn
from fastapi import FastAPI
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from starlette.middleware import Middleware

from clip_app.images import load_image
from clip_app.server.http import addresses
from clip_app.server.http.access import PREFIX, BelowProxy, Keys
from clip_app.server.http.app import rate_of
from clip_app.server.http.guesses import Guesses
from clip_app.settings import Settings
from clip_app.strings import text as sentence
from clip_app.tasks.classify import classify
from clip_app.ui.gate import Gate, LogIn
from tests.conftest import EXAMPLES, wait_for
from tests.test_http import made, pictures  # noqa: F401

CAT, COFFEE = EXAMPLES / "cat.jpg", EXAMPLES / "coffee.jpg"
TEXTS = ["a cat", "一杯咖啡"]


def _url(path) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()


def _openai(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)


def test_openai_embeds_texts_and_pictures_in_the_order_given(app, service):
    texts = service.encode_texts(TEXTS)
    images = service.encode_images([load_image(CAT), load_image(COFFEE)])
    with _openai(app.url) as client:
        model = client.models.list().data[0].id
        assert model == service.info.public_name
        # The client asks for Base64 by itself where nothing is said.
        for form in ({}, {"encoding_format": "float"}):
            answer = client.embeddings.create(model=model, input=TEXTS, **form)
            np.testing.assert_allclose([one.embedding for one in answer.data], texts, atol=1e-5)
        assert (answer.model, answer.usage.total_tokens > 4) == (model, True)
        one = client.embeddings.create(model="any", input="a cat").data[0].embedding
        np.testing.assert_allclose(one, texts[0], atol=1e-5)

        mixed = [{"image": _url(CAT)}, {"text": TEXTS[1]}, {"image": _url(COFFEE)}, TEXTS[0]]
        answer = client.embeddings.create(model=model, input=mixed)  # Jina's
        expected = np.stack([images[0], texts[1], images[1], texts[0]])
        np.testing.assert_allclose([one.embedding for one in answer.data], expected, atol=1e-3)
        assert [one.index for one in answer.data] == [0, 1, 2, 3]

        sent = [_url(CAT), _url(COFFEE)]  # Infinity's
        answer = client.embeddings.create(
            model=model, input=sent, extra_body={"modality": "image"}, dimensions=len(images[0])
        )
        np.testing.assert_allclose([one.embedding for one in answer.data], images, atol=1e-3)
        assert answer.usage.total_tokens == 0
        # With nothing said, as with a modality: it would be the features of a text of Base64.
        answer = client.embeddings.create(model=model, input=[_url(CAT), TEXTS[1]])
        expected = [images[0], texts[1]]
        np.testing.assert_allclose([one.embedding for one in answer.data], expected, atol=1e-3)
        survey = "data: a survey, 1990"
        answer = client.embeddings.create(model=model, input=survey).data[0].embedding
        np.testing.assert_allclose(answer, service.encode_texts([survey])[0], atol=1e-5)

        assert client.models.retrieve(model).id == model
        with pytest.raises(openai.NotFoundError) as refused:
            client.models.retrieve("gpt/4")
        assert refused.value.body["message"].startswith("There is no model “gpt/4” here")
        with pytest.raises(openai.NotFoundError) as refused:
            client.completions.create(model=model, prompt="a")
        assert refused.value.body["message"].startswith("There is nothing at this address")
        with pytest.raises(openai.BadRequestError) as refused:
            client.post("/embeddings", content=b"{", cast_to=object)
        assert refused.value.body["message"].startswith("This request cannot be understood")

        long = {"truncate": False}
        for option in ({"normalize": False}, {"late_chunking": True}, {"prompt_name": "x"}):
            with pytest.raises(openai.UnprocessableEntityError) as refused:
                client.embeddings.create(model=model, input="a", extra_body=option)
            assert f"“{next(iter(option))}”" in refused.value.body["message"]
        client.embeddings.create(model=model, input="a", extra_body=long)
        with pytest.raises(openai.UnprocessableEntityError) as refused:
            client.embeddings.create(model=model, input="a cat " * 200, extra_body=long)
        assert "longer than this model reads" in refused.value.body["message"]

        with pytest.raises(openai.UnprocessableEntityError) as refused:
            client.embeddings.create(model=model, input="a", dimensions=7)
        assert "not 7" in refused.value.body["message"]
        assert refused.value.body["type"] == "invalid_request_error"
        for wrong in ([], [{"sound": "x"}], [{"image": "data:,%%"}], [{"image": _url(CAT)[:300]}]):
            with pytest.raises(openai.APIStatusError) as refused:
                client.embeddings.create(model=model, input=wrong)
            assert 400 <= refused.value.status_code < 500
            assert refused.value.body["message"].endswith((".", "。"))


def test_the_hubs_client_classifies_and_extracts_features(app, service):
    labels = ["cat", "dog", "汽车"]
    task = InferenceClient(model=f"{app.url}/v1/zero-shot-image-classification")
    for template in (None, "a drawing of {}"):
        found = task.zero_shot_image_classification(
            CAT, candidate_labels=labels, hypothesis_template=template
        )
        wanted = classify(service, [load_image(CAT)], labels, template or "auto")[0].results
        assert [one.label for one in found] == [one.label for one in wanted]
        np.testing.assert_allclose(
            [one.score for one in found], [one.score for one in wanted], atol=1e-4
        )
    features = InferenceClient(model=f"{app.url}/v1/feature-extraction")
    expected = service.encode_texts(TEXTS)
    np.testing.assert_allclose(features.feature_extraction(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(features.feature_extraction(TEXTS[0]), expected[:1], atol=1e-5)
    same = features.feature_extraction(
        TEXTS, normalize=True, truncate=False, truncation_direction="Right"
    )
    np.testing.assert_allclose(same, expected, atol=1e-5)
    address = f"{app.url}/v1/feature-extraction"
    for text, option, value in (
        ("a", "normalize", False),
        ("a", "prompt_name", "query"),
        ("a", "truncation_direction", "Left"),
        ("a cat " * 200, "truncate", False),
    ):
        for sent in ({option: value}, {"parameters": {option: value}}):
            answer = httpx.post(address, json={"inputs": text, **sent})
            assert answer.status_code == 422, sent
            assert f"“{option}”" in answer.json()["detail"]
    assert "“inputs”" in httpx.post(address, json={"inputs": []}).json()["error"]
    image = features.feature_extraction(_url(CAT))
    np.testing.assert_allclose(image, service.encode_images([load_image(CAT)]), atol=1e-3)
    answer = httpx.post(
        f"{app.url}/v1/zero-shot-image-classification",
        json={
            "inputs": base64.b64encode(CAT.read_bytes()).decode(),
            "parameters": {"candidate_labels": labels, "hypothesis_template": "no place"},
        },
    )
    assert answer.status_code == 422
    assert "no place" in answer.json()["detail"]
    answer = httpx.post(
        f"{app.url}/v1/zero-shot-image-classification",
        json={"inputs": _url(CAT), "parameters": {"candidate_labels": "cat, dog"}},
    )
    assert "“candidate_labels” is of the wrong kind" in answer.json()["error"]


@contextmanager
def _served(app: Any) -> Iterator[str]:
    """An app below `/v1` by a server of its own; gives the address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("password", [False, True])
def test_who_has_no_key_or_asks_too_often_is_told_so_by_these_clients(made, password):  # noqa: F811
    guarded = {"rate_limit": "2/minute", "api_keys": "one"}
    keys, rate = Keys(["one"]), rate_of(Settings(**guarded))
    gates = [Middleware(Guesses, keys=keys, rate=rate, below=PREFIX)]
    gates.append(Middleware(Gate, log_in=LogIn(("ann", "secret")), keys=keys))
    inner = made(**guarded, **({"auth": "ann:secret"} if password else {})).app
    outer = FastAPI(routes=[BelowProxy(PREFIX, inner)], middleware=gates if password else [])
    outer.cookie_id, outer.tokens = "x", {}
    needed = sentence("login_needed" if password else "http_key_needed", "en")
    with _served(outer) as url:

        def openais(key: str) -> Any:
            client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
            with client:
                for _ in range(3):
                    try:
                        client.embeddings.create(model="clip", input="a cat")
                    except openai.APIStatusError as error:
                        return error

        def hubs(key: str, task: str, *given: Any, **options: Any) -> str:
            address = f"{url}/v1/{task}"
            client = InferenceClient(model=address, headers={"authorization": f"Bearer {key}"})
            with pytest.raises(HfHubHTTPError) as refused:
                getattr(client, task.replace("-", "_"))(*given, **options)
            return str(refused.value)

        wrong = openais("two")
        assert isinstance(wrong, openai.AuthenticationError)
        told = {"type": "invalid_request_error", "code": "invalid_api_key", "param": None}
        assert wrong.body == {"message": needed} | told
        assert needed in hubs("two", "feature-extraction", "a cat")
        often = openais("one")  # either by the wrong keys or by right ones
        assert isinstance(often, openai.RateLimitError)
        assert often.body["message"].startswith("Too many requests; please come again in")
        assert often.body["code"] == "rate_limit_exceeded"
        assert int(often.response.headers["retry-after"]) >= 1
        labels = {"candidate_labels": ["cat", "dog"]}
        said = hubs("one", "zero-shot-image-classification", CAT, **labels)
        assert "Too many requests; please come again in" in said


def test_pictures_of_embeddings_are_fetched_at_once(made, pictures, monkeypatch):  # noqa: F811
    monkeypatch.setattr(addresses, "is_public", lambda _: True)
    fetching = made(fetch_images=True)
    asked = [{"image": f"{pictures.url}/slow{number}"} for number in range(8)]
    answer = fetching.post("/embeddings", json={"input": [*asked, "a cat"]})
    assert len(answer.json()["data"]) == 9
    assert 3 <= pictures.counts["most"] <= 8
    asked[3] = {"image": f"{pictures.url}/none"}
    refused = fetching.post("/embeddings", json={"input": asked})
    said = (refused.status_code, refused.json()["error"]["message"])
    assert said == (422, sentence("http_not_fetched", "en"))
