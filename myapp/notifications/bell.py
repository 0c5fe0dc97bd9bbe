"""The bell: what happened, newest first, that not seen apart from that seen before, the like of it together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from .. import inbox
from ..db import Connection, rfc3339
from .kinds import Kind, kind_of, kinds

log = logging.getLogger(__name__)

T = TypeVar("T")
A = TypeVar("A")

#: Notices on one page.
PAGE = 50
#: Of the notices of one answer together, in characters. One can have 40 KB; nobody else is served while they are read.
MOST_DATA = 512 * 1024


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the bell: a notice, or several of the same group. `seqs` are theirs, the newest first.

    `title` and `body` are plain text, the title a Text where it can be translated.
    """

    seqs: tuple[int, ...]
    kind: Kind
    at: str
    seen: bool
    data: tuple[Mapping[str, Any], ...]

    @property
    def seq(self) -> int:
        return self.seqs[0]

    @property
    def title(self) -> str:
        if len(self.data) > 1:
            return _shown(self.kind, self.kind.together, self.data, self.kind.label)
        return _shown(self.kind, self.kind.title, self.data[0], self.kind.label)

    @property
    def body(self) -> str:
        return _shown(self.kind, self.kind.body, self.data[0], "")

    @property
    def url(self) -> str:
        return _shown(self.kind, self.kind.url, self.data[0], "")

    @property
    def source(self) -> str | None:
        """The system that it comes from."""
        found = self.data[0].get("source")
        return found if isinstance(found, str) else None  # the data of a kind of one's own may have whatever under it


@dataclass(frozen=True, slots=True)
class Bell:
    """A page of it: `before` is where the next one begins, None where there is none."""

    unseen: list[Item]
    seen: list[Item]
    before: int | None

    @property
    def sources(self) -> set[str]:
        """The names of the systems that what is on it comes from."""
        return {item.source for item in (*self.unseen, *self.seen) if item.source}


def _shown(kind: Kind, function: Callable[[A], T], data: A, otherwise: T) -> T:
    """What the kind makes of the data. The bell must open whatever an event carries: it may be years old."""
    try:
        return function(data)
    except Exception:  # safety net: the functions of a kind are the application's own
        log.exception("a notice of the kind %s cannot be shown", kind.name)
        return otherwise


def badges() -> list[str]:
    """The badges that the bell adds up: those of all kinds. A notice is counted by no more than one of them: see
    `check_own_badge`.
    """
    return list(dict.fromkeys(kind.badge for kind in kinds() if kind.badge))


def read(connection: Connection, user: int, before: int, limit: int) -> tuple[list[inbox.StoredNotice], bool]:
    """At most `limit` notices or MOST_DATA, newest first (one always fits), and whether there are older ones.

    Call it on a snapshot.
    """
    found: list[inbox.StoredNotice] = []
    size = 0
    while (most := min(PAGE, limit + 1 - len(found))) > 0:
        part = inbox.notices(connection, user, before, most)
        for one in part:
            size += len(one.data)
            if len(found) == limit or found and size > MOST_DATA:
                return found, True
            found.append(one)
        if len(part) < most:
            break
        before = part[-1].seq
    return found, False


def page(connection: Connection, user: int, before: int, limit: int = PAGE) -> Bell:
    """The same as items, grouped among the page's."""
    found, has_more = read(connection, user, before, limit)
    items = group(found)
    return Bell(
        [item for item in items if not item.seen],
        [item for item in items if item.seen],
        found[-1].seq if has_more else None,
    )


def group(found: Sequence[inbox.StoredNotice]) -> list[Item]:
    """The notices as items: those of the same kind and group are one, where the newest of them stands. What was seen
    is not put together with what was not.
    """
    groups: dict[Any, list[tuple[inbox.StoredNotice, Mapping[str, Any]]]] = {}
    for one in found:
        data: Mapping[str, Any] = msgspec.json.decode(one.data)
        kind = kind_of(one.kind)
        name = _shown(kind, kind.group, data, None)
        groups.setdefault((one.kind, name, one.seen) if name is not None else one.seq, []).append((one, data))
    items = []
    for members in groups.values():
        newest = members[0][0]
        seqs = tuple(one.seq for one, _ in members)
        data_of_all = tuple(data for _, data in members)
        items.append(Item(seqs, kind_of(newest.kind), rfc3339(newest.at), newest.seen, data_of_all))
    return items


def as_json(one: inbox.StoredNotice) -> dict[str, Any]:
    """A notice by itself, as GET /notifications has it: the event, whether it was seen, and where it leads."""
    data = msgspec.json.decode(one.data)
    kind = kind_of(one.kind)
    url = _shown(kind, kind.url, data, "") or None
    return {"seq": one.seq, "kind": one.kind, "at": rfc3339(one.at), "seen": one.seen, "url": url, "data": data}
