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

from .. import own_words
from ..errors import Invalid, Text
from ..refusals import refusal
from ..texts import is_text

F = TypeVar("F", bound=Callable[..., object])
Who = Literal["everyone", "administrators", "code"]

NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
#: Seconds that a task may run, where its kind does not say.
TIME_LIMIT = 3600.0
#: Of the parameters as JSON, in bytes.
MOST_PARAMS = 16 * 1024
#: Of a title, in characters.
LONGEST_TITLE = 200
#: A NUL in JSON, and not a backslash before "u0000".
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True, slots=True)
class TaskKind:
    """`params` is a Struct made of the parameters of `function`. See `task` for the rest."""

    name: str
    title: str
    function: Callable[..., object]
    params: type[msgspec.Struct]
    who: Who
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
            decoded = msgspec.json.decode(raw, type=self.params)
            encoded = msgspec.json.encode(decoded, order="deterministic")  # compared where a key is used again
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            refused = refusal(raw, error, self.params)
            field, problem = next(iter(refused.errors.items()), ("params", refused.detail))
            raise Invalid("params" if field in ("params", "body") else f"params.{field}", problem) from None
        if len(encoded) > MOST_PARAMS:
            problem = Text("has %(count)d bytes as JSON; send at most %(most)d", count=len(encoded), most=MOST_PARAMS)
            raise Invalid("params", problem)
        if _NUL.search(encoded):
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
    who: Who = "everyone",
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
    Raises ValueError for a name that cannot be one or is taken, for a function that does nothing when it is called
    (`async def`, one that yields), and for a parameter that JSON cannot give.
    """
    shown = title if title and isinstance(title, Text) else str(title) or name
    _check(name, shown, who, time_limit)

    def add(function: F) -> F:
        params = _params_of(name, function)
        own_words.TASKS.add(name)
        _kinds[name] = TaskKind(name, shown, function, params, who, again, time_limit, can_cancel)
        return function

    return add


def _check(name: str, title: str, who: str, time_limit: float) -> None:
    """Raises ValueError."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a kind of tasks: 1 to 32 letters a-z, digits, dashes")
    if name in _kinds:
        raise ValueError(f"there is a kind of tasks {name!r} already")
    if not (title.strip() and len(title) <= LONGEST_TITLE and is_text(title)):
        raise ValueError(f"task {name!r}: give it a title of 1 to {LONGEST_TITLE} characters, without NUL")
    if who not in typing.get_args(Who):
        raise ValueError(f"task {name!r}: who is one of {', '.join(typing.get_args(Who))}, not {who!r}")
    if not 0 <= time_limit < float("inf"):
        raise ValueError(f"task {name!r}: time_limit is in seconds, 0 for none, not {time_limit}")


def remove(name: str) -> None:
    """Take a kind away, for tests."""
    _kinds.pop(name, None)
    own_words.TASKS.discard(name)


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
    for is_one in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
        if is_one(function):
            raise ValueError(f"task {name!r}: give it a plain function, without async and yield")
    try:
        hints = typing.get_type_hints(function, include_extras=True)
        parameters = inspect.signature(function).parameters.values()
    except (NameError, TypeError) as error:
        raise ValueError(f"task {name!r}: its parameters' types cannot be found: {error}") from error
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise ValueError(f"task {name!r}: give its function parameters with names, not {parameter}")
        if parameter.name == "key":
            raise ValueError(f"task {name!r}: start() takes a key of its own, call the parameter something else")
        kind = hints.get(parameter.name, Any)
        if parameter.default is parameter.empty:
            fields.append((parameter.name, kind))
        else:
            _check_default(name, parameter, kind)
            fields.append((parameter.name, kind, parameter.default))
    try:
        params = msgspec.defstruct("Params", fields, kw_only=True, forbid_unknown_fields=True)
        msgspec.json.schema(params)  # it refuses types that JSON cannot give
    except TypeError as error:
        raise ValueError(f"task {name!r}: {str(error).splitlines()[-1]}") from error
    return params


def _check_default(name: str, parameter: inspect.Parameter, kind: Any) -> None:
    """It goes through JSON like what is given. Raises ValueError."""
    try:
        msgspec.json.decode(msgspec.json.encode(parameter.default), type=kind)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"task {name!r}: the default of {parameter.name} is not of its type, or cannot be JSON: {error}"
        ) from error
