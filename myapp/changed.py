"""What is current of a topic: said by a transaction, told to those who watch it after the commit."""

from __future__ import annotations

from typing import NamedTuple


class Changed(NamedTuple):
    """News of a transaction: what is current of a topic now. `version` is a time in ms, greater than any before; `data`
    is a JSON object's text.
    """

    topic: str
    version: int
    data: str
