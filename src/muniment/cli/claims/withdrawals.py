"""`muniment withdraw-claim`."""

from pathlib import Path

import click

from muniment.cli.completing import REFERENCE
from muniment.cli.gates.signing import choose_signer, signing
from muniment.cli.session import answer_receipt, connect
from muniment.cli.terminal import Terminal, json_option
from muniment.core.events import ClaimWithdrawn


@click.command("withdraw-claim")
@click.argument("reference", type=REFERENCE)
@click.argument("digest")
@click.option("--reason", required=True, help="The reason, kept on record.")
@signing
@json_option
@click.pass_obj
def withdraw_claim(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, reference: str, digest: str, *, reason: str, ssh: Path | None, passkey: bool
) -> None:
    """Withdraw a claim that you signed.

    DIGEST is the digest of the claim, as `muniment show` prints it. The claim stays on record, marked as
    withdrawn, and no gate, leaderboard, card or report counts it.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.withdraw_claim(digest, reason, signer=choose_signer(ssh, passkey=passkey))
    claim = receipt.read(ClaimWithdrawn).claim
    answer_receipt(terminal, receipt, [f"withdrew {claim} about {version}"])
