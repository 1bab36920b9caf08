"""`muniment policy`: set, show, test, explain and simulate policies."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import yaml

from muniment.cli.completing import ALIAS, NAME, NAMESPACE, REFERENCE
from muniment.cli.gates.moves import split_alias
from muniment.cli.gates.proposals import answer_change
from muniment.cli.session import connect, refuse_at
from muniment.cli.terminal import NO, FilePath, Terminal, at_option, json_option
from muniment.cli.viewing import answer_view, full_option, output_option
from muniment.client.gates.policies import InForce
from muniment.client.sdk.registry import Registry
from muniment.core.counting import count
from muniment.core.errors import InvalidOption, NothingToSimulate, ReasonNeeded
from muniment.core.events import PolicySet, ProposalOpened
from muniment.core.receipts import Receipt
from muniment.policies.documents import read_policy
from muniment.policies.files import load_fixtures, load_policy, point_into
from muniment.policies.fixtures import run_fixtures
from muniment.policies.templates import list_templates, read_template
from muniment.views.policies import PlannedPolicy

_FILE = FilePath(exists=True, dir_okay=False)
_reason_option = click.option("--reason", required=True, help="The reason, kept on record.")


@click.group()
def policy() -> None:
    """Set, show, test and simulate policies.

    An alias with a policy is guarded: it moves only to versions that meet the policy.
    """


@policy.command("set")
@click.argument("reference", type=REFERENCE, metavar="MODELS@ALIAS")
@click.argument("file", type=_FILE)
@_reason_option
@json_option
@click.pass_obj
def set_(terminal: Terminal, reference: str, file: Path, reason: str) -> None:
    """Sign a policy and put it in force.

    FILE is YAML. MODELS@ALIAS is acme/x@production for one model, or acme/*@production for all models of a
    namespace.
    """
    models, alias = split_alias(reference)
    document = load_policy(file)
    with connect(terminal) as registry:
        receipt = registry.policies.set(models, alias, document, reason=reason)
        digest = receipt.event.policy if isinstance(receipt.event, PolicySet) else None
        lines = [f"{reference} is guarded by policy {digest}"]
        answer_change(terminal, registry, receipt, lines, reason=reason)


@policy.command()
@click.argument("reference", type=REFERENCE, metavar="MODELS@ALIAS")
@_reason_option
@json_option
@click.pass_obj
def guard(terminal: Terminal, reference: str, reason: str) -> None:
    """Guard an alias that has no policy yet.

    Until a policy is set, the alias does not move.
    """
    models, alias = split_alias(reference)
    with connect(terminal) as registry:
        receipt = registry.policies.guard(models, alias, reason=reason)
        lines = [f"{reference} is guarded; it does not move until a policy is set"]
        answer_change(terminal, registry, receipt, lines, reason=reason)


@policy.command()
@click.argument("reference", type=REFERENCE, metavar="MODELS@ALIAS")
@_reason_option
@json_option
@click.pass_obj
def unguard(terminal: Terminal, reference: str, reason: str) -> None:
    """End the policy of an alias.

    Without another policy, the alias moves to any version, and nothing is checked. The alias of a model is
    still guarded by the policy of its namespace.
    """
    models, alias = split_alias(reference)
    with connect(terminal) as registry:
        receipt = registry.policies.unguard(models, alias, reason=reason)
        answer_change(terminal, registry, receipt, [f"the policy of {reference} has ended"])


@policy.command()
@click.option(
    "-f",
    "--from",
    "directory",
    type=FilePath(exists=True, file_okay=False),
    required=True,
    metavar="DIR",
    help="A directory of policies: NAMESPACE/MODEL@ALIAS.yaml, or NAMESPACE/@ALIAS.yaml for all models.",
)
@click.option("--reason", default="", help="The reason, kept on record; required without --plan.")
@click.option("--prune", is_flag=True, help="End the other policies of the namespaces that have a file.")
@click.option(
    "--plan", "only_plan", is_flag=True, help="Only show what would change; exit 1 if something would."
)
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
@click.pass_obj
def apply(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal, directory: Path, *, reason: str, prune: bool, only_plan: bool, yes: bool
) -> None:
    """Put the policies of a directory in force.

    Show first which are new, changed, unchanged and, with --prune, unguarded. Nothing is set if one of the
    files is invalid.
    """
    if not only_plan and not reason.strip():
        raise ReasonNeeded(what="applying policies")
    with connect(terminal) as registry:
        policies = registry.policies
        planned = policies.plan(directory, prune=prune)
        changes = [one for one in planned if one.acts]
        if only_plan or not terminal.as_json:
            answer_view(terminal, policies.view_plan(directory, planned), full=True)
        if only_plan:
            sys.exit(NO if changes else 0)
        if changes and not yes:
            click.confirm(f"change {count(len(changes), 'policy')}?", abort=True, err=True)
        receipts = policies.apply(changes, reason=reason)
    made = [
        {
            "models": one.models,
            "alias": one.alias,
            "outcome": _say_outcome(one, receipt),
            "entry": receipt.index,
        }
        for one, receipt in zip(changes, receipts, strict=True)
    ]
    lines = [f"{one['models']}@{one['alias']} is {one['outcome']} (entry {one['entry']})" for one in made]
    terminal.answer(made, lines)


@policy.command()
@click.argument("reference", type=REFERENCE, metavar="NAME@ALIAS")
@click.option("--yaml", "as_yaml", is_flag=True, help="Print the documents alone, as YAML.")
@full_option
@at_option
@json_option
@click.pass_obj
def show(terminal: Terminal, reference: str, *, as_yaml: bool, full: bool, at: str | None) -> None:
    """Show the policies in force for an alias.

    A version must meet every one of them.
    """
    name, alias = split_alias(reference)
    with connect(terminal) as registry:
        if as_yaml:
            terminal.answer(None, _write_yaml(registry.policies.in_force(name, alias, at=at)))
            return
        view = registry.policies.view(name, alias, at=at)
    answer_view(terminal, view, full=full)


@policy.command()
@click.argument("namespace", type=NAMESPACE)
@full_option
@output_option
@at_option
@json_option
@click.pass_obj
def history(terminal: Terminal, namespace: str, *, full: bool, output: str | None, at: str | None) -> None:
    """List every policy ever set in a namespace, oldest first."""
    with connect(terminal) as registry:
        view = registry.policies.view_history(namespace, at=at)
    answer_view(terminal, view, full=full, output=output)


@policy.command()
@click.argument("name", type=NAME)
@click.argument("tier_name", metavar="[TIER]", required=False)
@click.option("--reason", default="", help="The reason, kept on record; required with TIER.")
@at_option
@json_option
@click.pass_obj
def tier(terminal: Terminal, name: str, tier_name: str | None, *, reason: str, at: str | None) -> None:
    """Set or show the risk tier of a model.

    A policy can apply to some tiers only. Without TIER, show the one that the model is in.
    """
    with connect(terminal) as registry:
        if tier_name is None:
            present = registry.policies.tier(name, at=at)
            terminal.answer({"name": name, "tier": present}, [present])
            return
        refuse_at(at)
        receipt = registry.policies.set_tier(name, tier_name, reason=reason)
        answer_change(terminal, registry, receipt, [f"{name} is in tier {tier_name}"], reason=reason)


@policy.command()
@click.argument("reference", type=REFERENCE)
@click.argument("alias", type=ALIAS)
@json_option
@click.pass_obj
def explain(terminal: Terminal, reference: str, alias: str) -> None:
    """Explain what the policies of an alias ask of a version.

    For each rule, print its id, the finding and the claims that it is based on.
    """
    with connect(terminal) as registry:
        view = registry.version(reference).view_gate(alias)
    answer_view(terminal, view, full=True)


@policy.command()
@click.argument("file", type=_FILE)
@click.option(
    "--over", "names", type=NAME, multiple=True, required=True, metavar="NAME", help="A model, or acme/*."
)
@click.option("--for", "alias", type=ALIAS, default="production", show_default=True, metavar="ALIAS")
@click.option("--all", "every", is_flag=True, help="Check every version, not only those with an alias.")
@full_option
@output_option
@json_option
@click.pass_obj
def simulate(  # noqa: PLR0913 - one parameter for each option
    terminal: Terminal,
    file: Path,
    *,
    names: tuple[str, ...],
    alias: str,
    every: bool,
    full: bool,
    output: str | None,
) -> None:
    """List the versions that would fail a policy before it is set.

    Exit 0 if every version would pass, 1 if one would fail.
    """
    document = load_policy(file)
    with connect(terminal) as registry:
        references = list(dict.fromkeys(_list_versions(registry, names, every=every)))
        if not references:
            raise NothingToSimulate(names=names)
        gates = list(registry.policies.simulate(document, alias, references))
        view = registry.policies.view_simulation(gates, alias)
    answer_view(terminal, view, full=full, output=output)
    if not all(verdict.passed for gate in gates for verdict in gate.verdicts):
        sys.exit(NO)


@policy.command()
@click.argument("file", type=_FILE)
@json_option
@click.pass_obj
def test(terminal: Terminal, file: Path) -> None:
    """Run the fixtures of a policy.

    The fixtures of policy.yaml are read from policy.fixtures.yaml beside it. Exit 0 if all hold, 1 if one
    fails.
    """
    tested = read_policy(load_policy(file))
    place, fixtures = load_fixtures(file)
    with point_into(place):
        outcomes = run_fixtures(tested, fixtures)
    wrong = [one for one in outcomes if one.fault]
    lines = [
        f"{'FAILED' if one.fault else 'ok    '}  {one.name}{': ' if one.fault else ''}{one.fault}"
        for one in outcomes
    ]
    terminal.answer(
        [{"name": one.name, "passed": not one.fault, "fault": one.fault} for one in outcomes],
        [*lines, f"{len(outcomes) - len(wrong)} of {count(len(outcomes), 'fixture')} as expected"],
    )
    if wrong:
        sys.exit(NO)


@policy.command()
@click.argument("directory", type=FilePath(file_okay=False), default=".")
@click.option("--template", type=click.Choice(list_templates()), default="minimal", show_default=True)
@json_option
@click.pass_obj
def init(terminal: Terminal, directory: Path, template: str) -> None:
    """Write a policy template and its fixtures to a directory."""
    files = {directory / name: text for name, text in read_template(template).items()}
    there = [path for path in files if path.exists()]
    if there:
        raise InvalidOption(option="DIRECTORY", reason=f"already has {there[0].name}")
    directory.mkdir(parents=True, exist_ok=True)
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    written = [str(path) for path in files]
    terminal.answer(written, [f"wrote {path}" for path in written])


def _say_outcome(planned: PlannedPolicy, receipt: Receipt) -> str:
    """Say what became of a planned change: what touches a protected policy is only proposed."""
    return "proposed" if isinstance(receipt.event, ProposalOpened) else str(planned.outcome)


def _write_yaml(policies: Sequence[InForce]) -> list[str]:
    """Write policies, each below a comment that says which it is."""
    lines: list[str] = []
    for number, (record, document) in enumerate(policies):
        lines += ["---"] if number else []
        lines.append(f"# {record.models}@{record.alias} {record.digest or 'guarded, without a policy'}")
        if document is not None:
            lines += yaml.safe_dump(document, sort_keys=False).splitlines()
    return lines


def _list_versions(registry: Registry, names: tuple[str, ...], *, every: bool) -> Iterator[str]:
    """List the versions of models: those that an alias points at, or every one."""
    for text in names:
        models = [text]
        if text.endswith("/*"):
            models = [model.name for model in registry.models(text.removesuffix("*"))]
        for name in models:
            if every:
                yield from (f"{record.name}@{record.number}" for record in registry.versions(name))
            else:
                held = {move.record.alias: move.record.number for move in registry.history(name)}
                numbers = {number for number in held.values() if number is not None}
                yield from (f"{name}@{number}" for number in sorted(numbers))
