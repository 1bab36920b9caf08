"""`muniment proposal`, and what commands print that propose a change."""

from collections.abc import Callable, Sequence
from pathlib import Path

import click

from muniment.cli.completing import NAMESPACE
from muniment.cli.gates.signing import choose_signer, signing
from muniment.cli.session import answer_receipt, connect, find_named
from muniment.cli.terminal import ENTRY, Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.client.gates.proposals import find_proposal
from muniment.client.sdk.registry import Registry
from muniment.core.receipts import Receipt
from muniment.core.verbs.proposals import Proposal
from muniment.views.proposals import say_waiting


@click.group()
def proposal() -> None:
    """List, show, approve and reject changes to protected policies.

    Such a change takes effect once as many people have approved it as the policies in force ask for.
    """


@proposal.command("list")
@click.argument("namespace", type=NAMESPACE)
@click.option("--closed", is_flag=True, help="Include those that are closed.")
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def list_(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, namespace: str, *, closed: bool, full: bool, output: str | None, at: str | None
) -> None:
    """List the proposals in a namespace, oldest first."""
    with connect(terminal) as registry:
        view = registry.proposals.view(namespace, closed=closed, at=at)
    answer_view(terminal, view, full=full, output=output)


@proposal.command()
@click.argument("entry", type=ENTRY)
@full_option
@at_option
@json_option
@click.pass_obj
def show(terminal: Terminal, entry: int, *, full: bool, at: str | None) -> None:
    """Show a proposal: what it changes, what it waits for, and who decided what."""
    with connect(terminal) as registry:
        view = registry.proposals.view_proposal(entry, at=at)
    answer_view(terminal, view, full=full)


def _deciding(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a decision about a proposal."""
    for option in (
        click.pass_obj,
        json_option,
        signing,
        click.option("--reason", required=True, help="The reason, kept on record."),
        click.argument("entry", type=ENTRY),
    ):
        command = option(command)
    return command


@proposal.command()
@_deciding
def approve(terminal: Terminal, entry: int, *, reason: str, passkey: bool, ssh: Path | None) -> None:
    """Approve a proposal.

    With the last approval that it needs, the change takes effect.
    """
    with connect(terminal) as registry:
        receipt = registry.proposals.approve(entry, reason, signer=choose_signer(ssh, passkey=passkey))
        lines = [f"the proposal {entry} is approved by you", *_say_state(registry, entry)]
    answer_receipt(terminal, receipt, lines)


@proposal.command()
@_deciding
def reject(terminal: Terminal, entry: int, *, reason: str, passkey: bool, ssh: Path | None) -> None:
    """Reject a proposal.

    It does not take effect until you withdraw that.
    """
    with connect(terminal) as registry:
        receipt = registry.proposals.reject(entry, reason, signer=choose_signer(ssh, passkey=passkey))
    answer_receipt(terminal, receipt, [f"the proposal {entry} is rejected"])


@proposal.command()
@_deciding
def withdraw(terminal: Terminal, entry: int, *, reason: str, passkey: bool, ssh: Path | None) -> None:
    """Withdraw your own proposal, or your decision about somebody else's."""
    with connect(terminal) as registry:
        receipt = registry.proposals.withdraw(entry, reason, signer=choose_signer(ssh, passkey=passkey))
        lines = [f"withdrawn (proposal {entry})", *_say_state(registry, entry)]
    answer_receipt(terminal, receipt, lines)


@proposal.command("break-glass")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@_deciding
def break_glass(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, entry: int, *, reason: str, yes: bool, passkey: bool, ssh: Path | None
) -> None:
    """Let a proposal take effect without approval, in an emergency.

    Everyone with a role in the namespace is told, and somebody else has to close it.
    """
    with connect(terminal) as registry:
        change = registry.proposals.get(entry).change
        if not yes:
            click.confirm(f"{change}, without the approval that it needs?", abort=True, err=True)
        signer = choose_signer(ssh, passkey=passkey)
        receipt = registry.proposals.break_glass(entry, reason, signer=signer)
        due = registry.proposals.get(entry).record.due
    lines = [
        f"EMERGENCY: it took effect to {change}",
        f"somebody else must close it by {due}:",
        f"  muniment close-emergency {entry} --reason TEXT",
    ]
    answer_receipt(terminal, receipt, lines)


def answer_change(
    terminal: Terminal, registry: Registry, receipt: Receipt, lines: Sequence[str], *, reason: str = ""
) -> None:
    """Print that a change was made or, if it was only proposed, what it waits for."""
    made = find_proposal(registry.session.backend, receipt)
    if made is None:
        answer_receipt(terminal, receipt, lines, reason=reason)
        return
    answer_receipt(terminal, receipt, describe_proposal(registry, made))


def describe_proposal(registry: Registry, made: Proposal) -> list[str]:
    """Say of a proposal that it is not in force yet, and what it waits for."""
    entry = made.record.index
    return [
        f"PROPOSED, not done yet: to {made.change} (entry {entry})",
        f"  {_say_waiting(registry, made)}",
        f"  muniment proposal approve {entry} --reason TEXT",
    ]


def _say_state(registry: Registry, entry: int) -> list[str]:
    """Say whether a proposal has taken effect, or what it still waits for."""
    made = registry.proposals.get(entry)
    if made.record.outcome == "approved":
        return [f"it took effect to {made.change} (entry {made.record.closed})"]
    waiting = _say_waiting(registry, made)
    return [waiting] if waiting else []


def _say_waiting(registry: Registry, made: Proposal) -> str:
    people = {one for need in made.needs for one in (*need.able, *need.approved)}
    return say_waiting(made, find_named(registry, {*people, *made.rejecters}))
