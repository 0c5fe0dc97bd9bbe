"""What a request that follows wants to watch besides, and what its client has of that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from flask.globals import request_ctx

from ..errors import Invalid, Text
from ..extensions import parts
from ..live.topics import MOST_TOPICS, Watch
from ..openapi import words
from ..web import MAX_SEQ, query_text

WATCH = words(
    "watch", "Up to 50 topics, separated by commas: what is current of them.", longest=4000, example="presence:bob"
)
HAVE = words(
    "have",
    "The version that one has of each topic, in the order of `watch`, separated by commas; 0 for none. Or one number "
    "for all: the greatest that one has, and 0 where one has nothing of some.",
    longest=1000,
    pattern=r"^[0-9]{1,16}(,[0-9]{1,16})*$",
    example="1790000000000",
)


class Watched(NamedTuple):
    """What a request wants to watch: what it may, and what it may not; and of each that it may the version that its
    client has, None where it does not say.
    """

    watches: list[Watch]
    refused: list[str]
    have: list[int] | None


NOTHING = Watched([], [], None)


def watched(user: int) -> Watched:
    """What the request wants to watch for the user. It reads: it may raise what the database does. Raises Invalid."""
    names = [name for name in query_text("watch", "", 4000).split(",") if name]
    have = _have(names)
    topics = list(dict.fromkeys(names))
    if not topics:
        return NOTHING
    if len(topics) > MOST_TOPICS:
        raise Invalid("watch", f"give at most {MOST_TOPICS} topics, separated by commas")
    watches = parts().dispatcher.topics.resolve(user, topics)
    known = {watch.topic for watch in watches}
    refused = [topic for topic in topics if topic not in known]
    return Watched(watches, refused, None if have is None else [have[watch.topic] for watch in watches])


def _have(names: Sequence[str]) -> dict[str, int] | None:
    """The version that the client has of each of these; None where it does not say. Raises Invalid."""
    if "have" not in request_ctx.request.args:
        return None
    versions = query_text("have", "", 1000).split(",")
    if not all(re.fullmatch(r"[0-9]{1,16}", version) and int(version) <= MAX_SEQ for version in versions):
        raise Invalid("have", Text("give a whole number from %(low)d to %(high)d", low=0, high=MAX_SEQ))
    if len(versions) == 1:
        versions *= len(names)
    if len(versions) != len(names):
        raise Invalid("have", Text("give one number, or one for each topic"))
    return {name: int(version) for name, version in zip(names, versions, strict=True)}
