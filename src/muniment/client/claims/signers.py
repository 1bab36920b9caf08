"""What a person signs with, if not with this machine's key."""

import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from muniment.client.claims.ssh import sign_with_ssh
from muniment.client.people.passkeys import sign_with_passkey
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.payloads import Payload
from muniment.signing.bundle import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is to be signed: its bytes, the reason that they hold by digest only, and for which registry."""

    payload: bytes
    reason: Payload | None
    backend: TrustedBackend


class Signer(Protocol):
    """Who signs."""

    def sign(self, statement: Statement) -> Bundle:
        """Sign. Raises if it does not come to that."""


@dataclass(frozen=True, slots=True)
class SshSigner:
    """An SSH key: its private file or, with an agent, its public one. Raises as `sign_with_ssh`."""

    key: Path

    def sign(self, statement: Statement) -> Bundle:
        """Sign with it."""
        return sign_with_ssh(statement.payload, self.key)


@dataclass(frozen=True, slots=True)
class PasskeySigner:
    """A passkey in the browser; `show` is handed the address to open. Raises as `sign_with_passkey`."""

    show: Callable[[str], object] = webbrowser.open

    def sign(self, statement: Statement) -> Bundle:
        """Sign with it."""
        backend = statement.backend
        keys = backend.find_self().keys
        return sign_with_passkey(statement.payload, backend.location, keys, statement.reason, self.show)
