"""`muniment approve`, `reject`, `check`, `promote`, `rollback` and `policy`."""

import sys
from collections.abc import Callable
from pathlib import Path

import click
import yaml

from muniment.cli.session import connect, describe_receipt
from muniment.cli.terminal import NO, Terminal, json_option
from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidPolicy, InvalidReference
from muniment.core.policy import Verdict
from muniment.core.roles import Role

_MAX_POLICY_BYTES = 1 << 20
_ROLES = click.Choice([str(role) for role in Role])


def _deciding(command: Callable[..., None]) -> click.Command:
    """Make a command of a decision: `approve` and `reject` are typed alike."""
    for option in (
        click.pass_obj,
        json_option,
        click.option("--reason", required=True, help="Why."),
        click.option("--as", "role", required=True, type=_ROLES, help="The role in which you decide."),
        click.option("--for", "alias", required=True, metavar="ALIAS", help="The alias that it is for."),
        click.argument("reference"),
    ):
        command = option(command)
    return click.command()(command)


@_deciding
def approve(terminal: Terminal, reference: str, *, alias: str, role: str, reason: str) -> None:
    """Approve REFERENCE for an alias, over the evidence and the policy that stand now."""
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.approve(alias, role, reason)
    terminal.answer(describe_receipt(receipt), [f"{version} approved for {alias} as {role}"])


@_deciding
def reject(terminal: Terminal, reference: str, *, alias: str, role: str, reason: str) -> None:
    """Reject REFERENCE for an alias. Your last act counts."""
    with connect(terminal) as registry:
        version = registry.version(reference)
        receipt = version.reject(alias, role, reason)
    terminal.answer(describe_receipt(receipt), [f"{version} rejected for {alias} as {role}"])


@click.command()
@click.argument("reference")
@click.argument("alias")
@json_option
@click.pass_obj
def check(terminal: Terminal, reference: str, alias: str) -> None:
    """Check REFERENCE against the policy of ALIAS: every rule, met or not. Exit 0 or 1."""
    with connect(terminal) as registry:
        verdict = registry.version(reference).check(alias)
    met = "meets" if verdict.passed else "does not meet"
    terminal.answer(
        _describe_verdict(verdict),
        [f"{verdict.version} {met} the policy of {alias}", *_describe_findings(verdict)],
    )
    if not verdict.passed:
        sys.exit(NO)


@click.command()
@click.argument("reference")
@click.argument("alias")
@click.option("--reason", default="", help="Why.")
@json_option
@click.pass_obj
def promote(terminal: Terminal, reference: str, alias: str, reason: str) -> None:
    """Point ALIAS at REFERENCE; a guarded alias moves only if its policy is met."""
    with connect(terminal) as registry:
        receipt = registry.promote(registry.version(reference), alias, reason=reason)
    data = receipt.event.data
    verdict = f", verdict {data['verdict']:.19}" if data.get("verdict") else ""
    terminal.answer(
        describe_receipt(receipt),
        [f"{data['name']}@{alias} is version {data['number']} (entry {receipt.index}{verdict})"],
    )


@click.command()
@click.argument("reference", metavar="NAME@ALIAS")
@click.option("--reason", default="", help="Why.")
@json_option
@click.pass_obj
def rollback(terminal: Terminal, reference: str, reason: str) -> None:
    """Point an alias back at the newest earlier version that still meets its policy."""
    name, alias = _split(reference)
    with connect(terminal) as registry:
        receipt = registry.rollback(name, alias, reason=reason)
    data = receipt.event.data
    terminal.answer(
        describe_receipt(receipt),
        [f"{reference} is version {data['number']} again (was {data['previous']}, entry {receipt.index})"],
    )


@click.group()
def policy() -> None:
    """Set or show the policy of an alias. An alias that has one is guarded."""


@policy.command("set")
@click.argument("reference", metavar="NAME@ALIAS")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@json_option
@click.pass_obj
def set_(terminal: Terminal, reference: str, file: Path) -> None:
    """Put the policy in FILE (YAML) in force for an alias."""
    name, alias = _split(reference)
    with connect(terminal, create=True) as registry:
        receipt = registry.set_policy(name, alias, _read_policy(file))
    digest = receipt.event.data["policy"]
    terminal.answer(describe_receipt(receipt), [f"{reference} is guarded by policy {digest}"])


@policy.command("show")
@click.argument("reference", metavar="NAME@ALIAS")
@json_option
@click.pass_obj
def show_policy(terminal: Terminal, reference: str) -> None:
    """Show the policy in force for an alias."""
    name, alias = _split(reference)
    with connect(terminal) as registry:
        document = registry.policy(name, alias)
    terminal.answer(document, yaml.safe_dump(document, sort_keys=False).splitlines())


def _split(reference: str) -> tuple[str, str]:
    name, at, alias = reference.partition("@")
    if not at or not alias:
        raise InvalidReference(reference=reference)
    return name, alias


def _read_policy(path: Path) -> JsonObject:
    with path.open("rb") as file:
        data = file.read(_MAX_POLICY_BYTES + 1)
    if len(data) > _MAX_POLICY_BYTES:
        raise InvalidPolicy(reason="the file is larger than 1 MiB")
    try:
        document = yaml.safe_load(data)
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidPolicy(reason=f"not YAML: {error}") from error
    if not isinstance(document, dict):
        raise InvalidPolicy(reason="not an object")
    return document


def _describe_findings(verdict: Verdict) -> list[str]:
    return [
        f"  {'met    ' if found.passed else 'NOT MET'}  {found.rule}: {found.message}"
        for found in verdict.findings
    ]


def _describe_verdict(verdict: Verdict) -> JsonObject:
    return {
        "version": verdict.version,
        "alias": verdict.alias,
        "policy": verdict.policy,
        "passed": verdict.passed,
        "findings": [
            {
                "rule": found.rule,
                "passed": found.passed,
                "message": found.message,
                "attestations": list(found.attestations),
            }
            for found in verdict.findings
        ],
    }
