"""What the actor of an entry has to have signed, beside the claims about versions."""

from muniment.answers.cases import Moment
from muniment.answers.claims import read_said
from muniment.answers.clock import settle_time
from muniment.answers.documents import read_document
from muniment.answers.keys import get_valid_key
from muniment.answers.policies import check_signed_policy, check_unused, load_policy
from muniment.answers.protection import read_change
from muniment.answers.view import View
from muniment.core.claims.attestations import PROPOSAL_DECISION, Statement
from muniment.core.claims.proposals import DecidedProposal, ProposalDecision
from muniment.core.digests import Digest
from muniment.core.errors import NotYourSignature, StatementReused, WrongSubject
from muniment.core.names import Alias, Models
from muniment.core.records import KeyRecord, ProposalDecisionRecord, ProposalRecord, Where
from muniment.signing.bundle import MAX_BUNDLE_BYTES, Bundle, verify_bundle
from muniment.signing.keys import PublicKey


def read_signed(view: View, attestation: Digest, signer: str, time: str) -> Statement:
    """Read what somebody signed, with a key that counts at a time.

    Raises:
        UnknownSigner, KeyRevoked, KeyExpired, RecoveryWaiting, RecoveryCancelled: the key does not count.
        NotYourSignature: it is somebody else's.
        BlobNotFound, ContentCorrupt, BadSignature: the bundle cannot be relied on.
    """
    bundle = Bundle.decode(read_document(view, attestation, MAX_BUNDLE_BYTES))
    key = get_valid_key(view, bundle.key_id, settle_time(view, time))
    if key.principal != signer:
        raise NotYourSignature(signer=key.principal, principal=signer)
    return verify_bundle(bundle, PublicKey.read(key.public_key.encode()))


def is_disowned(view: View, decision: ProposalDecisionRecord) -> bool:
    """Return whether the key that signed a decision was revoked as of before it."""
    data = read_document(view, Digest.parse(decision.attestation), MAX_BUNDLE_BYTES)
    key = view.projections.find(KeyRecord, (Bundle.decode(data).key_id,))
    return key is None or (key.revoked is not None and key.revoked <= decision.index)


def check_set_by(  # noqa: PLR0913, PLR0917 - what a policy is set by
    view: View,
    models: Models,
    alias: Alias,
    policy: Digest,
    attestation: Digest,
    author: str,
    moment: Moment,
) -> None:
    """Check that an author signed what puts a policy in force, and has not set it by that before.

    Raises:
        WrongSubject, StatementReused: the statement is about something else, or set a policy already.
        InvalidPolicy: the document is not a policy. Others as `read_signed`.
    """
    load_policy(view, str(policy))
    statement = read_signed(view, attestation, author, moment.time)
    check_signed_policy(statement, policy, models, alias, moment.registry)
    check_unused(view, models, alias, author, statement)


def check_decided_by(  # noqa: PLR0913, PLR0917 - what a decision is made of
    view: View,
    proposal: ProposalRecord,
    decision: ProposalDecision,
    attestation: Digest,
    reason: Digest,
    person: str,
    moment: Moment,
) -> None:
    """Check that a person signed a decision about exactly this proposal, and has not used it before.

    Otherwise the registry could bring back an approval that was withdrawn.

    Raises:
        WrongSubject, StatementReused: it is about something else, or was used. Others as `read_signed`.
    """
    statement = read_signed(view, attestation, person, moment.time)
    about = statement.subjects, statement.predicate_type
    if about != ((Digest.parse(proposal.digest),), PROPOSAL_DECISION):
        what = ", ".join(map(str, statement.subjects)) or "nothing"
        raise WrongSubject(reference=f"the proposal of entry {proposal.index}", subject=what)
    said = DecidedProposal.read(statement.predicate)
    wanted = (proposal.index, str(read_change(proposal)), decision, moment.registry, reason)
    if (said.proposal, said.change, said.decision, said.registry, said.reason) != wanted:
        subject = f"to {said.decision} the proposal of entry {said.proposal} in {said.registry:.40}"
        raise WrongSubject(reference=f"the proposal of entry {proposal.index}", subject=subject)
    ours = Where("namespace", "=", proposal.namespace), Where("proposal", "=", proposal.index)
    for record in view.projections.select(ProposalDecisionRecord, *ours, Where("person", "=", person)):
        if read_said(view, record.attestation) == statement:
            raise StatementReused(entry=record.index)
