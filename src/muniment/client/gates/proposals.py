"""Proposals: `registry.proposals`."""

from collections.abc import Iterator

from muniment.client.claims.signers import Signer, Statement
from muniment.client.proofs.checking import read_document
from muniment.client.proofs.naming import find_names
from muniment.client.proofs.paging import read_all
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.versions.session import Session
from muniment.core import canonical
from muniment.core.claims.proposals import DecidedProposal, ProposalDecision, ProposedChange
from muniment.core.digests import Digest
from muniment.core.errors import ChangeNeedsApproval, RequestNotFound
from muniment.core.events import ProposalOpened
from muniment.core.gates.differences import Terms, list_differences, read_terms
from muniment.core.naming import find_ids
from muniment.core.payloads import Payload
from muniment.core.receipts import Receipt
from muniment.core.verbs.gates import ListPolicies
from muniment.core.verbs.log import GetProof
from muniment.core.verbs.proposals import (
    DecideProposal,
    ListProposals,
    Proposal,
    ProposeChange,
    WithdrawProposal,
)
from muniment.core.verbs.verb import Command
from muniment.policies.documents import MAX_POLICY_BYTES, decode_policy
from muniment.signing.bundle import sign_statement
from muniment.signing.keys import Identity
from muniment.signing.statements import write
from muniment.views.proposals import view_proposal, view_proposals
from muniment.views.view import View


class Proposals:
    """Changes to protected policies, which take effect once people have approved them.

    `registry.policies` and `registry.remove_alias` propose what they may not do at once.
    """

    def __init__(self, session: Session) -> None:
        """Use a session."""
        self._session = session
        self._backend = session.backend

    def __repr__(self) -> str:
        """Name the registry."""
        return f"<Proposals of {self._backend.location}>"

    def list(self, namespace: str, *, closed: bool = False, at: str | None = None) -> list[Proposal]:
        """List the proposals in a namespace that wait for somebody, oldest first; with `closed`, all.

        With a time, list those of then.
        """
        query = ListProposals(namespace=namespace, closed=closed, at=self._backend.past(at))
        return [*read_all(self._backend, query)]

    def get(self, entry: int, *, at: str | None = None) -> Proposal:
        """Return a proposal by its entry, now or at a time.

        Raises:
            RequestNotFound: the entry is no proposal.
            EventNotFound: there is no such entry, or we may not read it.
        """
        return _get(self._backend, entry, self._backend.past(at))

    def approve(self, entry: int, reason: str, *, signer: Signer | None = None) -> Receipt:
        """Sign our approval of a proposal; with the last one that it needs, the change takes effect.

        Raises:
            NotYoursToDecide: we proposed it, made a newer version than the alias holds, or lack the role.
            ProposalStale: what it would change is no longer as it was.
        """
        return self._decide(entry, ProposalDecision.APPROVE, reason, signer)

    def reject(self, entry: int, reason: str, *, signer: Signer | None = None) -> Receipt:
        """Sign our rejection of a proposal, which stops it until we withdraw that.

        Raises:
            NotYoursToDecide: we proposed it, or lack the role.
        """
        return self._decide(entry, ProposalDecision.REJECT, reason, signer)

    def withdraw(self, entry: int, reason: str, *, signer: Signer | None = None) -> Receipt:
        """Withdraw our own proposal, or our decision about somebody else's.

        Raises:
            NotYoursToDecide: we have decided nothing about it.
        """
        if self.get(entry).record.proposer == self._backend.principal:
            return self._backend.execute(WithdrawProposal(proposal=entry, reason=Payload.of(reason)))
        return self._decide(entry, ProposalDecision.WITHDRAW, reason, signer)

    def break_glass(self, entry: int, reason: str, *, signer: Signer | None = None) -> Receipt:
        """Let a proposal take effect without approval in an emergency, as its policies allow.

        Somebody else must close the emergency (`registry.close_emergency`).

        Raises:
            NotYoursToDecide: a policy does not allow it, or we made a newer version than the alias holds.
        """
        return self._decide(entry, ProposalDecision.BREAK_GLASS, reason, signer)

    def view(self, namespace: str, *, closed: bool = False, at: str | None = None) -> View:
        """Show the proposals in a namespace, as `muniment proposal list` does."""
        proposals = self.list(namespace, closed=closed, at=at)
        names = find_names(self._backend, {one for each in proposals for one in _list_people(each)})
        return view_proposals(namespace, proposals, names, self._backend.time(), closed=closed)

    def view_proposal(self, entry: int, *, at: str | None = None) -> View:
        """Show a proposal and what it changes, as `muniment proposal show` does. Raises as `get`."""
        proposal = self.get(entry, at=at)
        names = find_names(self._backend, _list_people(proposal))
        differences = tuple(self._compare(proposal))
        return view_proposal(proposal, differences, names, self._backend.time())

    def _decide(self, entry: int, decision: ProposalDecision, reason: str, signer: Signer | None) -> Receipt:
        """Sign a decision about a proposal, whose proven entry says what it is."""
        proposal, why = self.get(entry), Payload.of(reason)
        said = DecidedProposal(
            proposal=entry,
            change=str(proposal.change),
            decision=decision,
            registry=self._backend.seen.verifier,
            reason=why.digest,
            nonce=why.salt,
            time=self._backend.time(),
        )
        subject = Digest.parse(proposal.record.digest)
        text = write(subject, f"proposal {entry}", said.type, said.predicate())
        by = signer or self._session.signer()
        if isinstance(by, Identity):
            bundle = sign_statement(text, by)
        else:
            bundle = by.sign(Statement(payload=text, reason=why, backend=self._backend))
        attestation = self._backend.add_documents([bundle.encode()])[0]
        command = DecideProposal(proposal=entry, decision=decision, attestation=attestation, reason=why)
        return self._backend.execute(command)

    def _compare(self, proposal: Proposal) -> Iterator[str]:
        """Say what a proposed policy would change."""
        change, record = proposal.change, proposal.record
        if change.policy is None:
            return
        query = ListPolicies(namespace=record.namespace, after=(record.base or 0) - 1, limit=1)
        before = self._backend.ask(query)
        digests = [before[0].record.digest if before else None, str(change.policy)]
        terms = [None if digest is None else self._read_terms(digest) for digest in digests]
        if terms[0] is not None and terms[1] is not None:
            yield from list_differences(terms[0], terms[1]) or ("the same in another form",)

    def _read_terms(self, digest: str) -> Terms:
        data = read_document(self._backend, Digest.parse(digest), "the policy", MAX_POLICY_BYTES)
        return read_terms(decode_policy(data), canonical.decode(data))


