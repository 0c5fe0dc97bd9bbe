"""What must have come of reactions, by what was asked; compared with what the database, screens and the author have."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myapp import create_app
from myapp.db import Connection, Database

from .screens import View
from .wire import texts

#: What each person thinks of the post, one after the other.
COURSE = ("like", None, "like", "dislike", None)

Counts = tuple[int, int]
#: An event as (name, kind, withdrawn).
Told = tuple[str, str, bool]


@dataclass(slots=True)
class Asked:
    """Who asked for what, in order; the answers by number."""

    wishes: Sequence[tuple[int, str | None]]
    answers: Mapping[int, tuple[int, bytes]]

    def standing(self) -> dict[int, str]:
        """What each thinks in the end."""
        last = dict(self.wishes)
        return {person: reaction for person, reaction in last.items() if reaction}

    def told(self) -> dict[str, list[Told]]:
        """Of each person, what the author is told, in order."""
        found: dict[str, list[Told]] = defaultdict(list)
        before: dict[int, str | None] = {}
        for person, reaction in self.wishes:
            name, was = f"u{person}", before.get(person)
            if was and was != reaction:
                found[name].append((name, was, True))
            if reaction and was != reaction:
                found[name].append((name, reaction, False))
            before[person] = reaction
        return dict(found)


def lost(url: str, post: int, asked: Asked, views: Sequence[View]) -> list[str]:
    """What is not as it must be, in words; the last view is the author's."""
    wrong = [f"{status} to request {number}" for number, (status, _) in asked.answers.items() if status != 200][:5]
    if len(asked.answers) != len(asked.wishes):
        wrong.append(f"{len(asked.wishes) - len(asked.answers)} requests were not answered")
    app = create_app({"MYAPP_DATABASE_URL": url, "MYAPP_SECRET_KEY": "a secret that only the benchmark knows"})
    database: Database = app.extensions["myapp"].database
    try:
        with database.snapshot() as connection:
            wrong += _in_database(connection, post, asked)
            counts, version = _counts(connection, post)
            stored = _events(connection, 1)
            badges = json.loads(_rows(connection, "SELECT badges FROM inboxes WHERE user_id = 1")[0][0])
    finally:
        database.close()
    wrong += _on_screens(views, counts, version)
    return wrong + _in_tab(views[-1], stored, badges)


def _rows(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = connection.driver.execute(sql).fetchall()
    return rows


def _counts(connection: Connection, post: int) -> tuple[Counts, int]:
    (row,) = _rows(connection, f"SELECT likes, dislikes, version FROM posts WHERE id = {post}")
    return (row[0], row[1]), row[2]


def _events(connection: Connection, user: int) -> list[tuple[int, str, Any]]:
    rows = _rows(connection, f"SELECT seq, kind, data FROM events WHERE user_id = {user} ORDER BY seq")
    return [(seq, kind, json.loads(data)) for seq, kind, data in rows]


def _in_database(connection: Connection, post: int, asked: Asked) -> list[str]:
    """The counts, the reactions, the author's events and badges."""
    wrong = []
    standing = dict(_rows(connection, f"SELECT user_id, reaction FROM reactions WHERE post_id = {post}"))
    if standing != asked.standing():
        wrong.append(f"{len(standing.items() ^ asked.standing().items())} reactions are not as they were wished")
    counted = Counter(standing.values())
    counts, _version = _counts(connection, post)
    if counts != (counted["like"], counted["dislike"]):
        wrong.append(f"the post's row says {counts}, there are {dict(counted)}")
    events = _events(connection, 1)
    if [seq for seq, _kind, _data in events] != list(range(1, len(events) + 1)):
        wrong.append("the author's events have holes")
    told: dict[str, list[Told]] = defaultdict(list)
    for _seq, kind, data in events:
        told[data["by"]].append((data["by"], kind, data["withdrawn"]))
    if told != asked.told():
        names = {name for name in {*told, *asked.told()} if told.get(name) != asked.told().get(name)}
        wrong.append(f"the author was told something else of {len(names)} people")
    (row,) = _rows(connection, "SELECT badges FROM inboxes WHERE user_id = 1")
    badges = json.loads(row[0])
    unseen = dict(
        _rows(connection, "SELECT badge, count(*) FROM events WHERE user_id = 1 AND seen = false GROUP BY badge")
    )
    for badge, reaction in (("likes", "like"), ("dislikes", "dislike")):
        if not badges[badge] == unseen.get(badge, 0) == counted[reaction]:
            wrong.append(f"badge {badge}: {badges[badge]}, unseen {unseen.get(badge, 0)}, stand {counted[reaction]}")
    return wrong


def _on_screens(views: Sequence[View], counts: Counts, version: int) -> list[str]:
    shown: Counter[Any] = Counter()
    for view in views:
        data = json.loads(view.data) if view.data else {}
        shown[view.transport, (data.get("likes"), data.get("dislikes")), view.version] += 1
    return [
        f"{count} viewers over {transport} show {said}, version {at}, not {counts}, version {version}"
        for (transport, said, at), count in shown.items()
        if said != counts
    ]


def _in_tab(view: View, stored: list[tuple[int, str, Any]], badges: dict[str, int]) -> list[str]:
    """The author's own tab has each event once, in order, and the badges."""
    came: list[tuple[int, str, Any]] = []
    shown: dict[str, int] = {}
    for text in texts(view.frames):
        frame = json.loads(text)
        if frame["type"] == "events":
            came += [(event["seq"], event["kind"], event["data"]) for event in frame["events"]]
            if frame["seq"] == frame["latest"]:
                shown = frame["badges"]
    wrong = [] if came == stored else [f"the author's tab has {len(came)} events, not the {len(stored)} that there are"]
    return wrong if shown == badges else [*wrong, f"the author's tab shows {shown}, not {badges}"]
