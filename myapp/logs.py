"""The log: lines for people, or one JSON object a line for programs. Neither shows what people wrote, nor a secret."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from flask import g, has_request_context

from . import access
from .db import rfc3339

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_encode = msgspec.json.Encoder().encode


def is_json(environ: Mapping[str, str]) -> bool:
    """Whether the setting LOG_FORMAT asks for JSON; that it is a valid one is looked at with all the others."""
    return environ.get("MYAPP_LOG_FORMAT", "").strip().lower() == "json"


def set_up_logging(environ: Mapping[str, str] = os.environ) -> None:
    """Log to standard error, as the setting LOG_FORMAT says. Where the process logs already, it stays as it is."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if is_json(environ) else TextFormatter(TEXT))
    handler.addFilter(tell_no_values)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # what no line shows is not looked up for each
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("werkzeug").addFilter(drop_request_lines)
    if is_json(environ):
        logging.captureWarnings(True)


def say(text: str, environ: Mapping[str, str] = os.environ) -> None:
    """Tell whoever started this process; where a program reads along, by the log."""
    if is_json(environ):
        logging.getLogger("myapp").info(text)
    else:
        print(text, flush=True)


def drop_request_lines(record: logging.LogRecord) -> bool:
    """`flask run` logs each request with its query, and so with a ticket; ours are in the access log."""
    return '"%s" %s %s' not in str(record.msg)


# -- what PostgreSQL says of an error holds rows and parameters


def tell_no_values(record: logging.LogRecord) -> bool:
    """A handler's filter that takes nothing away: what is logged of an error is what `told` says of it."""
    if isinstance(record.args, tuple) and any(isinstance(value, BaseException) for value in record.args):
        record.args = tuple(told(value) if isinstance(value, BaseException) else value for value in record.args)
    return True


def told(error: BaseException) -> str:
    """What an error says, without rows of the database: PostgreSQL puts them into its details."""
    text = str(error)
    for part in _chain(error):
        primary = getattr(getattr(part, "diag", None), "message_primary", None)
        if primary and str(part):
            text = text.replace(str(part), primary)
    return text


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what it wraps, and what it came from; each once."""
    left: list[BaseException | None] = [error]
    seen: set[int] = set()
    while left:
        part = left.pop()
        if part is not None and id(part) not in seen:
            seen.add(id(part))
            yield part
            left += [part.__cause__, part.__context__, getattr(part, "orig", None)]


class TextFormatter(logging.Formatter):
    """Lines for people."""

    _second: tuple[int, str] = (0, "")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        second, text = self._second
        if second != int(record.created):  # most lines are of the same second as the one before
            text = super().formatTime(record, "%Y-%m-%d %H:%M:%S")
            self._second = int(record.created), text
        return f"{text},{int(record.msecs):03d}"

    def formatException(self, info: Any) -> str:
        text = super().formatException(info)
        for part in _chain(info[1]) if info[1] is not None else ():
            if told(part) != str(part):
                text = text.replace(str(part), told(part))
        return text


class JsonFormatter(TextFormatter):
    """One object a line: time, level, logger, message, the process, and whose request it was where there is one.

    The access log's fields are fields here.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": rfc3339(int(1000 * record.created)),
            "level": record.levelname,
            "logger": record.name,
        }
        if record.msg is access.LINE and isinstance(record.args, Mapping):
            fields = record.args
            line["message"] = f"{fields['method']} {fields['path']} {fields['status']}"
            line.update((name, value) for name, value in fields.items() if value not in (None, "-"))
        else:
            line["message"] = record.getMessage()
            if has_request_context():
                line["request_id"] = g.get("request_id")
                if user := access.user_of(g):
                    line["user"] = user
        line["pid"] = os.getpid()
        if uwsgi := sys.modules.get("uwsgi"):
            line["worker"] = uwsgi.worker_id()
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        try:
            return _encode(line).decode()
        except UnicodeEncodeError:  # a lone surrogate, which JSON can only have escaped
            return json.dumps(line)
