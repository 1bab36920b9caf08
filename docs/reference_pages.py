"""The pages of docs/reference that follow from the code, beside that of REST: see `make_reference.py`."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from importlib.resources import files
from inspect import cleandoc
from typing import Any, Final, cast

import click

from muniment.cli.commands import GROUPS
from muniment.cli.main import main
from muniment.cli.refusals import exit_code
from muniment.core.claims import attestations
from muniment.core.claims.predicates import Predicate
from muniment.core.errors import list_errors
from muniment.core.events import leaves, subjects
from muniment.edge.refusals import status_of
from muniment.server.settings import ServerSettings
from muniment.signing.schemas import SCHEMAS

_MADE: Final = "This page is made from the code by `make reference`."
_EVENTS: Final = f"""\
{_MADE} Every change to a registry is an event: an entry of the
log, as canonical JSON (RFC 8785) with `actor`, `data`, `id`, `time`, `type` and `version`. The tables give
the members of `data`. The version of the format is {leaves.FORMAT}.
"""
_PREDICATES: Final = f"""\
{_MADE} A claim is an in-toto statement; its predicate type says of
which kind it is. Each kind has a short name, which commands and policies take, and a JSON Schema in
`src/muniment/signing/schemas`. A word that is no kind is refused; a claim of any other type, a URI, is
recorded and not understood, and no rule counts it.
"""
_RULES: Final = f"""\
{_MADE} These are the members of each rule of a policy, beside `id`;
[policies](policy.md) says when each is met.
"""


def write_commands() -> str:
    """Write the page of commands, from their own help."""
    lines = ["# Commands\n", f"{_MADE} `muniment COMMAND --help` prints the same.\n"]
    with click.Context(main, info_name="muniment") as context:
        lines += ["Options of `muniment` itself:\n", *_list_options(main), ""]
        for group, entries in GROUPS.items():
            lines.append(f"## {group}\n")
            for name in entries:
                command = main.get_command(context, name)
                lines += _describe_command(cast("click.Command", command), f"muniment {name}")
    return "\n".join(lines).rstrip() + "\n"


def write_events() -> str:
    """Write the page of events, from their classes."""
    table = cleandoc(subjects.__doc__ or "").partition("| kind")
    lines = [
        "# Events\n",
        _EVENTS,
    ]
    for kind, event in leaves.EVENTS.items():
        lines += [f"## `{kind}`\n", f"{_first(event.__doc__)}\n", *_list_fields(event), ""]
    lines += ["## Subjects\n", f"{table[0].strip()}\n", f"{table[1]}{table[2]}".strip()]
    return "\n".join(lines) + "\n"


def write_predicates() -> str:
    """Write the page of predicates: those that Muniment writes, by their classes, and the others."""
    kinds = {kind.type: kind for kind in _list_predicates(Predicate)}
    lines = [
        "# Predicates\n",
        _PREDICATES,
    ]
    for predicate_type, schema in SCHEMAS.items():
        name = attestations.kind_of(predicate_type)
        short = name.replace(" ", "-")
        lines += [f"## {name.capitalize()}\n", f"`{short}`: `{predicate_type}`, schema `{schema}`.\n"]
        kind = kinds.get(predicate_type)
        if kind is not None:
            lines += [f"{_first(kind.__doc__)}\n", *_list_fields(kind), ""]
    return "\n".join(lines).rstrip() + "\n"


def write_rules() -> str:
    """Write the page of rules, from the JSON Schema of policies."""
    schema = json.loads(files("muniment.policies").joinpath("policy.schema.json").read_text("utf-8"))
    lines = [
        "# Rules\n",
        _RULES,
    ]
    for rule in schema["$defs"]["rule"]["oneOf"]:
        name = rule["properties"]["rule"]["const"]
        members = {**_resolve(rule, schema).get("properties", {}), **rule["properties"]}
        lines += [f"## `{name}`\n", "| member | type | required | meaning |", "| --- | --- | --- | --- |"]
        for member, form in members.items():
            if member not in {"rule", "id"}:
                needed = "yes" if member in rule.get("required", ()) else ""
                said = form.get("description", "")
                lines.append(f"| `{member}` | {_describe_form(form, schema)} | {needed} | {said} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def fill_refusals(page: str) -> str:
    """Put the table of refusals into its page."""
    kinds = sorted((kind for kind in list_errors() if kind.message), key=lambda kind: kind.code)
    rows = []
    for kind in kinds:
        status = int(status_of(kind.__new__(kind)))
        rows.append(f"| `{kind.code}` | {_first(kind.__doc__)} | {status} | {exit_code(kind)} |")
    return _fill(page, r"^\| `[a-z_]+` \|.*?(?=\n\n|\Z)", rows)


def fill_settings(page: str) -> str:
    """Put the table of the server's settings into its page."""
    rows = []
    for name, field in ServerSettings.model_fields.items():
        default = "none" if field.default is None or not str(field.default) else f"`{field.default}`"
        rows.append(f"| `MUNIMENT_{name.upper()}` | {field.description} | {default} |")
    before, heading, after = page.partition("## The server")
    return before + heading + _fill(after, r"^\| `MUNIMENT_.*?(?=\n\n)", rows)


def _fill(page: str, pattern: str, rows: list[str]) -> str:
    return re.sub(pattern, lambda _: "\n".join(rows), page, count=1, flags=re.MULTILINE | re.DOTALL)


def _describe_command(command: click.Command, name: str) -> Iterator[str]:
    with click.Context(command, info_name=name) as context:
        usage = " ".join(command.collect_usage_pieces(context))
        yield f"### `{name}`\n"
        yield f"    {name} {usage}\n"
        yield f"{cleandoc(command.help or '')}\n"
        yield from _list_options(command)
        yield ""
        if isinstance(command, click.Group):
            for sub in command.list_commands(context):
                yield from _describe_command(command.commands[sub], f"{name} {sub}")


def _list_options(command: click.Command) -> Iterator[str]:
    options = [one for one in command.params if isinstance(one, click.Option)]
    if options:
        yield "| option | meaning |"
        yield "| --- | --- |"
    for option in options:
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        default = f" [default: {option.default}]" if option.show_default is True and option.default else ""
        needed = " [required]" if option.required else ""
        yield f"| {names} | {option.help or ''}{default}{needed} |"


def _list_predicates(kind: type[Predicate]) -> Iterator[type[Predicate]]:
    for child in kind.__subclasses__():
        yield child
        yield from _list_predicates(child)


def _list_fields(kind: type) -> Iterator[str]:
    known = fields(kind)
    if known:
        yield "| member | type |"
        yield "| --- | --- |"
    for field in known:
        form = getattr(field.type, "__name__", None) if isinstance(field.type, type) else None
        text = form or re.sub(r"\b(?:[a-z_]+\.)+", "", str(field.type))
        yield f"| `{field.name}` | {text.replace('|', 'or')} |"


def _describe_form(form: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    form = _resolve(form, schema)
    if "enum" in form:
        return " ".join(f"`{value}`" for value in form["enum"] if value != "")
    if "const" in form:
        return f"`{json.dumps(form['const'])}`"
    if form.get("type") == "array":
        return f"list: {_describe_form(form.get('items', {}), schema)}"
    if "pattern" in form:
        return f"text `{form['pattern']}`"
    return str(form.get("type", "any"))


def _resolve(form: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in form:
        return form
    return cast("Mapping[str, Any]", schema["$defs"][form["$ref"].rpartition("/")[2]])


def _first(text: str | None) -> str:
    """Give the first paragraph of a docstring, on one line."""
    return " ".join(cleandoc(text or "").split("\n\n")[0].split())
