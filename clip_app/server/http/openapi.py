"""What the OpenAPI says of a route whose body comes in several forms."""

from typing import Any

from pydantic import BaseModel

from clip_app.server.http.given import Asked

_ERROR: dict[str, Any] = {
    "description": "What is wrong, as one sentence in the language of Accept-Language.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"detail": {"type": "string"}},
                "required": ["detail"],
            }
        }
    },
}

#: The statuses of refusals, for routes with and without a body.
_ALWAYS = (401, 429, 503)
_WITH_BODY = (400, 403, 408, 409, 413, 415, 422)


def an_object(*names: str) -> dict[str, Any]:
    """The schema of an object that has these names."""
    properties: dict[str, Any] = {name: {} for name in names}
    return {"type": "object", "properties": properties, "required": list(names)}


def one_or_each(*names: str) -> dict[str, Any]:
    """The schema of an answer for one photograph, or of a list for several."""
    broken = an_object("image", "error")
    each = {"type": "array", "items": {"anyOf": [an_object(*names), broken]}}
    return {"anyOf": [an_object(*names), each]}


def answers(
    schema: dict[str, Any] | None = None, body: bool = False, named: bool = False
) -> dict[str, Any]:
    """How a route answers, for `router.get` and `router.post`.

    Args:
        schema: of its answer in JSON.
        body: whether it takes one.
        named: whether its address names something that may not be there.
    """
    told = {"description": "The answer.", "content": {"application/json": {"schema": schema or {}}}}
    errors = {
        status: _ERROR for status in (*_ALWAYS, *(_WITH_BODY if body else ()), *[404] * named)
    }
    return {"response_model": None, "responses": {200: told, **errors}}


def takes(
    kind: type[BaseModel], answer: dict[str, Any] | None = None, several: bool = True
) -> dict[str, Any]:
    """What a route takes and how it answers, for `router.post`.

    Args:
        kind: the values that it takes. Of an `Asked`, photographs may come as files too, and one as
            the body itself, with the other values in the address.
        answer: the schema of its answer in JSON.
        several: whether it takes several photographs.
    """
    schema = kind.model_json_schema()
    if not several:
        schema["properties"].pop("images")
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    extra: dict[str, Any] = {"requestBody": {"required": True, "content": content}}
    if issubclass(kind, Asked):
        values = {
            name: one
            for name, one in schema["properties"].items()
            if name not in ("image", "images")
        }
        file = {"type": "string", "contentMediaType": "application/octet-stream"}
        files = {"image": file, **({"images": {"type": "array", "items": file}} if several else {})}
        form = {**schema, "properties": {**values, **files}}
        content["multipart/form-data"] = {"schema": form}
        content["image/*"] = {"schema": {"type": "string", "format": "binary"}}
        extra["parameters"] = [
            {"name": name, "in": "query", "required": False, "schema": one}
            for name, one in values.items()
        ]
    return {**answers(answer, body=True), "openapi_extra": extra}
