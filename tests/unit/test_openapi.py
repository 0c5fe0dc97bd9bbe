"""What is made of the descriptions that views carry."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest
from flask import Flask
from openapi_spec_validator import validate

from myapp.openapi import ANYONE, READERS, Answer, DescriptionError, Who, describe, seconds, whole, words
from myapp.openapi.document import About, build
from myapp.shapes import Shape


class Horse(Shape):
    """A horse."""

    name: Annotated[str, msgspec.Meta(description="What it listens to.")]


class Cat(Shape, tag="cat"):
    """A cat."""


class Dog(Shape, tag="dog"):
    """A dog."""


Pet = Cat | Dog


class Stable(Shape):
    """Where animals live."""

    pets: list[Pet]


def a_view(**names: Any) -> str:
    """What it does.

    And why.
    """
    return ""


def document(
    route: str = "/horses", methods: tuple[str, ...] = ("GET",), shapes: dict[str, Any] | None = None, **given: Any
) -> dict[str, Any]:
    """The document of an application with one endpoint, which is valid whatever was given."""
    app = Flask("described", static_folder=None)
    view = describe("Look", **{"answers": {200: Horse}, **given})(a_view)
    app.add_url_rule(route, "stable.look", view, methods=methods)
    made = build(app, About("horses", "1", "About horses.", {"stable": "Where they live."}, shapes or {}))
    validate(made)
    return made


def operation(route: str = "/horses", method: str = "get", **given: Any) -> dict[str, Any]:
    paths = document(route, methods=(method.upper(),), **given)["paths"]
    [path] = paths.values()
    found: dict[str, Any] = path[method]
    return found


def test_described_view_is_the_view_itself() -> None:
    def view() -> None: ...

    assert describe("Look", answers={204: None})(view) is view


def test_description_is_found_below_other_decorators() -> None:
    def limited(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def inner(**names: Any) -> Any:
            return view(**names)

        return inner

    app = Flask("described", static_folder=None)
    app.add_url_rule("/", "stable.look", limited(describe("Look", answers={200: Horse})(a_view)))
    assert list(build(app, About("horses", "1", "", {}, {}))["paths"]) == ["/"]


def test_operation_has_its_names_and_texts() -> None:
    found = operation()
    assert (found["operationId"], found["tags"], found["summary"]) == ("stable_look", ["stable"], "Look")
    assert found["description"] == "What it does.\n\nAnd why."


def test_text_is_said_in_place_of_the_docstring() -> None:
    assert operation(text="Another one.")["description"] == "Another one."


def test_limit_is_told_with_its_error() -> None:
    found = operation(limit="5/minute", text="It looks.")
    assert found["description"] == "It looks.\n\nAt most 5 a minute, see 429."
    assert "429" in found["responses"]


def test_two_methods_of_one_view_have_different_ids() -> None:
    made = document(methods=("GET", "POST"))["paths"]["/horses"]
    assert {kind: found["operationId"] for kind, found in made.items()} == {
        "get": "stable_look_get",
        "post": "stable_look_post",
    }


def test_shape_becomes_a_component_with_its_texts() -> None:
    made = document()
    assert made["components"]["schemas"]["Horse"]["properties"]["name"]["description"] == "What it listens to."
    assert made["paths"]["/horses"]["get"]["responses"]["200"]["content"] == {
        "application/json": {"schema": {"$ref": "#/components/schemas/Horse"}}
    }


def test_union_with_a_name_is_referred_to_by_it() -> None:
    schemas = document(answers={200: Stable}, shapes={"Pet": Pet})["components"]["schemas"]
    assert schemas["Stable"]["properties"]["pets"]["items"] == {"$ref": "#/components/schemas/Pet"}
    assert schemas["Pet"]["title"] == "Pet"
    assert len(schemas["Pet"]["anyOf"]) == 2


def test_shape_with_a_name_is_there_though_no_answer_has_it() -> None:
    assert "Pet" in document(shapes={"Pet": Pet})["components"]["schemas"]


def test_path_parameters_are_there_though_nobody_described_them() -> None:
    [found] = operation("/horses/<int:number>")["parameters"]
    assert (found["name"], found["in"], found["required"]) == ("number", "path", True)


def test_description_of_a_path_parameter_that_the_route_lacks_is_refused() -> None:
    with pytest.raises(DescriptionError, match="/horses has no name"):
        document(path=[words("name", "Of the horse.")])


def test_parameters_carry_their_bounds() -> None:
    query = [whole("limit", "At most.", 20, 1, 100), seconds("timeout", "How long.", 25.0, 50.0), words("q", "What.")]
    assert [found["schema"] for found in operation(query=query)["parameters"]] == [
        {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        {"type": "number", "minimum": 0, "maximum": 50.0, "default": 25.0},
        {"type": "string", "maxLength": 200},
    ]


@pytest.mark.parametrize(
    ("method", "given", "errors"),
    [
        ("get", {}, "401 403 503"),
        ("get", {"who": ANYONE}, "503"),
        ("get", {"who": READERS}, "401 403 503"),
        ("get", {"who": READERS | Who.SYSTEM}, "401 503"),
        ("get", {"who": Who.OPERATOR}, "401 503"),
        ("post", {"who": READERS}, "401 403 503"),
        ("post", {"body": Horse}, "400 401 403 413 415 422 503"),
        ("get", {"who": ANYONE, "query": [words("q", "What.")]}, "414 422 503"),
        ("get", {"who": ANYONE, "headers": [words("X-Q", "What.")]}, "422 503"),
        ("get", {"who": ANYONE, "route": "/horses/<name>"}, "414 503"),
        ("get", {"who": ANYONE, "limit": "5/minute"}, "429 503"),
        ("get", {"who": ANYONE, "errors": {404: "There is none."}}, "404 503"),
    ],
)
def test_errors_follow_from_what_is_taken_and_who_may_ask(method: str, given: dict[str, Any], errors: str) -> None:
    assert [status for status in operation(method=method, **given)["responses"] if status != "200"] == errors.split()


def test_errors_are_problems_with_the_headers_that_belong_to_them() -> None:
    answers = document()["components"]["responses"]
    own = answers.pop("AddressTooLong")
    assert "content" not in own
    assert all(list(answer["content"]) == ["application/problem+json"] for answer in answers.values())
    assert "Retry-After" in answers["Unavailable"]["headers"]
    assert "WWW-Authenticate" in answers["NotSignedIn"]["headers"]


def test_answers_have_headers_other_types_and_pages() -> None:
    answers = {
        202: Answer(Horse, "Later.", headers={"Location": "Where."}, page=True),
        200: Answer(content=("image/webp", "text/plain")),
        204: None,
    }
    found = operation(answers=answers)["responses"]
    assert list(found["202"]["content"]) == ["application/json", "text/html"]
    assert found["202"]["headers"]["Location"]["description"] == "Where."
    assert list(found["200"]["content"]) == ["image/webp", "text/plain"]
    assert "content" not in found["204"]


def test_csrf_token_belongs_to_the_session_where_something_changes() -> None:
    assert operation()["security"] == [{"session": []}, {"token": []}]
    assert operation(method="post")["security"] == [{"session": [], "csrf": []}, {"token": []}]
    assert operation(who=Who.SYSTEM)["security"] == [{"system": []}]
    assert operation(who=ANYONE)["security"] == []


def test_what_is_extra_is_there_as_it_is() -> None:
    assert operation(extra={"x-more": {"a": 1}})["x-more"] == {"a": 1}
