"""Everything works by forms alone, in a browser without JavaScript."""

from __future__ import annotations

import io
import re
import secrets
from datetime import UTC, datetime

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, FilePayload, expect

from ..support import PASSWORD, AppServer
from .support import Person, Town, Window, numbered
from .telling import SHOP, admin_of, lists, rings, shop_of, tell

#: What only a script can work: the choice of how to follow, what is said of it, and the ways to the newest and back.
NEEDS_SCRIPTS = (
    "#live",
    "#live-transport",
    "#live-retry",
    "#live-reload",
    "#live-login",
    "#below",
    "#bell-panel",
    "[data-copy]",
)


@pytest.fixture
def plain(two: tuple[Person, Person]) -> tuple[Person, Person, Window]:
    """Ann and Bob, and Ann's window of a browser that runs no scripts."""
    ann, bob = two
    window = ann.open("/", transport=None, context=without_scripts(ann))
    expect(window.find("html")).to_have_attribute("data-live-state", "off")
    return ann, bob, window


def without_scripts(person: Person) -> BrowserContext:
    return person.lent(java_script_enabled=False)


def say(window: Window, text: str) -> None:
    window.find("#send textarea").fill(text)
    window.find("#send button").click()


def come_as_guest(town: Town) -> Window:
    window = town.stranger(java_script_enabled=False).go("/auth/login")
    window.page.get_by_role("button", name="Try it as a guest").click()
    window.page.wait_for_url(window.home + "/")
    return window


def png() -> FilePayload:
    out = io.BytesIO()
    Image.new("RGB", (300, 400), "red").save(out, "PNG")
    return {"name": "me.png", "mimeType": "image/png", "buffer": out.getvalue()}


def button(window: Window, name: str) -> None:
    window.page.get_by_role("button", name=name, exact=True).click()


def width(window: Window, selector: str) -> int:
    """Of a picture as it came, in pixels; a page without scripts can still be asked."""
    expect(window.find(selector)).to_have_js_property("complete", True)
    found: int = window.find(selector).evaluate("(image) => image.naturalWidth")
    return found


def test_one_registers_signs_out_and_signs_in(town: Town) -> None:
    window = town.stranger(java_script_enabled=False).go("/")
    window.page.wait_for_url("**/auth/login")
    window.page.get_by_role("link", name="Create an account").click()
    name = f"zoe-{secrets.token_hex(3)}"
    for _visit in ("sign up", "sign in"):
        window.find("[name=username]").fill(name)
        window.find("[name=password]").fill(PASSWORD)
        window.find("form.card button.primary").click()
        expect(window.find(".top__me")).to_contain_text(name)
        window.page.get_by_role("button", name="Sign out").click()
        window.page.wait_for_url("**/auth/login")


def test_one_is_led_to_the_page_one_wanted(two: tuple[Person, Person], town: Town) -> None:
    ann, bob = two
    window = town.stranger(java_script_enabled=False).go(f"/chats/{bob.name}")
    window.find("[name=username]").fill(ann.name)
    window.find("[name=password]").fill(PASSWORD)
    window.find("form.card button.primary").click()
    window.page.wait_for_url(f"**/chats/{bob.name}")


