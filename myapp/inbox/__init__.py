"""Everything that happens to a user is an event in that user's inbox, with the inbox's next seq.

`append` is the only place that assigns a seq; `after` reads what follows a cursor.
"""

from .about import NumberIn
from .badges import BADGES, Badges
from .badges import check_name as check_badge
from .badges import pattern as badge_pattern
from .events import (
    HELD,
    PAGE_EVENTS,
    Appended,
    CountedBy,
    Event,
    Head,
    Page,
    after,
    append,
    badges_of,
    create,
    head,
    heads,
    hold,
    lock,
    lock_more,
    pending,
    pending_data,
    seq_of,
)
from .facts import epoch, last_time, new_epoch, next_time, take_turn
from .models import events, inboxes
from .notices import StoredNotice, notice, notices
from .retention import MOST_DELETED, find_old, last_too_many, trim
from .seen import Marked, mark_all_seen, mark_in_pieces, mark_next_seen, mark_seen, mark_some_seen
from .spreading import Spread, Spreader, Step
from .taking_back import blank, find, withdraw, withdraw_unseen_about

__all__ = [
    "BADGES",
    "HELD",
    "MOST_DELETED",
    "PAGE_EVENTS",
    "Appended",
    "Badges",
    "CountedBy",
    "Event",
    "Head",
    "Marked",
    "NumberIn",
    "Page",
    "Spread",
    "Spreader",
    "Step",
    "StoredNotice",
    "after",
    "append",
    "badge_pattern",
    "badges_of",
    "blank",
    "check_badge",
    "create",
    "epoch",
    "events",
    "find",
    "find_old",
    "head",
    "heads",
    "hold",
    "inboxes",
    "last_time",
    "last_too_many",
    "lock",
    "lock_more",
    "mark_all_seen",
    "mark_in_pieces",
    "mark_next_seen",
    "mark_seen",
    "mark_some_seen",
    "new_epoch",
    "next_time",
    "notice",
    "notices",
    "pending",
    "pending_data",
    "seq_of",
    "take_turn",
    "trim",
    "withdraw",
    "withdraw_unseen_about",
]
