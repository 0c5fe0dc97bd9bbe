"""Signing up and in: what is wrong is said beside the field, and what was typed is kept."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import expect

from ..support import PASSWORD
from .support import Person, Town, Window


def fill(window: Window, name: str, password: str) -> None:
    window.find("[name=username]").fill(name)
    window.find("[name=password]").fill(password)
    window.find("form.card button.primary").click()


@pytest.fixture
def form(town: Town) -> Window:
    return town.stranger().go("/auth/register")


def test_one_signs_up_and_is_signed_in(form: Window) -> None:
    name = f"zoe-{secrets.token_hex(3)}"
    fill(form, name, PASSWORD)
    form.page.wait_for_url(lambda url: url.endswith("/"))
    form.is_on("websocket")
    expect(form.find(".top__me")).to_contain_text(name)


@pytest.mark.parametrize(
    ("name", "password", "field", "text"),
    [
        ("zoe", "short", "password", "Write at least 8 characters."),
        ("zoe!", PASSWORD, "username", "Write 1 to 32 letters a-z"),
        ("-zoe", PASSWORD, "username", "Write 1 to 32 letters a-z"),
    ],
    ids=["short-password", "bad-character", "bad-beginning"],
)
def test_a_mistake_is_named_beside_its_field_and_the_name_is_kept(
    form: Window, name: str, password: str, field: str, text: str
) -> None:
    form.expect_problems("422")
    fill(form, name, password)
    expect(form.find(f"#{field}-error")).to_contain_text(text)
    wrong = form.find(f"[name={field}]")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    assert f"{field}-error" in str(wrong.get_attribute("aria-describedby"))
    assert form.find("[name=username]").input_value() == name
    assert form.find("[name=password]").input_value() == "", "a password is not sent back"


def test_a_name_that_is_taken_is_said_to_be(form: Window, two: tuple[Person, Person]) -> None:
    form.expect_problems("409")
    ann, _bob = two
    fill(form, ann.name.upper(), PASSWORD)
    expect(form.find("#username-error")).to_have_text("The name is taken.")
    assert form.find("[name=username]").input_value() == ann.name.upper()
    fill(form, ann.name + "x", PASSWORD)
    expect(form.find(".top__me")).to_contain_text(ann.name + "x")


def test_an_empty_form_is_not_sent(form: Window) -> None:
    asked: list[str] = []
    form.page.on("request", lambda request: asked.append(request.method))
    form.find("form.card button.primary").click()
    assert form.find("[name=username]").evaluate(
        "(input) => input.validity.valueMissing && document.activeElement === input"
    )
    assert "POST" not in asked


@pytest.mark.parametrize("who", ["somebody", "nobody"])
def test_a_wrong_password_and_an_unknown_name_are_told_alike(who: str, town: Town, two: tuple[Person, Person]) -> None:
    window = town.stranger().go("/auth/login")
    window.expect_problems("422")
    name = two[0].name if who == "somebody" else "nobody-at-all"
    fill(window, name, "wrong password")
    expect(window.find("#password-error")).to_have_text("The name or the password is wrong.")
    assert window.find("[name=username]").input_value() == name
