"""A registry as we see it, and whom we sign as."""

from dataclasses import dataclass

from muniment.client.proofs.trust import TrustedBackend
from muniment.core.errors import NotIdentified
from muniment.signing.keys import Identity


@dataclass(frozen=True, slots=True)
class Session:
    """A registry as we see it, and whom we sign as."""

    backend: TrustedBackend
    identity: Identity | None

    def __repr__(self) -> str:
        """Name the registry, and the key that signs."""
        key = "no key" if self.identity is None else f"key {self.identity.public.id:.16}"
        return f"<Session of {self.backend.location}, {key}>"

    def signer(self) -> Identity:
        """Give whom we sign as.

        Raises:
            NotIdentified: there is no key at hand.
        """
        if self.identity is None:
            raise NotIdentified
        return self.identity
