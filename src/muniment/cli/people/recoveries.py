"""`muniment user recovery`: who lets people in anew."""

import click

from muniment.cli.session import answer_receipt, connect
from muniment.cli.terminal import ENTRY, Terminal, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.client.sdk.registry import Registry
from muniment.core.receipts import Receipt
from muniment.core.records import RecoveryRecord


@click.group()
def recovery() -> None:
    """List, approve and cancel recoveries.

    To invite somebody who has signed in before, or to enrol another key for them, is a recovery: who holds
    it is that person from then on. So it cannot be used for a day, unless another admin approves it. The
    person finds it in their inbox, and can cancel it.
    """


@recovery.command("list")
@click.argument("principal", required=False)
@full_option
@output_option
@json_option
@click.pass_obj
def list_recoveries(terminal: Terminal, principal: str | None, *, full: bool, output: str | None) -> None:
    """List the recoveries of a person [you]."""
    with connect(terminal) as registry:
        view = registry.people.view_recoveries(principal)
    answer_view(terminal, view, full=full, output=output)


@recovery.command("approve")
@click.argument("entry", type=ENTRY)
@json_option
@click.pass_obj
def approve_recovery(terminal: Terminal, entry: int) -> None:
    """Let a recovery be used at once, as another admin.

    ENTRY is its entry in the log. Check with the person first that they asked for it.
    """
    with connect(terminal) as registry:
        receipt = registry.people.approve_recovery(entry)
    answer_receipt(terminal, receipt, [f"the recovery of entry {entry} can be used now"])


@recovery.command("cancel")
@click.argument("entry", type=ENTRY)
@json_option
@click.pass_obj
def cancel_recovery(terminal: Terminal, entry: int) -> None:
    """Cancel a recovery before it can be used.

    ENTRY is its entry in the log.
    """
    with connect(terminal) as registry:
        receipt = registry.people.cancel_recovery(entry)
    answer_receipt(terminal, receipt, [f"the recovery of entry {entry} is cancelled"])


def find_begun(registry: Registry, principal: str, receipt: Receipt) -> RecoveryRecord | None:
    """Find the recovery that a new invitation or key is, if it is one."""
    if not receipt.created:
        return None
    made = getattr(receipt.event, "token", None) or getattr(receipt.event, "key", None)
    recoveries = registry.people.recoveries(principal)
    return next((one for one in recoveries if one.credential == made), None)


def describe_begun(name: str, begun: RecoveryRecord | None) -> list[str]:
    """Say that an invitation or a key has to wait, and until when."""
    if begun is None:
        return []
    why = f"{name} has been here before, so this is a recovery"
    return [
        f"{why}: {describe_end(begun)}, unless another admin approves it:",
        f"  muniment user recovery approve {begun.index}",
    ]


def describe_end(record: RecoveryRecord) -> str:
    """Say from when on a recovery can be used."""
    return record.outcome or f"it cannot be used before {record.opens}"
