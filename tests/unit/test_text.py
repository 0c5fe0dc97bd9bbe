"""Texts that can be put together anew in another language."""

from __future__ import annotations

import json

import pytest

from myapp.errors import AppError, Invalid, NotFound, Text


def test_text_with_values_is_english_and_keeps_what_it_is_made_of() -> None:
    text = Text("write at least %(least)d characters", least=8)
    assert text == "write at least 8 characters"
    assert (text.template, text.values) == ("write at least %(least)d characters", {"least": 8})


def test_text_without_values_is_taken_as_it_is() -> None:
    text = Text("100% of it")
    assert text == "100% of it"
    assert (text.template, text.values) == ("100% of it", {})


def test_text_serves_wherever_a_str_does() -> None:
    text = Text("is taken")
    assert json.dumps({text: text}) == '{"is taken": "is taken"}'
    assert f"{text}!" == "is taken!"
    assert text.startswith("is ")


def test_value_with_a_percent_sign_is_not_a_pattern() -> None:
    assert Text("no %(name)s here", name="%(name)s %d") == "no %(name)s %d here"


def test_missing_value_is_found_where_the_text_is_made() -> None:
    with pytest.raises(KeyError):
        Text("%(there)s %(missing)s", there=1)


def test_detail_of_a_field_keeps_the_problem_apart() -> None:
    error = Invalid("body", Text("is empty"))
    assert error.detail == "body: is empty"
    assert isinstance(error.detail, Text)
    assert isinstance(error.detail.values["problem"], Text)


@pytest.mark.parametrize("kind", [AppError, NotFound, Invalid])
def test_titles_can_be_translated(kind: type[AppError]) -> None:
    assert isinstance(kind.title, Text)
