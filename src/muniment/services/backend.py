"""The registry in the process: every command and query, for one principal."""

from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, Final, TypeVar

from muniment.core import commands as c
from muniment.core.backend import Stored
from muniment.core.digests import Digest
from muniment.core.errors import NotIdentified
from muniment.core.queries import Query
from muniment.core.receipts import Receipt
from muniment.ports.blobs import BlobStore
from muniment.ports.clock import Clock, Nonces
from muniment.ports.unit import Unit, Units
from muniment.services.answers import answer
from muniment.services.attest import record_attestation
from muniment.services.people import enrol_key, grant_role, register_principal, revoke_key, revoke_role
from muniment.services.policies import set_policy
from muniment.services.promote import move_alias, roll_back_alias
from muniment.services.proofs import prove
from muniment.services.publish import publish
from muniment.services.transaction import Outcome, RegistryKeys, Transaction

A = TypeVar("A")


class LocalBackend:
    """A Backend over stores in this process. `actor` is None for a key that is not enrolled."""

    def __init__(  # noqa: PLR0913 - everything that a backend stands on is handed to it here
        self,
        *,
        units: Units,
        blobs: BlobStore,
        clock: Clock,
        nonces: Nonces,
        keys: RegistryKeys,
        actor: str | None,
    ) -> None:
        """Stand on stores, a clock and keys."""
        self._units = units
        self._blobs = blobs
        self._clock = clock
        self._nonces = nonces
        self._keys = keys
        self._actor = actor

    def execute(self, command: c.Command) -> Receipt:
        """Do a command in one transaction; after the commit, prove the entry that it made."""
        verb = _VERBS[type(command)]
        outcome = self._units.write(lambda unit: verb(self._begin(unit), command))
        proof = self._units.read(lambda unit: prove(unit, self._keys.log, outcome.index))
        return Receipt(
            index=proof.index,
            leaf=proof.leaf,
            path=proof.path,
            checkpoint=proof.checkpoint,
            created=outcome.created,
        )

    def ask(self, query: Query[A]) -> A:
        """Answer a question."""
        return self._units.read(lambda unit: answer(unit, self._keys.log, self._actor, query))

    def add_blob(self, source: BinaryIO) -> Stored:
        """Store a stream."""
        return self._blobs.add(source)

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs."""
        return self._blobs.add_documents(documents)

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob."""
        return self._blobs.open(digest)

    def close(self) -> None:
        """Close the stores."""
        self._units.close()

    def _begin(self, unit: Unit) -> Transaction:
        if self._actor is None:
            raise NotIdentified
        return Transaction(
            unit=unit,
            actor=self._actor,
            clock=self._clock,
            nonces=self._nonces,
            keys=self._keys,
        )


# Each verb takes the command that it is listed under.
_VERBS: Final[Mapping[type, Callable[..., Outcome]]] = {
    c.PublishVersion: publish,
    c.RecordAttestation: record_attestation,
    c.MoveAlias: move_alias,
    c.RollBackAlias: roll_back_alias,
    c.SetPolicy: set_policy,
    c.RegisterPrincipal: register_principal,
    c.EnrolKey: enrol_key,
    c.RevokeKey: revoke_key,
    c.GrantRole: grant_role,
    c.RevokeRole: revoke_role,
}
