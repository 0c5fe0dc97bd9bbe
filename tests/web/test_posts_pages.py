"""Posts as pages: everything works by forms, in a browser that runs no script."""

from __future__ import annotations

import re
from typing import NoReturn
from urllib.parse import urlsplit

import pytest

from myapp.errors import Text, Unavailable

from .conftest import Browser, Program, Site
from .test_pages import NASTY, Page


@pytest.fixture
def ann(site: Site) -> Browser:
    return site.browser("ann")


@pytest.fixture
def bob(site: Site, ann: Browser) -> Program:
    [bob] = site.programs("bob")
    return bob


def write(program: Program, body: str = "hello") -> int:
    answer = program.post("/posts", {"body": body})
    assert answer.status_code == 201, answer.text
    number: int = answer.get_json()["id"]
    return number


def reply(program: Program, post: int, body: str = "I see") -> int:
    answer = program.post(f"/posts/{post}/replies", {"body": body})
    assert answer.status_code == 201, answer.text
    number: int = answer.get_json()["id"]
    return number


def numbers(page: str) -> list[int]:
    """The posts and replies on it, in order."""
    return [int(number) for number in re.findall(r'data-post="(\d+)"', page)]


def key_of(page: str) -> str:
    [form] = Page(page).find("input", name="key")
    return form["value"]


def badge(page: str, name: str) -> int:
    found = re.search(rf'data-badge="{name}"[^>]*>(\d+)<', page)
    assert found, page
    return int(found[1])


def part_of(page: str, post: int) -> str:
    """The HTML of one post."""
    start = page.index(f'id="post-{post}"')
    return page[start : page.index("</article>", start)]


def reactions(page: str, post: int) -> dict[str, tuple[str, str, str]]:
    """By kind: the count, whether it is pressed, and what pressing it would say."""
    found = re.findall(
        r'name="reaction" value="(\w*)" aria-pressed="(\w+)"\s+data-reaction="(\w+)".*?<span data-count="\w+">(\d+)<',
        part_of(page, post),
        re.S,
    )
    return {kind: (count, pressed, says) for says, pressed, kind, count in found}


# -- how they look


def test_pages_render_under_their_policy_whatever_is_in_them(ann: Browser, bob: Program) -> None:
    post = write(bob, f"{NASTY} @ann @nobody")
    ann.page("/posts")
    ann.submit(f"/posts/{post}/reply", body=NASTY, key="k")
    for path in ("/posts", f"/posts/{post}", "/posts?before=1", f"/posts/{post}?after=1000"):
        page = ann.page(path)
        assert Page(page).complaints == [], path
        assert "alert(1)</script>" not in page


def test_an_empty_feed_says_what_to_do(ann: Browser) -> None:
    page = ann.page("/posts")
    assert "No posts to show. Write one" in page
    assert numbers(page) == []


def test_a_program_gets_json_where_a_browser_gets_a_page(ann: Browser, bob: Program) -> None:
    post = write(bob)
    assert [one["id"] for one in bob.get("/posts").get_json()["posts"]] == [post]
    assert bob.get(f"/posts/{post}").get_json()["body"] == "hello"
    assert numbers(ann.page("/posts")) == [post]


def test_a_stranger_is_led_to_the_door_and_back(site: Site, bob: Program) -> None:
    answer = site.guest().client.get(f"/posts/{write(bob)}", headers={"Accept": "text/html"})
    assert answer.status_code == 302
    assert answer.headers["Location"].endswith("/auth/login?next=/posts/1")


def test_the_header_leads_to_the_posts_with_what_is_new(ann: Browser, bob: Program) -> None:
    ann.page("/posts")
    ann.submit("/posts/new", body="mine", key="k")
    bob.put("/posts/1/reaction", {"reaction": "like"})
    reply(bob, 1)
    page = ann.page("/account")
    [link] = [one for one in Page(page).find("a", class_="top__link") if one["href"] == "/posts"]
    assert "aria-current" not in link
    assert {name: badge(page, name) for name in ("likes", "dislikes", "replies")} == {
        "likes": 1,
        "dislikes": 0,
        "replies": 1,
    }


