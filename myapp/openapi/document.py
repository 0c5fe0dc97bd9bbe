"""OpenAPI 3.1 (spec.openapis.org/oas/v3.1.0), made of the descriptions that an application's views carry."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from flask import Flask
from werkzeug.routing import Rule

from ..errors import AppError
from ..shapes import Problem
from .description import ANYONE, ATTRIBUTE, JSON, READERS, Answer, Description, DescriptionError, Who
from .parameters import Parameter, words
from .security import SCHEMES, alternatives

REF = "#/components/schemas/{name}"
PROBLEM = "application/problem+json"
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
#: Methods that Flask answers by itself.
BY_ITSELF = frozenset(("HEAD", "OPTIONS"))

#: Who is known, and refused where not all of them may ask: a ticket, or a system's token, does not count everywhere.
KNOWN = READERS | Who.SYSTEM

#: Errors that follow from the rest of a description: what they mean everywhere.
MEANINGS = {
    400: "The body is not JSON.",
    401: "Nobody is signed in, or the token, ticket or session does not count.",
    403: "The CSRF token is missing or wrong, or whoever asks may not do this.",
    413: "The body is larger than 64 KB.",
    414: "The address is longer than the server takes, some 8 KB: its own answer, which is no problem object.",
    415: "The body is not `application/json`.",
    422: "A field or parameter is missing, unknown or wrong: `errors` names it.",
    429: "Too many requests.",
    503: "Not now, as the database is away or the server is full: try again.",
}
#: Errors that a server answers before the application is asked.
OF_SERVERS = {414: "AddressTooLong"}
RETRY_AFTER = "Seconds after which to try again."
#: Headers of errors, by status.
ERROR_HEADERS = {
    401: {"WWW-Authenticate": "Bearer"},
    429: {"Retry-After": RETRY_AFTER},
    503: {"Retry-After": RETRY_AFTER},
}


class About(NamedTuple):
    """What no view says: the whole's name and text, what the tags mean, and shapes that have a name of their own.

    The tags' order is the document's.
    """

    title: str
    version: str
    text: str
    tags: Mapping[str, str]
    shapes: Mapping[str, Any]


class Operation(NamedTuple):
    """A described endpoint at its address."""

    path: str
    method: str
    id: str
    tag: str
    description: Description


class Schemas(dict[int, Any]):
    """Schemas by the id of their types, as not every type can be hashed."""

    def of(self, kind: Any) -> Any:
        return self[id(kind)]


def path_of(rule: Rule) -> str:
    """The rule as OpenAPI writes it: `/users/{name}`."""
    return re.sub(r"<(?:[^:<>]+:)?([^:<>]+)>", r"{\1}", rule.rule)


def operations(app: Flask) -> Iterator[Operation]:
    """Every described endpoint, in the order of the routes. Raises DescriptionError."""
    for rule in app.url_map.iter_rules():
        description: Description | None = getattr(app.view_functions[rule.endpoint], ATTRIBUTE, None)
        if description is None:
            continue
        unknown = {parameter.name for parameter in description.path} - rule.arguments
        if unknown:
            raise DescriptionError(f"{rule.rule} has no {', '.join(sorted(unknown))}: take it out of its description")
        methods = sorted((rule.methods or {"GET"}) - BY_ITSELF)
        for method in methods:
            name = rule.endpoint.replace(".", "_") + (f"_{method.lower()}" if len(methods) > 1 else "")
            tag = description.tag or rule.endpoint.partition(".")[0]
            yield Operation(path_of(rule), method, name, tag, description)


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
            "responses": {_name(status): _error(status, MEANINGS[status]) for status in MEANINGS},
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
        **_errors(one),
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
        whole["headers"] = _headers(given.headers)
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


def _headers(texts: Mapping[str, str]) -> dict[str, Any]:
    return {name: {"description": text, "schema": {"type": "string"}} for name, text in texts.items()}


def _implied(one: Operation) -> Iterator[int]:
    """The errors that an endpoint answers by what it takes and who may ask."""
    description = one.description
    if description.body is not None:
        yield from (400, 413, 415, 422)
    if description.query or description.headers:
        yield 422
    if description.query or "{" in one.path:
        yield 414
    if description.who:
        yield 401
        is_guarded = one.method not in SAFE and Who.SESSION in description.who
        if is_guarded or description.who & KNOWN not in (ANYONE, KNOWN):
            yield 403
    if description.limit:
        yield 429
    yield 503


def _errors(one: Operation) -> dict[str, Any]:
    own = one.description.errors
    whole = {}
    for status in sorted({*own, *_implied(one)} - set(one.description.answers)):
        text = own.get(status, "")
        if text:
            whole[str(status)] = _error(status, text)
        elif status not in own:
            whole[str(status)] = {"$ref": f"#/components/responses/{_name(status)}"}
    return whole


def _error(status: int, text: str) -> dict[str, Any]:
    whole: dict[str, Any] = {"description": text}
    if status in ERROR_HEADERS:
        whole["headers"] = _headers(ERROR_HEADERS[status])
    if status not in OF_SERVERS:
        whole["content"] = {PROBLEM: {"schema": {"$ref": REF.format(name="Problem")}}}
    return whole


def _name(status: int) -> str:
    """What a status is called: the name of its error."""
    return OF_SERVERS.get(status) or next(kind.__name__ for kind in AppError.__subclasses__() if kind.status == status)
