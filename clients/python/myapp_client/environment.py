"""What programs do that take address and token from the environment."""

from __future__ import annotations

import os

from .client import Client
from .sync_task import Task


def task(to: str, title: str, *, kind: str | None = None, key: str | None = None, timeout: int = 60) -> Task:
    """Client.task of a client of its own, for MYAPP_URL by MYAPP_TOKEN, a system's. Raises ValueError.

    with task("bob", "Nightly report") as t:
        t.progress(40)
    """
    missing = [name for name in ("MYAPP_URL", "MYAPP_TOKEN") if not os.environ.get(name)]
    if missing:
        raise ValueError(f"set {' and '.join(missing)} in the environment, or use Client(url, token).task(...)")
    client = Client(os.environ["MYAPP_URL"], os.environ["MYAPP_TOKEN"])
    made = client.task(to, title, kind=kind, key=key, timeout=timeout)
    made.on_end = client.close
    return made
