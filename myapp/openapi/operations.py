"""Which endpoints of an application are described, each at its address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from flask import Flask
from werkzeug.routing import Rule

from .description import Description, DescriptionError, description_of

#: Methods that change nothing (RFC 9110 section 9.2.1).
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
#: Methods that Flask answers by itself.
BY_ITSELF = frozenset(("HEAD", "OPTIONS"))


class Operation(NamedTuple):
    """A described endpoint at its address."""

    path: str
    method: str
    id: str
    tag: str
    description: Description


def path_of(rule: Rule) -> str:
    """The rule as OpenAPI writes it: `/users/{name}`."""
    return re.sub(r"<(?:[^:<>]+:)?([^:<>]+)>", r"{\1}", rule.rule)


def operations(app: Flask) -> Iterator[Operation]:
    """Every described endpoint, in the order of the routes. Raises DescriptionError."""
    for rule in app.url_map.iter_rules():
        description = description_of(app.view_functions[rule.endpoint])
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
