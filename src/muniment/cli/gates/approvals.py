"""`muniment approve`, `approvals`, `reject`, `withdraw` and `waive`."""

from collections.abc import Callable
from pathlib import Path
from warnings import catch_warnings

import click

from muniment.cli.completing import ALIAS, REFERENCE
from muniment.cli.gates.signing import choose_signer, signing
from muniment.cli.session import answer_receipt, connect, describe_receipt, describe_unchanged, warn
from muniment.cli.terminal import WHEN, Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.core.claims.approvals import Meaning
from muniment.core.events import AttestationRecorded
from muniment.core.people.roles import Role
from muniment.core.warnings import UncountedApproval

_ROLES = click.Choice([str(role) for role in Role])
_MEANINGS = click.Choice([str(meaning) for meaning in Meaning])


def _deciding(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a signing decision."""
    for option in (
        click.pass_obj,
        json_option,
        signing,
        click.option("--waiver", metavar="DIGEST", help="Decide about this waiver instead of the version."),
        click.option("--reason", required=True, help="The reason, kept on record."),
        click.option("--as", "role", required=True, type=_ROLES, help="The role that you sign in."),
        click.option("--for", "alias", required=True, type=ALIAS, metavar="ALIAS", help="The alias."),
        click.argument("reference", type=REFERENCE),
    ):
        command = option(command)
    return command


@click.command()
@click.option(
    "--meaning", type=_MEANINGS, default="approval", show_default=True, help="The meaning of your signature."
)
@click.option("--until", "expires", metavar="TIME", help=f"When it expires ({WHEN}).")
@_deciding
def approve(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal,
    reference: str,
    *,
    alias: str,
    role: str,
    reason: str,
    waiver: str | None,
    meaning: str,
    expires: str | None,
    passkey: bool,
    ssh: Path | None,
) -> None:
    """Approve a version for an alias.

    Your signature covers the evidence and the policies as they are now: new evidence or a new policy makes
    it stale.
    """
    with connect(terminal) as registry, catch_warnings(record=True, action="always") as caught:
        version = registry.version(reference)
        receipt = version.approve(
            alias,
            role,
            reason,
            meaning=meaning,
            expires=expires,
            waiver=waiver,
            signer=choose_signer(ssh, passkey=passkey),
        )
    what = f"waiver {waiver:.19} of {version}" if waiver else str(version)
    warnings = warn(str(one.message) for one in caught if one.category is UncountedApproval)
    terminal.answer(
        {**describe_receipt(receipt), "warnings": warnings},
        [f"{what} approved for {alias} as {role}", *describe_unchanged(receipt)],
    )


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("--for", "alias", type=ALIAS, metavar="ALIAS", help="List those for this alias only.")
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def approvals(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal,
    reference: str,
    *,
    alias: str | None,
    full: bool,
    output: str | None,
    at: str | None,
) -> None:
    """List who approved or rejected a version, oldest first.

    For each: the alias, the role, the reason, over which policy, whether it still stands, and whether it
    counted when the alias moved.
    """
    with connect(terminal) as registry:
        view = registry.view_approvals(reference, alias, at=at)
    answer_view(terminal, view, full=full, output=output)


@click.command()
@_deciding
def reject(  # noqa: PLR0913 - as above
    terminal: Terminal,
    reference: str,
    *,
    alias: str,
    role: str,
    reason: str,
    waiver: str | None,
    passkey: bool,
    ssh: Path | None,
) -> None:
    """Reject a version for an alias.

    A rejection blocks the alias for this version until you withdraw it.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        signer = choose_signer(ssh, passkey=passkey)
        receipt = version.reject(alias, role, reason, waiver=waiver, signer=signer)
    answer_receipt(terminal, receipt, [f"{version} rejected for {alias} as {role}"])


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("--for", "alias", required=True, type=ALIAS, metavar="ALIAS", help="The alias.")
@click.option("--reason", required=True, help="The reason, kept on record.")
@click.option("--waiver", metavar="DIGEST", help="Withdraw what you decided about this waiver.")
@signing
@json_option
@click.pass_obj
def withdraw(  # noqa: PLR0913 - as above
    terminal: Terminal,
    reference: str,
    *,
    alias: str,
    reason: str,
    waiver: str | None,
    passkey: bool,
    ssh: Path | None,
) -> None:
    """Withdraw your approval or rejection of a version.

    Nothing that you decided before comes back: decide again, if you want to.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        signer = choose_signer(ssh, passkey=passkey)
        receipt = version.withdraw(alias, reason, waiver=waiver, signer=signer)
    answer_receipt(terminal, receipt, [f"withdrew your signing decision on {version} for {alias}"])


@click.command()
@click.argument("reference", type=REFERENCE)
@click.option("--for", "alias", required=True, type=ALIAS, metavar="ALIAS", help="The alias.")
@click.option("--rule", "rules", multiple=True, required=True, metavar="ID", help="A rule to waive.")
@click.option("--until", required=True, metavar="TIME", help=f"When it expires ({WHEN}).")
@click.option("--reason", required=True, help="The reason, kept on record.")
@json_option
@click.pass_obj
def waive(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, reference: str, *, alias: str, rules: tuple[str, ...], until: str, reason: str
) -> None:
    """Request a temporary exception from rules of a policy.

    `muniment check` names the rules by their ids with --json. The waiver counts once it has the
    approvals that the policy asks for: `muniment approve REFERENCE --for ALIAS --waiver DIGEST`.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.waive(alias, rules, until, reason)
    digest = receipt.read(AttestationRecorded).attestation
    answer_receipt(terminal, receipt, [f"waiver {digest} requested: it counts once it is approved"])
