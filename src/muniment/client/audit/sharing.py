"""Compute the roots of a large index in two processes: this one, and a Python of its own."""

import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, BinaryIO, Final

from muniment.log.index_growth import Groups, Nodes, list_nodes
from muniment.log.tree import HASH_SIZE

# With fewer keys (of 40 bytes), to start a process costs more than it saves.
_WORTH_BYTES: Final = 40 * 200_000
_NUMBER: Final = struct.Struct(">Q")
_NONE: Final = bytes(HASH_SIZE)


def share_nodes(groups: Groups, leaf_hashes: bytes, sizes: Sequence[int]) -> Nodes:
    """Do what `list_nodes` does, in two processes if it is worth it."""
    if sum(map(len, groups.values())) < _WORTH_BYTES:
        return list_nodes(groups, leaf_hashes, sizes)
    ours, theirs = _divide(groups)
    try:
        child = _start()
    except OSError:
        return list_nodes(groups, leaf_hashes, sizes)
    with child:
        if child.stdin is None or child.stdout is None:
            raise TypeError(child)
        # If it ended early, its part is done below.
        with suppress(BrokenPipeError):
            _write_task(child.stdin, theirs, leaf_hashes, sizes)
        nodes = list_nodes(ours, leaf_hashes, sizes)
        answer = child.stdout.read()
    if child.returncode or len(answer) != len(theirs) * len(sizes) * HASH_SIZE:
        return {**nodes, **list_nodes(theirs, leaf_hashes, sizes)}
    return {**nodes, **_read_nodes(answer, theirs, sizes)}


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        # -P: no module is loaded from the current directory.
        [sys.executable, "-P", "-m", "muniment.client.audit.sharing"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _divide(groups: Groups) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """Divide groups into two parts with about as many keys each."""
    parts: tuple[dict[int, bytes], dict[int, bytes]] = ({}, {})
    lengths = [0, 0]
    for byte, keys in sorted(groups.items(), key=lambda group: -len(group[1])):
        part = lengths[1] < lengths[0]
        parts[part][byte] = keys
        lengths[part] += len(keys)
    return parts


def _write_task(to: IO[bytes], groups: Groups, leaf_hashes: bytes, sizes: Sequence[int]) -> None:
    with to:
        for part in (b"".join(map(_NUMBER.pack, sizes)), leaf_hashes, bytes(groups), *groups.values()):
            to.write(_NUMBER.pack(len(part)))
            to.write(part)


def _read_task(source: BinaryIO) -> Iterator[bytes]:
    while length := source.read(_NUMBER.size):
        yield source.read(*_NUMBER.unpack(length))


def _read_nodes(answer: bytes, groups: Groups, sizes: Sequence[int]) -> Nodes:
    hashes = [answer[at : at + HASH_SIZE] for at in range(0, len(answer), HASH_SIZE)]
    return {
        byte: [None if node == _NONE else node for node in hashes[at * len(sizes) : (at + 1) * len(sizes)]]
        for at, byte in enumerate(groups)
    }


def _main() -> None:
    """Compute what the other process sends."""
    sizes, leaf_hashes, names, *groups = _read_task(sys.stdin.buffer)
    task = dict(zip(names, groups, strict=True))
    numbers = [number for (number,) in _NUMBER.iter_unpack(sizes)]
    for nodes in list_nodes(task, leaf_hashes, numbers).values():
        sys.stdout.buffer.write(b"".join([node or _NONE for node in nodes]))


if __name__ == "__main__":
    _main()
