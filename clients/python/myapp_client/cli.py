"""The command line: `myapp-client tell|announce|task|follow|me`, also `python -m myapp_client`."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import logging
import os
import select
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from . import command, lines
from .client import Client
from .cursor_file import CursorFile
from .errors import ClientError, Closed, Forbidden, NotFound, NotSignedIn, TooMany, Unavailable
from .events import Reset
from .interruptions import Interruptions
from .sync_follow import Follow

DONE, REFUSED, USAGE, NOT_ALLOWED, LATER, INTERRUPTED = 0, 1, 2, 3, 4, 130

EXIT_CODES = f"""\
exit status: {DONE} done; {REFUSED} refused, what was asked is wrong; {USAGE} used wrongly; {NOT_ALLOWED} not signed in
or not allowed; {LATER} not now, try again later; {INTERRUPTED} Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """What the console script does; its exit status."""
    asked = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # whatever the locale: a line for each event
    try:
        with _client(asked) as client:
            status: int = asked.run(client, asked)
            sys.stdout.flush()
            return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return _without_reader()
    except ClientError as error:
        return _say_why(error)
    except OSError as error:
        return _say(f"{error.filename or 'input or output'}: {error.strerror or error}", REFUSED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="myapp-client", epilog=EXIT_CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default=os.environ.get("MYAPP_URL"), help="address of the service [MYAPP_URL]")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="file with the token [in place of MYAPP_TOKEN]")
    parser.add_argument("-v", "--verbose", action="store_true", help="say on stderr when and why it connects anew")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    tell = commands.add_parser("tell", help="send a message, or by a system's token a notification")
    tell.set_defaults(run=_tell)
    tell.add_argument("user", metavar="USER", help="whom; by a system's token * is everyone")
    tell.add_argument("text", metavar="TEXT", help="the message, or the notification's title")
    tell.add_argument("--badge", help="name of the count to raise (notifications)")
    announce = commands.add_parser("announce", help="announce something to everyone, by a system's token")
    announce.set_defaults(run=_announce)
    announce.add_argument("title", metavar="TITLE")
    for one in (tell, announce):
        one.add_argument("--body", help="the text below the title (notifications)")
        one.add_argument("--url", dest="link", metavar="LINK", help="where it leads (notifications)")
        one.add_argument("--key", help="the same key again is the same message, not another one")

    task = commands.add_parser("task", help="run a command, and show it as a task, by a system's token")
    task.set_defaults(run=_task)
    task.add_argument("user", metavar="USER", help="whom it is shown to")
    task.add_argument("title", metavar="TITLE")
    task.add_argument("--kind", help="a name of your own for what is done")
    task.add_argument("--key", help="the same key again is the same task, as long as that is not over")
    task.add_argument("--timeout", type=int, default=60, metavar="SECONDS", help="missed after so long; default: 60")
    task.add_argument("command", nargs="+", metavar="-- COMMAND", help="with its arguments; its exit status is ours")

    follow = commands.add_parser("follow", help="print a line for each event, for ever")
    follow.set_defaults(run=_follow)
    follow.add_argument("--since", type=_whole, metavar="SEQ", help="what follows SEQ, 0 for all; default: from now on")
    follow.add_argument("--json", action="store_true", help="each event as a line of JSON")
    follow.add_argument("--kind", action="extend", nargs="+", metavar="KIND", help="print only these kinds")
    follow.add_argument(
        "--cursor-file",
        type=Path,
        metavar="FILE",
        help="go on where FILE says (then --since does not count), and keep it up to date: each event is printed at "
        "least once, and only the last one twice if it dies between printing and writing",
    )
    me = commands.add_parser("me", help="say who one is, as JSON")
    me.set_defaults(run=_me)
    for one in (task, follow, me):
        one.add_argument("--url", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    for one in (tell, announce, task, follow, me):
        one.add_argument("--token-file", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**53):
        raise argparse.ArgumentTypeError("give a whole number, the seq of an event, or 0 for all")
    return int(text)


def _client(asked: argparse.Namespace) -> Client:
    """Ends the program where it cannot be made."""
    logging.basicConfig(level=logging.WARNING, format="myapp-client: %(message)s")
    logging.getLogger("myapp_client").setLevel(logging.INFO if asked.verbose else logging.WARNING)
    if not asked.url:
        _refuse("no address: set MYAPP_URL, or give --url https://...")
    try:
        token = asked.token_file.read_text() if asked.token_file else os.environ.get("MYAPP_TOKEN", "")
    except (OSError, UnicodeDecodeError) as error:
        _refuse(f"--token-file: {error}")
    if not token.strip():
        _refuse(
            "no token: set MYAPP_TOKEN, or give --token-file FILE; `flask tokens create USER` makes one of a user's, "
            "`flask systems token NAME` one of a system's"
        )
    try:
        return Client(asked.url, token)
    except ValueError as error:
        _refuse(str(error))


def _tell(client: Client, asked: argparse.Namespace) -> int:
    if not client.me().is_system:
        given = [name for name in ("body", "link", "badge") if getattr(asked, name) is not None]
        if given:
            names = ", ".join("--" + name.replace("link", "url") for name in given)
            _refuse(f"{names}: only notifications have it, and this token is a user's, which sends a message")
        client.send(asked.user, asked.text, key=asked.key)
        return DONE
    more = {"body": asked.body, "url": asked.link, "badge": asked.badge, "key": asked.key}
    told = client.notify(asked.user, asked.text, **more)
    if told.unknown:
        return _say(f"nobody is called {', '.join(told.unknown)}", REFUSED)
    return DONE


def _announce(client: Client, asked: argparse.Namespace) -> int:
    print(client.announce(asked.title, body=asked.body, url=asked.link, key=asked.key))
    return DONE


def _task(client: Client, asked: argparse.Namespace) -> int:
    task = client.task(asked.user, asked.title, kind=asked.kind, key=asked.key, timeout=asked.timeout)
    return command.run(task, asked.command, lambda text: _say(text, DONE))


def _me(client: Client, asked: argparse.Namespace) -> int:
    me = client.me()
    print(json.dumps({"name": me.name, "display_name": me.display_name, "via": me.via}))
    return DONE


def _follow(client: Client, asked: argparse.Namespace) -> int:
    file = CursorFile(asked.cursor_file) if asked.cursor_file else None
    if file and not file.path.parent.is_dir():
        _refuse(f"--cursor-file: make the folder {file.path.parent} first")
    try:
        cursor = file.read() if file else None
    except ValueError as error:
        _refuse(str(error))
    seq, epoch = (cursor.seq, cursor.epoch) if cursor else (asked.since, "")
    shown = lines.as_json if asked.json else lines.as_text

    def note_reset(reset: Reset) -> None:
        before, after = reset.before.seq, reset.cursor.seq
        _say(f"the inbox was reset: what was known up to {before} may not hold; on from {after}", DONE)
        if file:
            file.write(reset.cursor)

    with (
        client.follow(seq, epoch=epoch, on_reset=note_reset) as follow,
        Interruptions(follow.close) as interruptions,
        contextlib.suppress(Closed),
    ):
        _end_without_reader(follow)
        start = follow.begin()
        if file:
            file.write(start)
        for event in follow:
            # print it, then move the cursor: dying between the two prints it once more
            with interruptions.allowed():
                if not asked.kind or event.kind in asked.kind:
                    print(shown(event), flush=True)
                if file and follow.cursor:
                    file.write(follow.cursor)
    return INTERRUPTED if interruptions.came else DONE


def _end_without_reader(follow: Follow) -> None:
    """Close it when nobody reads our output any more, rather than at the next event, which may be long in coming."""
    if not hasattr(select, "poll"):
        return
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)  # errors are always told

    def watch() -> None:
        if any(what & (select.POLLERR | select.POLLHUP) for _fd, what in poll.poll()):
            follow.close()

    threading.Thread(target=watch, name="myapp-client-stdout", daemon=True).start()


def _say_why(error: ClientError) -> int:
    fields = "".join(f"\n  {name}: {wrong}" for name, wrong in error.errors.items())
    if isinstance(error, NotSignedIn):
        return _say(f"{error}\nThe token in MYAPP_TOKEN or --token-file does not count; make a new one.", NOT_ALLOWED)
    if isinstance(error, Forbidden):
        return _say(str(error), NOT_ALLOWED)
    if isinstance(error, TooMany | Unavailable):
        when = f" after {error.retry_after:g} s" if error.retry_after else ""
        return _say(f"{error}\nTry again{when}; with the same --key nothing happens twice.", LATER)
    if isinstance(error, NotFound) and not error.title:
        return _say(f"{error}\nLook at MYAPP_URL or --url.", REFUSED)
    return _say(f"{error}{fields}", REFUSED)


def _without_reader() -> int:
    """Nobody reads our output any more. What Python would still write at its end goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return DONE


def _say(text: str, status: int) -> int:
    print(f"myapp-client: {text}", file=sys.stderr)
    return status


def _refuse(text: str) -> NoReturn:
    _say(text, USAGE)
    raise SystemExit(USAGE)
