"""The forms of the pages of administrators."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, SelectMultipleField, StringField, TextAreaField
from wtforms.widgets import CheckboxInput, ListWidget

from ..systems.tokens import SCOPES

SCOPE_NAMES = {
    "notify": _l("notify users"),
    "announce": _l("announce to everyone"),
    "users": _l("make users of its own"),
    "tickets": _l("let its users follow"),
    "tasks": _l("work on tasks"),
}


class SystemForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    name = StringField(_l("Name"))
    display_name = StringField(_l("Display name"))


class SystemSettingsForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    display_name = StringField(_l("Display name"))
    most_per_minute = IntegerField(_l("Notifications a minute"))


class TokenForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    label = StringField(_l("Label"))
    days = IntegerField(_l("Days until it ends"))
    scopes = SelectMultipleField(
        _l("What it allows"),
        choices=list(SCOPES),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


class AnnouncementForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    title = StringField(_l("Title"))
    body = TextAreaField(_l("Text"))
    url = StringField(_l("Address"))
    key = HiddenField()
