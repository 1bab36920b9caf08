"""One published version, and what can be said and done about it."""

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from muniment.client.claims import evaluating
from muniment.client.claims.evaluating import DataSource, complete, evaluation_module, measure_drift
from muniment.client.claims.overlap import add_overlap
from muniment.client.claims.signers import Signer
from muniment.client.people.principals import write_reason
from muniment.client.proofs.aliases import check_alias, resolve_move
from muniment.client.proofs.checking import check_signature, read_claims, read_document, read_revision
from muniment.client.proofs.judging import judge
from muniment.client.proofs.verifying import Check, check_version
from muniment.client.versions.approving import (
    sign_claim,
    warn_uncounted,
    write_approval,
    write_waiver,
    write_withdrawal,
)
from muniment.client.versions.evaluation import Evaluation
from muniment.client.versions.lineage import check_provenance
from muniment.client.versions.loading import load
from muniment.client.versions.session import Session
from muniment.client.versions.showing import show_gate, show_version
from muniment.core.bytes.revisions import Revision
from muniment.core.canonical import Json, JsonObject
from muniment.core.catalog.statuses import Status
from muniment.core.claims.approvals import Meaning, SigningDecision, last_approvals
from muniment.core.claims.attestations import (
    APPROVAL,
    CARD,
    EVALUATION,
    PROVENANCE,
    Attestation,
    name_predicate_type,
)
from muniment.core.claims.cards import Card
from muniment.core.claims.deployments import Deployment, State, check_target
from muniment.core.claims.evidence import Evidence
from muniment.core.claims.predicates import Predicate
from muniment.core.digests import Digest
from muniment.core.errors import CardNotFound, NothingToWithdraw
from muniment.core.gates.policy import Gate
from muniment.core.names import Alias, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.receipts import Receipt
from muniment.core.records import MoveRecord, VersionRecord
from muniment.core.verbs.catalog import ListTags, RemoveTag, SetTag
from muniment.core.verbs.claims import RecordAttestation
from muniment.core.verbs.gates import JudgeGate
from muniment.core.verbs.versions import DescribeVersion, PurgeVersion, SetRetention, SetStatus, VersionDetail
from muniment.signing.bundle import MAX_BUNDLE_BYTES, Bundle
from muniment.signing.statements import attest
from muniment.views.view import View


