"""htmx and Turbo, the real ones, on another application's pages with live parts (docs/embedding.md)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from ..support import ROOT, AppServer
from .shop import Shop, visit, with_ticket
from .support import PATIENCE, Person, Window, follows

MODULES = ROOT / "tests" / "npm" / "node_modules"
HTMX = MODULES / "htmx.org" / "dist" / "htmx.min.js"
TURBO = MODULES / "@hotwired" / "turbo" / "dist" / "turbo.es2017-esm.js"


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """Its pages may have styles of their own, which both libraries add."""
    shop.styles = "'unsafe-inline'"
    return shop


def script(path: Path) -> tuple[int, str, str]:
    return 200, "text/javascript", path.read_text()


def test_htmx_asks_when_something_happens_and_what_it_brings_is_live(shop: Shop, two: tuple[Person, Person]) -> None:
    ann, bob = two
    part = '<div hx-get="/part" hx-trigger="live:event:message from:document" id="part">not yet</div>'
    shop.pages["/htmx.js"] = lambda: script(HTMX)
    shop.pages["/part"] = "Messages: <b data-badge='messages'>?</b> <i data-live-seen='likes'></i>"
    shop.pages["/"] = shop.page(with_ticket(bob), part, '<script src="/htmx.js"></script>')
    window = visit(bob, shop)
    window.is_on("websocket")
    for count in (1, 2):
        ann.send(bob, f"number {count}")
        expect(window.find("#part")).to_have_text(f"Messages: {count}", timeout=PATIENCE)


def turbo_page(shop: Shop, who: Person, text: str, following: str = "") -> str:
    body = f'<h1>{text}</h1><a href="{following}">on</a> <b data-badge="messages" hidden>0</b>'
    lists = '<ul data-live-list="message"><template><li data-live-text="body"></li></template></ul>'
    tag = f'{with_ticket(who)} data-live-user="{who.name}"'
    return shop.page(tag, body + lists, '<script type="module" src="/turbo.js"></script>')


def test_turbo_goes_from_page_to_page_over_the_same_connection(
    shop: Shop, server: AppServer, two: tuple[Person, Person]
) -> None:
    ann, bob = two
    shop.pages["/turbo.js"] = lambda: script(TURBO)
    shop.pages["/"] = turbo_page(shop, bob, "One", "/two")
    window: Window = visit(bob, shop)
    window.is_on("websocket")
    window.mark()
    ann.send(bob, "on the first page")
    expect(window.find("li")).to_have_text(["on the first page"], timeout=PATIENCE)
    before = follows(server)
    shop.pages["/three"] = turbo_page(shop, ann, "Three")  # Turbo asks for it when the pointer is on the link
    shop.pages["/two"] = turbo_page(shop, bob, "Two", "/three")
    window.find("a").click()
    expect(window.find("h1")).to_have_text("Two", timeout=PATIENCE)
    assert not window.was_reloaded(), "Turbo has put the new body into the page"
    expect(window.find("[data-badge=messages]")).to_have_text("1", timeout=PATIENCE)
    ann.send(bob, "on the second page")
    expect(window.find("li")).to_have_text(["on the second page"], timeout=PATIENCE)
    expect(window.find("[data-badge=messages]")).to_have_text("2", timeout=PATIENCE)
    assert follows(server) == before, "nothing was opened anew"
    bob.send(ann, "while her page was on its way")
    since = ["while her page was on its way", "on the second page"]  # after her page said its place
    window.find("a").click()
    expect(window.find("h1")).to_have_text("Three", timeout=PATIENCE)
    expect(window.find("li")).to_have_text(since, timeout=PATIENCE)
    bob.send(ann, "on her page")
    expect(window.find("li")).to_have_text(["on her page", *since], timeout=PATIENCE)
    expect(window.find("[data-badge=messages]")).to_have_text("2", timeout=PATIENCE)
    assert not window.was_reloaded(), "the connection alone is another"
