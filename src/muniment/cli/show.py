"""`muniment show`."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import click

from muniment.cli.session import connect, name_people
from muniment.cli.terminal import Terminal, json_option
from muniment.client.registry import Registry
from muniment.client.version import Version
from muniment.core.approvals import Decision, last_acts
from muniment.core.attestations import EXCEPTION, Attestation, kind_of
from muniment.core.canonical import JsonObject
from muniment.core.exceptions import Waiver
from muniment.core.queries import VersionDetail
from muniment.core.records import AttestationRecord, MoveRecord
from muniment.core.statuses import Status
from muniment.core.times import read_time, write_time

_SAID: Final = {
    Decision.APPROVE: "approved",
    Decision.REJECT: "rejected",
    Decision.WITHDRAW: "withdrawn",
}


@click.command()
@click.argument("reference")
@click.option("--at", metavar="TIME", help="As it was then (RFC 3339).")
@json_option
@click.pass_obj
def show(terminal: Terminal, reference: str, at: str | None) -> None:
    """Show what is known of REFERENCE: namespace/model[@number|@alias|@latest|@sha256:...]."""
    with connect(terminal) as registry:
        version = registry.version(reference, at=at)
        document, lines = _describe(registry, version)
    terminal.answer(document, lines)


def _describe(registry: Registry, version: Version) -> tuple[JsonObject, list[str]]:
    detail = version.describe()
    names = name_people(registry)
    record, revision = version.record, version.revision()
    document: JsonObject = {
        "version": str(version),
        "digest": record.revision,
        "author": record.author,
        "published": record.published,
        "message": detail.message,
        "aliases": list(detail.aliases),
        "entry": record.index,
        "superseded": [move.values() for move in detail.superseded],
        "status": None if detail.status is None else {**detail.status.values(), "text": detail.status_reason},
        "retention": None if detail.retention is None else detail.retention.values(),
        "files": [
            {"path": file.path, "digest": str(file.digest), "size": file.size_bytes}
            for file in revision.files
        ],
        "attestations": [
            {**claim.values(), "kind": kind_of(claim.predicate_type)} for claim in detail.attestations
        ],
    }
    author = names.get(record.author, record.author)
    lines = [
        f"{version}  {', '.join(detail.aliases)}".rstrip(),
        *_describe_state(detail),
        *_describe_exceptions(version, detail, names),
        f"  digest     {record.revision}",
        f"  published  {record.published} by {author}, entry {record.index}",
        *([f"  message    {detail.message}"] if detail.message else []),
        *(f"  file       {file.path}  {file.size_bytes} bytes  {file.digest}" for file in revision.files),
        *(f"  {_describe_claim(claim, names)}" for claim in detail.attestations),
    ]
    return document, lines


def _describe_state(detail: VersionDetail) -> list[str]:
    """Say first what nobody must overlook: what became of it, what it is kept for, exceptions made for it."""
    status, kept = detail.status, detail.retention
    lines = []
    if status is not None and status.status != Status.PUBLISHED:
        lines.append(f"  {status.status.upper()}  {status.set}: {detail.status_reason or '(erased)'}")
    lines += [
        f"  superseded  {move.alias} went to version {move.number}, {move.moved}, entry {move.index}"
        for move in detail.superseded
    ]
    lines += [_describe_emergency(move) for move in detail.emergencies]
    if kept is not None:
        hold = "under a legal hold, " if kept.hold else ""
        lines.append(f"  kept       {hold}until {kept.until or 'no set time'}")
    return lines


def _describe_exceptions(version: Version, detail: VersionDetail, names: Mapping[str, str]) -> list[str]:
    """Say which rules are let be, until when, and by whose word: whether anybody approved it, or nobody."""
    if not any(claim.predicate_type == EXCEPTION for claim in detail.attestations):
        return []
    claims = version.claims()
    asked = [claim for claim in claims if claim.predicate_type == EXCEPTION]
    return [line for claim in asked for line in _describe_exception(version, claim, claims, names)]


def _describe_exception(
    version: Version, claim: Attestation, claims: Sequence[Attestation], names: Mapping[str, str]
) -> list[str]:
    waiver, digest = Waiver.read(claim.predicate), str(claim.digest)
    acts = last_acts(claims, str(version), waiver.alias, digest).values()
    said = [
        f"{_SAID[act.approval.decision]} by {names.get(act.claim.signer, act.claim.signer)}" for act in acts
    ]
    ended = ", which is over" if read_time(waiver.until) <= datetime.now(UTC) else ""
    return [
        f"  EXCEPTION  to {', '.join(sorted(waiver.rules))} for {waiver.alias}",
        f"             until {waiver.until}{ended}; {', '.join(said) or 'approved by nobody yet'}",
        f"             {digest}, entry {claim.index}",
    ]


def _describe_emergency(move: MoveRecord) -> str:
    overdue = move.due is not None and move.due < write_time(datetime.now(UTC))
    due = f"its review is OVERDUE since {move.due}" if overdue else f"to be reviewed until {move.due}"
    line = f"  EMERGENCY  {move.alias} was moved past its gate, entry {move.index}, {due}"
    return click.style(line, fg="red") if overdue else line


def _describe_claim(claim: AttestationRecord, names: Mapping[str, str]) -> str:
    kind = kind_of(claim.predicate_type)
    label = f"unknown ({claim.predicate_type})" if kind == "unknown" else kind
    return f"{label}  {claim.digest:.19} by {names.get(claim.signer, claim.signer)}, entry {claim.index}"
