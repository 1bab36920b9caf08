"""Secrets stay out of what is recorded: out of command lines, parameters, variables, URLs and diffs.

A value is taken for a secret if a variable or option with a telling name holds it, or if it has the form of
a well-known kind of token. What is taken out is named, so that nobody takes its absence for an oversight.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from muniment.core.canonical import Json

HIDDEN: Final = "(hidden)"

# Shorter values would hide ordinary words.
_MIN_CHARACTERS: Final = 6
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_TELLING: Final = frozenset(
    {
        "accesskey", "apikey", "auth", "authorization", "cookie", "credential", "credentials", "dsn",
        "passphrase", "passwd", "password", "secret", "secrets", "token",
    }
)  # fmt: skip
# The last word of a name with several: DB_PWD, but not PWD, which is where one is.
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
    """Return whether what goes by a name is likely to be a secret."""
    words = [word.lower() for word in _WORDS.findall(name)]
    return not _TELLING.isdisjoint(words) or (len(words) > 1 and words[-1] in _LAST)


def find_secrets(environment: Mapping[str, str]) -> frozenset[str]:
    """Collect the values of variables with a telling name."""
    return frozenset(
        value for name, value in environment.items() if len(value) >= _MIN_CHARACTERS and is_secret_name(name)
    )


def holds_secret(text: str, known: Iterable[str]) -> bool:
    """Return whether a text holds one of some values, or something in the form of a token."""
    return any(value in text for value in known) or _FORMS.search(text) is not None


def hide_in_command(arguments: Sequence[str], known: frozenset[str]) -> list[str]:
    """Hide secrets in a command line: the values of options with a telling name, and all that `known` has."""
    found: list[str] = []
    expected = False
    for argument in arguments:
        name, separator, value = argument.partition("=")
        if expected and not argument.startswith("-"):
            found.append(HIDDEN)
        elif separator and value and (is_secret_name(name) or holds_secret(value, known)):
            found.append(f"{name}={HIDDEN}")
        elif holds_secret(argument, known):
            found.append(HIDDEN)
        else:
            found.append(argument)
        expected = not separator and argument.startswith("-") and is_secret_name(argument)
    return found


def hide_in_values(values: Json, known: frozenset[str], name: str = "") -> Json:
    """Hide secrets in parameters, however deep: by the name of a member, or by its value."""
    if isinstance(values, Mapping):
        return {str(key): hide_in_values(value, known, str(key)) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [hide_in_values(value, known, name) for value in values]
    if isinstance(values, str) and (is_secret_name(name) or holds_secret(values, known)):
        return HIDDEN
    return values


def hide_in_url(url: str) -> str:
    """Drop user, password, query and fragment of a URL: tokens live there."""
    parts = urlsplit(url)
    if not parts.scheme:
        return url.rpartition("@")[2]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
