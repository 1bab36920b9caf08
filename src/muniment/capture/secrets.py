"""Keep secrets out of records: command lines, parameters, variables, URLs and diffs.

A value counts as a secret if the name of its variable or option says so, or if it looks like a well-known
kind of token. A removed secret leaves a mark, so its absence is visible.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from muniment.core.canonical import Json

HIDDEN: Final = "(hidden)"

# Hiding shorter values would hide ordinary words.
_MIN_CHARACTERS: Final = 6
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TELLING: Final = frozenset(
    {
        "accesskey", "apikey", "auth", "authorization", "cookie", "credential", "credentials", "dsn",
        "passphrase", "passwd", "password", "secret", "secrets", "token",
    }
)  # fmt: skip
# Only as the last of several words: DB_PWD, but not PWD, the current directory.
_LAST: Final = frozenset({"key", "pass", "pwd"})
# AWS, GitHub, GitLab, Slack, Google, Hugging Face, OpenAI, ours; JSON web tokens; PEM; a password in a URL.
_FORMS: Final = re.compile(
    r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{16,}"
    r"|\bxox[abprs]-[\w-]{10,}|\bAIza[\w-]{30,}|\bhf_[A-Za-z0-9]{20,}|\bsk-[\w-]{20,}|\bmun_[\w-]{20,}"
    r"|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|://[^/\s:@]+:[^/\s:@]+@"
)


def is_secret_name(name: str) -> bool:
    """Return whether a name suggests that its value is a secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return not _TELLING.isdisjoint(words) or (len(words) > 1 and words[-1] in _LAST)


def find_secrets(environment: Mapping[str, str]) -> frozenset[str]:
    """Collect the values of variables whose names suggest secrets."""
    return frozenset(
        value for name, value in environment.items() if len(value) >= _MIN_CHARACTERS and is_secret_name(name)
    )


def holds_secret(text: str, known: Iterable[str]) -> bool:
    """Return whether a text contains a known secret, or something that looks like a token."""
    return any(value in text for value in known) or _FORMS.search(text) is not None


def hide_in_command(arguments: Sequence[str], known: frozenset[str]) -> list[str]:
    """Hide secrets in a command line: values of options whose names suggest secrets, and `known` values."""
    shown: list[str] = []
    expected = False
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if expected and not argument.startswith("-"):
            shown.append(HIDDEN)
        elif separator and value and (is_secret_name(name) or holds_secret(value, known)):
            shown.append(f"{name}={HIDDEN}")
        elif holds_secret(argument, known):
            shown.append(HIDDEN)
        else:
            shown.append(argument)
        expected = not separator and argument.startswith("-") and is_secret_name(argument)
    return shown


def hide_in_values(values: Json, known: frozenset[str], name: str = "") -> Json:
    """Hide secrets in parameters at any depth, by the name of a member or by its value."""
    if isinstance(values, Mapping):
        return {str(key): hide_in_values(value, known, str(key)) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [hide_in_values(value, known, name) for value in values]
    if isinstance(values, str) and (is_secret_name(name) or holds_secret(values, known)):
        return HIDDEN
    return values


def hide_in_url(url: str) -> str:
    """Remove the user, password, query and fragment of a URL, which may contain secrets."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return HIDDEN
    if not parts.scheme:
        return url.rpartition("@")[2]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
