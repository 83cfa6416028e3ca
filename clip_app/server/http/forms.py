"""The forms that clients send already: OpenAI's embeddings, and the Hub's two tasks."""

import base64
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from clip_app.errors import ClipAppError, ImageError, InputError
from clip_app.server.endpoints import Endpoints, Named
from clip_app.server.http.errors import caller_language, status_of
from clip_app.server.http.given import (
    MOST_IMAGES,
    Fetch,
    checked,
    from_base64,
    json_body,
    photograph,
)
from clip_app.server.http.openapi import an_object, answers, takes
from clip_app.server.http.routes import as_json
from clip_app.server.http.threads import in_thread

_EMBEDDINGS = an_object("object", "data", "model", "usage")
_MODELS = an_object("object", "data")
_SCORES = {"type": "array", "items": an_object("label", "score")}
_ROWS = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}

# What a client sends that knows only these forms, and that changes nothing here.
_OPEN = ConfigDict(extra="ignore")

# `hypothesis_template` marks the place of the label so, as transformers does.
_PLACE = "{}"


class EmbeddingsAsked(BaseModel):
    """What `/v1/embeddings` takes."""

    model_config = _OPEN

    input: str | dict[str, Any] | list[str | dict[str, Any]] = Field(
        description='Texts; pictures as {"image": data URL} beside {"text": text}, or as data URLs '
        'with "modality": "image".'
    )
    model: str = Field("", description="Any name: the model of the server answers.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    modality: Literal["text", "image"] = "text"


class TaskParameters(BaseModel):
    """What says how, in the form of the Hub."""

    model_config = _OPEN

    candidate_labels: list[str] = Field([], description="Class names.")
    hypothesis_template: str | None = Field(None, description="A prompt with {} for the label.")
    normalize: bool | None = None
    dimensions: int | None = None


class ZeroShotAsked(BaseModel):
    """What `/v1/zero-shot-image-classification` takes."""

    model_config = _OPEN

    inputs: str = Field(description="The photograph: Base64, a data URL, or its address.")
    parameters: TaskParameters


class FeaturesAsked(BaseModel):
    """What `/v1/feature-extraction` takes."""

    model_config = _OPEN

    inputs: str | list[str] = Field(description="Texts, or photographs as data URLs.")
    parameters: TaskParameters = TaskParameters()
    dimensions: int | None = None
    normalize: bool | None = None


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
        try:
            return as_json(await _embeddings(endpoints, await json_body(request), fetch))
        except ClipAppError as error:
            return _refusal(request, error)

    @router.head("/models", include_in_schema=False)
    @router.get("/models", **answers(_MODELS))
    async def models() -> Response:
        """The model in use, in the form of OpenAI."""
        name = endpoints.slot.service.info.public_name
        one = {"id": name, "object": "model", "created": 0, "owned_by": "clip_app"}
        return as_json({"object": "list", "data": [one]})

    @router.post("/zero-shot-image-classification", **takes(ZeroShotAsked, _SCORES))
    async def zero_shot(request: Request) -> Response:
        """Which of the labels fits a photograph, in the form of the Hub."""
        asked = checked(ZeroShotAsked, await json_body(request))
        labels, template = asked.parameters.candidate_labels, asked.parameters.hypothesis_template
        if template is not None and _PLACE not in template:
            raise InputError("template_without_place", template=template)
        (answer,) = await in_thread(
            endpoints.classify_each,
            [await _picture(asked.inputs, fetch)],
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
        asked = checked(FeaturesAsked, await json_body(request))
        _check_dimensions(endpoints, asked.dimensions or asked.parameters.dimensions)
        inputs = [asked.inputs] if isinstance(asked.inputs, str) else asked.inputs
        given: list[dict[str, Any]] = [
            {"image" if one.startswith("data:") else "text": one} for one in inputs
        ]
        return as_json(await _rows(endpoints, given, fetch))

    return router


async def _embeddings(
    endpoints: Endpoints, values: dict[str, Any], fetch: Fetch | None
) -> dict[str, Any]:
    asked = checked(EmbeddingsAsked, values)
    _check_dimensions(endpoints, asked.dimensions)
    listed = asked.input if isinstance(asked.input, list) else [asked.input]
    given: list[dict[str, Any]] = [
        one if isinstance(one, dict) else {asked.modality: one} for one in listed
    ]
    rows = await _rows(endpoints, given, fetch)
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
    endpoints: Endpoints, given: list[dict[str, Any]], fetch: Fetch | None
) -> list[Any]:
    """Float32 rows of length 1, in the order of `given`: `{"text": …}` or `{"image": …}` each.

    Raises:
        InputError, ImageError: if one is neither, or cannot be read.
    """
    if not given:
        raise InputError("http_value", value="input")
    for one in given:
        if len(one) != 1 or next(iter(one)) not in ("text", "image"):
            raise InputError("http_value", value="input")
    if (number := sum("image" in one for one in given)) > MOST_IMAGES:
        raise InputError("images_too_many", number=number, limit=MOST_IMAGES)
    texts = [one["text"] for one in given if "text" in one]
    if not all(isinstance(one, str) for one in texts):
        raise InputError("http_value", value="input")
    images = [await _picture(one["image"], fetch) for one in given if "image" in one]
    found = await in_thread(endpoints.embed, images, texts)
    for one in found["images"]:
        if isinstance(one, ImageError):
            raise one
    rows = {kind: iter(found[f"{kind}s"]) for kind in ("text", "image")}
    return [next(rows[next(iter(one))])["embedding"] for one in given]


async def _picture(given: Any, fetch: Fetch | None) -> Named:
    """A photograph from a data URL, an address or bare Base64."""
    if isinstance(given, str) and not given[:8].lower().startswith(
        ("data:", "http://", "https://")
    ):
        return "image", await in_thread(from_base64, given)
    photo = await photograph(given, fetch)
    return photo.name, photo.data


def _check_dimensions(endpoints: Endpoints, dimensions: int | None) -> None:
    size = endpoints.slot.service.info.embedding_size
    if dimensions not in (None, size):
        raise InputError("http_dimensions", given=dimensions, size=size)


def _refusal(request: Request, error: ClipAppError) -> JSONResponse:
    """An error as OpenAI's clients read it."""
    status = status_of(error)
    kind = "invalid_request_error" if status < 500 else "server_error"
    sentence = error.public_message(caller_language(request.scope))
    told = {"message": sentence, "type": kind, "param": None, "code": None}
    return JSONResponse({"error": told, "detail": sentence}, status)
