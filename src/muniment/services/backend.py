"""The registry in the process: every command and query, for one caller."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import BinaryIO, Final, TypeVar, cast

from muniment.answers.pages import past_of
from muniment.answers.table import ANSWERS, BASES
from muniment.answers.view import State
from muniment.core.addresses import PUBLIC, AllowedAddresses
from muniment.core.backend import Stored
from muniment.core.basis import Basis, Known
from muniment.core.digests import Digest
from muniment.core.errors import MunimentError, NotIdentified, NotProven
from muniment.core.people.callers import REGISTRY, Caller
from muniment.core.receipts import Receipt
from muniment.core.times import write_time
from muniment.core.verbs import bytes as bytes_
from muniment.core.verbs import catalog, claims, gates, inbox, log, people, proposals, upkeep, versions
from muniment.core.verbs.verb import Command, May, Query, name_of
from muniment.core.verbs.wire import check
from muniment.ports.blobs import BlobStore
from muniment.ports.clock import Clock, Nonces
from muniment.ports.unit import Unit, Units
from muniment.services.bytes.custody import check_may_upload, check_readable, hold_uploaded
from muniment.services.bytes.quotas import get_usage, set_quota
from muniment.services.bytes.reads import (
    ReadNotes,
    find_recording,
    get_pending_reads,
    record_days,
    record_reads,
    set_reads,
)
from muniment.services.catalog.comments import erase_comment, post_comment
from muniment.services.catalog.lineage import get_lineage
from muniment.services.catalog.namespaces import list_namespaces
from muniment.services.catalog.owners import set_owner
from muniment.services.catalog.search import search_versions
from muniment.services.catalog.tags import remove_tag, set_tag
from muniment.services.claims.revoking import revoke_key
from muniment.services.clock import find_newest, read_clock
from muniment.services.gates.emergencies import break_glass, close_emergency
from muniment.services.gates.gate import preview_gate
from muniment.services.gates.inbox import get_inbox
from muniment.services.gates.moves import move_alias, remove_alias, roll_back_alias
from muniment.services.gates.policies import end_policy, set_policy, set_tier
from muniment.services.gates.proposals import decide_proposal, propose_change, withdraw_proposal
from muniment.services.gates.requests import close_request, open_request
from muniment.services.log.answers import (
    get_growth,
    get_leaves,
    get_log_identity,
    get_proof,
    list_entries,
)
from muniment.services.log.basis import NotingView, make_basis
from muniment.services.log.confirmations import confirm_time
from muniment.services.log.proofs import Paths, find_whole_paths, sign_paths
from muniment.services.log.restores import get_restores
from muniment.services.log.retries import once
from muniment.services.past import PastView
from muniment.services.people.answers import (
    find_person,
    get_self,
    list_issuers,
    list_people,
    list_tokens,
)
from muniment.services.people.erasure import erase_principal
from muniment.services.people.issuers import distrust_issuer, trust_issuer
from muniment.services.people.preferences import set_preferences
from muniment.services.people.principals import (
    approve_recovery,
    cancel_recovery,
    confirm_principal,
    enrol_key,
    grant_role,
    register_principal,
    revoke_role,
)
from muniment.services.people.reading import Reading, Sight, namespace_of
from muniment.services.people.sessions import begin_session, issue_token, revoke_token
from muniment.services.transaction import RECOVERY_WAIT, Outcome, RegistryKeys, Transaction
from muniment.services.upkeep.webhooks import end_webhook, list_webhooks, replay_webhook, set_webhook
from muniment.services.versions.attest import record_attestation
from muniment.services.versions.drafts import discard_draft, save_draft
from muniment.services.versions.lifecycle import purge_version, set_retention, set_status
from muniment.services.versions.publish import publish
from muniment.services.versions.quarantine import check_free
from muniment.signing.heads import HeadSigner

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
        recovery_wait: timedelta = RECOVERY_WAIT,
        allowed: AllowedAddresses = PUBLIC,
        notes: ReadNotes | None = None,
    ) -> None:
        """Use stores, a clock and keys; webhooks and issuers may be at allowed addresses.

        Reads are noted in `notes`, if there are any.
        """
        self._units = units
        self._blobs = blobs
        self._clock = clock
        self._nonces = nonces
        self._keys = keys
        self._caller = caller
        self._recovery_wait = recovery_wait
        self._allowed = allowed
        self._notes = notes
        self._signer = HeadSigner(keys.log, clock)

    def execute(self, command: Command, retry_key: str = "") -> Receipt:
        """Do a command in one transaction; after the commit, prove its entry.

        With a `retry_key`, repeating the command under the same key returns the first receipt.

        Raises:
            RequestReplayed: the key was used for another command.
        """

        def work(unit: Unit) -> tuple[Outcome, Paths]:
            outcome = self.do(unit, command, retry_key)
            return outcome, find_whole_paths(unit, [outcome.index])

        outcome, paths = self._units.write(work)
        return confirm(self._signer, [outcome], paths)[0]

    def do(self, unit: Unit, command: Command, retry_key: str) -> Outcome:
        """Do a command in a unit of work that the caller commits. Raises like `execute`."""
        check(command)
        tx = self.begin(unit)
        if not retry_key:
            return _do(tx, command)
        return once(tx, retry_key, command, lambda: _do(tx, command))

    def ask(self, query: Query[A]) -> A:
        """Answer a question."""
        check(query)
        now = write_time(self._clock())
        return self._units.read(lambda unit: self._answer(unit, query, now))

    def prove(self, query: Query[object], known: Sequence[Known] = ()) -> Basis:
        """Give what the answer to a proven query follows from, except for lists that the caller has.

        Raises:
            NotProven: the query is not one of those.
            NotPermitted, NotFound: the caller may not have an answer.
        """
        check(query)
        now = write_time(self._clock())
        return self._units.read(lambda unit: self._prove(unit, query, now, known))

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
        recording = self._units.read(lambda unit: self._check_readable(unit, digest))
        source = self._blobs.open(digest)
        try:
            if self._notes is not None:
                self._notes.note(self._caller, digest, recording)
        except BaseException:
            source.close()
            raise
        return source

    def keep(self, blobs: Sequence[Stored]) -> None:
        """Record that the caller has stored blobs; until they are published, only the caller may use them."""
        if self._caller.direct or not blobs:
            return
        self._units.write(lambda unit: hold_uploaded(self.begin(unit), blobs))

    def begin(self, unit: Unit) -> Transaction:
        """Start a transaction of this backend's caller in a unit of work.

        Raises:
            NotIdentified: the caller has no principal.
        """
        if self._caller.principal is None:
            raise NotIdentified
        return self._begin_as(unit, self._caller)

    def _begin_as(self, unit: Unit, caller: Caller) -> Transaction:
        return Transaction(
            unit=unit,
            caller=caller,
            clock=self._clock,
            nonces=self._nonces,
            keys=self._keys,
            recovery_wait=self._recovery_wait,
            allowed=self._allowed,
        )

    def begin_own(self, unit: Unit) -> Transaction:
        """Start a transaction of the registry itself in a unit of work."""
        return self._begin_as(unit, Caller(principal=REGISTRY, direct=True))

    def close(self) -> None:
        """Write what was noted, and close the stores."""
        try:
            if self._notes is not None and self._notes.write():
                self._record_days()
        finally:
            self._units.close()

    def _record_days(self) -> None:
        """Put the reads of past days into batches, as the jobs of a server do."""
        today = write_time(self._clock())[: len("2026-01-01")]
        pending = self._units.read(lambda unit: [*unit.reads.list_days()])
        if any(day < today for _, day in pending):
            self._units.write(lambda unit: record_days(self.begin_own(unit), before=today))

    def _answer(self, unit: Unit, query: Query[A], now: str) -> A:
        reading = self._read(unit, now)
        reading.check_who(query)
        past = past_of(query)
        if past is not None and type(query) in ANSWERS:
            state = State(view=PastView(unit, past), registry=reading.registry, time=reading.time)
            return cast("A", ANSWERS[type(query)](state, query))
        # The table pairs each query with a function that returns the answer of the query's type.
        return cast("A", _QUERIES[type(query)](reading, query))

    def _prove(self, unit: Unit, query: Query[object], now: str, known: Sequence[Known]) -> Basis:
        answer = BASES.get(type(query))
        if answer is None:
            raise NotProven(query=name_of(type(query)))
        reading, past = self._read(unit, now), past_of(query)
        reading.check_who(query)
        view = NotingView(unit if past is None else PastView(unit, past), reading.sight.sees)
        # That there is no answer follows from the same basis.
        with suppress(MunimentError):
            answer(State(view=view, registry=reading.registry, time=reading.time), query)
        return make_basis(unit, self._signer, view.needs, past, known)

    def _read(self, unit: Unit, now: str) -> Reading:
        newest = find_newest(unit.log)
        return Reading(
            view=unit,
            unit=unit,
            sight=Sight(unit, self._caller),
            signer=self._signer,
            registry=str(self._keys.log.verifier),
            time=read_clock(newest, now),
            newest=newest,
        )

    def _check_readable(self, unit: Unit, digest: Digest) -> list[str]:
        """Check that the caller may read a blob; return the namespaces that record that."""
        check_readable(unit, self._caller, digest)
        check_free(unit, self._caller, digest)
        return [] if self._notes is None else find_recording(unit, self._caller, digest)

    def _check_may_store(self) -> None:
        if not self._caller.direct:
            self._units.read(lambda unit: check_may_upload(unit, self._caller))


def confirm(signer: HeadSigner, outcomes: Sequence[Outcome], paths: Paths) -> list[Receipt]:
    """Make receipts of the entries that answer commands; entries and paths MUST be durable."""
    return [
        Receipt(
            index=proof.index,
            leaf=proof.leaf,
            path=proof.path,
            checkpoint=proof.checkpoint,
            subjects=proof.subjects,
            created=outcome.created,
        )
        for proof, outcome in zip(sign_paths(signer, paths), outcomes, strict=True)
    ]


def _do(tx: Transaction, command: Command) -> Outcome:
    """Do a command, if the actor may; its declaration is checked only here."""
    who = command.declared.who
    if isinstance(who, May):
        tx.require(who.act, namespace_of(command, who.on))
    return _COMMANDS[type(command)](tx, command)


# Each function takes the command of its row.
_COMMANDS: Final[Mapping[type[Command], Callable[..., Outcome]]] = {
    versions.PublishVersion: publish,
    versions.SaveDraft: save_draft,
    versions.DiscardDraft: discard_draft,
    versions.SetStatus: set_status,
    versions.SetRetention: set_retention,
    versions.PurgeVersion: purge_version,
    claims.RecordAttestation: record_attestation,
    gates.MoveAlias: move_alias,
    gates.RollBackAlias: roll_back_alias,
    gates.RemoveAlias: remove_alias,
    gates.SetPolicy: set_policy,
    gates.EndPolicy: end_policy,
    gates.SetTier: set_tier,
    gates.OpenRequest: open_request,
    gates.CloseRequest: close_request,
    gates.BreakGlass: break_glass,
    gates.CloseEmergency: close_emergency,
    proposals.ProposeChange: propose_change,
    proposals.DecideProposal: decide_proposal,
    proposals.WithdrawProposal: withdraw_proposal,
    catalog.SetOwner: set_owner,
    catalog.SetTag: set_tag,
    catalog.RemoveTag: remove_tag,
    catalog.PostComment: post_comment,
    catalog.EraseComment: erase_comment,
    bytes_.SetQuota: set_quota,
    bytes_.SetReads: set_reads,
    bytes_.RecordReads: record_reads,
    people.RegisterPrincipal: register_principal,
    people.ErasePrincipal: erase_principal,
    people.ConfirmPrincipal: confirm_principal,
    people.ApproveRecovery: approve_recovery,
    people.CancelRecovery: cancel_recovery,
    people.EnrolKey: enrol_key,
    people.RevokeKey: revoke_key,
    people.GrantRole: grant_role,
    people.RevokeRole: revoke_role,
    people.IssueToken: issue_token,
    people.RevokeToken: revoke_token,
    people.SetPreferences: set_preferences,
    people.BeginSession: begin_session,
    people.TrustIssuer: trust_issuer,
    people.DistrustIssuer: distrust_issuer,
    log.ConfirmTime: confirm_time,
    upkeep.SetWebhook: set_webhook,
    upkeep.EndWebhook: end_webhook,
    upkeep.ReplayWebhook: replay_webhook,
}

# Each function takes the query of its row and returns the answer of its type.
_QUERIES: Final[Mapping[type[Query[object]], Callable[..., object]]] = {
    **ANSWERS,
    gates.JudgeGate: preview_gate,
    inbox.GetInbox: get_inbox,
    catalog.ListNamespaces: list_namespaces,
    catalog.SearchVersions: search_versions,
    catalog.GetLineage: get_lineage,
    bytes_.GetUsage: get_usage,
    bytes_.GetPendingReads: get_pending_reads,
    log.GetLogIdentity: get_log_identity,
    log.GetGrowth: get_growth,
    log.GetRestores: get_restores,
    log.GetProof: get_proof,
    log.GetLeaves: get_leaves,
    log.ListEntries: list_entries,
    people.GetSelf: get_self,
    people.FindPerson: find_person,
    people.ListPeople: list_people,
    people.ListTokens: list_tokens,
    people.ListIssuers: list_issuers,
    upkeep.ListWebhooks: list_webhooks,
}
