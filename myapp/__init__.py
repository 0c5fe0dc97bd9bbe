"""Live messages, badges and task notices for server-rendered Flask pages.

`create_app` is the only place that knows every part.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from flask import Flask
from flask_login import current_user

from . import about, assets, auth, cli, config, health, languages, messages, operations, own_modules, pages, web
from .admin.reports import bp as admin_bp
from .announcements.views import bp as announcements_bp
from .asked import Asked
from .auth import uses
from .auth.avatars import bp as avatars_bp
from .auth.blocking import bp as auth_bp
from .auth.guard import init_login
from .auth.language import bp as language_bp
from .auth.service import Ended, ended
from .changed import Changed
from .chores import Chores
from .db import Connection, Database, db, engine_options, set_up
from .errors import ConfigError
from .extensions import Parts, babel, csrf, limiter, login_manager, migrate, sock
from .forwarded import Forwarded, Proxies
from .grouping import Grouping
from .inbox import Appended, Page, Spread, after, epoch, heads
from .live.bus import INLINE_BYTES, Bus, News, NewsOfMany, TopicNews
from .live.dispatcher import Dispatcher
from .live.frames import Batch
from .live.limits import Limits
from .live.memory_bus import MemoryBus
from .live.redis_bus import RedisBus
from .live.topics import Watch
from .messages import cors
from .messages import topics as topics_of_messages
from .messages.deletion_views import bp as messages_bp
from .messages.following import bp as following_bp
from .messages.following import log_parked_answer
from .notifications import Kind, bell, emit, notify, register
from .notifications.views import bp as notifications_bp
from .openapi import views as openapi_views
from .own_modules import live_page, signed_in, transaction
from .posts import reacting
from .posts import topics as topics_of_posts
from .posts.authors import Authors
from .posts.form_views import bp as posts_bp
from .reports import models as _reports  # noqa: F401 - its table
from .reports.views import bp as reports_bp
from .retention import Retention
from .search.views import bp as search_bp
from .sessions import Sessions
from .systems.tokens import EndedAll
from .systems.views import bp as systems_bp
from .tasks import pages as pages_of_tasks
from .tasks import progress, result, start, task
from .tasks import topics as topics_of_tasks
from .tasks.exporting import job as _exporting  # noqa: F401 - a kind of tasks
from .tasks.form_views import bp as tasks_bp
from .tasks.running import Tasks
from .tasks.service import Queued
from .tasks.system_views import bp as system_tasks_bp
from .windows import Windows

__all__ = [
    "Kind",
    "auth",
    "create_app",
    "emit",
    "live_page",
    "messages",
    "notify",
    "progress",
    "register",
    "result",
    "signed_in",
    "start",
    "task",
    "transaction",
]

log = logging.getLogger(__name__)

#: Each gives those of the topics that it knows and that the user may watch.
RESOLVE: list[Callable[[Connection, int, Sequence[str]], list[Watch]]] = [
    topics_of_messages.resolve,
    topics_of_posts.resolve,
    topics_of_tasks.resolve,
]
#: What is stored of topics by their keys: version and data of those of which there is something.
ReadTopics = Callable[[Connection, Sequence[str]], dict[str, tuple[int, str]]]
#: By the kind of topic, which is what its key begins with.
READ_STORED: dict[str, ReadTopics] = {
    "posts": topics_of_posts.read,
    "post": topics_of_posts.read,
    "task": topics_of_tasks.read,
}

ROOT = Path(__file__).resolve().parent.parent


def create_app(environ: Mapping[str, str] | None = None, instance_path: str | None = None) -> Flask:
    """The application, with its settings from `environ` (default: the process's own).

    It opens no connection and starts nothing: that happens with the first request, after a fork. Raises ConfigError
    when a setting is wrong.
    """
    environ = os.environ if environ is None else environ
    app = Flask(
        __name__,
        instance_path=instance_path,
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    app.request_class = Asked
    settings = config.load(environ, Path(app.instance_path))
    for name in config.unknown(environ):
        log.warning("%s is not a setting of this application; is it misspelt?", name)
    options, binds = engine_options(settings.database_url)
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_NAME="myapp_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(days=30),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=options,
        SQLALCHEMY_BINDS=binds,
        WTF_CSRF_CHECK_DEFAULT=False,  # auth.guard asks for the token where a cookie counts
        WTF_CSRF_SSL_STRICT=False,  # the token is enough; not every browser sends a Referer
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: a page may stay open for days
        RATELIMIT_ENABLED=settings.rate_limits,
        RATELIMIT_STORAGE_URI=f"{Windows.STORAGE_SCHEME[0]}://",
        BABEL_DEFAULT_LOCALE="en",
        BABEL_TRANSLATION_DIRECTORIES=str(ROOT / "translations"),
    )
    if settings.database_url.startswith("sqlite"):
        try:
            Path(settings.database_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"MYAPP_DATABASE_URL: its folder cannot be made: {error}") from error
    app.session_interface = Sessions()
    # Flask asks of each function at each call whether it is a coroutine: ten times a request
    app.ensure_sync = lru_cache(maxsize=None)(app.ensure_sync)  # type: ignore[method-assign]
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    csrf.init_app(app)
    limiter.init_app(app)
    login_manager.init_app(app, add_context_processor=False)  # it would load the user for every template, at once
    babel.init_app(app, locale_selector=languages.select)
    init_login()
    database = _open_database(app, settings)
    bus: Bus = RedisBus(settings.redis_url, settings.secret_key) if settings.redis_url else MemoryBus()
    dispatcher = _open_dispatcher(database, settings, bus)
    tasks = Tasks(app, database, settings, Path(app.instance_path))
    chores = Chores(database, Retention(database, settings.keep_days), [tasks.recover, tasks.sweep])
    reactions = Grouping(database, reacting.lock_author, reacting.react)
    app.extensions["myapp"] = Parts(
        settings, database, dispatcher, chores, reactions, Authors(), uses.grouped(database), tasks
    )
    database.publish = partial(_publish, bus, tasks)
    web.init_app(app)
    cors.init_app(app)
    pages.init_app(app)
    assets.init_app(app)
    app.register_blueprint(auth_bp)
    app.register_blueprint(avatars_bp)
    app.register_blueprint(language_bp)
    app.register_blueprint(messages_bp)
    app.register_blueprint(following_bp)
    app.register_blueprint(search_bp)
    app.register_blueprint(notifications_bp)
    app.register_blueprint(announcements_bp)
    app.register_blueprint(posts_bp)
    app.register_blueprint(tasks_bp)
    app.register_blueprint(system_tasks_bp)
    app.register_blueprint(systems_bp)
    app.register_blueprint(reports_bp)
    app.register_blueprint(admin_bp)
    health.init_app(app)
    app.register_blueprint(operations.bp)
    openapi_views.init_app(app, about.ABOUT)
    sock.init_app(app)
    cli.init_app(app)
    app.context_processor(_every_page)
    own_modules.init_app(app, settings.modules)
    if settings.trusted_proxies:
        app.wsgi_app = Forwarded(app.wsgi_app, Proxies(settings.trusted_proxies))  # type: ignore[method-assign]
    return app


def _open_database(app: Flask, settings: config.Settings) -> Database:
    with app.app_context():
        engines = db.engines
    for engine in engines.values():
        set_up(engine)
    return Database(engines[None], engines.get("writer", engines[None]), settings.database_pool)


def _open_dispatcher(database: Database, settings: config.Settings, bus: Bus) -> Dispatcher:
    """Tie the bus and the inboxes to those who wait."""

    def read(user: int, cursor: int, known_epoch: str, limit: int) -> Page:
        with database.read() as connection:
            return after(connection, user, cursor, epoch=known_epoch, limit=limit)

    def read_heads(users: Sequence[int]) -> tuple[str, dict[int, int]]:
        with database.read() as connection:
            return epoch(connection), heads(connection, users)

    def read_ended(grants: set[str]) -> set[str]:
        with database.read() as connection:
            return ended(connection, grants)

    def resolve(user: int, topics: Sequence[str]) -> list[Watch]:
        with database.read() as connection:
            return [watch for resolve in RESOLVE for watch in resolve(connection, user, topics)]

    def read_stored(keys: Sequence[str]) -> dict[str, tuple[int, str]]:
        asked: dict[ReadTopics, list[str]] = {}
        for key in keys:
            asked.setdefault(READ_STORED[key.partition(":")[0]], []).append(key)
        found: dict[str, tuple[int, str]] = {}
        with database.read() as connection:
            for read, some in asked.items():
                found.update(read(connection, some))
        return found

    dispatcher = Dispatcher(
        bus,
        read,
        read_heads,
        limits=Limits(settings.max_clients, settings.max_clients_per_user, settings.max_clients_per_address),
        http_date=web.http_date,
        read_ended=read_ended,
        resolve=resolve,
        read_stored=read_stored,
    )
    dispatcher.log_answer = log_parked_answer
    return dispatcher


def _publish(bus: Bus, tasks: Tasks, news: list[Any]) -> None:
    """What a transaction has to tell, after its COMMIT."""
    now = time.time()
    for item in news:
        if isinstance(item, Appended):
            texts = item.texts if sum(map(len, item.texts)) <= INLINE_BYTES else ()
            batch = Batch(texts, item.first, item.latest, item.latest, item.badges)
            bus.publish(News(item.user, batch, at=now, epoch=item.epoch))
        elif isinstance(item, Spread):
            bus.spread(NewsOfMany(item.rest, item.rows, item.badges, at=now, epoch=item.epoch))
        elif isinstance(item, Changed):
            bus.put(TopicNews(item.topic, item.version, item.data))
        elif isinstance(item, Ended):
            bus.publish(News(item.user, None, ended=item.grant, at=now))
        elif isinstance(item, EndedAll):
            bus.end_grants(item.grant)
        elif isinstance(item, Queued):
            tasks.put(item.number)


def _every_page() -> dict[str, Any]:
    """What all templates may use. `page`, where the page's data stands, is given by the views that have data."""
    return {
        "page": None,
        "current_user": current_user,
        "locale": languages.tag(),
        "languages": languages.LANGUAGES,
        "language": languages.current(),
        "bell_badges": lambda: " ".join(bell.badges()),
        "tasks_at_work": pages_of_tasks.at_work,
        "words_of_tasks": pages_of_tasks.words,
        "bell_count": lambda counts: sum(counts.get(name, 0) for name in bell.badges()),
    }
