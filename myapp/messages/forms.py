"""The form of a conversation, for use without JavaScript."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, TextAreaField

from ..forms import Form


class MessageForm(Form):
    body = TextAreaField(_l("Message"))
    key = HiddenField()
    upto = HiddenField()
