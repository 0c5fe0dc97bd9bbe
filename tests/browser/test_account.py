"""One's account: what one is called and looks like, for oneself and for others; how one comes in, and who else does."""

from __future__ import annotations

import io
import re

from PIL import Image
from playwright.sync_api import FilePayload, Locator, expect

from ..support import PASSWORD, AppServer
from .support import PATIENCE, Person, Town, Window

NEW_PASSWORD = "battery staple"


def png(colour: str = "#3b4fd8") -> FilePayload:
    out = io.BytesIO()
    Image.new("RGB", (640, 400), colour).save(out, "PNG")
    return {"name": "me.png", "mimeType": "image/png", "buffer": out.getvalue()}


def call(window: Window, name: str) -> None:
    """Save another display name on the account's page, and see that it is said."""
    window.find("[name=display_name]").fill(name)
    window.find("[name=display_name]").press("Enter")
    expect(window.find(".flash")).to_have_text("Your display name is changed.")


def upload(window: Window, file: FilePayload) -> None:
    window.find("[name=picture]").set_input_files(file)
    window.page.get_by_role("button", name="Upload").click()


def change_password(window: Window, new: str, current: str | None = PASSWORD) -> None:
    if current is not None:
        window.find("[name=current_password]").fill(current)
    window.find("[name=new_password]").fill(new)
    window.find("[name=new_password]").press("Enter")


def is_shown(image: Locator, side: int | None = 256) -> None:
    """Wait until the picture is loaded and can be seen, with so many pixels a side."""
    expect(image).to_be_visible(timeout=PATIENCE)
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("(image) => image.decode().then(() => [image.naturalWidth, image.naturalHeight])") == [
        side,
        side,
    ]


def sign_in(window: Window, name: str, password: str) -> None:
    window.find("[name=username]").fill(name)
    window.find("[name=password]").fill(password)
    window.find("form.card button.primary").click()


# -- the display name


def test_a_new_display_name_is_in_the_header_and_in_the_title_of_the_page(two: tuple[Person, Person]) -> None:
    ann, _bob = two
    window = ann.open("/account")
    before = window.find(".top__me .avatar").get_attribute("src")
    call(window, "Ann of  Green Gables")
    for place in (".top__name", "h1"):
        expect(window.find(place)).to_have_text("Ann of Green Gables")
    expect(window.find(".hint").first).to_have_text(f"Others write to you as {ann.name}.")
    picture = window.find(".top__me .avatar")
    assert picture.get_attribute("src") != before, "the initials are others"
    is_shown(picture)


def test_the_other_s_open_conversation_shows_a_new_name_with_the_next_message(two: tuple[Person, Person]) -> None:
    ann, bob = two
    ann.send(bob, "who am I?")
    window = bob.chat(ann)
    window.mark()
    before = window.find(".chat__head .avatar").get_attribute("src")
    expect(window.find("#login")).to_be_hidden()
    call(ann.open("/account"), "Ann of Green Gables")
    ann.send(bob, "now you know")
    window.shows("who am I?", "now you know")
    expect(window.find("h1")).to_have_text("Ann of Green Gables")
    expect(window.find("#login")).to_have_text(ann.name)
    expect(window.find(".message__from")).to_have_text(["Ann of Green Gables"] * 2)
    head = window.find(".chat__head .avatar")
    assert head.get_attribute("src") != before, "the initials are others"
    is_shown(head)
    is_shown(window.find(".message .avatar").last)
    assert not window.was_reloaded()
    window.counts(0)  # both are read, and no longer marked as new
    expect(window.find("#presence")).to_have_text("online", timeout=PATIENCE)
    shown = window.dom()
    window.page.reload()
    window.is_on("websocket")
    assert window.dom() == shown


def test_the_other_s_list_shows_a_new_name_with_the_next_message(two: tuple[Person, Person]) -> None:
    ann, bob = two
    ann.send(bob, "who am I?")
    window = bob.open("/")
    window.mark()
    before = window.find("[data-conversation] .avatar").get_attribute("src")
    call(ann.open("/account"), "Ann of Green Gables")
    ann.send(bob, "now you know")
    window.last_is("now you know")
    for moment in ("live", "after a reload"):
        expect(window.find("[data-conversation] .row__name")).to_have_text("Ann of Green Gables")
        picture = window.find("[data-conversation] .avatar")
        assert picture.get_attribute("src") != before, moment
        is_shown(picture)
        if moment == "live":
            assert not window.was_reloaded()
            window.page.reload()


