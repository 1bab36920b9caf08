"""Proposals: which changes to protected policies wait for whom, and what was decided."""

from collections.abc import Iterable, Mapping, Sequence

from muniment.core.claims.proposals import ProposalDecision
from muniment.core.digests import Digest
from muniment.core.naming import put_names
from muniment.core.verbs.proposals import Decided, Need, Proposal
from muniment.views.listing import view_list
from muniment.views.values import Time, name_people, read_text, write_minute
from muniment.views.view import (
    Chip,
    Column,
    Fact,
    Facts,
    Mark,
    Row,
    Section,
    Table,
    Tone,
    View,
    Vouched,
)

_TONES = {
    "open": Tone.WARN,
    "approved": Tone.GOOD,
    "emergency": Tone.BAD,
    "rejected": Tone.BAD,
    "stale": Tone.WARN,
}
_DID = {
    ProposalDecision.APPROVE: "approved",
    ProposalDecision.REJECT: "REJECTED",
    ProposalDecision.WITHDRAW: "withdrew their decision",
    ProposalDecision.BREAK_GLASS: "BROKE THE GLASS",
}


def view_proposals(
    namespace: str, proposals: Sequence[Proposal], names: Mapping[str, str], now: str, *, closed: bool
) -> View:
    """Show the proposals in a namespace that wait for somebody or, with `closed`, all, oldest first."""
    which = "proposals" if closed else "open proposals (--closed lists the others)"
    columns = (
        Column("change", "change"),
        Column("proposer", "by"),
        Column("opened", "age"),
        Column("state", "state"),
        Column("waits", "waits for", below=True),
        Column("text", "why", below=True),
        Column("entry", "entry", is_drawn=False),
        Column("closed", "closed by entry", is_drawn=False),
    )
    return view_list(
        "proposals",
        namespace,
        columns,
        [_view_row(one, names) for one in proposals],
        now,
        heading="Proposals",
        empty=f"no {which} in {namespace}: a change to a protected policy makes one",
        commands=[f"muniment proposal show {one.record.index}" for one in proposals],
    )


def _view_row(proposal: Proposal, names: Mapping[str, str]) -> Row:
    record = proposal.record
    return Row(
        cells=(
            str(proposal.change),
            name_people(names, record.proposer),
            Time(record.opened),
            proposal.state,
            say_waiting(proposal, names) or None,
            read_text(record.reason, proposal.reason),
            record.index,
            record.closed,
        ),
        vouched=Vouched(Mark.RECORDED, record.index),
        tone=_TONES.get(proposal.state, Tone.PLAIN),
    )


def view_proposal(proposal: Proposal, differences: Sequence[str], names: Mapping[str, str], now: str) -> View:
    """Show a proposal: what it changes, what it waits for, and who decided what."""
    record = proposal.record
    return View(
        kind="proposal",
        title=f"Proposal {record.index}: {proposal.change}",
        lead=say_waiting(proposal, names),
        now=now,
        chips=(Chip(proposal.state, _TONES.get(proposal.state, Tone.PLAIN)),),
        facts=(
            Fact(key="entry", label="entry", value=record.index),
            Fact(key="state", label="state", value=proposal.state),
        ),
        sections=(
            _view_change(proposal, differences, names),
            *([_view_needs(proposal.needs, names)] if proposal.needs else []),
            *([_view_helpers(proposal, names)] if proposal.breakers or proposal.reviewers else []),
            _view_decisions(proposal.decisions, names),
        ),
        next=tuple(_list_commands(proposal)),
    )


def _view_change(proposal: Proposal, differences: Sequence[str], names: Mapping[str, str]) -> Section:
    record, change = proposal.record, proposal.change
    recorded, checked = Vouched(Mark.RECORDED, record.index), Vouched(Mark.CHECKED)
    closed = None if record.closed is None else Vouched(Mark.RECORDED, record.closed)
    facts = (
        Fact(key="change", label="change", value=str(change), vouched=recorded),
        Fact(key="policy", label="policy", value=change.policy, vouched=recorded),
        Fact(key="differences", label="what changes", value=tuple(differences) or None, vouched=checked),
        Fact(
            key="proposed",
            label="proposed",
            value=(Time(record.opened), name_people(names, record.proposer)),
            vouched=recorded,
        ),
        Fact(key="text", label="why", value=read_text(record.reason, proposal.reason), vouched=recorded),
        Fact(key="closed", label="closed by entry", value=record.closed, vouched=closed),
    )
    given = tuple(fact for fact in facts if fact.value is not None)
    return Section(key="change", title="What it changes", blocks=(Facts(given),))


