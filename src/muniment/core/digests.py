"""Digests: the names of bytes.

>>> str(Digest.of(b"hello"))
'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final, Self

from muniment.core.errors import InvalidDigest

_FORM: Final = re.compile(r"sha256:([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A sha256, as 64 lower-case hex digits."""

    hex: str

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Hash bytes."""
        return cls(hashlib.sha256(data).hexdigest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:<hex>` (OCI image spec, descriptor: digests).

        Raises:
            InvalidDigest: any other form.
        """
        match = _FORM.fullmatch(text)
        if match is None:
            raise InvalidDigest(text=text)
        return cls(match[1])

    @property
    def raw(self) -> bytes:
        """The 32 bytes."""
        return bytes.fromhex(self.hex)

    def __str__(self) -> str:
        """Write it in the form of OCI."""
        return f"sha256:{self.hex}"
