"""Pages in Chinese have no English left, whether the server or a script wrote it; and anybody can choose."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, expect

from myapp.db import now_ms
from myapp.extensions import database

from ..support import PASSWORD, AppServer
from .lending import new_context
from .support import PATIENCE, Person, Town, Window
from .telling import SHOP, admin_of, empty_feed, happen, like, open_bell, rings, shop_of, tasks_of_all_kinds, tell

#: What is called so in Chinese too.
NAMES = {"https", "WebSocket", "SSE", "PNG", "JPEG", "WebP", "Authorization", "Bearer"}
NAMES.add("English")  # in the switch each language is called as its speakers do

DAY = 24 * 3600 * 1000

# Everything that can be read, be it beside the pointer or aloud. What people and their programs call themselves and
# write is theirs.
_READABLE = """() => {
  const theirs = '[data-field=body], code, .row__last[title], #send textarea, #write textarea';
  const attributes = ['title', 'placeholder', 'aria-label', 'alt'].flatMap((name) =>
    [...document.querySelectorAll(`[${name}]`)]
      .filter((element) => !element.matches(theirs) || name === 'placeholder')
      .map((element) => element.getAttribute(name)));
  const options = [...document.querySelectorAll('option')].map((option) => option.textContent);
  let text = document.body.innerText;
  for (const element of document.querySelectorAll(theirs)) text = text.replaceAll(element.innerText || '\\0', ' ');
  return [document.title, text, ...options, ...attributes].join('\\n');
}"""


def english(window: Window, *names: Person | str) -> list[str]:
    """The English words that the page shows, those without a translation and these names apart."""
    text: str = window.page.evaluate(_READABLE)
    for name in names:
        text = text.replace(name if isinstance(name, str) else name.name, " ")
    return [word for word in re.findall(r"[A-Za-z]{3,}", text) if word not in NAMES]


def is_chinese(window: Window, *names: Person | str) -> None:
    expect(window.find("html")).to_have_attribute("lang", "zh-Hans")
    assert english(window, *names) == []


def in_chinese(person: Person) -> BrowserContext:
    return person.lent(locale="zh-CN")


def age(server: AppServer, message: int, ms: int) -> None:
    """Have a message be older than it is."""
    with server.app.app_context(), database().transaction() as transaction:
        transaction.driver.execute(f"UPDATE messages SET at = {now_ms() - ms} WHERE id = {message}")


def test_english_that_is_left_would_be_found(town: Town) -> None:
    window = town.stranger(locale="zh-CN").go("/auth/login")
    is_chinese(window)
    for script in (
        "() => { document.querySelector('h1').textContent = 'Sign in' }",
        "() => { document.querySelector('h1').title = 'Sign in' }",
    ):
        window.page.reload()
        window.page.evaluate(script)
        assert english(window) == ["Sign"]


# -- before one has signed in


@pytest.mark.parametrize("path", ["/auth/login", "/auth/register"])
def test_a_stranger_is_asked_in_chinese(path: str, town: Town) -> None:
    window = town.stranger(locale="zh-CN").go(path)
    is_chinese(window)
    expect(window.find("h1")).to_have_text({"/auth/login": "登录", "/auth/register": "注册账号"}[path])


@pytest.mark.parametrize(
    ("name", "password", "field", "text"),
    [
        ("zoe", "short", "password", "请至少输入 8 个字符。"),
        ("zoe!", PASSWORD, "username", "开头和结尾须为字母或数字。"),
        (None, PASSWORD, "username", "用户名已被占用。"),
    ],
    ids=["short-password", "bad-name", "taken-name"],
)
def test_mistakes_in_signing_up_are_told_in_chinese(
    name: str | None, password: str, field: str, text: str, town: Town, two: tuple[Person, Person]
) -> None:
    window = town.stranger(locale="zh-CN").go("/auth/register")
    window.expect_problems("422", "409")
    fill(window, name or two[0].name, password)
    expect(window.find(f"#{field}-error")).to_contain_text(text)
    is_chinese(window, *two)


def test_a_wrong_password_is_told_in_chinese(town: Town, two: tuple[Person, Person]) -> None:
    window = town.stranger(locale="zh-CN").go("/auth/login")
    window.expect_problems("422")
    fill(window, two[0].name, "wrong password")
    expect(window.find("#password-error")).to_have_text("用户名或密码错误。")
    is_chinese(window, *two)


def fill(window: Window, name: str, password: str) -> None:
    window.find("[name=username]").fill(name)
    window.find("[name=password]").fill(password)
    window.find("form.card button.primary").click()


# -- conversations


def test_the_list_is_in_chinese_empty_and_as_it_fills(server: AppServer, two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.open("/", context=in_chinese(ann))
    expect(window.find("#no-conversations")).to_contain_text(f"你好，{ann.name}！")
    is_chinese(window, ann, bob)
    ids = bob.send(ann, "你好")
    window.last_is("你好")
    time = window.find("[data-conversation] time")
    expect(time).to_have_text("刚刚")
    expect(window.find("[data-conversation] .badge")).to_have_attribute("title", "未读")
    is_chinese(window, ann, bob)
    for ms, words in (
        (5 * 60_000, "^5 分钟前$"),
        (DAY, "^昨天$"),
        (3 * DAY, "^星期[一二三四五六日]$"),
        (400 * DAY, r"^\d{4}年\d+月\d+日$"),
    ):
        age(server, ids[0], ms)
        window.page.reload()
        window.is_on("websocket")
        expect(time).to_have_text(re.compile(words))
    ann.send(bob, "在吗？")
    window.last_is("在吗？")
    expect(window.find("[data-field=you]")).to_have_text("你：")
    is_chinese(window, ann, bob)


def test_people_are_looked_for_in_chinese(two: tuple[Person, Person]) -> None:
    ann, bob = two
    context = in_chinese(ann)
    window = ann.open(f"/?q={bob.name}", context=context)
    expect(window.find("#people")).to_have_text("用户")
    is_chinese(window, ann, bob)
    window.go("/?q=没有这个人")
    expect(window.find(".empty")).to_contain_text("没有找到“没有这个人”")
    is_chinese(window, ann, bob)


def test_a_conversation_is_in_chinese_while_it_lives(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob, context=in_chinese(ann))
    presence, mark = window.find("#presence"), window.find("[data-field=mark]").last
    expect(window.find("#no-messages")).to_be_visible()
    expect(presence).to_have_text("离线")
    is_chinese(window, ann, bob)
    window.write("你好")
    window.shows("你好")
    expect(mark).to_have_text("已发送")
    expect(window.find(".day")).to_have_text("今天")
    expect(window.find(".message time")).to_have_text("刚刚")
    other = bob.chat(ann)
    expect(presence).to_have_text("在线")
    expect(mark).to_have_text("已读")
    other.find("#send textarea").press_sequentially("嗯嗯")
    expect(presence).to_have_text("正在输入…")
    is_chinese(window, ann, bob)
    shown = window.dom()
    other.find("#send textarea").clear()
    expect(presence).to_have_text("在线", timeout=20_000)
    window.page.reload()
    window.is_on("websocket")
    expect(presence).to_have_text("在线")
    assert window.dom().count("已读") == shown.count("已读") == 1
    is_chinese(window, ann, bob)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_days_are_called_as_in_chinese(scripts: bool, server: AppServer, two: tuple[Person, Person]) -> None:
    ann, bob = two
    for message, days in zip(bob.send(ann, "一", "二", "三", "四"), (400, 3, 1, 0), strict=True):
        age(server, message, days * DAY)
    context = ann.lent(locale="zh-CN", java_script_enabled=scripts)
    window = ann.chat(bob, context=context, transport="websocket" if scripts else None)
    weekday = "星期[一二三四五六日]$"
    days = [rf"^\d{{4}}年\d+月\d+日{weekday}", rf"^(\d{{4}}年)?\d+月\d+日{weekday}", "^昨天$", "^今天$"]
    expect(window.find(".day")).to_have_text([re.compile(words) for words in days])
    expect(window.find(".unread")).to_have_text("新消息")
    if scripts:
        is_chinese(window, ann, bob)


def test_an_outage_is_told_in_chinese(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob, context=in_chinese(ann))
    window.expect_outage()
    window.expect_problems("ERR_INTERNET_DISCONNECTED")
    expect(window.find("#live-status")).to_have_text("已连接")
    expect(window.find("#live-transport option[value=auto]")).to_have_text("自动：WebSocket")
    window.page.evaluate("Math.random = () => 0.999")  # the longest waits there are
    window.page.context.set_offline(True)
    expect(window.find("#live-status")).to_have_text(re.compile(r"^连接已断开，\d+ 秒后重试。$"))
    expect(window.find("#live-retry")).to_have_text("立即重试")
    window.write("在吗？")
    expect(window.find(".message--pending")).to_contain_text("正在等待网络…")
    is_chinese(window, ann, bob)
    window.page.context.set_offline(False)
    window.state("live")
    window.shows("在吗？")


@pytest.mark.parametrize(
    ("choice", "words"), [("short-poll", "每隔几秒更新"), ("off", "不会自动更新"), ("sse", "已连接")]
)
def test_ways_of_following_are_in_chinese(choice: str, words: str, two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob, context=in_chinese(ann))
    window.choose(choice)
    window.is_on(choice)
    expect(window.find("#live-status")).to_have_text(words)
    is_chinese(window, ann, bob)


def test_the_end_of_a_session_is_told_in_chinese(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.chat(bob, context=in_chinese(ann))
    window.expect_problems("40[13]")
    ann.program.delete("/auth/sessions/all")
    window.state("signed-out")
    expect(window.find("#live-status")).to_have_text("你已退出登录。")
    expect(window.find("#live-login")).to_have_text("重新登录")
    window.write("太晚了")
    expect(window.find("#send-error")).to_have_text("你已退出登录。")
    is_chinese(window, ann, bob)


# -- posts


def test_posts_are_in_chinese_with_what_is_new_wrong_and_deleted(two: tuple[Person, Person]) -> None:
    ann, bob = two
    empty_feed(ann.server)
    window = ann.open("/posts", context=in_chinese(ann))
    is_chinese(window, ann, bob)
    window.expect_problems("422")
    post = bob.post("你好")
    expect(window.find("#news")).to_have_text("1 条新帖子", timeout=PATIENCE)
    window.find("#news").click()
    window.shows_posts("你好")
    window.find(".post__menu > summary").click()
    is_chinese(window, ann, bob)
    window.write_post("长" * 4001)
    expect(window.find("#write-error")).to_contain_text("4001")
    is_chinese(window, ann, bob)
    answer = bob.reply(post, f"@{ann.name}")
    expect(window.find(".live-toast a")).to_have_text(f"{bob.name} 提到了你", timeout=PATIENCE)
    window.go(f"/posts/{post}").is_on("websocket")
    bob.delete_post(answer)
    expect(window.find(f"#post-{answer}")).to_have_text("该回复已删除。", timeout=PATIENCE)
    is_chinese(window, ann, bob)


# -- the account, and what is not there


def test_the_account_is_in_chinese_with_what_goes_wrong_there(two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.open("/account", context=in_chinese(ann))
    window.expect_problems("422")
    is_chinese(window, ann, bob)
    window.find("[name=label]").fill("备份脚本")
    window.find("form.inline button").click()
    expect(window.find(".card--new")).to_contain_text("这是你的新令牌。")
    is_chinese(window, ann, bob)
    window.find("[name=current_password]").fill("wrong password")
    window.find("[name=new_password]").fill("another password")
    window.find("[name=new_password]").press("Enter")
    expect(window.find("#current_password-error")).to_have_text("当前密码不正确。")
    picture = {"name": "x.png", "mimeType": "image/png", "buffer": b"no picture"}
    window.find("[name=picture]").set_input_files(files=[picture])
    window.page.get_by_role("button", name="上传").click()
    expect(window.find("#picture-error")).to_contain_text("头像不是 PNG、JPEG 或 WebP 图片")
    is_chinese(window, ann, bob)
    window.find("[name=display_name]").fill("小安")
    window.find("[name=display_name]").press("Enter")
    expect(window.find(".flash")).to_have_text("昵称已更改。")
    is_chinese(window, ann, bob)


# -- what happened, and who tells it


def test_tasks_are_in_chinese_and_so_are_those_that_come(town: Town) -> None:
    (ann,) = town.people_named("ann")
    window = ann.open("/tasks", context=in_chinese(ann))
    expect(window.find(".empty")).to_be_visible()
    is_chinese(window, ann)
    tasks_of_all_kinds(ann, title="月报", reason="没有销售。")
    for state in ("done", "failed"):
        expect(window.find(f".task[data-state={state}]").first).to_be_visible()
    window.page.reload()
    expect(window.find(".task__state")).to_have_text(["进行中", "等待中", "失败", "处理完毕"])
    is_chinese(window, ann, "steps.txt")


def test_the_bell_is_in_chinese_empty_full_and_when_something_fails(town: Town) -> None:
    ann, bob = town.people_named("ann", "bob")
    window = ann.open("/notifications", context=in_chinese(ann))
    window.expect_outage()
    window.expect_problems("notices could not be loaded", "401")
    panel = open_bell(window)
    expect(panel.locator(".empty")).to_be_visible()
    is_chinese(window, ann, SHOP)
    people = [("like", post) for post in (1, 2, 2, 3, 3, 3)] + [("dislike", 4), ("reply", 5), ("reply", 5)]
    events = [like(name, post, kind) for (kind, post), name in zip(people, "一二三四五六七八九", strict=True)]
    tasks = [{"id": 6, "title": "导出", "state": state, "error": None} for state in ("done", "failed", "cancelled")]
    happen(ann, *events, *(("task", task) for task in tasks))
    rings(window, 12)
    tell(ann, title="订单已发货", body="明天送达", url="/account")
    expect(window.find(".live-toast a")).to_have_text(["已完成：导出", "失败：导出", "订单已发货"])
    rings(window, 13)
    expect(panel.locator(".notice--new").first).to_contain_text("订单已发货")
    is_chinese(window, ann, SHOP)
    window.page.context.set_offline(True)
    window.state("offline")
    panel.locator(".notices__all button").click()
    expect(panel.get_by_role("alert")).to_have_text("未能标记为已看。请重试。")
    is_chinese(window, ann, SHOP)
    window.page.context.set_offline(False)
    window.state("live")
    panel.locator(".notices__all button").click()
    rings(window, 0)
    is_chinese(window, ann, SHOP)
    for path in ("/notifications", "/notifications/preferences"):
        window.go(path).is_on("websocket")
        is_chinese(window, ann, SHOP)
    window.page.get_by_role("button", name="保存").click()
    expect(window.find(".flash")).to_have_text("已保存。")
    is_chinese(window, ann, SHOP)


def test_the_pages_of_administrators_and_of_announcements_are_in_chinese(own_town: Town) -> None:
    admin = admin_of(own_town)
    window = admin.open("/announcements", context=in_chinese(admin))
    window.expect_problems("422", "409")
    expect(window.find(".empty")).to_be_visible()
    is_chinese(window, admin)
    window.go("/admin")
    button = window.page.get_by_role("button", name="发布公告", exact=True)
    window.find("#title").fill("  ")
    button.click()
    expect(window.find("#title-error")).to_be_visible()
    is_chinese(window, admin)
    window.find("#title").fill("周日维护")
    button.click()
    expect(window.find("[data-state]")).to_have_text("完成")
    name, _token = shop_of(own_town.server)
    window.find("#name").fill(name)
    window.find("form[action$=systems] button").click()
    expect(window.find("#name-error")).to_be_visible()
    is_chinese(window, admin, SHOP, name)
    window.go("/announcements")
    expect(window.find("h2")).to_have_text("周日维护")
    is_chinese(window, admin)
    window.go(f"/admin/systems/{name}")
    window.find("#label").fill("夜间")
    window.find("#days").fill("0")
    window.find("form[action$=tokens] button").click()
    expect(window.find("#days-error")).to_be_visible()
    is_chinese(window, SHOP, name, admin, "tests")
    window.find("#days").fill("30")
    for scope in window.find("[name=scopes]").all():
        scope.check()
    window.find("form[action$=tokens] button").click()
    expect(window.find("#new-token")).to_be_visible()
    window.page.get_by_role("button", name="复制").click()
    is_chinese(window, SHOP, name, admin, "tests", "TOKEN")
    window.find("form[action$=suspend] button").click()
    window.find("form[action$=rotate] button").first.click()
    expect(window.find(".flash")).to_be_visible()
    is_chinese(window, SHOP, name, admin, "tests", "TOKEN")


@pytest.mark.parametrize(
    ("path", "title"),
    [("/chats/nobody-of-this-name", "未找到"), ("/nothing-here", "未找到"), ("/?q=1&q=2", "内容无法处理")],
)
def test_an_error_is_told_in_chinese(path: str, title: str, two: tuple[Person, Person]) -> None:
    ann, bob = two
    window = ann.open("/", context=in_chinese(ann))
    window.expect_problems("404", "422")
    window.go(path)
    expect(window.find("h1")).to_have_text(title)
    assert set(english(window, ann, bob)) <= {"nobody", "this", "name"}  # the name that was asked for


# -- choosing


def switch(window: Window, language: str) -> None:
    window.find(".foot").get_by_role("button", name=language, exact=True).click()


def heading(window: Window) -> Locator:
    return window.find("h1")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_the_switch_changes_the_language_both_ways_and_stays_on_the_page(scripts: bool, town: Town) -> None:
    window = town.stranger(java_script_enabled=scripts).go("/auth/register")
    for language, title, lang in (("中文", "注册账号", "zh-Hans"), ("English", "Create an account", "en")):
        switch(window, language)
        expect(heading(window)).to_have_text(title)
        expect(window.find("html")).to_have_attribute("lang", lang)
        expect(window.find(".foot [aria-current=true]")).to_have_text(language)
        assert window.page.url.endswith("/auth/register")


def test_a_browser_remembers_the_language_without_an_account(town: Town) -> None:
    window = town.stranger().go("/auth/login")
    switch(window, "中文")
    expect(heading(window)).to_have_text("登录")
    later = Window(window.page.context.new_page(), window.home)
    town.windows.append(later)
    window.page.close()
    later.go("/auth/register")
    is_chinese(later)
    expect(Window(new_context(town.browser).new_page(), window.home).go("/auth/login").find("h1")).to_have_text(
        "Sign in"
    )


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_an_account_has_its_language_in_every_browser(scripts: bool, two: tuple[Person, Person]) -> None:
    ann, bob = two
    context = ann.lent(java_script_enabled=scripts)
    window = ann.open(f"/?q={bob.name}", context=context, transport="websocket" if scripts else None)
    switch(window, "中文")
    expect(window.find("html")).to_have_attribute("lang", "zh-Hans")
    assert window.page.url.endswith(f"/?q={bob.name}")
    elsewhere = ann.open("/account", context=ann.lent(locale="en-GB"))
    is_chinese(elsewhere, ann, bob)
    expect(elsewhere.find("#language")).to_have_value("zh")
    elsewhere.find("#language").select_option("en")
    elsewhere.page.get_by_role("button", name="保存").last.click()
    expect(elsewhere.find("html")).to_have_attribute("lang", "en")
    window.page.reload()
    expect(window.find("html")).to_have_attribute("lang", "en")


def test_who_signs_up_in_chinese_goes_on_in_chinese(town: Town) -> None:
    window = town.stranger().go("/auth/register")
    switch(window, "中文")
    expect(heading(window)).to_have_text("注册账号")
    name = f"zoe-{secrets.token_hex(3)}"
    fill(window, name, PASSWORD)
    expect(window.find("#no-conversations")).to_contain_text(f"你好，{name}！")


@pytest.mark.parametrize(
    ("locale", "lang"), [("fr-FR", "en"), ("en-US", "en"), ("zh-CN", "zh-Hans"), ("zh-TW", "zh-Hans")]
)
def test_a_browser_gets_the_language_that_it_wants_or_english(
    locale: str, lang: str, browser: Browser, server: AppServer
) -> None:
    with new_context(browser, locale=locale) as context:
        page = context.new_page()
        page.goto(server.url + "/auth/login")
        expect(page.locator("html")).to_have_attribute("lang", lang)
