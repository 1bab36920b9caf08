"""Pace: how often a caller may come (a token bucket each), within one process."""

import math
from typing import Final

_MOST_CALLERS: Final = 10_000


class Pace:
    """Buckets that fill at a rate, up to a burst.

    >>> pace = Pace(per_second=1, burst=2)
    >>> [pace.spend("me", 0.0) for _ in range(3)]
    [0, 0, 1]
    >>> pace.spend("me", 1.0)
    0
    """

    def __init__(self, per_second: float, burst: int) -> None:
        """Let each caller make `burst` requests at once, and `per_second` in the long run."""
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[str, tuple[float, float]] = {}

    def spend(self, caller: str, now: float) -> int:
        """Take one from a caller's bucket; give how many seconds to wait if it is empty, else 0."""
        left, since = self._buckets.pop(caller, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._per_second)
        if len(self._buckets) >= _MOST_CALLERS:
            # The one that has not come for the longest stands first.
            del self._buckets[next(iter(self._buckets))]
        if left < 1:
            self._buckets[caller] = (left, now)
            return max(1, math.ceil((1 - left) / self._per_second))
        self._buckets[caller] = (left - 1, now)
        return 0
