"""How checks are printed."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from muniment.cli.terminal import NO, Terminal
from muniment.client.proofs.verifying import Check
from muniment.core.canonical import JsonObject
from muniment.core.naming import put_names


def answer_checks(
    terminal: Terminal, checks: Sequence[Check], names: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Print checks, with the names of people in place of their ids; exit 1 if one failed."""
    lines = [put_names(line, names) for line in describe_checks(checks)]
    terminal.answer(write_checks(checks), lines)
    if not all(check.passed for check in checks):
        sys.exit(NO)


def write_checks(checks: Iterable[Check]) -> list[JsonObject]:
    """Write checks for `--json`."""
    return [
        {
            "what": check.what,
            "passed": check.passed,
            "note": check.note,
            "code": check.error.code if check.error else None,
            "message": check.error.sentence if check.error else None,
        }
        for check in checks
    ]


def describe_checks(checks: Iterable[Check]) -> list[str]:
    """Describe each check in a line, or two if it failed."""
    return [line for check in checks for line in _describe(check)]


def _describe(check: Check) -> list[str]:
    if check.error is None:
        return [f"{'note' if check.note else 'ok':<7} {check.what}"]
    return [f"FAILED  {check.what}", f"        {check.error.code}: {check.error.sentence}"]
