"""Browsers that one test after the other is lent: a new one costs three times what a page does in one that was used."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, Error

#: What a site may have kept in a browser. What stays are files that never change, as they do with every visitor.
STORED = "cookies,local_storage,indexeddb,cache_storage,service_workers,websql,file_systems"
#: What would be there still in the next test.
STAYING = (
    "add_init_script",
    "expose_binding",
    "expose_function",
    "grant_permissions",
    "route",
    "route_web_socket",
    "set_extra_http_headers",
    "set_geolocation",
)
#: Those that are lent or wait for it.
KEPT: set[BrowserContext] = set()


class Lending:
    """Lends browsers, and takes them back as if nobody had been there.

    Scripts, routes, rights and clocks cannot be taken back: a test that needs them has a browser of its own.
    """

    def __init__(self, chromium: Browser) -> None:
        self.chromium = chromium
        #: by their options: those that wait, the one that has waited longest first
        self._waiting: dict[str, list[Lent]] = {}
        self._lent: list[Lent] = []

    def lend(self, **options: Any) -> BrowserContext:
        """A browser in which nobody is signed in."""
        waiting = self._waiting.setdefault(repr(sorted(options.items())), [])
        lent = waiting.pop(0) if waiting else Lent(new_context(self.chromium, **options), waiting)
        lent.context.clear_cookies()  # also those of answers that came when its windows were closed
        self._lent.append(lent)
        return lent.context

    def take_back(self, origin: str) -> None:
        """All that were lent, for pages of this origin; every other browser is closed."""
        lent, self._lent = self._lent, []
        for each in lent:
            try:
                each.forget(origin)
            except Error:  # the test has closed it
                KEPT.discard(each.context)
                continue
            each.waiting.append(each)
        for context in list(self.chromium.contexts):
            if context not in KEPT:
                context.close()

    def close(self) -> None:
        """Nobody is lent anything any more."""
        for each in [*self._lent, *(each for waiting in self._waiting.values() for each in waiting)]:
            KEPT.discard(each.context)
            each.context.close()


class Selling(Lending):
    """Gives everybody a new one."""

    def lend(self, **options: Any) -> BrowserContext:
        return new_context(self.chromium, **options)


class Lent:
    def __init__(self, context: BrowserContext, waiting: list[Lent]) -> None:
        self.context = context
        self.waiting = waiting
        #: keeps the process of its pages, which would end with the last of them
        self._first = context.new_page()
        self._devtools = context.new_cdp_session(self._first)
        for name in STAYING:
            setattr(context, name, _refuse)
        KEPT.add(context)

    def forget(self, origin: str) -> None:
        """Raises Error where it was closed."""
        for page in self.context.pages:
            if page is not self._first:
                page.close()
        self.context.set_offline(False)
        self._devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": STORED})
        self.context.clear_cookies()


def _refuse(*_args: Any, **_options: Any) -> None:
    raise AssertionError("it would be there in the next test too: take a browser of the test's own, `person.context()`")


def new_context(chromium: Browser, **options: Any) -> BrowserContext:
    """A browser that has been nowhere."""
    return chromium.new_context(
        **{"locale": "en-GB", "timezone_id": "UTC", "viewport": {"width": 1000, "height": 700}, **options}
    )
