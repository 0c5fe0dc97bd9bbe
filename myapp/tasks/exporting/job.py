"""The kind of tasks itself."""

from __future__ import annotations

import time

from flask_babel import force_locale

from ... import languages
from ...errors import Text
from ...extensions import database
from ..kinds import task
from ..run import owner, progress, result
from . import account, as_html, as_json
from .archive import Archive, safe_name
from .rows import Rows


class Work:
    """How far it is: each row is read twice, once for each way of writing."""

    def __init__(self) -> None:
        self._done = 0
        self._total = 0

    def expect(self, rows: int) -> None:
        self._total = 2 * rows

    def advance(self, rows: int) -> None:
        """Others have their turn."""
        self._done += rows
        progress(min(99, 100 * self._done // self._total) if self._total else 0)


@task(
    "export-messages",
    title=Text("Export of messages and posts"),
    again=True,
    time_limit=6 * 3600,
)
def export_messages() -> None:
    """A zip of all that its owner wrote and was written, as JSON and as pages."""
    me = owner()
    work = Work()
    rows = Rows(database(), me, work.advance)
    work.expect(rows.messages_count + rows.posts_count + rows.reactions_count)
    own = rows.read(lambda connection: account.read(connection, me))
    day = time.strftime("%Y-%m-%d", time.gmtime())
    with result(f"myapp-{safe_name(me.name, me.id)}-{day}.zip") as file, Archive(file) as archive:
        as_json.write(archive, rows, own)
        with force_locale(languages.locale(own.language)):
            as_html.write(archive, rows, own)
    progress(100)