def test_addresses_and_people_in_a_text_are_links(ann: Browser, bob: Program, site: Site) -> None:
    site.people.add("zoe")
    post = write(bob, "@zoe and @ann, not @nobody: see https://example.org/@zoe?to=(@zoe).")
    text = part_of(ann.page("/posts"), post)
    assert (
        '<a class="mention" href="/chats/zoe">@zoe</a> and <strong class="mention">@ann</strong>, not @nobody' in text
    )
    assert text.count('href="/chats/zoe"') == 1
    assert ">https://example.org/@zoe?to=(@zoe)</a>." in text


def test_names_lead_to_people_but_not_to_oneself(ann: Browser, bob: Program) -> None:
    post = write(bob)
    ann.page("/posts")
    ann.submit("/posts/new", body="mine", key="k")
    page = ann.page("/posts")
    assert 'href="/chats/bob"' in part_of(page, post)
    assert "/chats/" not in part_of(page, post + 1)


# -- leafing


def test_the_feed_has_thirty_and_leads_to_older_ones(ann: Browser, bob: Program) -> None:
    posts = [write(bob, f"post {number}") for number in range(65)][::-1]
    page = ann.page("/posts")
    assert numbers(page) == posts[:30]
    assert "Newest posts" not in page
    page = ann.page(f"/posts?before={posts[29]}")
    assert numbers(page) == posts[30:60]
    assert f"/posts?before={posts[59]}" in page and "Newest posts" in page
    page = ann.page(f"/posts?before={posts[59]}")
    assert numbers(page) == posts[60:]
    [older] = Page(page).find("a", id="older")
    assert "hidden" in older


def test_a_thread_has_fifty_replies_and_leads_to_the_newest_and_back(ann: Browser, bob: Program) -> None:
    post = write(bob)
    replies = [reply(bob, post, f"reply {number}") for number in range(120)]
    page = ann.page(f"/posts/{post}")
    assert numbers(page) == [post, *replies[:50]]
    assert "Older replies" not in page
    assert f'href="/posts/{post}?after={replies[49]}">Newer replies' in page
    assert f'href="/posts/{post}?after={replies[69]}">Newest replies' in page
    page = ann.page(f"/posts/{post}?after={replies[69]}")
    assert numbers(page) == [post, *replies[70:]]
    assert f'href="/posts/{post}?after={replies[19]}">Older replies' in page
    assert "Newer replies" not in page
    page = ann.page(f"/posts/{post}?after={replies[19]}")
    assert f'href="/posts/{post}">Older replies' in page


def test_the_page_of_a_reply_is_its_place_in_the_thread(ann: Browser, bob: Program) -> None:
    post = write(bob)
    replies = [reply(bob, post, f"reply {number}") for number in range(80)]
    for at, after in ((0, None), (49, None), (50, 24), (79, 53)):
        answer = ann.get(f"/posts/{replies[at]}", headers={"Accept": "text/html"})
        assert answer.status_code == 303
        target = urlsplit(answer.headers["Location"])
        query = "" if after is None else f"after={replies[after]}"
        assert (target.path, target.query, target.fragment) == (f"/posts/{post}", query, f"post-{replies[at]}")
        assert replies[at] in numbers(ann.page(f"{target.path}?{target.query}"))


def test_parts_for_scripts_have_what_is_newer(ann: Browser, bob: Program) -> None:
    one, two, three = (write(bob) for _ in range(3))
    assert numbers(ann.get(f"/posts/newer?after={one}").text) == [three, two]
    assert "data-more" not in ann.get(f"/posts/newer?after={one}").text
    more = [write(bob) for _ in range(30)]
    part = ann.get(f"/posts/newer?after={one}").text
    assert numbers(part) == more[::-1] and "data-more" in part
    replies = [reply(bob, one) for _ in range(3)]
    part = ann.get(f"/posts/{one}/newer?after={replies[0]}").text
    assert numbers(part) == replies[1:]
    assert 'data-replies="3"' in part
    version = bob.get(f"/posts/{one}").get_json()["version"]
    assert f'data-replies="3" data-version="{version}"' in part


