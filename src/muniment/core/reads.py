"""The record of reads: who was given bytes of which version, in batches of a day.

A batch is the text of a payload, which an entry of the log names: canonical JSON with the namespace, the day,
the number of the batch of that day, and the reads.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from muniment.core import canonical, forms
from muniment.core.payloads import MAX_TEXT_CHARACTERS

# What a batch has besides its reads.
_ROOM: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What somebody was given of a version on a day.

    Attributes:
        principal: who; empty for somebody with a directory and no key that counts.
        version: `acme/x@3`.
        files, manifests: how many requests for its files, and for its manifest, were answered.
        first, last: the times of the first and the last of them.
    """

    principal: str
    version: str
    files: int
    manifests: int
    first: str
    last: str

    def join(self, other: "Read") -> "Read":
        """Return both as one; they MUST be of one principal and version."""
        return replace(
            self,
            files=self.files + other.files,
            manifests=self.manifests + other.manifests,
            first=min(self.first, other.first),
            last=max(self.last, other.last),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The reads of a namespace on a day, or a part of them: `number` counts from 1."""

    namespace: str
    day: str
    number: int
    reads: tuple[Read, ...]

    def write(self) -> str:
        """Write it as canonical JSON."""
        return canonical.encode(forms.write(self)).decode()


def read_batch(text: str) -> Batch:
    """Read a batch.

    Raises:
        InvalidDocument: it is none.
    """
    return forms.read(Batch, canonical.decode(text.encode()))


def divide(reads: Iterable[Read]) -> Iterator[Sequence[Read]]:
    """Divide reads into parts each of which fits into a batch."""
    part: list[Read] = []
    length = _ROOM
    for read in reads:
        size = len(canonical.encode(forms.write(read))) + 1
        if part and length + size > MAX_TEXT_CHARACTERS:
            yield part
            part, length = [], _ROOM
        part.append(read)
        length += size
    if part:
        yield part
