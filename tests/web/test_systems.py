"""Other systems: accounts with tokens, what each token allows, and what they tell our users."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from myapp.auth import service as auth
from myapp.notifications import service as notifications
from myapp.systems import tokens

from ..support import PASSWORD, wait_for
from .conftest import LAST_USED, Browser, Program, Site, is_problem, open_site


@pytest.fixture
def shop(site: Site) -> Program:
    site.people.add("alice", "bob")
    return site.system("shop")


@pytest.fixture
def limited(tmp_path: Path, empty_database: Path) -> Iterator[Site]:
    yield from open_site(tmp_path, empty_database, RATE_LIMITS="on")


def end(site: Site, token: Program) -> None:
    """The token's time is over."""
    site.write("UPDATE system_tokens SET expires_at = 1")


def test_notification_is_an_event_that_names_its_source(both_sites: Site) -> None:
    [bob] = both_sites.programs("bob")
    shop = both_sites.system("shop")
    said = {"title": "On its way", "body": "Two parcels", "url": "/orders/17", "badge": "orders", "data": {"order": 17}}
    answer = shop.post("/api/notifications", {"to": "bob", **said})
    assert (answer.status_code, answer.get_json()) == (202, {"accepted": 1, "unknown": []})
    [event] = bob.events()
    assert event["kind"] == "notification"
    assert event["data"].pop("id") > 0
    assert event["data"] == {"source": "shop", **said}
    badges = bob.badges()
    assert (badges["notifications"], badges["orders"]) == (1, 1)


def test_what_is_left_out_is_null(shop: Program, site: Site) -> None:
    shop.post("/api/notifications", {"to": "bob", "title": "Hi"})
    [event] = site.program("bob").events()
    del event["data"]["id"]
    nothing = {"body": None, "url": None, "badge": None, "data": {}}
    assert event["data"] == {"source": "shop", "title": "Hi", **nothing}


@pytest.mark.parametrize("text", ["\\u0000", '{"[' * 500])
def test_data_that_only_looks_wrong_is_told_as_it_is(text: str, shop: Program, site: Site) -> None:
    answer = shop.post("/api/notifications", {"to": "bob", "title": "Hi", "data": {"text": text}})
    assert answer.status_code == 202, answer.text
    [event] = site.program("bob").events()
    assert event["data"]["data"] == {"text": text}


def test_several_are_told_and_those_who_are_nobody_are_named(shop: Program, site: Site) -> None:
    to = ["alice", "BOB", "Carol", "bob", "a b", "d'"]
    answer = shop.post("/api/notifications", {"to": to, "title": "Hi"})
    assert answer.get_json() == {"accepted": 2, "unknown": ["Carol", "a b", "d'"]}
    for name in ("alice", "bob"):
        assert len(site.program(name).events()) == 1


def test_many_are_told_in_one_request(both_sites: Site) -> None:
    names = [f"u{number}" for number in range(120)]
    both_sites.people.add(*names)
    answer = both_sites.system("shop").post("/api/notifications", {"to": names, "title": "Hi", "key": "k"})
    assert answer.get_json() == {"accepted": 120, "unknown": []}
    assert len(both_sites.rows("events")) == 120


def test_who_tells_many_lets_others_in_between(shop: Program, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"u{number}" for number in range(50)]
    site.people.add(*names)
    told: list[int] = []
    monkeypatch.setattr(time, "sleep", lambda seconds: told.append(len(site.rows("events"))))
    shop.post("/api/notifications", {"to": names, "title": "Hi"})
    assert told == [20, 40]


@pytest.mark.parametrize("path", ["notifications", "announcements"])
def test_system_with_too_much_to_announce_has_to_wait(path: str, both_sites: Site) -> None:
    shop, bank = both_sites.system("shop"), both_sites.system("bank")
    both_sites.app.extensions["myapp"].chores.close()  # so all of it stays on its way
    everyone = {"to": "*"} if path == "notifications" else {}
    for number in range(10):
        said = {**everyone, "title": f"{number}", "key": f"{number}"}
        assert shop.post(f"/api/{path}", said).status_code == 202
    answer = shop.post(f"/api/{path}", {**everyone, "title": "one more"})
    is_problem(answer, 429)
    assert answer.headers["Retry-After"] == "5"
    assert shop.post(f"/api/{path}", {**everyone, "title": "9", "key": "9"}).status_code == 202
    assert bank.post(f"/api/{path}", {**everyone, "title": "ours"}).status_code == 202
    assert len(both_sites.rows("announcements")) == 11


