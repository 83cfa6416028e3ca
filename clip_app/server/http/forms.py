"""The forms that clients send already: OpenAI's embeddings, and the Hub's two tasks."""

import base64
import re
from typing import Any, Literal, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from clip_app.errors import ImageError, InputError
from clip_app.gallery.roots import printable
from clip_app.images import shown_name
from clip_app.server.endpoints import Endpoints, Named
from clip_app.server.http.errors import RequestError
from clip_app.server.http.given import (
    MOST_IMAGES,
    Broken,
    Fetch,
    Photograph,
    checked,
    from_base64,
    json_body,
    photograph,
    photographs,
)
from clip_app.server.http.openapi import an_object, answers, takes
from clip_app.server.http.routes import as_json
from clip_app.server.http.threads import in_thread

_EMBEDDINGS = an_object("object", "data", "model", "usage")
_MODEL = an_object("id", "object", "created", "owned_by")
_MODELS = an_object("object", "data")
_SCORES = {"type": "array", "items": an_object("label", "score")}
_ROWS = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}

_Asked = TypeVar("_Asked", bound=BaseModel)

# What a client sends that knows only these forms, and that changes nothing here.
_OPEN = ConfigDict(extra="ignore")

# A picture among texts. “data: a survey, 1990” is a text.
_PICTURE = re.compile(r"data:(?:image/[^\s,]*|[^\s,]*;base64),", re.IGNORECASE)

# `hypothesis_template` marks the place of the label so, as transformers does.
_PLACE = "{}"


class FeatureOptions(BaseModel):
    """What says how features are made; other values than ours are refused, not passed over."""

    model_config = _OPEN

    dimensions: int | None = Field(None, description="The model's own.")
    normalize: Literal[True] | None = Field(None, description="Features are of length 1.")
    truncate: bool | None = Field(None, description="Whether texts that are too long are cut.")
    truncation_direction: Literal["right", "Right"] | None = None
    prompt_name: None = None


class EmbeddingsAsked(FeatureOptions):
    """What `/v1/embeddings` takes."""

    input: str | dict[str, Any] | list[str | dict[str, Any]] = Field(
        description='Texts and pictures: data URLs are pictures, as is {"image": data URL} beside '
        '{"text": text}. With "modality", all of them are one or the other.'
    )
    model: str = Field("", description="Any name: the model of the server answers.")
    encoding_format: Literal["float", "base64"] = "float"
    modality: Literal["text", "image"] | None = None
    normalized: Literal[True] | None = Field(None, description="As “normalize”.")
    late_chunking: Literal[False] | None = None


class TaskParameters(BaseModel):
    """What says how, in the form of the Hub."""

    model_config = _OPEN

    candidate_labels: list[str] = Field([], description="Class names.")
    hypothesis_template: str | None = Field(None, description="A prompt with {} for the label.")


class ZeroShotAsked(BaseModel):
    """What `/v1/zero-shot-image-classification` takes."""

    model_config = _OPEN

    inputs: str = Field(description="The photograph: Base64, a data URL, or its address.")
    parameters: TaskParameters


class FeaturesAsked(FeatureOptions):
    """What `/v1/feature-extraction` takes."""

    inputs: str | list[str] = Field(description="Texts, or photographs as data URLs.")
    parameters: FeatureOptions = FeatureOptions()


def forms(endpoints: Endpoints, fetch: Fetch | None) -> APIRouter:
    """The routes of clients that know no others.

    Args:
        endpoints: the functions.
        fetch: see `Fetch`.
    """
    router = APIRouter()

    @router.post("/embeddings", **takes(EmbeddingsAsked, _EMBEDDINGS))
    async def embeddings(request: Request) -> Response:
        """Features of texts and pictures, in the form of OpenAI."""
        return as_json(await _embeddings(endpoints, await json_body(request), fetch))

    @router.head("/models", include_in_schema=False)
    @router.get("/models", **answers(_MODELS))
    async def models() -> Response:
        """The model in use, in the form of OpenAI."""
        return as_json({"object": "list", "data": [_model(endpoints)]})

    @router.get("/models/{name:path}", **answers(_MODEL, named=True))
    async def model(name: str) -> Response:
        """One model, in the form of OpenAI."""
        one = _model(endpoints)
        if name != one["id"]:
            raise RequestError(404, "http_model", name=printable(name)[:200])
        return as_json(one)

    @router.post("/zero-shot-image-classification", **takes(ZeroShotAsked, _SCORES))
    async def zero_shot(request: Request) -> Response:
        """Which of the labels fits a photograph, in the form of the Hub."""
        asked = _task(ZeroShotAsked, TaskParameters, await json_body(request))
        labels, template = asked.parameters.candidate_labels, asked.parameters.hypothesis_template
        if template is not None and _PLACE not in template:
            raise InputError("template_without_place", template=template)
        photo = await _picture(asked.inputs, fetch)
        (answer,) = await in_thread(
            endpoints.classify_each,
            [(photo.name, photo.data)],
            labels,
            template or "auto",
        )
        if isinstance(answer, ImageError):
            raise answer
        return as_json(
            [{"label": one["label"], "score": one["score"]} for one in answer["results"]]
        )

    @router.post("/feature-extraction", **takes(FeaturesAsked, _ROWS))
    async def features(request: Request) -> Response:
        """Features of texts or photographs, a row each, in the form of the Hub."""
        asked = _task(FeaturesAsked, FeatureOptions, await json_body(request))
        inputs = [asked.inputs] if isinstance(asked.inputs, str) else asked.inputs
        given = [{_kind(one): one} for one in inputs]
        for options in (asked, asked.parameters):
            await _check_options(endpoints, options, given)
        return as_json(await _rows(endpoints, given, fetch, "inputs"))

    return router


