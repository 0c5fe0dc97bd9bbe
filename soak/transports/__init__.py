"""The ways of following an inbox, each as a client of it behaves."""

from .polls import LongPoll, ShortPoll
from .sockets import Socket, TellingSocket
from .stream import Stream
from .way import Batch, Reset, Said, Stand, Told, Way

WAYS: dict[str, type[Way]] = {way.name: way for way in (Socket, TellingSocket, Stream, LongPoll, ShortPoll)}

__all__ = ["WAYS", "Batch", "Reset", "Said", "Stand", "Told", "Way"]
