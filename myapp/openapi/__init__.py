"""OpenAPI, made from the code: an endpoint is described where it is defined, and the document is what was described.

`@describe` says what a view takes and answers, `document` makes OpenAPI of it, `reading` what the page shows.
"""

from .description import ANYONE, FOLLOWERS, PEOPLE, READERS, Answer, DescriptionError, Who, describe
from .parameters import Parameter, one_of, seconds, whole, words

__all__ = [
    "ANYONE",
    "FOLLOWERS",
    "PEOPLE",
    "READERS",
    "Answer",
    "DescriptionError",
    "Parameter",
    "Who",
    "describe",
    "one_of",
    "seconds",
    "whole",
    "words",
]
