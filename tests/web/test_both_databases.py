"""What an account's statements do, on each database; `make test-postgres` asks all else of PostgreSQL too."""

from __future__ import annotations

import io

from PIL import Image

from ..support import PASSWORD
from .conftest import Browser, Site


def picture() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(file, "PNG")
    file.seek(0)
    return file


def test_account_from_signing_up_to_signing_out(both_sites: Site) -> None:
    ann = both_sites.guest("ann")
    ann.page("/auth/register")
    assert ann.submit("/auth/register", username="ann", password=PASSWORD).status_code == 303
    ann.page("/account")
    assert ann.submit("/account/profile", display_name="Ann 100%").status_code == 303
    answer = ann.client.post("/account/picture", data={"csrf_token": ann.csrf, "picture": (picture(), "a.png")})
    assert answer.status_code == 303
    ann.page("/account")
    address = ann.get("/auth/me").get_json()["avatar"]
    assert ann.get(address).mimetype == "image/webp"
    assert ann.submit("/account/picture/remove").status_code == 303
    token = ann.post("/auth/tokens", {"label": "a program"}).get_json()
    assert [found["label"] for found in ann.get("/auth/tokens").get_json()["tokens"]] == ["a program"]
    ann.submit("/account/password", current_password=PASSWORD, new_password="another password")
    ann.page("/account")
    assert len(ann.get("/auth/sessions").get_json()["sessions"]) == 1
    assert ann.open(f"/auth/tokens/{token['id']}", "DELETE").status_code == 204
    assert ann.open("/auth/tokens/7777", "DELETE").status_code == 404
    assert ann.post("/auth/logout").status_code == 204
    Browser(both_sites.app, "ann").sign_in("another password")


def test_people_are_found_taken_names_refused_and_guests_named(both_sites: Site) -> None:
    both_sites.people.add("bob", "bo_b", "ann", password=True)
    bob = Browser(both_sites.app, "bob").sign_in()
    assert [one["name"] for one in bob.get("/users?q=BO").get_json()["users"]] == ["bo_b"]
    assert [one["name"] for one in bob.get("/users?q=bo_").get_json()["users"]] == ["bo_b"]
    assert bob.get("/users/ann").get_json()["name"] == "ann"
    assert bob.get("/users/nobody").status_code == 404
    bob.page("/account")
    assert bob.submit("/account/profile", display_name="Ann").status_code == 422
    late = both_sites.guest()
    late.page("/auth/register")
    assert late.submit("/auth/register", username="ann", password=PASSWORD).status_code == 409
    late.page("/auth/login")
    assert late.submit("/auth/guest").status_code == 303
    assert "-" in late.get("/auth/me").get_json()["name"]
