"""What all forms of pages are made of."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_wtf import FlaskForm
from werkzeug.datastructures import ImmutableMultiDict


class Form(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A form whose fields have texts: files that come by their names are left out, and so is what is none of JSON,
    which Flask-WTF takes in place of a form.
    """

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            if formdata is None or request.method != "POST":
                return super().wrap_formdata(form, formdata)
            if not request.is_json:
                return request.form
            said = request.get_json()
            fields = said if isinstance(said, dict) else {}
            return ImmutableMultiDict({name: value for name, value in fields.items() if isinstance(value, str)})
