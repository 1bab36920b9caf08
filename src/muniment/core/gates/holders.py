"""Holders: the versions that an alias has pointed at."""

from collections.abc import Iterable


def list_earlier_holders(numbers: Iterable[int | None]) -> list[int]:
    """List the versions that an alias can go back to, the newest first, given its moves in order.

    None stands for its removal; the last holder of a removed alias is one that it can go back to. Moving back
    to a version drops those after it.

    >>> list_earlier_holders([1, 2, 3])
    [2, 1]
    >>> list_earlier_holders([1, 2, 3, 2])
    [1]
    >>> list_earlier_holders([1, 2, None])
    [2, 1]
    """
    holders: list[int] = []
    present: int | None = None
    for present in numbers:
        if present is None:
            continue
        if present in holders:
            del holders[holders.index(present) :]
        holders.append(present)
    return holders[::-1] if present is None else holders[-2::-1]
