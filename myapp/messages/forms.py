"""The form of a conversation, for use without JavaScript."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField


class MessageForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    body = TextAreaField(_l("Message"))
    key = HiddenField()
    upto = HiddenField()
