"""The registry in the process: every command and query, for one caller."""

from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO, Final, TypeVar

from muniment.core import commands as c
from muniment.core.backend import Stored
from muniment.core.digests import Digest
from muniment.core.errors import NotIdentified
from muniment.core.people.callers import Caller
from muniment.core.queries import Query
from muniment.core.receipts import Receipt
from muniment.core.times import write_time
from muniment.ports.blobs import BlobStore
from muniment.ports.clock import Clock, Nonces
from muniment.ports.unit import Unit, Units
from muniment.services.answers import answer
from muniment.services.bytes.custody import check_may_upload, check_readable, hold_uploaded
from muniment.services.bytes.quotas import set_quota
from muniment.services.catalog.comments import erase_comment, post_comment
from muniment.services.catalog.tags import set_tag
from muniment.services.gates.emergencies import break_glass, close_emergency
from muniment.services.gates.moves import move_alias, roll_back_alias
from muniment.services.gates.policies import set_policy, set_tier
from muniment.services.gates.requests import close_request, open_request
from muniment.services.log.proofs import Paths, find_paths, sign_paths
from muniment.services.log.retries import once
from muniment.services.people.erasure import erase_principal
from muniment.services.people.issuers import distrust_issuer, trust_issuer
from muniment.services.people.principals import (
    enrol_key,
    grant_role,
    register_principal,
    revoke_key,
    revoke_role,
)
from muniment.services.people.sessions import begin_session, enrol_passkey, issue_token, revoke_token
from muniment.services.transaction import Outcome, RegistryKeys, Transaction
from muniment.services.upkeep.webhooks import end_webhook, replay_webhook, set_webhook
from muniment.services.versions.attest import record_attestation
from muniment.services.versions.drafts import discard_draft, save_draft
from muniment.services.versions.lifecycle import purge_version, set_retention, set_status
from muniment.services.versions.publish import publish
from muniment.services.versions.quarantine import check_free
from muniment.signing.notes import NoteSigner

A = TypeVar("A")


class LocalBackend:
    """A Backend over stores in this process, as one caller sees it."""

    def __init__(  # noqa: PLR0913 - everything that a backend stands on is handed to it here
        self,
        *,
        units: Units,
        blobs: BlobStore,
        clock: Clock,
        nonces: Nonces,
        keys: RegistryKeys,
        caller: Caller,
    ) -> None:
        """Stand on stores, a clock and keys."""
        self._units = units
        self._blobs = blobs
        self._clock = clock
        self._nonces = nonces
        self._keys = keys
        self._caller = caller

    def execute(self, command: c.Command, retry_key: str = "") -> Receipt:
        """Do a command in one transaction; after the commit, prove the entry that it made.

        With a `retry_key`, the same command under the same key is answered with the first receipt.

        Raises:
            RequestReplayed: the key was used for another command.
        """

        def work(unit: Unit) -> tuple[Outcome, Paths]:
            outcome = self.do(unit, command, retry_key)
            return outcome, find_paths(unit, [outcome.index])

        outcome, paths = self._units.write(work)
        return confirm(self._keys.log, [outcome], paths)[0]

    def do(self, unit: Unit, command: c.Command, retry_key: str) -> Outcome:
        """Do a command in a unit of work that somebody else commits. Raises as `execute`."""
        tx = self._begin(unit)
        if not retry_key:
            return _VERBS[type(command)](tx, command)
        return once(tx, retry_key, command, lambda: _VERBS[type(command)](tx, command))

    def ask(self, query: Query[A]) -> A:
        """Answer a question."""
        now = write_time(self._clock())
        return self._units.read(lambda unit: answer(unit, self._keys.log, self._caller, query, now))

    def add_blob(self, source: BinaryIO) -> Stored:
        """Store a stream."""
        self._check_may_store()
        stored = self._blobs.add(source)
        self.keep([stored])
        return stored

    def add_documents(self, documents: Sequence[bytes]) -> list[Digest]:
        """Store small blobs."""
        self._check_may_store()
        digests = self._blobs.add_documents(documents)
        self.keep(
            [Stored(digest=d, size_bytes=len(data)) for d, data in zip(digests, documents, strict=True)]
        )
        return digests

    def open_blob(self, digest: Digest) -> BinaryIO:
        """Open a blob."""
        self._units.read(lambda unit: self._check_readable(unit, digest))
        return self._blobs.open(digest)

    def keep(self, blobs: Sequence[Stored]) -> None:
        """Note that the caller has stored blobs: until they are published, they are the caller's alone."""
        if self._caller.direct or not blobs:
            return
        self._units.write(lambda unit: hold_uploaded(self._begin(unit), blobs))

    def close(self) -> None:
        """Close the stores."""
        self._units.close()

    def _check_readable(self, unit: Unit, digest: Digest) -> None:
        check_readable(unit, self._caller, digest)
        check_free(unit, self._caller, digest)

    def _check_may_store(self) -> None:
        if not self._caller.direct:
            self._units.read(lambda unit: check_may_upload(unit, self._caller))

    def _begin(self, unit: Unit) -> Transaction:
        if self._caller.principal is None:
            raise NotIdentified
        return Transaction(
            unit=unit,
            caller=self._caller,
            clock=self._clock,
            nonces=self._nonces,
            keys=self._keys,
        )


def confirm(signer: NoteSigner, outcomes: Sequence[Outcome], paths: Paths) -> list[Receipt]:
    """Prove the entries that answer commands, by the paths to them; both MUST be durable by now."""
    return [
        Receipt(
            index=proof.index,
            leaf=proof.leaf,
            path=proof.path,
            checkpoint=proof.checkpoint,
            created=outcome.created,
        )
        for proof, outcome in zip(sign_paths(signer, paths), outcomes, strict=True)
    ]


# Each verb takes the command that it is listed under.
_VERBS: Final[Mapping[type, Callable[..., Outcome]]] = {
    c.PublishVersion: publish,
    c.SaveDraft: save_draft,
    c.DiscardDraft: discard_draft,
    c.RecordAttestation: record_attestation,
    c.MoveAlias: move_alias,
    c.RollBackAlias: roll_back_alias,
    c.BreakGlass: break_glass,
    c.CloseEmergency: close_emergency,
    c.OpenRequest: open_request,
    c.CloseRequest: close_request,
    c.PostComment: post_comment,
    c.EraseComment: erase_comment,
    c.SetPolicy: set_policy,
    c.SetTier: set_tier,
    c.SetStatus: set_status,
    c.SetRetention: set_retention,
    c.PurgeVersion: purge_version,
    c.ErasePrincipal: erase_principal,
    c.RegisterPrincipal: register_principal,
    c.EnrolKey: enrol_key,
    c.RevokeKey: revoke_key,
    c.GrantRole: grant_role,
    c.RevokeRole: revoke_role,
    c.SetTag: set_tag,
    c.IssueToken: issue_token,
    c.RevokeToken: revoke_token,
    c.BeginSession: begin_session,
    c.EnrolPasskey: enrol_passkey,
    c.TrustIssuer: trust_issuer,
    c.DistrustIssuer: distrust_issuer,
    c.SetQuota: set_quota,
    c.SetWebhook: set_webhook,
    c.EndWebhook: end_webhook,
    c.ReplayWebhook: replay_webhook,
}