# -- writing


def test_one_writes_a_post_and_comes_back_to_it(ann: Browser) -> None:
    key = key_of(ann.page("/posts"))
    answer = ann.submit("/posts/new", body="two\r\nlines", key=key)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/posts#post-1")
    assert 'dir="auto">two\nlines</div>' in ann.page("/posts")


def test_a_form_sent_twice_is_one_post(ann: Browser) -> None:
    key = key_of(ann.page("/posts"))
    for _ in range(2):
        assert ann.submit("/posts/new", body="once", key=key).headers["Location"] == "/posts#post-1"
    for _ in range(2):
        assert ann.submit("/posts/1/reply", body="once", key="k").headers["Location"] == "/posts/1#post-2"
    assert numbers(ann.page("/posts/1")) == [1, 2]


@pytest.mark.parametrize("where", ["/posts/new", "/posts/1/reply"])
def test_what_is_wrong_is_said_at_the_field_and_what_was_typed_is_kept(where: str, ann: Browser, bob: Program) -> None:
    write(bob)
    ann.page("/posts")
    text = "<long> " * 700
    answer = ann.submit(where, body=text, key="k")
    assert answer.status_code == 422
    page = Page(answer.text)
    [area] = page.find("textarea", name="body")
    assert area["aria-invalid"] == "true"
    assert "&lt;long&gt; &lt;long&gt;" in answer.text
    assert re.search(
        r'id="write-error" role="alert">The (post|reply) has 4900 characters; write at most 4000\.', answer.text
    )
    assert answer.text.count('id="post-1"') == 1
    assert ann.get(where).status_code == 303


def test_a_key_that_was_used_for_something_else_is_told_and_a_new_one_given(ann: Browser) -> None:
    ann.page("/posts")
    ann.submit("/posts/new", body="one", key="k")
    answer = ann.submit("/posts/new", body="two", key="k")
    assert answer.status_code == 409
    assert ann.submit("/posts/new", body="two", key=key_of(answer.text)).status_code == 303


def test_a_reply_leads_to_its_place_also_in_a_long_thread(ann: Browser, bob: Program) -> None:
    post = write(bob)
    replies = [reply(bob, post) for _ in range(60)]
    ann.page(f"/posts/{post}")
    answer = ann.submit(f"/posts/{post}/reply", body="the last", key="k")
    assert answer.headers["Location"] == f"/posts/{post}?after={replies[34]}#post-{replies[-1] + 1}"


def test_a_reply_to_what_was_deleted_meanwhile_is_given_back(ann: Browser, bob: Program) -> None:
    post = write(bob)
    ann.page(f"/posts/{post}")
    bob.delete(f"/posts/{post}")
    answer = ann.submit(f"/posts/{post}/reply", body="too late", key="k")
    assert answer.status_code == 404
    assert ">\r\ntoo late</textarea>" in answer.text
    assert "There is no post" in answer.text


def test_forms_need_their_csrf_token(ann: Browser, bob: Program) -> None:
    post = write(bob)
    ann.csrf = ""
    for path in ("/posts/new", f"/posts/{post}/reply", f"/posts/{post}/react", f"/posts/{post}/delete"):
        assert ann.submit(path, body="x", reaction="like").status_code == 403
    assert len(bob.get("/posts").get_json()["posts"]) == 1


# -- reacting


