"""The registry of the SDK: `muniment.open()`."""

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from muniment.capture.keeping import Recorded
from muniment.capture.tree import OnBytes
from muniment.client.audit.auditing import Audit, OnEntries, audit
from muniment.client.audit.reads import Reads
from muniment.client.gates.inbox import read_inbox
from muniment.client.gates.moving import find_unguarded
from muniment.client.gates.policies import Policies
from muniment.client.gates.proposals import Proposals, make_or_propose
from muniment.client.gates.requests import Comments, Requests
from muniment.client.people.access import Access
from muniment.client.people.preferences import Preferences
from muniment.client.people.principals import People, write_reason
from muniment.client.proofs.paging import list_namespaces, list_versions, read_all, search_all
from muniment.client.proofs.restoring import Restore
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.reports.leaderboard import rank_versions
from muniment.client.sdk.views import Views
from muniment.client.upkeep.webhooks import Webhooks
from muniment.client.versions.comparing import compare
from muniment.client.versions.deploying import list_deployments
from muniment.client.versions.drafts import Drafts
from muniment.client.versions.exporting import Export, export
from muniment.client.versions.identifying import Identified, identify
from muniment.client.versions.lineage import trace
from muniment.client.versions.loading import LoadedModel, load
from muniment.client.versions.pulling import pull
from muniment.client.versions.pushing import Trained, deliver, publish, read_published, read_run
from muniment.client.versions.session import Session
from muniment.client.versions.version import Version, get_version
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import EMERGENCY
from muniment.core.claims.emergencies import Emergency
from muniment.core.claims.leaderboard import Leaderboard
from muniment.core.claims.lineage import MAX_DEPTH, Direction, Graph
from muniment.core.claims.proposals import ChangeKind, ProposedChange
from muniment.core.comparison import Comparison
from muniment.core.errors import InvalidReference
from muniment.core.gates.inbox import InboxItem
from muniment.core.names import Alias, Kind, ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.receipts import Receipt
from muniment.core.records import DeploymentRecord, ModelRecord, OwnerRecord, VersionRecord
from muniment.core.verbs.catalog import ListModels, ListOwners, SearchVersions, SetOwner
from muniment.core.verbs.gates import (
    BreakGlass,
    CloseEmergency,
    ListMoves,
    Move,
    MoveAlias,
    RemoveAlias,
    RollBackAlias,
)
from muniment.core.verbs.log import ClockJump, ConfirmTime, ListClockJumps
from muniment.core.warnings import UnguardedAlias
from muniment.signing.keys import Identity
from muniment.signing.statements import attest


