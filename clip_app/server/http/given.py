"""What a request brings: photographs and values, in whichever form it was sent."""

import asyncio
import base64
import binascii
import codecs
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.requests import Request

from clip_app.errors import ClipAppError, InputError
from clip_app.images import shown_name
from clip_app.server.http.errors import RequestError
from clip_app.server.http.threads import in_thread

#: The most photographs of one request.
MOST_IMAGES = 256

# From this many bytes on, JSON and Base64 are read on a thread: some 3 ms, in which others wait.
_LARGE = 1_000_000

# Values of a form, among them long lists of labels a part each.
_MOST_FIELDS = 20_000

_DATA_URL = re.compile(r"data:[^,]{0,200},", re.IGNORECASE)
_ADDRESSES = ("http://", "https://")
_PHOTOGRAPHS = {"image", "images"}
_BYTES = ("image/", "application/octet-stream")
_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")

# What pydantic calls two of the mistakes; the others are values of another kind.
_KEY_OF_MISTAKE = {"missing": "http_value_missing", "extra_forbidden": "http_value_unknown"}

# How bodies begin, of the types that stand where nobody said one: no type, and that of curl.
_OF_TYPE = {
    "": re.compile(rb"\s*([{[]|$)"),
    "application/x-www-form-urlencoded": re.compile(rb"[\w.%+-]*(=|&|$)"),
}

#: Fetches a picture by its address; None where that is not allowed.
Fetch = Callable[[str], Awaitable[bytes]]


@dataclass(frozen=True)
class Photograph:
    """The bytes of a picture's file, and its name as it is shown."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Broken:
    """One of several photographs of which there are no bytes, and why not."""

    name: str
    error: ClipAppError


class Asked(BaseModel):
    """What a request asks for; each route has a class of its own."""

    model_config = ConfigDict(extra="forbid")

    image: str | None = Field(
        None, description="A photograph: a data URL, or its address where the server allows that."
    )
    images: list[str] | None = Field(
        None,
        description="Several of them; the answer then is a list.",
        max_length=MOST_IMAGES,
    )


@dataclass(frozen=True)
class Given:
    """The photographs of a request, in their order.

    Attributes:
        photographs: none, one or several.
        several: whether they came as `images`, and are answered by a list.
    """

    photographs: list[Photograph | Broken]
    several: bool


_Asked = TypeVar("_Asked", bound=BaseModel)


async def read_request(
    request: Request, kind: type[_Asked], fetch: Fetch | None, most: int = MOST_IMAGES
) -> tuple[_Asked, Given]:
    """What a request asks for, and its photographs.

    JSON, forms with or without files, and the bytes of one photograph with all else in the address;
    values may stand in the address beside the others, too.

    Args:
        request: not read yet.
        kind: what the values must be such as; `image` and `images` are left out of it.
        fetch: see `Fetch`.
        most: how many photographs are taken.

    Raises:
        RequestError, InputError: if it cannot be read, has more photographs or `image` beside
            `images`, or a value is missing, of another kind, or given twice and differently.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type.startswith(_BYTES):
        data = await request.body()
        found: list[Photograph | Broken] = [Photograph(shown_name(), data)] if data else []
        return checked(kind, _query(request)), Given(found, several=False)
    if (start := _OF_TYPE.get(content_type)) and not start.match(await request.body()):
        raise RequestError(415, "http_content_type_needed")
    if content_type in _FORMS:
        values, files = await _form(request, kind)
    elif content_type in ("application/json", ""):
        values, files = await json_body(request), {}
    else:
        raise RequestError(415, "http_content_type", given=content_type[:80])
    for name, value in _query(request).items():
        if str(values.setdefault(name, value)) != str(value):
            raise InputError("http_value_twice", value=shown_name(name))
    one, more = values.pop("image", None), values.pop("images", None)
    several = more is not None or "images" in files
    single = (one is not None) + ("image" in files)
    if single > 1 or (single and several):
        raise InputError("http_image_images")
    named = [one] if one is not None else _listed(more)
    sent: list[Photograph | Broken] = [photo for photos in files.values() for photo in photos]
    if (number := len(named) + len(sent)) > most:
        raise InputError("images_too_many", number=number, limit=most)
    asked = checked(kind, values)
    if several and most > 1:
        sent += await photographs(named, fetch, before=len(sent))
    else:
        sent += [await photograph(each, fetch) for each in named]
    return asked, Given(sent, several)


