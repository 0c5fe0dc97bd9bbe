"""`python -m bench.watching`: what it costs to watch topics that stand in the database, and to have them change.

The live layer alone, in this process, without HTTP and database: clients at the ends of socket pairs. Memory is what
Python allocated for the watching itself, beside the parked clients (tracemalloc). CPU is this process's: of a change
that is not let out yet, which no watcher costs anything, and of each frame when it is.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import tracemalloc
from collections.abc import Callable

import gevent

from myapp.live.bus import TopicNews
from myapp.live.pace import PACE
from myapp.live.topics import Watch
from tests.unit.parking import Peer, World

from .process import machine
from .report import Rows, plain

#: Topics of a page: the feed, and the posts on it.
ON_A_PAGE = 31
#: What is watched, by the number of the client and of the topic.
WATCHED: dict[str, tuple[int, Callable[[int, int], str]]] = {
    "one topic, the same for all": (1, lambda client, topic: "fact:0"),
    f"{ON_A_PAGE} topics, the same for all": (ON_A_PAGE, lambda client, topic: f"fact:{topic}"),
    f"{ON_A_PAGE} topics of its own": (ON_A_PAGE, lambda client, topic: f"fact:{client}-{topic}"),
}


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--clients", type=int, default=1000)
    asked.add_argument("--changes", type=int, default=1000, help="changes a second of one topic that all watch")
    asked.add_argument("--seconds", type=float, default=5.0)
    given = asked.parse_args()
    print(machine(), flush=True)
    memory: Rows = [(f"memory of each of {given.clients:,} watchers", "bytes")]
    for what, (count, name) in WATCHED.items():
        memory.append((what, f"{_memory(given.clients, count, name):,.0f}"))
    print("", plain(memory), "", plain(_hot(given.clients, given.changes, given.seconds)), sep="\n")
    return 0


def _memory(clients: int, count: int, name: Callable[[int, int], str]) -> float:
    """Bytes for each client that begins to watch so many topics."""
    world = World(max_clients=0)
    peers = [world.connect(user=number) for number in range(1, clients + 1)]
    gc.collect()
    tracemalloc.start()
    before, _peak = tracemalloc.get_traced_memory()
    for number, peer in enumerate(peers):
        _watch(world, peer, [name(number, topic) for topic in range(count)])
    gc.collect()
    after, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    world.close()
    return (after - before) / clients


def _watch(world: World, peer: Peer, names: list[str]) -> None:
    """As the views do it."""
    topics, watches = world.dispatcher.topics, [Watch(name, name) for name in names]
    topics.hold(watches)
    topics.watch(peer.client, watches)
    topics.release(watches)


def _hot(clients: int, changes: int, seconds: float) -> Rows:
    """One topic that all watch changes so often."""
    world = World(max_clients=0)
    world.clock.now = time.monotonic()
    peers = [world.connect(user=number) for number in range(1, clients + 1)]
    for peer in peers:
        _watch(world, peer, ["fact:0"])
    put, let_out, turns = 0.0, 0.0, 0
    began = time.monotonic()
    for number in range(1, round(changes * seconds) + 1):
        while (left := began + number / changes - time.monotonic()) > 0:
            gevent.sleep(left)
        world.clock.now = time.monotonic()
        # as the sweep does, in its own time: what is due is let out there, and the rest costs what is measured here
        used = time.process_time()
        for _topic in world.dispatcher.topics.let_out():
            turns += 1
        let_out += time.process_time() - used
        used = time.process_time()
        world.bus.put(TopicNews("fact:0", number, f'{{"likes":{number},"dislikes":0,"replies":0,"deleted":false}}'))
        put += time.process_time() - used
    took = time.monotonic() - began
    world.clock.now += PACE
    for _topic in world.dispatcher.topics.let_out():
        pass
    frames = [sum(said["type"] == "snapshot" for said in peer.said()) for peer in peers]
    newest = {peer.said()[-1]["version"] for peer in peers}
    world.close()
    return [
        (f"{changes:,} changes a second, {clients:,} watchers, {took:.0f} s", ""),
        ("CPU of all, ms a second", f"{1000 * (put + let_out) / took:.1f}"),
        ("CPU of a change, microseconds", f"{1e6 * put / (changes * seconds):.1f}"),
        ("CPU of a frame, microseconds", f"{1e6 * let_out / max(1, turns * clients):.1f}"),
        ("frames to each, a second", f"{max(frames) / took:.2f}"),
        ("watchers that have the last state", f"{clients if newest == {round(changes * seconds)} else 0:,}"),
    ]


if __name__ == "__main__":
    sys.exit(main())
