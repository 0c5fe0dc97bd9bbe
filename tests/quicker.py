"""What each of thousands of applications would make anew, made once in each process of tests."""

from __future__ import annotations

import os
import sqlite3
import ssl
import tempfile
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import argon2
from httpx._transports import default
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from myapp import assets, create_app
from myapp.schema import upgrade_schema

STATIC = Path(assets.__file__).parent.parent / "static"


class CompiledTemplates(BytecodeCache):
    """Templates as they were compiled before; a template that has changed is compiled again."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


compiled = CompiledTemplates()


def keep_rules() -> None:
    """Of equal rules the expression that knows its addresses, and the function that makes them, are compiled once, not
    again in each application: that takes most of making one. The function is given the rule each time, and nothing that
    was compiled changes, so all of them can have the same.
    """
    compile_rule, compile_builder = Rule.compile, Rule._compile_builder
    rules: dict[Any, Rule] = {}
    builders: dict[Any, Any] = {}

    def kept_rule(rule: Rule) -> None:
        given = rule.rule, rule.subdomain, rule.host, rule.map.host_matching, rule.merge_slashes, repr(rule.defaults)
        known = rules.setdefault((*given, *rule.map.converters.items()), rule)
        if known is rule:
            compile_rule(rule)
            return
        rule._parts, rule._trace, rule._converters = known._parts, known._trace, known._converters
        rule.arguments = set(known.arguments)
        rule._build, rule._build_unknown = (kept_builder(rule, more).__get__(rule) for more in (False, True))

    def kept_builder(rule: Rule, append_unknown: bool = True) -> Any:
        key = rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown
        if key not in builders:
            builders[key] = compile_builder(rule, append_unknown)
        return builders[key]

    Rule.compile = kept_rule  # type: ignore[method-assign]
    Rule._compile_builder = kept_builder  # type: ignore[method-assign]


def keep_modules() -> None:
    """What the static files are, and which modules import which, is found out once: no test changes those files."""
    version_of, imported = assets.version_of, cache(assets._imported)
    kept = cache(version_of)
    assets.version_of = lambda folder: (kept if folder == STATIC else version_of)(folder)
    assets._imported = imported


def keep_authorities() -> None:
    """Each client of httpx reads all authorities of the machine for TLS, which takes 16 ms: most never speak it."""
    create = default.create_ssl_context
    kept: dict[Any, ssl.SSLContext] = {}

    def kept_context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
        if verify is not True or cert:
            return create(verify=verify, cert=cert, trust_env=trust_env)
        key = trust_env, os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        if key not in kept:
            kept[key] = create(trust_env=trust_env)
        return kept[key]

    default.create_ssl_context = kept_context


def gives_tables(database_url: str) -> bool:
    """Make a SQLite file that is not there yet a copy of one that all migrations have made; whether it is one now."""
    if not database_url.startswith("sqlite:///"):
        return False
    file = Path(database_url.removeprefix("sqlite:///"))
    if file.exists():
        return file.read_bytes() == _migrated()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_migrated())
    return True


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "migrated.sqlite3"
        app = create_app(
            {"MYAPP_SECRET_KEY": "a secret that only tests know", "MYAPP_DATABASE_URL": f"sqlite:///{file}"},
            instance_path=folder,
        )
        upgrade_schema(app)
        app.extensions["myapp"].database.close()
        connection = sqlite3.connect(file)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # it stays in WAL mode, whoever opens a copy first
        connection.close()
        return file.read_bytes()


@cache
def hash_of(password: str) -> str:
    """A hash of it that is verified at once, not in tens of milliseconds of a core: many sign in."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password)


keep_rules()
keep_modules()
keep_authorities()
