"""How pages look: nothing jumps, nothing is wider than the window, on paper as on the screen, by day and by night."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from myapp.auth import people, service
from myapp.db import now_ms
from myapp.extensions import database
from myapp.messages.models import messages
from myapp.statements import statement
from myapp.systems import service as systems
from myapp.systems import tokens

from .support import PATIENCE, Person, Town, Window, numbered
from .telling import keep_toasts, lists, make_admin, open_bell, rings, tasks_of_all_kinds, tell
from .test_pages import sideways

SIZES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1280, "height": 800}},
}
WIDTHS = (320, 360, 768, 1440)
#: What a page may move by, in all, without anybody having done anything (web.dev calls 0.1 good).
MOST_SHIFT = 0.01
#: The same where the server learns the reader's time zone only by this visit: days begin between other messages.
MOST_SHIFT_FIRST = 0.03
#: The longest that one can be called, in the widest characters there are.
WIDEST = "漢" * 64

_DATE = statement(sa.update(messages).where(messages.c.id == sa.bindparam("number")).values(at=sa.bindparam("then")))

# Keeps what moved from the first paint on, by how much, and which elements.
_WATCH = r"""
window.shifts = [];
window.keepShifts = (entries) => {
  for (const { value, sources, hadRecentInput } of entries) {
    const nodes = sources.map(({ node }) => node);
    // the notice itself leaves its place in the header and comes over the page, where it is in nobody's way
    if (hadRecentInput || nodes.every((node) => node?.closest?.('.live__notice'))) continue;
    shifts.push([value, ...nodes.map((node) => (node?.outerHTML ?? '?').replace(/\s+/g, ' ').slice(0, 150))]);
  }
};
window.watchingShifts = new PerformanceObserver((list) => keepShifts(list.getEntries()));
watchingShifts.observe({ type: 'layout-shift', buffered: true });
"""

_SHIFTS = """async () => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
  await frame(), await frame(), await frame();
  keepShifts(watchingShifts.takeRecords());
  return shifts.splice(0);
}"""


def watched(window: Window) -> Window:
    window.page.add_init_script(_WATCH)
    return window


def shifts(page: Page, most: float = MOST_SHIFT) -> list[Any]:
    """What has moved since this was last asked, when it is more than a page may."""
    found: list[Any] = page.evaluate(_SHIFTS)
    return found if sum(shift[0] for shift in found) >= most else []


def let_pass(hours: int, *ids: int, person: Person) -> None:
    """These messages were written so long ago."""
    with person.server.app.app_context(), database().transaction() as transaction:
        for number in ids:
            transaction.run(_DATE, number=number, then=now_ms() - hours * 3_600_000)


@pytest.fixture
def ann_and_bob(two: tuple[Person, Person]) -> tuple[Person, Person]:
    """Who have talked for days, until now."""
    ann, bob = two
    let_pass(50, *bob.send(ann, "the day before yesterday"), person=bob)
    for hours in (24, 12, 6, 3):
        let_pass(hours, *bob.send(ann, f"{hours} hours ago", "and a long one " * 20), person=bob)
        let_pass(hours, *ann.send(bob, f"yes, {hours} hours ago"), person=ann)
    return ann, bob


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_while_a_page_is_loaded(size: str, ann_and_bob: tuple[Person, Person]) -> None:
    ann, bob = ann_and_bob
    post = ann.post("long " * 100)
    bob.reply(post, "Hello")
    tasks_of_all_kinds(ann)
    pages = ("/", "/?q=b", f"/chats/{bob.name}", "/account", "/posts", f"/posts/{post}", "/tasks")
    moved = {}
    for path in pages:  # each in a browser that has been nowhere: the server does not know its time zone
        context = ann.context(timezone_id="Asia/Shanghai", color_scheme="light", **SIZES[size])
        context.add_init_script(_WATCH)
        window = ann.open(path, context=context)
        moved[f"{path}, first visit"] = shifts(window.page, MOST_SHIFT_FIRST)
        window.go(path).is_on("websocket")
        moved[f"{path}, second visit"] = shifts(window.page)
        context.close()
    assert {place: shift for place, shift in moved.items() if shift} == {}


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_while_a_stranger_s_page_is_loaded(size: str, town: Town) -> None:
    window = watched(town.stranger(**SIZES[size]))
    window.expect_problems("404")
    for path in ("/auth/login", "/auth/register", "/auth/login", "/nowhere"):
        window.go(path)
        assert shifts(window.page) == [], path


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_when_the_page_is_offline_and_back(size: str, ann_and_bob: tuple[Person, Person]) -> None:
    ann, bob = ann_and_bob
    context = ann.context(**SIZES[size])
    context.add_init_script(_WATCH)
    windows = [ann.open(path, context=context) for path in ("/", f"/chats/{bob.name}", "/account")]
    for window in windows:
        window.expect_outage()
        window.expect_problems("ERR_INTERNET_DISCONNECTED")
        window.page.bring_to_front()
        shifts(window.page)
    context.set_offline(True)
    for window in windows:
        window.page.bring_to_front()
        window.state("offline")
        expect(window.find("#live-retry")).to_be_visible(timeout=PATIENCE)
        assert shifts(window.page) == [], f"{window.page.url} when it went offline"
    context.set_offline(False)
    for window in windows:
        window.page.bring_to_front()
        window.state("live")
        assert shifts(window.page) == [], f"{window.page.url} when it came back"


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_when_badges_appear(size: str, ann_and_bob: tuple[Person, Person]) -> None:
    ann, bob = ann_and_bob
    (last,) = bob.send(ann, "read already")
    ann.program.post("/messages/read", json={"with": bob.name, "upto": last})
    context = ann.context(**SIZES[size])
    context.add_init_script(_WATCH)
    for path in ("/", "/account"):
        window = ann.open(path, context=context)
        window.counts(0)
        shifts(window.page)
        (last,) = bob.send(ann, "unread")
        window.counts(1)
        assert shifts(window.page) == [], f"{path} when it came"
        ann.program.post("/messages/read", json={"with": bob.name, "upto": last})
        window.counts(0)
        assert shifts(window.page) == [], f"{path} when it went"
        tell(ann, title="It rings")
        rings(window, 1)
        assert shifts(window.page) == [], f"{path} when it rang"
        ann.program.post("/notifications/seen", json={"upto": window.heard[-1]})
        rings(window, 0)
        assert shifts(window.page) == [], f"{path} when it was seen"


# -- widths


def crowd(town: Town) -> tuple[Person, dict[str, str]]:
    """Somebody whose pages are full, and their addresses."""
    ann, bob, eve = town.people_named("ann", "w" * 25, "eve")
    with town.server.app.app_context(), database().transaction() as transaction:
        me = people.by_name(transaction, ann.name)
        for person, shown in ((ann, WIDEST), (bob, WIDEST), (eve, "W" * 64)):
            people.rename(transaction, people.by_name(transaction, person.name).id, shown)
        for number in range(12):
            service.start_session(transaction, me.id, f"2001:db8:ffff:ffff:ffff:ffff:ffff:{number}", "Mozilla/5.0" * 20)
            service.create_token(transaction, me.id, "W" * 64)
    bob.send(ann, "https://example.org/" + "path/" * 60, "w" * 500, "漢" * 300, "<pre>" + "-" * 300)
    eve.send(ann, *numbered(150))
    ann.send(bob, "short", "wide " * 200)
    bob.send(ann, "unread " * 30)
    told = told_much(make_admin(ann))
    tasks_of_all_kinds(ann, title="w" * 200, reason="漢" * 300 + "w" * 300)
    names = {"list": "/", "people": f"/?q={bob.name[:5]}", "nobody": "/?q=" + "w" * 150, "account": "/account"}
    post = bob.post(f"@{ann.name} https://example.org/" + "path/" * 60 + "w" * 500 + "漢" * 300)
    for person in (ann, bob, eve):
        person.reply(post, "w" * 500)
        person.react(post, "like")
    own = ann.post("w" * 500)
    for person, reaction in ((bob, "like"), (eve, "dislike")):
        person.react(own, reaction)
        person.reply(own, "Hello")
    names |= {"feed": "/posts", "post": f"/posts/{post}", "tasks": "/tasks"}
    chats = {"chat": f"/chats/{bob.name}", "many": f"/chats/{eve.name}", "old": f"/chats/{eve.name}?before=1000000"}
    return ann, {**names, **chats, **told}


def told_much(ann: Person) -> dict[str, str]:
    """The pages of what they were told, in the longest words, and of a system with the longest names."""
    name = "w" * 26 + ann.name[-6:]
    with ann.server.app.app_context(), database().transaction() as transaction:
        account = systems.create(transaction, name, WIDEST)
        for label in ("W" * 100, ""):
            token = tokens.create(transaction, account.id, label, list(tokens.SCOPES), None)["token"]
    with ann.server.client(token) as program:
        wide = {"title": "W" * 200, "body": "漢" * 300, "url": "https://example.org/" + "path/" * 60}
        for more in ({}, {"badge": "w" * 32}, {"body": "w" * 500}):
            answer = program.post("/api/notifications", json={"to": ann.name, **wide, **more})
            assert answer.status_code == 202
        assert program.post("/api/announcements", json=wide).status_code == 202
    return {
        "notifications": "/notifications",
        "preferences": "/notifications/preferences",
        "announcements": "/announcements",
        "administration": "/admin",
        "system": f"/admin/systems/{name}",
    }


def too_wide(window: Window) -> dict[int, list[str]]:
    found = {}
    for width in WIDTHS:
        window.page.set_viewport_size({"width": width, "height": 700})
        if wide := sideways(window):
            found[width] = wide
    return found


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_no_page_of_somebody_busy_scrolls_sideways(language: str, town: Town) -> None:
    ann, pages = crowd(town)
    window = ann.open("/", context=ann.lent(locale=language))
    found = {}
    for name, path in pages.items():
        window.go(path).is_on("websocket")
        if wide := too_wide(window):
            found[name] = wide
    assert found == {}


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_the_parts_of_the_header_do_not_overlap(language: str, town: Town) -> None:
    ann, _pages = crowd(town)
    window = ann.open("/account", context=ann.lent(locale=language))
    expect(window.find("[data-badge=messages]")).to_have_text("155")
    rings(window, 15)
    found = {}
    for width in WIDTHS:
        window.page.set_viewport_size({"width": width, "height": 700})
        found[width] = window.page.evaluate(
            """() => {
              const me = ['.bell', '.top__account', '.top__me > form button'];
              const parts = ['.top__link', '.badge:not(.bell *)', '.live__dot', 'select', ...me]
                .flatMap((selector) => [...document.querySelectorAll(`.top ${selector}`)])
                .filter((part) => part.checkVisibility());
              const boxes = parts.map((part) => [part, part.getBoundingClientRect()]);
              return boxes.flatMap(([part, box], index) => boxes.slice(index + 1)
                .filter(([other]) => !part.contains(other))
                .filter(([, { left, right }]) => left < box.right && right > box.left)
                .filter(([, { top, bottom }]) => top < box.bottom && bottom > box.top)
                .map(([other]) => `${part.className || part.id} and ${other.className || other.id}`));
            }"""
        )
    assert {width: overlaps for width, overlaps in found.items() if overlaps} == {}


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_what_the_bell_opens_is_whole_in_every_window_and_scrolls_inside(language: str, town: Town) -> None:
    ann, _pages = crowd(town)
    window = ann.open("/", context=ann.lent(locale=language))
    panel = open_bell(window)
    for width in WIDTHS:
        window.page.set_viewport_size({"width": width, "height": 500})
        box = panel.bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] + box["height"] <= 500, width
        assert width > 640 or box["width"] == width, "all of a phone's"
        assert sideways(window) == [], width
        assert panel.evaluate("(panel) => [panel.scrollWidth - panel.clientWidth, scrollY]") == [0, 0]
        panel.locator(".panel__foot a").scroll_into_view_if_needed()
        expect(panel.locator(".panel__foot a")).to_be_in_viewport()
        assert window.page.evaluate("scrollY") == 0


def test_the_list_that_comes_anew_does_not_jump(town: Town) -> None:
    (ann,) = town.people_named("ann")
    titles = numbered(12, "notice")
    for title in titles:
        tell(ann, title=title)
    context = ann.lent(viewport={"width": 360, "height": 500})
    window = ann.open("/notifications", context=context)
    panel = open_bell(window)
    panel.evaluate("(panel) => { panel.scrollTop = 200 }")
    window.page.evaluate("scrollTo(0, 100)")
    tell(ann, title="one more")
    lists(panel, ["one more", *titles[::-1]], [])
    assert panel.evaluate("(panel) => [panel.scrollTop, scrollY]") == [200, 100]


def test_long_toasts_leave_the_page_in_sight(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = keep_toasts(ann.chat(bob, context=ann.lent(viewport={"width": 320, "height": 568})))
    for number in range(4):
        tell(ann, title=f"{number} " + "W" * 190, body="w " * 1000, url="/account")
    toasts = window.find(".live-toast")
    expect(toasts).to_have_count(4, timeout=PATIENCE)
    expect(window.find(".live-toast:visible")).to_have_count(2)
    assert sideways(window) == []
    top, composer = toasts.nth(2).bounding_box(), window.find("#send").bounding_box()
    last = toasts.nth(3).bounding_box()
    assert top and last and composer
    assert top["y"] > 568 / 4 and last["y"] + last["height"] <= composer["y"]


def test_a_message_of_somebody_with_a_long_name_says_it_in_one_line(town: Town) -> None:
    ann, pages = crowd(town)
    window = ann.open(pages["chat"], context=ann.lent(viewport={"width": 320, "height": 640}))
    name = window.find(".message--other .message__from").first
    assert name.evaluate(
        "(name) => name.getBoundingClientRect().height < 1.8 * parseFloat(getComputedStyle(name).fontSize)"
    )


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_no_page_of_a_guest_or_a_stranger_scrolls_sideways(language: str, town: Town) -> None:
    window = town.stranger(locale=language)
    window.expect_problems("404")
    found = {}
    for path in ("/auth/register", "/nowhere", "/docs/api", "/auth/login"):
        if wide := too_wide(window.go(path)):
            found[path] = wide
    window.find(".card--guest button").click()
    window.page.wait_for_url(window.home + "/")
    for path in ("/", "/account"):
        window.go(path).is_on("websocket")
        if wide := too_wide(window):
            found[f"guest, {path}"] = wide
    assert found == {}


@pytest.mark.parametrize("state", ["offline", "signed-out"])
def test_what_is_said_of_the_connection_is_no_wider_than_a_small_phone(state: str, two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob, context=ann.lent(viewport={"width": 320, "height": 568}))
    window.expect_outage()
    window.expect_problems("ERR_INTERNET_DISCONNECTED", "401")
    if state == "offline":
        window.page.context.set_offline(True)
    else:
        ann.program.delete("/auth/sessions/all")
    window.state(state)
    button = window.find("#live-retry" if state == "offline" else "#live-login")
    expect(button).to_be_in_viewport(ratio=1, timeout=PATIENCE)
    assert sideways(window) == []
    assert window.find(".live__notice").bounding_box()["x"] >= 0  # type: ignore[index]


# -- paper


@pytest.fixture
def printed(two: tuple[Person, Person]) -> Window:
    """A long conversation as it is printed."""
    ann, bob = two
    bob.send(ann, *numbered(30))
    ann.send(bob, *numbered(20, "answer"))
    window = ann.chat(bob)
    window.page.emulate_media(media="print")
    return window


def test_on_paper_there_is_nothing_to_click(printed: Window) -> None:
    for gone in (".top", ".foot", ".skip", ".chat__foot", ".chat__back", ".chat__more", "#below", "#live-transport"):
        for each in printed.find(gone).all():
            expect(each).to_be_hidden()
    expect(printed.find("button:visible, input:visible, textarea:visible, select:visible")).to_have_count(0)
    expect(printed.find("h1")).to_be_visible()


def test_on_paper_every_message_is_whole(printed: Window) -> None:
    clipped = printed.page.evaluate(
        """() => [...document.querySelectorAll('[data-field=body]')].filter((body) => {
          const { top, bottom, left, right } = body.getBoundingClientRect();
          for (let around = body.parentElement; around !== document.documentElement; around = around.parentElement) {
            const box = around.getBoundingClientRect();
            const isCut = top < box.top - 1 || bottom > box.bottom + 1 || left < box.left - 1 || right > box.right + 1;
            if (isCut && getComputedStyle(around).overflow !== 'visible') return true;
          }
          return top + scrollY < 0 || bottom + scrollY > document.documentElement.scrollHeight + 1;
        }).map((body) => body.textContent)"""
    )
    assert clipped == []
    expect(printed.bodies).to_have_count(50)
    for body in (printed.bodies.first, printed.bodies.last):
        expect(body).to_be_visible()
    pages = re.findall(rb"/Type\s*/Page\b", printed.page.pdf(format="A4"))
    assert len(pages) >= 2, "what does not fit on one page is on the next"


def test_on_paper_it_is_said_whose_each_message_is(printed: Window) -> None:
    names = printed.find(".message__from").evaluate_all(
        """(names) => names.map((name) => {
          const { width, height } = name.getBoundingClientRect();
          return width > 5 && height > 5 && name.checkVisibility() ? name.textContent : '';
        })"""
    )
    ours, theirs = (printed.find(f".message--{whose} .message__from").first for whose in ("own", "other"))
    assert set(names) == {ours.text_content(), theirs.text_content()}


def test_on_paper_it_is_black_on_white_also_by_night(two: tuple[Person, Person]) -> None:
    ann, bob = two
    ann.send(bob, "Hello")
    window = ann.chat(bob, context=ann.lent(color_scheme="dark"))
    window.page.emulate_media(media="print", color_scheme="dark")
    for part in ("body", ".message__bubble"):
        expect(window.find(part)).to_have_css("background-color", "rgb(255, 255, 255)")
        expect(window.find(part)).to_have_css("color", "rgb(0, 0, 0)")


def test_the_list_is_printed_without_what_one_works_it_with(ann_and_bob: tuple[Person, Person]) -> None:
    ann, _bob = ann_and_bob
    window = ann.open("/")
    window.page.emulate_media(media="print")
    expect(window.find("button:visible, input:visible, select:visible")).to_have_count(0)
    expect(window.find("[data-conversation] [data-field=body]")).to_be_visible()


# -- colours of one's own


def ground(window: Window, part: str, pseudo: str = "") -> str:
    colour: str = window.find(part).evaluate(
        "(element, pseudo) => getComputedStyle(element, pseudo).backgroundColor", pseudo
    )
    return colour


def test_signs_are_seen_where_the_colours_are_the_reader_s_own(two: tuple[Person, Person]) -> None:
    window = two[0].open("/")
    window.page.emulate_media(forced_colors="active")
    around = ground(window, ".top")
    assert around not in (ground(window, ".bell__icon"), ground(window, ".glass__icon"))
    assert around != ground(window, ".badge[data-badge=likes]", "::before")


def test_what_one_likes_is_seen_where_the_colours_are_the_reader_s_own(two: tuple[Person, Person]) -> None:
    ann, bob = two
    post = bob.post("What do you think?")
    ann.react(post, "like")
    window = ann.open(f"/posts/{post}")
    window.page.emulate_media(forced_colors="active")
    like, dislike = (f"#post-{post} [data-reaction={kind}]" for kind in ("like", "dislike"))
    inks = [window.find(button).evaluate("(button) => getComputedStyle(button).color") for button in (like, dislike)]
    assert inks[0] != inks[1]
    for button in (like, dislike):
        assert ground(window, f"{button} .react__icon") != ground(window, button)


# -- day and night


def brightness(page: Page, selector: str = "body") -> float:
    """Of what is behind an element, 0 to 1; the colour is opaque."""
    colour = page.locator(selector).evaluate("(element) => getComputedStyle(element).backgroundColor")
    red, green, blue = (int(part) for part in re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour).groups())  # type: ignore[union-attr]
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255


@pytest.mark.parametrize("path", ["/auth/login", "/", "/chats/{bob}", "/account"])
def test_the_colours_follow_what_one_wishes_also_while_the_page_is_open(path: str, two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.open(path.format(bob=bob.name), context=ann.lent(color_scheme="light"), transport=None)
    for scheme in ("light", "dark", "light"):
        window.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for part in ("body", ".top"):
            bright = brightness(window.page, part)
            assert bright > 0.9 if scheme == "light" else bright < 0.2, (scheme, part, bright)
