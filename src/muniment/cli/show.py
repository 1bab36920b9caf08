"""`muniment show`."""

from collections.abc import Mapping
from datetime import UTC, datetime

import click

from muniment.cli.session import connect
from muniment.cli.terminal import Terminal, json_option
from muniment.client.registry import Registry
from muniment.client.version import Version
from muniment.core.attestations import EXCEPTION, kind_of
from muniment.core.canonical import JsonObject
from muniment.core.queries import VersionDetail
from muniment.core.records import AttestationRecord, MoveRecord
from muniment.core.statuses import Status
from muniment.core.times import write_time


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
    names = {person.record.id: person.name or person.record.id for person in registry.people.list()}
    record, revision = version.record, version.revision()
    document: JsonObject = {
        "version": str(version),
        "digest": record.revision,
        "author": record.author,
        "published": record.published,
        "message": detail.message,
        "aliases": list(detail.aliases),
        "entry": record.index,
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
        f"  EXCEPTION  {claim.digest} asked for, entry {claim.index}"
        for claim in detail.attestations
        if claim.predicate_type == EXCEPTION
    ]
    lines += [_describe_emergency(move) for move in detail.emergencies]
    if kept is not None:
        hold = "under a legal hold, " if kept.hold else ""
        lines.append(f"  kept       {hold}until {kept.until or 'no set time'}")
    return lines


def _describe_emergency(move: MoveRecord) -> str:
    overdue = move.due is not None and move.due < write_time(datetime.now(UTC))
    due = f"its review is OVERDUE since {move.due}" if overdue else f"to be reviewed until {move.due}"
    line = f"  EMERGENCY  {move.alias} was moved past its gate, entry {move.index}, {due}"
    return click.style(line, fg="red") if overdue else line


def _describe_claim(claim: AttestationRecord, names: Mapping[str, str]) -> str:
    kind = kind_of(claim.predicate_type)
    label = f"unknown ({claim.predicate_type})" if kind == "unknown" else kind
    return f"{label}  {claim.digest:.19} by {names.get(claim.signer, claim.signer)}, entry {claim.index}"
