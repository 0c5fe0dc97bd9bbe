"""Another system by the client: whom it tells, its users, its tickets."""

from __future__ import annotations

import secrets
from contextlib import closing

import pytest

from myapp.systems import service as systems
from myapp.systems import tokens
from myapp_client import Conflict, Forbidden, Invalid, NotFound, NotSignedIn

from ..servers.someone import Browser, Three, people_of
from ..support import AppServer
from .speaking import Speakers


def new_system(server: AppServer, *scopes: str) -> tuple[str, str]:
    """Its name and a token."""
    name = f"shop-{secrets.token_hex(4)}"
    with server.app.extensions["myapp"].database.transaction() as transaction:
        number = systems.create(transaction, name).id
        token: str = tokens.create(transaction, number, "test", scopes or tokens.SCOPES)["token"]
    return name, token


def number_of(server: AppServer, system: str) -> int:
    """The number of the system's only token."""
    with server.app.extensions["myapp"].database.read() as connection:
        [listed] = tokens.listed(connection, systems.by_name(connection, system).id)
    number: int = listed["id"]
    return number


def test_system_tells_a_user_who_follows(server: AppServer, three: Three, speakers: Speakers) -> None:
    name, token = new_system(server)
    shop = speakers(server.url, token)
    with closing(speakers(server.url, three.bob.token).follow(0)) as following:
        told = shop.notify(three.bob.name, "On its way", body="Two", url="/x", badge="orders", data={"n": 1}, key="k")
        assert (told.accepted, list(told.unknown)) == (1, [])
        shop.notify(three.bob.name, "On its way", body="Two", url="/x", badge="orders", data={"n": 1}, key="k")
        event = following.next()
        assert (event.kind, event.data["source"], event.data["title"]) == ("notification", name, "On its way")
        assert event.data["data"] == {"n": 1}
        shop.notify([three.bob.name, "nobody"], "Arrived")
        assert following.next().data["title"] == "Arrived"
        assert following.events.badges["orders"] == 1
    with pytest.raises(Conflict):
        shop.notify(three.bob.name, "Something else", key="k")


def test_system_announces_and_notifies_everyone(server: AppServer, three: Three, speakers: Speakers) -> None:
    shop = speakers(server.url, new_system(server)[1])
    with closing(speakers(server.url, three.bob.token).follow(0)) as following:
        number = shop.announce("Maintenance", body="On Sunday")
        event = following.next()
        assert (event.kind, event.data["id"], event.data["body"]) == ("announcement", number, "On Sunday")
        assert shop.notify("*", "Sale").accepted >= 3
        assert following.next().data["title"] == "Sale"


def test_user_of_the_system_follows_by_a_ticket(server: AppServer, speakers: Speakers) -> None:
    shop = speakers(server.url, new_system(server)[1])
    zoe = f"zoe-{secrets.token_hex(4)}"
    assert shop.put_user(zoe, "Zoe").display_name == "Zoe"
    with closing(speakers(server.url, shop.ticket(zoe).ticket).follow(0)) as following:
        shop.notify(zoe, "Hello")
        assert following.next().data["title"] == "Hello"


def test_ticket_ends_at_once_with_its_token(server: AppServer, speakers: Speakers) -> None:
    name, token = new_system(server)
    shop = speakers(server.url, token)
    zoe = f"zoe-{secrets.token_hex(4)}"
    shop.put_user(zoe)
    root = people_of(server, password=True).alice
    with server.app.extensions["myapp"].database.transaction() as transaction:
        transaction.driver.execute(f"UPDATE users SET is_admin = true WHERE name = '{root.name}'")
    with closing(speakers(server.url, shop.ticket(zoe).ticket).follow(0)) as following:
        shop.notify(zoe, "Hello")
        following.next()
        assert (
            Browser(root).change("POST", f"/admin/systems/{name}/tokens/{number_of(server, name)}/revoke").status == 303
        )
        with pytest.raises(NotSignedIn):
            following.next()
    with pytest.raises(NotSignedIn):
        shop.me()


def test_program_is_told_who_it_is_and_what_it_may_not(server: AppServer, three: Three, speakers: Speakers) -> None:
    name, token = new_system(server, "notify")
    shop = speakers(server.url, token)
    assert (shop.me().name, shop.me().via) == (name, "system")
    with pytest.raises(Forbidden):
        shop.announce("Hi")
    with pytest.raises(Forbidden):
        shop.send(three.bob.name, "Hi")
    with pytest.raises(Invalid) as error:
        shop.notify(three.bob.name, " ")
    assert set(error.value.errors) == {"title"}
    with pytest.raises(Forbidden):
        speakers(server.url, three.alice.token).notify(three.bob.name, "Hi")


def test_ticket_of_somebody_elses_user_is_not_given(server: AppServer, three: Three, speakers: Speakers) -> None:
    shop = speakers(server.url, new_system(server)[1])
    with pytest.raises(NotFound):
        shop.ticket(three.bob.name)
    with pytest.raises(Conflict):
        shop.put_user(three.bob.name, "Mallory")
