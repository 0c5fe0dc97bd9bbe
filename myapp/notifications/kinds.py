"""The kinds of events that are to be seen: how each is shown, and by which badge it is counted.

An application adds one of its own with `register`, before the first request:

    register(
        Kind(
            "order-shipped",
            label=Text("Orders"),
            badge="orders",
            title=lambda data: Text("Order %(number)s is on its way", number=data["number"]),
            url=lambda data: f"/orders/{data['number']}",
        )
    )

and tells of it with `emit("bob", "order-shipped", {"number": 17})` (docs/adopt.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import own_words
from ..errors import Invalid, Text
from ..inbox import check_badge
from ..inbox.badges import NAME

Data = Mapping[str, Any]

#: Where administrators look at what people report.
REPORTS = "/admin/reports"
#: What happens to users without being something to see, or as a part of a conversation.
TAKEN = frozenset(("message", "read", "seen", "deleted", "badges", "snapshot", "reset", "close", "error"))


def _nothing(data: Data) -> str:
    return ""


def _alone(data: Data) -> str | None:
    return None


def _by_number(data: Sequence[Data]) -> str:
    return Text("%(count)d events", count=len(data))


@dataclass(frozen=True, slots=True)
class Kind:
    """How events of one kind are shown; every function is given an event's data.

    `label` names the kind in the preferences. `badge` counts those not seen; no notification can bring it as its own.
    `title`, a Text where it is to be translated, and `body` are plain text. `url` is where the item leads: a path of
    this site, an address with http(s), or nothing. Those not seen with the same `group` are shown as one item, with the
    title that `together` makes of the data of all, newest first. `template`, the name of a Jinja template, is included
    in place of the title and the body; it is given `item`.
    """

    name: str
    label: str
    title: Callable[[Data], str]
    badge: str | None = None
    body: Callable[[Data], str] = _nothing
    url: Callable[[Data], str] = _nothing
    group: Callable[[Data], str | None] = _alone
    together: Callable[[Sequence[Data]], str] = _by_number
    template: str | None = None


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Add a kind. Raises ValueError for a name that cannot be one or is taken, Invalid for such a badge."""
    if not NAME.fullmatch(kind.name) or kind.name in TAKEN:
        raise ValueError(
            f"{kind.name!r} cannot be a kind of events: 1 to 32 letters a-z, digits, dashes; not {sorted(TAKEN)}"
        )
    if kind.name in _kinds:
        raise ValueError(f"there is a kind {kind.name!r} already")
    if kind.badge is not None:
        check_badge(kind.badge)
    _kinds[kind.name] = kind
    return kind


def unregister(name: str) -> None:
    """Take a kind away, for tests. What happened stays in the inboxes, and is shown by its kind's name."""
    _kinds.pop(name, None)


def kind_of(name: str) -> Kind:
    """The kind of this name; for one that was taken away something that can be shown."""
    return _kinds.get(name) or Kind(name, name, lambda data: str(data.get("title") or name))


def known(name: str) -> bool:
    return name in _kinds


def check_own_badge(badge: str) -> None:
    """Raises Invalid where a notice cannot be counted so besides by its kind: the bell adds up the badges of all kinds,
    and would count it twice.
    """
    check_badge(badge)
    for kind in _kinds.values():
        if kind.badge == badge:
            raise Invalid("badge", Text("counts the kind %(kind)s here; choose another one", kind=kind.name))


def kinds() -> list[Kind]:
    """All kinds, in the order in which they were added."""
    return list(_kinds.values())


def _names(data: Sequence[Data]) -> list[str]:
    """Who did it, each once, the latest first."""
    return list(dict.fromkeys(str(one.get("by_name") or one.get("by")) for one in data))


def _who(one: str, two: str, many: str) -> tuple[Callable[[Data], str], Callable[[Sequence[Data]], str]]:
    """Titles for what one, two or many people did."""

    def title(data: Data) -> str:
        return Text(one, name=_names([data])[0])

    def together(data: Sequence[Data]) -> str:
        names = _names(data)
        if len(names) == 1:
            return Text(one, name=names[0])
        if len(names) == 2:
            return Text(two, name=names[0], other=names[1])
        return Text(many, name=names[0], count=len(names) - 1, people=len(names))

    return title, together


def _post(data: Data) -> str:
    return f"/posts/{data['post']}"


def _its_reply(data: Data) -> str:
    return f"/posts/{data['reply']}"  # which leads to its place in the thread


def _mention(data: Data) -> Data | None:
    """What a notification of this site's own says of who mentioned one; a system's own data may look like it."""
    own = data.get("data")
    is_one = data.get("source") is None and isinstance(own, dict) and isinstance(own.get("mention"), dict)
    return own if is_one else None


def _notification(data: Data) -> str:
    found = _mention(data)
    if found:
        return Text("%(name)s mentioned you", name=_names([found["mention"]])[0])
    is_of_reports = data.get("source") is None and data.get("url") == REPORTS
    return Text("There are new reports") if is_of_reports else str(data["title"])


def _notification_url(data: Data) -> str:
    found = _mention(data)
    return _its_reply(found) if found and found.get("reply") else data.get("url") or ""


def _same_post(data: Data) -> str | None:
    return str(data["post"])


_like, _likes = _who(
    Text("%(name)s liked your post"),
    Text("%(name)s and %(other)s liked your post"),
    Text("%(people)d people liked your post"),
)
_dislike, _dislikes = _who(
    Text("%(name)s disliked your post"),
    Text("%(name)s and %(other)s disliked your post"),
    Text("%(people)d people disliked your post"),
)
_reply, _replies = _who(
    Text("%(name)s replied"), Text("%(name)s and %(other)s replied"), Text("%(people)d people replied")
)

_TASK_TITLES = {
    "done": Text("Done: %(title)s"),
    "failed": Text("Failed: %(title)s"),
    "cancelled": Text("Cancelled: %(title)s"),
}


def _own(data: Data, text: str) -> str:
    """What is said of a task: our own words, or those of the system that works on it."""
    return own_words.read(text, is_ours=data["kind"] in own_words.TASKS)


def _task(data: Data) -> str:
    template, title = _TASK_TITLES.get(data["state"]), _own(data, str(data["title"]))
    return Text(template, title=title) if template else title


for _kind in (
    Kind(
        "notification",
        Text("Notifications"),
        _notification,
        badge="notifications",
        body=lambda data: data.get("body") or "",
        url=_notification_url,
    ),
    Kind(
        "announcement",
        Text("Announcements"),
        lambda data: str(data["title"]),
        badge="announcements",
        body=lambda data: data.get("body") or "",
        url=lambda data: data.get("url") or f"/announcements#announcement-{data['id']}",
    ),
    Kind("like", Text("Likes"), _like, badge="likes", url=_post, group=_same_post, together=_likes),
    Kind("dislike", Text("Dislikes"), _dislike, badge="dislikes", url=_post, group=_same_post, together=_dislikes),
    Kind(
        "reply",
        Text("Replies"),
        _reply,
        badge="replies",
        body=lambda data: data.get("body") or "",
        url=_its_reply,
        group=_same_post,
        together=_replies,
    ),
    Kind(
        "task",
        Text("Tasks"),
        _task,
        badge="tasks",
        body=lambda data: _own(data, data.get("error") or ""),
        url=lambda data: data.get("result_url") or f"/tasks#task-{data['id']}",
    ),
):
    _kinds[_kind.name] = _kind
