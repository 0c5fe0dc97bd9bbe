"""Exports as their owner opens them."""

from __future__ import annotations

import io
import json
import posixpath
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from myapp.auth.people import Person
from myapp.messages import deleting, service
from myapp.tasks.exporting.job import export_messages
from myapp.tasks.results import Folder, ResultFile
from myapp.tasks.run import Run, entered

from .posting import Writers


class Export(Writers):
    """People who write to each other, too, and export it."""

    def send(self, by: Person, to: Person, body: str = "hello") -> int:
        with self.database.transaction() as transaction:
            number: int = service.send(transaction, by, to.name, body).message["id"]
            return number

    def read(self, by: Person, whose: Person, upto: int) -> None:
        with self.database.transaction() as transaction:
            service.mark_read(transaction, by, whose.name, upto)

    def take_back(self, by: Person, number: int) -> None:
        with self.database.transaction() as transaction:
            deleting.delete(transaction, by, number)

    def of(self, person: Person, folder: Path, meanwhile: Callable[[Run], None] = lambda run: None) -> Zip:
        """`meanwhile` is called each time that the run says how far it is."""
        run = Watched(person, folder, meanwhile)
        file = run.exported()
        return Zip(file.name, (folder / file.path).read_bytes(), run.percents)

    def size_of(self, person: Person, folder: Path) -> int:
        """Of the file, in bytes, which is not looked into."""
        return Watched(person, folder).exported().size


class Watched(Run):
    def __init__(self, person: Person, folder: Path, meanwhile: Callable[[Run], None] = lambda run: None) -> None:
        super().__init__(1, 1, person, Folder(folder), lambda: False)
        self.percents: list[float] = []
        self._meanwhile = meanwhile

    def progress(self, percent: float) -> None:
        self.percents.append(percent)
        self._meanwhile(self)
        super().progress(percent)

    def exported(self) -> ResultFile:
        with entered(self):
            export_messages()
        assert self.file is not None
        return self.file


class Zip:
    """What is in it; making one finds out whether it is whole, and whether all links lead somewhere."""

    def __init__(self, name: str, data: bytes, percents: list[float]) -> None:
        self.name = name
        self.percents = percents
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            assert opened.testzip() is None
            self.files = {info.filename: opened.read(info) for info in opened.infolist()}
            assert len(self.files) == len(opened.infolist())
        self.pages = {name: Page(data.decode()) for name, data in self.files.items() if name.endswith(".html")}
        for name, page in self.pages.items():
            for link in page.links:
                assert posixpath.normpath(posixpath.join(posixpath.dirname(name), link)) in self.files

    def json(self, name: str) -> Any:
        return json.loads(self.files[name])

    def bodies(self, other: Person) -> list[str]:
        """Of the messages from and to one person, as programs read them."""
        found = [one for one in self.json("messages.json")["conversations"] if one["with"] == other.name]
        return [message["body"] for one in found for message in one["messages"]]

    def says(self, text: str) -> list[str]:
        """The files that have it."""
        return [name for name, data in self.files.items() if text.encode() in data]


class Page(HTMLParser):
    """`texts` are the paragraphs of the list, `links` where the page leads."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.texts: list[str] = []
        self.language = ""
        self._is_text = False
        self._is_list = False
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.tags.add(tag)
        self.language = values.get("lang") or self.language
        self._is_list = self._is_list or tag == "main"
        if tag == "a":
            self.links.append(values["href"] or "")
        if tag == "p" and self._is_list:
            self._is_text = True
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._is_list = self._is_list and tag != "main"
        self._is_text = self._is_text and tag != "p"

    def handle_data(self, data: str) -> None:
        if self._is_text:
            self.texts[-1] += data
