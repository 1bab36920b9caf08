"""`muniment audit`."""

import gc
import sys

import click

from muniment.cli.checks import describe_checks, write_checks
from muniment.cli.completing import NAMESPACE
from muniment.cli.drawing import show_count
from muniment.cli.session import connect
from muniment.cli.terminal import NO, Terminal, json_option
from muniment.client.audit.auditing import Audit
from muniment.core.canonical import JsonObject
from muniment.core.counting import count
from muniment.core.errors import AuditFailed


@click.group()
def audit() -> None:
    """Replay the log and find what cannot be true."""


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