def make_or_propose(backend: TrustedBackend, command: Command, change: ProposedChange) -> Receipt:
    """Make a change or, if it touches a protected policy, propose it: the receipt says which.

    Raises:
        NobodyCanApprove: it would have to be approved, and nobody can.
        AlreadyProposed: it was proposed before.
    """
    try:
        return backend.execute(command)
    except ChangeNeedsApproval:
        reason = getattr(command, "reason", None)
        return backend.execute(
            ProposeChange(
                models=change.models,
                kind=change.kind,
                alias=change.alias,
                policy=change.policy,
                attestation=change.attestation,
                tier=change.tier,
                reason=reason,
            )
        )


def find_proposal(backend: TrustedBackend, receipt: Receipt) -> Proposal | None:
    """Find the proposal that a receipt is of; None if the change was made at once."""
    if isinstance(receipt.event, ProposalOpened):
        return _get(backend, receipt.index, None)
    return None


def _get(backend: TrustedBackend, entry: int, at: str | None) -> Proposal:
    event = backend.ask(GetProof(index=entry)).event
    if isinstance(event, ProposalOpened):
        namespace = event.change.models.namespace
        query = ListProposals(namespace=namespace, closed=True, after=entry - 1, limit=1, at=at)
        for found in backend.ask(query):
            if found.record.index == entry:
                return found
    raise RequestNotFound(entry=entry, kind="proposal")


def _list_people(proposal: Proposal) -> set[str]:
    """List whom a view of a proposal names."""
    return {
        proposal.record.proposer,
        *(one.record.person for one in proposal.decisions),
        *(person for need in proposal.needs for person in (*need.approved, *need.able)),
        *proposal.breakers,
        *proposal.reviewers,
        *find_ids([proposal.stale]),
    }