def test_a_button_likes_and_takes_it_back(ann: Browser, bob: Program) -> None:
    post = write(bob)
    assert reactions(ann.page("/posts"), post) == {"like": ("0", "false", "like"), "dislike": ("0", "false", "dislike")}
    for _ in range(2):  # pressed twice it says the same
        answer = ann.submit(f"/posts/{post}/react", reaction="like", next="/posts?before=9")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/posts?before=9#post-{post}")
    assert reactions(ann.page("/posts"), post) == {"like": ("1", "true", ""), "dislike": ("0", "false", "dislike")}
    ann.submit(f"/posts/{post}/react", reaction="dislike")
    assert reactions(ann.page(f"/posts/{post}"), post) == {"like": ("0", "false", "like"), "dislike": ("1", "true", "")}
    ann.submit(f"/posts/{post}/react", reaction="")
    assert reactions(ann.page("/posts"), post)["dislike"] == ("0", "false", "dislike")


def test_a_form_leads_to_no_other_site(ann: Browser, bob: Program) -> None:
    post = write(bob)
    ann.page("/posts")
    for elsewhere in ("https://example.org/", "//example.org/", "/\\example.org"):
        assert (
            ann.submit(f"/posts/{post}/react", reaction="like", next=elsewhere).headers["Location"] == f"/#post-{post}"
        )


def test_what_is_no_reaction_is_refused(ann: Browser, bob: Program) -> None:
    post = write(bob)
    ann.page("/posts")
    assert ann.submit(f"/posts/{post}/react", reaction="love").status_code == 422


def test_reacting_to_what_was_deleted_is_told_where_one_was(ann: Browser, bob: Program) -> None:
    post = write(bob)
    ann.page("/posts")
    bob.delete(f"/posts/{post}")
    assert ann.submit(f"/posts/{post}/react", reaction="like", next="/posts").status_code == 303
    assert f"There is no post {post}, or it was deleted." in ann.page("/posts")


# -- deleting


def test_one_deletes_ones_own_post_after_a_question_and_replies_stay(ann: Browser, bob: Program) -> None:
    ann.page("/posts")
    ann.submit("/posts/new", body="a secret", key="k")
    answer = reply(bob, 1, "I heard it")
    page = ann.page("/posts/1")
    assert "/posts/1/delete" in part_of(page, 1)
    assert "/delete" not in part_of(page, answer)
    assert "<details" in part_of(page, 1)
    assert ann.submit("/posts/1/delete", next="/posts").headers["Location"] == "/posts#post-1"
    assert numbers(ann.page("/posts")) == []
    page = ann.page("/posts/1")
    assert "This post was deleted." in page and "I heard it" in page and "a secret" not in page
    assert 'id="write"' not in page
    bob.delete(f"/posts/{answer}")
    assert "This reply was deleted." in part_of(ann.page("/posts/1"), answer)


def test_an_administrator_can_delete_everybody_s(site: Site, bob: Program) -> None:
    root = site.administrator()
    post = write(bob)
    assert f"/posts/{post}/delete" in root.page("/posts")
    root.submit(f"/posts/{post}/delete")
    assert numbers(root.page("/posts")) == []


def test_nobody_else_can(ann: Browser, bob: Program) -> None:
    post = write(bob)
    assert "/delete" not in ann.page("/posts")
    assert ann.submit(f"/posts/{post}/delete").status_code == 403


# -- blocked


def block(site: Site, user: str, other: str) -> None:
    ids = {row[1]: row[0] for row in site.rows("users")}
    site.write(f"INSERT INTO blocks (user_id, blocked_id, at) VALUES ({ids[user]}, {ids[other]}, 1)")


def test_whom_one_has_blocked_one_does_not_see(site: Site, ann: Browser, bob: Program) -> None:
    [zoe] = site.programs("zoe")
    post = write(bob, "bob's words")
    answer = reply(zoe, post, "zoe's words")
    block(site, "ann", "bob")
    page = ann.page("/posts")
    assert numbers(page) == []
    assert 'data-blocked="bob"' in page
    page = ann.page(f"/posts/{post}")
    assert "You have blocked bob." in page and "bob&#39;s words" not in page
    assert "zoe&#39;s words" in part_of(page, answer)
    assert 'id="write"' not in page


