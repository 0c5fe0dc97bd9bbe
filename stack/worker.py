"""The process that runs the application's tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from .program import BIN, Program, python_path


class Worker(Program):
    """`python -m myapp.worker`. `environ` is all of the application's settings; `name` tells several apart."""

    executable = "python"
    stop_patience = 30.0

    def __init__(self, folder: Path, environ: Mapping[str, str], name: str = "worker") -> None:
        self.name = name
        super().__init__(folder)
        self.environ = {**environ, "PYTHONPATH": python_path(environ), "PYTHONUNBUFFERED": "1"}
        self.command = [str(BIN / "python"), "-m", "myapp.worker"]

    def answers(self) -> bool:
        """It takes tasks."""
        return "at a time (Ctrl-C stops it)" in self.log_of_this_run()
