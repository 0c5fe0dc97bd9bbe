"""Reports: who may report what, that administrators see it as it stood, and that nobody else does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from .conftest import HTML, Browser, Program, Site, is_problem, open_site


def report(program: Program, status: int = 201, **fields: Any) -> Any:
    answer = program.post("/reports", {"reason": "Insults me.", **fields})
    assert answer.status_code == status, answer.text
    return answer.get_json()


def tell(system: Program, title: str, badge: str | None = None) -> None:
    """Another system tells the administrator something."""
    answer = system.post("/api/notifications", {"to": "root", "title": title, "badge": badge})
    assert answer.status_code == 202, answer.text


def told(browser: Browser) -> list[tuple[str, bool]]:
    """Where the notifications of this browser's user lead, and whether they are seen."""
    return [(one["url"], one["seen"]) for one in browser.get("/notifications").get_json()["notifications"]]


def test_report_is_answered_as_stored_and_administrators_see_the_content_as_it_stood(both_sites: Site) -> None:
    root = both_sites.administrator()
    alice, bob = both_sites.programs("alice", "bob")
    number = bob.send("alice", "a <nasty> thing")["id"]
    post = bob.post("/posts", {"body": "a nasty post"}).get_json()["id"]
    found = report(alice, user="BOB", message=number)
    assert found.pop("at")
    assert found == {"id": 1, "user": "bob", "message": number, "post": None, "reason": "Insults me."}
    report(alice, user="bob", post=post)
    report(alice, user="bob", reason="The person.")
    for address in (f"/messages/{number}", f"/posts/{post}"):
        assert bob.delete(address).status_code == 204
    page = root.page("/admin/reports")
    shown = ["The person.", "a nasty post", "a &lt;nasty&gt; thing"]  # newest first
    assert sorted(shown, key=page.index) == shown
    assert page.count("reported by alice") == 3
    assert ">3 open reports<" in root.page("/admin")


def test_same_thing_reported_again_while_it_is_open_is_one_report(both_sites: Site) -> None:
    root = both_sites.administrator()
    alice, bob, carol = both_sites.programs("alice", "bob", "carol")
    number = bob.send("alice")["id"]
    first = report(alice, user="bob", message=number)
    before = both_sites.stored()
    assert report(alice, 200, user="bob", message=number, reason="other words") == first
    assert both_sites.stored() == before
    report(alice, user="bob")  # something else
    report(carol, user="bob")  # somebody else
    root.page("/admin/reports")
    assert root.submit("/admin/reports/1/close").status_code == 303
    assert report(alice, user="bob", message=number)["id"] == 4


def test_only_what_was_written_to_oneself_can_be_reported(both_sites: Site) -> None:
    alice, bob, carol = both_sites.programs("alice", "bob", "carol")
    number = bob.send("alice")["id"]
    post = bob.post("/posts", {"body": "x"}).get_json()["id"]
    deleted = bob.send("alice")["id"]
    bob.delete(f"/messages/{deleted}")
    before = both_sites.stored()
    for program, fields, status in (
        (carol, {"user": "bob", "message": number}, 404),  # of others
        (bob, {"user": "bob", "message": number}, 404),  # one's own
        (alice, {"user": "carol", "message": number}, 422),  # somebody else's
        (alice, {"user": "carol", "post": post}, 422),
        (bob, {"user": "bob", "post": post}, 422),
        (alice, {"user": "alice"}, 422),
        (alice, {"user": "bob", "message": deleted}, 404),
        (alice, {"user": "bob", "message": number, "post": post}, 422),
    ):
        is_problem(program.post("/reports", {"reason": "x", **fields}), status)
    assert both_sites.stored() == before


