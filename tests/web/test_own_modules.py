"""Modules of whoever runs the application: examples/inside, and what goes wrong with others."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from myapp.errors import ConfigError
from myapp.notifications.kinds import unregister

from ..support import ROOT, make_app
from .conftest import Browser, Site, open_site

MODULE = "examples.inside.orders"


@pytest.fixture
def shop(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    """The application with orders in it."""
    yield from open_site(tmp_path, empty_database, MODULES=MODULE)
    unregister("order-shipped")
    sys.modules.pop(MODULE, None)


@pytest.fixture
def bob(shop: Site) -> Browser:
    run_commands_of_the_docs(shop)
    return shop.browser("bob")


def run_commands_of_the_docs(shop: Site) -> None:
    """What docs/adopt.md has one type for a module, besides its start."""
    section = (ROOT / "docs" / "adopt.md").read_text().split("\n## 3. ")[1].split("\n## ")[0]
    commands = re.findall(r"^    flask (.+)$", section, re.M)
    assert commands
    for command in commands:
        done = shop.app.test_cli_runner().invoke(args=shlex.split(command, comments=True))
        assert done.exit_code == 0, done.output


def test_page_of_ones_own_is_live(bob: Browser) -> None:
    page = bob.page("/orders")
    assert 'data-seq="0"' in page
    assert '<span class="badge" data-badge="shipped" hidden>0</span>' in page


def test_what_happens_is_an_event_a_badge_and_an_item_of_the_bell(bob: Browser, shop: Site) -> None:
    bob.page("/orders")
    assert bob.submit("/orders/17/ship").status_code == 302
    [event] = shop.program("bob").events()
    assert (event["kind"], event["data"]) == ("order-shipped", {"number": 17, "carrier": "Pigeon"})
    assert 'data-badge="shipped">1</span>' in bob.page("/orders")
    page = bob.page("/notifications")
    assert "Order 17 is on its way" in page
    assert "by Pigeon" in page


def test_others_are_told_in_the_same_transaction(bob: Browser, shop: Site) -> None:
    bob.page("/orders")
    bob.submit("/orders/17/ship")
    bob.submit("/orders/17/ship")
    packer = shop.program("packer")
    assert [event["data"]["title"] for event in packer.events()] == ["Order 17 has left"]
    assert packer.badges()["packing"] == 1


def test_where_one_cannot_be_told_nobody_is(shop: Site) -> None:
    bob = shop.browser("bob")  # and there is no packer
    bob.page("/orders")
    assert bob.submit("/orders/17/ship").status_code == 404
    assert shop.program("bob").events() == []


def test_stranger_is_sent_to_sign_in(shop: Site) -> None:
    assert shop.guest().client.get("/orders", headers={"Accept": "text/html"}).status_code == 302


def test_form_without_its_csrf_token_is_refused(bob: Browser, shop: Site) -> None:
    assert bob.client.post("/orders/17/ship").status_code == 403
    assert shop.rows("events") == []


@pytest.mark.parametrize(
    ("name", "said"),
    [("nothing.of.this", "no module"), ("json", "init_app"), ("a-b", "import"), ("../x", "import")],
)
def test_module_that_cannot_be_one_is_named(name: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said) as error:
        make_app(tmp_path, MODULES=name)
    assert name in str(error.value)


def test_what_a_module_itself_lacks_is_told_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_module.py").write_text("import nothing_of_this\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this"):
        make_app(tmp_path, MODULES="broken_module")


def test_view_that_could_never_be_reached_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "def init_app(app):\n    app.add_url_rule('/reports', 'mine', print, methods=['POST'])\n"
    (tmp_path / "taken_module.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="taken_module has a view for POST /reports, which is taken"):
        make_app(tmp_path, MODULES="taken_module")
    sys.modules.pop("taken_module", None)
