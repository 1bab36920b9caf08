"""Read the rules of policies. Anything unknown makes the whole document invalid."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Final, NoReturn, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from muniment.core.bytes.formats import Format
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.approvals import Meaning
from muniment.core.claims.attestations import name_predicate_type
from muniment.core.claims.cards import CARD_FIELDS
from muniment.core.claims.scans import SEVERITIES
from muniment.core.errors import InvalidPolicy, InvalidTime, UnknownClaimKind
from muniment.core.gates.rules.case import Rule
from muniment.core.gates.rules.content import CardFields, Formats
from muniment.core.gates.rules.evidence import (
    OPERATORS,
    VERDICTS,
    Gap,
    NoRegression,
    Reproduced,
    Require,
    Scans,
    Threshold,
    Wanted,
)
from muniment.core.gates.rules.expression import Compile, Expression
from muniment.core.gates.rules.history import Clean, Freeze, Soak, Window
from muniment.core.gates.rules.people import ANY_ASSURANCE, DECIDING, Approvals, Signature
from muniment.core.gates.rules.plan import InsidePlan
from muniment.core.people.callers import Assurance
from muniment.core.people.roles import Role
from muniment.core.times import find_age, read_time

T = TypeVar("T")

_ID: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_HOURS: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_PEOPLE: Final = 1000
_ALLOWED: Final = frozenset({"", "allowed"})
_MAX_N: Final = 10**12


class Members:
    """The members of an object; each is taken once, and none may remain."""

    def __init__(self, document: JsonObject, path: tuple[str, ...] = ()) -> None:
        """Take the members of an object, which is at a path in its document."""
        self._left = dict(document)
        self.path = path

    def refuse(self, name: str, what: str) -> NoReturn:
        """Refuse a member.

        Raises:
            InvalidPolicy: always.
        """
        raise InvalidPolicy(reason=f"`{name}` {what}", where=(*self.path, name))

    def has(self, name: str) -> bool:
        """Return whether a member is present."""
        return name in self._left

    def text(self, name: str, default: str | None = None) -> str:
        """Take a text."""
        value = self._take(name, default)
        if not isinstance(value, str):
            self.refuse(name, "must be text")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """Take a number."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.refuse(name, "must be a number")
        return value

    def whole(self, name: str, default: int, most: int) -> int:
        """Take a whole number: 1 or more, or the default."""
        value = self._take(name, default)
        if type(value) is not int or not (1 <= value <= most or value == default):
            self.refuse(name, "must be a whole number, 1 or more")
        return value

    def truth(self, name: str, *, default: bool) -> bool:
        """Take true or false."""
        value = self._take(name, default)
        if not isinstance(value, bool):
            self.refuse(name, "must be true or false")
        return value

    def one_of(self, name: str, choices: frozenset[str], default: str | None = None) -> str:
        """Take one of several texts."""
        value = self.text(name, default)
        if value not in choices:
            self.refuse(name, f"must be one of {', '.join(sorted(choices))}")
        return value

    def texts(self, name: str, default: list[str] | None = None) -> list[str]:
        """Take a list of texts, which must not be empty if it is present."""
        if name not in self._left and default is not None:
            return default
        value = self._take(name)
        if not (isinstance(value, list) and value and all(isinstance(item, str) for item in value)):
            self.refuse(name, "must be a list of texts")
        return [str(item) for item in value]

    def members_of(self, name: str, kind: Callable[[str], T], default: frozenset[T]) -> frozenset[T]:
        """Take a list of members of an enumeration."""
        if name not in self._left:
            return default
        try:
            return frozenset(kind(text) for text in self.texts(name))
        except ValueError as error:
            raise InvalidPolicy(reason=str(error), where=(*self.path, name)) from error

    def role(self, name: str, default: Role | None = None) -> Role:
        """Take a role."""
        with under(*self.path, name):
            return read_role(self.text(name, None if default is None else str(default)))

    def roles(self, name: str) -> frozenset[Role]:
        """Take a list of roles."""
        with under(*self.path, name):
            return frozenset(map(read_role, self.texts(name)))

    def age(self, name: str) -> timedelta:
        """Take a duration: `30m`, `12h`, `90d`, `2w`."""
        age = find_age(self.text(name))
        if age is None:
            self.refuse(name, "must be a duration such as 12h, 90d or 2w")
        return age

    def optional_age(self, name: str) -> timedelta | None:
        """Take a duration, if it is present."""
        return self.age(name) if name in self._left else None

    def moment(self, name: str) -> datetime:
        """Take a time."""
        try:
            return read_time(self.text(name))
        except InvalidTime:
            self.refuse(name, "must be a time with a time zone (RFC 3339)")

    def sub(self, name: str) -> "Members":
        """Take an object; a missing one is empty."""
        return self._object(self._left.pop(name, {}), name)

    def subs(self, name: str) -> "list[Members]":
        """Take a list of objects; a missing one is empty."""
        value = self._left.pop(name, [])
        if not isinstance(value, list):
            self.refuse(name, "must be a list")
        return [self._object(item, name, str(index)) for index, item in enumerate(value)]

    def rest(self) -> dict[str, Json]:
        """Take all remaining members."""
        left, self._left = self._left, {}
        return left

    def end(self) -> None:
        """Check that no members remain."""
        if self._left:
            name = min(self._left)
            raise InvalidPolicy(reason=f"unknown member {name!r}", where=(*self.path, name))

    def _take(self, name: str, default: Json = None) -> Json:
        if name not in self._left and default is None:
            raise InvalidPolicy(reason=f"`{name}` is missing", where=self.path)
        return self._left.pop(name, default)

    def _object(self, value: Json, name: str, *index: str) -> "Members":
        if not isinstance(value, Mapping):
            self.refuse(name, "must be an object")
        return Members(value, (*self.path, name, *index))


