"""Live parts on another application's pages, on another origin: tickets, badges, lists, and what happens to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import expect

from ..proxies import SmallNginx
from ..support import ROOT, AppServer, wait_for
from .shop import BODY, Shop, json_answer, place_of, ticket_of, visit, wait_until, with_ticket, write_notification
from .support import PATIENCE, TRANSPORTS, Person, Town, Window, follows, used
from .telling import happen, like, tell
from .test_outage import new_epoch, write_beside_the_server
from .test_transports import wait_in

#: The same page, whose toasts stay until somebody dismisses them.
LASTING = BODY.replace("data-live-toasts", 'data-live-toasts data-live-timeout="0"')


@pytest.fixture
def own_shop(only_shop: Shop, own_server: AppServer) -> Shop:
    """The shop, with live parts of a server that the test may end."""
    only_shop.empty(own_server.url)
    return only_shop


def shows(window: Window, *texts: str, timeout: float = PATIENCE) -> None:
    """Wait until the list of messages shows exactly these, newest first."""
    expect(window.find("#list li")).to_have_text(list(texts), timeout=timeout)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_page_of_another_origin_is_live_by_a_ticket_over(
    transport: str, shop: Shop, server: AppServer, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    shop.pages["/"] = shop.page(f'data-live-transport="{transport}" {with_ticket(bob)}')
    before = follows(server)
    window = visit(bob, shop)
    window.is_on(transport)
    ann.send(bob, "one")
    shows(window, "one")
    ann.send(bob, "two")
    shows(window, "two", "one")
    expect(window.find("[data-badge=messages]")).to_have_text("2", timeout=PATIENCE)
    assert used(server, before) == {transport}
    assert "OPTIONS /messages" not in server.log(), "no poll and no stream needs a preflight"
    assert window.page.context.cookies(server.url) == []


def test_a_ticket_in_the_page_is_used_without_asking_for_one(shop: Shop, two: tuple[Person, Person]) -> None:
    _ann, bob = two
    shop.pages["/"] = shop.page(f'data-live-ticket-url="/live-ticket" {with_ticket(bob)}')
    visit(bob, shop).is_on("websocket")
    assert "/live-ticket" not in shop.asked


def test_a_page_without_a_place_begins_with_what_happens_from_now_on(shop: Shop, two: tuple[Person, Person]) -> None:
    ann, bob = two
    ann.send(bob, "before")
    shop.pages["/"] = shop.page('data-live-ticket-url="/live-ticket"')
    shop.pages["/live-ticket"] = lambda: json_answer(ticket=ticket_of(bob))
    window = visit(bob, shop)
    expect(window.find("[data-badge=messages]")).to_have_text("1", timeout=PATIENCE)
    window.is_on("websocket")
    ann.send(bob, "after")
    shows(window, "after")
    expect(window.find("[data-badge=messages]")).to_have_text("2", timeout=PATIENCE)
    assert shop.asked.count("/live-ticket") == 1


def test_what_happened_while_the_page_was_on_its_way_is_shown(shop: Shop, two: tuple[Person, Person]) -> None:
    ann, bob = two
    shop.pages["/"] = shop.page(with_ticket(bob))
    ann.send(bob, "on the way")
    window = visit(bob, shop)
    shows(window, "on the way")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_ticket_that_is_refused_is_replaced_by_one_from_the_pages_own_server(
    transport: str, shop: Shop, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    attributes = f'data-live-ticket="ticket_of-yesterday" data-live-ticket-url="/live-ticket" {place_of(bob)}'
    shop.pages["/"] = shop.page(f'{attributes} data-live-transport="{transport}"')
    shop.pages["/live-ticket"] = lambda: json_answer(ticket=ticket_of(bob))
    window = visit(bob, shop)
    window.expect_problems("401")
    window.is_on(transport)
    ann.send(bob, "hello")
    shows(window, "hello")
    assert shop.asked.count("/live-ticket") == 1


@pytest.mark.parametrize("answer", [(401, "text/plain", ""), (302, "text/html", ""), (200, "text/html", "<p>Sign in")])
def test_who_is_signed_out_of_the_page_is_told_so_and_nothing_asks_again(
    answer: tuple[int, str, str], shop: Shop, server: AppServer, two: tuple[Person, Person]
) -> None:
    _ann, bob = two
    place = 'data-live-seq="0" data-live-epoch="e"'
    shop.pages["/"] = shop.page(f'data-live-ticket="ticket_bad" {place} data-live-ticket-url="/live-ticket"')
    shop.pages["/live-ticket"] = lambda: answer
    context = bob.browser.new_context()
    context.clock.install()
    window = visit(bob, shop, context=context)
    window.expect_problems("401")
    window.state("signed-out")
    before = follows(server)
    context.clock.fast_forward("30:00")
    assert used(server, before) == set()
    assert shop.asked.count("/live-ticket") == 1


def test_a_session_that_ends_is_followed_by_the_next_one_without_a_gap(shop: Shop, two: tuple[Person, Person]) -> None:
    ann, bob = two
    made = bob.program.post("/auth/tokens", json={"label": "the shop's"}).json()
    with bob.server.client(made["token"]) as program:
        ticket = program.post("/auth/ticket").json()["ticket"]
    shop.pages["/"] = shop.page(f'data-live-ticket="{ticket}" data-live-ticket-url="/live-ticket" {place_of(bob)}')

    def next_ticket() -> tuple[int, str, str]:
        ann.send(bob, "meanwhile")
        return json_answer(ticket=ticket_of(bob))

    shop.pages["/live-ticket"] = next_ticket
    window = visit(bob, shop)
    window.is_on("websocket")
    assert bob.program.delete(f"/auth/tokens/{made['id']}").status_code == 204
    shows(window, "meanwhile")
    window.is_on("websocket")


def test_who_signs_in_on_the_next_page_of_the_same_document_is_followed_from_there(
    shop: Shop, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    shop.pages["/"] = shop.page('data-live-ticket-url="/live-ticket"')
    shop.pages["/live-ticket"] = (401, "text/plain", "")
    window = visit(bob, shop)
    window.expect_problems("401")
    window.state("signed-out")
    ann.send(bob, "before")
    shop.pages["/live-ticket"] = lambda: json_answer(ticket=ticket_of(bob))
    window.page.evaluate("document.body.replaceWith(document.body.cloneNode(true))")
    window.is_on("websocket")
    expect(window.find("[data-badge=messages]")).to_have_text("1", timeout=PATIENCE)
    ann.send(bob, "after")
    shows(window, "after")


def test_a_ticket_is_renewed_before_it_expires(shop: Shop, server: AppServer, two: tuple[Person, Person]) -> None:
    ann, bob = two
    shop.pages["/"] = shop.page(f'data-live-transport="short-poll" {with_ticket(bob)}')
    context = bob.browser.new_context()
    context.clock.install()
    window = visit(bob, shop, context=context)
    window.is_on("short-poll")
    tickets: list[str] = []
    window.page.on("request", lambda asked: tickets.append(asked.url.partition("&ticket=")[2]))
    with window.page.expect_response(
        lambda answer: answer.url.endswith("/auth/ticket") and answer.status == 200
    ) as got:
        context.clock.fast_forward("08:20")
    fresh = got.value.json()["ticket"]
    context.clock.fast_forward("00:20")
    ann.send(bob, "still here")
    context.clock.fast_forward("00:20")
    shows(window, "still here")
    wait_in(window, lambda: tickets[-1] == fresh)  # a question may have been on its way when it came


def test_a_server_that_is_killed_and_comes_back_leaves_each_item_once_and_the_badge_right(
    own_shop: Shop, own_server: AppServer, own_town: Town
) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    windows = []
    for transport in TRANSPORTS:
        path = f"/{transport}"
        own_shop.pages[path] = own_shop.page(f'data-live-transport="{transport}" {with_ticket(bob)}')
        windows.append(visit(bob, own_shop, path))
        windows[-1].expect_outage()
        windows[-1].is_on(transport)
    ann.send(bob, "before")
    for window in windows:
        shows(window, "before")
    own_server.kill()
    for window in windows:
        expect(window.find("html")).not_to_have_attribute("data-live-state", "live", timeout=PATIENCE)
    write_beside_the_server(ann, bob, "missed")
    own_server.start()
    ann.send(bob, "after")
    for window in windows:
        shows(window, "after", "missed", "before")
        expect(window.find("[data-badge=messages]")).to_have_text("3")


def test_after_a_restored_backup_the_page_has_right_badges_and_fetches_what_it_can(
    own_shop: Shop, own_server: AppServer, own_town: Town
) -> None:
    ann, bob = own_town.people_named("ann", "bob")
    ann.send(bob, "one")
    body = f'{BODY}<section data-live-refresh="notification" data-live-src="/fragment">old</section>'
    own_shop.pages["/"] = own_shop.page(with_ticket(bob), body)
    own_shop.pages["/fragment"] = "<p>fresh</p>"
    window = visit(bob, own_shop)
    window.is_on("websocket")
    window.page.evaluate("document.addEventListener('live:reset', () => { window.resets = (window.resets ?? 0) + 1 })")
    new_epoch(own_server)
    expect(window.find("section")).to_have_text("fresh", timeout=PATIENCE)
    ann.send(bob, "two")
    shows(window, "two")
    expect(window.find("[data-badge=messages]")).to_have_text("2")
    assert window.page.evaluate("resets") == 1


def test_a_page_that_says_so_is_loaded_anew_at_a_reset(own_shop: Shop, own_server: AppServer, own_town: Town) -> None:
    _ann, bob = own_town.people_named("ann", "bob")
    own_shop.pages["/"] = lambda: own_shop.page(f"data-live-reload-on-reset {with_ticket(bob)}")
    window = visit(bob, own_shop)
    window.is_on("websocket")
    with window.page.expect_navigation():
        new_epoch(own_server)
    window.is_on("websocket")
    assert own_shop.asked.count("/") == 2


def test_what_somebody_wrote_is_text_and_leads_nowhere_dangerous(shop: Shop, two: tuple[Person, Person]) -> None:
    _ann, bob = two
    shop.pages["/"] = shop.page(with_ticket(bob), LASTING)
    window = visit(bob, shop)
    window.is_on("websocket")
    title = "<img src=x onerror=alert(1)> \u202e"
    write_notification(bob, title=title, url="javascript:alert(1)", order="<b>7</b>")
    write_notification(bob, title="two", url=" java\nscript:alert(1)", order={"a": 1})
    write_notification(bob, title="three", url="data:text/html,<script>alert(1)</script>")
    links = window.find("#notes a")
    expect(links).to_have_text(["three", "two", title], timeout=PATIENCE)
    assert [link.get_attribute("href") for link in links.all()] == [None, None, None]
    assert window.find("#notes i").all_text_contents() == ["", "", "<b>7</b>"]
    assert window.find("img, #notes b, .live-toast a").count() == 0
    expect(window.find(".live-toast__title")).to_have_text([title, "two", "three"])


def test_notifications_of_a_badge_are_listed_newest_first_and_no_more_than_the_list_takes(
    shop: Shop, two: tuple[Person, Person]
) -> None:
    _ann, bob = two
    shop.pages["/"] = shop.page(with_ticket(bob), LASTING)
    window = visit(bob, shop)
    window.is_on("websocket")
    for number in range(1, 5):
        tell(bob, title=f"order {number}", url="/orders/7", badge="orders", data={"order": number})
    tell(bob, title="elsewhere", badge="returns")
    links = window.find("#notes a")
    expect(links).to_have_text(["order 4", "order 3", "order 2"], timeout=PATIENCE)
    assert links.first.get_attribute("href") == "/orders/7"
    expect(window.find("#notes i").first).to_have_text("4")
    assert window.find("#notes time").first.get_attribute("datetime")
    expect(window.find("[data-badge~=orders]")).to_have_text("4")
    expect(window.find(".live-toast")).to_have_count(5)
    window.find(".live-toast__dismiss").last.click()
    expect(window.find(".live-toast")).to_have_count(4)


def test_other_scripts_hear_of_one_kind_of_event_on_the_document(shop: Shop, two: tuple[Person, Person]) -> None:
    ann, bob = two
    shop.pages["/"] = shop.page(with_ticket(bob), more='<script src="/app.js"></script>')
    shop.pages["/app.js"] = """
      // as hx-trigger="live:event:message from:document" does
      document.addEventListener('live:event:message', async (event) => {
        const answer = await fetch('/fragment');
        document.querySelector('h1').textContent = `${await answer.text()} ${event.detail.data.body}`;
      });"""
    shop.pages["/fragment"] = "swapped:"
    window = visit(bob, shop)
    window.is_on("websocket")
    ann.send(bob, "hello")
    expect(window.find("h1")).to_have_text("swapped: hello", timeout=PATIENCE)


def test_a_body_that_is_replaced_keeps_the_connection_and_gets_what_it_lacks(
    shop: Shop, server: AppServer, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    attributes = with_ticket(bob)
    shop.pages["/"] = shop.page(attributes)
    window = visit(bob, shop)
    window.is_on("websocket")
    before = follows(server)
    ann.send(bob, "one", "two")
    shows(window, "two", "one")
    seq = window.heard[0]
    window.page.evaluate(
        """([html, seq]) => {
          const body = new DOMParser().parseFromString(html, 'text/html').body;
          const item = body.ownerDocument.createElement('li');
          item.dataset.liveSeq = seq;
          item.textContent = 'one, by the server';
          body.querySelector('#list').append(item);
          document.body.replaceWith(document.adoptNode(body));
        }""",
        [shop.page("", BODY), seq],
    )
    shows(window, "two", "one, by the server")
    expect(window.find("[data-badge=messages]")).to_have_text("2", timeout=PATIENCE)
    ann.send(bob, "three")
    shows(window, "three", "two", "one, by the server")
    assert used(server, before) == set(), "nothing was opened anew"


def test_a_section_is_fetched_from_the_pages_own_server_once_for_what_comes_together(
    shop: Shop, two: tuple[Person, Person]
) -> None:
    _ann, bob = two
    body = '<section id="part" data-live-refresh="like" data-live-src="/orders/fragment">old</section>'
    shop.pages["/"] = shop.page(with_ticket(bob), body)
    shop.pages["/orders/fragment"] = lambda: f"<p>fresh {shop.asked.count('/orders/fragment')}</p>"
    window = visit(bob, shop)
    window.is_on("websocket")
    window.page.evaluate(
        "document.addEventListener('live:refreshed', (event) => { window.refreshed = event.target.id })"
    )
    happen(bob, like("Ann"), like("Eve"), like("Zoe"))
    tell(bob, title="now")
    wait_until(window, "heard.length === 4")
    expect(window.find("#part p")).to_have_text("fresh 1", timeout=PATIENCE)
    assert window.page.evaluate("refreshed") == "part"
    happen(bob, like("Bob"))
    tell(bob, title="and now")
    expect(window.find("#part p")).to_have_text("fresh 2", timeout=PATIENCE)


def test_a_toast_can_be_refused_and_looks_as_the_page_says(shop: Shop, two: tuple[Person, Person]) -> None:
    _ann, bob = two
    inside = '<p class="mine"><b data-live-text="title"></b> <button data-live-dismiss>X</button></p>'
    toast = f"<template data-live-toast>{inside}</template>"
    shop.pages["/"] = shop.page(with_ticket(bob), BODY + toast)
    window = visit(bob, shop)
    window.is_on("websocket")
    window.page.evaluate(
        "document.addEventListener('live:toast', (toast) => toast.detail.title === 'no' && toast.preventDefault())"
    )
    tell(bob, title="no")
    tell(bob, title="yes")
    expect(window.find("[data-live-toasts] .mine b")).to_have_text(["yes"], timeout=PATIENCE)
    window.find("[data-live-dismiss]").click()
    expect(window.find(".mine")).to_have_count(0)


def test_a_toast_goes_by_itself_but_not_under_the_pointer(shop: Shop, two: tuple[Person, Person]) -> None:
    _ann, bob = two
    shop.pages["/"] = shop.page(with_ticket(bob))
    context = bob.browser.new_context()
    context.clock.install()
    window = visit(bob, shop, context=context)
    window.is_on("websocket")
    tell(bob, title="short")
    toast = window.find(".live-toast")
    expect(toast).to_have_count(1, timeout=PATIENCE)
    toast.hover()
    context.clock.fast_forward("00:20")
    expect(toast).to_have_count(1)
    window.page.mouse.move(0, 0)
    context.clock.fast_forward("00:20")
    expect(toast).to_have_count(0)


def test_what_is_on_screen_is_marked_as_seen_up_to_what_the_page_has(shop: Shop, two: tuple[Person, Person]) -> None:
    _ann, bob = two
    shop.pages["/"] = shop.page(with_ticket(bob), '<p data-live-seen="notifications">All of them</p>')
    window = visit(bob, shop)
    window.is_on("websocket")
    server = bob.server
    with window.page.expect_request("**/badges/seen") as marked:
        tell(bob, title="one")
    assert marked.value.post_data_json == {"badges": ["notifications"], "upto": 1}
    assert marked.value.response().status == 200
    assert "OPTIONS /badges/seen" in server.log(), "the one request that changes something asks first"


def test_a_button_marks_as_seen_when_it_is_pressed(shop: Shop, two: tuple[Person, Person]) -> None:
    _ann, bob = two
    shop.pages["/"] = shop.page(with_ticket(bob), '<button data-live-seen="tasks likes">Seen</button>')
    window = visit(bob, shop)
    window.is_on("websocket")
    with window.page.expect_response("**/badges/seen") as marked:
        window.find("button").click()
    assert marked.value.status == 200
    assert marked.value.request.post_data_json["badges"] == ["tasks", "likes"]


def test_a_page_can_import_the_class_and_nothing_starts_by_itself(
    shop: Shop, server: AppServer, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    before = follows(server)
    shop.pages["/"] = shop.page("", more='<script type="module" src="/app.js"></script>')
    shop.pages["/app.js"] = f"""
      import {{ Inbox, base, inbox }} from '{server.url}/static/embed.js';
      window.started = inbox;
      window.follow = (ticket) => {{
        window.mine = new Inbox({{ base, ticket }});
        window.got = [];
        mine.on('event', (event) => got.push(event.data.body));
        return new Promise((resolve) => mine.on('state', ({{ state }}) => state === 'live' && resolve(state)));
      }};"""
    window = visit(bob, shop)
    wait_until(window, "window.follow")
    assert window.page.evaluate("started") is None
    assert used(server, before) == set()
    assert window.page.evaluate("(ticket) => follow(ticket)", ticket_of(bob)) == "live"
    ann.send(bob, "hello")
    wait_until(window, "got.length === 1 && mine.badges.messages === 1")
    assert window.page.evaluate("[got, mine.state, mine.transport]") == [["hello"], "live", "websocket"]
    window.page.evaluate("mine.close()")
    wait_for(lambda: server.metric("myapp_parked_clients", transport="websocket") == 0, "the connection to be gone")


def test_the_modules_come_from_one_version(shop: Shop, server: AppServer, two: tuple[Person, Person]) -> None:
    _ann, bob = two
    shop.pages["/"] = shop.page(with_ticket(bob))
    window = visit(bob, shop)
    window.is_on("websocket")
    names = window.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    modules = [name for name in names if name.endswith(".js") and not name.endswith("/static/embed.js")]
    assert modules and all(name.startswith(f"{server.url}/static/~") for name in modules), modules


@pytest.fixture(scope="module")
def one_origin(
    only_shop: Shop, servers: Callable[[str], AppServer], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SmallNginx]:
    """nginx that has the shop, and the live server under another path, by https: as docs/embedding.md has it."""
    text = (ROOT / "docs" / "embedding.md").read_text()
    found = re.search(r"(?:^ {6}.*\n)*^ {6}location /live/ .*\n(?:^ {6}.*\n)+", text, re.M)
    assert found
    live = found[0].replace("http://127.0.0.1:8000/", f"{servers('pywsgi').url}/")
    inside = only_shop.url.replace("localhost", "127.0.0.1")
    lines = f"include tls.conf; {live} location / {{ proxy_pass {inside}; }}"
    nginx = SmallNginx(tmp_path_factory.mktemp("nginx"), lines).start()
    yield nginx
    nginx.stop()


@pytest.fixture
def shop_of_one_origin(shop: Shop, one_origin: SmallNginx) -> Shop:
    shop.live = f"{one_origin.origin}/live"
    return shop


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_on_the_pages_own_origin_it_lives_under_any_path(
    transport: str, shop_of_one_origin: Shop, one_origin: SmallNginx, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    shop = shop_of_one_origin
    shop.pages["/"] = shop.page(f'data-live-transport="{transport}" {with_ticket(bob)}')
    context = bob.browser.new_context(ignore_https_errors=True)
    window = visit(bob, shop, context=context, home=one_origin.origin)
    asked: list[str] = []
    window.page.on("request", lambda request: asked.append(request.url))
    window.is_on(transport)
    ann.send(bob, "one")
    shows(window, "one")
    assert not [url for url in asked if "ticket=" in url], "where a header costs nothing, the ticket is in no address"


def test_on_the_pages_own_origin_a_client_is_known_by_its_own_address(
    one_origin: SmallNginx, server: AppServer
) -> None:
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    with httpx.Client(transport=elsewhere, headers={"X-Forwarded-For": "203.0.113.9"}) as client:
        assert client.get(f"{one_origin.url}/live/healthz").status_code == 200
    wait_for(lambda: '127.0.0.2 "GET /healthz"' in server.log(), "its line in the log")
    assert "203.0.113.9" not in server.log()


def test_on_the_pages_own_origin_strangers_get_no_figures(one_origin: SmallNginx) -> None:
    assert httpx.get(f"{one_origin.url}/live/metrics").status_code == 404
