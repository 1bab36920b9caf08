"""`muniment policy`: set, show, test, explain and simulate policies."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click
import yaml

from muniment.cli.completing import ALIAS, NAME, NAMESPACE, REFERENCE
from muniment.cli.drawing import draw_table
from muniment.cli.gates.moves import describe_verdicts, list_messages, split_alias
from muniment.cli.session import answer_receipt, connect, find_named, find_names, refuse_at
from muniment.cli.terminal import NO, FilePath, Terminal, at_option, json_option
from muniment.client.sdk.registry import Registry
from muniment.client.versions.showing import show_gate
from muniment.core.canonical import Json
from muniment.core.counting import count
from muniment.core.errors import InvalidOption, NothingToSimulate
from muniment.core.events import PolicySet
from muniment.core.gates.policy import describe_gate
from muniment.policies.documents import read_policy
from muniment.policies.files import load_fixtures, load_policy, point_into
from muniment.policies.fixtures import run_fixtures
from muniment.policies.templates import list_templates, read_template
from muniment.views.documents import write_view
from muniment.views.people import put_names

_FILE = FilePath(exists=True, dir_okay=False)


@click.group()
def policy() -> None:
    """Set, show, test and simulate policies.

    An alias with a policy is guarded: it moves only to versions that meet the policy.
    """


@policy.command("set")
@click.argument("reference", type=REFERENCE, metavar="MODELS@ALIAS")
@click.argument("file", type=_FILE)
@json_option
@click.pass_obj
def set_(terminal: Terminal, reference: str, file: Path) -> None:
    """Sign a policy and put it in force.

    FILE is YAML. MODELS@ALIAS is acme/x@production for one model, or acme/*@production for all models of a
    namespace.
    """
    models, alias = split_alias(reference)
    document = load_policy(file)
    with connect(terminal) as registry:
        receipt = registry.policies.set(models, alias, document)
    digest = receipt.read(PolicySet).policy
    answer_receipt(terminal, receipt, [f"{reference} is guarded by policy {digest}"])


@policy.command()
@click.argument("reference", type=REFERENCE, metavar="MODELS@ALIAS")
@json_option
@click.pass_obj
def guard(terminal: Terminal, reference: str) -> None:
    """Guard an alias that has no policy yet.

    Until a policy is set, the alias does not move.
    """
    models, alias = split_alias(reference)
    with connect(terminal) as registry:
        receipt = registry.policies.guard(models, alias)
    answer_receipt(terminal, receipt, [f"{reference} is guarded; it does not move until a policy is set"])


@policy.command()
@click.argument("reference", type=REFERENCE, metavar="NAME@ALIAS")
@at_option
@json_option
@click.pass_obj
def show(terminal: Terminal, reference: str, at: str | None) -> None:
    """Show the policies in force for an alias.

    A version must meet every one of them.
    """
    name, alias = split_alias(reference)
    with connect(terminal) as registry:
        policies = registry.policies.in_force(name, alias, at=at)
    lines = [
        line
        for one in policies
        for line in (
            f"# {one.record.models}@{one.record.alias} {one.record.digest or 'guarded, without a policy'}",
            *([] if one.document is None else yaml.safe_dump(one.document, sort_keys=False).splitlines()),
        )
    ]
    documents: list[Json] = [{**one.record.values(), "document": one.document} for one in policies]
    terminal.answer(documents, lines)


@policy.command()
@click.argument("namespace", type=NAMESPACE)
@at_option
@json_option
@click.pass_obj
def history(terminal: Terminal, namespace: str, at: str | None) -> None:
    """List every policy ever set in a namespace, oldest first."""
    with connect(terminal) as registry:
        records = registry.policies.history(namespace, at=at)
        names = find_names(registry, [record.author for record in records])
    if terminal.as_json:
        terminal.answer([record.values() for record in records], [])
        return
    none = f"no policy was ever set in {namespace}: muniment policy set '{namespace}/*@ALIAS' FILE sets one"
    terminal.note_none(records, none)
    if not records:
        return
    draw_table(
        ("time", "for", "policy", "by", "entry"),
        [(r.set, f"{r.models}@{r.alias}", r.digest or "none yet", names[r.author], r.index) for r in records],
    )


@policy.command()
@click.argument("name", type=NAME)
@click.argument("tier_name", metavar="[TIER]", required=False)
@at_option
@json_option
@click.pass_obj
def tier(terminal: Terminal, name: str, tier_name: str | None, at: str | None) -> None:
    """Set or show the risk tier of a model.

    A policy can apply to some tiers only. Without TIER, show the one that the model is in.
    """
    with connect(terminal) as registry:
        if tier_name is None:
            present = registry.policies.tier(name, at=at)
            terminal.answer({"name": name, "tier": present}, [present])
            return
        refuse_at(at)
        receipt = registry.policies.set_tier(name, tier_name)
    answer_receipt(terminal, receipt, [f"{name} is in tier {tier_name}"])


@policy.command()
@click.argument("reference", type=REFERENCE)
@click.argument("alias", type=ALIAS)
@json_option
@click.pass_obj
def explain(terminal: Terminal, reference: str, alias: str) -> None:
    """Explain what the policies of an alias ask of a version.

    For each rule, print the finding and the claims that it is based on.
    """
    with connect(terminal) as registry:
        version = registry.version(reference)
        gate = version.check(alias)
        view = show_gate(version.session.backend, gate)
        names = find_named(registry, list_messages([gate]))
    lines = [f"{gate.version} for {alias}: {'it may move' if gate.passed else 'it may not move'}"]
    for verdict in gate.verdicts:
        lines.append(f"policy {verdict.policy or 'none yet'} ({verdict.mode})")
        for finding in verdict.findings:
            lines.append(f"  {finding.id}: {finding.rule}")
            lines.append(f"    {'met' if finding.passed else 'not met'}: {put_names(finding.message, names)}")
            lines += [f"    based on {digest}" for digest in finding.attestations]
            lines += [f"    waived by {finding.waived}"] if finding.waived else []
            lines += [f"    try: {finding.remedy}"] if finding.remedy and not finding.waived else []
    terminal.answer(write_view(view), lines)


@policy.command()
@click.argument("file", type=_FILE)
@click.option(
    "--over", "names", type=NAME, multiple=True, required=True, metavar="NAME", help="A model, or acme/*."
)
@click.option("--for", "alias", type=ALIAS, default="production", show_default=True, metavar="ALIAS")
@click.option("--all", "every", is_flag=True, help="Check every version, not only those with an alias.")
@json_option
@click.pass_obj
def simulate(terminal: Terminal, file: Path, *, names: tuple[str, ...], alias: str, every: bool) -> None:
    """List the versions that would fail a policy before it is set.

    Exit 0 if every version would pass, 1 if one would fail.
    """
    document = load_policy(file)
    with connect(terminal) as registry:
        references = list(dict.fromkeys(_list_versions(registry, names, every=every)))
        if not references:
            raise NothingToSimulate(names=names)
        gates = list(registry.policies.simulate(document, alias, references))
        failing = [gate for gate in gates if not all(verdict.passed for verdict in gate.verdicts)]
        people = find_named(registry, list_messages(failing))
    lines = [f"{len(failing)} of {count(len(gates), 'version')} would fail"]
    lines += [line for gate in failing for line in (gate.version, *describe_verdicts(gate, people))]
    terminal.answer([describe_gate(gate) for gate in gates], lines)
    if failing:
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
