"""`python -m stack`: run nginx, uWSGI, a worker for tasks, Redis and PostgreSQL until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .runner import AlreadyRunning, Lock, Runner
from .stack import Stack, default_folder

DESCRIPTION = """Run the application as it is deployed: nginx, uWSGI, a worker for tasks, Redis and PostgreSQL, until
Ctrl-C.
MYAPP_HOST and MYAPP_PORT are nginx's, MYAPP_WORKERS is uWSGI's (default 2); all other settings are passed on."""


def main() -> int:
    """The process's exit status."""
    parser = argparse.ArgumentParser("python -m stack", description=DESCRIPTION)
    parser.add_argument("--folder", type=Path, default=default_folder(), help="for its files (default: %(default)s)")
    parser.add_argument("--router", action="store_true", help="nginx asks uWSGI by HTTP, through its router")
    asked = parser.parse_args()
    settings = {name: value.strip() for name, value in os.environ.items() if name.startswith("MYAPP_")}
    numbers = {}
    for name, default, low, high in (("MYAPP_PORT", 8000, 1, 65535), ("MYAPP_WORKERS", 2, 1, 64)):
        text = settings.get(name) or str(default)
        if not (text.isascii() and text.isdigit() and low <= int(text) <= high):
            print(f"{name} is {text!r}: give a whole number from {low} to {high}", file=sys.stderr)
            return 2
        numbers[name] = int(text)
    try:
        lock = Lock(asked.folder)
    except AlreadyRunning as error:
        print(f"the stack is already running: {error}", file=sys.stderr)
        return 1
    host = settings.get("MYAPP_HOST") or "127.0.0.1"
    stack = Stack(
        asked.folder, numbers["MYAPP_PORT"], numbers["MYAPP_WORKERS"], settings, host=host, router=asked.router
    )
    lock.note(f"process {os.getpid()}, {stack.url}/")
    return Runner(stack).run()


if __name__ == "__main__":
    sys.exit(main())
