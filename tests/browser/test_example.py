"""`make example`: a shop with users of its own, behind the same nginx, in Chromium."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect

from examples.host.__main__ import HERE, Example
from myapp_client import Client
from stack import StackError, free_port, wait_for
from stack.program import is_open

from ..support import ROOT
from .lending import new_context
from .support import PATIENCE


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    example = Example(tmp_path_factory.mktemp("example")).start()
    yield example
    example.stop()


def come_in(browser: Browser, example: Example, name: str) -> Page:
    page = new_context(browser).new_page()
    page.set_default_timeout(PATIENCE)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type in ("error", "warning") else None)
    page.problems = problems  # type: ignore[attr-defined]  # kept with the page, for the end of the test
    page.goto(example.url)
    page.fill("[name=user]", name)
    page.click("text=Come in")
    expect(page.locator("html")).to_have_attribute("data-live-state", "live", timeout=PATIENCE)
    return page


def test_one_line_of_the_shop_is_a_badge_a_toast_and_a_line_in_the_list(browser: Browser, example: Example) -> None:
    ann, packer = come_in(browser, example, "ann"), come_in(browser, example, "packer")
    packer.set_extra_http_headers({"X-Forwarded-Proto": "https"})  # what a browser says of it leads nowhere
    ann.click("text=Order a parcel")
    expect(ann.locator("#list")).to_contain_text("being packed")
    expect(ann.locator("html")).to_have_attribute("data-live-state", "live", timeout=PATIENCE)
    packer.goto(example.url)
    packer.locator("li", has_text="of ann").get_by_role("button").click()
    expect(ann.locator("[data-live-toasts]")).to_contain_text("is on its way", timeout=PATIENCE)
    expect(ann.locator("#news li")).to_have_count(1)
    expect(ann.locator("#news a")).to_have_attribute("href", f"{example.url}#order-1")
    expect(ann.locator("#list")).to_contain_text("on its way", timeout=PATIENCE)
    expect(ann.locator("[data-badge=orders]")).to_have_text("1")
    assert packer.locator("[data-badge=orders]").is_hidden()
    ann.click("text=news")
    expect(ann.locator("[data-badge=orders]")).to_be_hidden(timeout=PATIENCE)
    assert [*ann.problems, *packer.problems] == []  # type: ignore[attr-defined]


def test_a_shop_that_was_started_anew_tells_of_its_first_order_too(browser: Browser, example: Example) -> None:
    shop = example.programs[-1]
    for times in (1, 2):
        assert shop.processes() == [shop.pid], "what would be left of it is found"
        shop.stop()
        shop.start()
        eve, packer = come_in(browser, example, "eve"), come_in(browser, example, "packer")
        eve.click("text=Order a parcel")
        expect(eve.locator("#list")).to_contain_text("being packed")
        packer.goto(example.url)
        packer.locator("li", has_text="of eve").get_by_role("button").click()
        expect(eve.locator("[data-badge=orders]")).to_have_text(str(times), timeout=PATIENCE)


@pytest.fixture
def shop_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """The shop in this process, whose live server is away."""
    settings = {"SHOP_SECRET": "a secret", "LIVE_URL": f"http://127.0.0.1:{free_port()}", "LIVE_TOKEN": "none"}
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module("examples.host.app")
    with Client(settings["LIVE_URL"], settings["LIVE_TOKEN"], patience=0) as impatient:
        monkeypatch.setattr(module, "live", impatient)
        yield module.app.test_client()
    sys.modules.pop(module.__name__)


def test_a_shop_whose_live_server_is_away_sells_and_ships_all_the_same(shop_alone: FlaskClient) -> None:
    assert shop_alone.post("/sign-in", data={"user": "ann"}).status_code == 302
    assert shop_alone.post("/orders").status_code == 302
    assert "being packed" in shop_alone.get("/").text
    assert shop_alone.post("/orders/1/ship").status_code == 302
    assert "on its way" in shop_alone.get("/").text
    assert shop_alone.get("/live-ticket").status_code == 500, "the page asks again"


def test_a_ticket_is_in_nobodys_cache(example: Example) -> None:
    with httpx.Client(base_url=example.url) as customer:
        assert customer.get("live-ticket").status_code == 401
        customer.post("sign-in", data={"user": "ann"})
        answer = customer.get("live-ticket")
        assert (answer.json()["user"], answer.headers["cache-control"]) == ("ann", "no-store")


def test_it_is_an_application_of_under_60_lines() -> None:
    text = (HERE / "app.py").read_text()
    assert len(text.splitlines()) < 60
    assert isinstance(ast.parse(text), ast.Module)


def test_it_starts_by_its_command_and_ends_by_ctrl_c() -> None:
    port = free_port()
    environ = {**os.environ, "MYAPP_PORT": str(port)}
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.host"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"the shop is at http://127.0.0.1:{port}/shop/ (Ctrl-C stops it)\n"
        process.terminate()
        assert process.wait(60) == 0
        wait_for(lambda: not is_open("127.0.0.1", port), "nginx to end")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_port_that_is_taken_is_said_and_nothing_stays_behind(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        example = Example(tmp_path, other.server_port)
        with pytest.raises(StackError, match=f"{other.server_port} is taken.*MYAPP_PORT"):
            example.start()
        other.shutdown()
    assert not example.uwsgi.processes()
