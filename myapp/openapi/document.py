"""OpenAPI 3.1 (spec.openapis.org/oas/v3.1.0), made of the descriptions that an application's views carry."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from flask import Flask

from ..shapes import Problem
from .description import JSON, REF, Answer
from .errors import errors_of, headers, shared
from .operations import SAFE, Operation, operations
from .parameters import Parameter, words
from .security import SCHEMES, alternatives


class About(NamedTuple):
    """What no view says: the whole's name and text, what the tags mean, and shapes that have a name of their own.

    The tags' order is the document's.
    """

    title: str
    version: str
    text: str
    tags: Mapping[str, str]
    shapes: Mapping[str, Any]


class Schemas(dict[int, Any]):
    """Schemas by the id of their types, as not every type can be hashed."""

    def of(self, kind: Any) -> Any:
        return self[id(kind)]


def build(app: Flask, about: About) -> dict[str, Any]:
    """The document, without `servers`: whoever gives it out knows at which address."""
    found = list(operations(app))
    types = list(_types(found))
    schemas, components = _schemas(types, about.shapes)
    by_type = Schemas(zip(map(id, types), schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    order = list(about.tags)
    found.sort(key=lambda one: order.index(one.tag) if one.tag in order else len(order))
    for one in found:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, by_type)
    used = dict.fromkeys(one.tag for one in found)
    return {
        "openapi": "3.1.0",
        "info": {"title": about.title, "version": about.version, "description": inspect.cleandoc(about.text)},
        "tags": [{"name": tag, "description": about.tags.get(tag, "")} for tag in used],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": shared(),
            "securitySchemes": SCHEMES,
        },
    }


def _types(found: Iterable[Operation]) -> Iterator[Any]:
    """All types whose schemas the operations need."""
    for one in found:
        if one.description.body is not None:
            yield one.description.body
        for answer in one.description.answers.values():
            if answer.shape is not None:
                yield answer.shape


def _schemas(types: list[Any], named: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """A schema for each type, and the components that they refer to: Structs, and the shapes that were given a name."""
    many, components = msgspec.json.schema_components([*types, *named.values(), Problem], ref_template=REF)
    schemas: list[Any] = list(many[: len(types)])
    own = dict(zip(named, many[len(types) :], strict=False))
    unions = {name: schema for name, schema in own.items() if "$ref" not in schema}
    # msgspec writes a union out wherever it stands: there its name is put
    whole = _referring({"types": schemas, "components": components}, unions)
    for name, schema in unions.items():
        others = {other: found for other, found in unions.items() if other != name}
        whole["components"][name] = {"title": name, **_referring(schema, others)}
    return whole["types"], whole["components"]


def _referring(schema: Any, named: Mapping[str, Any]) -> Any:
    """The schema with a reference in each place where what a named one says is written out."""
    for name, other in named.items():
        if schema == other:
            return {"$ref": REF.format(name=name)}
    if isinstance(schema, dict):
        return {key: _referring(value, named) for key, value in schema.items()}
    if isinstance(schema, list | tuple):
        return [_referring(value, named) for value in schema]
    return schema


def _operation(one: Operation, schemas: Schemas) -> dict[str, Any]:
    description = one.description
    limited = f"At most {description.limit.replace('/', ' a ')}, see 429." if description.limit else ""
    text = "\n\n".join(filter(None, (inspect.cleandoc(description.text), limited)))
    whole: dict[str, Any] = {"operationId": one.id, "tags": [one.tag], "summary": description.summary}
    if text:
        whole["description"] = text
    parameters = [*_in_path(one), *_parameters("query", description.query), *_parameters("header", description.headers)]
    if parameters:
        whole["parameters"] = parameters
    if description.body is not None:
        whole["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": schemas.of(description.body)}},
        }
    whole["responses"] = {
        **{str(status): _answer(status, given, schemas) for status, given in description.answers.items()},
        **errors_of(one),
    }
    whole["security"] = alternatives(description.who, is_safe=one.method in SAFE)
    return {**whole, **description.extra}


def _in_path(one: Operation) -> list[dict[str, Any]]:
    given = {parameter.name: parameter for parameter in one.description.path}
    names = re.findall(r"\{(.*?)\}", one.path)
    return [_parameter("path", given.get(name) or words(name, "", longest=None), True) for name in names]


def _parameters(place: str, parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    return [_parameter(place, parameter, parameter.required) for parameter in parameters]


def _parameter(place: str, parameter: Parameter, required: bool) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "description": parameter.text,
        "required": required,
        "schema": parameter.schema,
    }


def _answer(status: int, given: Answer, schemas: Schemas) -> dict[str, Any]:
    whole: dict[str, Any] = {"description": given.text or HTTPStatus(status).phrase}
    if given.headers:
        whole["headers"] = headers(given.headers)
    content: dict[str, Any] = {}
    kinds = (given.content,) if isinstance(given.content, str) else given.content
    if given.shape is not None:
        content = {kind: {"schema": schemas.of(given.shape)} for kind in kinds}
    elif given.content != JSON:  # neither JSON nor nothing: text or bytes, as they are
        content = {kind: {"schema": {"type": "string"} if kind.startswith("text/") else {}} for kind in kinds}
    if given.page:
        content["text/html"] = {"schema": {"type": "string"}}
    if content:
        whole["content"] = content
    return whole