def checked(kind: type[_Asked], values: Mapping[str, Any]) -> _Asked:
    """`values` as `kind` has them.

    Raises:
        InputError: naming the first that is missing, unknown or of another kind.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        key = _KEY_OF_MISTAKE.get(first["type"], "http_value")
        raise InputError(key, value=shown_name(name)) from error


async def photograph(given: Any, fetch: Fetch | None) -> Photograph:
    """A photograph from its data URL or its address.

    Raises:
        InputError, RequestError: if it is neither, or may not or cannot be fetched.
    """
    if not isinstance(given, str):
        raise InputError("http_value", value="image")
    if found := _DATA_URL.match(given):
        encoded = given[found.end() :]
        if len(encoded) > _LARGE:
            return Photograph(shown_name(), await in_thread(from_base64, encoded))
        return Photograph(shown_name(), from_base64(encoded))
    if not given.lower().startswith(_ADDRESSES):
        raise InputError("http_image_form")
    if fetch is None:
        raise RequestError(403, "http_no_addresses")
    return Photograph(shown_name(given.partition("?")[0]), await fetch(given))


async def photographs(
    given: list[Any],
    fetch: Fetch | None,
    read: Callable[[Any, Fetch | None], Awaitable[Photograph]] = photograph,
    before: int = 0,
) -> list[Photograph | Broken]:
    """Several photographs at once, called by their addresses or their places after `before`.

    Args:
        given: what is told of each.
        fetch: see `Fetch`.
        read: makes a photograph of one.
        before: how many came otherwise.
    """

    async def one(place: int, each: Any) -> Photograph | Broken:
        name = f"{shown_name()} {place}"
        if isinstance(each, str) and each.lower().startswith(_ADDRESSES):
            name = shown_name(each.partition("?")[0])
        try:
            return Photograph(name, (await read(each, fetch)).data)
        except ClipAppError as error:
            return Broken(name, error)

    async with asyncio.TaskGroup() as group:
        found = [group.create_task(one(*each)) for each in enumerate(given, before + 1)]
    return [task.result() for task in found]


def from_base64(encoded: str) -> bytes:
    """The bytes of Base64, of either alphabet, with or without padding and line breaks.

    Raises:
        InputError: if it is none.
    """
    # As in addresses: there + and / are written otherwise, and line breaks and padding left out.
    plain = "".join(encoded.split()).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError("http_image_base64") from error


async def json_body(request: Request) -> dict[str, Any]:
    """The object that a request's body is, in JSON; an empty one if there is none.

    Raises:
        RequestError: if it is none.
    """
    body = (await request.body()).removeprefix(codecs.BOM_UTF8)
    if not body:  # all that is asked may stand in the address
        return {}
    try:
        values = await in_thread(orjson.loads, body) if len(body) > _LARGE else orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, "http_malformed") from error
    if not isinstance(values, dict):
        raise RequestError(422, "http_malformed")
    return values


async def _form(
    request: Request, kind: type[BaseModel]
) -> tuple[dict[str, Any], dict[str, list[Photograph]]]:
    """Values of a form, those that come oftener than once as lists, and its files."""
    values: dict[str, Any] = {}
    files: dict[str, list[Photograph]] = {}
    async with request.form(
        max_files=MOST_IMAGES, max_fields=_MOST_FIELDS, max_part_size=1 << 30
    ) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                if name not in _PHOTOGRAPHS:
                    known = name in kind.model_fields
                    key = "http_value_file" if known else "http_value_unknown"
                    raise InputError(key, value=shown_name(name))
                photo = Photograph(shown_name(name=value.filename), await value.read())
                files.setdefault(name, []).append(photo)
            elif name in values:
                before = values[name]
                values[name] = [*(before if isinstance(before, list) else [before]), value]
            else:
                values[name] = value
    # Several files by the name of one are several.
    if len(files.get("image", ())) > 1:
        files["images"] = [*files.pop("image"), *files.get("images", ())]
    return values, files


def _query(request: Request) -> dict[str, Any]:
    """The values in the address, which takes no photographs."""
    asked = request.query_params
    for name in _PHOTOGRAPHS & asked.keys():
        raise InputError("http_value_unknown", value=name)
    lists = {name: asked.getlist(name) for name in asked}
    return {name: many if len(many) > 1 else many[0] for name, many in lists.items()}


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
