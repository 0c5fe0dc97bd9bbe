"""Addresses in texts: found as in the browser, and shown so that nothing else becomes HTML."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myapp.links import find, linkify

CASES = json.loads((Path(__file__).parent.parent / "links.json").read_text())


@pytest.mark.parametrize(("text", "links"), CASES)
def test_addresses_are_found(text: str, links: list[str]) -> None:
    assert [text[start:end] for start, end in find(text)] == links


def test_a_link_opens_elsewhere_and_tells_nobody_where_it_was() -> None:
    assert linkify("at https://example.org/?a=1&b=2.") == (
        'at <a href="https://example.org/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow ugc">'
        "https://example.org/?a=1&amp;b=2</a>."
    )


@given(st.text(st.sampled_from("htps:/.<>\"'&@()[]a1 \n\u202e") | st.characters(exclude_categories=["Cs"])))
def test_whatever_the_text_is_only_links_become_html_and_all_of_it_is_shown(text: str) -> None:
    shown = str(linkify(text))
    rest = re.sub(r'<a href="https?://[^"<>]*" target="_blank" rel="[a-z ]*">([^<>]*)</a>', r"\1", shown, flags=re.I)
    assert not set("<>\"'") & set(rest)
    assert html.unescape(rest) == html.unescape(html.escape(text))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text", ["https://" + "a" * 3990 + "@", "https://a/" + ")" * 3980, "https://" * 500, "https://a@" * 400, "(" * 4000]
)
def test_a_text_made_to_take_long_does_not(text: str) -> None:
    for _ in range(150):  # within the test's timeout; quadratic work would take many times as long
        assert len(linkify(text)) >= len(text)
