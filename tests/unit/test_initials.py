"""Initials and their colours."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from myapp.auth.initials import COLOURS, draw, initials


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("ann", "A"),
        ("Ann Lee", "AL"),
        ("ann marie lee", "AM"),
        ("王小明", "王"),
        ("王 小明", "王"),
        ("さくら", "さ"),
        ("김 민준", "김"),
        ("élan vital", "ÉV"),
        ("ßa b", "SB"),
        ("(Ann) - Lee", "AL"),
        ("42", "4"),
        ("😀 x", "😀X"),
        ("😀ann", "A"),
        ("ŉa", "N"),
        ("ʼokina", "O"),
        ("ǆ x", "ǄX"),
        ("e\u0301lan", "É"),
        ("🇩🇪", "🇩🇪"),
        ("🇩🇪 ann", "🇩🇪A"),
        ("\u2800ann \ufffclee", "AL"),
        ("\u2800 \U0001d159 ann", "A"),
        ("👩🏽\u200d🚀 x", "👩X"),
        ("\U0001fae8", "\U0001fae8"),
        ("...", "?"),
        ("", "?"),
    ],
)
def test_initials_are_the_first_letters_of_the_first_two_words(name: str, letters: str) -> None:
    assert initials(name) == letters


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", COLOURS)
def test_white_can_be_read_on_each_colour(colour: str) -> None:
    assert 1.05 / (luminance(colour) + 0.05) >= 4.5


def test_there_are_eight_colours() -> None:
    assert len(set(COLOURS)) == 8


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "& co", '"quoted" <b>', "]]> x"])
def test_markup_in_a_name_is_text(name: str) -> None:
    root = ElementTree.fromstring(draw("alice", name))
    assert {element.tag.rpartition("}")[2] for element in root.iter()} == {"svg", "rect", "text"}
    assert root[1].text == initials(name)


def test_colour_stays_when_the_display_name_changes() -> None:
    colours = [ElementTree.fromstring(draw("alice", name))[0].get("fill") for name in ("Alice", "Somebody Else")]
    assert colours[0] == colours[1]
