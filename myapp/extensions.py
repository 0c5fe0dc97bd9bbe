"""Extensions, created bare and bound by `create_app`; and the parts of one application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from flask import current_app
from flask_babel import Babel
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sock import Sock
from flask_wtf import CSRFProtect
from limits import parse

from .config import Settings
from .db import Database
from .errors import too_many_requests
from .grouping import Grouping

if TYPE_CHECKING:
    from .auth.uses import Kind
    from .chores import Chores
    from .live.dispatcher import Dispatcher
    from .posts.authors import Authors
    from .posts.counts import Counts
    from .posts.reacting import Wish
    from .tasks.running import Tasks


P = ParamSpec("P")
R = TypeVar("R")


class ViewLimiter(Limiter):
    """Flask-Limiter for the views that are marked with a limit, and no others.

    Nothing is limited for all views, so its look at every request (0.05 ms of an empty poll's 0.26) finds nothing; what
    a marked view does itself is left.
    """

    def _check_request_limit(self, callable_name: str | None = None, in_middleware: bool = True) -> None:
        if not in_middleware:
            super()._check_request_limit(callable_name, in_middleware)

    def count(self, limit: str, key: Callable[[], str], scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """What `shared_limit(limit, scope, key_func=key)` does, for views that are asked most: 0.01 ms of CPU in place
        of 0.08, as it knows no options. Views of the same scope count together. Raises TooMany in the view's place.
        """
        item = parse(limit)

        def marked(view: Callable[P, R]) -> Callable[P, R]:
            @wraps(view)
            def counted(*args: P.args, **kwargs: P.kwargs) -> R:
                if self.enabled:
                    whose = key()
                    if not self.limiter.hit(item, whose, scope):
                        reset_at, _ = self.limiter.get_window_stats(item, whose, scope)
                        raise too_many_requests(item.amount, item.get_expiry(), reset_at)
                return view(*args, **kwargs)

            return counted

        return marked


babel = Babel()
csrf = CSRFProtect()
limiter = ViewLimiter(get_remote_address, strategy="fixed-window")
login_manager = LoginManager()
migrate = Migrate()
sock = Sock()


@dataclass(slots=True)
class Parts:
    """What one application is made of, beside its extensions."""

    settings: Settings
    database: Database
    dispatcher: Dispatcher
    chores: Chores
    reactions: Grouping[int, Wish, Counts]
    authors: Authors
    uses: Grouping[Kind, int, None]
    tasks: Tasks


def parts() -> Parts:
    """The parts of the application at hand."""
    found: Parts = current_app.extensions["myapp"]
    return found


def database() -> Database:
    return parts().database
