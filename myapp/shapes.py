"""What the shapes of answers are made of: types with their bounds, for descriptions only.

A shape is what a view's answer looks like, for OpenAPI and those who make clients from it. Views build their answers
themselves, and a test holds the answers to their shapes.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

#: The largest whole number that every client can hold (IEEE 754 double).
MAX_SEQ = 2**53 - 1

Time = Annotated[
    str,
    Meta(
        description="RFC 3339, in UTC, with milliseconds.",
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        examples=["2026-11-20T09:00:00.000Z"],
    ),
]
Id = Annotated[int, Meta(ge=1, le=MAX_SEQ)]
Seq = Annotated[int, Meta(description="A place in an inbox; 0 is before its first event.", ge=0, le=MAX_SEQ)]
Count = Annotated[int, Meta(ge=0)]
Epoch = Annotated[
    str,
    Meta(description="Which history the seqs are of: another one after a backup was put back.", examples=["k3mz9q"]),
]
Name = Annotated[str, Meta(description="The name of a person, by which one writes to them.", examples=["bob"])]
ShownName = Annotated[str, Meta(description="What the person is called on pages.", examples=["Bob"])]
Avatar = Annotated[
    str,
    Meta(
        description="The address of the person's picture, below the application's root.",
        examples=["/avatars/bob?v=1f2e3d4c"],
    ),
]


class Shape(msgspec.Struct, kw_only=True):
    """What all shapes are made of; never an object of its own."""


class Problem(Shape):
    """An error (RFC 9457)."""

    type: Annotated[str, Meta(description="Always about:blank: title and status say the kind.")]
    title: Annotated[str, Meta(description="The kind of error, in the language that was asked for.")]
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: Annotated[str, Meta(description="What is wrong with this request, and what to do.")]
    errors: (
        Annotated[dict[str, str], Meta(description="By field or parameter: what is wrong with it.")] | msgspec.UnsetType
    ) = msgspec.UNSET
