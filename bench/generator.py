"""The other process, as seen from here."""

from __future__ import annotations

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any

from .load import Load

#: Makes what runs there, of the port, whether connections are kept, and what says that it is time to end.
Make = Callable[[int, bool, Callable[[], bool]], Any]


def _serve(make: Make, pipe: Connection, port: int, is_kept: bool, is_over: Event) -> None:
    load = make(port, is_kept, is_over.is_set)
    while (asked := pipe.recv()) is not None:
        name, args = asked
        try:
            pipe.send((True, getattr(load, name)(*args)))
        except Exception as error:  # safety net: told to the other side, which raises it
            pipe.send((False, f"{type(error).__name__}: {error}"))


class Generator:
    """The other process, as seen from here: `call` runs a method of its Load, or of what `make` makes there. It ends on
    leaving.
    """

    def __init__(self, port: int, is_kept: bool, make: Make = Load) -> None:
        context = get_context("spawn")
        self._pipe, other = context.Pipe()
        self._is_over = context.Event()
        self._process = context.Process(target=_serve, args=(make, other, port, is_kept, self._is_over), daemon=True)

    def __enter__(self) -> Generator:
        self._process.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self._process.terminate()
        self._process.join()

    def call(self, name: str, *args: Any) -> Any:
        self.begin(name, *args)
        return self.finish()

    def begin(self, name: str, *args: Any) -> None:
        """Have it run, and wait for nothing."""
        self._pipe.send((name, args))

    def finish(self) -> Any:
        """What came of it. Whatever runs until it is told to end is told so."""
        self._is_over.set()
        worked, result = self._pipe.recv()
        self._is_over.clear()
        if not worked:
            raise RuntimeError(f"the load generator failed: {result}")
        return result
