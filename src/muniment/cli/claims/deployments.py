"""`muniment deploy` and `muniment deployments`."""

import click

from muniment.cli.completing import NAME, REFERENCE
from muniment.cli.session import answer_receipt, connect
from muniment.cli.terminal import Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.core.digests import Digest


@click.command()
@click.argument("reference", type=REFERENCE)
@click.argument("target")
@click.option("--loaded", metavar="DIGEST", help="The manifest digest that the target reports as loaded.")
@click.option("--stop", is_flag=True, help="Record that it no longer serves there.")
@click.option("--reason", default="", help="The reason, kept on record.")
@json_option
@click.pass_obj
def deploy(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, reference: str, target: str, *, loaded: str | None, stop: bool, reason: str
) -> None:
    """Record that a version serves at a target.

    TARGET is a name such as `prod-eu/api`. The record is signed and ends the record of any other version of
    the model there. Run it after the target has loaded the version, with the digest that the target reports:
    `muniment deployments` shows targets that loaded something else.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        if stop:
            receipt = version.undeploy(target, reason=reason)
        else:
            digest = None if loaded is None else str(Digest.parse(loaded))
            receipt = version.deploy(target, loaded=digest, reason=reason)
    verb = "no longer serves" if stop else "serves"
    answer_receipt(terminal, receipt, [f"{version} {verb} at {target} (entry {receipt.index})"])


@click.command()
@click.argument("name", type=NAME, default="")
@click.option("--target", default="", help="List this target only.")
@click.option("--history", is_flag=True, help="Include deployments that have ended.")
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def deployments(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal,
    name: str,
    *,
    target: str,
    history: bool,
    full: bool,
    output: str | None,
    at: str | None,
) -> None:
    """List deployments, of one model or of all.

    Those of a model are listed whole, which is proven. Without a model, namespaces are found, and there may
    be more.
    """
    with connect(terminal) as registry:
        view = registry.view_deployments(name or None, target=target, at=at, history=history)
    answer_view(terminal, view, full=full, output=output)
