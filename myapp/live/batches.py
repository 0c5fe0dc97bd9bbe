"""Putting news together and cutting it to what a client lacks. No I/O."""

from __future__ import annotations

from .frames import Batch

#: A frame ends at so many events or bytes.
FRAME_EVENTS, FRAME_BYTES = 100, 64 * 1024


def join(batches: list[Batch]) -> Batch:
    """One run of events without holes out of batches in any order, doubled or overlapping; it ends at the first gap."""
    if len(batches) == 1:
        return batches[0]
    ordered = sorted(batches, key=lambda batch: (batch.first, -batch.seq))
    last = ordered[0]
    texts = list(last.texts)  # grows: a thousand batches can come within one turn
    for batch in ordered[1:]:
        if batch.seq <= last.seq:
            continue
        if batch.first > last.seq + 1 or not batch.texts or not texts:
            break
        texts += batch.texts[last.seq + 1 - batch.first :]
        last = batch
    return last._replace(texts=tuple(texts), first=ordered[0].first)


def cut(batch: Batch, cursor: int) -> Batch:
    """What of the batch follows `cursor`, at most one frame of it."""
    texts: list[str] = []
    size = 0
    for text in batch.texts[cursor + 1 - batch.first :][:FRAME_EVENTS]:
        size += len(text.encode())
        if texts and size > FRAME_BYTES:
            break
        texts.append(text)
    return Batch(tuple(texts), cursor + 1, cursor + len(texts), batch.latest, batch.badges)
