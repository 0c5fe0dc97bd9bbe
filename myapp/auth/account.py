"""The account's page: name, picture, password and language; sessions and tokens. Each form has an address of its own.

After a success the browser is sent back to the page; after a mistake it gets the page anew, with what was typed.
"""

from __future__ import annotations

import contextlib
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as BaseResponse

from .. import inbox
from ..errors import Forbidden, Invalid, NotFound, Text
from ..extensions import database, limiter
from ..web import MAX_BODY, sentence, with_errors
from . import blocks, guard, people, pictures, service
from .forms import PasswordForm, PictureForm, ProfileForm
from .passwords import LONGEST, hash_password, verify
from .service import Identity
from .views import LOGINS_PER_NAME, bp, end_own_session, keep_session, number_of, password_line

__all__ = ["bp"]

PICTURES = "20/minute"
PASSWORDS = "30/minute"

Page = tuple[str, int]


def _by_browser() -> Identity:
    """Who is signed in by a browser: a token does everything but change the account that it belongs to."""
    identity = guard.signed_in()
    if identity.via != "session":
        raise Forbidden(Text("A token may not change the account: sign in with a browser."))
    return identity


def _done(*texts: str) -> BaseResponse:
    for text in texts:
        flash(text)
    return redirect(url_for("auth.account_page"), 303)


def _page(identity: Identity, status: int = 200, **shown: Any) -> Page:
    """The page; `shown` takes the place of forms that are as they were stored."""
    with database().snapshot() as connection:
        content = {
            "sessions": service.list_sessions(connection, identity.id, identity.grant),
            "tokens": service.list_tokens(connection, identity.id),
            "blocked": blocks.listed(connection, identity.id),
            "has_password": service.password_of(connection, identity.id) is not None,
            "page": inbox.head(connection, identity.id).as_page(),
        }
    forms = {
        "profile": ProfileForm(formdata=None, display_name=identity.display_name),
        "picture": PictureForm(formdata=None),
        "password": PasswordForm(formdata=None),
        "new_token": None,
    }
    return render_template("auth/account.html", **content, **{**forms, **shown}), status


@bp.get("/account")
def account_page() -> Page:
    return _page(guard.signed_in())


@bp.get("/account/profile")
@bp.get("/account/picture")
@bp.get("/account/password")
@bp.get("/account/tokens")
def form_page() -> BaseResponse:
    """A browser stands at a form's address after a mistake, and comes back there by reloading or signing in again."""
    return redirect(url_for("auth.account_page"), 303)


@bp.post("/account/profile")
def change_profile() -> BaseResponse | Page:
    identity = _by_browser()
    form = ProfileForm()
    try:
        with database().transaction() as transaction:
            people.rename(transaction, identity.id, form.display_name.data or "")
    except Invalid as error:
        return _page(identity, error.status, profile=with_errors(form, error))
    return _done(_("Your display name is changed."))


@bp.post("/account/picture")
@limiter.limit(PICTURES, key_func=guard.by_person)
def change_picture() -> BaseResponse | Page:
    request.max_content_length = pictures.MOST_BYTES + MAX_BODY  # the file, and what a form puts around it
    request.max_form_memory_size = 4 * MAX_BODY  # Werkzeug counts its own buffer for reading files, of 64 KB, too
    try:
        identity = _by_browser()
        file = request.files.get("picture")
    except RequestEntityTooLarge:
        someone = guard.asking()
        assert someone is not None, "who is not signed in is refused before the body is read"
        return _page(someone, 413, picture=with_errors(PictureForm(formdata=None), pictures.too_large()))
    try:
        if file is None or not file.filename:
            raise Invalid("picture", Text("choose a file first"))
        data = pictures.make(identity.id, file.stream)
        with database().transaction() as transaction:
            pictures.store(transaction, identity.id, data)
    except Invalid as error:
        return _page(identity, error.status, picture=with_errors(PictureForm(formdata=None), error))
    return _done(_("Your picture is changed."))


@bp.post("/account/picture/remove")
def remove_picture() -> BaseResponse:
    identity = _by_browser()
    with database().transaction() as transaction:
        pictures.remove(transaction, identity.id)
    return _done(_("Your picture is removed."))


@bp.post("/account/password")
@limiter.limit(PASSWORDS, key_func=guard.by_person)
@limiter.limit(LOGINS_PER_NAME, key_func=guard.by_person, deduct_when=lambda answer: answer.status_code == 422)
def change_password() -> BaseResponse | Page:
    request.get_data()  # as slowly as the client sends it: before it has a place in the line
    with password_line:
        identity = _by_browser()
        form = PasswordForm()
        try:
            key, has_tokens = _set_password(identity, form.current_password.data or "", form.new_password.data or "")
        except Invalid as error:
            return _page(identity, error.status, password=with_errors(form, error))
    said = [_("Your password is changed. Everywhere else you are signed out.")]
    if has_tokens:
        said.append(_("Programs with a token stay signed in; revoke tokens below."))
    keep_session(key)  # after the texts, which are in the language of who was asking, and before they are kept in it
    return _done(*said)


def _set_password(identity: Identity, current: str, new: str) -> tuple[str, bool]:
    """The key of this browser's new session, and whether there are tokens."""
    with database().read() as connection:
        stored = service.password_of(connection, identity.id)
    if stored is not None and not verify(stored, current[: LONGEST + 1]):
        raise Invalid("current_password", Text("is wrong"))
    service.check_new_password(new, "new_password")
    new_hash = hash_password(new)
    with database().transaction() as transaction:
        service.change_password(transaction, identity.id, stored, new_hash)
        address, user_agent = request.remote_addr or "", request.user_agent.string
        key = service.start_session(transaction, identity.id, address, user_agent)
        return key, bool(service.list_tokens(transaction, identity.id))


@bp.post("/account/sessions/<which>/end")
def end_session_form(which: str) -> BaseResponse:
    identity = guard.signed_in()
    with contextlib.suppress(NotFound):  # it has ended meanwhile, as was wished
        end_own_session(identity, which if which == "all" else number_of(which))
    return redirect(url_for("auth.account_page"), 303)


@bp.post("/account/tokens")
def create_token_form() -> BaseResponse | Page:
    identity = guard.signed_in()
    try:
        with database().transaction() as transaction:
            made = service.create_token(transaction, identity.id, request.form.get("label", "").strip())
    except Invalid as error:
        flash(sentence(_("Label of a new token"), error.errors["label"]), "error")
        return redirect(url_for("auth.account_page"), 303)
    return _page(identity, new_token=made["token"])


@bp.post("/account/tokens/<number>/revoke")
def revoke_token_form(number: str) -> BaseResponse:
    identity = guard.signed_in()
    with contextlib.suppress(NotFound), database().transaction() as transaction:
        service.revoke_token(transaction, identity.id, number_of(number))
    return redirect(url_for("auth.account_page"), 303)
