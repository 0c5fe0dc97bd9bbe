"""The language of pages and errors: what the browser asks for, what was chosen, and where texts come from."""

from __future__ import annotations

import io
import re
import sqlite3
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from flask import g
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from myapp.errors import NotFound, Text
from myapp.extensions import babel
from myapp.languages import negotiated
from myapp.web import problem, sentence, translated

from .conftest import HTML, Browser, Site, is_problem

ZH = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
CHINESE = {
    "Sign in": "登录",
    "Not Found": "未找到",
    "Name": "名称",
    "is taken": "已被占用",
    "The %(label)s %(problem)s.": "%(label)s%(problem)s。",
    "%(problem)s.": "%(problem)s。",
    "%(field)s: %(problem)s": "%(field)s：%(problem)s",
    "write at least %(least)d characters": "请至少输入 %(least)d 个字符",
    "is empty or blank; write something": "为空",
    "There is no user named %(name)r: find people by how their name begins.": "没有名为 %(name)r 的用户。",
    "The database does not answer at the moment: try again.": "数据库暂时没有响应。",
    "There is nothing at this address: check how it is written.": "这个地址没有内容。",
}


@pytest.fixture
def chinese(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The application with a few texts in Chinese, found as files are."""
    catalog = Catalog(locale="zh_Hans")
    for english, text in CHINESE.items():
        catalog.add(english, text)
    folder = tmp_path / "translations" / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    (folder / "messages.mo").write_bytes(compiled.getvalue())
    monkeypatch.setattr(site.app.extensions["babel"], "translation_directories", [str(tmp_path / "translations")])
    monkeypatch.setattr(babel.domain_instance, "cache", {})
    return site


def lang(browser: Browser, path: str = "/auth/login", **headers: str) -> str:
    text = browser.client.get(path, headers={**HTML, **headers}).text
    found = re.search(r'<html lang="([^"]+)"', text)
    assert found, text
    return found[1]


# -- what the browser asks for


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("en", "en"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("en-US,zh;q=0.8", "en"),
        ("zh", "zh"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-Hans", "zh"),
        ("zh-SG,en;q=0.9", "zh"),
        ("zh-TW,en;q=0.9", "zh"),
        ("zh-Hant-HK,zh-Hant;q=0.9,en;q=0.8", "zh"),
        ("ZH-cn", "zh"),
        ("zh_CN", "zh"),
        ("de,zh;q=0.5,en;q=0.9", "en"),
        ("de,zh;q=0.9,en;q=0.5", "zh"),
        ("de,fr;q=0.5", "en"),
        ("zh;q=0,en;q=0.1", "en"),
        ("zh;q=0", "en"),
        ("*", "en"),
        ("zha", "en"),
        ("zh;q=x", "en"),
        (";;;,,,", "en"),
        ("zh" * 2000, "en"),
    ],
)
def test_wanted_most_of_what_there_is(header: str, language: str) -> None:
    assert negotiated(parse_accept_header(header, LanguageAccept)) == language


def test_page_says_its_language(site: Site) -> None:
    assert lang(site.guest()) == "en"
    assert lang(site.guest(), **ZH) == "zh-Hans"


# -- choosing


def choose(browser: Browser, language: str, **fields: str) -> None:
    answer = browser.submit("/language", language=language, **fields)
    assert answer.status_code == 303, answer.text


def test_choice_of_who_is_not_signed_in_is_kept_in_a_cookie(site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/login")
    answer = browser.submit("/language", language="zh", next="/auth/register")
    assert (answer.status_code, answer.location) == (303, "/auth/register")
    (cookie,) = (value for value in answer.headers.getlist("Set-Cookie") if value.startswith("language="))
    assert {"language=zh", "SameSite=Lax", "Path=/", "Max-Age=31536000"} <= set(cookie.split("; "))
    assert lang(browser) == "zh-Hans"


def test_cookie_wins_over_what_the_browser_asks_for(site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/login")
    choose(browser, "en")
    assert lang(browser, **ZH) == "en"


def test_choice_of_a_person_holds_in_every_browser(both_sites: Site) -> None:
    browser = both_sites.browser("alice")
    browser.page("/")
    choose(browser, "zh")
    other = Browser(both_sites.app, "alice").sign_in()
    assert lang(other, "/") == "zh-Hans"


def test_choice_of_a_person_wins_over_the_cookie(site: Site) -> None:
    browser = site.browser("alice")
    choose(browser, "zh")
    browser.client.set_cookie("language", "en")
    assert lang(browser, "/") == "zh-Hans"


def test_no_choice_is_what_the_browser_asks_for(site: Site) -> None:
    browser = site.browser("alice")
    choose(browser, "zh")
    choose(browser, "")
    assert lang(browser, "/") == "en"
    assert lang(browser, "/", **ZH) == "zh-Hans"
    assert browser.client.get_cookie("language") is None


@pytest.mark.parametrize("language", ["de", "zh_Hans", "EN", "\x00", "x" * 5000, "../en"])
def test_unknown_language_is_refused(language: str, site: Site) -> None:
    browser = site.browser("alice")
    before = site.stored()
    is_problem(browser.open("/language", "POST", data={"language": language}), 422, "language")
    assert site.stored() == before


@pytest.mark.parametrize("signed_in", [True, False])
def test_choice_without_the_csrf_token_is_refused(signed_in: bool, site: Site) -> None:
    browser = site.browser("alice") if signed_in else site.guest()
    is_problem(browser.client.post("/language", data={"language": "zh"}), 403)
    assert browser.client.get_cookie("language") is None


@pytest.mark.parametrize(
    "target", ["", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\nx", "x"]
)
def test_next_leads_nowhere_else(target: str, site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/login")
    assert browser.submit("/language", language="zh", next=target).location == "/"


def test_application_below_a_path_keeps_its_cookie_and_addresses_there(site: Site) -> None:
    browser = site.guest()
    browser.page("/auth/login")
    answer = browser.client.post(
        "/chat/language",
        base_url="http://localhost",
        environ_overrides={"SCRIPT_NAME": "/chat", "PATH_INFO": "/language"},
        data={"csrf_token": browser.csrf, "language": "zh", "next": "/auth/login"},
        headers=HTML,
    )
    assert (answer.status_code, answer.location) == (303, "/chat/auth/login")
    assert "Path=/chat" in next(value for value in answer.headers.getlist("Set-Cookie") if "language=" in value)


@pytest.mark.parametrize("cookie", ["de", "", "zh_Hans", "\u4e2d", "x" * 3000])
def test_cookie_that_is_no_language_counts_for_nothing(cookie: str, site: Site) -> None:
    browser = site.guest()
    browser.client.set_cookie("language", cookie)
    assert lang(browser) == "en"
    assert lang(browser, **ZH) == "zh-Hans"


# -- texts


def test_page_is_in_chinese(chinese: Site) -> None:
    assert "登录" in chinese.guest().client.get("/auth/login", headers={**HTML, **ZH}).text


def test_text_is_put_together_in_the_language_of_the_request(chinese: Site) -> None:
    text = Text("write at least %(least)d characters", least=8)
    with chinese.app.test_request_context(headers=ZH):
        assert translated(text) == "请至少输入 8 个字符"
        assert translated(Text("is taken")) == "已被占用"
        assert translated(Text("nobody has translated this")) == "nobody has translated this"
        assert translated("is taken") == "is taken"
        assert type(translated(text)) is str
    with chinese.app.test_request_context():
        assert translated(text) == "write at least 8 characters"


def test_sentence_about_a_field_has_a_pattern_of_its_language(chinese: Site) -> None:
    least = Text("write at least %(least)d characters", least=8)
    with chinese.app.test_request_context():
        assert sentence("Name", Text("is taken")) == "The name is taken."
        assert sentence("Name", least) == "Write at least 8 characters."
        assert sentence("Name", "is odd") == "The name is odd."
        assert sentence("Name", "was changed") == "The name was changed."
    with chinese.app.test_request_context(headers=ZH):
        assert sentence("名称", Text("is taken")) == "名称已被占用。"
        assert sentence("名称", least) == "请至少输入 8 个字符。"


def test_problem_is_in_the_language_that_the_program_asks_for(chinese: Site) -> None:
    alice, _bob = chinese.programs("alice", "bob")
    answer = alice.get("/users/nobody", headers=ZH)
    is_problem(answer, 404)
    assert answer.get_json()["title"] == "未找到"
    assert answer.get_json()["detail"] == "没有名为 'nobody' 的用户。"
    assert alice.get("/users/nobody").get_json()["title"] == "Not Found"


def test_field_of_a_problem_is_translated_and_its_name_is_not(chinese: Site) -> None:
    alice, _bob = chinese.programs("alice", "bob")
    answer = alice.post("/messages", {"to": "bob", "body": " "}, headers=ZH)
    is_problem(answer, 422, "body")
    assert answer.get_json()["errors"] == {"body": "为空"}
    assert answer.get_json()["detail"] == "body：为空"


def test_page_of_an_error_is_in_chinese_while_the_database_is_away(
    chinese: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = chinese.browser("alice")

    def fail(*args: object, **options: object) -> None:
        raise sqlite3.OperationalError("gone")

    for name in ("read", "snapshot", "transaction"):
        monkeypatch.setattr(chinese.app.extensions["myapp"].database, name, fail)
    answer = browser.get("/", headers={**HTML, **ZH})
    assert answer.status_code == 503
    assert "数据库暂时没有响应。" in answer.text
    assert 'lang="zh-Hans"' in answer.text


def test_address_that_is_not_there_is_told_in_chinese(chinese: Site) -> None:
    answer = chinese.guest().get("/nothing", headers=ZH)
    is_problem(answer, 404)
    assert answer.get_json()["detail"] == "这个地址没有内容。"


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing"), ("PUT", "/account"), ("GET", "/static/nothing")])
def test_page_of_an_address_that_does_not_fit_is_in_the_language_of_the_person(
    method: str, path: str, chinese: Site
) -> None:
    choose(browser := chinese.browser("alice"), "zh")
    browser.client.delete_cookie("language")
    assert 'lang="zh-Hans"' in browser.open(path, method, headers=HTML).text


def test_form_says_what_is_wrong_in_chinese(chinese: Site) -> None:
    browser = chinese.guest()
    browser.page("/auth/register")
    answer = browser.client.post(
        "/auth/register",
        data={"csrf_token": browser.csrf, "username": "alice", "password": "short"},
        headers={**HTML, **ZH},
    )
    assert answer.status_code == 422
    assert "请至少输入 8 个字符。" in answer.text


def test_choosing_the_language_of_an_answer_never_looks_for_who_asks(chinese: Site) -> None:
    with chinese.app.test_request_context(headers=ZH):
        assert problem(NotFound("x")).status_code == 404
        assert "identity" not in g
