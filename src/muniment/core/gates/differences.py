"""The difference between two policies: which rules and terms were added, removed or changed.

>>> asks = {"rule": "threshold", "metric": "recall", "op": ">=", "value": 0.9}
>>> old, new = {"rules": [asks]}, {"mode": "warn", "rules": [{**asks, "value": 0.8}]}
>>> list_differences(read_terms(Policy.read(old), old), read_terms(Policy.read(new), new))
('rule threshold: value 0.8 (was 0.9)', 'mode: warn (was enforce)')
"""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final, TypeAlias

from muniment.core.canonical import Json, JsonObject
from muniment.core.gates.policy import Mode, Policy
from muniment.core.gates.rules.content import Formats
from muniment.core.gates.rules.people import Vouching
from muniment.core.records import PolicyRecord

# The rules and terms of a policy by how people name them: `rule recall`, `mode`, `scope`.
Terms: TypeAlias = Mapping[str, Json]

# A policy that an author of a version changed is told of for so long.
RECENT: Final = timedelta(days=30)
# What a policy that leaves a term out says.
_USUAL: Final[Terms] = {
    "mode": str(Mode.ENFORCE),
    "scope": {},
    "vouching": str(Vouching.INDEPENDENT),
    "continuous": False,
    "waivers": {},
    "break_glass": {},
    "protected": {},
    "description": "",
}


def say_change(record: PolicyRecord, before: PolicyRecord | None) -> str:
    """Say whether a policy was set or changed, or ended."""
    done = "ended" if record.ended else "was set" if before is None else "was changed"
    return f"the policy of {record.models}@{record.alias} {done}"


def say_author(record: PolicyRecord) -> str:
    """Say that an author of a version, by id, changed or ended a policy, and on which day."""
    done, day = "ended" if record.ended else "changed", record.set.partition("T")[0]
    policy = f"the policy of {record.models}@{record.alias}"
    return f"{policy} was {done} on {day} by {record.author}, who made the version"


def read_terms(policy: Policy, document: JsonObject) -> Terms:
    """Name the rules of a policy by their ids, and its other terms; `document` is what it was read from."""
    rules = document["rules"]
    written = rules if isinstance(rules, list) else []
    # The usual rule of formats, which a document may leave out, comes last.
    named = {f"rule {one.id}": _without_id(rule) for one, rule in zip(policy.rules, written, strict=False)}
    for one in policy.rules[len(written) :]:
        if isinstance(one.rule, Formats):
            named[f"rule {one.id}"] = {"rule": "format", "allow": sorted(map(str, one.rule.allow))}
    return {**named, **{term: document.get(term, usual) for term, usual in _USUAL.items()}}


def list_differences(before: Terms, after: Terms) -> tuple[str, ...]:
    """Say what one policy says and another did not, rules first.

    Policies that differ only in their form, such as the order of their rules, have no difference.
    """
    names = dict.fromkeys([*after, *before])
    rules = [name for name in names if name.startswith("rule ")]
    terms = [name for name in _USUAL if name in names]
    return tuple(text for name in (*rules, *terms) for text in _compare(name, before, after))


def _compare(name: str, before: Terms, after: Terms) -> Iterator[str]:
    if name not in before:
        yield f"{name} added{_write_rule(name, after[name])}"
    elif name not in after:
        yield f"{name} removed{_write_rule(name, before[name])}"
    elif before[name] != after[name]:
        yield f"{name}: {_write_change(before[name], after[name])}"


def _write_change(before: Json, after: Json) -> str:
    if not isinstance(before, dict) or not isinstance(after, dict):
        return f"{_write(after)} (was {_write(before)})"
    changed = [key for key in dict.fromkeys([*after, *before]) if before.get(key) != after.get(key)]
    return " and ".join(f"{key} {_write(after.get(key))} (was {_write(before.get(key))})" for key in changed)


def _write_rule(name: str, rule: Json) -> str:
    """Write what a rule asks for after its name, which may say its kind already."""
    members = dict(rule) if isinstance(rule, dict) else {}
    if name == f"rule {members.get('rule')}":
        members.pop("rule")
    return f": {_write(members)}" if members else ""


def _write(value: Json) -> str:
    """Write a member in one line; what is left out is `not set`."""
    match value:
        case str() if value:
            return value
        case dict() if value:
            return ", ".join(f"{key} {_write(one)}" for key, one in value.items())
        case list() if value:
            return ", ".join(map(_write, value))
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            return "not set"


def _without_id(rule: Json) -> Json:
    return {key: value for key, value in rule.items() if key != "id"} if isinstance(rule, dict) else rule
