"""The form of a report."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import TextAreaField

from ..forms import Form


class ReportForm(Form):
    reason = TextAreaField(_l("Reason"))
