"""`muniment show`."""

from collections.abc import Mapping
from typing import Final

import click

from muniment.cli.gates.standing import describe_state
from muniment.cli.session import connect, find_names
from muniment.cli.terminal import Terminal, at_option, json_option
from muniment.client.proofs.checking import find_withdrawn
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.canonical import JsonObject
from muniment.core.claims.attestations import SCAN, kind_of
from muniment.core.claims.scans import Scan
from muniment.core.counting import count
from muniment.core.records import AttestationRecord
from muniment.core.verbs.versions import VersionDetail

# The others are in the answer of --json.
_MOST_FOUND: Final = 10


@click.command()
@click.argument("reference")
@at_option
@json_option
@click.pass_obj
def show(terminal: Terminal, reference: str, at: str | None) -> None:
    """Show what is known about a version.

    REFERENCE is namespace/model[@NUMBER|@ALIAS|@latest|@sha256:...].
    """
    with connect(terminal) as registry:
        version = registry.version(reference, at=at)
        document, lines = _describe(registry, version)
    terminal.answer(document, lines)


def _describe(registry: Registry, version: Version) -> tuple[JsonObject, list[str]]:
    detail = version.describe()
    record, revision = version.record, version.revision()
    withdrawn = find_withdrawn(version.session.backend, detail.attestations, record, revision)
    scans = _find_scans(version, detail)
    owners = registry.owners(record.name, at=version.at)
    owner = owners[-1].owner if owners else None
    signers = [claim.signer for claim in detail.attestations]
    names = find_names(registry, [record.author, *signers, *([owner] if owner else [])])
    document: JsonObject = {
        "version": str(version),
        "digest": record.revision,
        "author": record.author,
        "owner": owner,
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
        "scans": [scan.predicate for scan in scans],
        "attestations": [
            {**claim.values(), "kind": kind_of(claim.predicate_type)} for claim in detail.attestations
        ],
        "reasons": dict(detail.reasons),
    }
    author = names.get(record.author, record.author)
    lines = [
        f"{version}  {', '.join(detail.aliases)}".rstrip(),
        *describe_state(version, detail, names),
        f"  digest     {record.revision}",
        f"  published  {record.published} by {author}, entry {record.index}",
        *([] if owner is None else [f"  owner      {names.get(owner, owner)}"]),
        *([f"  message    {detail.message}"] if detail.message else []),
        *(
            f"  file       {file.path}  {count(file.size_bytes, 'byte')}  {file.digest}"
            for file in revision.files
        ),
        *(line for claim in detail.attestations for line in _describe_claim(claim, detail, withdrawn, names)),
        *(line for scan in scans for line in _describe_scan(scan)),
    ]
    return document, lines


def _find_scans(version: Version, detail: VersionDetail) -> list[Scan]:
    """Read the newest scan by each tool, checked."""
    if not any(claim.predicate_type == SCAN for claim in detail.attestations):
        return []
    scans = [Scan(claim.predicate) for claim in version.claims(SCAN)]
    return list({scan.tool: scan for scan in scans}.values())


def _describe_scan(scan: Scan) -> list[str]:
    lines = scan.lines
    summary = f"{len(lines)} found, the worst {scan.worst}" if lines else "nothing found"
    return [
        f"  scanned    by {scan.tool}, {scan.time}: {summary}",
        *(f"    {line}" for line in lines[:_MOST_FOUND]),
    ]


def _describe_claim(
    claim: AttestationRecord,
    detail: VersionDetail,
    withdrawn: Mapping[int, AttestationRecord],
    names: Mapping[str, str],
) -> list[str]:
    kind, signer = kind_of(claim.predicate_type), names.get(claim.signer, claim.signer)
    label = f"unknown ({claim.predicate_type})" if kind == "unknown" else kind
    lines = [f"  {label}  {claim.digest:.19} by {signer}, entry {claim.index}"]
    by = withdrawn.get(claim.index)
    if by is not None:
        reason = detail.reasons.get(by.digest, "(erased)")
        lines.append(f"    WITHDRAWN  {by.recorded} by {signer}, entry {by.index}: {reason}")
    return lines
