"""How people read the description: types as they are written, examples, and commands to copy."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from myapp.openapi.examples import body_example, curl, example
from myapp.openapi.reading import prose, read, written

REF = "#/components/schemas/"


def text_of(schema: dict[str, Any]) -> str:
    return "".join(piece.text for piece in written(schema))


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "integer"}, "integer"),
        ({"type": "integer", "minimum": 1, "maximum": 500}, "integer 1..500"),
        ({"type": "integer", "minimum": 0, "maximum": 2**53 - 1}, "integer 0..2^53-1"),
        ({"type": "number", "minimum": 0}, "number 0.."),
        ({"type": "string"}, "string"),
        ({"type": "string", "maxLength": 200}, "string [..200]"),
        ({"type": "string", "minLength": 1, "maxLength": 64}, "string [1..64]"),
        ({"enum": ["online", "offline"]}, '"online" | "offline"'),
        ({"const": 1}, "1"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"$ref": f"{REF}Event"}, "Event"),
        ({"type": "array", "items": {"$ref": f"{REF}Event"}}, "Event[]"),
        ({"type": "array", "items": {"enum": ["a", "b"]}}, '("a" | "b")[]'),
        ({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}, "(string | null)[]"),
        ({"type": "object", "additionalProperties": {"$ref": f"{REF}Event"}}, "{name: Event}"),
        ({"type": "object"}, "object"),
        ({}, "any"),
    ],
)
def test_a_type_is_written_in_one_line(schema: dict[str, Any], text: str) -> None:
    assert text_of(schema) == text


def test_a_shape_in_a_type_can_be_followed() -> None:
    assert [piece.text for piece in written({"type": "array", "items": {"$ref": f"{REF}Event"}}) if piece.schema] == [
        "Event"
    ]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "examples": ["bob"], "default": ""}, "bob"),
        ({"type": "string", "default": "x"}, "x"),
        ({"type": "string"}, "text"),
        ({"enum": ["a", "b"]}, "a"),
        ({"const": 1}, 1),
        ({"type": "integer", "minimum": 1}, 1),
        ({"type": "number"}, 0),
        ({"type": "boolean"}, False),
        ({"type": "null"}, None),
        ({}, {}),
        ({"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}, "text"),
        ({"type": "array", "items": {"type": "string"}}, ["text"]),
        ({"$ref": f"{REF}Horse"}, {"name": "Max"}),
    ],
)
def test_an_example_fits_its_schema(schema: dict[str, Any], value: Any) -> None:
    horse = {"type": "object", "properties": {"name": {"type": "string", "examples": ["Max"]}}}
    assert example(schema, {"Horse": horse}) == value


def test_a_shape_that_holds_itself_has_an_example() -> None:
    tree = {"type": "object", "properties": {"below": {"type": "array", "items": {"$ref": f"{REF}Tree"}}}}
    assert json.dumps(example(tree, {"Tree": tree})).count("below") < 10


def test_the_example_of_a_body_has_what_is_needed_and_what_has_an_example() -> None:
    schema = {
        "type": "object",
        "properties": {
            "to": {"type": "string"},
            "key": {"anyOf": [{"type": "string", "examples": ["k"]}, {"type": "null"}], "default": None},
            "host": {"type": "string", "default": ""},
        },
        "required": ["to"],
    }
    assert body_example({"$ref": f"{REF}Sent"}, {"Sent": schema}) == {"to": "text", "key": "k"}


def operation(**given: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "OK"}}, "security": [{"token": []}], **given}


def test_a_command_asks_with_method_token_and_body() -> None:
    schema = {"type": "object", "properties": {"body": {"type": "string", "examples": ["it's me"]}}}
    body = {"content": {"application/json": {"schema": schema}}}
    words = shlex.split(curl("/messages", "POST", operation(requestBody=body), {}).replace("\\\n", ""))
    assert words[:3] == ["curl", "-X", "POST"]
    assert "Authorization: Bearer TOKEN" in words
    assert json.loads(words[words.index("-d") + 1]) == {"body": "it's me"}
    assert words[-1] == "$ADDRESS/messages"


def test_a_command_has_the_parameters_that_are_needed_or_have_an_example() -> None:
    parameters = [
        {"name": "name", "in": "path", "required": True, "schema": {"examples": ["a/b"]}},
        {"name": "users", "in": "query", "required": True, "schema": {"type": "string"}},
        {"name": "q", "in": "query", "required": False, "schema": {"examples": ["al"]}},
        {"name": "limit", "in": "query", "required": False, "schema": {"type": "integer"}},
    ]
    assert "'$ADDRESS/users/a%2Fb?users=text&q=al'" in curl(
        "/users/{name}", "GET", operation(parameters=parameters), {}
    )


def test_a_command_carries_what_the_way_of_asking_needs() -> None:
    anybody = operation(security=[])
    assert "Authorization" not in curl("/healthz", "GET", anybody, {})
    cookie = operation(security=[{"session": [], "csrf": []}])
    assert "-b myapp_session=SESSION" in curl("/auth/logout", "POST", cookie, {})
    stream = operation(responses={"200": {"content": {"text/event-stream": {}}}})
    assert curl("/messages/stream", "GET", stream, {}).startswith("curl -N")
    assert "Sec-WebSocket-Key" in curl("/ws", "GET", operation(responses={"101": {}}), {})


def test_prose_has_paragraphs_code_and_strong_words_and_nothing_else() -> None:
    assert prose("One `a<b` **two**.\n\nThree <script>.") == (
        "<p>One <code>a&lt;b</code> <strong>two</strong>.</p>\n<p>Three &lt;script&gt;.</p>"
    )
    assert prose("  ") == ""


def test_a_shared_error_is_read_where_it_is_referred_to() -> None:
    document = {
        "info": {"title": "horses", "version": "1", "description": ""},
        "tags": [{"name": "stable", "description": "Where they live."}],
        "paths": {
            "/horses": {
                "get": {
                    "operationId": "look",
                    "tags": ["stable"],
                    "summary": "Look",
                    "responses": {"200": {"description": "OK"}, "503": {"$ref": "#/components/responses/Unavailable"}},
                    "security": [],
                }
            }
        },
        "components": {"schemas": {}, "responses": {"Unavailable": {"description": "Not now."}}},
    }
    [group] = read(document).groups
    [found] = group.endpoints
    assert [(answer.status, answer.text) for answer in found.errors] == [("503", "Not now.")]
