"""The part of the checks of a backend that is about proposals."""

from muniment.core.backend import Backend
from muniment.core.canonical import JsonObject
from muniment.core.claims.proposals import ChangeKind, ProposalDecision
from muniment.core.errors import ChangeNeedsApproval, NotYoursToDecide, PolicyNotFound, RequestNotFound
from muniment.core.events import PolicyEnded, ProposalDecided, ProposalOpened
from muniment.core.names import Alias
from muniment.core.payloads import Payload
from muniment.core.verbs.gates import EndPolicy, GetPolicies
from muniment.core.verbs.inbox import GetInbox
from muniment.core.verbs.log import GetProof
from muniment.core.verbs.proposals import ListEmergencies, ListProposals, ProposeChange, WithdrawProposal
from muniment.signing.keys import Identity
from muniment.testing.backends import MODELS, NAME, OpenAs, decide, refuses, set_policy


def check_proposals(backend: Backend, open_as: OpenAs, owner: Identity, validator: Identity) -> None:
    """A change to a protected policy is proposed, approved by somebody else, and takes effect with that."""
    guarded, theirs = Alias("guarded"), open_as(validator)
    rule: JsonObject = {"rule": "signature"}
    set_policy(backend, owner, rule, alias=guarded, protected={"role": "validator"})
    end = EndPolicy(models=MODELS, alias=guarded, reason=Payload.of("no longer needed"))
    refuses(lambda: backend.execute(end), ChangeNeedsApproval)
    propose = ProposeChange(
        models=MODELS, kind=ChangeKind.END_POLICY, alias=guarded, reason=Payload.of("no longer needed")
    )
    first = backend.execute(propose).index
    backend.execute(WithdrawProposal(proposal=first, reason=Payload.of("not yet")))
    refuses(lambda: decide(theirs, validator, first), RequestNotFound)
    opened = backend.execute(propose)
    assert opened.read(ProposalOpened).change == propose.change
    assert [one.record.index for one in backend.ask(ListProposals(namespace="acme"))] == [opened.index]
    assert "proposal" in {one.kind for one in theirs.ask(GetInbox())}
    refuses(lambda: decide(backend, owner, opened.index), NotYoursToDecide)
    decide(theirs, validator, opened.index, ProposalDecision.REJECT)
    decide(theirs, validator, opened.index, ProposalDecision.WITHDRAW)
    approved = decide(theirs, validator, opened.index)
    assert approved.read(ProposalDecided).decision is ProposalDecision.APPROVE
    made = backend.ask(ListProposals(namespace="acme", closed=True))[-1].record
    assert made.closed is not None
    assert made.closed > approved.index
    done = backend.ask(GetProof(index=made.closed)).read(PolicyEnded)
    assert done.proposal is not None
    assert done.proposal.entry == opened.index
    refuses(lambda: backend.ask(GetPolicies(name=NAME, alias=guarded)), PolicyNotFound)
    states = [one.state for one in backend.ask(ListProposals(namespace="acme", closed=True))]
    assert states == ["withdrawn", "approved"]
    assert backend.ask(ListEmergencies(name=NAME)) == ()