@contextmanager
def under(*path: str) -> Iterator[None]:
    """Say of a refusal inside that what is wrong is below a path; one that knows its whole path keeps it."""
    try:
        yield
    except InvalidPolicy as error:
        if error.where[: len(path)] == path:
            raise
        raise InvalidPolicy(reason=error.reason, where=(*path, *error.where)) from error


def read_rule(document: Json, compiler: Compile | None) -> tuple[str, str, Rule]:
    """Read a rule: its kind, its id (empty if it has none), and the rule itself.

    Raises:
        InvalidPolicy: it is not a valid rule.
    """
    if not isinstance(document, Mapping):
        raise InvalidPolicy(reason="a rule must be an object")
    members = Members(document)
    kind = members.one_of("rule", frozenset({*READERS, _CEL}))
    given = members.text("id", "")
    if given and _ID.fullmatch(given) is None:
        members.refuse("id", f"{given!r} may only have a-z, 0-9, '_', '.' and '-'")
    rule = _read_expression(members, compiler) if kind == _CEL else READERS[kind](members)
    members.end()
    return kind, given, rule


def read_approvals(members: Members) -> Approvals:
    """Read how many must approve; takes every member."""
    assurance = members.members_of("assurance", Assurance, ANY_ASSURANCE)
    meanings = members.members_of("meaning", Meaning, DECIDING)
    max_age = members.optional_age("max_age")
    total = members.whole("n", 0, MAX_PEOPLE)
    roles = members.roles("roles") if total else frozenset()
    with under(*members.path):
        counts = {read_role(role): _read_count(count) for role, count in members.rest().items()}
    if not counts and not total:
        reason = "`approvals` must name roles and how many of each, or `n` and `roles`"
        raise InvalidPolicy(reason=reason, where=members.path)
    return Approvals(
        counts=counts,
        total=total,
        roles=roles,
        assurance=assurance,
        meanings=meanings,
        max_age=max_age,
    )


def read_role(text: str) -> Role:
    """Read a role."""
    try:
        return Role(text)
    except ValueError as error:
        raise InvalidPolicy(reason=f"{text!r} is not a role") from error


def _read_require(members: Members) -> Rule:
    try:
        predicate_type = name_predicate_type(members.text("type"))
    except UnknownClaimKind as error:
        raise InvalidPolicy(
            reason=f"{error.sentence}: {error.hint}", where=(*members.path, "type")
        ) from error
    return Require(
        predicate_type=predicate_type,
        max_age=members.optional_age("max_age"),
        min_n=members.whole("min_n", 0, _MAX_N),
        dataset=members.text("dataset", ""),
        role=members.role("role") if members.has("role") else None,
        stated=_is_allowed(members, "stated"),
        subset=_is_allowed(members, "subset"),
    )


def _is_allowed(members: Members, name: str) -> bool:
    return members.one_of(name, _ALLOWED, "") == "allowed"


def _read_threshold(members: Members) -> Rule:
    return Threshold(
        metric=members.text("metric"),
        op=members.one_of("op", frozenset(OPERATORS)),
        value=members.number("value"),
        group=members.text("group", ""),
        bound=members.one_of("bound", frozenset({"", "lower", "upper"}), ""),
        wanted=_read_wanted(members),
    )


def _read_wanted(members: Members) -> Wanted:
    """Read which evidence counts."""
    return Wanted(
        dataset=members.text("dataset", ""),
        role=members.role("role") if members.has("role") else None,
        max_age=members.optional_age("max_age"),
        stated=_is_allowed(members, "stated"),
        subset=_is_allowed(members, "subset"),
    )


