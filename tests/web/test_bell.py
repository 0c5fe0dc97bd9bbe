"""The bell: what happened, as a list to read, to mark, to choose from; and the page of announcements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jinja2 import ChoiceLoader, DictLoader

from myapp import Kind, emit, notify, register
from myapp.announcements import service as announcements
from myapp.errors import Text
from myapp.inbox import seen
from myapp.notifications.content import Content
from myapp.notifications.kinds import unregister
from myapp.systems import service as systems

from ..support import wait_for
from ..unit import noticed
from .conftest import HTML, Browser, Program, Site, is_problem


def happen(site: Site, user: str, *events: tuple[str, dict[str, Any]]) -> None:
    """Events of kinds that other parts of the application bring."""
    database = site.app.extensions["myapp"].database
    with site.app.app_context(), database.transaction():
        for kind, data in events:
            emit(user, kind, data)


def tell(site: Site, user: str, title: str, **more: Any) -> None:
    with site.app.app_context():
        notify(user, title, **more)


def like(by: str, post: int = 5) -> tuple[str, dict[str, Any]]:
    return "like", {"post": post, "by": by, "by_name": by.title(), "withdrawn": False}


def titles(page: str, part: str = "") -> list[str]:
    """What the page lists, or a part of it: `new` or `seen`."""
    if part:
        _, _, page = page.partition(f'aria-labelledby="notices-{part}')
        page, _, _ = page.partition("</section>")
    return re.findall(r'class="notice__title" dir="auto">([^<]*)<', page)


@pytest.fixture
def bob(site: Site) -> Browser:
    return site.browser("bob")


# -- as JSON


def test_what_happened_is_listed_newest_first(both_sites: Site) -> None:
    [bob] = both_sites.programs("bob")
    for number in range(3):
        tell(both_sites, "bob", f"Number {number}", url="/orders")
    answer = bob.get("/notifications").get_json()
    assert [one["data"]["title"] for one in answer["notifications"]] == ["Number 2", "Number 1", "Number 0"]
    newest = answer["notifications"][0]
    assert (newest["seq"], newest["kind"], newest["seen"], newest["url"]) == (3, "notification", False, "/orders")
    assert (answer["seq"], answer["more"], answer["badges"]["notifications"]) == (3, False, 3)


def test_older_ones_follow(site: Site) -> None:
    [bob] = site.programs("bob")
    for number in range(5):
        tell(site, "bob", f"{number}")
    first = bob.get("/notifications?limit=3").get_json()
    assert ([one["seq"] for one in first["notifications"]], first["more"]) == ([5, 4, 3], True)
    second = bob.get("/notifications?limit=3&before=3").get_json()
    assert ([one["seq"] for one in second["notifications"]], second["more"]) == ([2, 1], False)


def test_messages_are_not_among_them(site: Site) -> None:
    alice, bob = site.programs("alice", "bob")
    alice.send("bob")
    assert bob.get("/notifications").get_json()["notifications"] == []


def test_one_is_marked_as_seen_and_the_others_are_not(both_sites: Site) -> None:
    [bob] = both_sites.programs("bob")
    for number in range(3):
        tell(both_sites, "bob", f"{number}", badge="orders")
    answer = bob.post("/notifications/seen", {"seqs": [2]}).get_json()
    assert (answer["badges"]["notifications"], answer["badges"]["orders"], answer["seq"]) == (2, 2, 4)
    listed = bob.get("/notifications").get_json()["notifications"]
    assert [(one["seq"], one["seen"]) for one in listed] == [(3, False), (2, True), (1, False)]
    seen = bob.events()[-1]
    assert (seen["kind"], seen["data"]) == ("seen", {"badges": [], "upto": 0, "seqs": [2]})


def test_all_up_to_one_are_marked_as_seen(site: Site) -> None:
    [bob] = site.programs("bob")
    tell(site, "bob", "1", badge="orders")
    happen(site, "bob", like("alice"))
    tell(site, "bob", "3")
    answer = bob.post("/notifications/seen", {"upto": 2}).get_json()
    assert [answer["badges"][name] for name in ("notifications", "orders", "likes")] == [1, 0, 0]


def test_what_is_seen_twice_changes_nothing(site: Site) -> None:
    [bob] = site.programs("bob")
    tell(site, "bob", "1")
    for _ in range(2):
        assert bob.post("/notifications/seen", {"seqs": [1]}).get_json()["seq"] == 2
        assert bob.post("/badges/seen", {"badges": ["notifications"], "upto": 1}).get_json()["seq"] == 2


def test_badge_of_ones_own_is_marked_by_its_name(site: Site) -> None:
    [bob] = site.programs("bob")
    tell(site, "bob", "1", badge="orders")
    tell(site, "bob", "2", badge="backups")
    answer = bob.post("/badges/seen", {"badges": ["orders"], "upto": 2}).get_json()
    assert [answer["badges"][name] for name in ("notifications", "orders", "backups")] == [1, 0, 1]


def test_what_others_have_cannot_be_marked(site: Site) -> None:
    alice, _bob = site.programs("alice", "bob")
    tell(site, "bob", "1")
    is_problem(alice.post("/notifications/seen", {"seqs": [1]}), 422, "seqs")
    assert site.program("bob").badges()["notifications"] == 1


# -- the page


def test_page_has_what_is_new_apart_from_what_was_seen(bob: Browser, site: Site) -> None:
    for number in range(3):
        tell(site, "bob", f"Number {number}")
    bob.page("/notifications")
    bob.submit("/notifications/mark", seqs="2")
    page = bob.page("/notifications")
    assert titles(page, "new") == ["Number 2", "Number 0"]
    assert titles(page, "seen") == ["Number 1"]


def test_all_are_marked_up_to_what_the_page_showed(bob: Browser, site: Site) -> None:
    tell(site, "bob", "shown")
    shown = re.search(r'name="upto" value="(\d+)"', bob.page("/notifications"))
    assert shown
    tell(site, "bob", "not shown")
    answer = bob.submit("/notifications/mark", upto=shown[1])
    assert (answer.status_code, answer.headers["Location"]) == (303, "/notifications")
    assert titles(bob.page("/notifications"), "new") == ["not shown"]


@pytest.mark.parametrize(
    "fields", [{}, {"upto": "x"}, {"upto": "99"}, {"seqs": "1 x"}, {"seqs": "99"}, {"upto": "9" * 40}]
)
def test_form_that_is_wrong_marks_nothing(fields: dict[str, str], bob: Browser, site: Site) -> None:
    tell(site, "bob", "1")
    bob.page("/notifications")
    assert bob.submit("/notifications/mark", **fields).status_code == 422
    assert titles(bob.page("/notifications"), "new") == ["1"]


@pytest.mark.parametrize(("number", "is_one"), [(2**53 - 1, True), (2**53, False)])
def test_form_takes_the_numbers_that_it_says_it_takes(number: int, is_one: bool, bob: Browser) -> None:
    bob.page("/notifications")
    answer = bob.submit("/notifications/mark", seqs=str(number))
    assert (answer.status_code, "give a whole number" in answer.text) == (422, not is_one)


def test_form_leads_nowhere_else(bob: Browser, site: Site) -> None:
    tell(site, "bob", "1")
    bob.page("/notifications")
    answer = bob.submit("/notifications/mark", upto="1", next="https://evil.example/")
    assert answer.headers["Location"] == "/"


def test_title_is_as_it_was_told_whatever_our_own_texts_are_in_the_reader_s_language(bob: Browser, site: Site) -> None:
    tell(site, "bob", "Save")
    happen(site, "bob", like("ann"))
    page = bob.client.get("/notifications", headers={**HTML, "Accept-Language": "zh-CN"}).text
    assert titles(page) == ["Ann 赞了您的帖子", "Save"]


def test_item_links_to_its_place(bob: Browser, site: Site) -> None:
    tell(site, "bob", "here", url="/chats/alice")
    tell(site, "bob", "there", url="https://example.org/?a=1&b=2")
    page = bob.page("/notifications")
    assert 'href="/chats/alice"' in page
    assert 'href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer"' in page


def test_place_is_below_the_applications_root(bob: Browser, site: Site) -> None:
    tell(site, "bob", "here", url="/chats/alice")
    page = bob.client.get("/notifications", headers=HTML, environ_overrides={"SCRIPT_NAME": "/live"}).text
    assert 'href="/live/chats/alice"' in page


def test_item_says_what_its_system_calls_itself_by_one_query_a_page(bob: Browser, site: Site) -> None:
    database = site.app.extensions["myapp"].database
    for name, shown in (("shop", "The <Shop>"), ("backup", "Backups")):
        system = site.system(name)
        for _ in range(3):
            system.post("/api/notifications", {"to": "bob", "title": "Hi"})
        with database.transaction() as transaction:
            systems.change(transaction, systems.by_name(transaction, name), shown, 0)
    page = bob.page("/notifications")
    assert [page.count(f"<bdi>{shown}</bdi> ·") for shown in ("The &lt;Shop&gt;", "Backups", "shop")] == [3, 3, 0]
    with database.read() as connection:
        assert systems.shown_names(connection, {"shop", "gone"}) == {"shop": "The <Shop>"}
    assert "The &lt;Shop&gt;" in bob.client.get("/notifications/panel", headers=HTML).text


def test_a_source_that_is_no_name_is_not_shown(bob: Browser, site: Site) -> None:
    happen(site, "bob", ("like", {**like("alice")[1], "source": {"name": "shop"}}))
    assert titles(bob.page("/notifications")) == ["Alice liked your post"]


def test_announcement_says_what_its_system_calls_itself(bob: Browser, site: Site) -> None:
    site.system("shop").post("/api/announcements", {"title": "Sale"})
    database = site.app.extensions["myapp"].database
    with database.transaction() as transaction:
        systems.change(transaction, systems.by_name(transaction, "shop"), "The Shop", 0)
    assert "<bdi>The Shop</bdi> ·" in bob.page("/announcements")
    wait_for(lambda: is_done(site), "its end")
    assert site.program("bob").events()[0]["data"]["source"] == "shop"


def test_who_marks_on_an_older_page_stays_there(bob: Browser, site: Site) -> None:
    tell(site, "bob", "1")
    tell(site, "bob", "2")
    back = re.search(r'name="next" value="([^"]+)"', bob.page("/notifications?before=2"))
    assert back
    assert bob.submit("/notifications/mark", seqs="1", next=back[1]).headers["Location"] == "/notifications?before=2"


def test_what_is_said_is_text_and_no_markup(bob: Browser, site: Site) -> None:
    tell(site, "bob", "<b>bold</b>", body="<script>alert(1)</script>", url='/"onmouseover="x')
    page = bob.page("/notifications")
    assert titles(page) == ["&lt;b&gt;bold&lt;/b&gt;"]
    assert "<script>alert" not in page
    assert '"onmouseover' not in page


def test_the_like_of_it_is_one_item(bob: Browser, site: Site) -> None:
    happen(site, "bob", like("alice"), like("carol"), like("dave"), like("erin", post=6))
    tell(site, "bob", "between")
    happen(site, "bob", like("frank"), like("grace"))
    assert titles(bob.page("/notifications")) == ["5 people liked your post", "between", "Erin liked your post"]


def test_two_are_called_by_name(bob: Browser, site: Site) -> None:
    happen(site, "bob", like("alice"), like("carol"), like("carol"))
    assert titles(bob.page("/notifications")) == ["Carol and Alice liked your post"]


def test_all_of_one_item_are_marked_together(bob: Browser, site: Site) -> None:
    happen(site, "bob", like("alice"), like("carol"))
    seqs = re.search(r'name="seqs" value="([^"]+)"', bob.page("/notifications"))
    assert seqs
    bob.submit("/notifications/mark", seqs=seqs[1])
    assert site.program("bob").badges()["likes"] == 0


def test_what_was_seen_is_not_put_together_with_what_is_new(bob: Browser, site: Site) -> None:
    happen(site, "bob", like("alice"))
    bob.page("/notifications")
    bob.submit("/notifications/mark", upto="1")
    happen(site, "bob", like("carol"))
    page = bob.page("/notifications")
    assert titles(page, "new") == ["Carol liked your post"]
    assert titles(page, "seen") == ["Alice liked your post"]


def test_older_pages_are_reached_by_a_link(bob: Browser, site: Site) -> None:
    for number in range(60):
        tell(site, "bob", f"Number {number}")
    page = bob.page("/notifications")
    assert len(titles(page)) == 50
    assert 'href="/notifications?before=11"' in page
    assert titles(bob.page("/notifications?before=11")) == [f"Number {number}" for number in range(9, -1, -1)]


def test_every_page_counts_what_is_new(bob: Browser, site: Site) -> None:
    tell(site, "bob", "1", badge="orders")
    happen(site, "bob", like("alice"), ("reply", {"post": 1, "reply": 2, "by": "a", "by_name": "A", "body": "x"}))
    found = re.search(r'data-badge="notifications announcements[^"]*"[^>]*>(\d+)<', bob.page("/"))
    assert found and found[1] == "3"


def test_panel_has_the_newest(bob: Browser, site: Site) -> None:
    for number in range(20):
        tell(site, "bob", f"Number {number}")
    panel = bob.client.get("/notifications/panel", headers=HTML).text
    assert titles(panel) == [f"Number {number}" for number in range(19, 4, -1)]
    assert "<html" not in panel


def test_page_is_in_the_language_of_who_reads_it(bob: Browser, site: Site) -> None:
    happen(site, "bob", like("alice"), like("carol"))
    page = bob.client.get("/notifications", headers={**HTML, "Accept-Language": "zh-CN"}).text
    assert titles(page) == ["Carol 和 Alice 赞了您的帖子"]


# -- what one wants to hear of


def test_who_mutes_a_kind_hears_nothing_of_it_until_it_is_wanted_again(both_sites: Site) -> None:
    [bob] = both_sites.programs("bob")
    bob.put("/notifications/preferences", {"kinds": {"like": False}})
    happen(both_sites, "bob", like("alice"))
    tell(both_sites, "bob", "told")
    assert [event["kind"] for event in bob.events()] == ["notification"]
    answer = bob.put("/notifications/preferences", {"kinds": {"like": True}})
    assert answer.get_json()["kinds"]["like"] is True
    happen(both_sites, "bob", like("alice"))
    assert bob.badges()["likes"] == 1


def test_who_mutes_a_system_hears_nothing_of_it(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    shop, backup = both_sites.system("shop"), both_sites.system("backup")
    shop.post("/api/notifications", {"to": "bob", "title": "Hi"})
    assert bob.get("/notifications/preferences").get_json()["systems"] == {"shop": True}
    bob.put("/notifications/preferences", {"systems": {"shop": False}})
    for to in (["alice", "bob"], "*"):
        assert shop.post("/api/notifications", {"to": to, "title": "Ho"}).get_json()["accepted"] == 2
    shop.post("/api/announcements", {"title": "All"})
    wait_for(lambda: len(alice.events()) == 3, "what everyone was told")
    backup.post("/api/notifications", {"to": "bob", "title": "Done"})
    tell(both_sites, "bob", "told")
    assert [event["data"]["title"] for event in bob.events()] == ["Hi", "Done", "told"]


def test_announcements_of_systems_are_muted_by_their_kind_and_by_their_system(both_sites: Site) -> None:
    bob, carol, dave = both_sites.programs("bob", "carol", "dave")
    shop, bank = both_sites.system("shop"), both_sites.system("bank")
    shop.post("/api/announcements", {"title": "Before"})
    wait_for(lambda: is_done(both_sites), "its end")
    assert bob.get("/notifications/preferences").get_json()["systems"] == {"shop": True}
    bob.put("/notifications/preferences", {"kinds": {"announcement": False}})
    carol.put("/notifications/preferences", {"systems": {"shop": False}})
    dave.put("/notifications/preferences", {"kinds": {"notification": False}})
    for system, title in ((shop, "shop"), (bank, "bank")):
        system.post("/api/announcements", {"title": title})
    wait_for(lambda: is_done(both_sites), "their end")
    told = [[event["data"]["title"] for event in someone.events()] for someone in (bob, carol, dave)]
    assert told == [["Before"], ["Before", "bank"], ["Before", "shop", "bank"]]


def test_preferences_are_ticked_on_their_page(bob: Browser, site: Site) -> None:
    site.system("shop").post("/api/notifications", {"to": "bob", "title": "Hi"})
    page = bob.page("/notifications/preferences")
    assert page.count("checked") == 7
    shown = re.findall(r'name="shown" value="([^"]+)"', page)
    fields: dict[str, Any] = {"shown": shown, "wanted": [what for what in shown if what not in ("like", "system:1")]}
    assert bob.submit("/notifications/preferences", **fields).status_code == 303
    page = bob.page("/notifications/preferences")
    assert page.count("checked") == 5
    now = site.program("bob").get("/notifications/preferences").get_json()
    assert (now["kinds"]["like"], now["systems"]) == (False, {"shop": False})


def test_form_changes_only_what_it_showed(bob: Browser, site: Site) -> None:
    bob.page("/notifications/preferences")
    bob.submit("/notifications/preferences", shown="nonsense", wanted="like")
    assert site.rows("mutes") == []


@pytest.mark.parametrize(
    ("asked", "field"), [({"kinds": {"message": False}}, "kinds"), ({"systems": {"nobody": False}}, "systems")]
)
def test_what_there_is_not_cannot_be_muted(asked: dict[str, Any], field: str, site: Site) -> None:
    [bob] = site.programs("bob")
    is_problem(bob.put("/notifications/preferences", asked), 422, field)


# -- announcements


def announce(site: Site, title: str, **more: Any) -> None:
    assert (
        site.system(f"by-{len(site.rows('systems'))}").post("/api/announcements", {"title": title, **more}).status_code
        == 202
    )


def is_done(site: Site) -> bool:
    return all(row[-1] is not None for row in site.rows("announcements"))


def test_administrator_tells_everyone(both_sites: Site) -> None:
    [bob] = both_sites.programs("bob")
    root = both_sites.administrator()
    root.page("/admin")
    answer = root.submit("/admin/announcements", title="Maintenance", body="On\r\nSunday", url="/", key="k")
    assert answer.status_code == 303
    wait_for(bob.events, "the announcement")
    [event] = bob.events()
    assert event["kind"] == "announcement"
    said = {"title": "Maintenance", "body": "On\nSunday", "url": "/"}
    assert event["data"] == {"id": 1, "source": None, **said}
    assert bob.badges()["announcements"] == 1
    wait_for(lambda: is_done(both_sites), "its end")
    page = root.page("/admin")
    assert "2</span> / 2" in page
    assert LINK_TO_TASKS not in page


#: Of an announcement of one's own that is on its way.
LINK_TO_TASKS = '· <a href="/tasks">Tasks</a></span>'


def test_announcement_of_an_administrator_is_a_task_of_theirs(site: Site) -> None:
    root, other = site.administrator(), site.administrator("other")
    site.app.extensions["myapp"].database.publish = lambda news: None  # nobody runs it yet
    for browser in (root, other):
        browser.page("/admin")
        for _ in range(2):  # the second submit of one form is nothing new
            assert browser.submit("/admin/announcements", title="Hear", key="k").status_code == 303
    assert len(site.rows("announcements")) == 1
    assert LINK_TO_TASKS in root.page("/admin")
    assert LINK_TO_TASKS not in other.page("/admin")
    [task] = root.get("/tasks").get_json()["tasks"]
    assert (task["kind"], task["state"], task["can_cancel"]) == ("announcement", "queued", False)
    assert other.get("/tasks").get_json()["tasks"] == []
    site.app.extensions["myapp"].tasks.put(task["id"])
    wait_for(lambda: root.get(f"/tasks/{task['id']}").get_json()["state"] == "done", "the task")
    assert is_done(site)


def test_nobody_asks_for_the_task_of_an_announcement_by_itself(site: Site) -> None:
    root = site.administrator()
    root.page("/admin")
    is_problem(root.post("/tasks", {"kind": "announcement", "params": {"announcement": 1}}), 403)


def test_who_registers_later_reads_it_on_the_page(site: Site) -> None:
    site.people.add("bob")
    announce(site, "Hear, hear", body="See https://example.org/")
    wait_for(lambda: is_done(site), "its end")
    late = site.browser("late")
    page = late.page("/announcements")
    assert "Hear, hear" in page
    assert 'href="https://example.org/"' in page
    assert site.program("late").events() == []


def test_what_a_system_notified_everyone_of_is_no_announcement(site: Site) -> None:
    bob = site.browser("bob")
    site.system("shop").post("/api/notifications", {"to": "*", "title": "Sale"})
    wait_for(lambda: is_done(site), "its end")
    assert "Sale" not in bob.page("/announcements")


def test_announcements_are_read_page_by_page(site: Site) -> None:
    bob = site.browser("bob")
    with site.app.extensions["myapp"].database.transaction() as transaction:
        for number in range(32):
            announcements.create(transaction, Content(f"Number {number}."))
    assert bob.page("/announcements").count("<article") == 30
    assert "Number 1." in bob.page("/announcements?before=3")


def test_progress_is_told_to_the_system_that_announces(site: Site) -> None:
    site.people.add("alice", "bob")
    shop, other = site.system("shop"), site.system("other")
    made = shop.post("/api/announcements", {"title": "Hear"})
    assert made.headers["Location"] == "/api/announcements/1"
    wait_for(lambda: is_done(site), "its end")
    found = shop.get(made.headers["Location"]).get_json()
    assert (found["state"], found["reached"], found["total"]) == ("done", 2, 2)
    is_problem(other.get(made.headers["Location"]), 404)
    assert shop.get("/api/announcements/first").get_json()["detail"] == "There is no announcement first."


@pytest.mark.parametrize("path", ["/badges/seen", "/notifications/seen", "/notifications/mark"])
def test_very_much_is_marked_as_seen_in_several_transactions(
    path: str, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seen, "MOST_MARKED", 2)
    bob, shop = site.browser("bob"), site.system("shop")
    for number in range(5):
        shop.post("/api/notifications", {"to": "bob", "title": f"Number {number}", "badge": "orders"})
    if path == "/notifications/mark":
        assert bob.submit(path, upto="5").status_code == 303
    else:
        named = {"badges": ["orders"]} if path == "/badges/seen" else {}
        answer = bob.post(path, {**named, "upto": 5}).get_json()
        assert (answer["badges"]["notifications"], answer["badges"]["orders"], answer["seq"]) == (0, 0, 8)
    events = bob.get("/messages/poll?seq=5").get_json()["events"]
    assert [(event["kind"], event["data"]["upto"]) for event in events] == [("seen", 2), ("seen", 4), ("seen", 5)]


# -- a kind of one's own, as in docs/adopt.md


@pytest.fixture
def orders() -> Iterator[Kind]:
    yield register(
        Kind(
            "order-shipped",
            label=Text("Orders"),
            badge="orders",
            title=lambda data: f"Order {data['number']} is on its way",
            url=lambda data: f"/orders/{data['number']}",
            group=lambda data: "orders",
            together=lambda data: f"{len(data)} orders are on their way",
        )
    )
    unregister("order-shipped")


def test_kind_of_ones_own_is_shown_counted_and_muted(orders: Kind, bob: Browser, site: Site) -> None:
    happen(site, "bob", ("order-shipped", {"number": 17}))
    program: Program = site.program("bob")
    assert program.badges()["orders"] == 1
    page = bob.page("/notifications")
    assert titles(page) == ["Order 17 is on its way"]
    assert 'href="/orders/17"' in page
    assert "Orders" in bob.page("/notifications/preferences")
    happen(site, "bob", ("order-shipped", {"number": 18}))
    assert titles(bob.page("/notifications")) == ["2 orders are on their way"]
    program.put("/notifications/preferences", {"kinds": {"order-shipped": False}})
    happen(site, "bob", ("order-shipped", {"number": 19}))
    assert program.badges()["orders"] == 2


def test_kind_that_is_gone_is_still_listed(bob: Browser, site: Site) -> None:
    register(Kind("passing", Text("Passing"), lambda data: "It passes"))
    happen(site, "bob", ("passing", {}))
    unregister("passing")
    assert titles(bob.page("/notifications")) == ["passing"]


def test_kind_is_shown_by_a_template_of_its_own(bob: Browser, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    own = DictLoader({"orders/item.html": "<em>Parcel {{ item.data[0].number }}</em>"})
    monkeypatch.setattr(site.app.jinja_env, "loader", ChoiceLoader([own, site.app.jinja_env.loader]))
    register(Kind("parcel", Text("Parcels"), lambda data: "A parcel", template="orders/item.html"))
    try:
        happen(site, "bob", ("parcel", {"number": "<17>"}))
        assert "<em>Parcel &lt;17&gt;</em>" in bob.page("/notifications")
    finally:
        unregister("parcel")


@pytest.mark.parametrize("name", ["message", "read", "seen", "like", "", "A", "a b", "1a", "x" * 33, "badges"])
def test_name_that_cannot_be_a_kinds_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"kind"):
        register(Kind(name, Text("x"), lambda data: "x"))


def test_emit_of_a_kind_that_was_not_registered_is_refused(site: Site) -> None:
    site.people.add("bob")
    with pytest.raises(ValueError, match="register"):
        happen(site, "bob", ("order-lost", {}))


def test_inbox_of_a_notice_equals_a_fresh_count(site: Site) -> None:
    [bob] = site.programs("bob")
    tell(site, "bob", "1", badge="orders")
    happen(site, "bob", like("alice"), like("carol"))
    bob.post("/notifications/seen", {"seqs": [2]})
    with site.app.extensions["myapp"].database.read() as connection:
        counted = noticed.count_unseen(connection, 1)
    assert {**counted, "messages": 0} == bob.badges()


@pytest.mark.parametrize("template", ["nowhere.html", "orders/item.html"])
def test_bell_opens_whatever_becomes_of_the_template_of_a_kind(
    template: str, bob: Browser, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not there, and one that wants of the data what an old event lacks."""
    own = DictLoader({"orders/item.html": "{{ item.data[0].number.of.it }}"})
    monkeypatch.setattr(site.app.jinja_env, "loader", ChoiceLoader([own, site.app.jinja_env.loader]))
    register(Kind("parcel", Text("Parcels"), lambda data: "A parcel", template=template))
    try:
        happen(site, "bob", ("parcel", {}))
        for path in ("/notifications", "/notifications/panel"):
            assert "A parcel</strong>" in bob.get(path, headers=HTML).text
    finally:
        unregister("parcel")
