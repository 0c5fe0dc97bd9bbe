"""Whose post it is that people react to is looked up once; and again where what is remembered does not fit."""

from __future__ import annotations

from myapp.posts.authors import Authors

from .conftest import Site, is_problem


def test_reactions_after_the_first_do_not_look_for_the_author(both_sites: Site) -> None:
    ann, bob = both_sites.programs("ann", "bob")
    post = ann.post("/posts", {"body": "hi"}).get_json()["id"]
    authors: Authors = both_sites.app.extensions["myapp"].authors
    assert authors.get(post) is None
    assert bob.put(f"/posts/{post}/reaction", {"reaction": "like"}).status_code == 200
    assert authors.get(post) == 1
    assert bob.put(f"/posts/{post}/reaction", {"reaction": None}).get_json()["counts"]["likes"] == 0
    ann.delete(f"/posts/{post}")
    for _ in range(2):
        is_problem(bob.put(f"/posts/{post}/reaction", {"reaction": "like"}), 404)
    assert authors.get(post) is None


def test_where_a_backup_was_put_back_the_number_can_be_another_ones_post(both_sites: Site) -> None:
    ann, bob, cid = both_sites.programs("ann", "bob", "cid")
    post = ann.post("/posts", {"body": "hi"}).get_json()["id"]
    bob.put(f"/posts/{post}/reaction", {"reaction": "like"})
    with both_sites.app.extensions["myapp"].database.transaction() as transaction:
        transaction.driver.execute(f"UPDATE posts SET author_id = 3 WHERE id = {post}")
    answer = bob.put(f"/posts/{post}/reaction", {"reaction": "dislike"})
    assert answer.get_json()["counts"] == {"likes": 0, "dislikes": 1, "replies": 0}
    assert cid.badges()["dislikes"] == 1


def test_authors_of_so_many_posts_are_remembered() -> None:
    authors = Authors(2)
    for post in (1, 2, 3):
        authors.note(post, 10 * post)
    assert [authors.get(post) for post in (1, 2, 3)] == [None, 20, 30]