def _model(endpoints: Endpoints) -> dict[str, Any]:
    name = endpoints.slot.service.info.public_name
    return {"id": name, "object": "model", "created": 0, "owned_by": "clip_app"}


def _task(kind: type[_Asked], parameters: type[BaseModel], values: dict[str, Any]) -> _Asked:
    """`values` as a task of the Hub has them; errors name the parameter that is wrong."""
    if isinstance(values.get("parameters"), dict):
        checked(parameters, values["parameters"])
    return checked(kind, values)


def _kind(given: str) -> str:
    return "image" if _PICTURE.match(given) else "text"


async def _embeddings(
    endpoints: Endpoints, values: dict[str, Any], fetch: Fetch | None
) -> dict[str, Any]:
    asked = checked(EmbeddingsAsked, values)
    listed = asked.input if isinstance(asked.input, list) else [asked.input]
    given: list[dict[str, Any]] = [
        one if isinstance(one, dict) else {asked.modality or _kind(one): one} for one in listed
    ]
    await _check_options(endpoints, asked, given)
    rows = await _rows(endpoints, given, fetch, "input")
    if asked.encoding_format == "base64":
        rows = [base64.b64encode(one.astype("<f4").tobytes()).decode() for one in rows]
    service = endpoints.slot.service
    tokens = await in_thread(service.count_tokens, [one["text"] for one in given if "text" in one])
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": row}
            for index, row in enumerate(rows)
        ],
        "model": service.info.public_name,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


async def _rows(
    endpoints: Endpoints, given: list[dict[str, Any]], fetch: Fetch | None, value: str
) -> list[Any]:
    """Float32 rows of length 1, in the order of `given`: `{"text": …}` or `{"image": …}` each.

    Args:
        endpoints: the functions.
        given: what came as the value that is called `value`.
        fetch: see `Fetch`.
        value: to name it where it is wrong.

    Raises:
        InputError, ImageError: if one is neither, or cannot be read.
    """
    if not given:
        raise InputError("http_value", value=value)
    for one in given:
        if len(one) != 1 or next(iter(one)) not in ("text", "image"):
            raise InputError("http_value", value=value)
    if (number := sum("image" in one for one in given)) > MOST_IMAGES:
        raise InputError("images_too_many", number=number, limit=MOST_IMAGES)
    texts = [one["text"] for one in given if "text" in one]
    if not all(isinstance(one, str) for one in texts):
        raise InputError("http_value", value=value)
    images: list[Named] = []
    pictures = [one["image"] for one in given if "image" in one]
    for photo in await photographs(pictures, fetch, _picture):
        if isinstance(photo, Broken):
            raise photo.error
        images.append((photo.name, photo.data))
    found = await in_thread(endpoints.embed, images, texts)
    for one in found["images"]:
        if isinstance(one, ImageError):
            raise one
    rows = {kind: iter(found[f"{kind}s"]) for kind in ("text", "image")}
    return [next(rows[next(iter(one))])["embedding"] for one in given]


async def _picture(given: Any, fetch: Fetch | None) -> Photograph:
    """A photograph from a data URL, an address or bare Base64."""
    if isinstance(given, str) and not given[:8].lower().startswith(
        ("data:", "http://", "https://")
    ):
        return Photograph(shown_name(), await in_thread(from_base64, given))
    return await photograph(given, fetch)


async def _check_options(
    endpoints: Endpoints, options: FeatureOptions, given: list[dict[str, Any]]
) -> None:
    """Raise InputError where features are asked for as the model does not make them."""
    service = endpoints.slot.service
    size = service.info.embedding_size
    if options.dimensions not in (None, size):
        raise InputError("http_dimensions", given=options.dimensions, size=size)
    if options.truncate is False:
        texts = [one["text"] for one in given if isinstance(one.get("text"), str)]
        if await in_thread(service.cut_texts, texts):
            raise InputError("http_text_long")
