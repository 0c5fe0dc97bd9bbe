"""Who is writing to whom: whoever said so within the last seconds and has not sent the message yet.

Never stored; the other workers are told by `peers`.
"""

from __future__ import annotations

from collections.abc import Callable

from .topic import state_data

#: Seconds for which somebody is writing after having said so.
LIFE = 5.0
#: The most people to whom somebody is writing at once; with one more the first is let go.
MOST_READERS = 50

TYPING, IDLE = "typing", "idle"


class Typing:
    """Owned by the dispatcher, which calls `expire`. `put(key, data)` is told of each change; `clock` is monotonic.

    It keeps nothing that is older than LIFE, and of nobody more than MOST_READERS entries.
    """

    def __init__(self, put: Callable[[str, str], None], clock: Callable[[], float]) -> None:
        self._put = put
        self._clock = clock
        #: when the writer last said so, by writer and reader; the earliest first
        self._said: dict[tuple[int, int], float] = {}
        #: by writer, to whom; the one said so earliest first
        self._readers: dict[int, dict[int, None]] = {}

    def note(self, writer: int, reader: int) -> None:
        """The writer is writing to the reader now."""
        readers = self._readers.setdefault(writer, {})
        is_new = reader not in readers
        if is_new and len(readers) == MOST_READERS:
            self.stop(writer, next(iter(readers)))
        readers.pop(reader, None)  # it comes last now, in both
        self._said.pop((writer, reader), None)
        readers[reader] = None
        self._said[writer, reader] = self._clock()
        if is_new:
            self._changed(writer, reader, TYPING)

    def stop(self, writer: int, reader: int) -> None:
        """The writer has sent it, or given up."""
        if self._said.pop((writer, reader), None) is None:
            return
        readers = self._readers[writer]
        del readers[reader]
        if not readers:
            del self._readers[writer]
        self._changed(writer, reader, IDLE)

    def state(self, writer: int, reader: int) -> str:
        return TYPING if (writer, reader) in self._said else IDLE

    def data(self, pair: str) -> str:
        """What is current of the topic `typing:<pair>`, where `pair` is `<writer>:<reader>`."""
        writer, _, reader = pair.partition(":")
        return state_data(self.state(int(writer), int(reader)))

    def expire(self, now: float) -> None:
        """Those who have not said so again are writing no more."""
        while self._said:
            (writer, reader), since = next(iter(self._said.items()))
            if now - since < LIFE:
                return
            self.stop(writer, reader)

    def _changed(self, writer: int, reader: int, state: str) -> None:
        self._put(f"typing:{writer}:{reader}", state_data(state))
