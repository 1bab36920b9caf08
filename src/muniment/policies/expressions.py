"""Compile and check the expressions of `cel` rules (Common Expression Language).

In CEL, `A || B` is true if B is, even if A cannot be evaluated, and `A && B` is false if B is. That would let
missing evidence pass. Here both go from left to right, and what they evaluate has to be there: they are
rewritten with `?:`, which passes errors on. `has(metrics.recall)` is true or an error, for the same reason.
So an expression is true only if everything that was looked at on the way was there.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from muniment.core.errors import InvalidPolicy
from muniment.core.extras import load_extra
from muniment.core.gates.rules.expression import NAMES, Program

_MAX_CHARACTERS: Final = 2_000
# Each of these walks a list; nested ones multiply.
_MAX_MACROS: Final = 4
_MACROS: Final = frozenset({"all", "exists", "exists_one", "map", "filter"})
_CLOSERS: Final = {"(": ")", "[": "]", "{": "}"}

# The tokens of CEL, in enough detail to see where an operator stands.
_TOKENS: Final = re.compile(
    r"""
    (?P<string>
        [bB]?[rR](?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\n\r]*"|'[^'\n\r]*')
      | [bB]?(?:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}|"(?:\\.|[^"\\\n\r])*"|'(?:\\.|[^'\\\n\r])*')
    )
  | (?P<space>\s+|//[^\n]*)
  | (?P<name>[A-Za-z_][A-Za-z_0-9]*)
  | (?P<number>0x[0-9A-Fa-f]+[uU]?|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?[uU]?)
  | (?P<or>\|\|) | (?P<and>&&) | (?P<between>[,?:])
  | (?P<open>[(\[{]) | (?P<close>[)\]}])
  | (?P<other>[=!<>]=|[^"'])
    """,
    re.VERBOSE | re.DOTALL,
)
_UNDEFINED: Final = re.compile(r"Undefined variable or function: '([^']*)'")


class _Token(NamedTuple):
    kind: str
    text: str


class _Group(NamedTuple):
    """What stands between two brackets."""

    opener: str
    parts: "_Parts"


_Parts: TypeAlias = "list[_Token | _Group]"


@lru_cache(maxsize=256)
def compile_expression(source: str) -> Program:
    """Compile an expression.

    Raises:
        InvalidPolicy: it is not valid CEL, is too long, is nested too deeply, walks too many lists, or gives
            one of the registry's names to the items of a list.
        MissingExtra: the `policies` extra is not installed.
    """
    if len(source) > _MAX_CHARACTERS:
        raise InvalidPolicy(reason=f"an expression is longer than {_MAX_CHARACTERS} characters")
    cel = load_extra("cel", "common-expression-language", "policies")
    try:
        names = frozenset(cel.compile(source).variables())
    except ValueError as error:
        raise InvalidPolicy(reason=f"not an expression: {_brief(error)}") from error
    tokens = _read_tokens(source)
    _check(tokens)
    try:
        program = cel.compile(_write(_group(iter(tokens))))
    except ValueError as error:
        raise InvalidPolicy(reason="an expression is nested too deeply") from error
    return Program(names=names, evaluate=_report_missing(program.execute))


def _report_missing(execute: Callable[[object], object]) -> Callable[[object], object]:
    """Make the errors of the engine say what is missing."""

    def evaluate(known: object) -> object:
        try:
            return execute(known)
        except KeyError as error:
            reason = f"{error.args[0]} is missing"
            raise LookupError(reason) from error
        except RuntimeError as error:
            undefined = _UNDEFINED.match(str(error))
            reason = f"{undefined[1]} is missing" if undefined else _brief(error)
            raise LookupError(reason) from error

    return evaluate


def _read_tokens(source: str) -> list[_Token]:
    found = [_Token(one.lastgroup or "", one.group()) for one in _TOKENS.finditer(source)]
    if sum(len(token.text) for token in found) != len(source):
        raise InvalidPolicy(reason="an expression has an unterminated string")
    return [token for token in found if token.kind != "space"]


def _check(tokens: Sequence[_Token]) -> None:
    """Check an expression before it is rewritten. Raises like `compile_expression`."""
    macros = [index for index, token in enumerate(tokens) if token.text in _MACROS]
    if len(macros) > _MAX_MACROS:
        raise InvalidPolicy(reason=f"an expression walks lists more than {_MAX_MACROS} times")
    for index in macros:
        _, opener, item, *_ = (*(token.text for token in tokens[index : index + 3]), "", "")
        if opener == "(" and item in NAMES:
            raise InvalidPolicy(
                reason=f"an expression calls the items of a list `{item}`, a name that is taken"
            )


def _group(tokens: Iterator[_Token]) -> _Parts:
    """Group tokens by their brackets, up to the bracket that closes."""
    parts: _Parts = []
    for token in tokens:
        if token.kind == "close":
            break
        parts.append(_Group(token.text, _group(tokens)) if token.kind == "open" else token)
    return parts


def _write(parts: _Parts) -> str:
    """Write an expression with operators that go from left to right and pass errors on."""
    # `&&` binds more loosely than all but `||`, and `||` more loosely than all but `?:` and commas.
    written: list[str] = []
    for between, condition in _split(parts, "between"):
        choices = [
            _join([_write_operand(one) for _, one in _split(choice, "and")], _both)
            for _, choice in _split(condition, "or")
        ]
        written += [between, _join(choices, _either)]
    return " ".join(written)


def _split(parts: _Parts, kind: str) -> list[tuple[str, _Parts]]:
    """Split at the tokens of a kind; each piece comes with the token before it, the first with none."""
    pieces: list[tuple[str, _Parts]] = [("", [])]
    for part in parts:
        if isinstance(part, _Token) and part.kind == kind:
            pieces.append((part.text, []))
        else:
            pieces[-1][1].append(part)
    return pieces


def _join(operands: Sequence[str], join: Callable[[str, str], str]) -> str:
    """Join operands by halves, since a parser bounds how deeply an expression is nested."""
    if len(operands) == 1:
        return operands[0]
    half = len(operands) // 2
    return join(_join(operands[:half], join), _join(operands[half:], join))


def _both(left: str, right: str) -> str:
    return f"({left} ? ({right} ? true : false) : false)"


def _either(left: str, right: str) -> str:
    return f"({left} ? true : ({right} ? true : false))"


def _write_operand(parts: _Parts) -> str:
    written: list[str] = []
    for part in parts:
        if isinstance(part, _Token):
            written.append(part.text)
            continue
        group = f"{part.opener}{_write(part.parts)}{_CLOSERS[part.opener]}"
        if part.opener == "(" and written[-1:] == ["has"] and _is_of_the_registry(part.parts):
            # A lookup in an empty map is an error that says what is missing.
            asked = json.dumps(_write(part.parts).replace(" ", ""), ensure_ascii=False)
            group = f"{group} ? true : {{}}[{asked}])"
            written[-1] = "(has"
        written.append(group)
    return " ".join(written)


def _is_of_the_registry(parts: _Parts) -> bool:
    """Return whether an expression begins at what the registry says, and not at an item of a list."""
    return any(
        _is_of_the_registry(part.parts) if isinstance(part, _Group) else part.text in NAMES for part in parts
    )


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