def say_waiting(proposal: Proposal, names: Mapping[str, str]) -> str:
    """Say what a proposal waits for; empty if it waits for nothing."""
    record = proposal.record
    if record.is_unreviewed:
        by = write_minute(record.due or "")
        return f"it took effect in an emergency; somebody else must look at it by {by}"
    if record.closed is not None:
        return ""
    if proposal.stale:
        return f"it no longer fits what is in force: {put_names(proposal.stale, names)}"
    if proposal.rejecters:
        return f"rejected by {_list_names(proposal.rejecters, names)}, until they withdraw that"
    return "; ".join(_say_need(need, names) for need in proposal.needs if not need.is_met)


def _say_need(need: Need, names: Mapping[str, str]) -> str:
    who = f"{_list_names(need.able, names)} can approve" if need.able else "nobody can approve it now"
    return f"{len(need.approved)} of {need.n} in the role {need.role} approved; {who}"


def _view_needs(needs: Sequence[Need], names: Mapping[str, str]) -> Section:
    columns = (
        Column("policy", "protected policy"),
        Column("role", "role"),
        Column("n", "asks for", is_number=True),
        Column("approved", "approved by"),
        Column("able", "can approve"),
    )
    rows = tuple(
        Row(
            cells=(
                f"{need.models}@{need.alias}",
                str(need.role),
                need.n,
                tuple(name_people(names, one) for one in need.approved) or None,
                tuple(name_people(names, one) for one in need.able) or None,
            ),
            vouched=Vouched(Mark.CHECKED),
            tone=Tone.GOOD if need.is_met else Tone.WARN,
        )
        for need in needs
    )
    return Section(
        key="needs", title="What it waits for", blocks=(Table(key="needs", columns=columns, rows=rows),)
    )


def _view_helpers(proposal: Proposal, names: Mapping[str, str]) -> Section:
    facts = [
        Fact(key=key, label=label, value=tuple(name_people(names, one) for one in people))
        for key, label, people in (
            ("breakers", "can break the glass", proposal.breakers),
            ("reviewers", "can close the emergency", proposal.reviewers),
        )
        if people
    ]
    return Section(key="emergency", title="In an emergency", blocks=(Facts(tuple(facts)),))


def _view_decisions(decisions: Sequence[Decided], names: Mapping[str, str]) -> Section:
    columns = (
        Column("person", "who"),
        Column("decision", "did"),
        Column("decided", "age"),
        Column("attestation", "claim", in_full=True),
        Column("text", "why", below=True),
    )
    rows = tuple(
        Row(
            cells=(
                name_people(names, one.record.person),
                _DID[ProposalDecision(one.record.decision)],
                Time(one.record.decided),
                Digest.parse(one.record.attestation),
                read_text(one.record.reason, one.reason),
            ),
            vouched=Vouched(Mark.RECORDED, one.record.index),
        )
        for one in decisions
    )
    return Section(
        key="decisions",
        title="Decisions",
        blocks=(Table(key="decisions", columns=columns, rows=rows),),
        empty="nobody has decided anything yet",
    )


def _list_commands(proposal: Proposal) -> Iterable[str]:
    entry = proposal.record.index
    if proposal.state == "open":
        yield f"muniment proposal approve {entry} --reason TEXT"
        yield f"muniment proposal reject {entry} --reason TEXT"
    if proposal.record.is_unreviewed:
        yield f"muniment close-emergency {entry} --reason TEXT"


def _list_names(people: Iterable[str], names: Mapping[str, str]) -> str:
    return ", ".join(put_names(one, names) for one in people)
