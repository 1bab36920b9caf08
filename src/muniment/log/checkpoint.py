r"""Checkpoints: the size and root hash of a log (C2SP tlog-checkpoint). `signing.notes` signs them.

>>> Checkpoint.decode(b"example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n").size
0
"""

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from muniment.log.tree import HASH_SIZE

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_LINES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The size and root hash of a log."""

    origin: str
    size: int
    root: bytes

    def encode(self) -> bytes:
        """Write the text that is signed: three lines."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n".encode()

    @classmethod
    def decode(cls, text: bytes) -> "Checkpoint":
        """Read a signed text; lines after the third are extensions, none of them empty, and are ignored.

        Raises:
            ValueError: it is not a checkpoint.
        """
        lines = text.decode().split("\n")
        if len(lines) <= _LINES or lines[-1] or not all(lines[:-1]) or _SIZE.fullmatch(lines[1]) is None:
            raise ValueError("not a checkpoint")  # noqa: EM101, TRY003 - refused by name above
        try:
            root = base64.b64decode(lines[2], validate=True)
        except binascii.Error as error:
            raise ValueError("not a root hash") from error  # noqa: EM101, TRY003 - likewise
        if len(root) != HASH_SIZE:
            raise ValueError("not a root hash")  # noqa: EM101, TRY003 - likewise
        return cls(origin=lines[0], size=int(lines[1]), root=root)
