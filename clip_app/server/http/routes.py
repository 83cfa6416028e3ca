"""The routes of `/v1`: what `Endpoints` has, for whoever speaks HTTP."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import Field

from clip_app.errors import ClipAppError, ImageError, InputError
from clip_app.prompts import MAX_COLLECTION_LINES, MAX_LABELS, check_texts
from clip_app.server.endpoints import Each, Endpoints, Named
from clip_app.server.http.errors import caller_language
from clip_app.server.http.given import Asked, Broken, Fetch, Given, Photograph, read_request
from clip_app.server.http.openapi import an_object, answers, one_or_each, takes
from clip_app.server.http.threads import in_thread

Texts = str | list[str]

_SCORED = one_or_each("image", "model", "results", "verdict", "none_fits")
_FOUND = an_object("query", "model", "results", "judged", "nothing_fits")
_EMBEDDED = an_object("model", "embedding_size", "images", "texts")
_HEALTH = an_object("status", "version", "model", "device", "precision", "steps")


class ClassifyAsked(Asked):
    """What `/v1/classify` takes."""

    labels: Texts = Field(description="Class names: a list, or one text with commas between.")
    template: str = Field(
        "auto", description="auto, none, single, clip7, clip80, chinese, or prompts with {}."
    )
    top_k: float = Field(0, description="How many labels to return, best first; 0 for all.")
    concepts: Texts = Field("", description='What /teach answered as "concept"; several as a list.')


class MatchAsked(Asked):
    """What `/v1/match` takes."""

    descriptions: Texts = Field(description="A list, or one description a line.")


class SearchAsked(Asked):
    """What `/v1/search` takes."""

    text: str = Field("", description="What to look for: beach + sunset - people.")
    exclude: str = Field("", description="What to stay away from, separated by commas.")
    top_k: float = Field(20, description="How many photographs, 1 to 500.")
    literal: bool = Field(False, description="Take the text as it stands.")
    concepts: Texts = Field("", description='What /teach answered as "concept".')


class EmbedAsked(Asked):
    """What `/v1/embed` takes."""

    texts: Texts = Field([], description="Texts, as they are.")


def routes(endpoints: Endpoints, fetch: Fetch | None) -> APIRouter:
    """The routes that `Endpoints` answers.

    Args:
        endpoints: the functions.
        fetch: see `Fetch`.
    """
    router = APIRouter()

    @router.post("/classify", **takes(ClassifyAsked, _SCORED))
    async def classify(request: Request) -> Response:
        """Zero-shot classification: which of the labels fits a photograph."""
        asked, given = await read_request(request, ClassifyAsked, fetch)
        if isinstance(asked.labels, list):
            check_texts(asked.labels, MAX_LABELS, "labels")
        found = await in_thread(
            endpoints.classify_each,
            named(given),
            asked.labels,
            asked.template,
            asked.top_k,
            joined(asked.concepts),
        )
        return answered(request, given, found)

    @router.post("/match", **takes(MatchAsked, _SCORED))
    async def match(request: Request) -> Response:
        """Rank descriptions by how well they say what a photograph shows."""
        asked, given = await read_request(request, MatchAsked, fetch)
        if isinstance(asked.descriptions, list):
            check_texts(asked.descriptions, MAX_COLLECTION_LINES, "descriptions")
        found = await in_thread(endpoints.match_each, named(given), asked.descriptions)
        return answered(request, given, found)

    @router.post("/search", **takes(SearchAsked, _FOUND, several=False))
    async def search(request: Request) -> Response:
        """Search the indexed galleries by words, by a picture, or both."""
        asked, given = await read_request(request, SearchAsked, fetch, most=1)
        like = given.photographs[0] if given.photographs else None
        picture = (like.name, like.data) if isinstance(like, Photograph) else None
        found = await in_thread(
            endpoints.search_like,
            asked.text,
            picture,
            asked.exclude,
            asked.top_k,
            asked.literal,
            joined(asked.concepts),
        )
        return as_json(found)

    @router.post("/embed", **takes(EmbedAsked, _EMBEDDED))
    async def embed(request: Request) -> Response:
        """Features of photographs and texts, unit rows to compare by dot product."""
        asked, given = await read_request(request, EmbedAsked, fetch)
        texts = [asked.texts] if isinstance(asked.texts, str) else asked.texts
        if texts:
            check_texts(texts, MAX_LABELS, "descriptions")
        if not texts and not given.photographs:
            raise InputError("http_nothing_to_embed")
        found = await in_thread(endpoints.embed, named(given, needed=False), texts)
        found["images"] = told(request, given, found["images"])
        return as_json(found)

    @router.head("/health", include_in_schema=False)
    @router.get("/health", **answers(_HEALTH))
    async def health() -> Response:
        """Whether the app is up, with which model on which device, and how long each step takes."""
        return as_json(endpoints.health())

    return router


def named(given: Given, needed: bool = True) -> list[Named]:
    """The photographs as `Endpoints` takes them, without those that already have an error.

    Raises:
        ImageError: if there is none and one is needed.
    """
    if needed and not given.photographs:
        raise ImageError("image_missing")
    return [(one.name, one.data) for one in given.photographs if isinstance(one, Photograph)]


def joined(texts: Texts) -> str:
    """A list as lines of one text."""
    return texts if isinstance(texts, str) else "\n".join(texts)


def answered(request: Request, given: Given, found: list[Each]) -> Response:
    """One answer for one photograph, a list for several."""
    each = told(request, given, found)
    return as_json(each if given.several else each[0])


def told(request: Request, given: Given, found: list[Each]) -> list[dict[str, Any]]:
    """Answers, with `{"image", "error"}` for each of several photographs that cannot be read.

    Args:
        request: in whose language errors are told.
        given: the photographs.
        found: the answers for those that `named` gave.

    Raises:
        ImageError: if the only one cannot be.
    """
    language = caller_language(request.scope)
    each: list[dict[str, Any]] = []
    answers = iter(found)
    for photo in given.photographs:
        one = photo.error if isinstance(photo, Broken) else next(answers)
        if isinstance(one, ClipAppError):
            if not given.several:
                raise one
            each.append({"image": photo.name, "error": one.public_message(language)})
        else:
            each.append(one)
    return each


def as_json(answer: Any) -> Response:
    """An answer as JSON; arrays of numbers are lists, and what is no number is null."""
    body = orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(body, media_type="application/json")
