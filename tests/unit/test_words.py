"""Words, queries and snippets: whatever is written can be found, and whatever is asked is a query or has no words."""

from __future__ import annotations

import html
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myapp.errors import Invalid
from myapp.search.query import LONGEST, LONGEST_TERM, Phrase, marks, matches, near_first, needed, parse, terms_of
from myapp.search.snippets import BEFORE, WIDTH, snippet
from myapp.search.words import is_alone, places_of, words_of

#: Letters of many kinds, close together, so that they meet in one text.
LETTERS = "aAbB1éßİıǅﬁ½㎏ⅷ中文字國国々ガ゛ｶﾞหนังक्षि한ᄒ\u0301\u00ad\u200d\ufe0f _-'\"“”*():&|!<\\/.,。\n\t"
TEXTS = st.text(st.sampled_from(LETTERS), max_size=60) | st.text(max_size=60)


def is_found(query: str, text: str) -> bool:
    """Whether it is, and the index agrees that it may be."""
    asked = parse(query)
    found = matches(asked, words_of(text))
    assert not found or may_match(query, text)
    return found


def may_match(query: str, text: str) -> bool:
    """Whether an index finds the text."""
    terms = terms_of(words_of(text))
    return all(
        any(term.startswith(asked) for term in terms) if is_open else asked in terms
        for asked, is_open in needed(parse(query))
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("...!? \n", []),
        ("Hello, World", ["hello", "world"]),
        ("Café cafe\u0301 CAFÉ", ["cafe"] * 3),
        ("snake_case", ["snake", "case"]),
        ("don't", ["don", "t"]),
        ("Straße STRASSE", ["strasse"] * 2),
        ("ﬁne ｗｉｄｅ ①", ["fine", "wide", "1"]),
        ("İstanbul", ["istanbul"]),
        ("soft\u00adhyphen", ["softhyphen"]),
        ("中文 abc", ["中", "文", "abc"]),
        ("iPhone手机", ["iphone", "手", "机"]),
        ("ガｶﾞカ", ["カ"] * 3),
        ("क्षि", ["कषि"]),
        ("👍", []),
    ],
)
def test_text_has_these_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@given(TEXTS)
def test_words_have_nothing_that_means_something_to_an_index(text: str) -> None:
    for word in words_of(text):
        assert not re.search(r"[\x00-/:-`{-\x7f\s]", word)
        assert word and (not is_alone(word) or len(word) == 1)


@given(TEXTS)
def test_case_and_composition_make_no_difference(text: str) -> None:
    assert (
        words_of(text) == words_of(unicodedata.normalize("NFC", text)) == words_of(unicodedata.normalize("NFD", text))
    )
    assert words_of(text) == words_of(text.casefold())


@given(TEXTS)
def test_words_stand_where_they_are_said_to_stand(text: str) -> None:
    places = places_of(text)
    assert [place.word for place in places] == words_of(text)
    assert all(0 <= place.start < place.end <= len(text) for place in places)
    assert all(place.word in "".join(words_of(text[place.start : place.end])) for place in places)


@given(TEXTS)
def test_text_finds_itself(text: str) -> None:
    if words_of(text) and len(text) <= LONGEST:
        assert is_found(text, text)


@given(TEXTS, TEXTS)
def test_part_of_a_text_finds_it(before: str, part: str) -> None:
    text = f"{before} {part} and more"
    if words_of(part):
        assert is_found(part, text)
        assert is_found(f'"{re.sub("[“”„‟«»＂]", " ", part).replace(chr(34), " ")}"', text)


@given(st.text(max_size=LONGEST), TEXTS)
def test_whatever_is_asked_is_a_query_or_has_no_words(query: str, text: str) -> None:
    if words_of(query):
        is_found(query, text)
    else:
        with pytest.raises(Invalid):
            parse(query)


@given(TEXTS, TEXTS)
def test_index_never_misses_what_is_found(query: str, text: str) -> None:
    if words_of(query):
        is_found(query, text)


