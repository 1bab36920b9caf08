"""Policies: a document of rules, and the verdict of a gate.

`judge` evaluates every rule over verified facts and lists every failure. Only exactly True passes
(DESIGN rule 5).

>>> policy = Policy.read({"rules": [{"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.9}]})
>>> policy.rules[0].label
'roc_auc >= 0.9'
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from muniment.core.callers import Assurance
from muniment.core.canonical import Json, JsonObject
from muniment.core.cards import CARD_FIELDS
from muniment.core.errors import InvalidPolicy, MunimentError
from muniment.core.formats import Format
from muniment.core.roles import Role
from muniment.core.rules import (
    OPERATORS,
    SAFE_FORMATS,
    Approvals,
    CardFields,
    Facts,
    Finding,
    Formats,
    Gap,
    Require,
    Rule,
    Signature,
    Threshold,
)

MAX_RULES: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The findings of all rules."""

    version: str
    alias: str
    policy: str
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Say whether there is a rule, and each passed with exactly True."""
        return bool(self.findings) and all(finding.passed is True for finding in self.findings)

    @property
    def failures(self) -> tuple[str, ...]:
        """The messages of the rules that are not met."""
        return tuple(f"{found.rule}: {found.message}" for found in self.findings if not found.passed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A list of rules; the formats rule is always among them, and keeps pickles out by default."""

    rules: tuple[Rule, ...]
    description: str = ""

    @classmethod
    def read(cls, document: Mapping[str, Json]) -> "Policy":
        """Read a policy document.

        Raises:
            InvalidPolicy: it has an unknown member, rule, operator or role, or no rule at all.
        """
        unknown = set(document) - {"description", "rules"}
        rules = document.get("rules")
        if unknown:
            raise InvalidPolicy(reason=f"unknown member {min(unknown)!r}")
        if not isinstance(rules, list) or not 0 < len(rules) <= MAX_RULES:
            raise InvalidPolicy(reason=f"`rules` has to be a list of 1 to {MAX_RULES} rules")
        read = tuple(_read_rule(rule) for rule in rules)
        if not any(isinstance(rule, Formats) for rule in read):
            read += (Formats(allow=SAFE_FORMATS),)
        return cls(rules=read, description=str(document.get("description", "")))

    def allows(self, found: Format) -> bool:
        """Say whether every formats rule allows a format."""
        return all(found in rule.allow for rule in self.rules if isinstance(rule, Formats))


def judge(policy: Policy, facts: Facts) -> Verdict:
    """Evaluate every rule; a rule that errs denies."""
    return Verdict(
        version=facts.version,
        alias=facts.alias,
        policy=facts.policy,
        findings=tuple(_judge_rule(rule, facts) for rule in policy.rules),
    )


def _judge_rule(rule: Rule, facts: Facts) -> Finding:
    try:
        return rule.judge(facts)
    except (MunimentError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        return Finding(rule=rule.label, passed=False, message=f"the rule could not be evaluated: {error}")


class _Members:
    """The members of one rule; each is taken once, and none may be left over."""

    def __init__(self, document: JsonObject) -> None:
        self._left = dict(document)

    def text(self, name: str, default: str | None = None) -> str:
        value = self._left.pop(name, default)
        if not isinstance(value, str):
            raise InvalidPolicy(reason=f"`{name}` has to be text")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        value = self._left.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidPolicy(reason=f"`{name}` has to be a number")
        return value

    def one_of(self, name: str, choices: frozenset[str], default: str | None = None) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise InvalidPolicy(reason=f"`{name}` is one of {', '.join(sorted(choices))}")
        return value

    def texts(self, name: str) -> list[str]:
        value = self._left.pop(name, None)
        if not (isinstance(value, list) and value and all(isinstance(item, str) for item in value)):
            raise InvalidPolicy(reason=f"`{name}` has to be a list of texts")
        return [str(item) for item in value]

    def has(self, name: str) -> bool:
        return name in self._left

    def rest(self) -> dict[str, Json]:
        left, self._left = self._left, {}
        return left

    def end(self) -> None:
        if self._left:
            raise InvalidPolicy(reason=f"unknown member {min(self._left)!r}")


def _read_rule(document: Json) -> Rule:
    if not isinstance(document, Mapping):
        raise InvalidPolicy(reason="a rule has to be an object")
    members = _Members(document)
    rule = _READERS[members.one_of("rule", frozenset(_READERS))](members)
    members.end()
    return rule


def _read_require(members: _Members) -> Rule:
    return Require(predicate_type=members.text("type"))


def _read_threshold(members: _Members) -> Rule:
    return Threshold(
        metric=members.text("metric"),
        op=members.one_of("op", frozenset(OPERATORS)),
        value=members.number("value"),
        dataset=members.text("dataset", ""),
        group=members.text("group", ""),
        bound=members.one_of("bound", frozenset({"", "lower", "upper"}), ""),
    )


def _read_gap(members: _Members) -> Rule:
    return Gap(
        metric=members.text("metric"),
        group=members.text("group"),
        maximum=members.number("maximum"),
        min_group_size=int(members.number("min_group_size", 1)),
        dataset=members.text("dataset", ""),
    )


def _read_signature(members: _Members) -> Rule:
    role = _read_role(members.text("role", str(Role.CONTRIBUTOR)))
    return Signature(role=role, assurance=_read_assurance(members))


def _read_approvals(members: _Members) -> Rule:
    assurance = _read_assurance(members)
    counts = {_read_role(role): count for role, count in members.rest().items()}
    if not counts:
        raise InvalidPolicy(reason="`approvals` has to name roles and how many of each")
    read = {role: _read_count(count) for role, count in counts.items()}
    return Approvals(counts=read, assurance=assurance)


def _read_assurance(members: _Members) -> frozenset[Assurance]:
    if not members.has("assurance"):
        return frozenset(Assurance)
    try:
        return frozenset(Assurance(name) for name in members.texts("assurance"))
    except ValueError as error:
        raise InvalidPolicy(reason=str(error)) from error


def _read_formats(members: _Members) -> Rule:
    try:
        return Formats(allow=frozenset(Format(name) for name in members.texts("allow")))
    except ValueError as error:
        raise InvalidPolicy(reason=str(error)) from error


def _read_card(members: _Members) -> Rule:
    required = members.texts("required")
    unknown = sorted(set(required) - set(CARD_FIELDS))
    if unknown:
        raise InvalidPolicy(reason=f"{unknown[0]!r} is no field of a card")
    return CardFields(required=tuple(required))


_READERS: Final[Mapping[str, Callable[[_Members], Rule]]] = {
    "require": _read_require,
    "threshold": _read_threshold,
    "gap": _read_gap,
    "signature": _read_signature,
    "approvals": _read_approvals,
    "formats": _read_formats,
    "card": _read_card,
}


def _read_role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        raise InvalidPolicy(reason=f"{text!r} is not a role") from error


def _read_count(value: Json) -> int:
    if type(value) is not int or value < 1:
        raise InvalidPolicy(reason="a number of approvals has to be 1 or more")
    return value
