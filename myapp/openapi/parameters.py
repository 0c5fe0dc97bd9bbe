"""Parameters of the query, the path and the head, each with the bounds that the view holds it to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..shapes import MAX_SEQ


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter. `schema` is JSON Schema of its value, `text` says what it is for."""

    name: str
    text: str
    schema: dict[str, Any]
    required: bool = False


def whole(name: str, text: str, default: int | None = None, low: int = 0, high: int = MAX_SEQ) -> Parameter:
    """A whole number, as `web.query_whole` takes it."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Parameter(name, text, schema if default is None else {**schema, "default": default})


def words(
    name: str,
    text: str,
    *,
    longest: int | None = 200,
    pattern: str | None = None,
    example: str | None = None,
    required: bool = False,
) -> Parameter:
    """A text, as `web.query_text` takes it; in a path without a `longest` of its own."""
    schema: dict[str, Any] = {"type": "string"}
    if longest is not None:
        schema["maxLength"] = longest
    if pattern is not None:
        schema["pattern"] = pattern
    if example is not None:
        schema["examples"] = [example]
    return Parameter(name, text, schema, required)


def seconds(name: str, text: str, default: float, high: float) -> Parameter:
    """Seconds with up to six decimals, as `web.query_seconds` takes them."""
    return Parameter(name, text, {"type": "number", "minimum": 0, "maximum": high, "default": default})


def one_of(name: str, text: str, choices: Sequence[str], default: str | None = None) -> Parameter:
    """One of some words."""
    schema = {"type": "string", "enum": list(choices)}
    return Parameter(name, text, schema if default is None else {**schema, "default": default})
