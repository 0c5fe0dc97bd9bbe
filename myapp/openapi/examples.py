"""Made-up values that fit a schema, and the command that asks with them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

#: What stands in commands for the application's address, and for the token.
ADDRESS, TOKEN = "$ADDRESS", "TOKEN"
COOKIE = "myapp_session=SESSION"
#: A schema that refers to itself is not followed for ever.
DEEPEST = 6

#: What a WebSocket's handshake needs (RFC 6455 section 1.3, with its key).
HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def example(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int = 0) -> Any:
    """A value as the schema has it; the schema's own example, if it gives one."""
    if "$ref" in schema:
        return example(components[schema["$ref"].rpartition("/")[2]], components, depth)
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return example(schema["anyOf"][0], components, depth)
    if "default" in schema:
        return schema["default"]
    return _of_type(schema, components, depth + 1)


def _of_type(schema: Mapping[str, Any], components: Mapping[str, Any], depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {})
        return {} if depth > DEEPEST else {name: example(field, components, depth) for name, field in fields.items()}
    if kind == "array":
        return [] if depth > DEEPEST else [example(schema.get("items", {}), components, depth)]
    by_type: dict[Any, Any] = {"string": "text", "boolean": False, "null": None}
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return by_type.get(kind, {})


def body_example(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Any:
    """A body with the fields that it must have, and those that have an example."""
    if "$ref" in schema:
        return body_example(components[schema["$ref"].rpartition("/")[2]], components)
    whole = example(schema, components)
    if not isinstance(whole, dict):
        return whole
    needed = {*schema.get("required", ()), *filter(lambda name: _has_example(schema, name), whole)}
    return {name: value for name, value in whole.items() if name in needed}


def _has_example(schema: Mapping[str, Any], name: str) -> bool:
    field = schema.get("properties", {}).get(name, {})
    return any("examples" in one for one in (field, *field.get("anyOf", ())))


def curl(path: str, method: str, operation: Mapping[str, Any], components: Mapping[str, Any]) -> str:
    """How to ask by curl: one argument a line."""
    parts = ["curl"]
    if method != "GET":
        parts[0] += f" -X {method}"
    if "text/event-stream" in operation["responses"].get("200", {}).get("content", ()):
        parts[0] += " -N"
    headers = list(HANDSHAKE) if "101" in operation["responses"] else []
    if {"session": [], "csrf": []} in operation["security"] and len(operation["security"]) == 1:
        parts.append(f"-b {COOKIE}")
        headers.insert(0, "X-CSRFToken: CSRF_TOKEN")
    elif operation["security"]:
        headers.insert(0, f"Authorization: Bearer {TOKEN}")
    body = operation.get("requestBody")
    if body:
        headers.append("Content-Type: application/json")
    parts += [f"-H {shlex.quote(header)}" for header in headers]
    if body:
        text = json.dumps(body_example(body["content"]["application/json"]["schema"], components))
        parts.append(f"-d {shlex.quote(text)}")
    parts.append(f"'{ADDRESS}{_target(path, operation, components)}'")
    return " \\\n  ".join(parts)


def _target(path: str, operation: Mapping[str, Any], components: Mapping[str, Any]) -> str:
    """The address below the application's root, with the parameters that are needed or have an example."""
    query = {}
    for parameter in operation.get("parameters", ()):
        value = example(parameter["schema"], components)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(value), safe=""))
        elif parameter["in"] == "query" and (parameter["required"] or "examples" in parameter["schema"]):
            query[parameter["name"]] = value
    return path + (f"?{urlencode(query, safe=':,')}" if query else "")
