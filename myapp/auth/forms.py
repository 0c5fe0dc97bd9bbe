"""The forms of signing up and in, and of the account's page."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired


class LoginForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    username = StringField(_l("Name"), validators=[InputRequired(_l("Write your name."))])
    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Write your password."))])
    next = HiddenField()


class RegisterForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    username = StringField(_l("Name"), validators=[InputRequired(_l("Choose a name."))])
    password = PasswordField(_l("Password"), validators=[InputRequired(_l("Choose a password."))])


class ProfileForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    display_name = StringField(_l("Display name"))


class PictureForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    picture = FileField(_l("Picture"))


class PasswordForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    current_password = PasswordField(_l("Current password"))
    new_password = PasswordField(_l("New password"))
