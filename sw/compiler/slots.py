"""Slots of the scratchpad: which piece of an operand lies where, and what to give up for the next.

All uses are known when a program is compiled, so the piece that is needed last (or never again)
makes room; among those that are dead, the one that died first, so that its successor may be
loaded early.
"""

from collections import defaultdict, deque
from collections.abc import Hashable


class Slots:
    """`count` slots of `rows` local rows each, from local row `base`."""

    def __init__(self, base: int, rows: int, count: int):
        self.rows = rows
        self._free = deque(base + i * rows for i in range(count))
        self._where: dict[Hashable, int] = {}
        self._uses: dict[Hashable, deque[int]] = defaultdict(deque)
        self._dead: deque[Hashable] = deque()

    def will_use(self, key: Hashable, time: int) -> None:
        """Announce a use; times ascend."""
        self._uses[key].append(time)

    def use(self, key: Hashable, time: int) -> tuple[int, bool]:
        """Local row of the piece at its announced use, and whether it must be loaded first."""
        missing = key not in self._where
        if missing:
            self._where[key] = self._room()
        uses = self._uses[key]
        if uses.popleft() != time:
            raise AssertionError(f"{key} was not announced for {time}")
        if not uses:
            self._dead.append(key)
        return self._where[key], missing

    def _room(self) -> int:
        if self._free:
            return self._free.popleft()
        while self._dead:
            key = self._dead.popleft()
            if key in self._where and not self._uses[key]:
                return self._where.pop(key)
        key = max(self._where, key=lambda k: self._uses[k][0])
        return self._where.pop(key)
