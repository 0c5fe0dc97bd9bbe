"""Where a program stands, in a file, so that it goes on there when it is started again."""

from __future__ import annotations

import json
import os
from pathlib import Path

from .events import Cursor, start_at


class CursorFile:
    """The file has the old cursor or the new one, whenever the program or the machine dies, never a part of one.

    What is done with an event comes before `write`. Dying between the two does it again: at least once, and where
    that is not enough, `seq` tells what was done already.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Cursor | None:
        """None where there is no file. Raises ValueError for one that has no cursor in it, OSError."""
        try:
            said = json.loads(self.path.read_bytes())
            if not isinstance(said["epoch"], str):
                raise TypeError("epoch is no text")
            return start_at(int(said["seq"]), said["epoch"])
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{self.path} has no cursor in it: remove it, and say --since SEQ") from error

    def write(self, cursor: Cursor) -> None:
        """Returns when it is on disk. Raises OSError. One program writes a file: two would take it from each other."""
        # of one name, so that what a killed program leaves is written over and does not gather
        new = self.path.with_name(f".{self.path.name}.new")
        with new.open("w") as file:
            json.dump({"seq": cursor.seq, "epoch": cursor.epoch}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self.path)