def test_somebody_is_found_by_the_new_name_and_still_by_the_old(two: tuple[Person, Person]) -> None:
    ann, bob = two
    call(ann.open("/account"), f"Zoë {ann.name[-6:]}")
    for query in (f"zoë {ann.name[-6:]}", ann.name):
        window = bob.open(f"/?q={query}")
        expect(window.find("section[aria-labelledby=people] .row__name")).to_have_text(f"Zoë {ann.name[-6:]}")


def test_a_name_that_cannot_be_shown_is_refused_beside_its_field_and_kept_there(two: tuple[Person, Person]) -> None:
    ann, _bob = two
    window = ann.open("/account")
    window.expect_problems("422")
    window.find("[name=display_name]").fill("   ")
    window.find("[name=display_name]").press("Enter")
    expect(window.find("#display_name-error")).to_have_text("The display name is empty or blank; write something.")
    expect(window.find("[name=display_name]")).to_have_attribute("aria-invalid", "true")
    assert window.find("[name=display_name]").input_value() == "   "
    expect(window.find(".top__name")).to_have_text(ann.name)


# -- the picture


def test_a_picture_is_shown_to_oneself_and_can_be_removed(two: tuple[Person, Person]) -> None:
    ann, _bob = two
    window = ann.open("/account")
    remove = window.page.get_by_role("button", name="Remove the picture")
    expect(remove).to_have_count(0)
    initials = window.find(".top__me .avatar").get_attribute("src")
    upload(window, png())
    expect(window.find(".flash")).to_have_text("Your picture is changed.")
    for place in (".top__me .avatar", ".avatar--big"):
        assert window.find(place).get_attribute("src") != initials
        is_shown(window.find(place))
    remove.click()
    expect(window.find(".flash")).to_have_text("Your picture is removed.")
    for place in (".top__me .avatar", ".avatar--big"):
        expect(window.find(place)).to_have_attribute("src", str(initials))
        is_shown(window.find(place))
    expect(remove).to_have_count(0)


def test_a_picture_is_shown_to_others_in_list_and_conversation_and_so_is_its_end(two: tuple[Person, Person]) -> None:
    ann, bob = two
    ann.send(bob, "Hello")
    at_list, at_chat, account = bob.open("/"), bob.chat(ann), ann.open("/account")
    places = {
        at_list: ["[data-conversation] .avatar"],
        at_chat: [".chat__head .avatar", ".message:last-child .avatar"],
    }
    initials = at_list.find("[data-conversation] .avatar").get_attribute("src")

    def all_show(said: str, *, with_picture: bool) -> None:
        ann.send(bob, said)
        at_list.last_is(said)
        expect(at_chat.bodies.last).to_have_text(said, timeout=PATIENCE)
        for window, selectors in places.items():
            for selector in selectors:
                assert (window.find(selector).get_attribute("src") != initials) == with_picture, selector
                is_shown(window.find(selector))

    upload(account, png("red"))
    expect(account.find(".flash")).to_be_visible()
    all_show("see me", with_picture=True)
    for window in places:
        window.page.reload()
        window.is_on("websocket")
    for window, selectors in places.items():
        for selector in selectors:
            is_shown(window.find(selector))
    account.page.get_by_role("button", name="Remove the picture").click()
    expect(account.find(".flash")).to_have_text("Your picture is removed.")
    all_show("and no more", with_picture=False)


def test_a_file_that_is_no_picture_is_refused_beside_its_field(two: tuple[Person, Person]) -> None:
    ann, _bob = two
    window = ann.open("/account")
    window.expect_problems("422")
    before = window.find(".avatar--big").get_attribute("src")
    upload(window, {"name": "me.png", "mimeType": "image/png", "buffer": b"I am no picture.\n"})
    expect(window.find("#picture-error")).to_have_text("The picture is no PNG, JPEG or WebP; choose another file.")
    field = window.find("[name=picture]")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert "picture-error" in str(field.get_attribute("aria-describedby"))
    expect(window.find(".avatar--big")).to_have_attribute("src", str(before))


# -- the password


