"""Send messages and notifications, show tasks, and follow an inbox: every event once and in order, whatever fails."""

from .answers import Badges, Conversation, Conversations, History, Me, Message, Notified, TaskState, Ticket, User
from .async_client import AsyncClient
from .async_follow import AsyncFollow
from .async_task import AsyncTask
from .client import Client
from .environment import task
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
    TaskCancelled,
    TooLarge,
    TooMany,
    Unavailable,
    Unreachable,
)
from .events import Cursor, Event, Reset
from .pace import Pace
from .sync_follow import Follow
from .sync_task import Task

__all__ = [
    "AsyncClient",
    "AsyncFollow",
    "AsyncTask",
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
    "Task",
    "TaskCancelled",
    "TaskState",
    "Ticket",
    "TooLarge",
    "TooMany",
    "Unavailable",
    "Unreachable",
    "User",
    "task",
]