class Registry(Views):
    """A registry. Use it as a context manager, or `close` it."""

    def __init__(self, backend: TrustedBackend, identity: Identity | None) -> None:
        """Use a trusted backend and, if there is a key, sign with it."""
        self._session = Session(backend, identity)
        self.people = People(backend)
        self.access = Access(backend)
        self.policies = Policies(self._session)
        self.drafts = Drafts(self._session)
        self.proposals = Proposals(self._session)
        self.requests = Requests(self._session)
        self.comments = Comments(self._session)
        self.webhooks = Webhooks(backend)
        self.preferences = Preferences(backend)
        self.reads = Reads(backend)

    def __repr__(self) -> str:
        """Name its location."""
        return f"<Registry {self._session.backend.location}{', reading only' if self.read_only else ''}>"

    @property
    def session(self) -> Session:
        """The registry as we see it, and whom we sign as."""
        return self._session

    @property
    def identity(self) -> Identity | None:
        """The identity that we sign with, if any."""
        return self._session.identity

    # ---- models and versions

    def push(  # noqa: PLR0913 - the options of a push
        self,
        path: str | os.PathLike[str],
        name: str,
        *,
        run: "Trained | Recorded | JsonObject | None" = None,
        message: str = "",
        alias: str | None = None,
        kind: str | None = None,
        on_bytes: OnBytes | None = None,
    ) -> Version:
        """Publish a file or directory as the next version of `namespace/model`, signed.

        With `namespace/model@3`, it must become that version. `run` is a Run, its record, or bare SLSA
        provenance. If the model already has these bytes, return that version. `kind` is the kind of a new
        name: "model" or "dataset".

        Raises:
            VersionExists: that version has other bytes.
            InvalidRequest: a path or name breaks the rules, or a file changed meanwhile.
        """
        reference = Reference.parse(name)
        if not isinstance(reference.selector, int | None):
            remedy = "write the name that it gets: namespace/model, or namespace/model@3"
            raise InvalidReference(reference=name, remedy=remedy)
        backend, signer = self._session.backend, self._session.signer()
        number, said = reference.selector, write_reason(message)
        of_kind = None if kind is None else Kind(kind)
        receipt = deliver(
            backend,
            signer,
            Path(path),
            reference.name,
            lambda prepared: publish(backend, prepared, number=number, kind=of_kind, message=said),
            run=read_run(run),
            on_bytes=on_bytes,
        )
        version = Version(self._session, read_published(receipt), receipt)
        if alias is not None:
            self.promote(version, alias)
        return version

    def version(self, reference: str, *, at: str | None = None) -> Version:
        """Resolve a reference, now or at a time, and check the proof of the version.

        Raises:
            VersionNotFound: the reference resolves to nothing.
        """
        return get_version(self._session, Reference.parse(reference), self._session.backend.past(at))

    def models(self, prefix: str = "", *, at: str | None = None) -> Iterator[ModelRecord]:
        """List the models whose names start with `prefix`, by name, now or at a time.

        The models of a namespace are proven whole, but there may be more namespaces than the registry says.
        """
        backend = self._session.backend
        at = backend.past(at)
        for namespace in list_namespaces(backend, prefix, at):
            models = read_all(backend, ListModels(namespace=namespace, at=at))
            matching = (model for model in models if model.name.startswith(prefix))
            yield from sorted(matching, key=lambda model: model.name)

    def set_owner(self, name: str, principal: str) -> Receipt:
        """Set the owner of a model, by name or id: the principal who answers for it."""
        return self._session.backend.execute(SetOwner(name=ModelName.parse(name), principal=principal))

    def owners(self, name: str, *, at: str | None = None) -> list[OwnerRecord]:
        """List everyone who has owned a model, now or until a time, oldest first: the last one owns it."""
        backend = self._session.backend
        return list(read_all(backend, ListOwners(name=ModelName.parse(name), at=backend.past(at))))

    def versions(self, name: str, *, at: str | None = None) -> Iterator[VersionRecord]:
        """List the versions of a model, newest first, now or at a time."""
        backend = self._session.backend
        yield from list_versions(backend, ModelName.parse(name), backend.past(at))

    def search(self, text: str, *, at: str | None = None) -> Iterator[VersionRecord]:
        """Search for versions, now or at a time (syntax: docs/reference/search.md).

        Each is proven to be on record. That it meets the condition is the registry's word, and there may be
        more.

        >>> registry.search("metric.auc > 0.9 and param.depth = 6 order by created")  # doctest: +SKIP

        Raises:
            InvalidQuery: the text breaks the grammar.
        """
        backend = self._session.backend
        at = backend.past(at)
        for record in search_all(backend, text, at):
            backend.check_record(record, SearchVersions(text=text, at=at))
            yield record

    def identify(
        self,
        what: str | os.PathLike[str],
        *,
        limit: int = 20,
        at: str | None = None,
        on_bytes: OnBytes | None = None,
    ) -> Identified:
        """Find the versions that have a file, files of a directory or a digest (`sha256:...`).

        With `at`, find those that were published by then. Each is proven, but there may be more.

        Raises:
            NotAFile, SymlinkRefused, FileChanged: the files cannot be read.
            InvalidDigest: it starts like a digest but is not one.
        """
        target = what if isinstance(what, str) else Path(what)
        at = self._session.backend.past(at)
        return identify(self._session, target, limit=limit, at=at, on_bytes=on_bytes)

    def pull(
        self, reference: str, destination: str | os.PathLike[str], *, on_bytes: OnBytes | None = None
    ) -> Version:
        """Verify a version's files and write them to a directory. Raises like `versions.pulling.pull`."""
        record = pull(self._session.backend, Reference.parse(reference), Path(destination), on_bytes)
        return Version(self._session, record)

    def export(self, reference: str, destination: str | os.PathLike[str], *, content: bool = True) -> Export:
        """Write a version and its proofs to one file, which can be verified without this registry.

        Without `content`, leave out the bytes of its files.
        """
        which = Reference.parse(reference)
        return export(self._session.backend, which, Path(destination), content=content)

    def load(self, reference: str, *, at: str | None = None, trusted: Sequence[str] = ()) -> LoadedModel:
        """Verify a version, then load its model. Raises like `versions.loading.load`."""
        backend = self._session.backend
        return load(backend, Reference.parse(reference), backend.past(at), trusted)

    def diff(self, before: str, after: str, *, norms: bool = False) -> Comparison:
        """Compare two versions; with `norms`, measure how much tensors changed."""
        old, new = Reference.parse(before), Reference.parse(after)
        return compare(self._session.backend, old, new, norms=norms)

    def leaderboard(self, name: str, metric: str, dataset: str) -> Leaderboard:
        """Rank the versions of a model by a metric over one dataset. Raises like `rank`."""
        return rank_versions(self._session, ModelName.parse(name), metric, dataset)

    def lineage(
        self,
        target: str,
        direction: str = "up",
        *,
        depth: int = MAX_DEPTH,
        limit: int = 2000,
        at: str | None = None,
    ) -> Graph:
        """Trace what a version, digest or commit was made from (`up`), or what was made from it (`down`).

        With `at`, it is as it was then, without what has been withdrawn since. Each node and edge is proven,
        but there may be more.
        """
        backend = self._session.backend
        return trace(backend, target, Direction(direction), depth=depth, limit=limit, at=backend.past(at))

    def deployments(
        self, name: str | None = None, *, target: str = "", at: str | None = None, history: bool = False
    ) -> Iterator[DeploymentRecord]:
        """List deployments, now or at a time, by namespace; with `history`, also the past ones.

        Those of a namespace are proven whole, but there may be more namespaces than the registry says.
        """
        backend = self._session.backend
        yield from list_deployments(backend, name, target, backend.past(at), history=history)

    # ---- aliases

    def promote(self, version: Version | str, alias: str, *, reason: str = "") -> Receipt:
        """Move an alias to a version; a guarded alias moves only if its policies are met.

        Warns with `UnguardedAlias` if no policy guards it.

        Raises:
            GateFailed: they are not; `failures` lists all failing rules.
        """
        chosen = self.version(version) if isinstance(version, str) else version
        command = MoveAlias(reference=chosen.reference, alias=Alias(alias), reason=write_reason(reason))
        receipt = self._session.backend.execute(command)
        _warn_unguarded(receipt)
        return receipt

    def break_glass(self, version: Version | str, alias: str, reason: str) -> Receipt:
        """Move an alias past its gate in an emergency, as a policy allows, with our signature.

        Somebody else must close the emergency (`close_emergency`) before the policy's deadline.

        Raises:
            BreakGlassNotAllowed: no policy allows it.
        """
        chosen = self.version(version) if isinstance(version, str) else version
        payload = Payload.of(reason)
        emergency = Emergency(
            version=str(chosen),
            alias=Alias(alias),
            registry=self._session.backend.seen.verifier,
            reason=payload.digest,
            nonce=payload.salt,
            time=self._session.backend.time(),
        )
        bundle = attest(chosen.digest, str(chosen), EMERGENCY, emergency.predicate(), self._session.signer())
        digest = self._session.backend.add_documents([bundle.encode()])[0]
        return self._session.backend.execute(
            BreakGlass(reference=chosen.reference, alias=Alias(alias), attestation=digest, reason=payload)
        )

    def close_emergency(self, emergency: int, reason: str) -> Receipt:
        """Close an emergency, by the entry of its move or of its proposal, with a statement of its outcome.

        Raises:
            RequestNotFound: no open emergency has that entry.
            OwnVersion: the move or the version is our own.
            NotYoursToDecide: it is a protected policy that was changed, and that concerns us.
        """
        return self._session.backend.execute(CloseEmergency(emergency=emergency, reason=write_reason(reason)))

    def rollback(self, name: str, alias: str, *, reason: str = "") -> Receipt:
        """Move an alias back to the newest earlier version that still meets its policies.

        Warns with `UnguardedAlias` if no policy guards it.
        """
        command = RollBackAlias(name=ModelName.parse(name), alias=Alias(alias), reason=write_reason(reason))
        receipt = self._session.backend.execute(command)
        _warn_unguarded(receipt)
        return receipt

    def remove_alias(self, name: str, alias: str, *, reason: str) -> Receipt:
        """Remove an alias; its history stays, and a guarded one stays guarded.

        If a protected policy guards it, that is only proposed (`proposals`): the event of the receipt says
        so.

        Raises:
            VersionNotFound: the alias points nowhere.
            ReasonNeeded: the reason is blank.
        """
        command = RemoveAlias(name=ModelName.parse(name), alias=Alias(alias), reason=write_reason(reason))
        change = ProposedChange(kind=ChangeKind.REMOVE_ALIAS, models=Models.parse(name), alias=Alias(alias))
        return make_or_propose(self._session.backend, command, change)

    def history(self, name: str, alias: str | None = None, *, at: str | None = None) -> Sequence[Move]:
        """List the moves of an alias, or of all aliases of a model, oldest first, each proven."""
        which = None if alias is None else Alias(alias)
        backend = self._session.backend
        return list(
            read_all(backend, ListMoves(name=ModelName.parse(name), alias=which, at=backend.past(at)))
        )

    def inbox(self) -> Sequence[InboxItem]:
        """List what is waiting for us, and the news of the last 30 days.

        Each item is proven, and that it is ours to know or to do; there may be more. `item.next` is the
        command to type.
        """
        return read_inbox(self._session.backend)

    # ---- the log

    @property
    def read_only(self) -> bool:
        """Whether nothing is changed: every command is refused (`muniment.open(..., read_only=True)`)."""
        return self._session.backend.read_only

    @property
    def as_of(self) -> str | None:
        """The time of the newest entry (RFC 3339); None if we may not read that entry."""
        return self._session.backend.as_of

    @property
    def behind(self) -> int:
        """How many entries more were seen of this log elsewhere; 0 unless it is an older copy."""
        backend = self._session.backend
        return 0 if backend.behind is None else backend.behind.size - backend.seen.size

    def restores(self) -> list[Restore]:
        """List the restores to an older state that the registry declares, oldest first, proven."""
        return self._session.backend.restores()

    def clock_jumps(self) -> Sequence[ClockJump]:
        """List the jumps of the registry's clock, oldest first, and who confirmed the time since, proven."""
        return self._session.backend.ask(ListClockJumps())

    def confirm_time(self, date: str, reason: str) -> Receipt:
        """Confirm, as an admin, that the registry's clock is right after its newest jump.

        `date` is today's, in UTC: `2026-11-29`. Until then, rules of policies that depend on the time refuse;
        for versions that we made, until another admin confirms it.

        Raises:
            ClockDisagrees: the clock says another date.
            NothingToConfirm: it has not jumped since we last confirmed the time.
            ReasonNeeded: the reason is blank.
        """
        return self._session.backend.execute(ConfirmTime(date=date, reason=Payload.of(reason)))

    def audit(self, namespace: str | None = None, *, on_entries: OnEntries | None = None) -> Audit:
        """Replay the whole log, or all of a namespace; find the first entry that cannot be true.

        Raises:
            NotPermitted: we may not read there.
            NamespaceNotFound: there is no such namespace.
            Untrusted: the entries are not proven.
        """
        return audit(self._session.backend, namespace, on_entries)

    def close(self) -> None:
        """Close the registry's files and connections."""
        self._session.backend.close()

    def __enter__(self) -> Self:
        """Return the registry."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def _warn_unguarded(receipt: Receipt) -> None:
    """Warn the caller of the caller of a move that no policy guards."""
    unguarded = find_unguarded(receipt)
    if unguarded:
        warnings.warn(unguarded, UnguardedAlias, stacklevel=3)
