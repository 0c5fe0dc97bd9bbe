"""The settings: read from the environment once, checked at start, and passed on as one object.

Every variable starts with `MYAPP_`. What is wrong is reported for all of them together, each with its remedy.
"""

from __future__ import annotations

import os
import re
import resource
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_network
from pathlib import Path
from ssl import VerifyFlags
from urllib.parse import parse_qsl, urlsplit

from .errors import ConfigError

PREFIX = "MYAPP_"

#: Descriptors a worker keeps for itself: listening sockets, database, logs, and requests that do not wait.
RESERVED_DESCRIPTORS = 256

_FLAG = "|".join(VerifyFlags.__members__)
#: What the query of REDIS_URL may say, by a pattern and its remedy: who asks, and how TLS is done. All else that
#: redis-py takes (decode_responses, protocol, timeouts, ...) the bus sets itself, and could not do with another value.
REDIS_OPTIONS = {
    "db": ("[0-9]{1,4}", "give a whole number"),
    "username": (".+", "give a name"),
    "password": (".+", "give one"),
    "client_name": ("[!-~]+", "give a name without blanks"),
}
REDIS_TLS_OPTIONS = {
    **dict.fromkeys(("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"), ("/.+", "give a file's whole path")),
    "ssl_ca_path": ("/.+", "give a folder's whole path"),
    "ssl_password": (".+", "give the key's"),
    "ssl_cert_reqs": ("none|optional|required", "give none, optional or required"),
    "ssl_check_hostname": ("(?i:true|false)", "give true or false"),
    "ssl_min_version": ("771|772", "give 771 (TLS 1.2) or 772 (TLS 1.3)"),
    "ssl_ciphers": ("[!-~]+", "give OpenSSL's names, separated by colons"),
    **dict.fromkeys(
        ("ssl_include_verify_flags", "ssl_exclude_verify_flags"),
        (f"({_FLAG})(,({_FLAG}))*", "give names like VERIFY_X509_STRICT, separated by commas"),
    ),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment said, valid. 0 means "no limit" for the three `max_` settings."""

    secret_key: str
    database_url: str
    database_pool: int  # connections that a worker opens at most, on PostgreSQL
    redis_url: str  # empty: the bus in memory
    allowed_origins: frozenset[str]
    trusted_proxies: tuple[str, ...]  # whose X-Forwarded-For and -Proto count: "local", addresses, networks
    host: str
    port: int
    workers: int
    drain_seconds: float  # over which a worker that goes sends its clients away
    max_clients: int
    max_clients_per_user: int
    max_clients_per_address: int
    rate_limits: bool
    guests: bool
    keep_days: int  # for which events are kept; 0: for ever
    tasks_at_once: int  # that one process runs at the same time
    tasks_per_user: int  # of one user that run at the same time, anywhere; 0: no limit
    results: str  # the folder of what tasks give; empty: beside the embedded database, or in the instance folder
    result_days: int  # for which that is kept; 0: as long as its task
    accel_redirect: str  # where nginx has that folder, for itself alone; empty: it is sent from here
    modules: tuple[str, ...]  # of whoever runs it: each has `init_app(app)`
    log_format: str  # "text" or "json"

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")


NAMES = {PREFIX + field.name.upper() for field in fields(Settings)}
#: Read by uwsgi.ini alone.
NAMES_OF_UWSGI = {PREFIX + "SOCKET", PREFIX + "RELOAD_FILE"}
#: Read by clients/python: a shell that has them also runs `flask`.
NAMES_OF_CLIENT = {PREFIX + "URL", PREFIX + "TOKEN"}


def load(environ: Mapping[str, str], instance: Path) -> Settings:
    """Read the settings from `environ`; the embedded default keeps its database and key under `instance`.

    Raises ConfigError with one line for each setting that is wrong.
    """
    problems: list[str] = []
    env = {name: environ[PREFIX + name].strip() for name in _names() if environ.get(PREFIX + name, "").strip()}

    def number(name: str, default: int, low: int, high: int) -> int:
        text = env.get(name, str(default))
        if re.fullmatch(r"[0-9]{1,9}", text) and low <= int(text) <= high:
            return int(text)
        problems.append(f"{PREFIX}{name} is {text!r}: give a whole number from {low} to {high}")
        return default

    database_url = _database_url(env.get("DATABASE_URL"), instance, problems)
    workers = number("WORKERS", 1, 1, 64)
    redis_url = _redis_url(env.get("REDIS_URL", ""), problems)
    if workers > 1 and database_url.startswith("sqlite"):
        problems.append(f"{PREFIX}WORKERS is {workers}: SQLite serves one; set it to 1, or DATABASE_URL to PostgreSQL")
    if workers > 1 and not redis_url:
        problems.append(f"{PREFIX}WORKERS is {workers}: the bus in memory serves one; set it to 1, or set REDIS_URL")
    settings = Settings(
        secret_key=_secret_key(env, instance, problems),
        database_url=database_url,
        database_pool=number("DATABASE_POOL", 5, 1, 100),
        redis_url=redis_url,
        allowed_origins=_origins(env.get("ALLOWED_ORIGINS", ""), problems),
        trusted_proxies=_proxies(env.get("TRUSTED_PROXIES", "local"), problems),
        host=env.get("HOST", "127.0.0.1"),
        port=number("PORT", 8000, 0, 65535),
        workers=workers,
        drain_seconds=float(number("DRAIN_SECONDS", 5, 0, 3600)),
        max_clients=number("MAX_CLIENTS", default_max_clients(), 0, 1_000_000),
        max_clients_per_user=number("MAX_CLIENTS_PER_USER", 20, 0, 1_000_000),
        max_clients_per_address=number("MAX_CLIENTS_PER_ADDRESS", 200, 0, 1_000_000),
        rate_limits=_switch("RATE_LIMITS", env.get("RATE_LIMITS", "on"), problems),
        guests=_switch("GUESTS", env.get("GUESTS", "on"), problems),
        keep_days=number("KEEP_DAYS", 30, 0, 36500),
        tasks_at_once=number("TASKS_AT_ONCE", 4, 1, 1000),
        tasks_per_user=number("TASKS_PER_USER", 2, 0, 1_000_000),
        results=_folder("RESULTS", env.get("RESULTS", ""), problems),
        result_days=number("RESULT_DAYS", 7, 0, 36500),
        accel_redirect=_accel_redirect(env.get("ACCEL_REDIRECT", ""), problems),
        modules=_modules(env.get("MODULES", ""), problems),
        log_format=_choice("LOG_FORMAT", env.get("LOG_FORMAT", "text"), ("text", "json"), problems),
    )
    if problems:
        raise ConfigError("\n".join(problems))
    return settings


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Variables that start with the prefix and mean nothing: most likely misspelt."""
    known = NAMES | NAMES_OF_UWSGI | NAMES_OF_CLIENT
    return sorted(name for name in environ if name.startswith(PREFIX) and name not in known)


def default_max_clients() -> int:
    """Parking places for this process: its limit of open files, less what it needs; behind uWSGI's router less."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        soft = 1_000_000
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is not None and "http" in uwsgi.opt:
        # its router has the same limit, and needs two descriptors for each client of all workers
        soft //= 2 * uwsgi.numproc
    return max(1, soft - min(RESERVED_DESCRIPTORS, soft // 2))


def _names() -> list[str]:
    return [name.removeprefix(PREFIX) for name in NAMES]


def _database_url(given: str | None, instance: Path, problems: list[str]) -> str:
    if given is None:
        return f"sqlite:///{(instance / 'myapp.sqlite3').absolute()}"
    given = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", given)
    if relative := re.fullmatch(r"sqlite:///(?!/|:memory:)(.+)", given):
        return f"sqlite:///{(instance / relative[1]).absolute()}"  # as Flask-SQLAlchemy takes it
    is_known = re.match(r"(sqlite:////.|postgresql\+psycopg://)", given) and ":memory:" not in given
    if not is_known or not _has_host(given):
        problems.append(
            f"{PREFIX}DATABASE_URL is {_without_password(given)!r}: "
            "give sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"
        )
    return given


def _redis_url(given: str, problems: list[str]) -> str:
    is_known = re.match(r"(rediss?://[^/\s]|unix://.)", given) and _has_host(given)
    if given and not is_known:
        problems.append(
            f"{PREFIX}REDIS_URL is {_without_password(given)!r}: "
            "give redis://HOST:PORT/0, rediss://HOST:PORT/0 or unix:///FILE"
        )
    elif given and (wrong := list(_wrong_redis_options(given))):
        problems.append(f"{PREFIX}REDIS_URL: {'; '.join(wrong)}")
    return given


def _wrong_redis_options(url: str) -> Iterator[str]:
    """What is wrong with each; their values are not told, there may be a password among them."""
    address = urlsplit(url)
    allowed = {**REDIS_OPTIONS, **(REDIS_TLS_OPTIONS if address.scheme == "rediss" else {})}
    for name, value in parse_qsl(address.query, keep_blank_values=True):
        pattern, remedy = allowed.get(name, ("", ""))
        if name in REDIS_TLS_OPTIONS and name not in allowed:
            yield f"the option {name} is for rediss://: give that, or leave the option out"
        elif not pattern:
            yield f"the option {name!r} is not for the bus: leave it out; there are {', '.join(allowed)}"
        elif not re.fullmatch(pattern, value):
            yield f"the option {name}: {remedy}"


def _has_host(url: str) -> bool:
    """Whether the part of `url` that names host and port can be read."""
    try:
        port = urlsplit(url).port
    except ValueError:  # a bracket that does not close, a port that is no number
        return False
    return port is None or port > 0


def _without_password(url: str) -> str:
    # up to the last @: a password may have one in it
    url = re.sub(r"^((?:[^:/@]*://)?[^:/@]*):.*@", r"\1:...@", url, flags=re.DOTALL)
    return re.sub(r"(password=)[^&]*", r"\1...", url, flags=re.IGNORECASE)


def _secret_key(env: Mapping[str, str], instance: Path, problems: list[str]) -> str:
    """The given key, or on the embedded default one that is made once and kept under `instance`."""
    key = env.get("SECRET_KEY", "")
    if key:
        if len(key) < 16:
            problems.append(f"{PREFIX}SECRET_KEY is too short: give at least 16 random characters")
        return key
    if "DATABASE_URL" in env:
        problems.append(
            f"{PREFIX}SECRET_KEY is missing: it is only made up on the embedded database; "
            "set it to the output of: python -c 'import secrets; print(secrets.token_hex(32))'"
        )
        return ""
    file = instance / "secret_key"
    instance.mkdir(parents=True, exist_ok=True)
    # whole or not at all, and the first of several starting at once wins: written aside, then linked
    if not file.exists():
        aside = instance / f".secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        aside.touch(mode=0o600)
        aside.write_text(secrets.token_hex(32))
        try:
            os.link(aside, file)
        except FileExistsError:
            pass  # another process was first; its key counts
        finally:
            aside.unlink()
    key = file.read_text().strip()
    if len(key) < 16:
        problems.append(f"{file} is damaged: delete it and a new one is made; everybody then signs in again")
    return key


def _origins(text: str, problems: list[str]) -> frozenset[str]:
    origins = set()
    for origin in filter(None, re.split(r"[,\s]+", text)):
        scheme, _, rest = origin.lower().partition("://")
        if scheme not in ("http", "https") or not rest or re.search(r"[/?#@]", rest) or not _has_host(origin):
            problems.append(f"{PREFIX}ALLOWED_ORIGINS has {origin!r}: write origins as https://shop.example, no path")
        origins.add(origin.lower())
    return frozenset(origins)


def _proxies(text: str, problems: list[str]) -> tuple[str, ...]:
    words = [word for word in re.split(r"[,\s]+", text.lower()) if word]
    proxies = []
    for word in words if words != ["none"] else []:
        try:
            proxies.append(word if word == "local" else str(ip_network(word, strict=False)))
        except ValueError:
            problems.append(
                f"{PREFIX}TRUSTED_PROXIES has {word!r}: give none, or any of local, 10.0.0.7, 10.0.0.0/8, 2001:db8::/32"
            )
    return tuple(proxies)


def _folder(name: str, text: str, problems: list[str]) -> str:
    if text and not text.startswith("/"):
        problems.append(f"{PREFIX}{name} is {text!r}: give a folder's whole path")
    return text


def _accel_redirect(text: str, problems: list[str]) -> str:
    if text and not re.fullmatch(r"/[A-Za-z0-9/_.-]*/", text):
        problems.append(f"{PREFIX}ACCEL_REDIRECT is {text!r}: give a location of nginx's, like /results-of-tasks/")
    return text


def _modules(text: str, problems: list[str]) -> tuple[str, ...]:
    names = tuple(filter(None, re.split(r"[,\s]+", text)))
    for name in names:
        if not all(part.isidentifier() for part in name.split(".")):
            problems.append(f"{PREFIX}MODULES has {name!r}: write names as in `import`, like shop.orders")
    return names


def _switch(name: str, text: str, problems: list[str]) -> bool:
    return _choice(name, text, ("on", "off"), problems) == "on"


def _choice(name: str, text: str, choices: tuple[str, ...], problems: list[str]) -> str:
    if text.lower() not in choices:
        problems.append(f"{PREFIX}{name} is {text!r}: give {' or '.join(choices)}")
    return text.lower()
