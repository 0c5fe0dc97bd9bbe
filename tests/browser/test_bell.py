"""The bell, the page of what happened, and who tells it: the same in all windows, whatever the connection does."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from myapp.announcements import service as announcements
from myapp.announcements.batches import announce as tell_everyone
from myapp.announcements.telling import advance, claim
from myapp.extensions import database
from myapp.notifications.content import Content

from ..support import AppServer
from .support import PATIENCE, TRANSPORTS, Person, Town, Window
from .telling import (
    SHOP,
    admin_of,
    announce,
    happen,
    keep_toasts,
    like,
    lists,
    make_admin,
    open_bell,
    rings,
    shop_of,
    sign_in_again,
    tell,
)
from .test_outage import new_epoch


@pytest.fixture
def bob(town: Town) -> Person:
    (bob,) = town.people_named("bob")
    return bob


def page_of(window: Window) -> Locator:
    return window.find("main [data-notices]")


def button(place: Locator | Window, name: str) -> Locator:
    root = place.page if isinstance(place, Window) else place
    return root.get_by_role("button", name=name, exact=True)


# -- what a system tells


def test_what_a_system_tells_is_everywhere_in_every_window_over_every_transport(bob: Person) -> None:
    windows = []
    for transport in TRANSPORTS:
        bob.prefer(transport)
        window = keep_toasts(bob.open("/notifications", transport=transport))
        window.mark()
        rings(window, 0)
        open_bell(window)
        windows.append(window)
    tell(bob, title="Your order <b>is</b> ready", body="Two\nlines", url="/account")
    for window in windows:
        rings(window, 1)
        for place in (window.find("#bell-panel"), page_of(window)):
            lists(place, ["Your order <b>is</b> ready"], [])
            expect(place.locator(".notice__body")).to_have_text("Two\nlines")
            expect(place.locator(".row__note")).to_contain_text(SHOP)
        expect(window.find(".toasts .live-toast a")).to_have_text("Your order <b>is</b> ready")
        assert not window.was_reloaded()
        assert len(window.heard) == 1
    tell(bob, title="Another")
    for window in windows:
        rings(window, 2)
        lists(page_of(window), ["Another", "Your order <b>is</b> ready"], [])


def test_what_is_marked_in_one_tab_is_marked_in_all(bob: Person) -> None:
    for title in ("one", "two", "three"):
        tell(bob, title=title)
    tabs = [bob.open("/account"), bob.open("/notifications"), bob.open("/")]
    panel, page = open_bell(tabs[0]), page_of(tabs[1])
    lists(panel, ["three", "two", "one"], [])
    button(panel, "Mark as seen: two").click()
    for place in (panel, page):
        lists(place, ["three", "one"], ["two"])
    for tab in tabs:
        rings(tab, 2)
    button(page, "Mark all as seen").click()
    for place in (panel, page):
        lists(place, [], ["three", "two", "one"])
        expect(button(place, "Mark all as seen")).to_have_count(0)
    for tab in tabs:
        rings(tab, 0)
    assert bob.program.get("/badges").json()["badges"]["notifications"] == 0


@pytest.mark.parametrize("way", ["item", "toast", "page"])
def test_a_link_leads_to_its_place_and_is_seen_afterwards(way: str, bob: Person) -> None:
    window, other = bob.open("/notifications" if way == "page" else "/"), bob.open("/")
    tell(bob, title="Your account", url="/account?from=bell")
    rings(window, 1)
    places = {"toast": window.find(".toasts"), "page": page_of(window)}
    place = open_bell(window) if way == "item" else places[way]
    place.get_by_role("link", name="Your account").click()
    window.page.wait_for_url("**/account?from=bell")
    for tab in (window, other):
        rings(tab, 0)
    lists(open_bell(window), [], ["Your account"])


def test_the_like_of_it_is_one_item_which_grows(bob: Person) -> None:
    happen(bob, like("Ann"), like("Eve"), like("Ann", post=6))
    window = bob.open("/notifications")
    page = page_of(window)
    lists(page, ["Ann liked your post", "Eve and Ann liked your post"], [])
    button(page, "Mark as seen: Eve and Ann liked your post").click()
    lists(page, ["Ann liked your post"], ["Eve and Ann liked your post"])
    rings(window, 1)
    happen(bob, like("Zoe", post=6), like("Zoe"))
    tell(bob, title="now")
    lists(page, ["now", "Zoe liked your post", "Zoe and Ann liked your post"], ["Eve and Ann liked your post"])
    rings(window, 4)


def test_messages_do_not_ring(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = bob.open("/notifications")
    ann.send(bob, "Hello")
    window.counts(1)
    rings(window, 0)
    lists(page_of(window), [], [])


def test_a_press_is_of_what_it_began_on_though_the_list_comes_anew_meanwhile(bob: Person) -> None:
    tell(bob, title="one")
    window = bob.open("/notifications")
    button(page_of(window), "Mark as seen: one").hover()
    window.page.mouse.down()
    with window.page.expect_response("**/notifications") as answered:
        tell(bob, title="two")
    answered.value.finished()
    window.page.mouse.up()
    lists(page_of(window), ["two"], ["one"])


# -- opening and closing


def test_the_panel_closes_by_its_bell_by_escape_and_by_a_click_elsewhere(bob: Person) -> None:
    window = bob.open("/account")
    bell, panel = window.find("#bell"), window.find("#bell-panel")
    expect(bell).to_have_attribute("aria-expanded", "false")
    open_bell(window)
    expect(bell).to_have_attribute("aria-expanded", "true")
    bell.click()
    expect(panel).to_be_hidden()
    open_bell(window).locator(".empty").click()
    expect(panel).to_be_visible()
    window.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(bell).to_be_focused()
    open_bell(window)
    window.find("h1").click()
    expect(panel).to_be_hidden()
    expect(bell).to_have_attribute("aria-expanded", "false")
    assert window.page.url.endswith("/account")


def test_a_click_with_a_modifier_opens_the_page_in_a_tab_of_its_own(bob: Person) -> None:
    window = bob.open("/account")
    with window.page.context.expect_page() as opened:
        window.find("#bell").click(modifiers=["ControlOrMeta"])
    expect(opened.value.locator("h1")).to_have_text("Notifications")
    expect(window.find("#bell-panel")).to_be_hidden()


def test_the_focus_is_where_it_was_when_the_list_comes_anew(bob: Person) -> None:
    for title in ("one", "two", "three"):
        tell(bob, title=title, url="/account")
    window, other = bob.open("/account"), bob.open("/notifications")
    panel, page = open_bell(window), page_of(other)
    for place in (panel, page):
        place.get_by_role("link", name="two").focus()
    tell(bob, title="four")
    for place in (panel, page):
        lists(place, ["four", "three", "two", "one"], [])
        expect(place.get_by_role("link", name="two")).to_be_focused()
    # marked one after the other: on to the next, at the end to the one that is left
    for title, following in (("two", "one"), ("one", "three"), ("three", "four")):
        button(panel, f"Mark as seen: {title}").press("Enter")
        expect(button(panel, f"Mark as seen: {following}")).to_be_focused(timeout=PATIENCE)
    button(panel, "Mark all as seen").press("Enter")
    lists(panel, [], ["four", "three", "two", "one"])
    expect(panel).to_be_focused()


# -- when something fails


@pytest.mark.parametrize("own_server", ["pywsgi"], indirect=True)
def test_after_an_outage_list_and_badge_are_right_and_nothing_is_there_twice(
    own_server: AppServer, own_town: Town
) -> None:
    (bob,) = own_town.people_named("bob")
    tell(bob, title="before")
    windows = []
    for transport in TRANSPORTS:
        bob.prefer(transport)
        window = keep_toasts(bob.open("/notifications", transport=transport))
        window.expect_outage()
        window.expect_problems("notices could not be loaded")
        open_bell(window)
        windows.append(window)
    own_server.kill()
    for window in windows:
        window.state("offline")
    happen(bob, like("Ann"), like("Eve"))
    own_server.start()
    for window in windows:
        rings(window, 3)
        for place in (window.find("#bell-panel"), page_of(window)):
            lists(place, ["Eve and Ann liked your post", "before"], [])
    tell(bob, title="after")
    for window in windows:
        rings(window, 4)
        lists(page_of(window), ["after", "Eve and Ann liked your post", "before"], [])
        heard = window.heard
        assert heard == sorted(set(heard)), "nothing came twice"
        expect(window.find(".live-toast")).to_have_count(1)


def test_offline_the_panel_says_so_and_is_filled_when_the_server_is_back(bob: Person) -> None:
    tell(bob, title="one")
    window = bob.open("/account")
    window.expect_outage()
    window.expect_problems("notices could not be loaded")
    window.page.context.set_offline(True)
    window.state("offline")
    window.find("#bell").click()
    panel = window.find("#bell-panel")
    expect(panel).to_have_text("The list could not be loaded. It will be tried again.")
    window.page.context.set_offline(False)
    lists(panel, ["one"], [])
    window.state("live")
    window.page.context.set_offline(True)
    window.state("offline")
    button(panel, "Mark as seen: one").click()
    expect(panel.get_by_role("alert")).to_have_text("That could not be marked as seen. Please try again.")
    lists(panel, ["one"], [])
    window.page.context.set_offline(False)
    window.state("live")
    button(panel, "Mark as seen: one").click()
    lists(panel, [], ["one"])
    expect(panel.get_by_role("alert")).to_have_count(0)


def test_a_session_that_ends_does_not_break_the_panel(bob: Person) -> None:
    tell(bob, title="one")
    window = bob.open("/notifications")
    window.expect_problems("401")
    panel = open_bell(window)
    bob.program.delete("/auth/sessions/all")
    window.state("signed-out")
    button(panel, "Mark as seen: one").click()
    expect(panel.get_by_role("alert")).to_have_text("You are signed out.")
    lists(panel, ["one"], [])
    window.page.keyboard.press("Escape")
    window.find("#bell").click()
    expect(panel).to_have_text("You are signed out.")
    assert window.page.url.endswith("/notifications")
    expect(window.find("#live-login")).to_be_visible()


def test_what_is_of_somebody_else_in_the_same_browser_is_not_shown(two: tuple[Person, Person]) -> None:
    ann, bob = two
    tell(bob, title="Bob's own")
    tell(ann, title="Ann's own")
    window = bob.open("/account", context=bob.lent())
    sign_in_again(ann, window)
    window.find("#bell").click()
    expect(window.find("#bell-panel")).to_have_text("You are signed out.")


def test_after_a_reset_the_bell_counts_what_is_there(bob: Person) -> None:
    tell(bob, title="one")
    windows = [bob.open("/notifications"), bob.open("/account")]
    panel = open_bell(windows[1])
    button(panel, "Mark as seen: one").focus()
    for window in windows:
        window.mark()
    happen(bob, like("Ann"), like("Eve"))
    new_epoch(bob.server)
    tell(bob, title="two")
    for window, place in zip(windows, (page_of(windows[0]), panel), strict=True):
        rings(window, 4)
        lists(place, ["two", "Eve and Ann liked your post", "one"], [])
        assert not window.was_reloaded()
        heard = window.heard
        assert heard == sorted(set(heard)), "nothing came twice"
    expect(button(panel, "Mark as seen: one")).to_be_focused()


# -- announcements


def test_what_an_administrator_announces_is_told_to_everybody_at_once(town: Town) -> None:
    ann, bob = town.people_named("ann", "bob")
    window = admin_of(town).open("/admin")
    others = [keep_toasts(window) for window in (ann.open("/account"), bob.open("/announcements"), bob.open("/"))]
    window.find("#title").fill("Maintenance on Sunday")
    window.find("#body").fill("From 2 to 3.")
    button(window, "Announce").click()
    expect(window.find(".flash")).to_have_text("The announcement is on its way.")
    expect(window.find("[data-state]").first).to_have_text("done", timeout=PATIENCE)
    for other in others:
        rings(other, 1)
    rings(window, 2)  # who announced it is told that it is done, too
    for other in others:
        toast = other.find(".toasts .live-toast")
        expect(toast).to_contain_text("Maintenance on Sunday")
        expect(toast).to_contain_text("From 2 to 3.")
    expect(page_of(others[1]).locator("h2").first).to_have_text("Maintenance on Sunday", timeout=PATIENCE)
    others[0].find(".live-toast a").click()
    others[0].page.wait_for_url("**/announcements#announcement-*")
    expect(others[0].find(".announcement:target h2")).to_have_text("Maintenance on Sunday")
    rings(others[0], 0)
    rings(others[1], 1)


def test_the_bar_of_an_announcement_runs_to_its_end_without_a_reload(town: Town) -> None:
    (ann,) = town.people_named("ann")
    with town.server.app.app_context():
        with database().transaction() as transaction:
            number, _ = announcements.create(transaction, Content("In small steps"))
            assert claim(transaction, number), "the server leaves it alone"
        window = admin_of(town).open("/admin")
        window.mark()
        row = window.find(f".row:has([data-progress$='/{number}'])")
        expect(row.locator("[data-state]")).to_have_text("running")
        bar = window.find("progress[aria-label='Progress of In small steps']").first
        expect(bar).to_have_js_property("value", 0)
        with database().transaction() as transaction:
            assert not advance(transaction, number, 1)
        expect(bar).to_have_js_property("value", 1, timeout=PATIENCE)
        tell_everyone(database(), number)
    state = window.find("progress[aria-label='Progress of In small steps'] + .row__note [data-state]").first
    expect(state).to_have_text("done", timeout=PATIENCE)
    assert bar.evaluate("(bar) => bar.value === bar.max")
    assert not window.was_reloaded()
    lists(page_of(ann.open("/notifications")), ["In small steps"], [])


# -- what one wants to hear of


def test_who_does_not_want_to_hear_of_a_system_is_told_nothing_until_they_do(bob: Person) -> None:
    tell(bob, title="one")
    window, other = bob.open("/notifications/preferences"), keep_toasts(bob.open("/account"))
    choice = window.page.get_by_role("checkbox", name=SHOP)
    expect(choice).to_be_checked()
    for is_wanted, said in ((False, "not wanted"), (True, "wanted again")):
        choice.set_checked(is_wanted)
        with window.page.expect_navigation():  # the page before says the same
            button(window, "Save").click()
        expect(window.find(".flash")).to_have_text("Saved.")
        expect(choice).to_be_checked(checked=is_wanted)
        tell(bob, title=said)
    rings(other, 2)
    lists(open_bell(other), ["wanted again", "one"], [])
    expect(other.find(".live-toast")).to_have_text(["wanted again×"])


def test_who_does_not_want_to_hear_of_a_kind_is_not_told_of_it(bob: Person) -> None:
    window = bob.open("/notifications/preferences")
    window.page.get_by_role("checkbox", name="Likes", exact=True).uncheck()
    button(window, "Save").click()
    expect(window.find(".flash")).to_have_text("Saved.")
    happen(bob, like("Ann"), like("Eve", kind="dislike"))
    tell(bob, title="now")
    rings(window, 2)
    lists(open_bell(window), ["now", "Eve disliked your post"], [])


# -- the pages of administrators


def test_a_token_is_shown_once_can_be_copied_and_works(bob: Person) -> None:
    admin = make_admin(bob)
    name, _token = shop_of(bob.server)
    context = admin.context()
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=bob.server.url)
    window = admin.open(f"/admin/systems/{name}", context=context)
    window.find("#label").fill("for the night")
    button(window, "Make a token").click()
    token = window.find("#new-token").inner_text()
    button(window, "Copy").click()
    expect(button(window, "Copied")).to_be_visible()
    assert window.page.evaluate("navigator.clipboard.readText()") == token
    expect(button(window, "Copy")).to_be_visible(timeout=PATIENCE)
    with bob.server.client(token) as program:
        answer = program.post("/api/notifications", json={"to": bob.name, "title": "It works"})
        assert answer.status_code == 202
    rings(window, 1)
    window.find(".top__link").first.click()
    window.page.wait_for_url(window.home + "/")
    window.go(f"/admin/systems/{name}")
    expect(window.find("main")).to_contain_text("for the night")
    expect(window.find("#new-token")).to_have_count(0)
    assert token not in window.page.content()


def test_the_back_button_does_not_show_a_token_again_nor_make_another(bob: Person) -> None:
    admin = make_admin(bob)
    name, _token = shop_of(bob.server)
    window = admin.open(f"/admin/systems/{name}")
    window.find("#label").fill(f"only one of {bob.name}")
    button(window, "Make a token").click()
    token = window.find("#new-token").inner_text()
    window.page.go_back()
    expect(window.find("h1")).to_have_text(SHOP)
    assert token not in window.page.content()
    window.go(f"/admin/systems/{name}")
    expect(window.find("main .row strong", has_text=f"only one of {bob.name}")).to_have_count(1)


def test_a_token_is_rotated_revoked_and_a_system_suspended(bob: Person, town: Town) -> None:
    admin = make_admin(bob)
    window = admin.open("/admin")
    window.expect_problems("409")
    name = f"robot-{bob.name}"
    for status in ("new", "taken"):
        window.go("/admin")
        window.find("#name").fill(name)
        button(window, "Add the system").click()
        if status == "new":
            window.page.wait_for_url(f"**/admin/systems/{name}")
    expect(window.find("#name-error")).to_have_text("The name is taken.")
    window.go(f"/admin/systems/{name}")
    button(window, "Make a token").click()
    first = window.find("#new-token").inner_text()
    button(window, "Rotate").click()
    expect(window.find(".flash")).to_have_text("The old token ends within a day.")
    expect(window.find("#new-token")).not_to_have_text(first)
    expect(button(window, "Revoke")).to_have_count(2)
    button(window, "Revoke").first.click()
    expect(button(window, "Revoke")).to_have_count(1)
    expect(window.find("#new-token")).to_have_count(0)
    with bob.server.client(first) as program:
        assert program.get("/auth/me").status_code == 200
        button(window, "Suspend").click()
        expect(button(window, "Let it in again")).to_be_visible()
        assert program.get("/auth/me").status_code == 401


def test_an_announcement_of_a_system_says_what_it_calls_itself(bob: Person) -> None:
    window = bob.open("/announcements")
    number = announce(bob.server, "Sale")
    expect(window.find(f"#announcement-{number} .row__note")).to_contain_text(SHOP, timeout=PATIENCE)
