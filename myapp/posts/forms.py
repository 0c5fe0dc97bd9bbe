"""The forms in which one writes a post or a reply, for use without JavaScript."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, TextAreaField

from ..forms import Form


class PostForm(Form):
    body = TextAreaField(_l("Post"))
    key = HiddenField()


class ReplyForm(PostForm):
    body = TextAreaField(_l("Reply"))
