"""`muniment key`, `muniment user` and `muniment role`."""

from pathlib import Path

import click

from muniment.cli.completing import NAMESPACE
from muniment.cli.people.recoveries import describe_begun, find_begun, recovery
from muniment.cli.session import answer_receipt, connect
from muniment.cli.terminal import (
    DAYS,
    ENTRY,
    WHEN,
    Amount,
    FilePath,
    Terminal,
    at_option,
    json_option,
    show_in_browser,
)
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.client.connection.settings import Settings
from muniment.client.people.login import ask_invitation, split_link
from muniment.core.counting import count
from muniment.core.errors import InvalidKey, InvalidOption
from muniment.core.events import KeyEnrolled, KeyRevoked, PrincipalErased, PrincipalRegistered
from muniment.core.people.roles import EVERYWHERE, Act, Role
from muniment.signing.keys import Algorithm, Identity, PublicKey

_MAX_PEM_BYTES = 16_384
_ROLES = click.Choice([str(role) for role in Role])
# The algorithms that we generate; other tools make SSH keys and passkeys.
_ALGORITHMS = click.Choice([str(Algorithm.P256), str(Algorithm.ED25519)])
_PEM = FilePath(exists=True, dir_okay=False)


@click.group()
def key() -> None:
    """Create, list, enrol and revoke keys."""


@key.command("new")
@click.argument("file", type=FilePath())
@click.option("--algorithm", type=_ALGORITHMS, default=str(Algorithm.P256))
@click.option("--encrypt", is_flag=True, help="Ask for a passphrase and encrypt the file.")
@json_option
@click.pass_obj
def new_key(terminal: Terminal, file: Path, *, algorithm: str, encrypt: bool) -> None:
    """Create a key pair.

    The private key is written to FILE (mode 0600), the public key to FILE.pub.
    """
    passphrase = None
    if encrypt:
        passphrase = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    identity = Identity.generate(Algorithm(algorithm))
    identity.save(file, passphrase)
    public = file.with_name(file.name + ".pub")
    public.write_bytes(identity.public.pem)
    terminal.answer(
        {"key": identity.public.id, "private": str(file), "public": str(public)},
        [f"key {identity.public.id}", f"private key in {file}, public key in {public}"],
    )


@key.command("list")
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def list_keys(terminal: Terminal, *, full: bool, output: str | None, at: str | None) -> None:
    """List the keys of all people and workloads: owner, machine, assurance and status."""
    with connect(terminal) as registry:
        view = registry.people.view_keys(at=at)
    answer_view(terminal, view, full=full, output=output)


@key.command("passkey")
@click.argument("link")
def make_passkey(link: str) -> None:
    """Create a passkey in the browser.

    LINK is an invitation, or the address of a server to sign in to first.
    """
    if "#" not in link:
        link = ask_invitation(link, show_in_browser)
    split_link(link)
    show_in_browser(link)


@key.command("enrol")
@click.argument("principal")
@click.argument("file", type=_PEM)
@click.option("--expires", metavar="TIME", help=f"When it expires ({WHEN}).")
@json_option
@click.pass_obj
def enrol_key(terminal: Terminal, principal: str, file: Path, expires: str | None) -> None:
    """Enrol a public key for a principal."""
    with connect(terminal) as registry:
        receipt = registry.people.enrol(principal, _read_public(file), expires=expires)
        begun = find_begun(registry, principal, receipt)
    done = f"key {receipt.read(KeyEnrolled).key} enrolled for {principal}"
    answer_receipt(terminal, receipt, [done, *describe_begun(principal, begun)])


@key.command("revoke")
@click.argument("key_id")
@click.option("--effective", type=ENTRY, metavar="ENTRY", help="Revoke it as of an earlier entry of the log.")
@json_option
@click.pass_obj
def revoke_key(terminal: Terminal, key_id: str, effective: int | None) -> None:
    """Revoke a key.

    Nothing that it signed from now on counts or, with --effective, from an earlier entry of the log on.
    """
    with connect(terminal) as registry:
        receipt = registry.people.revoke(key_id, effective=effective)
    from_entry = receipt.read(KeyRevoked).effective
    answer_receipt(terminal, receipt, [f"key {key_id} is revoked as of entry {from_entry}"])


@click.group()
def user() -> None:
    """Register, invite, confirm, list and erase people and workloads."""


@user.command("add")
@click.argument("name")
@click.option("--key", "file", type=_PEM, help="Their public key (PEM).")
@click.option("--expires", metavar="TIME", help=f"When the key expires ({WHEN}).")
@click.option("--workload", is_flag=True, help="Register a workload, not a person.")
@json_option
@click.pass_obj
def add_user(
    terminal: Terminal, name: str, *, file: Path | None, expires: str | None, workload: bool
) -> None:
    """Register a person or workload.

    The log holds an opaque id; the name can be erased later.
    """
    key = None if file is None else _read_public(file)
    with connect(terminal) as registry:
        receipt = registry.people.add(name, key, expires=expires, workload=workload)
    answer_receipt(terminal, receipt, [f"{name} is {receipt.read(PrincipalRegistered).principal}"])


