"""Write what follows from the code: pages of docs/reference, and tests/golden/openapi.json.

`make reference` writes them; with `--check` they are compared with what is there.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from enum import StrEnum
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final

import reference_pages as pages

from muniment.core.digests import Digest
from muniment.core.names import Alias, ModelName, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import Scope
from muniment.core.people.roles import EVERYWHERE
from muniment.core.verbs.table import VERBS, WINGS
from muniment.core.verbs.verb import Change, May, Members, Own, Place, Query, Verb, Within, name_of
from muniment.core.verbs.wire import PAIRS, Part, answer_of, parts_of
from muniment.protocols.native.routes import PREFIX, make_app

ROOT: Final = Path(__file__).parents[1]
_TYPES: Final[Mapping[object, str]] = {
    str: "text",
    int: "integer",
    bool: "boolean",
    bytes: "text",
    PAIRS: "object of texts",
    Payload: "salted text",
    Digest: "digest",
    Alias: "alias",
    ModelName: "name",
    Models: "name",
    Reference: "reference",
    Scope: "scope",
}
_INTRODUCTION: Final = f"""\
# The REST API

This page is made from the declarations in `src/muniment/core/verbs/` by `make reference`. A server describes
the same routes, with the forms of all answers, at `{PREFIX}/openapi.json`.

* **Address.** All paths are under `{PREFIX}`. Fields in braces are parts of the path; `{{version}}` is a
  number, an alias, `latest` or a digest. The other fields of a `GET` or `DELETE` are parameters of the query,
  those of a `POST` or `PUT` members of a JSON object; neither has others.
* **Credential.** `Authorization: Bearer TOKEN`, or Basic with the token as the password. What a caller may
  not read is answered as if it were not there.
* **Changes** are answered with a receipt: the entry of the log, its inclusion proof and a signed checkpoint.
  The status is 201, or 200 where an idempotent change was on record already. A change that is sent again with
  the same `Idempotency-Key` is done once. [What a receipt confirms](receipts.md) is for the caller to check.
* **Answers** are *proven* or *found*: what a found list has is on record, but it may not be complete. They
  have an entity tag and heed `If-None-Match`. With `Accept: application/vnd.muniment.basis+json`, most proven
  answers come as [the entries and proofs](../explanation/proofs.md) from which the caller computes them.
* **Lists** are pages, `{{"items": [...], "next": ...}}`. `next` is what to send as `after` (or `before`,
  `cursor`, `start`) for the next page, and null at the end.
* **Salted texts** are what people type, `{{"salt": ..., "text": ...}}`, with a random salt of 16 to 100
  characters. The log holds their digests only.
