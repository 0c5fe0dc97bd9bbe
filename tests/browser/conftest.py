"""One Chromium and one server of each kind for all tests here; new people for each.

Where it is installed, Chromium is `chromium-headless-shell`: the same engine without the tabs and toolbars around each
page, which cost more than the pages do. `CHROMIUM=chromium make test` takes the whole one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from .. import slow_tasks
from ..support import AppServer
from .lending import Lending, Selling
from .shop import Shop
from .support import LAUNCH, PATIENCE, Person, Town

# where a test says nothing else; five seconds are little for several processes on a busy machine
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    wanted = os.environ.get("CHROMIUM")
    chromium = shutil.which(wanted) if wanted else shutil.which("chromium-headless-shell") or shutil.which("chromium")
    assert chromium, "Chromium is not installed: make packages"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(LAUNCH))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lending(browser: Browser) -> Lending:
    return Lending(browser)


@pytest.fixture(scope="session")
def only_shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory, only_shop: Shop) -> Iterator[Callable[[str], AppServer]]:
    """A server of each kind, started when it is first asked for; the shop's pages may follow there."""
    started: dict[str, AppServer] = {}

    def get(kind: str) -> AppServer:
        if kind not in started:
            folder = tmp_path_factory.mktemp(kind)
            started[kind] = AppServer(kind, folder, ALLOWED_ORIGINS=only_shop.url, MODULES=slow_tasks.__name__).start()
        return started[kind]

    yield get
    for server in started.values():
        server.kill()


@pytest.fixture
def server(request: pytest.FixtureRequest, servers: Callable[[str], AppServer]) -> AppServer:
    """The server of `make run`, or the one that the test names with `@both_servers`."""
    return servers(getattr(request, "param", "pywsgi"))


@pytest.fixture
def shop(only_shop: Shop, server: AppServer) -> Shop:
    """Another application, without any page yet, and with live parts of `server`."""
    only_shop.empty(server.url)
    return only_shop


@pytest.fixture
def town(server: AppServer, lending: Lending) -> Iterator[Town]:
    """Where people come from. Afterwards no window may have had an error, a violation, or a request that failed."""
    town = Town(server, lending)
    yield town
    assert town.close() == []


@pytest.fixture
def two(town: Town) -> tuple[Person, Person]:
    """Two people who have never written to each other."""
    ann, bob = town.people_named("ann", "bob")
    return ann, bob


@pytest.fixture
def own_server(request: pytest.FixtureRequest, tmp_path: Path, only_shop: Shop) -> Iterator[AppServer]:
    """A server that only this test uses, and so may end."""
    server = AppServer(getattr(request, "param", "pywsgi"), tmp_path, ALLOWED_ORIGINS=only_shop.url).start()
    yield server
    server.kill()


@pytest.fixture
def own_town(own_server: AppServer, browser: Browser) -> Iterator[Town]:
    """Whose browsers have not met any server before."""
    town = Town(own_server, Selling(browser))
    yield town
    assert town.close() == []