def test_every_administrator_is_told_once_until_it_is_seen(both_sites: Site) -> None:
    root, boss = both_sites.administrator("root"), both_sites.administrator("boss")
    alice, *_ = both_sites.programs("alice", "bob", "carol")
    report(alice, user="bob")
    report(alice, user="carol")
    for browser in (root, boss):
        assert told(browser) == [("/admin/reports", False)]
    assert alice.badges()["notifications"] == 0
    root.page("/admin/reports")
    root.submit("/admin/reports/1/close")  # whoever has dealt with one has seen that there are some
    assert (told(root), told(boss)) == ([("/admin/reports", True)], [("/admin/reports", False)])
    report(alice, user="root")
    assert told(root) == [("/admin/reports", False), ("/admin/reports", True)]
    assert told(boss) == [("/admin/reports", False)]


def test_reports_of_another_system_are_not_taken_for_ours(both_sites: Site) -> None:
    root = both_sites.administrator()
    alice, *_ = both_sites.programs("alice", "bob", "carol")
    tell(both_sites.system("figures"), "The weekly figures", "reports")
    report(alice, user="bob")
    assert told(root) == [("/admin/reports", False), (None, False)]
    root.page("/admin/reports")
    root.submit("/admin/reports/1/close")
    assert told(root) == [("/admin/reports", True), (None, False)]
    assert root.get("/badges").get_json()["badges"]["reports"] == 1