def test_everyone_is_told(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    answer = both_sites.system("shop").post("/api/notifications", {"to": "*", "title": "Hi", "badge": "orders"})
    assert (answer.status_code, answer.get_json()["accepted"]) == (202, 2)
    for someone in (alice, bob):
        wait_for(someone.events, "the notification")
        [event] = someone.events()
        assert event["data"]["title"] == "Hi"
        assert (someone.badges()["notifications"], someone.badges()["orders"]) == (1, 1)


def test_same_key_tells_each_user_once(both_sites: Site) -> None:
    alice, bob = both_sites.programs("alice", "bob")
    shop = both_sites.system("shop")
    for to in ("bob", "bob", ["bob", "alice"], "alice"):
        assert shop.post("/api/notifications", {"to": to, "title": "Hi", "key": "k"}).status_code == 202
    assert [len(someone.events()) for someone in (alice, bob)] == [1, 1]


def test_same_key_for_something_else_is_a_conflict_and_tells_nobody(shop: Program, site: Site) -> None:
    shop.post("/api/notifications", {"to": "bob", "title": "Hi", "key": "k"})
    answer = shop.post("/api/notifications", {"to": ["alice", "bob"], "title": "Ho", "key": "k"})
    is_problem(answer, 409, "key")
    assert site.program("alice").events() == []


def test_keys_of_two_systems_are_their_own(shop: Program, site: Site) -> None:
    for system in (shop, site.system("backup")):
        system.post("/api/notifications", {"to": "bob", "title": "Hi", "key": "k"})
    assert [event["data"]["source"] for event in site.program("bob").events()] == ["shop", "backup"]


# -- tokens


def test_program_is_told_which_system_it_is(shop: Program, site: Site) -> None:
    known = shop.get("/auth/me").get_json()
    assert known == {"name": "shop", "display_name": "shop", "via": "system", "scopes": sorted(tokens.SCOPES)}


REQUESTS = {
    "notify": ("POST", "/api/notifications", {"to": "bob", "title": "Hi"}),
    "announce": ("POST", "/api/announcements", {"title": "Hi"}),
    "users": ("PUT", "/api/users/zoe", {}),
    "tickets": ("POST", "/api/tickets", {"user": "zoe"}),
}


@pytest.mark.parametrize("scope", REQUESTS)
def test_token_allows_what_it_was_made_for_and_nothing_else(scope: str, site: Site) -> None:
    site.people.add("bob")
    site.system("shop").put("/api/users/zoe", {})
    with site.app.extensions["myapp"].database.transaction() as transaction:
        few = Program(site.app, tokens.create(transaction, 1, "few", [scope])["token"])
    for name, (method, path, body) in REQUESTS.items():
        answer = few.open(path, method, json=body)
        if name == scope:
            assert answer.status_code < 300, answer.text
        else:
            is_problem(answer, 403)
            assert name in answer.get_json()["detail"]


def test_telling_everyone_takes_the_scope_to_announce(site: Site) -> None:
    site.people.add("bob")
    is_problem(site.system("shop", "notify").post("/api/notifications", {"to": "*", "title": "Hi"}), 403)


def test_users_token_is_no_systems(shop: Program, site: Site) -> None:
    for method, path, body in REQUESTS.values():
        is_problem(site.program("alice").open(path, method, json=body), 403)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"/messages/{way}") for way in ("poll", "long-poll", "stream")),
        *(("GET", "/badges"), ("POST", "/messages"), ("GET", "/users"), ("POST", "/auth/ticket")),
    ],
)
def test_systems_token_is_no_users(method: str, path: str, shop: Program) -> None:
    answer = shop.open(path, method, json={} if method == "POST" else None)
    is_problem(answer, 403)
    assert "token of a system" in answer.get_json()["detail"]


def test_token_that_has_ended_is_refused(shop: Program, site: Site) -> None:
    end(site, shop)
    is_problem(shop.post("/api/notifications", {"to": "bob", "title": "Hi"}), 401)


