"""Posts as people use them: reacting, reading on while others write, what is new, and what is lost with the network."""

from __future__ import annotations

from playwright.sync_api import expect

from .support import PATIENCE, Person, Town, Window
from .telling import empty_feed
from .test_keyboard import has_focus, press, tab_to
from .test_looks import shifts, watched


def pressed(window: Window, post: int, likes: bool, dislikes: bool) -> None:
    """Wait until the buttons say that this is what one thinks, and the server has it."""
    for kind, is_pressed in (("like", likes), ("dislike", dislikes)):
        button = window.find(f"#post-{post} [data-reaction={kind}]")
        expect(button).to_have_attribute("aria-pressed", str(is_pressed).lower(), timeout=PATIENCE)
    expect(window.find("[aria-busy]")).to_have_count(0, timeout=PATIENCE)


def thinks(person: Person, post: int) -> str | None:
    found: str | None = person.program.get(f"/posts/{post}").json()["reaction"]
    return found


def test_who_reacts_sees_it_at_once_and_others_a_moment_later(two: tuple[Person, Person]) -> None:
    ann, bob = two
    post = bob.post("What do you think?")
    window, others = ann.open("/posts"), bob.open("/posts")
    window.mark()
    like, dislike = (window.find(f"#post-{post} [data-reaction={kind}]") for kind in ("like", "dislike"))
    like.click()
    pressed(window, post, True, False)
    others.counts_of(post, by=bob, likes=1, dislikes=0)
    expect(others.find("[data-badge=likes]")).to_have_text("1", timeout=PATIENCE)
    dislike.dblclick()  # on and off again
    pressed(window, post, False, False)
    assert thinks(ann, post) is None
    like.click()
    dislike.click()
    pressed(window, post, False, True)
    assert thinks(ann, post) == "dislike"
    for shown in (window, others):
        shown.counts_of(post, by=bob, likes=0, dislikes=1)
    others.find(f"#post-{post} .post__at").click()
    expect(others.find("[data-badge=dislikes]")).to_be_hidden(timeout=PATIENCE)  # on the page of the post it is seen
    assert not window.was_reloaded()


def test_a_reaction_and_a_reply_survive_a_short_outage(two: tuple[Person, Person]) -> None:
    ann, bob = two
    post = bob.post("What do you think?")
    window = ann.open(f"/posts/{post}")
    window.expect_outage()
    window.page.context.set_offline(True)
    window.state("offline")
    window.find(f"#post-{post} [data-reaction=like]").click()
    expect(window.find(f"#post-{post} .react--waiting[data-reaction=like]")).to_be_visible(timeout=PATIENCE)
    window.write_post("I was away")
    expect(window.find("#write-status")).to_have_text("Waiting for the network…", timeout=PATIENCE)
    bob.reply(post, "Are you there?")
    window.page.context.set_offline(False)
    window.state("live")
    window.shows_posts("Are you there?", "I was away")
    pressed(window, post, True, False)
    window.counts_of(post, by=bob, likes=1, replies=2)
    expect(window.find("#write textarea")).to_have_value("")


def test_new_posts_take_nobody_away_before_they_are_asked_for_and_then_lead_to_them(town: Town) -> None:
    ann, bob = town.people_named("ann", "bob")
    empty_feed(town.server)
    posts = [bob.post(f"post {number}\n" + "long " * 60) for number in range(9)]
    window = watched(ann.open("/posts", transport=None)).go("/posts")
    window.is_on("websocket")
    window.find("#write textarea").fill("what I was about to say")
    window.page.evaluate("scrollTo(0, 900)")
    window.mark()
    read = window.find(f"#post-{posts[4]}")
    before = read.bounding_box()
    shifts(window.page)
    bob.post("new")
    button = window.page.get_by_role("button", name="1 new post")
    expect(button).to_be_in_viewport(timeout=PATIENCE)  # wherever one is
    assert shifts(window.page) == []
    after = read.bounding_box()
    assert before and after and abs(before["y"] - after["y"]) < 2
    button.click()
    window.shows_posts("new", *(f"post {number}\n" + "long " * 60 for number in range(8, -1, -1)))
    new = window.find("[data-posts] > :first-child")
    expect(new).to_be_in_viewport(ratio=1)
    expect(new).to_be_focused()
    place = new.bounding_box()
    assert place and place["y"] >= 56, "what is new does not lie under the button"
    expect(window.find("#write textarea")).to_have_value("what I was about to say")
    assert not window.was_reloaded()


def test_posts_are_written_liked_and_deleted_by_keys(two: tuple[Person, Person]) -> None:
    ann, bob = two
    empty_feed(ann.server)
    bob.post("Hello")
    window = ann.open("/posts")
    tab_to(window, "#write textarea")
    window.page.keyboard.type("by keys")
    press(window, "Control+Enter")
    window.shows_posts("by keys", "Hello")
    has_focus(window, "#write textarea")
    tab_to(window, ".post__menu > summary")
    press(window, "Enter")
    tab_to(window, ".post__actions summary")
    press(window, "Enter")
    tab_to(window, ".post__actions .danger")
    press(window, "Enter")
    window.shows_posts("Hello")
    window.is_on("websocket")
    tab_to(window, "[data-reaction=dislike]")
    press(window, "Space")
    expect(window.find("[data-reaction=dislike]")).to_have_attribute("aria-pressed", "true")
    has_focus(window, "[data-reaction=dislike]")
    bob.post("Are you there?")
    button = window.page.get_by_role("button", name="1 new post")
    expect(button).to_be_visible(timeout=PATIENCE)
    tab_to(window, "#news", "Shift+Tab")
    press(window, "Enter")
    window.shows_posts("Are you there?", "Hello")
    has_focus(window, "[data-posts] > :first-child")


def test_what_is_wrong_is_said_at_the_field_as_without_a_script(two: tuple[Person, Person]) -> None:
    ann, bob = two
    post = bob.post("What do you think?")
    for path, said in (("/posts", "The post has"), (f"/posts/{post}", "The reply has")):
        window = ann.open(path)
        window.expect_problems("422")
        window.write_post("x" * 4001)
        expect(window.find("#write-error")).to_have_text(
            f"{said} 4001 characters; write at most 4000.", timeout=PATIENCE
        )
        window.write_post(" \n ")
        expect(window.find("#write textarea:invalid")).to_be_focused()
        expect(window.find("#write-error")).to_be_hidden()


def test_one_sees_where_one_is_mentioned(two: tuple[Person, Person]) -> None:
    ann, bob = two
    post = bob.post(f"Hello @{ann.name}")
    weight = "(element) => getComputedStyle(element).fontWeight"
    body = ann.open(f"/posts/{post}").find(f"#post-{post} [data-field=body]")
    expect(body.locator(".mention")).to_have_text(f"@{ann.name}")
    assert int(body.locator(".mention").evaluate(weight)) >= 600 > int(body.evaluate(weight))
