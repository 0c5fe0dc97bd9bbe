"""A browser that was lent knows nothing of who had it before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from ..support import AppServer
from .lending import Lending, new_context
from .support import Window


@pytest.fixture
def library(browser: Browser) -> Iterator[Lending]:
    """With nothing in it yet."""
    library = Lending(browser)
    yield library
    library.close()


@pytest.fixture
def returned(library: Lending, server: AppServer) -> BrowserContext:
    """A browser in which somebody was signed in, had a page store what a page can, and lost the network."""
    context = library.lend(locale="en-GB")
    window = Window(context.new_page(), server.url).go("/auth/login")
    context.add_cookies([{"name": "myapp_session", "value": "somebody's", "url": server.url}])
    window.page.evaluate("() => { localStorage.name = sessionStorage.name = 'somebody'; return caches.open('theirs') }")
    context.set_offline(True)
    library.take_back(server.url)
    return context


def test_it_is_the_same_and_nothing_of_theirs_is_in_it(
    returned: BrowserContext, library: Lending, server: AppServer
) -> None:
    context = library.lend(locale="en-GB")
    assert context is returned
    assert context.cookies() == []
    window = Window(context.new_page(), server.url).go("/auth/login")
    kept = window.page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, (await caches.keys()).length]"
    )
    assert kept == [0, 0, 0]
    assert window.unexpected == []
    library.take_back(server.url)


def test_nobody_has_it_at_the_same_time_as_another_or_with_other_wishes(
    returned: BrowserContext, library: Lending, server: AppServer
) -> None:
    lent = [library.lend(locale="en-GB"), library.lend(locale="en-GB"), library.lend(locale="zh-CN")]
    assert lent[0] is returned
    assert len(set(map(id, lent))) == 3
    library.take_back(server.url)


def test_what_could_not_be_taken_back_is_refused(library: Lending, server: AppServer) -> None:
    context = library.lend()
    with pytest.raises(AssertionError, match="a browser of the test's own"):
        context.route("**", lambda route: route.abort())
    library.take_back(server.url)


def test_one_that_was_not_lent_is_closed(browser: Browser, library: Lending, server: AppServer) -> None:
    own, lent = new_context(browser), library.lend()
    library.take_back(server.url)
    assert own not in browser.contexts
    assert lent in browser.contexts
