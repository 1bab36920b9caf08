"""Expressions of `cel` rules (Common Expression Language), made ready and looked over.

An error inside of an expression is an error, and an error denies. There is one way around that: `A || B`
is true if B is, though A cannot be evaluated. Over evidence that would let missing evidence pass, so that
an expression with `||` at its top is refused.
"""

from functools import lru_cache
from typing import Final

from lark import Lark, Token
from lark.exceptions import LarkError

from muniment.core.errors import InvalidPolicy
from muniment.core.extras import load_extra
from muniment.core.gates.rules.expression import Program

_MAX_CHARACTERS: Final = 2_000
# Each of these walks a list; one inside of another multiplies.
_MAX_MACROS: Final = 4
_MACROS: Final = frozenset({"all", "exists", "exists_one", "map", "filter"})

# The tokens of CEL, as far as it matters where an operator stands.
_TOKENS: Final = Lark(
    r"""
    start: (STRING | COMMENT | OR | NAME | OPEN | CLOSE | OTHER)*
    STRING.3: /[rRbB]{0,2}("{3}(\\.|[^\\])*?"{3}|'{3}(\\.|[^\\])*?'{3}|"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])*')/s
    COMMENT.2: /\/\/[^\n]*/
    OR.2: "||"
    NAME: /[A-Za-z_][A-Za-z_0-9]*/
    OPEN: /[(\[{]/
    CLOSE: /[)\]}]/
    OTHER: /[^A-Za-z_()\[\]{}"']/
    %ignore /\s+/
    """,
    parser="lalr",
)


@lru_cache(maxsize=256)
def compile_expression(source: str) -> Program:
    """Make an expression ready.

    Raises:
        InvalidPolicy: it is no CEL, is too long, or has `||` at its top.
        MissingExtra: the `policies` extra is not installed.
    """
    if len(source) > _MAX_CHARACTERS:
        raise InvalidPolicy(reason=f"an expression has more than {_MAX_CHARACTERS} characters")
    _check(source)
    cel = load_extra("cel", "common-expression-language", "policies")
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise InvalidPolicy(reason=f"not an expression: {_brief(error)}") from error

    def evaluate(known: object) -> object:
        try:
            return program.execute(known)
        except RuntimeError as error:
            # It has no name for what it does not find; `judge` lists what was wrong.
            raise LookupError(_brief(error)) from error

    return Program(names=frozenset(program.variables()), evaluate=evaluate)


def _check(source: str) -> None:
    """Look an expression over before it is compiled. Raises as `compile_expression`."""
    try:
        tokens = list(_TOKENS.lex(source))
    except LarkError as error:
        raise InvalidPolicy(reason="an expression with a string that does not end") from error
    if sum(token.type == "NAME" and token in _MACROS for token in tokens) > _MAX_MACROS:
        raise InvalidPolicy(reason=f"an expression walks lists more than {_MAX_MACROS} times")
    # Only what is said of each item of a list is not at the top: brackets and calls do not hide anything.
    inside: list[bool] = []
    before: Token | None = None
    for token in tokens:
        if token.type == "OPEN":
            inside.append(str(token) == "(" and before is not None and before in _MACROS)
        elif token.type == "CLOSE" and inside:
            inside.pop()
        elif token.type == "OR" and not any(inside):
            reason = "`||` at the top of an expression lets missing evidence pass: write two rules, or `in`"
            raise InvalidPolicy(reason=reason)
        before = token


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
