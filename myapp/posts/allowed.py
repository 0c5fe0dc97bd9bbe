"""Who may answer whom: nobody who is blocked, and nobody whom one has blocked."""

from __future__ import annotations

from ..errors import Forbidden, Text

#: Who has blocked whom.
Blocked = set[tuple[int, int]]


def check_not_blocked(blocked: Blocked, me: int, author: int) -> None:
    """Raises Forbidden, with the remedy where there is one."""
    if (author, me) in blocked:
        raise Forbidden(Text("The author of this post does not take anything from you."))
    if (me, author) in blocked:
        raise Forbidden(Text("You have blocked the author of this post: unblock them first."))
