"""Send messages and notifications, and follow an inbox: every event once and in order, whatever fails in between."""

from .answers import Badges, Conversation, Conversations, History, Me, Message, Notified, Ticket, User
from .async_client import AsyncClient
from .async_follow import AsyncFollow
from .client import Client
from .errors import (
    BadRequest,
    ClientError,
    Closed,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotSignedIn,
    ProtocolError,
    TooLarge,
    TooMany,
    Unavailable,
    Unreachable,
)
from .events import Cursor, Event, Reset
from .pace import Pace
from .sync_follow import Follow

__all__ = [
    "AsyncClient",
    "AsyncFollow",
    "BadRequest",
    "Badges",
    "Client",
    "ClientError",
    "Closed",
    "Conflict",
    "Conversation",
    "Conversations",
    "Cursor",
    "Event",
    "Follow",
    "Forbidden",
    "History",
    "Invalid",
    "Me",
    "Message",
    "NotFound",
    "NotSignedIn",
    "Notified",
    "Pace",
    "ProtocolError",
    "Reset",
    "Ticket",
    "TooLarge",
    "TooMany",
    "Unavailable",
    "Unreachable",
    "User",
]