def test_closing_marks_as_seen_whatever_else_is_not(both_sites: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("myapp.inbox.seen.MOST_MARKED", 2)
    root = both_sites.administrator()
    alice, *_ = both_sites.programs("alice", "bob")
    for number in range(3):
        tell(both_sites.system(f"other{number}"), "Something else")
    report(alice, user="bob")
    root.page("/admin/reports")
    root.submit("/admin/reports/1/close")
    badges = root.get("/badges").get_json()["badges"]
    assert (badges["reports"], badges["notifications"]) == (0, 3)


def test_administrator_is_told_in_the_language_of_the_page(site: Site) -> None:
    root = site.administrator()
    alice, _bob = site.programs("alice", "bob")
    report(alice, user="bob")
    assert "There are new reports" in root.page("/notifications")
    chinese = root.client.get("/notifications", headers={**HTML, "Accept-Language": "zh-CN"}).text
    assert "有新的举报" in chinese and "There are new reports" not in chinese


def test_closed_report_leaves_the_page_and_closing_it_again_changes_nothing(both_sites: Site) -> None:
    root = both_sites.administrator()
    alice, _bob = both_sites.programs("alice", "bob")
    report(alice, user="bob", reason="First.")
    root.page("/admin/reports")
    for _ in range(2):
        assert root.submit("/admin/reports/1/close").headers["Location"] == "/admin/reports"
    ((*_, closed_at, closed_by),) = both_sites.rows("reports")
    assert closed_at and closed_by == 1
    page = root.page("/admin/reports")
    assert "First." not in page and "Nothing to look at." in page
    for which in ("2", "x", "0", "9" * 30):
        root.page("/admin")
        assert root.submit(f"/admin/reports/{which}/close").status_code == 404


def test_reports_are_paged(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("myapp.admin.reports.SHOWN", 2)
    root = site.administrator()
    alice, *_ = site.programs("alice", "bob", "carol", "dave")
    for name in ("bob", "carol", "dave"):
        report(alice, user=name, reason=f"About {name}.")
    first = root.page("/admin/reports")
    assert "About dave." in first and "About carol." in first and "About bob." not in first
    assert 'href="/admin/reports?before=2"' in first
    second = root.page("/admin/reports?before=2")
    assert "About bob." in second and "About carol." not in second and 'href="/admin/reports?before=' not in second


def test_nobody_but_administrators_sees_or_closes_reports(site: Site) -> None:
    root, alice, bob = site.administrator(), site.browser("alice"), site.browser("bob")
    assert alice.post("/reports", {"user": "bob", "reason": "x"}).status_code == 201
    program = site.program("root")  # a token does not do
    for caller in (alice, bob, program):
        assert caller.get("/admin/reports").status_code == 403
        assert caller.post("/admin/reports/1/close").status_code == 403
    assert site.guest().get("/admin/reports").status_code == 401
    root.csrf = ""
    assert root.submit("/admin/reports/1/close").status_code == 403
    assert site.rows("reports")[0][-2] is None


def test_so_many_an_hour_by_json_and_by_form_together(tmp_path: Path, empty_database: Path) -> None:
    for site in open_site(tmp_path, empty_database, RATE_LIMITS="on"):
        alice = site.browser("alice")
        site.people.add("bob")
        for _ in range(10):
            assert alice.post("/reports", {"user": "bob", "reason": "x"}).status_code in (200, 201)
            alice.page("/reports/new?user=bob")
            assert alice.submit("/reports/new?user=bob", reason="x").status_code == 303
        is_problem(alice.post("/reports", {"user": "bob", "reason": "x"}), 429)
        assert alice.submit("/reports/new?user=bob", reason="x").status_code == 429
        alice.page("/reports/new?user=bob")


# -- the page


def submit(browser: Browser, query: str, **fields: str) -> TestResponse:
    return browser.submit(f"/reports/new?{query}", **fields)


def test_person_and_message_are_reported_by_form(site: Site) -> None:
    root, alice, bob = site.administrator(), site.browser("alice"), site.browser("bob")
    bob.post("/messages", {"to": "alice", "body": "nasty <b>"})
    assert 'href="/reports/new?user=bob"' in alice.page("/chats/bob")
    page = alice.page("/reports/new?message=1")
    assert "nasty &lt;b&gt;" in page
    assert 'action="/reports/new?message=1"' in page
    for query in ("message=1", "user=bob"):
        answer = submit(alice, query, reason="line\r\nline")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/chats/bob")
    assert "Thank you." in alice.page("/chats/bob")
    assert [row[6] for row in site.rows("reports")] == ["line\nline"] * 2
    assert told(root) == [("/admin/reports", False)]


def test_post_is_reported_by_form_and_leads_back_to_its_place_in_the_thread(site: Site) -> None:
    alice, bob = site.browser("alice"), site.program("alice")
    (bob,) = site.programs("bob")
    post = bob.post("/posts", {"body": "x"}).get_json()["id"]
    reply = bob.post(f"/posts/{post}/replies", {"body": "a nasty reply"}).get_json()["id"]
    page = alice.page(f"/reports/new?post={reply}")
    assert "a nasty reply" in page
    assert f'href="/posts/{reply}"' in page
    assert f'name="next" value="/posts/{reply}"' in page  # of who blocks them in place of it
    assert submit(alice, f"post={reply}", reason="x").headers["Location"] == f"/posts/{reply}"


@pytest.mark.parametrize("reason", ["", " ", "x" * 1001, "a\x00b"])
def test_form_with_a_wrong_reason_comes_back_with_it(reason: str, site: Site) -> None:
    alice, _bob = site.browser("alice"), site.people.add("bob")
    alice.page("/reports/new?user=bob")
    answer = submit(alice, "user=bob", reason=reason)
    assert answer.status_code == 422
    assert "The reason" in answer.text or "reason" in answer.text
    assert site.rows("reports") == []


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("user=alice", 422),
        ("user=nobody", 404),
        ("message=7", 404),
        ("message=x", 422),
        ("message=0", 422),
        ("post=7", 404),
        ("post=7&message=7", 422),
        ("user=%00", 422),
    ],
)
def test_page_about_nothing_says_what_is_wrong(query: str, status: int, site: Site) -> None:
    alice = site.browser("alice")
    alice.page(f"/reports/new?{query}", status)
    assert submit(alice, query, reason="x").status_code == status


def test_whoever_is_not_signed_in_is_sent_to_do_so(site: Site) -> None:
    answer = site.guest().client.get("/reports/new?user=bob", headers=HTML)
    assert answer.status_code == 302 and "/auth/login" in answer.headers["Location"]