class Version:
    """A version whose record was proven. `receipt` is there if this process published it.

    With `at`, what is read of it (its description, tags and claims) is as it was at that time.
    """

    def __init__(
        self,
        session: Session,
        record: VersionRecord,
        receipt: Receipt | None = None,
        at: str | None = None,
        move: MoveRecord | None = None,
    ) -> None:
        """Hold a proven record; by an alias, also the move that points it there."""
        self._session = session
        self.record = record
        self.receipt = receipt
        self.at = at
        self._move = move

    def __repr__(self) -> str:
        """Name it, its digest, and the time as of which it is read."""
        past = "" if self.at is None else f", as of {self.at}"
        return f"<Version {self.record.name}@{self.record.number} {self.record.revision:.19}{past}>"

    @property
    def session(self) -> Session:
        """The registry that it is in, and whom we sign as."""
        return self._session

    @property
    def reference(self) -> Reference:
        """The reference that names it for ever."""
        return Reference.parse(f"{self.record.name}@{self.record.number}")

    @property
    def digest(self) -> Digest:
        """The digest of its manifest."""
        return Digest.parse(self.record.revision)

    def __str__(self) -> str:
        """Write `namespace/model@number`."""
        return str(self.reference)

    def view(self) -> View:
        """Show what is known about it, as `muniment show` does. Raises as `show_version`."""
        return show_version(self._session.backend, self.record, self.at)

    def view_gate(self, alias: str) -> View:
        """Show how it stands at the gate of an alias, as `muniment check` does. Raises as `judge`."""
        return show_gate(self._session.backend, self.check(alias), self.at)

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        return self.view()._repr_html_()

    def describe(self) -> VersionDetail:
        """Gather what the registry knows of it."""
        return self._session.backend.ask(DescribeVersion(reference=self.reference, at=self.at))

    def revision(self) -> Revision:
        """Read its files' paths, digests and sizes from the manifest."""
        return read_revision(self._session.backend, self.record)

    def verify(self) -> Sequence[Check]:
        """Check the log, every byte and every signature."""
        return check_version(self._session.backend, self.reference)

    def verify_provenance(self) -> Sequence[Check]:
        """Check the chain of what it was made from, link by link; holes are listed as holes."""
        return check_provenance(self._session.backend, self.reference)

    def claims(self, predicate_type: str = "") -> list[Attestation]:
        """Read the claims about it, of one type or all, each checked."""
        types = [predicate_type] if predicate_type else []
        return read_claims(self._session.backend, self.record, self.revision(), *types, at=self.at)

    def evidence(self) -> list[Evidence]:
        """Read its evaluations, oldest first, each checked."""
        return [Evidence(claim.predicate) for claim in self.claims(EVALUATION)]

    def content_bundle(self) -> bytes:
        """Give the OpenSSF Model Signing bundle of its author, for `model_signing verify`.

        Raises:
            NotSigned: there is none.
        """
        claim = check_signature(self._session.backend, self.record, self.revision())
        return read_document(self._session.backend, claim.digest, claim.kind, MAX_BUNDLE_BYTES)

    def tag(self, name: str, text: str | None) -> Receipt:
        """Put a tag on it, to find it by; None takes it away."""
        reference, backend = self.reference, self._session.backend
        if text is None:
            return backend.execute(RemoveTag(reference=reference, key=name))
        return backend.execute(SetTag(reference=reference, key=name, value=Payload.of(text)))

    def tags(self) -> dict[str, str]:
        """Read its tags."""
        return {
            tag.key: tag.value
            for tag in self._session.backend.ask(ListTags(reference=self.reference, at=self.at))
        }

    def evaluate(  # noqa: PLR0913 - what an evaluation is made of
        self,
        y_true: Collection[object],
        y_pred: Collection[object],
        y_score: Any = None,  # noqa: ANN401 - any array of numbers
        *,
        dataset: DataSource,
        task: str | None = None,
        target: str = "",
        where: Sequence[str] = (),
        reason: str = "",
        split: str = "",
        groups: Mapping[str, Collection[object]] | None = None,
        positive: object = None,
        classes: Sequence[object] | None = None,
        missing: str = "refuse",
        min_group_size: int = 1,
        robustness: Sequence[Mapping[str, Json]] = (),
        metrics: Mapping[str, Json] | None = None,
    ) -> Evaluation:
        """Compute evidence from the predictions of a classifier or a regressor, by `task` or their values.

        `y_true`, `y_pred`, `y_score` (higher for `positive`) and the columns of `groups` are (n,); `y_score`
        may be (n, k), a column for each of `classes`. With `missing="drop"`, rows that miss a value are left
        out. `dataset` is the file that the rows came from. If it is a table, they have to be all of those
        that meet `where`, in its order, with `y_true` in column `target`, or there is a `reason`. `metrics`
        are numbers of your own, as `write_evaluation` reads them. Other tasks: `record_evaluation`.

        Warns with `UnclearTask` if it may be another task. Raises:
            InvalidEvidence: lengths differ, labels are not clear, something is missing, or rows are others.
            MissingExtra: the `evaluation` extra is not installed.
        """
        measured = evaluating.measure(
            y_true,
            y_pred,
            y_score,
            task=task,
            classifying={"positive": positive, "classes": classes},
            groups=groups or {},
            min_group_size=min_group_size,
            missing=missing,
        )
        measured = evaluating.bind(measured, dataset, y_true, target=target, where=where, reason=reason)
        if robustness:
            measured = {**measured, "robustness": list(robustness)}
        return self.record_evaluation(measured, dataset=dataset, split=split, metrics=metrics)

    def evaluate_model(  # noqa: PLR0913 - what an evaluation is made of
        self,
        data: str | os.PathLike[str],
        target: str,
        *,
        model: object = None,
        features: Sequence[str] = (),
        groups: Sequence[str] = (),
        positive: object = None,
        missing: str = "refuse",
        where: Sequence[str] = (),
        split: str = "",
        min_group_size: int = 1,
        trusted: Sequence[str] = (),
    ) -> Evaluation:
        """Let the model predict the rows of a table, and record what that shows and how it was done.

        `model` is a scikit-learn estimator; by default the one of this version is loaded, verified.
        `muniment reproduce` can do the same again with the model that it rebuilds.

        Raises: as `evaluate`, and as `Registry.load`.
        """
        estimator = model
        if estimator is None:
            estimator = load(self._session.backend, self.reference, trusted=trusted).value
        measured, procedure = evaluation_module("files").evaluate_model(
            estimator,
            Path(data),
            target,
            features=features,
            groups=groups,
            positive=positive,
            min_group_size=min_group_size,
            missing=missing,
            where=where,
        )
        return self.record_evaluation(measured, dataset=data, split=split, procedure=procedure)

    def record_evaluation(
        self,
        measured: JsonObject,
        *,
        dataset: DataSource,
        split: str = "",
        metrics: Mapping[str, Json] | None = None,
        procedure: JsonObject | None = None,
    ) -> Evaluation:
        """Sign and record what a function of `muniment.evaluation` found over a dataset."""
        measured = add_overlap(self._session.backend, self.claims(PROVENANCE), measured, dataset)
        time = self._session.backend.time()
        predicate = complete(measured, dataset, time=time, split=split, metrics=metrics, procedure=procedure)
        return self.record_evidence(predicate)

    def record_evidence(self, predicate: JsonObject) -> Evaluation:
        """Sign and record an evaluation/v1 predicate (docs/reference/predicates.md)."""
        return Evaluation.of(str(self), predicate, self.attest(EVALUATION, predicate))

    def record_drift(
        self, reference: str | os.PathLike[str], data: str | os.PathLike[str], *, split: str = ""
    ) -> Evaluation:
        """Record how far the columns of a table are from those of another. Raises as `compare_files`."""
        measured = measure_drift(Path(reference), Path(data))
        return self.record_evaluation(measured, dataset=data, split=split)

    def set_card(self, card: Card) -> Receipt:
        """Sign and record a card, such as `muniment.read_card` makes of Markdown; older ones stay."""
        return self.attest(CARD, card.predicate())

    def card(self) -> Card:
        """Read the newest card.

        Raises:
            CardNotFound: there is none.
        """
        cards = self.claims(CARD)
        if not cards:
            raise CardNotFound(reference=str(self))
        return Card.read(cards[-1].predicate)

    def attest(self, predicate_type: str, predicate: JsonObject, *, reason: str = "") -> Receipt:
        """Sign and record a claim about this version; its type is a kind, `change-plan`, or a URI.

        Raises:
            UnknownClaimKind: it is neither.
        """
        kind, signer = name_predicate_type(predicate_type), self._session.signer()
        return self.record_bundle(attest(self.digest, str(self), kind, predicate, signer), reason=reason)

    def record_bundle(self, bundle: Bundle | bytes, *, reason: str = "") -> Receipt:
        """Record a claim that was signed elsewhere, by our own key."""
        data = bundle if isinstance(bundle, bytes) else bundle.encode()
        return self._record(data, write_reason(reason))

    def withdraw_claim(self, digest: str, reason: str, *, signer: Signer | None = None) -> Receipt:
        """Take back a claim about it that we signed: it stays on record, marked, and counts no longer.

        `digest` may be shortened, as `muniment show` does.

        Raises:
            ClaimNotFound: no claim about it has that digest.
            NotYourClaim: somebody else signed it.
            NotWithdrawable, AlreadyWithdrawn: its kind cannot be withdrawn, or it was withdrawn already.
        """
        payload = Payload.of(reason)
        withdrawal = write_withdrawal(self._session.backend, self.record, digest, payload)
        return self._sign(withdrawal, payload, signer)

    def deploy(self, target: str, *, loaded: str | None = None, reason: str = "") -> Receipt:
        """Record that it serves at a target from now on; `loaded` is the digest that the target says it has.

        It ends what any other version of the model did there.

        Raises:
            InvalidName: the target is no name such as `prod-eu/api`.
            MoveUnfounded, GateFailed: it goes by an alias, and that does not point at it rightly.
        """
        if self._move is not None:
            check_alias(self._session.backend, self._move, self.record, self.revision())
        return self._record_deployment(target, State.SERVING, loaded, reason)

    def undeploy(self, target: str, *, reason: str = "") -> Receipt:
        """Record that it serves at a target no longer.

        Raises:
            DeploymentNotFound: it does not serve there.
        """
        return self._record_deployment(target, State.STOPPED, None, reason)

    def approve(  # noqa: PLR0913 - what an approval is made of
        self,
        alias: str,
        role: Role | str,
        reason: str,
        *,
        meaning: Meaning | str = Meaning.APPROVAL,
        expires: str | None = None,
        waiver: str | None = None,
        signer: Signer | None = None,
    ) -> Receipt:
        """Approve it for an alias, over the evidence and the policies that stand now.

        `meaning` is what the signature means (21 CFR 11.50), `expires` when it ends. With the
        digest of a `waiver`, that is approved instead of the version. `signer` signs instead of this
        machine's key: `SshSigner(file)`, or `PasskeySigner()` in the browser.

        Warns with `UncountedApproval` if it does not count, as when an author vouches for us.

        Raises:
            OwnVersion: we made it.
            AlreadyApproved: we have approved it for that alias.
            PolicyNotFound: the alias has no policy to approve it under.
        """
        receipt = self._decide(
            alias,
            role,
            SigningDecision.APPROVE,
            reason,
            meaning=Meaning(meaning),
            expires=expires,
            waiver=waiver,
            signer=signer,
        )
        warn_uncounted(self._session.backend, self.record, alias, receipt)
        return receipt

    def reject(
        self,
        alias: str,
        role: Role | str,
        reason: str,
        *,
        waiver: str | None = None,
        signer: Signer | None = None,
    ) -> Receipt:
        """Reject it, or a waiver, for an alias: that blocks until we withdraw it. Our last act counts."""
        return self._decide(alias, role, SigningDecision.REJECT, reason, waiver=waiver, signer=signer)

    def withdraw(
        self, alias: str, reason: str, *, waiver: str | None = None, signer: Signer | None = None
    ) -> Receipt:
        """Withdraw what we decided last about it, or about a waiver, for an alias, as `withdraw_claim` does.

        Raises:
            NothingToWithdraw: we have decided nothing.
        """
        me = self._session.backend.principal
        last = last_approvals(self.claims(APPROVAL), str(self), alias, waiver).get(me)
        if last is None or last.approval.decision is SigningDecision.WITHDRAW:
            raise NothingToWithdraw(reference=str(self), alias=alias)
        return self.withdraw_claim(str(last.claim.digest), reason, signer=signer)

    def waive(self, alias: str, rules: Sequence[str], until: str, reason: str) -> Receipt:
        """Request a waiver of rules of the alias's policy, by their ids, until a time.

        It counts once it is approved (`approve(..., waiver=digest)`), as the policy asks.

        Raises:
            WaiverNotAllowed: no policy allows a waiver of these rules, or not for so long.
        """
        payload = Payload.of(reason)
        waiver = write_waiver(self._session.backend, self.check(alias), frozenset(rules), until, payload)
        return self._sign(waiver, payload)

    def set_status(self, status: Status | str, reason: str) -> Receipt:
        """Deprecate, retire or revoke it, or (`published`) take that back."""
        command = SetStatus(reference=self.reference, status=Status(status), reason=write_reason(reason))
        return self._session.backend.execute(command)

    def retain(self, until: str | None = None, *, hold: bool = False, reason: str) -> Receipt:
        """Keep it until a time at least, or put it under a legal hold, or (`hold=False`) end that.

        Raises:
            VersionRetained: it is kept for longer already.
        """
        end, payload = self._session.backend.until(until), write_reason(reason)
        command = SetRetention(reference=self.reference, until=end, hold=hold, reason=payload)
        return self._session.backend.execute(command)

    def purge(self, reason: str) -> Receipt:
        """Delete its files permanently; the record, the digests and a signed tombstone stay.

        Raises:
            VersionRetained, VersionInUse: they have to stay.
        """
        command = PurgeVersion(reference=self.reference, reason=write_reason(reason))
        return self._session.backend.execute(command)

    def check(self, alias: str) -> Gate:
        """Judge it by the policies of an alias; nothing is recorded. Raises as `judge`."""
        query = JudgeGate(reference=self.reference, alias=Alias(alias), at=self.at)
        return judge(self._session.backend, query)

    def _record_deployment(self, target: str, state: State, loaded: str | None, reason: str) -> Receipt:
        check_target(target)
        digest = None if loaded is None else Digest.parse(loaded)
        deployment = Deployment(
            version=str(self), target=target, state=state, loaded=digest, time=self._session.backend.time()
        )
        return self._sign(deployment, write_reason(reason))

    def _decide(  # noqa: PLR0913 - what a decision is made of
        self,
        alias: str,
        role: Role | str,
        decision: SigningDecision,
        reason: str,
        *,
        meaning: Meaning = Meaning.REVIEW,
        expires: str | None = None,
        waiver: str | None = None,
        signer: Signer | None = None,
    ) -> Receipt:
        payload = write_reason(reason)
        approval = write_approval(
            self._session.backend,
            self.record,
            alias,
            Role(role),
            decision,
            payload,
            meaning=meaning,
            expires=expires,
            waiver=waiver,
        )
        return self._sign(approval, payload, signer)

    def _sign(self, claim: Predicate, reason: Payload | None, signer: Signer | None = None) -> Receipt:
        """Sign and record a claim, by this machine's key if nothing else signs."""
        session = self._session
        bundle = sign_claim(session.backend, self.record, claim, reason, signer or session.signer())
        return self._record(bundle.encode(), reason)

    def _record(self, data: bytes, reason: Payload | None) -> Receipt:
        bundle = self._session.backend.add_documents([data])[0]
        exact = Reference(self.reference.name, self.digest)
        return self._session.backend.execute(RecordAttestation(reference=exact, bundle=bundle, reason=reason))


def get_version(session: Session, reference: Reference, at: str | None = None) -> Version:
    """Resolve a reference and prove it."""
    record, move = resolve_move(session.backend, reference, at)
    return Version(session, record, at=at, move=move)