def test_a_guest_who_chooses_a_password_can_come_back(town: Town) -> None:
    window = town.stranger().go("/auth/login")
    window.page.get_by_role("button", name="Try it as a guest").click()
    window.page.wait_for_url(window.home + "/")
    window.find(".top__account").click()
    expect(window.find("[name=current_password]")).to_have_count(0)
    said = window.find(".hint").first.inner_text()
    name = said.removeprefix("Others write to you as ").removesuffix(".")
    expect(window.page.get_by_role("heading", name="Keep this account")).to_be_visible()
    change_password(window, NEW_PASSWORD, current=None)
    expect(window.find(".flash")).to_contain_text("Your password is changed.")
    expect(window.find("[name=current_password]")).to_be_visible()
    window.page.get_by_role("button", name="Sign out").first.click()
    window.page.wait_for_url("**/auth/login")
    sign_in(window, name, NEW_PASSWORD)
    expect(window.find(".top__account")).to_be_visible()
    window.go("/account")
    expect(window.find(".hint").first).to_have_text(said)


def test_a_new_password_signs_out_the_other_browser_and_not_this_one(two: tuple[Person, Person]) -> None:
    ann, bob = two
    here, elsewhere = ann.open("/account"), ann.chat(bob, context=ann.lent())
    elsewhere.expect_problems("401")
    change_password(here, NEW_PASSWORD)
    expect(here.find(".flash")).to_have_text("Your password is changed. Everywhere else you are signed out.")
    elsewhere.state("signed-out")
    expect(elsewhere.find("#live-status")).to_have_text("You are signed out.")
    here.is_on("websocket")
    here.go("/").is_on("websocket")
    elsewhere.find("#live-login").click()
    sign_in(elsewhere, ann.name, NEW_PASSWORD)
    elsewhere.page.wait_for_url(f"**/chats/{bob.name}")


def test_a_wrong_current_password_is_named_beside_its_field_and_changes_nothing(two: tuple[Person, Person]) -> None:
    ann, bob = two
    here, elsewhere = ann.open("/account"), ann.chat(bob, context=ann.lent())
    here.expect_problems("422")
    change_password(here, NEW_PASSWORD, current="not this one")
    expect(here.find("#current_password-error")).to_have_text("The current password is wrong.")
    for field in ("current_password", "new_password"):
        assert here.find(f"[name={field}]").input_value() == "", "a password is not sent back"
    bob.send(ann, "still here?")
    elsewhere.shows("still here?")


# -- sessions and tokens


def test_the_page_says_where_one_is_signed_in_this_browser_first(two: tuple[Person, Person]) -> None:
    ann, _bob = two
    ann.lent()
    window = ann.open("/account")
    rows = window.find("section[aria-labelledby=sessions] .row")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("This browser")
    expect(rows.last).not_to_contain_text("This browser")
    expect(rows.first.get_by_role("button")).to_have_text("Sign out")
    expect(rows.last.get_by_role("button")).to_have_text("End")


def test_the_button_beside_a_session_ends_it_and_no_other(two: tuple[Person, Person]) -> None:
    ann, bob = two
    elsewhere = ann.chat(bob, context=ann.lent())
    elsewhere.expect_problems("401")
    here = ann.open("/account")
    here.page.get_by_role("button", name="End", exact=True).click()
    expect(here.find("section[aria-labelledby=sessions] .row")).to_have_count(1)
    elsewhere.state("signed-out")
    here.is_on("websocket")


def test_signing_out_everywhere_ends_every_window(two: tuple[Person, Person]) -> None:
    ann, bob = two
    elsewhere = ann.chat(bob, context=ann.lent())
    here, beside = ann.open("/account"), ann.open("/")
    for window in (elsewhere, beside):
        window.expect_problems("401")
    here.page.get_by_role("button", name="Sign out everywhere").click()
    here.page.wait_for_url("**/auth/login**")
    for window in (elsewhere, beside):
        window.state("signed-out")


def test_a_token_is_shown_once_and_works_until_it_is_revoked(two: tuple[Person, Person], server: AppServer) -> None:
    ann, _bob = two
    window = ann.open("/account")
    window.find("[name=label]").fill("backup script")
    window.find("[name=label]").press("Enter")
    token = window.find(".token").inner_text()
    row = window.find("section[aria-labelledby=tokens] .row")
    expect(row).to_have_text(re.compile("backup script.*never used", re.S))
    with server.client(token) as program:
        assert program.get("/auth/me").json()["name"] == ann.name
        window.go("/account")
        expect(window.find(".token")).to_have_count(0)
        expect(row).to_contain_text("last used")
        row.get_by_role("button", name="Revoke").click()
        expect(row).to_have_count(0)
        assert program.get("/auth/me").status_code == 401
