"""The claims that entries record: each is read, verified, and checked as when it came."""

from collections import deque

from muniment.answers.approvals import check_approval, check_waiver
from muniment.answers.cases import Moment
from muniment.answers.claims import get_withdrawable, read_claim, read_revision
from muniment.answers.clock import settle_time
from muniment.answers.deployments import deploy
from muniment.answers.emergencies import check_emergency, find_terms
from muniment.answers.keys import get_valid_key
from muniment.answers.people import roles_of
from muniment.answers.signed import check_set_by
from muniment.answers.view import View
from muniment.core.claims.approvals import Approval
from muniment.core.claims.attestations import (
    APPROVAL,
    DEPLOYMENT,
    EMERGENCY,
    SCAN,
    WAIVER,
    Attestation,
    Statement,
)
from muniment.core.claims.deployments import Deployment
from muniment.core.claims.emergencies import Emergency
from muniment.core.claims.scans import OWN_TOOL, Scan
from muniment.core.claims.waivers import Waiver
from muniment.core.claims.withdrawals import Withdrawal
from muniment.core.digests import Digest
from muniment.core.errors import (
    LogInconsistent,
    NotPermitted,
    NotYourSignature,
)
from muniment.core.events import AttestationRecorded, ClaimWithdrawn, Entry, PolicySet, VersionPublished
from muniment.core.events.proposals import find_author
from muniment.core.people.callers import REGISTRY
from muniment.core.people.roles import Act, may
from muniment.core.records import AttestationRecord, Put, VersionRecord, Where


class PublishedClaims:
    """The claims that versions were published with, which the next entries of the namespace record."""

    def __init__(self) -> None:
        """Begin before the first entry."""
        # By namespace: the entry that published a version, and the claims that are not on record yet.
        self._awaited: dict[str, tuple[Entry, deque[Digest]]] = {}

    def check(self, entry: Entry) -> None:
        """Check that an entry records the next claim that its namespace still lacks, if there is one.

        Raises:
            LogInconsistent: it does not.
        """
        event = entry.event
        if self._awaited and entry.namespace in self._awaited:
            published, claims = self._awaited[entry.namespace]
            claim = claims.popleft()
            if not claims:
                del self._awaited[entry.namespace]
            if not isinstance(event, AttestationRecorded) or event.attestation != claim:
                by = f"entry {published.index} published a version with the claim {claim}"
                raise LogInconsistent(reason=f"{by}, which is not on record")
        if isinstance(event, VersionPublished) and event.attestations:
            self._awaited[event.name.namespace] = entry, deque(event.attestations)

    def find_lacking(self) -> Entry | None:
        """Find an entry that published a version with a claim that is not on record."""
        return next((published for published, _ in self._awaited.values()), None)


def check_claim(view: View, entry: Entry, registry: str) -> None:
    """Check a claim as it came.

    (0) its signer is the actor or the registry, and its key counted then
    (1) its bytes have their digest, and the key signed them, about this revision
    (2) a signing decision was for its signer to make, over what stood then; likewise a waiver, an emergency
        and a deployment

    Raises:
        MunimentError: one does not hold.
    """
    event = entry.event
    if not isinstance(event, AttestationRecorded):
        raise TypeError(event)
    version, claim = _read(view, entry, event)
    if (event.deployment is None) != (event.predicate_type != DEPLOYMENT):
        raise LogInconsistent(reason="a deployment is recorded by a deployment claim, and by no other")
    moment = Moment(registry, entry.when)
    match event.predicate_type:
        case type_ if type_ == APPROVAL:
            decision = Approval.read(claim.predicate)
            check_approval(view, version, decision, entry.actor, moment, event.reason)
        case type_ if type_ == WAIVER:
            check_waiver(view, version, Waiver.read(claim.predicate), moment, event.reason)
        case type_ if type_ == DEPLOYMENT:
            if deploy(view, version, Deployment.read(claim.predicate)) != event.deployment:
                raise LogInconsistent(reason="the entry says something else of the deployment than the claim")
        case type_ if type_ == EMERGENCY:
            _check_emergency(view, entry, event, version, claim, registry)
        case type_ if type_ == SCAN and event.signer != REGISTRY and Scan(claim.predicate).tool == OWN_TOOL:
            raise NotPermitted(
                principal=entry.actor, act=f"sign a scan by {OWN_TOOL}", namespace=event.name.namespace
            )
        case _:
            return


def check_withdrawal(view: View, entry: Entry, registry: str) -> None:
    """Check a withdrawal as it came. Raises as `check_claim`."""
    event = entry.event
    if not isinstance(event, ClaimWithdrawn):
        raise TypeError(event)
    version, claim = _read(view, entry, event)
    said = Withdrawal.read(claim.predicate)
    withdrawn = get_withdrawable(view, version, said, entry.actor, registry)
    if (withdrawn.index, said.claim, said.reason) != (event.entry, event.claim, event.reason):
        raise LogInconsistent(reason="the entry withdraws something else than the claim")


def check_policy(view: View, entry: Entry, registry: str) -> None:
    """Check that who sets or proposed a policy signed what puts it in force. Raises as `check_claim`."""
    event = entry.event
    if not isinstance(event, PolicySet):
        raise TypeError(event)
    if event.policy is None or event.attestation is None:
        if event.policy is not None or event.attestation is not None:
            raise LogInconsistent(reason="a policy and the statement that sets it come together")
        return
    author = find_author(entry, event.proposal)
    check_set_by(
        view,
        event.models,
        event.alias,
        event.policy,
        event.attestation,
        author,
        Moment(registry, entry.when),
    )


def _read(
    view: View, entry: Entry, event: AttestationRecorded | ClaimWithdrawn
) -> tuple[VersionRecord, Attestation]:
    """Read the claim of an entry, and check who signed it. Raises as `check_claim`."""
    key = get_valid_key(view, event.key, settle_time(view, entry.when))
    if key.principal != event.signer or event.signer not in {entry.actor, REGISTRY}:
        raise NotYourSignature(signer=key.principal, principal=entry.actor)
    if key.assurance != event.assurance:
        raise LogInconsistent(reason=f"the assurance of its key is {key.assurance}, not {event.assurance}")
    about = Where("name", "=", str(event.name)), Where("revision", "=", str(event.revision))
    versions = view.projections.select(VersionRecord, *about, limit=1)
    if not versions:
        raise LogInconsistent(reason=f"no version of {event.name} has the revision {event.revision}")
    record = next(
        change.record
        for change in entry.fold()
        if isinstance(change, Put) and isinstance(change.record, AttestationRecord)
    )
    revision = read_revision(view, event.revision)
    claim = read_claim(view, record, key, versions[0], revision)
    if claim.predicate_type != event.predicate_type:
        raise LogInconsistent(reason=f"its type is {claim.predicate_type}, not {event.predicate_type}")
    return versions[0], claim


def _check_emergency(  # noqa: PLR0913, PLR0917 - what it is checked against
    view: View,
    entry: Entry,
    event: AttestationRecorded,
    version: VersionRecord,
    claim: Attestation,
    registry: str,
) -> None:
    if may(roles_of(view, entry.actor, event.name.namespace), Act.ATTEST):
        # Anybody who may make claims may make this one; the move that rests on it is checked by itself.
        return
    alias = Emergency.read(claim.predicate).alias
    find_terms(view, version, alias, entry.actor)
    subjects = (Digest.parse(version.revision),)
    statement = Statement(subjects=subjects, predicate_type=claim.predicate_type, predicate=claim.predicate)
    check_emergency(view, version, alias, statement, registry, event.reason)
