"""A kind of tasks that are as far as a test says, for servers with `MODULES="tests.slow_tasks"`."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from flask import Flask

from myapp import progress, result, task
from myapp.tasks import TaskFailed

#: Seconds between two looks at what the test says.
LOOK = 0.02


@task("steps", title="One step after the other", again=True)
def steps(file: str) -> None:
    """Is as far as the file says, in percent; whatever else it says is why the task fails."""
    while (said := _read(Path(file))) != "100":
        if not said.isdecimal():
            raise TaskFailed(said)
        progress(int(said))
        time.sleep(LOOK)
    with result("steps.txt") as given:
        given.write(b"all steps were taken")


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else "0"


class Steps:
    """What a test says of one task."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / f"steps-{secrets.token_hex(4)}"

    @property
    def params(self) -> dict[str, str]:
        return {"file": str(self.file)}

    def say(self, what: int | str) -> None:
        """How far it is from now on, or why it fails; never half of it."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(str(what))
        fresh.rename(self.file)


def init_app(app: Flask) -> None:
    """There is nothing to set up: the kind is known by now."""