@user.command("invite")
@click.argument("name")
@click.option("--days", type=Amount(0, DAYS), default=7, show_default=True, help="Days the link is valid.")
@json_option
@click.pass_obj
def invite_user(terminal: Terminal, name: str, *, days: float) -> None:
    """Create a link that signs a person in to a server, once.

    A registry in a directory has no logins: add their key there with `muniment user add NAME --key FILE`.
    """
    location = (terminal.location or Settings.read().location).rstrip("/")
    if "://" not in location:
        reason = "leads to a server, and this is a directory: muniment user add NAME --key PUBLIC.pem"
        raise InvalidOption(option="an invitation", reason=reason)
    with connect(terminal) as registry:
        issued = registry.access.issue("invitation", principal=name, days=days, once=True)
        begun = find_begun(registry, name, issued.receipt)
    link = f"{location}/login#{issued.text}"
    terminal.answer(
        {"link": link, "recovery": None if begun is None else begun.values()},
        [
            f"give this to {name} and to nobody else:",
            f"  muniment login '{link}'",
            "or, to make a passkey with it, open the address in a browser",
            *describe_begun(name, begun),
        ],
    )


@user.command("confirm")
@click.argument("principal")
@click.option("--reason", default="", metavar="TEXT", help="How you know who they are.")
@json_option
@click.pass_obj
def confirm_user(terminal: Terminal, principal: str, *, reason: str) -> None:
    """Confirm, as another admin, that somebody is who they are.

    Approvals of a version do not count if one of its authors vouched for the approver: invited them, say, or
    enrolled their key. They count once an admin for whom no author vouched has confirmed the approver. So do
    roles that somebody gave themselves, and what a workload publishes.
    """
    with connect(terminal) as registry:
        receipt = registry.people.confirm(principal, reason)
    answer_receipt(terminal, receipt, [f"you confirmed {principal} (entry {receipt.index})"])


user.add_command(recovery)


@user.command("erase")
@click.argument("principal")
@click.option("--typed", is_flag=True, help="Also erase their reasons, messages, comments and tags.")
@json_option
@click.pass_obj
def erase_user(terminal: Terminal, principal: str, *, typed: bool) -> None:
    """Erase the personal data of a principal.

    Erases their name and the names of their logins, keys and tokens. The log does not change: it holds only
    digests.
    """
    with connect(terminal) as registry:
        receipt = registry.people.erase(principal, typed=typed)
    event = receipt.read(PrincipalErased)
    answer_receipt(terminal, receipt, [f"{event.principal}: {count(event.payloads, 'text')} erased"])


@user.command("may")
@click.argument("act", type=click.Choice([str(act) for act in Act]))
@click.argument("namespace", type=NAMESPACE)
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def who_may(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, act: str, namespace: str, *, full: bool, output: str | None, at: str | None
) -> None:
    """List who may do something in a namespace, and by which role."""
    with connect(terminal) as registry:
        view = registry.access.view_who_may(act, namespace, at=at)
    answer_view(terminal, view, full=full, output=output)


@user.command("list")
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def list_users(terminal: Terminal, *, full: bool, output: str | None, at: str | None) -> None:
    """List people and workloads with their roles."""
    with connect(terminal) as registry:
        view = registry.people.view(at=at)
    answer_view(terminal, view, full=full, output=output)


@user.command("show")
@click.argument("principal")
@full_option
@at_option
@json_option
@click.pass_obj
def show_user(terminal: Terminal, principal: str, *, full: bool, at: str | None) -> None:
    """Show a person or workload: their roles and keys.

    PRINCIPAL is a name or an id.
    """
    with connect(terminal) as registry:
        view = registry.people.view_person(principal, at=at)
    answer_view(terminal, view, full=full)


@click.group()
def role() -> None:
    """Grant and revoke roles."""


@role.command("grant")
@click.argument("principal")
@click.argument("role_name", metavar="ROLE", type=_ROLES)
@click.argument("namespace", type=NAMESPACE, default=EVERYWHERE)
@json_option
@click.pass_obj
def grant(terminal: Terminal, principal: str, role_name: str, namespace: str) -> None:
    """Grant a role in a namespace.

    Without NAMESPACE, the role holds everywhere.
    """
    with connect(terminal) as registry:
        receipt = registry.people.grant(principal, role_name, namespace)
    answer_receipt(terminal, receipt, [f"{principal} is {role_name} in {namespace}"])


@role.command("revoke")
@click.argument("principal")
@click.argument("role_name", metavar="ROLE", type=_ROLES)
@click.argument("namespace", type=NAMESPACE, default=EVERYWHERE)
@json_option
@click.pass_obj
def revoke(terminal: Terminal, principal: str, role_name: str, namespace: str) -> None:
    """Revoke a role."""
    with connect(terminal) as registry:
        receipt = registry.people.withdraw(principal, role_name, namespace)
    answer_receipt(terminal, receipt, [f"{principal} is no longer {role_name} in {namespace}"])


def _read_public(path: Path) -> PublicKey:
    with path.open("rb") as file:
        pem = file.read(_MAX_PEM_BYTES)
    if b"PRIVATE" in pem:
        raise InvalidKey(reason=f"{path} is a private key; expected the public key")
    return PublicKey.read(pem)
