"""Compile and check the expressions of `cel` rules (Common Expression Language).

An error inside an expression denies, with one exception: `A || B` is true if B is, even if A cannot be
evaluated. That would let missing evidence pass, so an expression with `||` at its top level is refused.
"""

from functools import lru_cache
from typing import Final

from lark import Lark, Token
from lark.exceptions import LarkError

from muniment.core.errors import InvalidPolicy
from muniment.core.extras import load_extra
from muniment.core.gates.rules.expression import Program

_MAX_CHARACTERS: Final = 2_000
# Each of these walks a list; nested ones multiply.
_MAX_MACROS: Final = 4
_MACROS: Final = frozenset({"all", "exists", "exists_one", "map", "filter"})

# The tokens of CEL, in enough detail to see where an operator stands.
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
    """Compile an expression.

    Raises:
        InvalidPolicy: it is not valid CEL, is too long, or has `||` at its top level.
        MissingExtra: the `policies` extra is not installed.
    """
    if len(source) > _MAX_CHARACTERS:
        raise InvalidPolicy(reason=f"an expression is longer than {_MAX_CHARACTERS} characters")
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
            # It does not say which name is missing, so `judge` lists the error as it is.
            raise LookupError(_brief(error)) from error

    return Program(names=frozenset(program.variables()), evaluate=evaluate)


def _check(source: str) -> None:
    """Check an expression before it is compiled. Raises like `compile_expression`."""
    try:
        tokens = list(_TOKENS.lex(source))
    except LarkError as error:
        raise InvalidPolicy(reason="an expression has an unterminated string") from error
    if sum(token.type == "NAME" and token in _MACROS for token in tokens) > _MAX_MACROS:
        raise InvalidPolicy(reason=f"an expression walks lists more than {_MAX_MACROS} times")
    # Only the body of a macro is below the top level: brackets and calls hide nothing.
    inside: list[bool] = []
    before: Token | None = None
    for token in tokens:
        if token.type == "OPEN":
            inside.append(str(token) == "(" and before is not None and before in _MACROS)
        elif token.type == "CLOSE" and inside:
            inside.pop()
        elif token.type == "OR" and not any(inside):
            reason = "`||` at the top level lets missing evidence pass: write two rules, or use `in`"
            raise InvalidPolicy(reason=reason)
        before = token


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
