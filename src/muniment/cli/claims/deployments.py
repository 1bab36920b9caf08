"""`muniment deploy` and `muniment deployments`."""

import click

from muniment.cli.completing import NAME, REFERENCE
from muniment.cli.drawing import draw_table
from muniment.cli.gates.standing import find_standing
from muniment.cli.session import answer_receipt, connect
from muniment.cli.terminal import Terminal, at_option, json_option
from muniment.client.sdk.registry import Registry
from muniment.core.claims.deployments import State
from muniment.core.digests import Digest
from muniment.core.records import DeploymentRecord


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
@at_option
@click.option("--history", is_flag=True, help="Include deployments that have ended.")
@json_option
@click.pass_obj
def deployments(terminal: Terminal, name: str, *, target: str, at: str | None, history: bool) -> None:
    """List deployments, of one model or of all.

    Those of a model are listed whole, which is proven. Without a model, namespaces are found, and there may
    be more.
    """
    with connect(terminal) as registry:
        records = list(registry.deployments(name or None, target=target, at=at, history=history))
        loaded = [_describe_loaded(registry, record) for record in records]
        standing = find_standing(registry, [f"{record.name}@{record.number}" for record in records], at)
    more = "" if history else " (--history also lists what has ended)"
    terminal.note_none(records, f"nothing serves{more}: muniment deploy REFERENCE TARGET records it")
    if records and not terminal.as_json:
        draw_table(
            ("target", "version", "", "state", "since", "loaded", "entry"),
            [
                (r.target, f"{r.name}@{r.number}", word, _describe_state(r), r.recorded, text, r.index)
                for r, text, word in zip(records, loaded, standing, strict=True)
            ],
            alarming=[bool(word) or text == _OTHER for text, word in zip(loaded, standing, strict=True)],
        )
    items = [
        {**record.values(), "serves": _serves(record), "as_meant": text != _OTHER, "standing": word}
        for record, text, word in zip(records, loaded, standing, strict=True)
    ]
    terminal.answer_found(items, found=not name)


_OTHER = "SOMETHING ELSE"


def _serves(record: DeploymentRecord) -> bool:
    return record.ended is None and record.state == State.SERVING


def _describe_state(record: DeploymentRecord) -> str:
    """Describe whether it serves still, or in which entry that ended."""
    if record.ended is None or record.state != State.SERVING:
        return record.state
    return f"ended in entry {record.ended}"


def _describe_loaded(registry: Registry, record: DeploymentRecord) -> str:
    """Describe whether a target has loaded the version on record."""
    if record.loaded is None or not _serves(record):
        return "not reported"
    meant = registry.version(f"{record.name}@{record.number}").record.revision
    return "as recorded" if record.loaded == meant else _OTHER
