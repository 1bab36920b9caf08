"""The query language of search (docs/reference/search.md)."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from lark import Lark, Token, Transformer
from lark.exceptions import LarkError, UnexpectedInput, UnexpectedToken, VisitError

from muniment.core.catalog.search import (
    ALIAS,
    ATTRIBUTES,
    DIGEST,
    OWNER,
    POINTERS,
    TARGET,
    And,
    Comparison,
    Condition,
    Not,
    Or,
    Search,
)
from muniment.core.claims.deployments import check_target
from muniment.core.digests import Digest
from muniment.core.errors import InvalidQuery, InvalidTime
from muniment.core.names import Alias
from muniment.core.times import read_time, write_time

MAX_QUERY_CHARACTERS: Final = 2000
MAX_CONDITIONS: Final = 20
_MAX_DEPTH: Final = 20

_GRAMMAR: Final = r"""
    start: [_or] [order]
    _or: either | _and
    either: _and (OR _and)+
    _and: both | _one
    both: _one (AND _one)+
    _one: comparison | negation | "(" _or ")"
    negation: NOT _one
    comparison: FIELD OP value
    value: NUMBER | STRING | WORD
    order: ORDER BY FIELD [DIRECTION]

    AND.3: "and"i
    OR.3: "or"i
    NOT.3: "not"i
    ORDER.3: "order"i
    BY.3: "by"i
    DIRECTION.3: "asc"i | "desc"i
    FIELD.2: COLUMN | FACT
    COLUMN: /(name|version|created|author|owner|size|digest|alias|target)(?![\w.])/
    FACT: /(tag|param|metric)\.[\w.\/()%-]*[\w)%]/
    OP: "!=" | "<=" | ">=" | "=" | "<" | ">" | "~"
    NUMBER.2: /[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?(?![\w:.\/@-])/
    STRING: /"[^"]*"|'[^']*'/
    WORD: /[\w.\/:@+-]+/

    %ignore /\s+/
"""
# Fields that name something, with the check of the name.
_NAMES: Final[Mapping[str, Callable[[str], object]]] = {
    ALIAS: Alias,
    DIGEST: Digest.parse,
    TARGET: check_target,
}
_PARSER: Final = Lark(_GRAMMAR, parser="lalr", maybe_placeholders=False)


@lru_cache(maxsize=256)
def parse(text: str) -> Search:
    """Read a query.

    Raises:
        InvalidQuery: it breaks the grammar (docs/reference/search.md), or is too long or nested too deeply.
    """
    if len(text) > MAX_QUERY_CHARACTERS or text.count("(") > _MAX_DEPTH:
        raise InvalidQuery(reason="it is too long or nested too deeply")
    try:
        search = _Reader().transform(_PARSER.parse(text))
    except UnexpectedInput as error:
        raise InvalidQuery(reason=_locate(text, error)) from error
    except VisitError as error:
        cause = error.orig_exc
        raise InvalidQuery(reason=cause.reason if isinstance(cause, InvalidQuery) else str(cause)) from error
    except LarkError as error:
        raise InvalidQuery(reason="it breaks the grammar") from error
    if not isinstance(search, Search) or _count(search.condition) > MAX_CONDITIONS:
        raise InvalidQuery(reason=f"it has more than {MAX_CONDITIONS} conditions")
    return search


class _Reader(Transformer[Token, object]):
    """Turns the tree of the grammar into conditions."""

    def start(self, children: list[object]) -> Search:
        orders = [child for child in children if isinstance(child, tuple)]
        field, direction = orders[0] if orders else ("created", "desc")
        return Search(
            condition=next(iter(_conditions(children)), None), order=field, descending=direction == "desc"
        )

    def either(self, children: list[object]) -> Or:
        return Or(_conditions(children))

    def both(self, children: list[object]) -> And:
        return And(_conditions(children))

    def negation(self, children: list[object]) -> Not:
        return Not(_conditions(children)[0])

    def comparison(self, children: list[object]) -> Comparison:
        field, op, value = children
        return _check(Comparison(str(field), str(op), value if isinstance(value, float) else str(value)))

    def value(self, children: list[Token]) -> str | float:
        token = children[0]
        if token.type == "NUMBER":
            return float(token)
        return str(token)[1:-1] if token.type == "STRING" else str(token)

    def order(self, children: list[Token | None]) -> tuple[str, str]:
        tokens = {token.type: str(token).lower() for token in children if token is not None}
        field = next(str(token) for token in children if token is not None and token.type == "FIELD")
        if field in {*POINTERS, DIGEST, OWNER, "author", "size"}:
            raise InvalidQuery(reason=f"versions cannot be ordered by {field}")
        return field, tokens.get("DIRECTION", "asc")


def _check(comparison: Comparison) -> Comparison:
    """Check that a field allows the comparison, and normalize the value."""
    field, op, value = comparison.field, comparison.op, comparison.value
    if field in _NAMES:
        if op not in {"=", "!="}:
            raise InvalidQuery(reason=f"{field} can only be compared with = or !=")
        _NAMES[field](str(value))
        return Comparison(field, op, str(value))
    if field in {"version", "size"}:
        if not isinstance(value, float) or op == "~":
            raise InvalidQuery(reason=f"{field} is a number")
        return comparison
    if field == "created":
        return Comparison(field, op, _read_moment(str(value)))
    if field.startswith("metric.") and not isinstance(value, float):
        raise InvalidQuery(reason=f"{field} is a number")
    if isinstance(value, float) and (
        op == "~" or not field.startswith(tuple(f"{kind}." for kind in ATTRIBUTES))
    ):
        raise InvalidQuery(reason=f"{field} is text: put the value in quotes")
    return comparison


def _read_moment(text: str) -> str:
    try:
        return write_time(read_time(text if "T" in text else f"{text}T00:00:00Z"))
    except InvalidTime as error:
        raise InvalidQuery(reason=f"{text!r} is not a time") from error


def _conditions(children: list[object]) -> tuple[Condition, ...]:
    return tuple(child for child in children if isinstance(child, Comparison | And | Or | Not))


def _count(condition: "Condition | None") -> int:
    match condition:
        case None:
            return 0
        case Comparison():
            return 1
        case Not(part):
            return _count(part)
        case And(parts) | Or(parts):
            return sum(_count(part) for part in parts)


def _locate(text: str, error: UnexpectedInput) -> str:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return "a value is missing at its end" if "WORD" in error.expected else "it ends too soon"
    rest = text[error.pos_in_stream :][:20]
    return f"at column {error.column}: {rest!r} was not expected"
