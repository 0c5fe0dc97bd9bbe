"""Static files at addresses that change when any of them does, so that a browser which has them never asks again.

Modules import each other by relative addresses: all of them are below the same version.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from flask import Flask, Response, redirect
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

_IMPORT = re.compile(r"^import\b[^;]*?'(\.[^']*)';$", re.MULTILINE)
#: How long a browser may keep what never changes, in seconds: a year.
KEPT = 365 * 24 * 3600
#: How long a page of another application may load the modules that it has, in seconds, after there are new ones.
EMBED_KEPT = 300


def version_of(folder: Path) -> str:
    """What all files in the folder are, in twelve digits."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def init_app(app: Flask) -> None:
    """Serve `/static/~<version>/<file>`, and give the templates `asset(file)` and `module_links(root)`."""
    folder = Path(str(app.static_folder))
    version = version_of(folder)
    base = f"{app.static_url_path}/~{version}"

    @app.get(f"{app.static_url_path}/~<asked>/<path:filename>", endpoint="static_version")
    def static_version(asked: str, filename: str) -> Response:
        answer = app.send_static_file(filename)
        if asked == version:  # a page from before a change gets what there is now, and asks again the next time
            answer.cache_control.no_cache = None
            answer.cache_control.public = True
            answer.cache_control.max_age = KEPT
            answer.cache_control.immutable = True
        return answer

    @app.get(f"{app.static_url_path}/embed.js", endpoint="static_embed")
    def static_embed() -> BaseResponse:
        """Other applications do not know the version: from here on all modules are below one.

        The address is relative, so it holds wherever a proxy has put this application.
        """
        answer = redirect(f"~{version}/embed.js")
        answer.cache_control.public = True
        answer.cache_control.max_age = EMBED_KEPT
        return answer

    app.jinja_env.globals["asset"] = lambda root, filename: f"{root}{base}/{filename}"
    app.jinja_env.globals["module_links"] = _module_links(base, folder)


def _module_links(base: str, folder: Path) -> Callable[..., Markup]:
    """The browser client's modules: named in the page, they load at once and not one after the other. With `page`,
    those that only this kind of page needs.
    """
    folder = folder.resolve()
    client = folder / "live.js"

    @lru_cache(maxsize=64)
    def links(root: str, page: str | None = None) -> Markup:
        modules = _imported(client) - {client}
        if page is not None:
            modules = _imported(folder / f"live/pages/{page}.js") - modules
        return Markup("\n  ").join(
            Markup('<link rel="modulepreload" href="{}{}/{}">').format(root, base, module.relative_to(folder))
            for module in sorted(modules)
        )

    return links


def _imported(module: Path, found: frozenset[Path] = frozenset()) -> frozenset[Path]:
    """The module, and all that it imports."""
    if module in found:
        return found
    found |= {module}
    for name in _IMPORT.findall(module.read_text()):
        found = _imported((module.parent / name).resolve(), found)
    return found