def test_token_is_only_kept_as_a_hash(shop: Program, site: Site) -> None:
    assert all(shop.token not in str(row) for row in site.rows("system_tokens"))


def test_use_is_noted(shop: Program, site: Site) -> None:
    shop.get("/auth/me")
    assert site.rows("system_tokens")[0][LAST_USED["system_tokens"]] is not None


def test_limit_of_a_system_counts_whom_it_tells(limited: Site) -> None:
    limited.people.add("alice", "bob")
    shop, backup = limited.system("shop"), limited.system("backup")
    limited.write("UPDATE systems SET most_per_minute = 3")
    both = {"to": ["alice", "bob"], "title": "Hi"}
    assert shop.post("/api/notifications", both).status_code == 202
    refused = shop.post("/api/notifications", both)
    is_problem(refused, 429)
    assert shop.post("/api/notifications", {"to": "bob", "title": "Hi"}).status_code == 202
    assert backup.post("/api/notifications", both).status_code == 202


def test_who_names_more_than_may_be_told_a_minute_is_not_told_to_try_again(limited: Site) -> None:
    limited.people.add("alice")
    shop = limited.system("shop")
    limited.write("UPDATE systems SET most_per_minute = 3")
    refused = shop.post("/api/notifications", {"to": ["alice", "b", "c", "d"], "title": "Hi"})
    is_problem(refused, 422, "to")
    assert "4 names" in refused.get_json()["detail"] and "3 users a minute" in refused.get_json()["detail"]
    assert shop.post("/api/notifications", {"to": ["alice", "b", "c"], "title": "Hi"}).status_code == 202


def test_users_that_a_system_makes_are_counted_apart_from_those_it_tells(limited: Site) -> None:
    shop = limited.system("shop")
    limited.write("UPDATE systems SET most_per_minute = 1")
    assert shop.put("/api/users/zoe", {}).status_code == 201
    assert shop.post("/api/notifications", {"to": "zoe", "title": "Hi"}).status_code == 202
    assert "tell" in shop.post("/api/notifications", {"to": "zoe", "title": "Hi"}).get_json()["detail"]
    refused = shop.put("/api/users/zoe", {})
    is_problem(refused, 429)
    assert "make or rename" in refused.get_json()["detail"]


# -- users of their own


def test_system_makes_users_of_its_own_and_renames_them(both_sites: Site) -> None:
    shop = both_sites.system("shop")
    made = shop.put("/api/users/Zoe", {"display_name": "Zoe from the shop"})
    assert made.status_code == 201
    assert {**made.get_json(), "avatar": ""} == {"name": "zoe", "display_name": "Zoe from the shop", "avatar": ""}
    again = shop.put("/api/users/zoe", {"display_name": "Zoe"})
    assert (again.status_code, again.get_json()["display_name"]) == (200, "Zoe")
    assert shop.put("/api/users/zoe", {}).get_json()["display_name"] == "Zoe"
    assert shop.post("/api/notifications", {"to": "zoe", "title": "Hi"}).get_json()["accepted"] == 1


def test_users_of_others_are_not_touched(shop: Program, site: Site) -> None:
    backup = site.system("backup")
    backup.put("/api/users/zoe", {})
    for name in ("alice", "zoe"):
        is_problem(shop.put(f"/api/users/{name}", {"display_name": "Mallory"}), 409, "name")
        is_problem(shop.post("/api/tickets", {"user": name}), 404, "user")


def test_ticket_lets_a_user_of_the_system_follow_and_nothing_else(shop: Program, site: Site) -> None:
    shop.put("/api/users/zoe", {})
    answer = shop.post("/api/tickets", {"user": "zoe"})
    assert answer.get_json()["expires_in"] == 600
    zoe = Program(site.app, answer.get_json()["ticket"])
    shop.post("/api/notifications", {"to": "zoe", "title": "Hi"})
    assert len(zoe.events()) == 1
    assert zoe.post("/badges/seen", {"badges": ["notifications"], "upto": 1}).get_json()["badges"]["notifications"] == 0
    assert zoe.get("/auth/me").get_json()["name"] == "zoe"
    is_problem(zoe.post("/messages", {"to": "bob", "body": "Hi"}), 403)
    is_problem(zoe.post("/api/notifications", {"to": "bob", "title": "Hi"}), 403)
    is_problem(zoe.get("/auth/tokens"), 403)
    assert zoe.post("/auth/ticket").status_code == 200