def _read_gap(members: Members) -> Rule:
    return Gap(
        metric=members.text("metric"),
        group=members.text("group"),
        maximum=members.number("maximum"),
        min_group_size=members.whole("min_group_size", 1, _MAX_N),
        wanted=_read_wanted(members),
    )


def _read_no_regression(members: Members) -> Rule:
    tolerance = members.number("tolerance", 0)
    if tolerance < 0:
        members.refuse("tolerance", "must be 0 or more")
    return NoRegression(
        metric=members.text("metric"),
        against=members.text("against", ""),
        tolerance=tolerance,
        wanted=_read_wanted(members),
    )


def _read_signature(members: Members) -> Rule:
    return Signature(
        role=members.role("role", Role.CONTRIBUTOR),
        assurance=members.members_of("assurance", Assurance, ANY_ASSURANCE),
        signers=frozenset(members.texts("signers", [])),
    )


def _read_scan(members: Members) -> Rule:
    return Scans(
        tools=tuple(members.texts("tools", [])),
        maximum=members.one_of("maximum", frozenset(SEVERITIES), "none"),
        max_age=members.optional_age("max_age"),
    )


def _read_format(members: Members) -> Rule:
    if not members.has("allow"):
        raise InvalidPolicy(reason="`allow` is missing")
    return Formats(allow=members.members_of("allow", Format, frozenset()))


def _read_card(members: Members) -> Rule:
    required = members.texts("required")
    unknown = sorted(set(required) - set(CARD_FIELDS))
    if unknown:
        members.refuse("required", f"names {unknown[0]!r}, which is not a field of a card")
    return CardFields(required=tuple(required))


def _read_provenance(members: Members) -> Rule:
    return Clean(
        clean_tree=members.truth("clean_tree", default=True),
        resolved=members.truth("resolved", default=True),
        not_revoked=members.truth("not_revoked", default=True),
        licences=frozenset(members.texts("licences", [])),
    )


def _read_reproduced(members: Members) -> Rule:
    return Reproduced(
        verdict=members.one_of("verdict", frozenset(VERDICTS[1:]), "within-tolerance"),
        max_age=members.optional_age("max_age"),
        independent=members.truth("independent", default=False),
    )


def _read_soak(members: Members) -> Rule:
    return Soak(alias=members.text("alias"), least=members.age("least"))


def _read_window(members: Members) -> Rule:
    zone_name = members.text("zone", "UTC")
    try:
        zone = UTC if zone_name == "UTC" else ZoneInfo(zone_name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        members.refuse("zone", f"must be a time zone, not {zone_name!r}")
    freezes = tuple(map(_read_freeze, members.subs("freezes")))
    days = members.texts("days", list(_DAYS))
    if not set(days) <= set(_DAYS):
        members.refuse("days", f"must be some of {' '.join(_DAYS)}")
    opens = closes = None
    if members.has("hours"):
        match = _HOURS.fullmatch(members.text("hours"))
        if match is None:
            members.refuse("hours", "must be a range such as 08:00-17:00")
        first, second, third, fourth = map(int, match.groups())
        opens, closes = time(first, second), time(third, fourth)
    return Window(
        zone=zone,
        zone_name=zone_name,
        freezes=freezes,
        days=frozenset(map(_DAYS.index, days)),
        opens=opens,
        closes=closes,
    )


def _read_freeze(members: Members) -> Freeze:
    freeze = Freeze(
        since=members.moment("from"), until=members.moment("until"), reason=members.text("reason", "")
    )
    members.end()
    if freeze.since >= freeze.until:
        raise InvalidPolicy(reason="a freeze must end after it begins", where=members.path)
    return freeze


def _read_plan(members: Members) -> Rule:
    return InsidePlan(against=members.text("against", ""), role=members.role("role", Role.APPROVER))


def _read_expression(members: Members, compiler: Compile | None) -> Rule:
    source, message = members.text("expression"), members.text("message", "")
    if compiler is None:
        raise InvalidPolicy(reason="expressions cannot be evaluated here")
    with under("expression"):
        program = compiler(source)
    return Expression(source=source, message=message, program=program)


_CEL: Final = "cel"
READERS: Final[Mapping[str, Callable[[Members], Rule]]] = {
    "require": _read_require,
    "threshold": _read_threshold,
    "gap": _read_gap,
    "no_regression": _read_no_regression,
    "approvals": read_approvals,
    "signature": _read_signature,
    "scan": _read_scan,
    "format": _read_format,
    "card": _read_card,
    "provenance": _read_provenance,
    "reproduced": _read_reproduced,
    "soak": _read_soak,
    "window": _read_window,
    "plan": _read_plan,
}
KINDS: Final = (*READERS, _CEL)


def _read_count(value: Json) -> int:
    if type(value) is not int or not 1 <= value <= MAX_PEOPLE:
        raise InvalidPolicy(reason="a number of approvals must be 1 or more")
    return value
