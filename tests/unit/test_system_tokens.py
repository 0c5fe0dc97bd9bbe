"""Tokens of other systems, without HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from myapp.errors import Conflict
from myapp.systems import service as systems
from myapp.systems import tokens

from ..support import wait_for
from .conftest import Store
from .noticed import is_waiting


def test_of_two_rotations_at_once_one_makes_a_token(store: Store) -> None:
    with store.database.transaction() as transaction:
        shop = systems.create(transaction, "shop").id
        number = tokens.create(transaction, shop, "", tokens.SCOPES)["id"]

    def rotate() -> None:
        with store.database.transaction() as transaction:
            tokens.rotate(transaction, shop, number)

    with ThreadPoolExecutor(1) as pool:
        with store.database.transaction() as transaction:
            tokens.rotate(transaction, shop, number)
            late = pool.submit(rotate)
            if store.database.dialect != "sqlite":  # there it does not come so far
                wait_for(lambda: is_waiting(store), "the other to wait for the row")
        with pytest.raises(Conflict):
            late.result()
    assert store.count("system_tokens") == 2