def test_one_finds_somebody_and_writes_to_them(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    window.find("[name=q]").fill(bob.name[:-2])
    window.page.get_by_role("button", name="Find").click()
    window.page.get_by_role("link", name=bob.name).click()
    say(window, "Hello Bob,\nthis is Ann & <you>")
    expect(window.find(".message--own [data-field=body]")).to_have_text("Hello Bob,\nthis is Ann & <you>")
    assert bob.stored(ann) == ["Hello Bob,\nthis is Ann & <you>"]
    window.go("/")
    expect(window.find(f"[data-conversation={bob.name}] .row__last")).to_contain_text("You: Hello Bob")


def test_one_is_told_when_nobody_is_found(plain: tuple[Person, Person, Window]) -> None:
    _ann, _bob, window = plain
    window.find("[name=q]").fill("nobody-of-this-name")
    window.find("[name=q]").press("Enter")
    expect(window.find(".empty").first).to_contain_text("Nobody by the name “nobody-of-this-name”")


def test_opening_a_conversation_does_not_read_it_but_the_button_does(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    bob.send(ann, "one", "two")
    window.go("/")
    window.counts(2)
    window.find(f"[data-conversation={bob.name}] a").click()
    expect(window.find(".message--unread")).to_have_count(2)
    window.counts(2)
    window.page.get_by_role("button", name="Mark 2 as read").click()
    window.counts(0)
    expect(window.find(".message--unread")).to_have_count(0)
    expect(window.find("#mark-read")).to_have_count(0)


def test_answering_reads_what_the_page_showed_and_no_more(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    bob.send(ann, "shown")
    window.go(f"/chats/{bob.name}")
    bob.send(ann, "not shown")
    say(window, "an answer")
    window.counts(1)
    expect(window.find(".message--unread [data-field=body]")).to_have_text(["not shown"])


def test_the_writer_sees_what_was_seen(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    (number,) = ann.send(bob, "Hello")
    window.go(f"/chats/{bob.name}")
    expect(window.find("[data-field=mark]")).to_have_text("Sent")
    bob.program.post("/messages/read", json={"with": ann.name, "upto": number})
    window.page.reload()
    expect(window.find("[data-field=mark]")).to_have_text("Seen")


def test_a_form_sent_twice_is_one_message(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    window.go(f"/chats/{bob.name}")
    window.find("#send textarea").fill("only once")
    window.expect_problems("failed: POST .*ERR_ABORTED")  # the first click's, where it has no answer at the second one
    window.find("#send button").dblclick()
    expect(window.find(".message")).to_have_count(1)
    window.page.go_back()
    window.page.go_forward()
    window.page.reload()
    assert ann.stored(bob) == ["only once"]


def test_a_refused_message_is_kept_in_the_form_and_says_why(plain: tuple[Person, Person, Window]) -> None:
    _ann, bob, window = plain
    window.expect_problems("422")
    window.go(f"/chats/{bob.name}")
    say(window, "   ")
    expect(window.find("#send-error")).to_have_text("The message is empty or blank; write something.")
    say(window, "better")
    expect(window.find(".message--own [data-field=body]")).to_have_text("better")


def test_older_messages_are_a_page_away(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    ids = bob.send(ann, *numbered(60))
    ann.program.post("/messages/read", json={"with": bob.name, "upto": ids[-1]})
    window.go(f"/chats/{bob.name}")
    expect(window.bodies).to_have_count(50)
    expect(window.bodies.last).to_have_text("message 60")
    expect(window.bodies.last).to_be_in_viewport()
    window.page.get_by_role("link", name="Older messages").click()
    expect(window.bodies).to_have_text([f"message {number}" for number in range(1, 11)])
    window.page.get_by_role("link", name="Newest messages").click()
    expect(window.bodies).to_have_count(50)


def test_one_ends_a_session_of_another_browser(plain: tuple[Person, Person, Window], server: AppServer) -> None:
    ann, _bob, window = plain
    other = ann.open("/", transport=None, context=without_scripts(ann))
    window.go("/account")
    expect(window.find("form[action*=sessions] button")).to_have_text(["Sign out", "End", "Sign out everywhere"])
    window.page.get_by_role("button", name="End", exact=True).click()
    expect(window.find("form[action*=sessions] button")).to_have_text(["Sign out"])
    other.page.reload()
    other.page.wait_for_url("**/auth/login**")


def test_one_signs_out_everywhere(plain: tuple[Person, Person, Window]) -> None:
    ann, _bob, window = plain
    other = ann.open("/", transport=None, context=without_scripts(ann))
    window.go("/account")
    window.page.get_by_role("button", name="Sign out everywhere").click()
    window.page.wait_for_url("**/auth/login**")
    for each in (window, other):
        each.go("/")
        each.page.wait_for_url("**/auth/login**")


def test_one_makes_a_token_that_works_and_revokes_it(plain: tuple[Person, Person, Window], server: AppServer) -> None:
    ann, _bob, window = plain
    window.go("/account")
    window.find("[name=label]").fill("backup script")
    window.page.get_by_role("button", name="Create").click()
    token = window.find("code.token").inner_text()
    with server.client(token) as program:
        assert program.get("/auth/me").json()["name"] == ann.name
        window.go("/account")
        expect(window.find("code.token")).to_have_count(0)
        expect(window.find(".row__name")).to_have_text("backup script")
        window.page.get_by_role("button", name="Revoke").click()
        expect(window.page.get_by_role("button", name="Revoke")).to_have_count(0)
        assert program.get("/auth/me").status_code == 401


def test_a_guest_finds_nothing_then_somebody_and_writes(town: Town, two: tuple[Person, Person]) -> None:
    _ann, bob = two
    window = come_as_guest(town)
    expect(window.find("#no-conversations")).to_contain_text("Hello")
    window.find("[name=q]").fill(bob.name)
    button(window, "Find")
    window.find("section[aria-labelledby=people]").get_by_role("link", name=bob.name).click()
    expect(window.find("#no-messages")).to_have_text("No messages yet. Write the first one below.")
    say(window, "Hello Bob, I am new here")
    expect(window.find("#no-messages")).to_have_count(0)
    window.page.get_by_role("link", name="All conversations").click()
    expect(window.find("#no-conversations")).to_have_count(0)
    expect(window.find("[data-conversation] .row__last")).to_have_text("You: Hello Bob, I am new here")


def test_a_guest_chooses_a_password_and_comes_back(town: Town) -> None:
    window = come_as_guest(town).go("/account")
    said = window.find(".hint").first.inner_text()
    window.find("[name=new_password]").fill("battery staple")
    button(window, "Choose the password")
    expect(window.find(".flash")).to_contain_text("Your password is changed.")
    window.find("header").get_by_role("button", name="Sign out").click()
    window.find("[name=username]").fill(said.removeprefix("Others write to you as ").removesuffix("."))
    window.find("[name=password]").fill("battery staple")
    window.find("form.card button.primary").click()
    window.page.wait_for_url(window.home + "/")
    expect(window.find(".top__account")).to_be_visible()


def test_one_changes_the_password_and_only_this_browser_stays(plain: tuple[Person, Person, Window]) -> None:
    ann, _bob, window = plain
    other = ann.open("/", transport=None, context=without_scripts(ann))
    window.go("/account")
    window.find("[name=current_password]").fill(PASSWORD)
    window.find("[name=new_password]").fill("battery staple")
    button(window, "Change the password")
    expect(window.find(".flash")).to_contain_text("Everywhere else you are signed out.")
    other.page.reload()
    other.page.wait_for_url("**/auth/login**")
    window.go("/")
    expect(window.find(".top__account")).to_be_visible()


def test_one_changes_name_and_picture_and_others_see_both(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    ann.send(bob, "Hello")
    other = bob.open("/", transport=None, context=without_scripts(bob))
    window.go("/account")
    window.find("[name=display_name]").fill("Ann of Green Gables")
    window.find("form:has([name=display_name]) button").click()
    expect(window.find(".top__name")).to_have_text("Ann of Green Gables")
    window.find("[name=picture]").set_input_files(png())
    button(window, "Upload")
    expect(window.find(".flash")).to_have_text("Your picture is changed.")
    with_picture = window.find(".avatar--big").get_attribute("src")
    assert width(window, ".top__me .avatar") == width(window, ".avatar--big") == 256
    for path, name, picture in (
        ("/", ".row__name", "[data-conversation] .avatar"),
        (f"/chats/{ann.name}", "h1", ".chat__head .avatar"),
    ):
        other.go(path)
        expect(other.find(name)).to_have_text("Ann of Green Gables")
        expect(other.find(picture)).to_have_attribute("src", str(with_picture))
        assert width(other, picture) == 256
    button(window, "Remove the picture")
    expect(window.find(".flash")).to_have_text("Your picture is removed.")
    assert window.find(".avatar--big").get_attribute("src") != with_picture


def test_one_reads_the_pages_in_another_language(plain: tuple[Person, Person, Window], town: Town) -> None:
    _ann, _bob, window = plain
    for reader, path in ((window, "/account"), (town.stranger(java_script_enabled=False), "/auth/register")):
        reader.go(path)
        button(reader, "中文")
        expect(reader.find("html")).to_have_attribute("lang", "zh-Hans")
        assert reader.page.url == reader.home + path
        reader.page.reload()
        expect(reader.find("html")).to_have_attribute("lang", "zh-Hans")
        button(reader, "English")
        expect(reader.find("html")).to_have_attribute("lang", "en")
    window.find("#language").select_option("zh")
    window.find("form:has(#language) button").click()
    expect(window.find("html")).to_have_attribute("lang", "zh-Hans")
    window.find("#language").select_option("")
    window.find("form:has(#language) button").click()
    expect(window.find("html")).to_have_attribute("lang", "en")


def test_what_is_new_is_there_after_looking_for_it(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    window.go(f"/chats/{bob.name}")
    bob.send(ann, "are you there?")
    window.page.get_by_role("link", name="Look for new ones").click()
    expect(window.bodies).to_have_text(["are you there?"])
    expect(window.find(".unread")).to_have_text("New messages")


def test_days_and_a_line_before_the_new_part_the_messages(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    (read,) = bob.send(ann, "old")
    ann.program.post("/messages/read", json={"with": bob.name, "upto": read})
    bob.send(ann, "new", "newer")
    window.go(f"/chats/{bob.name}")
    parts = window.find("[data-chat] > li").evaluate_all(
        "(items) => items.map((item) => (item.querySelector('[data-field=body], time, span') ?? item).textContent)"
    )
    bodies = window.bodies.all_text_contents()
    assert bodies == ["old", "new", "newer"]
    assert len(parts) == 5
    expect(window.find("[data-chat] > li").first).to_have_text("Today")
    expect(window.find(".unread + .message [data-field=body]")).to_have_text("new")


def test_times_are_in_utc_and_say_so(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    bob.send(ann, "Hello")
    today = datetime.now(UTC).date().isoformat()
    for path in ("/", f"/chats/{bob.name}", "/account"):
        window.go(path)
        for time in window.find("time:not([data-style=day])").all():
            title = str(time.get_attribute("title"))
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", title), title
            at = datetime.fromisoformat(str(time.get_attribute("datetime")))
            assert title == f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    window.go(f"/chats/{bob.name}")
    assert window.find(".day").get_attribute("data-day") in (today, datetime.now(UTC).date().isoformat())


def test_one_reads_and_marks_what_happened(plain: tuple[Person, Person, Window]) -> None:
    ann, _bob, window = plain
    for title in ("one", "two", "three"):
        tell(ann, title=title, url="/account")
    window.page.reload()
    rings(window, 3)
    window.find("#bell").click()
    window.page.wait_for_url("**/notifications")
    main = window.find("main")
    lists(main, ["three", "two", "one"], [])
    button(window, "Mark as seen: two")
    lists(main, ["three", "one"], ["two"])
    rings(window, 2)
    button(window, "Mark all as seen")
    lists(main, [], ["three", "two", "one"])
    rings(window, 0)
    window.page.get_by_role("link", name="two").click()
    window.page.wait_for_url("**/account")


def test_older_notices_are_a_page_away_and_are_marked_there(plain: tuple[Person, Person, Window]) -> None:
    ann, _bob, window = plain
    for number in range(52):
        tell(ann, title=f"notice {number}")
    window.go("/notifications")
    window.page.get_by_role("link", name="Older ones").click()
    lists(window.find("main"), ["notice 1", "notice 0"], [])
    button(window, "Mark as seen: notice 1")
    lists(window.find("main"), ["notice 0"], ["notice 1"])
    assert "before=" in window.page.url
    window.page.get_by_role("link", name="Newest").click()
    expect(window.find(".notice--new")).to_have_count(50)


def test_one_chooses_what_to_hear_of(plain: tuple[Person, Person, Window]) -> None:
    ann, _bob, window = plain
    tell(ann, title="wanted")
    window.go("/notifications")
    window.page.get_by_role("link", name="What to hear of").click()
    window.page.get_by_role("checkbox", name=SHOP).uncheck()
    button(window, "Save")
    expect(window.find(".flash")).to_have_text("Saved.")
    expect(window.page.get_by_role("checkbox", name=SHOP)).not_to_be_checked()
    tell(ann, title="not wanted")
    lists(window.go("/notifications").find("main"), ["wanted"], [])


def test_an_administrator_announces_and_makes_a_token(town: Town) -> None:
    admin = admin_of(town)
    window = admin.open("/admin", transport=None, context=without_scripts(admin))
    window.find("#title").fill("Maintenance")
    button(window, "Announce")
    expect(window.find(".flash")).to_have_text("The announcement is on its way.")
    window.go("/announcements")
    expect(window.find(".announcement h2").first).to_have_text("Maintenance")
    window.go("/admin").page.get_by_role("link", name=shop_of(town.server)[0]).click()
    button(window, "Make a token")
    with town.server.client(window.find("#new-token").inner_text()) as program:
        assert program.get("/auth/me").json()["display_name"] == SHOP
    expect(window.find("[data-copy]")).to_be_hidden()


def test_nothing_is_shown_that_only_a_script_can_work(plain: tuple[Person, Person, Window], town: Town) -> None:
    ann, bob, window = plain
    bob.send(ann, *numbered(60))
    window.expect_problems("404")
    tell(ann, title="one")
    chats = (f"/chats/{bob.name}", f"/chats/{bob.name}?before=1000000")
    notices = ("/notifications", "/notifications/preferences", "/announcements")
    for path in ("/", "/?q=b", *chats, "/account", *notices, "/nowhere"):
        window.go(path)
        for selector in NEEDS_SCRIPTS:
            expect(window.find(selector)).to_be_hidden()
        # every other button sends a form
        for each in window.find("button:visible").all():
            assert each.evaluate("(button) => button.type === 'submit' && button.form !== null"), path
    stranger = town.stranger(java_script_enabled=False)
    for path in ("/auth/login", "/auth/register"):
        stranger.go(path)
        for each in stranger.find("button:visible").all():
            assert each.evaluate("(button) => button.type === 'submit' && button.form !== null"), path


def test_a_phone_without_scripts_can_sign_out(plain: tuple[Person, Person, Window]) -> None:
    ann, _bob, _window = plain
    context = ann.lent(java_script_enabled=False, viewport={"width": 360, "height": 640})
    window = ann.open("/", transport=None, context=context)
    window.page.get_by_role("link", name="Account").click()
    window.page.get_by_role("button", name="Sign out", exact=True).click()
    window.page.wait_for_url("**/auth/login**")


def test_a_phone_without_scripts_shows_whom_one_writes_to(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, _window = plain
    bob.send(ann, "one")
    context = ann.lent(java_script_enabled=False, viewport={"width": 360, "height": 640})
    window = ann.open(f"/chats/{bob.name}", transport=None, context=context)
    expect(window.page.get_by_role("link", name="Look for new ones")).to_be_visible()
    name = window.find("#chat-name")
    assert name.evaluate("(name) => name.scrollWidth <= name.clientWidth")


def test_one_posts_replies_likes_and_deletes(plain: tuple[Person, Person, Window]) -> None:
    ann, bob, window = plain
    window.expect_problems("422")
    window.page.get_by_role("link", name="Posts").click()
    window.write_post("x" * 4001)
    expect(window.find("#write-error")).to_contain_text("4001 characters")
    expect(window.find("#write textarea")).to_have_value("x" * 4001)
    window.write_post(f"Hello,\n@{bob.name} & <you>")
    post = window.find(".post").filter(has_text="Hello,")
    expect(post.locator("[data-field=body]")).to_have_text(f"Hello,\n@{bob.name} & <you>")
    number = int(post.get_attribute("data-post") or 0)
    answer = bob.reply(number, "I see")
    window.page.reload()
    expect(window.find("[data-badge=replies]")).to_have_text("1")
    post.locator(".post__at").click()
    expect(window.find("[data-badge=replies]")).to_be_hidden()
    like = window.find(f"#post-{answer} [data-reaction=like]")
    for count, is_pressed in (("1", "true"), ("0", "false")):
        like.click()
        expect(like).to_have_attribute("aria-pressed", is_pressed)
        expect(like).to_contain_text(count)
    window.write_post("Good")
    expect(window.find("[data-posts] [data-field=body]")).to_have_text(["I see", "Good"])
    own = window.find("[data-posts] > .post").last
    own.locator(".post__menu > summary").click()
    own.locator(".post__actions summary").click()
    own.locator(".danger").click()
    expect(window.find("[data-posts] > .post").last).to_have_text("This reply was deleted.")
    expect(window.find("#news")).to_be_hidden()
