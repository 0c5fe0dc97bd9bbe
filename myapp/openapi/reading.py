"""The document as people read it: its operations by tag, tables of parameters and fields, an example of each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from ..shapes import MAX_SEQ
from .examples import curl, example


class Piece(NamedTuple):
    """A part of how a type is written; with `schema` it is the name of one, to be looked up on the same page."""

    text: str
    schema: bool = False


class Field(NamedTuple):
    """A row of a table: a parameter, or a field of a body or an answer."""

    name: str
    place: str
    kind: list[Piece]
    required: bool
    default: str
    text: str


class Response(NamedTuple):
    """An answer: its status, when it comes, what it carries, and an example of it."""

    status: str
    text: str
    kinds: list[tuple[str, list[Piece]]]
    headers: dict[str, str]
    example: str


class Endpoint(NamedTuple):
    """One operation, with `who` may ask: alternatives, each of what it needs together."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    who: list[list[str]]
    parameters: list[Field]
    body: list[Piece]
    fields: list[Field]
    responses: list[Response]
    errors: list[Response]
    curl: str


class Group(NamedTuple):
    """The operations of a tag."""

    name: str
    text: str
    endpoints: list[Endpoint]


class Described(NamedTuple):
    """A schema with a name: its fields, or what it is one of."""

    name: str
    text: str
    fields: list[Field]
    kind: list[Piece]


class Contents(NamedTuple):
    """All of it."""

    title: str
    version: str
    text: str
    groups: list[Group]
    schemas: list[Described]


def read(document: Mapping[str, Any]) -> Contents:
    """What the page shows of a document."""
    components = document["components"]
    groups = {tag["name"]: Group(tag["name"], tag["description"], []) for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for tag in operation["tags"]:
                groups[tag].endpoints.append(_endpoint(path, method.upper(), operation, components))
    schemas = [_described(name, schema) for name, schema in components["schemas"].items()]
    info = document["info"]
    return Contents(info["title"], info["version"], info["description"], list(groups.values()), schemas)


def _endpoint(path: str, method: str, operation: Mapping[str, Any], components: Mapping[str, Any]) -> Endpoint:
    schemas = components["schemas"]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    answers = [
        _response(status, _found(given, components), schemas) for status, given in operation["responses"].items()
    ]
    return Endpoint(
        operation["operationId"],
        method,
        path,
        operation["summary"],
        operation.get("description", ""),
        [list(alternative) for alternative in operation["security"]],
        [_parameter(parameter) for parameter in operation.get("parameters", ())],
        written(body) if body else [],
        list(_fields(_resolved(body, schemas))) if body else [],
        [answer for answer in answers if answer.status < "400"],
        [answer for answer in answers if answer.status >= "400"],
        curl(path, method, operation, schemas),
    )


def _found(given: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """A response, looked up where it is a reference."""
    if "$ref" in given:
        shared: Mapping[str, Any] = components["responses"][given["$ref"].rpartition("/")[2]]
        return shared
    return given


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    return schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _response(status: str, given: Mapping[str, Any], schemas: Mapping[str, Any]) -> Response:
    content = given.get("content", {})
    headers = {name: header["description"] for name, header in given.get("headers", {}).items()}
    kinds = [(kind, written(held["schema"]) if kind.endswith("json") else []) for kind, held in content.items()]
    shape = content.get("application/json", {}).get("schema")
    text = json.dumps(example(shape, schemas), indent=2, ensure_ascii=False) if shape else ""
    return Response(status, given["description"], kinds, headers, text)


def _parameter(given: Mapping[str, Any]) -> Field:
    schema = given["schema"]
    default = json.dumps(schema["default"]) if "default" in schema else ""
    return Field(given["name"], given["in"], written(schema), given["required"], default, given["description"])


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    """The rows of an object's table."""
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        default = json.dumps(field["default"]) if "default" in field else ""
        yield Field(name, "", written(field), name in required, default, _text_of(field))


def _text_of(schema: Mapping[str, Any]) -> str:
    """What a field says of itself, or what those say that it is one of."""
    own: str = schema.get("description", "")
    return own or " ".join(filter(None, (_text_of(one) for one in schema.get("anyOf", ()))))


def _described(name: str, schema: Mapping[str, Any]) -> Described:
    fields = list(_fields(schema))
    return Described(name, schema.get("description", ""), fields, [] if fields else written(schema))


def written(schema: Mapping[str, Any]) -> list[Piece]:
    """A type as one writes it: `integer 1..500`, `Event[]`, `"online" | "offline"`, `string | null`."""
    if "$ref" in schema:
        return [Piece(schema["$ref"].rpartition("/")[2], True)]
    if "enum" in schema:
        return [Piece(" | ".join(json.dumps(choice, ensure_ascii=False) for choice in schema["enum"]))]
    if "const" in schema:
        return [Piece(json.dumps(schema["const"]))]
    if "anyOf" in schema:
        return _joined([written(one) for one in schema["anyOf"]])
    kind = schema.get("type", "any")
    if kind == "array":
        items = written(schema.get("items", {}))
        is_one = len(items) == 1 and " | " not in items[0].text
        return [*items, Piece("[]")] if is_one else [Piece("("), *items, Piece(")[]")]
    extra = schema.get("additionalProperties")
    if kind == "object" and isinstance(extra, dict):
        return [Piece("{name: "), *written(extra), Piece("}")]
    return [Piece(f"{kind}{_bounds(schema)}")]


def _joined(many: list[list[Piece]]) -> list[Piece]:
    whole: list[Piece] = []
    for pieces in many:
        whole += [*([Piece(" | ")] if whole else []), *pieces]
    return whole


def _bounds(schema: Mapping[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None or high is not None:
        return f" {'' if low is None else low}..{'' if high is None else '2^53-1' if high == MAX_SEQ else high}"
    shortest, longest = schema.get("minLength"), schema.get("maxLength")
    if shortest is not None or longest is not None:
        return f" [{'' if shortest is None else shortest}..{'' if longest is None else longest}]"
    return ""


def prose(text: str) -> Markup:
    """Paragraphs of a description, with the little of Markdown that descriptions have: `code` and **strong**."""
    made = []
    for paragraph in filter(None, re.split(r"\n\s*\n", text.strip())):
        safe = str(escape(paragraph))
        safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
        safe = re.sub(r"[*][*]([^*]+)[*][*]", r"<strong>\1</strong>", safe)
        made.append(f"<p>{safe}</p>")
    return Markup("\n".join(made))  # escaped above
