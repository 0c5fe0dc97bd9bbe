"""Who is parked in this worker, by user: how they come and go. What reaches them is up to Delivery."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import gevent

from .bus import Bus
from .catching_up import CatchUp, Read
from .clients import CATCHING_UP, CLOSED, CURRENT, ParkedClient, on_ready
from .delivery import Delivery
from .draining import dismiss, retry, send_away
from .frames import CloseCode, Page
from .grants import Grants, ReadEnded
from .handing_out import HandingOut
from .histogram import LAG_BOUNDS, Histogram
from .inspection import Inspection
from .limits import Limits
from .peers import Peers
from .places import Place
from .poller import Poller, open_poller
from .presence import GRACE, Presence
from .slow_clients import SlowClients
from .sweep import Sweep
from .topics import ReadStored, Resolve, Topics
from .typing import TYPING, Typing

log = logging.getLogger(__name__)

#: Seconds that closing waits for the clients' Close frames.
CLOSING_PATIENCE = 1.0
#: Who was sent away because the user has too many clients comes back after so many seconds, by polling.
TOO_MANY_RETRY = 10.0

ReadHeads = Callable[[Sequence[int]], tuple[str, dict[int, int]]]


class Dispatcher:
    """Knows who is connected here, and nothing of the bus but its promise, nothing of the database but `read`.

    `read(user, after, epoch, limit)` gives a page; `read_heads(users)` gives the epoch and each inbox's last seq;
    `read_ended(grants)` says which of these sessions and tokens are no more; `resolve(user, topics)` gives those of
    the topics that the user may watch, and `read_stored(keys)` what stands in the database of topics that do. All may
    switch greenlets and may raise.
    It starts with the first client, after the fork, and `close` ends it for good.
    """

    def __init__(
        self,
        bus: Bus,
        read: Read,
        read_heads: ReadHeads,
        *,
        limits: Limits,
        http_date: Callable[[], str],
        read_ended: ReadEnded = lambda grants: set(),
        resolve: Resolve = lambda user, topics: [],
        read_stored: ReadStored = lambda keys: {},
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self.http_date = http_date
        #: told of each long poll that is answered: address, when it was asked (`time.perf_counter`), user, request's id
        self.log_answer: Callable[[str, float, int, str], None] = lambda address, started, user, request_id: None
        self.counts: Counter[str] = Counter()
        self.parked: Counter[str] = Counter()
        #: seconds from the commit of events to their write, to those who are pushed to and those who must read
        self.lags = {"push": Histogram(LAG_BOUNDS), "read": Histogram(LAG_BOUNDS)}
        #: whether places are given up: nobody new is taken in
        self.is_draining = False
        self._farewell = CloseCode.GOING_AWAY
        #: whether everybody was sent away: nothing is read or waited for any more
        self.is_ending = False
        self._is_closed = False
        self._bus = bus
        self._loop: Any = None
        self._poller: Poller | None = None
        self._places: dict[int, Place] = {}
        self._entering: Counter[int] = Counter()
        self._closing: set[ParkedClient] = set()
        self.slow = SlowClients()
        self.handing_out = HandingOut(self)
        self.catch_up = CatchUp(self, read)
        self.grants = Grants(read_ended, dismiss)
        self._timers: set[Any] = set()
        self.topics = Topics(resolve, read_stored, bus, clock)
        self.presence = Presence(self.is_here, self.topics.put)
        self.typing = Typing(self.topics.put, clock)
        self.topics.providers.update(presence=self.presence.data, typing=self.typing.data)
        self.peers = Peers(bus, self.presence, lambda: self._places, self._note_typing, Inspection(self), clock)
        if bus.is_shared:
            self.presence.tell = self.peers.moved
        self.delivery = Delivery(self, self._places, self._entering)
        self._sweep = Sweep(self, read_heads, clock)

    @property
    def loop(self) -> Any:
        """gevent's loop, of the hub that runs in this process."""
        if self._loop is None:
            self._loop = gevent.get_hub().loop
        return self._loop

    @property
    def poller(self) -> Poller:
        """What watches the clients' sockets."""
        if self._poller is None:
            self._poller = open_poller(self.loop, on_ready)
        return self._poller

    @property
    def now(self) -> float:
        """Monotonic seconds, as of this turn of the sweep: many clients share one number."""
        return self._sweep.now

    @property
    def count(self) -> int:
        """Clients with an open descriptor."""
        return self.parked.total() + len(self._closing)

    @property
    def is_full(self) -> bool:
        """Whether all parking places are taken."""
        return self.limits.is_reached(self.count)

    def refusal(self, address: str) -> str:
        """Why nobody from this address can be taken in at the moment; empty where they can."""
        if self.is_draining:
            return "draining"
        if self.is_full:
            return "places"
        return "address" if self.limits.is_reached_by(address) else ""

    @property
    def lag(self) -> float:
        """Seconds by which the loop is late, smoothed: how loaded this process is."""
        return self._sweep.lag

    @property
    def worker(self) -> str:
        """This worker's name among all, once it has started: `host:pid`."""
        return self._bus.worker

    @property
    def bus_state(self) -> str:
        """Whether news travels between the workers: one of bus.STATES."""
        return self._bus.state

    @property
    def bus_counts(self) -> dict[str, int]:
        """What happened to the bus so far, by name."""
        return self._bus.counts

    def is_here(self, user: int) -> bool:
        """Whether the user waits in this worker."""
        place = self._places.get(user)
        return place is not None and bool(place.clients)

    def online(self, most: int, but: int) -> list[int]:
        """Users who are online, without `but`; who waits in this worker comes first, and of those who came last."""
        here = (user for user in reversed(self._places) if self.is_here(user))
        found = dict.fromkeys(islice((user for user in here if user != but), most))
        for user in self.presence.online_elsewhere():
            if len(found) >= most:
                break
            if user != but:
                found[user] = None
        return list(found)

    def clients(self) -> Iterator[ParkedClient]:
        """Everybody who waits here."""
        for place in list(self._places.values()):
            yield from place.clients

    def of_user(self, user: int) -> tuple[ParkedClient, ...]:
        """The user's clients that wait here, the one that has waited longest first."""
        place = self._places.get(user)
        return place.clients if place is not None else ()

    @property
    def users(self) -> int:
        """How many users wait here."""
        return len(self._places)

    def is_in_use(self, place: Place) -> bool:
        """Whether the place is still the user's: one that was left is dropped, and a new one made when they return."""
        return self._places.get(place.user) is place

    def start(self) -> None:
        """Begin to carry news and to sweep; repeated calls do nothing."""
        if not self._sweep.is_running and not self.is_draining:
            self._bus.start(
                self.delivery.deliver,
                self.peers.overhear,
                self._resumed,
                self.delivery.deliver_all,
                self.doubt_granted,
                lambda news: self.topics.stored.learn(*news),
            )
            self._sweep.start()

    def _resumed(self) -> None:
        """The bus carries again: what was said meanwhile has passed this worker by."""
        self._sweep.compare_all()
        self.peers.resumed()

    # -- coming and going

    def enter(self, user: int) -> Place:
        """Call this before the first read: from here on no news of `user` is missed. Pair it with `exit`.

        May wait, a second at most, for the bus.
        """
        self.start()
        self._entering[user] += 1
        place = self._places.get(user)
        if place is None:
            place = self._places[user] = Place(user)
            self._sweep.add(place)
        self._bus.subscribe(user)  # also where the place is not new: the one who made it may still wait for that
        return place

    def exit(self, user: int) -> None:
        """The request that entered is done, whether it parked a client or not."""
        self._entering[user] -= 1
        if self._entering[user] <= 0:
            del self._entering[user]
            self.grants.entered(user)
            self._leave_if_empty(user)

    def park(self, client: ParkedClient, page: Page, check_at: float) -> None:
        """The client waits from here on; `page` is its first read, given to it already."""
        place = client.place
        if client.state == CLOSED:  # the connection broke under the first frame
            return
        assert place is not None
        while 0 < self.limits.per_user <= len(place.clients):  # the oldest goes
            self.counts["too_many_of_user"] += 1
            dismiss(place.clients[0], CloseCode.TOO_MANY, TOO_MANY_RETRY + retry(1.0))
        if not place.clients:
            self.presence.arrived(place.user)
        place.clients += (client,)
        self.parked[client.transport] += 1
        self.limits.parked(client.address)
        self.delivery.learn(place, page)
        self.check_at(client, check_at)
        if client.state == CURRENT and client.cursor < place.wanted:
            client.state = CATCHING_UP
        self.delivery.caught_up_or_enqueue(client)
        if self.is_draining:  # it came in while everybody was sent away
            dismiss(client, self._farewell, retry(1.0))
            if self._is_closed:  # or even later
                self._drop_all()
        elif self.grants.has_ended(place.user, client.grant):
            dismiss(client, CloseCode.NOT_SIGNED_IN)
        else:
            self.grants.doubt(client)  # it can have ended between the look at it and the subscription

    def leave(self, client: ParkedClient) -> None:
        """The client gets nothing more; its descriptor is still open."""
        place, client.place = client.place, None
        if place is not None and client in place.clients:
            at = place.clients.index(client)
            place.clients = place.clients[:at] + place.clients[at + 1 :]
            self.parked[client.transport] -= 1
            self.limits.left(client.address)
            if not place.clients:
                self.presence.left(place.user, self.now)
            self._leave_if_empty(place.user)
        self.topics.forget(client)
        if client.state != CLOSED:
            self._closing.add(client)

    def forget(self, client: ParkedClient) -> None:
        """The client is closed."""
        self.leave(client)
        self._closing.discard(client)
        self.slow.discard(client)

    def _leave_if_empty(self, user: int) -> None:
        place = self._places.get(user)
        if place is not None and not place.clients and user not in self._entering:
            del self._places[user]
            self.handing_out.forget(place)
            self._bus.unsubscribe(user)

    def note_typing(self, writer: int, reader: int) -> None:
        """The writer is writing to the reader now, and for some seconds; all workers hear of it."""
        self.start()  # the sweep ends it
        self.typing.note(writer, reader)
        self.peers.wrote(writer, reader, True)

    def stop_typing(self, writer: int, reader: int) -> None:
        """The writer has sent it. Who watches is given the message first."""
        if self.typing.state(writer, reader) == TYPING:
            self._note_typing(writer, reader, False)
            self.peers.wrote(writer, reader, False)

    def _note_typing(self, writer: int, reader: int, is_writing: bool) -> None:
        """Here or in another worker somebody has begun to write, or has sent it."""
        if is_writing:
            self.typing.note(writer, reader)
        elif self.handing_out.is_pending:
            self.loop.run_callback(self.typing.stop, writer, reader)  # behind what is handed out in this turn
        else:
            self.typing.stop(writer, reader)

    def look_at_clock(self) -> None:
        """Each turn of the sweep: who was too slow for too long goes; who was away is offline, who was silent idle;
        the other workers are told of it.
        """
        self.slow.dismiss(self.now)
        self.presence.expire(self.now)
        self.typing.expire(self.now)
        if self._bus.is_shared:
            self.peers.turn(self.now)

    def check_at(self, client: ParkedClient, at: float) -> None:
        """Have `client.check` called at about this time."""
        self._sweep.check_at(client, at)

    def doubt_granted(self, prefix: str) -> None:
        """What was granted by what begins so is no more: the sweep sends away who waits by it, some in each turn."""
        for client in self.clients():
            if client.grant.startswith(prefix):
                self.grants.doubt(client)

    # -- the end

    def drain(self, code: CloseCode = CloseCode.RESTARTING, seconds: float = 0.0) -> None:
        """Take nobody in any more, and send everybody away evenly over so many seconds; afterwards nobody waits here.

        Long polls get an empty answer, the others `code` and a time to come back. Calling it again does nothing.
        """
        if self.is_draining:
            return
        self.is_draining = True
        self._farewell = code
        send_away(self, code, seconds)

    def close(
        self, code: CloseCode = CloseCode.GOING_AWAY, seconds: float = 0.0, patience: float = CLOSING_PATIENCE
    ) -> None:
        """Drain; then wait up to `patience` seconds for the last Close frames, and close what is left.

        Afterwards no descriptor is open and nothing runs. Calling it again does nothing.
        """
        if self.is_ending:
            return
        self.peers.leave(seconds + 2 * GRACE)
        self.drain(code, seconds)
        self.is_ending = True
        send_away(self, code, 0.0)  # who came in meanwhile, or still waited for its turn in a drain
        deadline = time.monotonic() + patience
        while self._closing and time.monotonic() < deadline:
            gevent.sleep(0.01)
        self._sweep.close()
        self._bus.close()
        for timer in self._timers:
            timer.close()
        self._timers.clear()
        self.catch_up.close()
        self._is_closed = True
        self._drop_all()

    def _drop_all(self) -> None:
        for client in list(self._closing):
            client.drop()
        if self._poller is not None:
            self._poller.close()
            self._poller = None

    def later(self, seconds: float, function: Callable[..., None], *args: Any) -> None:
        if self.is_ending:
            return
        timer = self.loop.timer(seconds)
        self._timers.add(timer)

        def fire() -> None:
            self._timers.discard(timer)
            timer.close()
            function(*args)

        timer.start(fire)