@pytest.mark.parametrize("query", ["", "  ", '"', '""', "* - ( )", "&|!", "👍", "\x00", "\ud800"])
def test_query_without_words_is_refused(query: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse(query)
    assert set(refused.value.errors) == {"q"}


def test_query_that_is_too_long_is_refused() -> None:
    parse("x" * LONGEST)
    with pytest.raises(Invalid):
        parse("x" * (LONGEST + 1))


@pytest.mark.parametrize(
    ("query", "phrases"),
    [
        ("hello wor", [Phrase(("hello",)), Phrase(("wor",), True)]),
        ('"hello wor"', [Phrase(("hello", "wor"))]),
        ('"hello wor', [Phrase(("hello", "wor"), True)]),
        ('say "hello wor" ld', [Phrase(("say",)), Phrase(("hello", "wor")), Phrase(("ld",), True)]),
        ("“hello wor”", [Phrase(("hello", "wor"))]),
        ("bob@example.org", [Phrase(("bob", "example", "org"), True)]),
        ("hello ...", [Phrase(("hello",), True)]),
        ("NOT a OR b", [Phrase(("not",)), Phrase(("a",)), Phrase(("or",)), Phrase(("b",), True)]),
        ("a a a", [Phrase(("a",)), Phrase(("a",), True)]),
    ],
)
def test_query_means(query: str, phrases: list[Phrase]) -> None:
    assert list(parse(query).phrases) == phrases


@pytest.mark.parametrize(
    ("query", "text", "is_there"),
    [
        ("hello", "Hello World", True),
        ("world hello", "Hello World", True),
        ("hel world", "Hello World", False),
        ("hello wor", "Hello World", True),
        ('"hello wor"', "Hello World", False),
        ('"hello world"', "Hello, World", True),
        ('"world hello"', "Hello World", False),
        ("hello moon", "Hello World", False),
        ("ello", "Hello", False),
        ("CAFE", "café", True),
        ("文", "中文字", True),
        ("中文", "学中文", True),
        ("中字", "中文字", False),
        ("中 字", "中文字", True),
        ("文字", "中。文，字", True),
        ("iphone手", "iPhone手机", True),
        ("手机", "手。按机", False),
        ("x" * 100, "x" * 120, True),
        ("x" * (LONGEST_TERM - 1), "x" * 120, True),
        ("x" * 100 + " a", "x" * 120 + " a", False),
    ],
)
def test_query_finds(query: str, text: str, is_there: bool) -> None:
    assert is_found(query, text) == is_there


# -- snippets


def shown(query: str, body: str) -> str:
    asked = parse(query)
    return str(snippet(body, marks(asked, near_first(asked, places_of(body), WIDTH))))


def test_snippet_marks_all_that_was_found() -> None:
    assert shown("world hel", "Hello, World: hello") == ("<mark>Hello</mark>, <mark>World</mark>: <mark>hello</mark>")


def test_snippet_marks_a_phrase_as_a_whole() -> None:
    assert shown('"b c" 中文', "a b, c d 学中文。") == "a <mark>b, c</mark> d 学<mark>中文</mark>。"


def test_snippet_marks_accents_with_their_letters() -> None:
    assert shown("cafe", "cafe\u0301!") == "<mark>cafe\u0301</mark>!"


def test_snippet_escapes_what_is_html() -> None:
    assert (
        shown("bold", '<b>bold</b> & "<mark>"') == "&lt;b&gt;<mark>bold</mark>&lt;/b&gt; &amp; &#34;&lt;mark&gt;&#34;"
    )


def test_snippet_is_the_part_around_the_first_find() -> None:
    body = "word " * 200 + "needle" + " tail" * 200
    text = html.unescape(re.sub("</?mark>", "", shown("needle", body)))
    assert text.startswith("…word ") and " needle tail " in text and text.endswith(" tail…")
    assert len(text) <= WIDTH + 2
    assert text.index("needle") <= BEFORE + 1


@given(TEXTS, st.text(st.sampled_from(LETTERS), max_size=400))
def test_snippet_is_a_part_of_the_text(query: str, body: str) -> None:
    if not words_of(query):
        return
    found = shown(query, body)
    plain = html.unescape(re.sub("</?mark>", "", found))
    assert re.sub("^…|…$", "", plain) in body or plain in body
    assert re.sub(r"<mark>[^<>]+</mark>", "", found).count("<") == 0
    assert (not matches(parse(query), words_of(body))) or "<mark>" in found


#: Few letters, often repeated: queries are found in texts, and at many places.
PIECES = st.text(st.sampled_from("aab中文. "), min_size=1, max_size=12)
REPEATED = st.lists(st.builds(lambda piece, times: piece * times, PIECES, st.integers(1, 60)), max_size=3).map("".join)


@given(st.text(st.sampled_from('aab中文" '), max_size=10), REPEATED)
def test_snippet_has_all_marks_that_fall_into_it(query: str, body: str) -> None:
    if words_of(query):
        assert shown(query, body) == snippet(body, marks(parse(query), places_of(body)))


@pytest.mark.parametrize("query", ["a b", '"a b"', '"b a b"', "x a", "b x"])
def test_only_words_near_the_first_find_are_looked_at_for_a_snippet(query: str) -> None:
    places = places_of("c " * 100 + "a b " * 1000)
    assert len(near_first(parse(query), places, WIDTH)) <= WIDTH


def test_snippet_marks_the_part_it_has_of_what_was_found_at_its_end() -> None:
    body = f"中{'。' * (WIDTH - 2)}文字{'。' * WIDTH}"
    assert shown("中 文字", body).endswith("。<mark>文</mark>…")
