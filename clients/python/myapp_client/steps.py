"""What the core asks of a driver. No I/O.

Ask     GET it                             -> answered(), failed()
Open    open a WebSocket                   -> opened(), refused(), failed()
Listen  wait for its next frame            -> heard(), closed(); quiet() when none came
Say     write a text frame
HangUp  end the WebSocket without a word
Wait    do nothing meanwhile
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """GET `path`; the answer may take `seconds`."""

    path: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Open:
    path: str


@dataclass(frozen=True, slots=True)
class Listen:
    """For a frame, up to `seconds`; at 0 one that has come already."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class HangUp:
    pass


Step = Wait | Ask | Open | Listen | Say | HangUp
