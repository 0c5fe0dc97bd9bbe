"""Whatever an event changes in an open page, it is then what the server would render: the same DOM, live and loaded."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

import myapp
from myapp.notifications.kinds import kinds

from ..slow_tasks import Steps
from .support import PATIENCE, TRANSPORTS, Person, Town, Window
from .telling import announce, begin, empty_feed, happen, like, lists, tell

#: A story: Ann, Bob and Eve, Ann's window on the page, and what happens; it waits until the window shows it.
Story = Callable[[Person, Person, Person, Window], None]


def not_looking(window: Window) -> None:
    """Somebody else's window is in front, also after a reload."""
    window.page.add_init_script("document.hasFocus = () => false")
    window.page.evaluate("document.hasFocus = () => false")


def pass_quickly(window: Window, wait: int) -> None:
    """A timer of so many milliseconds takes none."""
    window.page.evaluate(
        "(wait) => { const set = setTimeout; setTimeout = (run, ms) => set(run, ms === wait ? 0 : ms); }", wait
    )


def is_sent(window: Window) -> None:
    """Wait until the form has its answer and says nothing any more: what it sent may be shown before that."""
    expect(window.find("#write-status")).to_have_text("", timeout=PATIENCE)


# -- in a conversation; Ann looks at the one with Bob


