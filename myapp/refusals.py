"""Why a request's body cannot be taken: which field is wrong, and what to send instead."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
from msgspec import inspect

from .errors import AppError, BadRequest, Invalid, Text


def refusal(body: bytes, error: Exception, kind: type[Any]) -> AppError:
    """What to answer where `body` is no `kind`, as `error` of msgspec's says: BadRequest where it is not JSON, or has
    text that is none (lone surrogates), else Invalid.

    msgspec stops at the first thing that it sees; the standard library says whether the whole is JSON.
    """
    try:
        value = json.loads(body.decode(), parse_int=float, parse_constant=_refuse_constant)
        fields = value.items() if isinstance(value, dict) else ()
        texts = {name: json.dumps(field, ensure_ascii=False) for name, field in fields}
    except (ValueError, RecursionError) as broken:
        return BadRequest(Text("The body is not JSON: %(reason)s.", reason=str(broken)))
    for name, text in texts.items():
        if any("\ud800" <= char <= "\udfff" for char in name + text):
            readable = name.encode("utf-8", "replace").decode()
            return Invalid(readable, Text("has a lone surrogate; send valid Unicode text"))
    if isinstance(error, msgspec.ValidationError):
        return _invalid(str(error), kind)
    return BadRequest(Text("The body is not JSON: %(reason)s.", reason=str(error)))


def _invalid(problem: str, kind: type[Any]) -> AppError:
    """msgspec says what is wrong in words; say which field it is about."""
    if found := re.search(r"unknown field `(.*?)`", problem):
        return Invalid(found[1], Text("is not a field of this request; leave it out"))
    if found := re.search(r"missing required field `(.*?)`", problem):
        return Invalid(found[1], Text("is missing"))
    if found := re.search(r" - at `\$\.?(.*?)`", problem):
        if problem.startswith("Invalid enum value") and (choices := _choices(kind, found[1])):
            return Invalid(found[1], Text("is not known; give one of %(choices)s", choices=", ".join(choices)))
        return Invalid(found[1], problem.partition(" - at ")[0].replace("`", "").lower())
    return Invalid("body", problem.replace("`", "").lower())


def _choices(kind: type[Any], name: str) -> list[str]:
    """What the field `name` of a Struct may be, as JSON; none where it is no choice of a few."""
    said = inspect.type_info(kind)
    fields = said.fields if isinstance(said, inspect.StructType) else ()
    return [choice for field in fields if field.encode_name == name for choice in _alternatives(field.type)]


def _alternatives(said: inspect.Type) -> list[str]:
    match said:
        case inspect.Metadata():
            return _alternatives(said.type)
        case inspect.UnionType():
            return [choice for part in said.types for choice in _alternatives(part)]
        case inspect.LiteralType():
            return [json.dumps(value) for value in said.values]
        case inspect.NoneType():
            return ["null"]
    return []


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number of JSON")
