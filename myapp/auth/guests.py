"""Guests: users with a made-up name and no password. Whoever chooses a password later keeps the account."""

from __future__ import annotations

import secrets

from ..db import Transaction
from ..errors import Conflict, Text, Unavailable
from . import people


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ADJECTIVES = _words(
    "able agile amber ample apt azure bold brave breezy bright brisk calm candid clever cosy crisp curious dapper deft "
    "eager early easy fair fleet fond frank fresh gentle glad golden grand happy hardy honest humble jolly keen kind "
    "lively loyal lucky mellow merry mild neat nimble noble patient plucky polite proud quick quiet ready serene snug "
    "sunny swift tidy warm wise witty"
)
ANIMALS = _words(
    "alpaca badger bat beaver bee bison camel cat crane cricket deer dingo dolphin dove duck eagle egret elk falcon "
    "ferret finch fox frog gecko goose hare hedgehog heron ibis ibex jay kiwi koala lark lemur llama lynx marmot "
    "marten mole moose newt otter owl panda pelican penguin pony puffin quail rabbit raven robin salmon seal sparrow "
    "squirrel starling stork swan tapir tern toucan turtle walrus whale wren yak zebra"
)

#: Names that are tried with two digits, and then with nine.
TRIES = 20


def create(transaction: Transaction) -> people.Person:
    """A new user such as `calm-otter-42`, shown as Calm Otter, who cannot sign in anew without choosing a password."""
    for attempt in range(2 * TRIES):
        adjective, animal = secrets.choice(ADJECTIVES), secrets.choice(ANIMALS)
        number = secrets.randbelow(90) + 10 if attempt < TRIES else secrets.randbelow(10**9)
        display_name = f"{adjective} {animal}".title()
        try:
            return people.create(transaction, f"{adjective}-{animal}-{number}", None, display_name=display_name)
        except Conflict:  # somebody has it
            continue
    raise Unavailable(Text("No free name was found: try again."))
