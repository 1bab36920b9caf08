"""What people should do, or know, about proposals: items of their inboxes."""

from collections.abc import Iterator

from muniment.core.gates.inbox import InboxItem, ItemKind
from muniment.core.verbs.proposals import Proposal


def list_proposal_items(proposal: Proposal, me: str, time: str) -> Iterator[InboxItem]:
    """List what a person has to do about a proposal, or should know of it; nobody can take that away.

    Who can approve it has a task. Of an emergency everybody is told until somebody has looked at it, and
    who can look at it has a task. The proposer hears what became of it.
    """
    record = proposal.record
    needs = [need for need in proposal.needs if not need.is_met]
    roles = [need.role for need in needs if me in need.able]
    if proposal.state == "open" and roles:
        what = f"it is proposed to {proposal.change}, and your approval would count"
        yield _item(
            proposal,
            time,
            ItemKind.PROPOSAL,
            record.proposer,
            what,
            proposal.reason,
            record.opened,
            str(roles[0]),
        )
    if not proposal.decisions:
        return
    newest = proposal.decisions[-1]
    who, why, since = newest.record.person, newest.reason, newest.record.decided
    if record.is_unreviewed:
        kind = ItemKind.PROPOSAL_CLOSING if me in proposal.reviewers else ItemKind.PROPOSAL_EMERGENCY
        what = f"it took effect without approval, in an emergency, to {proposal.change}"
        yield _item(proposal, time, kind, who, what, why, since)
    elif me == record.proposer and who != me and proposal.state in {"approved", "emergency", "rejected"}:
        done = "was rejected" if proposal.state == "rejected" else "took effect"
        what = f"your proposal to {proposal.change} {done}"
        yield _item(proposal, time, ItemKind.PROPOSAL_ANSWER, who, what, why, since)


def _item(  # noqa: PLR0913, PLR0917 - the data of an item
    proposal: Proposal,
    time: str,
    kind: ItemKind,
    who: str,
    what: str,
    text: str | None,
    since: str,
    role: str = "",
) -> InboxItem:
    record = proposal.record
    due = record.due if kind is not ItemKind.PROPOSAL_ANSWER else None
    return InboxItem(
        kind=kind,
        reference=record.models,
        alias=record.alias or "",
        who=who,
        what=what,
        text=text,
        claim="",
        role=role,
        since=since,
        due=due,
        overdue=due is not None and due <= time,
        entry=record.index,
    )
