"""The forms of the pages of administrators."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField, IntegerField, SelectMultipleField, StringField, TextAreaField
from wtforms.widgets import CheckboxInput, ListWidget

from ..forms import Form
from ..systems.tokens import SCOPES

SCOPE_NAMES = {
    "notify": _l("notify users"),
    "announce": _l("announce to everyone"),
    "users": _l("make users of its own"),
    "tickets": _l("let its users follow"),
    "tasks": _l("work on tasks"),
}


class SystemForm(Form):
    name = StringField(_l("Name"))
    display_name = StringField(_l("Display name"))


class SystemSettingsForm(Form):
    display_name = StringField(_l("Display name"))
    most_per_minute = IntegerField(_l("Notifications a minute"))


class TokenForm(Form):
    label = StringField(_l("Label"))
    days = IntegerField(_l("Days until it ends"))
    scopes = SelectMultipleField(
        _l("What it allows"),
        choices=list(SCOPES),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


class AnnouncementForm(Form):
    title = StringField(_l("Title"))
    body = TextAreaField(_l("Text"))
    url = StringField(_l("Address"))
    key = HiddenField()
