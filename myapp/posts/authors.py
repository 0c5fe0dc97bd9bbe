"""Who has written the posts that people react to at the moment."""

from __future__ import annotations

#: Of so many posts it is remembered.
MOST = 10_000


class Authors:
    """By post, in this process. A post's author never changes; but where a backup was put back, the same number can be
    another post's: whoever finds that what is remembered does not fit forgets it, and looks anew.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._authors: dict[int, int] = {}

    def get(self, post: int) -> int | None:
        """The author's id, where it is remembered."""
        return self._authors.get(post)

    def note(self, post: int, author: int) -> None:
        self._authors[post] = author
        if len(self._authors) > self._most:
            del self._authors[next(iter(self._authors))]

    def forget(self, post: int) -> None:
        self._authors.pop(post, None)
