"""Stored texts of ours are found again, to be translated; what others said is not taken for them."""

from __future__ import annotations

from myapp import own_words
from myapp.errors import Text
from myapp.notifications.kinds import kind_of
from myapp.tasks.service import SILENT
from myapp.tasks.worker import TOO_LONG


def template_of(text: str) -> str | None:
    return text.template if isinstance(text, Text) else None


def test_a_text_of_ours_is_its_own_template() -> None:
    found = own_words.read("100% of the messages")
    assert found == template_of(found) == "100% of the messages"


def test_nothing_is_no_text() -> None:
    """Which a catalogue would translate into what it says of itself."""
    assert template_of(own_words.read("")) is None


def test_numbers_are_found_in_a_text_that_was_kept() -> None:
    found = own_words.read(str(Text(TOO_LONG.template, seconds=60)))
    assert isinstance(found, Text)
    assert (found.template, found.values) == (TOO_LONG.template, {"seconds": 60})


def test_what_others_say_stays_as_it_is() -> None:
    assert template_of(own_words.read("Search", is_ours=False)) is None


def test_what_we_say_of_others_is_ours() -> None:
    assert template_of(own_words.read(str(SILENT), is_ours=False)) == SILENT


def test_a_task_s_title_and_reason_are_translated_in_the_bell() -> None:
    data = {"id": 7, "kind": "export-messages", "state": "failed", "title": "Monthly report", "error": "No sales."}
    kind = kind_of("task")
    title = kind.title(data)
    assert isinstance(title, Text)
    assert template_of(title.values["title"]) == "Monthly report"
    assert template_of(kind.body(data)) == "No sales."


def test_a_system_s_task_keeps_its_words_in_the_bell() -> None:
    data = {"id": 7, "state": "failed", "title": "Search", "error": "Nothing", "kind": "external"}
    title = kind_of("task").title(data)
    assert isinstance(title, Text)
    assert template_of(title.values["title"]) is None
    assert template_of(kind_of("task").body(data)) is None
