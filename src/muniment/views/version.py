"""A version: what it is, how good, where from, what its gates ask, who said what, what runs it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from muniment.core.bytes.formats import format_of
from muniment.core.catalog.statuses import WITHDRAWN, Status
from muniment.core.claims.attestations import (
    CARD,
    CONTENT,
    PROVENANCE,
    REPRODUCTION,
    SCAN,
    kind_of,
)
from muniment.core.claims.cards import Card
from muniment.core.claims.scans import Scan
from muniment.core.counting import count
from muniment.core.digests import Digest
from muniment.core.gates.policy import Gate
from muniment.core.records import DeploymentRecord, VersionRecord
from muniment.views.gate import view_rules
from muniment.views.material import VersionMaterial
from muniment.views.metrics import view_metrics
from muniment.views.news import view_news
from muniment.views.standing import Asked, list_waivers
from muniment.views.story import (
    DECIDED,
    tell_claims,
    tell_comments,
    tell_moves,
    tell_requests,
    tell_status,
    tell_withdrawals,
    view_story,
)
from muniment.views.training import view_training
from muniment.views.values import Phrase, Size, Time, Value, name_people, write
from muniment.views.view import (
    Block,
    Chip,
    Column,
    Fact,
    Facts,
    Mark,
    Row,
    Seal,
    Section,
    Table,
    Tone,
    View,
    Vouched,
)

_MOST_FILES: Final = 5
_STATUS_TONES: Final = {
    Status.DEPRECATED: Tone.WARN,
    Status.RETIRED: Tone.WARN,
    Status.REVOKED: Tone.BAD,
    Status.PURGED: Tone.BAD,
}


def view_version(material: VersionMaterial, seal: Seal, now: str) -> View:
    """Show a version."""
    detail = material.detail
    return View(
        kind="version",
        title=material.reference,
        now=now,
        lead=_find_lead(material),
        chips=tuple(_list_chips(material)),
        seal=seal,
        sections=(
            Section(
                key="notes", title="Not to be overlooked", blocks=(Facts(tuple(_list_notes(material, now))),)
            ),
            _view_content(material),
            view_metrics(material.claims, material.rivals, material.first),
            view_training(material.newest(PROVENANCE)),
            _view_gates(material),
            view_story(
                [
                    *tell_claims(
                        material.claims,
                        detail.attestations,
                        detail.reasons,
                        [move.record for move in material.moves],
                        material.names,
                        material.faults,
                    ),
                    *tell_withdrawals(
                        material.withdrawn,
                        detail.attestations,
                        detail.reasons,
                        material.names,
                    ),
                    *tell_moves(material.moves, material.record.number, material.names),
                    *tell_requests(material.requests, material.names),
                    *tell_comments(material.comments, material.names),
                    *tell_status(detail.status, detail.status_reason, material.names),
                ],
                material.reference,
            ),
            _view_security(material),
            _view_deployments(material),
            view_news(material),
            _view_claims(material),
        ),
        next=_find_next(material, now),
    )


def _find_lead(material: VersionMaterial) -> str:
    if material.detail.message is not None or material.record.message is None:
        return material.detail.message or ""
    return "(erased)"


def _list_chips(material: VersionMaterial) -> Iterator[Chip]:
    status = Status.PUBLISHED if material.detail.status is None else Status(material.detail.status.status)
    if status is not Status.PUBLISHED:
        yield Chip(str(status), _STATUS_TONES[status])
    for alias in material.detail.aliases:
        yield Chip(alias, Tone.GOOD)
    for request in material.requests:
        if request.record.closed is None:
            yield Chip(f"requested for {request.record.alias}", Tone.WARN)
    if material.tier is not None:
        yield Chip(f"{material.tier} risk")
    for name, text in material.tags.items():
        yield Chip(f"{name}: {text}")


def _list_notes(material: VersionMaterial, now: str) -> Iterator[Fact]:
    """List what nobody should overlook."""
    detail = material.detail
    status = detail.status
    if status is not None and status.status != Status.PUBLISHED:
        yield Fact(
            key="status",
            label=status.status.upper(),
            value=(Time(status.set), detail.status_reason or "(erased)"),
            vouched=Vouched(Mark.RECORDED, status.index),
            tone=_STATUS_TONES[Status(status.status)],
        )
    for move in detail.superseded:
        went = "was removed" if move.number is None else f"went to version {move.number}"
        yield Fact(
            key=f"superseded_{move.alias}",
            label="superseded",
            value=(f"{move.alias} {went}", Time(move.moved)),
            vouched=Vouched(Mark.RECORDED, move.index),
        )
    for move in detail.emergencies:
        due: tuple[Value, ...] = ()
        if move.due is not None:
            end = Time(move.due)
            due = ("OVERDUE", end) if move.due < now else (Phrase("to be closed", end),)
        yield Fact(
            key=f"emergency_{move.index}",
            label="EMERGENCY",
            value=(f"{move.alias} was moved past its gate", *due),
            vouched=Vouched(Mark.RECORDED, move.index),
            tone=Tone.BAD,
        )
    kept = detail.retention
    if kept is not None:
        hold = "under a legal hold, " if kept.hold else ""
        yield Fact(
            key="kept",
            label="kept",
            value=f"{hold}until {kept.until or 'no set time'}",
            vouched=Vouched(Mark.RECORDED, kept.index),
        )
    for asked in list_waivers(material.claims, material.reference, now):
        yield _note_waiver(asked, material.names)


def _note_waiver(asked: Asked, names: Mapping[str, str]) -> Fact:
    waiver = asked.waiver
    decisions = tuple(
        f"{DECIDED[one.approval.decision]} by {write(name_people(names, one.claim.signer))}"
        for one in asked.approvals
    )
    ends = Time(waiver.until)
    until = ("expired", ends) if asked.ended else (Phrase("ends", ends),)
    rules = f"of {', '.join(sorted(waiver.rules))} for {waiver.alias}"
    return Fact(
        key=f"waiver_{asked.entry}",
        label="WAIVER",
        value=(rules, *until, *(decisions or ("not approved yet",)), Digest.parse(asked.digest)),
        vouched=Vouched(Mark.RECORDED, asked.entry),
        tone=Tone.WARN,
    )


def _view_content(material: VersionMaterial) -> Section:
    record, files = material.record, material.revision.files
    card = material.newest(CARD)
    facts = [
        Fact(
            key="published",
            label="published",
            value=(Time(record.published), name_people(material.names, record.author)),
            vouched=Vouched(Mark.RECORDED, record.index),
        ),
        Fact(
            key="digest", label="digest", value=Digest.parse(record.revision), vouched=Vouched(Mark.CHECKED)
        ),
    ]
    if material.owner is not None:
        owner = name_people(material.names, material.owner)
        facts.append(Fact(key="owner", label="owner", value=owner, vouched=Vouched(Mark.RECORDED)))
    if card is not None:
        stated = Vouched(Mark.STATED, card.index)
        said = Card.read(card.predicate)
        shown = (("licence", "licence", said.licence), ("use", "intended use", said.intended_use))
        facts += [
            Fact(key=key, label=label, value=text, vouched=stated) for key, label, text in shown if text
        ]
    rows = tuple(
        Row(
            cells=(file.path, str(format_of(file.path)), Size(file.size_bytes), file.digest),
            vouched=Vouched(Mark.CHECKED),
        )
        for file in files
    )
    columns = (
        Column("path", "path"),
        Column("format", "format"),
        Column("size", "size", is_number=True),
        Column("digest", "digest", in_full=True),
    )
    return Section(
        key="content",
        title="What it is",
        note=f"{count(len(files), 'file')}, {write(Size(record.size_bytes))}",
        aside=True,
        blocks=(Facts(tuple(facts)), Table(key="files", columns=columns, rows=rows, most=_MOST_FILES)),
    )


def _view_gates(material: VersionMaterial) -> Section:
    tables = tuple(_view_gate(gate, material.names) for gate in material.gates)
    return Section(key="gates", title="What the gates ask", blocks=tables)


def _view_gate(gate: Gate, names: Mapping[str, str]) -> Block:
    table = view_rules(gate, names, only_unmet=True)
    moves = "may move here" if gate.passed else "stays where it is"
    met = sum(row.tone is not Tone.BAD for row in table.rows)
    title = f"{gate.alias} {moves}: {met} of {count(len(table.rows), 'rule')} met"
    return replace(table, key=gate.alias, title=title)


def _view_security(material: VersionMaterial) -> Section:
    signatures = [claim for claim in material.of_type(CONTENT) if claim.signer == material.record.author]
    facts: list[Fact] = []
    if signatures:
        signed = signatures[-1]
        facts.append(
            Fact(
                key="signed",
                label="signed",
                value=(name_people(material.names, signed.signer), f"with a {signed.assurance}"),
                vouched=Vouched(Mark.CHECKED, signed.index),
            )
        )
    else:
        facts.append(
            Fact(
                key="signed",
                label="signed",
                value="not by its author",
                tone=Tone.BAD,
                vouched=Vouched(Mark.CHECKED),
            )
        )
    scans = {Scan(claim.predicate).tool: claim for claim in material.of_type(SCAN)}
    for tool, claim in scans.items():
        scan = Scan(claim.predicate)
        found = f"{len(scan.lines)} found, the worst {scan.worst}" if scan.lines else "nothing found"
        facts.append(
            Fact(
                key=f"scan_{tool}",
                label=f"scanned by {tool}",
                value=(found, Time(scan.time), *scan.lines[:3]),
                vouched=Vouched(Mark.STATED, claim.index),
                tone=Tone.BAD if scan.lines else Tone.PLAIN,
            )
        )
    if not scans:
        facts.append(Fact(key="scan", label="scanned", value="not yet", vouched=Vouched(Mark.CHECKED)))
    rebuilt = material.newest(REPRODUCTION)
    if rebuilt is not None:
        facts.append(
            Fact(
                key="rebuilt",
                label="rebuilt",
                value=(str(rebuilt.predicate.get("verdict")), name_people(material.names, rebuilt.signer)),
                vouched=Vouched(Mark.STATED, rebuilt.index),
            )
        )
    return Section(key="security", title="Signed and scanned", aside=True, blocks=(Facts(tuple(facts)),))


def _view_deployments(material: VersionMaterial) -> Section:
    rows = tuple(
        Row(
            cells=(one.target, one.state, Time(one.recorded), _describe_loaded(one, material.record)),
            vouched=Vouched(Mark.RECORDED, one.index),
        )
        for one in material.deployments
    )
    columns = (
        Column("target", "target"),
        Column("state", "state"),
        Column("since", "since"),
        Column("loaded", "loaded"),
    )
    return Section(
        key="deployments",
        title="What runs where",
        aside=True,
        blocks=(Table(key="targets", columns=columns, rows=rows),),
        empty=_say_idle(material),
    )


def _say_idle(material: VersionMaterial) -> str:
    """Say that a version serves nowhere, and how to record that it does, if it may."""
    status = material.detail.status
    if status is not None and Status(status.status) in WITHDRAWN:
        return "it serves nowhere that is on record"
    return f"it serves nowhere that is on record: muniment deploy {material.reference} TARGET"


def _describe_loaded(one: DeploymentRecord, record: VersionRecord) -> str:
    if one.loaded is None:
        return "not reported"
    return "these bytes" if one.loaded == record.revision else f"OTHER BYTES: {one.loaded[:19]}"


def _view_claims(material: VersionMaterial) -> Section:
    rows = tuple(
        Row(
            cells=(
                kind_of(one.predicate_type),
                one.predicate_type,
                name_people(material.names, one.signer),
                Time(one.recorded),
                Digest.parse(one.digest),
                "withdrawn" if one.index in material.withdrawn else "",
            ),
            vouched=Vouched(Mark.RECORDED, one.index),
            tone=Tone.WARN if one.index in material.withdrawn else Tone.PLAIN,
        )
        for one in material.detail.attestations
    )
    columns = (
        Column("kind", "kind"),
        Column("type", "type"),
        Column("signer", "by"),
        Column("recorded", "recorded"),
        Column("digest", "digest"),
        Column("standing", ""),
    )
    return Section(
        key="claims",
        title="Claims",
        note=f"{count(len(rows), 'claim')} on record",
        blocks=(Table(key="list", columns=columns, rows=rows, most=0),),
        empty="no claim is on record",
    )


def _find_next(material: VersionMaterial, now: str) -> tuple[str, ...]:
    reference, acts = material.reference, {True: "promote", False: "check"}
    waived = {one.waived for gate in material.gates for verdict in gate.verdicts for one in verdict.findings}
    open_ = [
        one
        for one in list_waivers(material.claims, reference, now)
        if not (one.ended or one.rejected or one.digest in waived)
        and not (one.approved and one.waiver.alias in material.detail.aliases)
    ]
    approve = f"muniment approve {reference} --as ROLE --reason TEXT"
    waivers = [f"{approve} --for {one.waiver.alias} --waiver {one.digest}" for one in open_]
    gates = [f"muniment {acts[gate.passed]} {reference} {gate.alias}" for gate in material.gates]
    close = [f"muniment close-emergency {move.index} --reason TEXT" for move in material.detail.emergencies]
    return (*close, *waivers, *gates, f"muniment verify {reference}")
