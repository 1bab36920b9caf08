"""`muniment login`, `logout`, `token` and `trust`."""

import os
import socket
from pathlib import Path

import click

from muniment.cli.session import answer_receipt, connect, describe_receipt
from muniment.cli.terminal import (
    DAYS,
    ENTRY,
    Amount,
    FilePath,
    Terminal,
    at_option,
    json_option,
    show_in_browser,
)
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.client.connection.settings import Settings
from muniment.client.people.login import login as sign_in
from muniment.client.people.login import login_workload
from muniment.client.people.login import logout as sign_out
from muniment.core.errors import InvalidOption
from muniment.core.events import TokenRevoked

_MAX_PROOF_BYTES = 16_384


@click.command()
@click.argument("link")
@click.option(
    "--name", default=socket.gethostname, show_default="this host's name", help="The name of this machine."
)
@click.option(
    "--workload",
    type=FilePath(exists=True, dir_okay=False),
    metavar="FILE",
    help="Sign in a job with the identity token (JWT) in FILE, and print the variables to set.",
)
@click.option("--key", "key_file", type=FilePath(), help="Where to write the new key of the job.")
@json_option
@click.pass_obj
def login(terminal: Terminal, link: str, *, name: str, workload: Path | None, key_file: Path | None) -> None:
    """Sign in to a server.

    LINK is an invitation, or the address of a server with an identity provider. The key of this machine is
    enrolled: what you sign here counts from then on.
    """
    if workload is not None:
        _login_workload(terminal, link, name, workload, key_file)
        return
    signed_in = sign_in(link, name=name, show=show_in_browser)
    who = signed_in.person.name or signed_in.person.record.id
    terminal.answer(
        {
            "location": signed_in.location,
            "principal": signed_in.person.record.id,
            "key": signed_in.identity.public.id,
        },
        [
            f"signed in to {signed_in.location} as {who}, key {signed_in.identity.public.id:.16}",
            f"to use it: export MUNIMENT_URL={signed_in.location}",
        ],
    )


@click.command()
@click.argument("location", required=False)
def logout(location: str | None) -> None:
    """Remove the stored token for a server.

    LOCATION is MUNIMENT_URL by default.
    """
    sign_out(Settings.read().location if location is None else location)


@click.group()
def token() -> None:
    """Create, list and revoke tokens."""


@token.command("new")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    help="read:NAMESPACE, write:NAMESPACE or admin:NAMESPACE; * for every namespace.",
)
@click.option("--days", type=Amount(0, DAYS), default=90, show_default=True, help="Days it is valid.")
@click.option("--for", "principal", metavar="WORKLOAD", help="The workload that it authenticates [you].")
@json_option
@click.pass_obj
def new_token(
    terminal: Terminal, name: str, *, scopes: tuple[str, ...], days: float, principal: str | None
) -> None:
    """Create a token.

    NAME says what it is for. The token is shown once: the registry keeps only its hash.
    """
    with connect(terminal) as registry:
        issued = registry.access.issue(name, principal=principal, scopes=scopes, days=days)
    document = {"token": issued.text, "receipt": describe_receipt(issued.receipt)}
    terminal.answer(document, [issued.text])


@token.command("list")
@click.option("--for", "principal", metavar="PRINCIPAL", help="The owner of the tokens [you].")
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def list_tokens(
    terminal: Terminal, *, principal: str | None, full: bool, output: str | None, at: str | None
) -> None:
    """List tokens that were not revoked: id, expiry, scopes and name."""
    with connect(terminal) as registry:
        view = registry.access.view_tokens(principal, at=at)
    answer_view(terminal, view, full=full, output=output)


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@json_option
@click.pass_obj
def revoke_token(terminal: Terminal, token_id: str) -> None:
    """Revoke a token.

    ID is its id, the first digits of its id, or the token itself.
    """
    with connect(terminal) as registry:
        known = [one.record.id for one in registry.access.tokens() if one.record.id.startswith(token_id)]
        receipt = registry.access.revoke(known[0] if len(known) == 1 else token_id)
    answer_receipt(terminal, receipt, [f"token {receipt.read(TokenRevoked).token:.16} is revoked"])


@click.group()
def trust() -> None:
    """Let workloads sign in with the identity of their platform."""


@trust.command("add")
@click.argument("issuer")
@click.argument("principal")
@click.option(
    "--claim",
    "claims",
    multiple=True,
    required=True,
    metavar="NAME=VALUE",
    help="A claim that the token must have.",
)
@click.option(
    "--person", metavar="NAME", help="The claim that says who started the job, such as actor or user_login."
)
@json_option
@click.pass_obj
def add_issuer(
    terminal: Terminal, issuer: str, principal: str, *, claims: tuple[str, ...], person: str | None
) -> None:
    """Let jobs sign in as PRINCIPAL with identity tokens of ISSUER.

    You count as an author of what the jobs publish, until another admin has confirmed PRINCIPAL with
    `muniment user confirm`; so does the person who started a job, whom --person finds by their login at
    ISSUER or their name here.
    """
    pairs = [claim.partition("=") for claim in claims]
    if not all(separator for _, separator, _ in pairs):
        raise InvalidOption(option="--claim", reason="expected NAME=VALUE")
    with connect(terminal) as registry:
        rules = {name: value for name, _, value in pairs}
        receipt = registry.access.trust(issuer, rules, principal, person_claim=person)
    answer_receipt(terminal, receipt, [f"rule {receipt.index}: {issuer} may act as {principal}"])


@trust.command("list")
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def list_issuers(terminal: Terminal, *, full: bool, output: str | None, at: str | None) -> None:
    """List the rules that let workloads sign in."""
    with connect(terminal) as registry:
        view = registry.access.view_issuers(at=at)
    answer_view(terminal, view, full=full, output=output)


@trust.command("remove")
@click.argument("rule", type=ENTRY)
@json_option
@click.pass_obj
def remove_issuer(terminal: Terminal, rule: int) -> None:
    """Remove a rule, by its number."""
    with connect(terminal) as registry:
        receipt = registry.access.distrust(rule)
    answer_receipt(terminal, receipt, [f"removed rule {rule}"])


def _login_workload(terminal: Terminal, location: str, name: str, proof: Path, key_file: Path | None) -> None:
    place = key_file or Path("muniment-identity.pem")
    with proof.open() as file:
        token, identity, receipt = login_workload(location, file.read(_MAX_PROOF_BYTES).strip(), name=name)
    identity.save(place)
    settings = {
        "MUNIMENT_URL": location.rstrip("/"),
        "MUNIMENT_TOKEN": token,
        "MUNIMENT_IDENTITY": os.path.realpath(place),
    }
    terminal.answer(
        {**settings, "receipt": describe_receipt(receipt)},
        [f"export {variable}={value}" for variable, value in settings.items()],
    )
