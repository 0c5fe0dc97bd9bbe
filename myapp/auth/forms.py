"""The forms of signing up and in, and of the account's page."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from ..forms import Form


class LoginForm(Form):
    username = StringField(_l("Name"), validators=[InputRequired(_l("Write your name."))])
    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Write your password."))])
    next = HiddenField()


class RegisterForm(Form):
    username = StringField(_l("Name"), validators=[InputRequired(_l("Choose a name."))])
    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Choose a password."))])


class ProfileForm(Form):
    display_name = StringField(_l("Display name"))


class PictureForm(Form):
    picture = FileField(_l("Picture"))


class PasswordForm(Form):
    current_password = PasswordField(_l("Current password"))
    new_password = PasswordField(_l("New password"))
