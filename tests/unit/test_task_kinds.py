"""Functions become kinds of tasks: what they may look like, and what may be asked of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import msgspec
import pytest
from flask_babel import lazy_gettext

from myapp.errors import Invalid, Text
from myapp.tasks import kinds, task
from myapp.tasks.kinds import TaskKind

from .tasking import kind_of

Month = Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-[0-9]{2}$")]


class Connection:
    """Nothing that JSON can give."""


def report(month: Month, columns: list[str] | None = None, *, self: int = 0, kind: Literal["a", "b"] = "a") -> None:
    pass


async def asynchronous() -> None:
    pass


def yielding() -> Iterator[int]:
    yield 1


async def both() -> Any:
    yield 1


def of_anything(*rows: int) -> None:
    pass


def by_place(month: str, /) -> None:
    pass


def with_key(key: str) -> None:
    pass


def with_object(connection: Connection) -> None:
    pass


def with_wrong_default(month: str = None) -> None:  # type: ignore[assignment]
    pass


def with_shared_default(rows: list[int] = [1]) -> None:  # noqa: B006
    pass


def of_nowhere(month: Nowhere) -> None:  # type: ignore[name-defined]  # noqa: F821
    pass


@pytest.fixture
def kind() -> Iterator[TaskKind]:
    with kind_of(report) as kind:
        yield kind


def test_parameters_of_the_function_are_what_may_be_asked(kind: TaskKind) -> None:
    stored = kind.checked({"month": "2026-11", "self": 3})
    assert kind.arguments(stored) == {"month": "2026-11", "columns": None, "self": 3, "kind": "a"}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "params.month"),
        ({"month": 3}, "params.month"),
        ({"month": "November"}, "params.month"),
        ({"month": "2026-11", "year": 1}, "params.year"),
        ({"month": "2026-11", "kind": "c"}, "params.kind"),
        ({"month": "2026-11", "columns": ["\x00"]}, "params"),
        ({"month": "2026-11", "columns": ["\ud800"]}, "params"),
        ({"month": "2026-11", "columns": ["x" * 17_000]}, "params"),
        ({"month": object()}, "params"),
    ],
)
def test_what_is_wrong_is_named(params: dict[str, Any], field: str, kind: TaskKind) -> None:
    with pytest.raises(Invalid) as refused:
        kind.checked(params)
    assert list(refused.value.errors) == [field]


def test_backslash_before_u0000_is_no_nul(kind: TaskKind) -> None:
    params = {"month": "2026-11", "columns": ["\\u0000", "\\\\u0000"]}
    assert kind.arguments(kind.checked(params))["columns"] == params["columns"]
    with pytest.raises(Invalid):
        kind.checked({**params, "columns": ["\\\x00"]})


def test_order_of_an_objects_fields_and_of_a_set_makes_no_other_task() -> None:
    def sorting(columns: set[str], names: dict[str, int]) -> None:
        pass

    with kind_of(sorting) as kind:
        stored = kind.checked({"names": {"b": 1, "a": 2}, "columns": ["y", "x"]})
        assert stored == kind.checked({"columns": ["x", "y"], "names": {"a": 2, "b": 1}})


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (asynchronous, "async"),
        (yielding, "yield"),
        (both, "async"),
        (of_anything, "with names"),
        (by_place, "with names"),
        (with_key, "a key of its own"),
        (with_object, "Connection"),
        (with_wrong_default, "default of month"),
        (with_shared_default, "mutable"),
        (of_nowhere, "Nowhere"),
        (functools.partial(report, "2026-11"), "cannot be found"),
    ],
)
def test_function_that_can_be_no_task_is_refused_when_it_is_named_one(
    function: Callable[..., object], said: str
) -> None:
    with pytest.raises(ValueError, match=f"'work'.*{said}"):
        task("work")(function)
    assert kinds.find("work") is None


@pytest.mark.parametrize(
    "options",
    [
        {"title": "x" * 201},
        {"title": "   "},
        {"title": "a\x00"},
        {"who": "admins"},
        {"time_limit": -1.0},
        {"time_limit": float("nan")},
    ],
)
def test_option_that_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="'work'"):
        task("work", **options)


@pytest.mark.parametrize("name", ["", "Work", "1work", "a_b", "a" * 33, "a\n"])
def test_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot be a kind"):
        task(name)


def test_name_is_taken_once(kind: TaskKind) -> None:
    with pytest.raises(ValueError, match="already"):
        task("work")(report)
    assert kinds.by_name("work") is kind


@pytest.mark.parametrize(
    ("title", "shown"),
    [("", "work"), (Text("Export"), "Export"), (lazy_gettext("Cancel"), "Cancel"), (Text(""), "work")],
)
def test_title_is_a_plain_text(title: str, shown: str) -> None:
    with kind_of(report, title=title) as kind:
        assert kind.title == shown
        assert isinstance(kind.title, str)


def test_function_stays_what_it_is() -> None:
    try:
        assert task("work")(report) is report
    finally:
        kinds.remove("work")