def test_where_all_is_of_people_whom_one_has_blocked_it_is_not_said_that_nobody_has_written(
    site: Site, ann: Browser, bob: Program
) -> None:
    [zoe] = site.programs("zoe")
    post = write(zoe)
    reply(bob, post)
    for name in ("bob", "zoe"):
        block(site, "ann", name)
    assert "No posts to show." in ann.page("/posts")
    assert "No replies to show." in ann.page(f"/posts/{post}")
    assert "Write the first one" not in ann.page("/chats/zoe")


def test_a_reply_to_who_has_blocked_one_is_given_back_with_the_reason(site: Site, ann: Browser, bob: Program) -> None:
    post = write(bob)
    block(site, "bob", "ann")
    ann.page("/posts")
    answer = ann.submit(f"/posts/{post}/reply", body="hello?", key="k")
    assert answer.status_code == 403
    assert "does not take anything from you" in answer.text
    assert ">\r\nhello?</textarea>" in answer.text
    ann.submit(f"/posts/{post}/react", reaction="like")
    assert "does not take anything from you" in ann.page("/posts")


# -- what was told is seen


def told(ann: Browser, bob: Program) -> int:
    """Ann's post, which Bob likes and replies to, with a mention of her in a post of his."""
    ann.page("/posts")
    ann.submit("/posts/new", body="mine", key="k")
    bob.put("/posts/1/reaction", {"reaction": "like"})
    return reply(bob, 1)


def counts(site: Site) -> dict[str, int]:
    badges = site.program("ann").badges()
    return {name: badges[name] for name in ("likes", "dislikes", "replies", "notifications")}


def test_a_post_opens_while_nothing_can_be_stored_and_what_was_told_of_it_stays_unseen(
    site: Site, ann: Browser, bob: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = ann.post("/posts", {"body": "hello"}).get_json()["id"]
    reply(bob, post, "a reply")

    def transaction() -> NoReturn:
        raise Unavailable(Text("The database is busy with another program's write; try again."))

    with monkeypatch.context() as patched:
        patched.setattr(site.app.extensions["myapp"].database, "transaction", transaction)
        page = ann.page(f"/posts/{post}")
    assert "a reply" in page
    assert badge(page, "replies") == 1
    assert badge(ann.page(f"/posts/{post}"), "replies") == 0


def test_opening_a_post_marks_as_seen_what_was_told_of_it(site: Site, ann: Browser, bob: Program) -> None:
    told(ann, bob)
    other = write(bob, "@ann!")
    assert counts(site) == {"likes": 1, "dislikes": 0, "replies": 1, "notifications": 1}
    page = ann.page("/posts/1")
    assert (badge(page, "likes"), badge(page, "replies")) == (0, 0)  # already on this page
    assert counts(site) == {"likes": 0, "dislikes": 0, "replies": 0, "notifications": 1}
    ann.page(f"/posts/{other}")
    assert counts(site)["notifications"] == 0
    kinds = [event["kind"] for event in site.program("ann").events()]
    assert kinds[-2:] == ["seen", "seen"]
    ann.page("/posts/1")
    assert len(site.program("ann").events()) == len(kinds)  # once


def test_neither_the_feed_nor_a_program_nor_a_reply_s_address_marks_anything(
    site: Site, ann: Browser, bob: Program
) -> None:
    answer = told(ann, bob)
    before = counts(site)
    ann.page("/posts")
    site.program("ann").get("/posts/1")
    ann.get(f"/posts/{answer}", headers={"Accept": "text/html"})
    ann.get("/posts/1/newer?after=0")
    assert counts(site) == before


@pytest.mark.parametrize("header", [{"Sec-Purpose": "prefetch;prerender"}, {"Purpose": "prefetch"}])
def test_a_page_that_is_fetched_before_anybody_wants_it_marks_nothing(
    header: dict[str, str], site: Site, ann: Browser, bob: Program
) -> None:
    told(ann, bob)
    before = counts(site)
    assert ann.get("/posts/1", headers={"Accept": "text/html", **header}).status_code == 200
    assert ann.open("/posts/1", "HEAD", headers={"Accept": "text/html"}).status_code == 200
    assert counts(site) == before
