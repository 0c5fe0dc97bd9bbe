"""Whatever people do with posts, in whatever order and on however many tabs: nothing drifts.

After each step every badge and every count equals a fresh count over the tables, every inbox is what a model in plain
Python says, and a tab that has caught up shows the same, though it knows nothing but the events it was given.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from myapp import inbox
from myapp.auth.people import Person
from myapp.changed import Changed
from myapp.errors import AppError
from myapp.posts import counts
from myapp.posts.reacting import Reaction, Wish

from .conftest import EMPTIED, Store
from .posting import COUNTED, EXAMPLES, Writers, check
from .posts_model import Model, Refused, Tab

NAMES = ("ann", "bob", "cid", "root")
#: What each is called besides: nothing of it may be taken for JSON, SQL or a mention.
SHOWN = ('Ann "post":1,', "B\\ob {'x'} @cid", "\u202eCid\u202c \U0001f642 %s", "Root\u2028\t</script>")

KINDS = ("like", "dislike", "reply", "notification")

people = st.integers(0, len(NAMES) - 1)
#: Which of the posts that there are: the latest ones most.
chosen = st.one_of(st.integers(-3, -1), st.integers(0, 30))
reactions = st.sampled_from(("like", "like", "dislike", None))
mentioned = st.lists(people, max_size=2)


class Posting(RuleBasedStateMachine):
    """People who write, react, block and look, and their tabs."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        empty(store)
        self.writers = Writers(store, *NAMES)
        self.people = [
            Person(person.id, person.name, shown) for person, shown in zip(self.writers.people, SHOWN, strict=True)
        ]
        self.model = Model(self.people)
        self.news: list[Any] = []
        store.database.publish = self.news.extend
        self.versions: dict[int, tuple[int, tuple[int, ...]]] = {}
        self.tabs: list[Tab] = []
        self.numbers: list[int] = []

    def post(self, which: int) -> int:
        """Below 0 from the end, where there are so many."""
        return self.numbers[max(which, -len(self.numbers)) if which < 0 else which % len(self.numbers)]

    def body(self, mentioned: list[int]) -> str:
        """No two are alike."""
        return " ".join([f"⟦{len(self.numbers)}⟧", *(f"@{NAMES[who]}" for who in mentioned), "@nobody"])

    def agree(self, do: Callable[[], Any], modelled: Callable[[], Any]) -> None:
        """Both do it, or both refuse."""
        try:
            modelled()
        except Refused as refused:
            with pytest.raises(AppError) as raised:
                do()
            assert type(raised.value).__name__ == refused.name
        else:
            do()

    @initialize(replies=st.lists(people, max_size=4))
    def begin(self, replies: list[int]) -> None:
        """Everybody has a tab open; there are posts, and a thread."""
        self.tabs = [Tab(self.store, person.id) for person in self.people]
        self.write(0, [])
        self.write(1, [0])
        for by in replies:
            self.reply(by, 0, [])
            self.react(by, 0, "like")

    @rule(by=people, mentioned=mentioned)
    def write(self, by: int, mentioned: list[int]) -> None:
        body = self.body(mentioned)
        number = self.writers.write(self.people[by], body)
        self.numbers.append(number)
        self.model.write(self.people[by].id, number, body, [self.people[who].id for who in mentioned])

    @rule(by=people, to=chosen, mentioned=mentioned)
    def reply(self, by: int, to: int, mentioned: list[int]) -> None:
        person, post, body = self.people[by], self.post(to), self.body(mentioned)
        try:
            thread = self.model.check_reply(person.id, post)
        except Refused as refused:
            with pytest.raises(AppError) as raised:
                self.writers.reply(person, post, body)
            assert type(raised.value).__name__ == refused.name
            return
        number = self.writers.reply(person, post, body)
        self.numbers.append(number)
        self.model.reply(person.id, thread, number, body, [self.people[who].id for who in mentioned])

    @rule(to=st.integers(0, 1), by=people, mentioned=mentioned)
    def reply_in_one_of_two_threads(self, to: int, by: int, mentioned: list[int]) -> None:
        self.reply(by, to, mentioned)

    @rule(by=people, to=chosen, reaction=reactions)
    def react(self, by: int, to: int, reaction: Reaction | None) -> None:
        person, post = self.people[by], self.post(to)
        self.agree(
            lambda: self.writers.react(person, post, reaction),
            lambda: self.model.react(person.id, post, reaction),
        )

    @rule(first=chosen, wishes=st.lists(st.tuples(people, chosen, reactions), min_size=2, max_size=8))
    def many_react_in_one_transaction(self, first: int, wishes: list[tuple[int, int, Reaction | None]]) -> None:
        author = self.model.posts[self.post(first)].author
        asked = [Wish(self.people[by], self.post(to), reaction) for by, to, reaction in wishes]
        results = self.writers.of_author(author, asked)
        for wish, result in zip(asked, results, strict=True):
            expected = ""
            if self.model.posts[wish.post].author != author:
                expected = "NotFound"
            else:
                try:
                    self.model.react(wish.by.id, wish.post, wish.reaction)
                except Refused as refused:
                    expected = refused.name
            assert type(result).__name__ == (expected or "Counts")
        stored = check(self.store, []).posts
        for wish, result in zip(asked, results, strict=True):
            if isinstance(result, counts.Counts):
                row = stored[wish.post]
                assert (result.likes, result.dislikes, result.version) == (
                    row["likes"],
                    row["dislikes"],
                    row["version"],
                )

    @rule(which=chosen)
    def delete_ones_own(self, which: int) -> None:
        author = self.model.posts[self.post(which)].author
        self.delete([person.id for person in self.people].index(author), which)

    @rule(by=people, which=chosen)
    def delete(self, by: int, which: int) -> None:
        person, post, is_admin = self.people[by], self.post(which), NAMES[by] == "root"
        body = self.model.posts[post].body
        self.agree(
            lambda: self.writers.delete(person, post, is_admin=is_admin),
            lambda: self.model.delete(person.id, post, is_admin),
        )
        if self.model.posts[post].is_deleted and body:
            assert body not in check(self.store, []).everything

    @rule(by=people, whom=people, kind=st.sampled_from((None, *KINDS)), is_wanted=st.booleans())
    def block_or_mute(self, by: int, whom: int, kind: str | None, is_wanted: bool) -> None:
        """One another, or a kind of what is told."""
        person, other = self.people[by], self.people[whom]
        if kind is not None:
            self.writers.mute(person, kind, not is_wanted)
            (self.model.mutes.discard if is_wanted else self.model.mutes.add)((person.id, kind))
        elif by != whom:
            (self.writers.unblock if is_wanted else self.writers.block)(person, other)
            (self.model.blocks.discard if is_wanted else self.model.blocks.add)((person.id, other.id))

    @rule(by=people, how=st.sampled_from(("thread", "badges", "seqs", "trim")), which=chosen, what=st.sets(people))
    def look(self, by: int, how: str, which: int, what: set[int]) -> None:
        """Open a thread, mark what some badges count, or all, or single ones; or what is old leaves, seen or not."""
        user = self.people[by].id
        known = len(self.model.inboxes[user].events)
        upto = known * (which % 5) // 4
        if how == "thread":
            self.writers.see(self.people[by], self.post(which))
            self.model.see_thread(user, self.post(which))
        elif how == "badges":
            names = sorted(COUNTED[number] for number in what)
            with self.store.database.transaction() as transaction:
                if names:
                    inbox.mark_seen(transaction, user, names, upto)
                else:
                    inbox.mark_all_seen(transaction, user, upto)
            self.model.see_badges(user, names or COUNTED, upto)
        elif how == "seqs":
            seqs = {known - back for back in what if back < known}
            with self.store.database.transaction() as transaction:
                inbox.mark_some_seen(transaction, user, seqs)
            self.model.see_some(user, seqs)
        else:
            upto, is_long_after = max(upto, self.model.inboxes[user].trimmed), bool(what)
            self.writers.trim(self.people[by], upto, 2**53 if is_long_after else 0)
            self.model.trim(user, upto, is_long_after)

    @rule(
        which=st.integers(0, 9), limit=st.sampled_from((1, 2, 5, 100)), deed=st.sampled_from(("", "", "lose", "open"))
    )
    def a_tab_asks(self, which: int, limit: int, deed: str) -> None:
        """Perhaps its answer is lost, perhaps its user opens another one too."""
        tab = self.tabs[which % len(self.tabs)]
        tab.follow(limit, is_lost=deed == "lose")
        if deed == "open":
            self.tabs.append(Tab(self.store, tab.user))

    @invariant()
    def nothing_drifts(self) -> None:
        tables = check(self.store, list(self.model.people))
        for user, its in self.model.inboxes.items():
            seq, trimmed, badges = tables.inboxes[user]
            assert (seq, trimmed) == (len(its.events), its.trimmed)
            assert {name: count for name, count in json.loads(badges).items() if count} == its.badges()
            stored = {number: event for (owner, number), event in tables.events.items() if owner == user}
            kept = self.model.kept(user)
            assert stored.keys() == kept.keys()
            for number, (kind, data, seen) in stored.items():
                told = kept[number]
                assert (kind, seen) == (told.kind, told.seen)
                assert kind == "seen" or {**data, "id": 0} == {**told.data, "id": 0}
        for number, row in tables.posts.items():
            now = row["version"], (row["likes"], row["dislikes"], row["replies"], row["deleted_at"])
            before = self.versions.get(number, now)
            assert now == before or now[0] > before[0]
            self.versions[number] = now
        self.check_news()

    def check_news(self) -> None:
        """What was told of each topic last is what is current of it now, and versions only grow."""
        told: dict[str, Changed] = {}
        for news in self.news:
            if isinstance(news, Changed):
                assert news.topic not in told or news.version > told[news.topic].version
                told[news.topic] = news
        with self.store.database.read() as connection:
            current = counts.current(connection, told)
        assert {topic: (news.version, news.data) for topic, news in told.items()} == current

    def teardown(self) -> None:
        for tab in self.tabs:
            while tab.cursor < self.store.head(tab.user).seq:
                tab.follow(100)
            assert tab.badges == json.loads(self.store.head(tab.user).badges)


def empty(store: Store) -> None:
    with store.database.transaction() as transaction:
        for table in EMPTIED:
            transaction.driver.execute(f"DELETE FROM {table}")


def test_nothing_drifts_whatever_people_do_in_whatever_order(emptied: Store) -> None:
    examples = EXAMPLES * (25 if emptied.database.dialect == "sqlite" else 6)
    run_state_machine_as_test(
        lambda: Posting(emptied), settings=settings(max_examples=examples, stateful_step_count=40, deadline=None)
    )