def test_ticket_renews_itself_for_a_day(shop: Program, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.put("/api/users/zoe", {})
    zoe = Program(site.app, shop.post("/api/tickets", {"user": "zoe"}).get_json()["ticket"])
    began, real = time.time(), time.time
    for hours in range(1, 26):
        for minutes in range(5, 60, 9):
            passed = hours * 3600 + minutes * 60 - 3600
            monkeypatch.setattr(time, "time", lambda passed=passed: began + passed)
            answer = zoe.post("/auth/ticket")
            if passed > auth.SYSTEM_TICKET_LIFE:
                is_problem(answer, 403)
                monkeypatch.setattr(time, "time", real)
                return
            zoe = Program(site.app, answer.get_json()["ticket"])
    raise AssertionError("it has been renewed for more than a day")


def test_who_follows_by_a_systems_ticket_is_sent_away_when_the_last_renewed_one_has_ended(
    shop: Program, site: Site
) -> None:
    shop.put("/api/users/zoe", {})
    now = int(time.time())
    last = now - auth.SYSTEM_TICKET_LIFE - auth.TICKET_LIFE
    grants = [f"system:1:{user}@{since}" for user, since in ((3, now), (4, last + 60), (5, last - 60))]
    with site.app.extensions["myapp"].database.read() as connection:
        assert auth.ended(connection, grants) == {grants[2]}


def test_nobody_but_the_system_takes_a_name_that_begins_with_its_own(site: Site) -> None:
    shop, bank = site.system("shop"), site.system("bank")
    browser = site.guest()
    browser.page("/auth/register")
    assert browser.submit("/auth/register", username="Shop.ann", password=PASSWORD).status_code == 409
    is_problem(bank.put("/api/users/shop.ann", {}), 409, "name")
    assert shop.put("/api/users/shop.ann", {}).status_code == 201
    assert bank.put("/api/users/bob.ann", {}).status_code == 201
    assert browser.submit("/auth/register", username="shop-ann", password=PASSWORD).status_code == 303


def test_names_are_kept_for_the_system_whose_name_they_begin_with_longest(both_sites: Site) -> None:
    shop = both_sites.system("my.shop")
    browser = both_sites.guest()
    browser.page("/auth/register")
    assert browser.submit("/auth/register", username="my.shop.ann", password=PASSWORD).status_code == 409
    mine = both_sites.system("my")
    is_problem(mine.put("/api/users/my.shop.ann", {}), 409, "name")
    assert shop.put("/api/users/my.shop.ann", {}).status_code == 201
    assert mine.put("/api/users/my.shop", {}).status_code == 201
    is_problem(shop.put("/api/users/my.ann", {}), 409, "name")


def test_no_system_is_made_while_a_stranger_has_a_name_that_it_would_keep(both_sites: Site) -> None:
    both_sites.people.add("shop.ann", "my_bank.ann", "myxbank.bob")
    root = both_sites.administrator()
    root.page("/admin")
    answer = root.submit("/admin/systems", name="Shop")
    assert (answer.status_code, "shop.ann" in answer.text) == (409, True)
    assert both_sites.rows("systems") == []
    for name, status in (("my_bank", 409), ("myxban", 303), ("my-bank", 303), ("sho", 303)):
        assert root.submit("/admin/systems", name=name).status_code == status


def test_users_of_a_system_with_a_longer_name_are_no_strangers(both_sites: Site) -> None:
    both_sites.system("my.shop").put("/api/users/my.shop.ann", {})
    root = both_sites.administrator()
    root.page("/admin")
    assert root.submit("/admin/systems", name="my").status_code == 303
    assert root.submit("/admin/systems", name="my.shop.ann").status_code == 303


def test_user_that_is_made_by_many_requests_at_once_is_one_user(both_sites: Site) -> None:
    shop = both_sites.system("shop")
    together = threading.Barrier(8)

    def put(number: int) -> int:
        together.wait()
        return Program(both_sites.app, shop.token).put("/api/users/zoe", {"display_name": "Zoe"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(put, range(8))) == [200] * 7 + [201]


@pytest.mark.parametrize(
    "how",
    ["UPDATE systems SET suspended_at = 1", "UPDATE system_tokens SET expires_at = 1", "DELETE FROM system_tokens"],
)
def test_ticket_ends_with_the_token_and_the_system(how: str, shop: Program, site: Site) -> None:
    shop.put("/api/users/zoe", {})
    zoe = Program(site.app, shop.post("/api/tickets", {"user": "zoe"}).get_json()["ticket"])
    assert zoe.get("/badges").status_code == 200
    site.write(how)
    is_problem(zoe.get("/badges"), 401)
    is_problem(shop.get("/auth/me"), 401)


# -- the administrator's page


def new_token(page: str) -> str:
    return page.partition('id="new-token">')[2].partition("<")[0]


def test_administrator_adds_a_system_and_a_token_for_it(site: Site) -> None:
    site.people.add("bob")
    root = site.administrator()
    root.page("/admin")
    answer = root.submit("/admin/systems", name="Shop", display_name="The Shop")
    assert answer.headers["Location"] == "/admin/systems/shop"
    assert "The Shop" in root.page("/admin/systems/shop")
    made = root.submit("/admin/systems/shop/tokens", label="ci", scopes="notify", days="30")
    shop = Program(site.app, new_token(made.text))
    assert shop.post("/api/notifications", {"to": "bob", "title": "Hi"}).status_code == 202
    is_problem(shop.post("/api/announcements", {"title": "Hi"}), 403)
    assert "1 notification in the last 90 days" in root.page("/admin")


def test_what_a_system_has_sent_is_counted_to_an_end(both_sites: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifications, "MOST_COUNTED", 2)
    both_sites.people.add("bob")
    shop, root = both_sites.system("shop"), both_sites.administrator()
    for said in ("2 notifications in", "2+ notifications in", "2+ notifications in"):
        for _ in range(2):
            shop.post("/api/notifications", {"to": "bob", "title": "Hi"})
        for path in PAGES:
            assert said in root.page(path)


def test_rotated_token_goes_on_for_a_day_beside_the_new_one(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    old, root = site.system("shop", "users", days=30), site.administrator()
    root.page("/admin/systems/shop")
    new = Program(site.app, new_token(root.submit("/admin/systems/shop/tokens/1/rotate").text))
    for token in (old, new):
        assert token.get("/auth/me").get_json()["scopes"] == ["users"]
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + (tokens.ROTATION + 1000) * 1_000_000)
    is_problem(old.get("/auth/me"), 401)
    assert new.get("/auth/me").status_code == 200
    monkeypatch.setattr(time, "time_ns", lambda: real() + 31 * tokens.DAY * 1_000_000)
    is_problem(new.get("/auth/me"), 401)


def test_token_is_rotated_once_and_the_new_one_again(site: Site) -> None:
    site.system("shop"), site.system("bank")
    root = site.administrator()
    root.page("/admin/systems/shop")
    for number in (1, 3):
        assert root.submit(f"/admin/systems/shop/tokens/{number}/rotate").status_code == 200
        again = root.submit(f"/admin/systems/shop/tokens/{number}/rotate")  # as by reloading the page that shows it
        assert (again.status_code, "rotated before" in again.text) == (409, True)
    assert [row[6] is None for row in site.rows("system_tokens")] == [False, True, False, True]


@pytest.mark.parametrize("days", [1, None])
def test_token_whose_successor_was_revoked_is_not_rotated_again(days: int | None, both_sites: Site) -> None:
    both_sites.system("shop", "users", days=days)
    root = both_sites.administrator()
    root.page("/admin/systems/shop")
    assert root.submit("/admin/systems/shop/tokens/1/rotate").status_code == 200
    root.submit("/admin/systems/shop/tokens/2/revoke")
    assert "/tokens/1/rotate" not in root.page("/admin/systems/shop")
    assert root.submit("/admin/systems/shop/tokens/1/rotate").status_code == 409
    assert len(both_sites.rows("system_tokens")) == 1


def test_revoked_token_is_refused_at_once(site: Site) -> None:
    shop, root = site.system("shop"), site.administrator()
    root.page("/admin/systems/shop")
    root.submit("/admin/systems/shop/tokens/1/revoke")
    is_problem(shop.get("/auth/me"), 401)


def test_suspended_system_is_refused_until_it_is_let_in_again(site: Site) -> None:
    shop, root = site.system("shop"), site.administrator()
    root.page("/admin/systems/shop")
    root.submit("/admin/systems/shop/suspend", suspended="1")
    is_problem(shop.get("/auth/me"), 401)
    root.submit("/admin/systems/shop/suspend", suspended="0")
    assert shop.get("/auth/me").status_code == 200


def test_limit_and_name_are_set_on_its_page(site: Site) -> None:
    shop, root = site.system("shop"), site.administrator()
    root.page("/admin/systems/shop")
    root.submit("/admin/systems/shop/settings", display_name="Our Shop", most_per_minute="7")
    assert shop.get("/auth/me").get_json()["display_name"] == "Our Shop"
    assert site.rows("systems")[0][4] == 7


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/admin/systems", {"name": ""}, 422),
        ("/admin/systems", {"name": "a b"}, 422),
        ("/admin/systems", {"name": "shop"}, 409),
        ("/admin/systems", {"name": "new", "display_name": "x" * 65}, 422),
        ("/admin/systems/nothing/tokens", {"scopes": "notify"}, 404),
        ("/admin/systems/shop/tokens", {}, 422),
        ("/admin/systems/shop/tokens", {"scopes": "everything"}, 422),
        ("/admin/systems/shop/tokens", {"scopes": "notify", "days": "x"}, 422),
        ("/admin/systems/shop/tokens", {"scopes": "notify", "days": "0"}, 422),
        ("/admin/systems/shop/tokens", {"scopes": "notify", "days": "9" * 30}, 422),
        ("/admin/systems/shop/tokens", {"scopes": "notify", "label": "x" * 101}, 422),
        ("/admin/systems/shop/tokens", {"scopes": "notify", "label": "a\x00"}, 422),
        ("/admin/systems/shop/tokens/9/rotate", {}, 404),
        ("/admin/systems/shop/tokens/x/revoke", {}, 404),
        ("/admin/systems/shop/tokens/" + "9" * 30 + "/revoke", {}, 404),
        ("/admin/systems/shop/settings", {"display_name": "Shop", "most_per_minute": ""}, 422),
        ("/admin/systems/shop/settings", {"display_name": "Shop", "most_per_minute": "-1"}, 422),
        ("/admin/systems/shop/settings", {"display_name": " ", "most_per_minute": "1"}, 422),
        ("/admin/systems/nothing/suspend", {}, 404),
        ("/admin/announcements", {"title": " "}, 422),
        ("/admin/announcements", {"title": "x" * 201}, 422),
        ("/admin/announcements", {"title": "Hi", "body": "x" * 4001}, 422),
        ("/admin/announcements", {"title": "Hi", "url": "javascript:x"}, 422),
        ("/admin/announcements", {"title": "Hi", "key": "x" * 65}, 422),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_form_that_is_wrong_is_shown_again(path: str, fields: dict[str, str], status: int, site: Site) -> None:
    site.system("shop")
    root = site.administrator()
    root.page("/admin")
    before = site.stored()
    answer = root.submit(path, **fields)
    assert (answer.status_code, answer.mimetype) == (status, "text/html"), answer.text
    if status in (409, 422):
        assert 'class="error"' in answer.text
    assert site.stored() == before


def test_announcement_that_is_changed_and_sent_again_is_refused_with_the_reason(site: Site) -> None:
    root = site.administrator()
    root.page("/admin")
    assert root.submit("/admin/announcements", title="Hi", key="k").status_code == 303
    answer = root.submit("/admin/announcements", title="Ho", key="k")
    assert answer.status_code == 409
    assert 'class="error" role="alert">This key was used for another announcement' in answer.text


PAGES = ["/admin", "/admin/systems/shop"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_only_for_administrators(path: str, site: Site) -> None:
    site.system("shop")
    site.browser("bob").page(path, 403)
    assert site.guest().client.get(path, headers={"Accept": "text/html"}).status_code == 302


def test_token_of_an_administrator_does_not_administrate(site: Site) -> None:
    site.administrator()
    is_problem(site.program("root").post("/admin/announcements", data={"title": "Hi"}), 403)


def test_link_to_the_pages_is_only_for_administrators(site: Site) -> None:
    def has_link(browser: Browser) -> bool:
        return 'href="/admin"' in browser.page("/")

    assert has_link(site.administrator())
    assert not has_link(site.browser("bob"))