def chat_receives(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    bob.send(ann, "Hello", "see https://example.org/a?b=1&c=2.")
    window.shows("Hello", "see https://example.org/a?b=1&c=2.")
    window.counts(0)


def chat_receives_unseen(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    bob.send(ann, "seen")
    window.shows("seen")
    window.counts(0)  # it is read by now
    not_looking(window)
    bob.send(ann, "one", "two\n<b>lines</b>")
    window.shows("seen", "one", "two\n<b>lines</b>")
    window.counts(2)


def chat_sends(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    window.write("Hello\nBob")
    window.shows("Hello\nBob")
    window.write("https://example.org")
    window.shows("Hello\nBob", "https://example.org")


def chat_sends_elsewhere(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    ann.send(bob, "from my phone")
    window.shows("from my phone")


def chat_back_and_forth(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    window.write("one")
    window.shows("one")
    bob.send(ann, "two")
    window.shows("one", "two")
    window.write("three")
    window.shows("one", "two", "three")
    window.counts(0)


def chat_is_read_by_the_other(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    ids = ann.send(bob, "one", "two", "three")
    for upto, count in ((ids[0], 1), (ids[1], 1)):
        bob.program.post("/messages/read", json={"with": ann.name, "upto": upto})
        expect(window.find(f"[data-message-id='{upto}'] [data-mark=seen]")).to_be_visible(timeout=PATIENCE)
        expect(window.find("[data-mark=seen]")).to_have_count(count)


def chat_is_read_elsewhere(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    not_looking(window)
    ids = bob.send(ann, "one", "two", "three")
    window.counts(3)
    ann.program.post("/messages/read", json={"with": bob.name, "upto": ids[1]})
    window.counts(1)
    # the line stays where it is for who was away; read up to the end, it goes after ten seconds, which are short here
    pass_quickly(window, 10_000)
    ann.program.post("/messages/read", json={"with": bob.name, "upto": ids[2]})
    window.counts(0)
    expect(window.find(".unread")).to_have_count(0, timeout=20_000)


def chat_loses_messages(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    (own,) = ann.send(bob, "mine")
    theirs, *_ = bob.send(ann, "yours", "stays")
    window.shows("mine", "yours", "stays")
    window.counts(0)
    bob.read(ann, own)
    expect(window.find("[data-mark=seen]")).to_have_count(1, timeout=PATIENCE)
    for person, number in ((ann, own), (bob, theirs)):
        assert person.program.delete(f"/messages/{number}").status_code == 204
    window.shows("This message was deleted.", "This message was deleted.", "stays")


def chat_hears_from_somebody_else(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    eve.send(ann, "not here")
    window.counts(1)


def chat_meets_a_new_name_and_picture(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    bob.send(ann, "who am I?")
    window.shows("who am I?")
    rename(bob, "Bob the Builder")
    bob.send(ann, "now you know")
    window.shows("who am I?", "now you know")
    expect(window.find("h1")).to_have_text("Bob the Builder")
    window.counts(0)


# -- in the list of conversations


def list_receives(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    bob.send(ann, "one", "two & <three>")
    window.counts(2)
    window.last_is("two & <three>")


def list_receives_a_long_one(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    bob.send(ann, "😀 long " * 100)
    window.counts(1)
    expect(window.find("[data-conversation]")).to_have_count(1)


def list_sends(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    bob.send(ann, "question")
    window.counts(1)
    ann.send(bob, "an answer\nof two lines")
    window.last_is("an answer\nof two lines")


def list_begins_one(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    rename(bob, "Bob the Builder")
    ann.send(bob, "first")
    window.last_is("first")
    expect(window.find("[data-conversation] [data-field=name]")).to_have_text("Bob the Builder", timeout=PATIENCE)


def list_changes_order(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    bob.send(ann, "first")
    eve.send(ann, "second")
    window.last_is("second")
    bob.send(ann, "third")
    window.last_is("third")
    window.counts(3)


def list_is_read_in_part(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    ids = bob.send(ann, "one", "two", "three")
    window.counts(3)
    ann.program.post("/messages/read", json={"with": bob.name, "upto": ids[0]})
    window.counts(2)
    expect(window.find("[data-conversation] [data-field=unread]")).to_have_text("2", timeout=PATIENCE)


def list_is_read_to_the_end(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    ids = bob.send(ann, "one", "two")
    window.counts(2)
    ann.program.post("/messages/read", json={"with": bob.name, "upto": ids[1]})
    window.counts(0)
    expect(window.find("[data-conversation] [data-field=unread]")).to_be_hidden(timeout=PATIENCE)


def list_loses_messages(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    ids = bob.send(ann, "one", "two")
    window.counts(2)
    for number, left in zip(ids, (1, 0), strict=True):
        assert bob.program.delete(f"/messages/{number}").status_code == 204
        window.counts(left)
    window.last_is("This message was deleted.")


def list_learns_that_the_other_has_read(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    (number,) = ann.send(bob, "Hello")
    window.last_is("Hello")
    bob.program.post("/messages/read", json={"with": ann.name, "upto": number})
    window.page.wait_for_function("() => heard.length === 2")


def list_meets_a_new_name_and_picture(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    bob.send(ann, "who am I?")
    window.last_is("who am I?")
    rename(bob, "Bob the Builder")
    bob.send(ann, "now you know")
    window.last_is("now you know")


# -- on the page of what happened


def shows(window: Window, new: list[str], seen: list[str]) -> None:
    lists(window.find("main"), new, seen)


def notices_receive(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    tell(ann, title="Order <17>", body="Two\n\nlines & more", url="/account", badge="orders", data={"order": 17})
    tell(ann, title="Elsewhere", url="https://example.org/?a=1&b=2")
    tell(ann, title="Leads nowhere")
    shows(window, ["Leads nowhere", "Elsewhere", "Order <17>"], [])


def notices_are_seen_elsewhere(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    for title in ("one", "two", "three"):
        tell(ann, title=title, url="/account")
    shows(window, ["three", "two", "one"], [])
    ann.program.post("/notifications/seen", json={"seqs": [2]})
    shows(window, ["three", "one"], ["two"])
    ann.program.post("/badges/seen", json={"badges": ["notifications"], "upto": 3})
    shows(window, [], ["three", "two", "one"])


def notices_are_seen_here(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    for title in ("one", "two", "three"):
        tell(ann, title=title)
    window.page.get_by_role("button", name="Mark as seen: two").click()
    shows(window, ["three", "one"], ["two"])
    window.page.get_by_role("button", name="Mark all as seen").click()
    shows(window, [], ["three", "two", "one"])


def notices_announce(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    announce(ann.server, "Hear, hear", body="https://example.org/")
    shows(window, ["Hear, hear"], [])


def announcements_grow(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    number = announce(ann.server, "Hear <hear>", body="See https://example.org/a?b=1&c=2.\nAnd more", url="/account")
    expect(window.find(f"#announcement-{number}")).to_be_visible(timeout=PATIENCE)


def notices_of_likes(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    happen(ann, like("Bob"), like("Eve"), like("Bob", post=6))
    tell(ann, title="and more")
    shows(window, ["and more", "Bob liked your post", "Eve and Bob liked your post"], [])


def notices_of_dislikes(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    happen(ann, *(like(name, kind="dislike") for name in ("Bob", "Eve", "Zoe")))
    tell(ann, title="and more")
    shows(window, ["and more", "3 people disliked your post"], [])


def notices_of_replies(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    replies = [{"post": 5, "reply": number, "by": "b", "by_name": "Bob", "body": "<no>\nyes"} for number in (1, 2)]
    happen(ann, *(("reply", reply) for reply in replies))
    tell(ann, title="and more")
    shows(window, ["and more", "Bob replied"], [])


def notices_of_tasks(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    task = {"id": 5, "title": "Export <all>", "kind": "export-messages", "result_url": None, "error": None}
    done = {**task, "id": 6, "state": "done", "result_url": "/account"}
    happen(ann, ("task", {**task, "state": "failed", "error": "The disk is full."}), ("task", done))
    tell(ann, title="and more")
    shows(window, ["and more", "Done: Export <all>", "Failed: Export <all>"], [])


# -- on the page of tasks


def tasks_go_their_ways(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    """One is done, one fails, one is cancelled."""
    steps = [Steps(ann.server.folder) for _ in range(3)]
    numbers = [begin(ann, one) for one in steps]
    states = ("done", "failed", "cancelled")
    steps[0].say(40)
    window.has_tasks({numbers[0]: ("running", "40%")})
    steps[0].say(100)
    steps[1].say("There is <nothing>.")
    window.page.locator(f"#task-{numbers[2]}").get_by_role("button", name="Cancel").click()
    window.has_tasks({number: (state, "") for number, state in zip(numbers, states, strict=True)})
    expect(window.find("#at-work")).to_be_hidden(timeout=PATIENCE)
    expect(window.find("[data-badge=tasks]")).to_be_hidden(timeout=PATIENCE)  # seen, as one looks


def task_is_tried_again(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    steps = Steps(ann.server.folder)
    steps.say("not yet")
    number = begin(ann, steps)
    window.has_tasks({number: ("failed", "")})
    steps.say(60)
    window.page.get_by_role("button", name="Try again").click()
    window.has_tasks({number: ("running", "60%")})
    expect(window.find("#at-work")).to_have_attribute("value", "60", timeout=PATIENCE)
    ann.program.post(f"/tasks/{number}/cancel")
    window.has_tasks({number: ("cancelled", "")})


# -- on the page of a post of Ann's


def own(window: Window) -> int:
    """The post whose page it is."""
    number: int = window.page.evaluate("Number(document.querySelector('[data-thread]').dataset.thread)")
    return number


def post_is_liked(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    post = own(window)
    for reaction in ("like", None, "like"):
        bob.react(post, reaction)
    eve.react(post, "like")
    window.counts_of(post, by=bob, likes=2)
    expect(window.find("[data-badge=likes]")).to_be_hidden(timeout=PATIENCE)  # seen, as one looks
    bob.react(post, None)
    window.counts_of(post, by=bob, likes=1)


def post_is_disliked(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    post = own(window)
    for reaction in ("like", "dislike"):
        bob.react(post, reaction)
    window.counts_of(post, by=bob, likes=0, dislikes=1)


def post_is_replied_to(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    post = own(window)
    bob.reply(post, f"I see, @{ann.name}: https://example.org/a?b=1.\n<b>Two</b> lines")
    eve.reply(post, "Me too")
    window.shows_posts(f"I see, @{ann.name}: https://example.org/a?b=1.\n<b>Two</b> lines", "Me too")
    window.counts_of(post, by=bob, replies=2)
    pass_quickly(window, 4_000)  # so long it says that it was sent
    window.write_post("Thank you")
    is_sent(window)
    window.shows_posts(f"I see, @{ann.name}: https://example.org/a?b=1.\n<b>Two</b> lines", "Me too", "Thank you")
    window.counts_of(post, by=bob, replies=3)


def reply_is_deleted(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    post = own(window)
    bob.reply(post, "one")
    second = bob.reply(post, "two")
    window.shows_posts("one", "two")
    window.counts_of(post, by=bob, replies=2)
    eve.react(second, "like")
    window.counts_of(second, by=bob, likes=1)
    bob.delete_post(second)
    window.shows_posts("one", "")
    window.counts_of(second, by=bob)
    window.counts_of(post, by=bob, replies=1)


def post_is_deleted(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    post = own(window)
    bob.reply(post, "one")
    window.shows_posts("one")
    ann.delete_post(post)
    expect(window.find(f"#post-{post}")).to_contain_text("This post was deleted.", timeout=PATIENCE)
    expect(window.find("#write")).to_have_count(0)
    window.counts_of(post, by=bob)


def notices_of_posts_are_taken_back(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    post = ann.post("mine")
    for person in (bob, eve):
        person.react(post, "like")
    answer = bob.reply(post, "a secret")
    shows(window, [f"{bob.name} replied", f"{eve.name} and {bob.name} liked your post"], [])
    bob.react(post, None)
    bob.delete_post(answer)
    shows(window, [f"{eve.name} liked your post"], [])


# -- in the feed


def feed_shows_news(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    first, second = bob.post("one <b>"), eve.post("two")
    bob.react(second, "like")
    window.page.get_by_role("button", name="2 new posts").click()
    window.shows_posts("two", "one <b>")
    bob.react(first, "dislike")
    window.counts_of(first, by=bob, likes=0, dislikes=1)
    eve.delete_post(second)
    window.shows_posts("one <b>")
    pass_quickly(window, 4_000)  # so long it says that it was sent
    window.write_post("three")
    is_sent(window)
    window.shows_posts("three", "one <b>")
    window.find(f"#post-{first} [data-reaction=like]").click()
    expect(window.find("[aria-busy]")).to_have_count(0, timeout=PATIENCE)
    window.counts_of(first, by=bob, likes=1)


def feed_loses_its_last(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    post = bob.post("one")
    window.page.get_by_role("button", name="1 new post").click()
    window.shows_posts("one")
    bob.delete_post(post)
    window.shows_posts()
    expect(window.find("#no-posts")).to_be_visible()


# -- on a page that shows nothing of it


def account_receives(ann: Person, bob: Person, eve: Person, window: Window) -> None:
    ids = bob.send(ann, "one", "two")
    window.counts(2)
    ann.program.post("/messages/read", json={"with": bob.name, "upto": ids[0]})
    window.counts(1)


#: By kind of event: what can happen, and on which page.
STORIES: dict[str, list[tuple[str, Story]]] = {
    "message": [
        ("/chats/{bob}", chat_receives),
        ("/chats/{bob}", chat_receives_unseen),
        ("/chats/{bob}", chat_sends),
        ("/chats/{bob}", chat_sends_elsewhere),
        ("/chats/{bob}", chat_back_and_forth),
        ("/chats/{bob}", chat_hears_from_somebody_else),
        ("/chats/{bob}", chat_meets_a_new_name_and_picture),
        ("/", list_receives),
        ("/", list_receives_a_long_one),
        ("/", list_sends),
        ("/", list_begins_one),
        ("/", list_changes_order),
        ("/", list_meets_a_new_name_and_picture),
        ("/account", account_receives),
    ],
    "read": [
        ("/chats/{bob}", chat_is_read_by_the_other),
        ("/chats/{bob}", chat_is_read_elsewhere),
        ("/", list_is_read_in_part),
        ("/", list_is_read_to_the_end),
        ("/", list_learns_that_the_other_has_read),
        ("/account", account_receives),
    ],
    "deleted": [
        ("/chats/{bob}", chat_loses_messages),
        ("/", list_loses_messages),
        ("/posts/{post}", reply_is_deleted),
        ("/posts/{post}", post_is_deleted),
        ("/posts", feed_loses_its_last),
        ("/notifications", notices_of_posts_are_taken_back),
    ],
    "notification": [("/notifications", notices_receive)],
    "seen": [("/notifications", notices_are_seen_elsewhere), ("/notifications", notices_are_seen_here)],
    "announcement": [("/notifications", notices_announce), ("/announcements", announcements_grow)],
    "like": [("/notifications", notices_of_likes), ("/posts/{post}", post_is_liked), ("/posts", feed_shows_news)],
    "dislike": [("/notifications", notices_of_dislikes), ("/posts/{post}", post_is_disliked)],
    "reply": [("/notifications", notices_of_replies), ("/posts/{post}", post_is_replied_to)],
    "task": [("/notifications", notices_of_tasks), ("/tasks", tasks_go_their_ways), ("/tasks", task_is_tried_again)],
}
CASES = [
    pytest.param(path, story, id=f"{kind}-{story.__name__.replace('_', '-')}")
    for kind, stories in STORIES.items()
    for path, story in stories
]


@pytest.mark.parametrize(("path", "story"), CASES)
def test_after_a_live_change_the_page_is_as_after_a_reload(path: str, story: Story, town: Town) -> None:
    ann, bob, eve = town.people_named("ann", "bob", "eve")
    ann.program.get("/badges")  # the account's page says when the token was used last
    if path.startswith("/posts"):
        empty_feed(ann.server)  # everybody's posts are in it
    post = ann.post("What do you think?") if "{post}" in path else 0
    window = ann.open(path.format(bob=bob.name, post=post))
    loaded = window.dom()
    window.mark()
    story(ann, bob, eve, window)
    assert not window.was_reloaded()
    live = window.dom()
    if path != "/account" and story is not chat_hears_from_somebody_else and story is not feed_loses_its_last:
        assert live != loaded
    window.page.reload()
    window.is_on("websocket")
    assert window.dom() == live


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_thread_is_the_same_over_every_transport(transport: str, town: Town) -> None:
    ann, bob, eve = town.people_named("ann", "bob", "eve")
    post = ann.post("What do you think?")
    first = bob.reply(post, "one")
    ann.prefer(transport)
    window = ann.open(f"/posts/{post}", transport=transport)
    window.mark()
    for person in (bob, eve):
        person.react(post, "like")
    bob.react(post, "dislike")
    eve.react(first, "like")
    second, third = bob.reply(post, "two"), eve.reply(post, "three")
    bob.delete_post(second)
    window.shows_posts("one", "", "three")
    for number in (post, first, second, third):
        window.counts_of(number, by=bob)
    window.counts_of(post, by=bob, likes=1, dislikes=1, replies=2)
    for name in ("likes", "dislikes", "replies"):
        expect(window.find(f"[data-badge={name}]")).to_be_hidden(timeout=PATIENCE)
    assert not window.was_reloaded()
    live = window.dom()
    window.page.reload()
    window.is_on(transport)
    assert window.dom() == live


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_feed_says_over_every_transport_that_there_are_new_posts(transport: str, town: Town) -> None:
    ann, bob, eve = town.people_named("ann", "bob", "eve")
    bob.post("read already")
    ann.program.put(f"/users/{eve.name}/block", json={})
    ann.prefer(transport)
    window = ann.open("/posts", transport=transport)
    posts = [bob.post("one"), eve.post("of somebody blocked"), bob.post("two")]
    window.page.get_by_role("button", name="2 new posts").click()
    expect(window.find(f"#post-{posts[2]}")).to_be_focused(timeout=PATIENCE)
    expect(window.find(f"#post-{posts[0]}")).to_be_visible()
    expect(window.find(f"#post-{posts[1]}")).to_have_count(0)
    expect(window.find("#news")).to_be_hidden()


def test_every_kind_of_event_has_its_stories() -> None:
    """An event that is new to the application has to say here what it changes."""
    known = {kind.name for kind in kinds()}
    for path in Path(myapp.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("inbox.append", "append"):
                known.update(arg.value for arg in node.args[2:3] if isinstance(arg, ast.Constant))
    assert known == set(STORIES)


def rename(person: Person, name: str) -> None:
    """They call themselves so from now on; with the initials their picture changes. Nobody sees them online by that."""
    page = person.open("/account", transport=None, context=person.lent(java_script_enabled=False))
    page.find("[name=display_name]").fill(name)
    page.find("[name=display_name]").press("Enter")
    expect(page.find(".top__name")).to_have_text(name)
    page.page.close()
