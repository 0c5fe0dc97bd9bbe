"""What people write is shown as they wrote it, whoever renders it: the server or the page's own scripts."""

from __future__ import annotations

from .support import Person, Window

TEXTS = [
    '<img src=x onerror="window.broken = 1"><script>window.broken = 2</script>',
    "{{ 7 * 7 }} ${7 * 7} </template></ol><b>bold</b>",
    "Tom & Jerry &amp; &lt;b&gt; \"quotes\" 'too'",
    "first line\n\n  third line, indented\n\ttab",
    "👩‍👩‍👧 👍🏽 🇧🇪 e\u0301",
    "שלום (abc) مرحبا 123",
    "a\u202eb\u202cc",
    "x" * 600,
    "  two before, two after  ",
    "(see https://example.org/a?b=1&c=2), javascript:alert(1) <https://example.org>",
]
#: Of a node, where it begins.
TOP = """(node) => {
  const range = new Range();
  range.selectNodeContents(node);
  return range.getBoundingClientRect().top;
}"""


def test_a_text_is_shown_as_text_wherever_it_comes_live(two: tuple[Person, Person]) -> None:
    ann, bob = two
    windows = at_ann, at_bob, listing = ann.chat(bob), bob.chat(ann), bob.open("/")
    for said in range(1, len(TEXTS) + 1):
        at_ann.write(TEXTS[said - 1])
        for window in (at_ann, at_bob):
            window.shows(*TEXTS[:said])
        listing.last_is(TEXTS[said - 1][:200])
    for window in windows:
        has_no_markup(window)
    assert ann.stored(bob) == TEXTS


def test_a_text_is_shown_as_text_by_the_server(two: tuple[Person, Person]) -> None:
    ann, bob = two
    at_ann, at_bob, listing = ann.open("/account"), bob.open("/account"), bob.open("/account")
    ann.send(bob, *TEXTS)
    at_ann.go(f"/chats/{bob.name}").shows(*TEXTS)
    at_bob.go(f"/chats/{ann.name}").shows(*TEXTS)
    has_no_markup(at_ann)
    has_no_markup(at_bob)
    for text in TEXTS:
        bob.send(ann, text)
        listing.go("/").last_is(text[:200])
        has_no_markup(listing)


def test_a_text_that_is_quoted_runs_on_as_where_it_stands(two: tuple[Person, Person]) -> None:
    ann, bob = two
    text = "(see https://example.org/a, twice)"
    window = ann.open("/account")
    told, said = bob.send(ann, text)[0], ann.send(bob, text)[0]
    for path in (f"/reports/new?post={bob.post(text)}", f"/reports/new?message={told}", f"/messages/{said}/delete"):
        quote = window.go(path).find("blockquote.quote")
        assert quote.text_content() == text
        tops = quote.evaluate("(quote) => [...quote.childNodes].map(" + TOP + ")")
        assert max(tops) - min(tops) < 5, f"{path}: not in one line"


def has_no_markup(window: Window) -> None:
    """Nothing that somebody wrote became an element or a program."""
    window.is_on("websocket")
    assert window.find("[data-field=body] *:not(a)").count() == 0
    assert window.find("main img:not(.avatar), main script").count() == 0
    assert window.page.evaluate("window.broken") is None