* **Refusals** are problem documents (RFC 9457); [their codes](refusals.md) are stable.
"""


def write_all() -> dict[str, str]:
    """Write every file, by its path."""
    return {
        "docs/reference/rest.md": write_rest(),
        "docs/reference/commands.md": pages.write_commands(),
        "docs/reference/events.md": pages.write_events(),
        "docs/reference/predicates.md": pages.write_predicates(),
        "docs/reference/rules.md": pages.write_rules(),
        "docs/reference/refusals.md": pages.fill_refusals(_read("docs/reference/refusals.md")),
        "docs/reference/settings.md": pages.fill_settings(_read("docs/reference/settings.md")),
        "tests/golden/openapi.json": write_openapi(),
    }


def write_rest() -> str:
    """Write the page of the REST API."""
    lines = [_INTRODUCTION]
    for wing, kinds in WINGS.items():
        lines += [f"## {wing.capitalize()}\n", f"{_describe_wing(kinds[0].__module__)}\n"]
        lines += [line for kind in kinds for line in _describe(kind)]
    lines += [
        "## Other routes\n",
        "| operation | request | what it does |",
        "| --- | --- | --- |",
        *_list_others(),
    ]
    return "\n".join(lines) + "\n"


def write_openapi() -> str:
    """Write the OpenAPI document, but for what is of a release or a server."""
    document = {name: part for name, part in _make_openapi().items() if name != "info"}
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _describe_wing(module: str) -> str:
    """Take what the module of a wing says that it is about."""
    text = (sys.modules[module].__doc__ or "").partition(": ")[2]
    return text[0].upper() + text[1:]


def _describe(kind: type[Verb]) -> Iterator[str]:
    declared = kind.declared
    yield f"### {name_of(kind)}\n"
    yield f"`{declared.method} {declared.path}`\n"
    yield f"{cleandoc(kind.__doc__ or '')}\n"
    yield f"* For {_describe_who(kind)}."
    yield f"* Answer: {_describe_answer(kind)}.\n"
    if parts_of(kind):
        yield "| field | place | type | bounds | default |"
        yield "| --- | --- | --- | --- | --- |"
        yield from map(_describe_part, parts_of(kind))
        yield ""


def _describe_who(kind: type[Verb]) -> str:
    match kind.declared.who:
        case May(act, on):
            return f"those who may {act} {'everywhere' if on == EVERYWHERE else 'in the namespace'}"
        case Members():
            members = "everybody with a role in any namespace who may read in all that they name"
            return f"{members}; everybody about themselves"
        case Own(_, within):
            return f"the principal itself{'' if within is None else ', if it may read in the namespace'}"
        case Within(_, absent, registry=True):
            others = f"to others it is `{absent.code}`"
            return f"those who may read in the namespace and, for `*`, every caller; {others}"
        case Within(_, absent):
            return f"those who may read in the namespace; to others it is `{absent.code}`"
        case text:
            return str(text)


def _describe_answer(kind: type[Verb]) -> str:
    if isinstance(kind.declared, Change):
        return f"a receipt; {'idempotent' if kind.declared.idempotent else 'not idempotent'}"
    if not issubclass(kind, Query):
        raise TypeError(kind)
    form, is_list = answer_of(kind)
    name = getattr(form, "__name__", str(form))
    return f"{'a page of ' if is_list else ''}`{name}`; {'proven' if kind.declared.proven else 'found'}"


def _describe_part(part: Part) -> str:
    place = "`If-Match`" if part.place is Place.PRECONDITION else part.place
    default = "needed" if part.required else f"`{json.dumps(part.default)}`"
    return f"| `{part.name}` | {place} | {_describe_type(part)} | {_describe_bounds(part)} | {default} |"


def _describe_type(part: Part) -> str:
    form = part.form
    if isinstance(form, type) and issubclass(form, StrEnum):
        said = ", ".join(f"`{value}`" for value in form)
    else:
        said = _TYPES[form]
    return f"{'list: ' if part.many else ''}{said}{', or null' if part.nullable else ''}"


def _describe_bounds(part: Part) -> str:
    least, most, unit = part.bounds.least, part.bounds.most, ""
    if part.many or part.form == PAIRS:
        unit = " items"
    elif part.form is not int:
        unit = " characters"
    said = [f"`{part.bounds.pattern}`"] if part.bounds.pattern else []
    if least is not None and most is not None:
        said.append(f"{least} to {most}{unit}")
    elif most is not None:
        said.append(f"at most {most}{unit}")
    return ". ".join(filter(None, [", ".join(said), part.bounds.says]))


def _list_others() -> Iterator[str]:
    known = {name_of(kind) for kind in VERBS}
    for path, methods in _make_openapi()["paths"].items():
        for method, operation in methods.items():
            name, does = operation["operationId"], operation["description"].partition("\n")[0]
            if name not in known:
                request = f"{method.upper()} {path.removeprefix(PREFIX) or '/'}"
                yield f"| `{name}` | `{request}` | {does} |"


def _make_openapi() -> dict[str, Any]:
    return make_app().openapi()


def _read(path: str) -> str:
    return (ROOT / path).read_text()


def main() -> None:
    """Write the files, or compare them."""
    stale = []
    for path, text in write_all().items():
        target = ROOT / path
        if "--check" not in sys.argv:
            target.parent.mkdir(exist_ok=True)
            target.write_text(text)
        elif not target.exists() or target.read_text() != text:
            stale.append(path)
    if stale:
        sys.exit(f"{', '.join(stale)}: out of date; run make reference")


if __name__ == "__main__":
    main()
