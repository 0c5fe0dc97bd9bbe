"""The kinds of tasks: functions that take a while, run beside the requests, each for the user who owns the task.

An application adds one with `task`, in a module that MYAPP_MODULES names (docs/tasks.md):

    @task("report", title=Text("Monthly report"))
    def report(month: str = "2026-11") -> None:
        with result("report.csv") as file:
            for n, row in enumerate(rows := rows_of(month, owner().id)):
                file.write(row)
                progress(100 * n // len(rows))

What `POST /tasks` may give as `params` are the function's own parameters, of the types that they are annotated with.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import msgspec

from ..errors import Invalid, Text
from ..refusals import refusal

F = TypeVar("F", bound=Callable[..., object])

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
#: Seconds that a task may run, where its kind does not say.
TIME_LIMIT = 3600.0
#: Of the parameters as JSON, in bytes.
MOST_PARAMS = 16 * 1024


@dataclass(frozen=True, slots=True)
class TaskKind:
    """`params` is a Struct made of the parameters of `function`. See `task` for the rest."""

    name: str
    title: str
    function: Callable[..., object]
    params: type[msgspec.Struct]
    who: Literal["everyone", "administrators", "code"]
    again: bool
    time_limit: float
    can_cancel: bool

    def checked(self, params: Mapping[str, Any]) -> str:
        """The parameters as JSON, with the defaults of those that are not given. Raises Invalid, naming the first that
        is wrong.
        """
        try:
            raw = msgspec.json.encode(params)
        except (TypeError, ValueError, UnicodeError, RecursionError) as error:
            raise Invalid("params", Text("cannot be JSON: %(reason)s", reason=str(error))) from None
        try:
            encoded = msgspec.json.encode(msgspec.json.decode(raw, type=self.params))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            refused = refusal(raw, error, self.params)
            field, problem = next(iter(refused.errors.items()), ("params", refused.detail))
            raise Invalid("params" if field in ("params", "body") else f"params.{field}", problem) from None
        if len(encoded) > MOST_PARAMS:
            problem = Text("has %(count)d bytes as JSON; send at most %(most)d", count=len(encoded), most=MOST_PARAMS)
            raise Invalid("params", problem)
        if b"\\u0000" in encoded:
            raise Invalid("params", Text("has a NUL character or a lone surrogate; leave it out"))
        return encoded.decode()

    def arguments(self, params: str) -> dict[str, Any]:
        """What the function is to be called with. Raises msgspec.ValidationError: it was asked of another version."""
        return msgspec.structs.asdict(msgspec.json.decode(params, type=self.params))


_kinds: dict[str, TaskKind] = {}


def task(
    name: str,
    *,
    title: str = "",
    who: Literal["everyone", "administrators", "code"] = "everyone",
    again: bool = False,
    time_limit: float = TIME_LIMIT,
    can_cancel: bool = True,
) -> Callable[[F], F]:
    """Make a function a kind of task, by this name; the function itself stays what it is.

    `title` is what a task of this kind is called; a Text where it is to be translated. `who` may ask for one by
    `POST /tasks`: whoever is signed in, administrators, or nobody: then `start` alone does. The function acts for
    `owner()`, whoever that is, so `everyone` is for what everyone may have done for themselves.
    `again`: where a run just breaks off (its process was killed) the task is run again, by itself; without it the task
    has failed. `time_limit` is in seconds, 0 for none. `can_cancel`: whether its owner may end it early.
    Raises ValueError for a name that cannot be one or is taken, and for a parameter that JSON cannot give.
    """
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a kind of tasks: 1 to 32 letters a-z, digits, dashes")
    if name in _kinds:
        raise ValueError(f"there is a kind of tasks {name!r} already")

    def add(function: F) -> F:
        params = _params_of(name, function)
        _kinds[name] = TaskKind(name, title or name, function, params, who, again, time_limit, can_cancel)
        return function

    return add


def remove(name: str) -> None:
    """Take a kind away, for tests."""
    _kinds.pop(name, None)


def find(name: str) -> TaskKind | None:
    return _kinds.get(name)


def by_name(name: str) -> TaskKind:
    """Raises Invalid, naming the kinds that there are."""
    kind = _kinds.get(name)
    if kind is None:
        raise Invalid("kind", Text("knows %(names)s", names=", ".join(sorted(_kinds)) or "-"))
    return kind


def names() -> list[str]:
    return sorted(_kinds)


def _params_of(name: str, function: Callable[..., object]) -> type[msgspec.Struct]:
    hints = typing.get_type_hints(function, include_extras=True)
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise ValueError(f"task {name!r}: give its function parameters with names, not {parameter}")
        kind = hints.get(parameter.name, Any)
        if parameter.default is parameter.empty:
            fields.append((parameter.name, kind))
        else:
            fields.append((parameter.name, kind, parameter.default))
    try:
        return msgspec.defstruct("Params", fields, kw_only=True, forbid_unknown_fields=True)
    except TypeError as error:
        raise ValueError(f"task {name!r}: {error}") from error
