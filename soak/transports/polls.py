"""Short and long polls: a request for each answer."""

from __future__ import annotations

import random
import time
from typing import Any

from ..asking import PATIENCE, Asker, Gone, kind_of
from ..checker import Broken
from ..wire import Ended
from .way import Batch, Reset, Said, Stand, Way, checked


class Polling(Way):
    """What both polls share: a request for each answer."""

    def answered(self, stand: Stand, said: dict[str, Any]) -> list[Said]:
        if said["reset"]:
            if said["events"] or said["seq"] != said["latest"]:
                raise Broken(f"a reset with events, or before the inbox's end: {said}")
            return [Reset(said["epoch"], said["latest"], stand.epoch)]
        if said["epoch"] != stand.epoch:
            raise Broken(f"asked in epoch {stand.epoch}, answered in {said['epoch']} without reset")
        return [Batch(said["events"], said["seq"], said["latest"], said["badges"])]


class ShortPoll(Polling):
    """Asks, and asks again when it was told to."""

    name = "short-poll"

    def open(self, stand: Stand) -> None:
        self._due = 0.0

    def hear(self, stand: Stand, patience: float) -> list[Said]:
        wait = self._due - time.monotonic()
        if wait > patience:
            time.sleep(patience)
            return []
        time.sleep(max(0.0, wait))
        self.connects += 1
        said = poll(self.asker, stand, limit=self.lots.choice((20, 100, 500)))
        self._due = time.monotonic() + said["next"]
        return self.answered(stand, said)

    def cut_in_the_middle(self, stand: Stand, patience: float) -> bool | None:
        return cut_answer(self.asker, f"/messages/poll?{stand.query()}", self.lots)

    def leave(self) -> None:
        self.asker.close()


class LongPoll(Polling):
    """Asks and waits for the answer, on a connection that ends with it."""

    name = "long-poll"

    def open(self, stand: Stand) -> None:
        self._asked: Stand | None = None
        self._deadline = 0.0

    def hear(self, stand: Stand, patience: float) -> list[Said]:
        if self._asked is None:
            timeout = round(self.lots.uniform(5, 25), 1)
            self._deadline = time.monotonic() + timeout + PATIENCE
            wire = self.asker.wire()
            try:
                wire.send(self.asker.request("GET", f"/messages/long-poll?{stand.query(timeout=timeout)}"))
            except OSError as error:
                raise self._gone(error) from error
            self._asked = stand
            self.connects += 1
        wire = self.asker.wire()
        if not wire.is_readable(patience):
            if time.monotonic() > self._deadline:
                raise self._gone(TimeoutError())
            return []
        try:
            answer = wire.read_answer()
        except (Ended, OSError) as error:
            raise self._gone(error) from error
        asked, self._asked = self._asked, None
        self.asker.close()
        return self.answered(asked, checked(self.asker.judged(answer).status, answer.body))

    def _gone(self, error: BaseException) -> Gone:
        self._asked = None
        self.asker.close()
        return Gone(kind_of(error))

    def cut_in_the_middle(self, stand: Stand, patience: float) -> bool | None:
        if self._asked is None:
            return cut_answer(self.asker, f"/messages/long-poll?{stand.query(timeout=1)}", self.lots)
        was_in_the_middle = read_some_and_cut(self.asker, self.lots, patience)
        if was_in_the_middle is not None:
            self._asked = None
        return was_in_the_middle

    def leave(self) -> None:
        self._asked = None
        self.asker.close()


def poll(asker: Asker, stand: Stand, limit: int) -> Any:
    """One short poll's answer."""
    answer = asker.ask("GET", f"/messages/poll?{stand.query(limit=limit)}")
    return checked(answer.status, answer.body)


def cut_answer(asker: Asker, path: str, lots: random.Random) -> bool:
    """Ask and read only a part of the answer."""
    try:
        asker.wire().send(asker.request("GET", path))
    except OSError as error:
        asker.close()
        raise Gone(kind_of(error)) from error
    return bool(read_some_and_cut(asker, lots, PATIENCE))


def read_some_and_cut(asker: Asker, lots: random.Random, patience: float) -> bool | None:
    """Read a part of an answer that was asked for; None when it did not come. An answer is longer than that part."""
    wire = asker.wire()
    if not wire.is_readable(patience):
        return None
    try:
        wire.read(lots.randint(1, 100))
    except (Ended, OSError) as error:
        raise Gone(kind_of(error)) from error
    finally:
        asker.cut()
    return True
