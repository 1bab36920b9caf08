"""Proposals: each is over what was in force, and each decision is signed by who was to make it."""

from muniment.answers.cases import Moment
from muniment.answers.proposals import check_change, check_decision, find_proposal
from muniment.answers.protection import find_base, list_protections
from muniment.answers.signed import check_decided_by
from muniment.answers.view import View
from muniment.core.errors import LogInconsistent
from muniment.core.events import Entry, ProposalDecided, ProposalOpened


def check_proposal(view: View, entry: Entry, registry: str) -> None:
    """Check an entry that is about a proposal, or that can touch a protected policy.

    Raises:
        LogInconsistent: it is over something else than what was in force, or its proposal may not take
            effect. NotYoursToDecide, ProposalStale: the decision was not for its actor to make. Others as
            `check_decided_by`.
    """
    match entry.event:
        case ProposalOpened() as event:
            _check_opened(view, event)
        case ProposalDecided() as event:
            _check_decided(view, entry, event, registry)
        case _:
            check_change(view, entry, registry)


def _check_opened(view: View, event: ProposalOpened) -> None:
    protections = tuple(guard.record.index for guard in list_protections(view, event.change))
    if not protections or protections != event.protections:
        raise LogInconsistent(
            reason=f"it touches the policies {protections}, and it says {event.protections}"
        )
    base = find_base(view, event.change)
    if base != event.base:
        raise LogInconsistent(reason=f"it would replace entry {base}, and it says {event.base}")


def _check_decided(view: View, entry: Entry, event: ProposalDecided, registry: str) -> None:
    record = find_proposal(view, event.namespace, event.proposal)
    if record is None or record.closed is not None:
        raise LogInconsistent(reason=f"entry {event.proposal} is no open proposal")
    moment = Moment(registry, entry.when)
    check_decision(view, record, event.decision, entry.actor, moment)
    check_decided_by(view, record, event.decision, event.attestation, event.reason, entry.actor, moment)
