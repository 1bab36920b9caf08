"""The options by which a person signs with something else than this machine's key."""

from collections.abc import Callable
from pathlib import Path

import click

from muniment.cli.terminal import FilePath, show_in_browser
from muniment.client.claims.signers import PasskeySigner, Signer, SshSigner
from muniment.core.errors import InvalidOption


def signing(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options `--ssh` and `--passkey`."""
    for option in (
        click.option("--passkey", is_flag=True, help="Sign with your passkey, in the browser."),
        click.option("--ssh", type=FilePath(dir_okay=False), metavar="FILE", help="Sign with this SSH key."),
    ):
        command = option(command)
    return command


def choose_signer(ssh: Path | None, *, passkey: bool) -> Signer | None:
    """Give who signs; None for this machine's key.

    Raises:
        InvalidOption: both were asked for.
    """
    if passkey and ssh is not None:
        raise InvalidOption(option="--passkey", reason="cannot be combined with --ssh")
    if passkey:
        return PasskeySigner(show_in_browser)
    return None if ssh is None else SshSigner(ssh)
