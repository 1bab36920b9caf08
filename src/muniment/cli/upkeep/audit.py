"""`muniment audit`."""

import gc
import sys

import click

from muniment.cli.checks import describe_checks, write_checks
from muniment.cli.completing import NAMESPACE
from muniment.cli.drawing import show_count
from muniment.cli.session import answer_receipt, connect
from muniment.cli.terminal import NO, Terminal, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.client.audit.auditing import Audit
from muniment.core.canonical import JsonObject
from muniment.core.counting import count
from muniment.core.errors import AuditFailed
from muniment.core.events import ReadsRecorded


@click.group()
def audit() -> None:
    """Replay the log and find what cannot be true, and keep a record of reads."""


@audit.command()
@click.argument("namespace", type=NAMESPACE, required=False)
@json_option
@click.pass_obj
def verify(terminal: Terminal, namespace: str | None) -> None:
    """Verify the whole registry, or all of a namespace.

    Hashes the log and its index again and replays each entry: who did it and under which role, what its
    claims are signed with, and that guarded aliases moved with the verdicts of the policies in force then.
    Names the first entry that cannot be true, and says what could not be checked. Exit 0 if all holds, 1 if
    not.
    """
    # Millions of records are made, without cycles among them: to look for some would only take time.
    gc.disable()
    try:
        with (
            connect(terminal) as registry,
            show_count("audit", wanted=not terminal.as_json) as on_entries,
        ):
            result = registry.audit(namespace, on_entries=on_entries)
    finally:
        gc.enable()
    terminal.answer(_write(result), _describe(result))
    if not result.passed:
        sys.exit(NO)


@audit.group()
def reads() -> None:
    """Keep and show a record of reads: who was given bytes of which version.

    It is kept where a namespace asks for it, from then on. The reads of a day become batches in the log
    after its end, and cannot be altered from then on.
    """


@reads.command("on")
@click.argument("namespace", type=NAMESPACE)
@click.option("--reason", required=True, metavar="TEXT", help="Why the record is kept.")
@json_option
@click.pass_obj
def turn_on(terminal: Terminal, namespace: str, reason: str) -> None:
    """Keep a record of the reads in a namespace from now on."""
    with connect(terminal) as registry:
        receipt = registry.reads.turn(namespace, on=True, reason=reason)
    answer_receipt(terminal, receipt, [f"{namespace} keeps a record of reads"])


@reads.command("off")
@click.argument("namespace", type=NAMESPACE)
@click.option("--reason", required=True, metavar="TEXT", help="Why it is no longer kept.")
@json_option
@click.pass_obj
def turn_off(terminal: Terminal, namespace: str, reason: str) -> None:
    """Keep no record of the reads in a namespace any more; what is recorded stays."""
    with connect(terminal) as registry:
        receipt = registry.reads.turn(namespace, on=False, reason=reason)
    answer_receipt(terminal, receipt, [f"{namespace} keeps no record of reads any more"])


@reads.command()
@click.argument("namespace", type=NAMESPACE)
@full_option
@output_option
@json_option
@click.pass_obj
def show(terminal: Terminal, namespace: str, *, full: bool, output: str | None) -> None:
    """Show when a record was kept in a namespace, by whom and why.

    Every member may know.
    """
    with connect(terminal) as registry:
        view = registry.reads.view_settings(namespace)
    answer_view(terminal, view, full=full, output=output)


@reads.command("list")
@click.argument("what", metavar="NAMESPACE|MODEL|REF")
@click.option("--since", metavar="TIME", help="The first day: a date, or a duration before now [30d].")
@click.option("--until", metavar="TIME", help="The last day.")
@full_option
@output_option
@json_option
@click.pass_obj
def list_reads(  # noqa: PLR0913 - the options of a list
    terminal: Terminal, what: str, *, since: str | None, until: str | None, full: bool, output: str | None
) -> None:
    """List who was given bytes of a version, a model or all of a namespace.

    It needs the role security, auditor or admin. Reads that are pending are in no batch yet: they are the
    registry's word.
    """
    with connect(terminal) as registry:
        view = registry.reads.view(what, since=since, until=until)
    answer_view(terminal, view, full=full, output=output)


@reads.command()
@click.argument("namespace", type=NAMESPACE)
@json_option
@click.pass_obj
def flush(terminal: Terminal, namespace: str) -> None:
    """Put pending reads into a batch now, also those of today."""
    with connect(terminal) as registry:
        receipt = registry.reads.flush(namespace)
    said = receipt.read(ReadsRecorded)
    answer_receipt(terminal, receipt, [f"{count(said.reads, 'read')} of {said.day} recorded"])


def _write(result: Audit) -> JsonObject:
    fault = result.fault
    return {
        "namespace": result.namespace,
        "size": result.size,
        "time": result.time,
        "entries": result.entries,
        "keys": result.keys,
        "passed": result.passed,
        "entry": fault.index if isinstance(fault, AuditFailed) else None,
        "checks": write_checks(result.checks),
        "unchecked": list(result.unchecked),
    }


def _describe(result: Audit) -> list[str]:
    what = "the registry" if result.namespace is None else f"the namespace {result.namespace}"
    return [
        f"{what}, as of {result.time}, in a log of {count(result.size, 'entry')}",
        *describe_checks(result.checks),
        *(f"not checked: {text}" for text in result.unchecked),
    ]
