"""Names and references: how people point at models.

>>> Reference.parse("acme/readmission@3").selector
3
>>> Reference.parse("acme/readmission@production").selector
Alias(text='production')
>>> str(Reference.parse("acme/readmission"))
'acme/readmission@latest'
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self, TypeAlias

from muniment.core.digests import Digest
from muniment.core.errors import InvalidDigest, InvalidName, InvalidReference

LATEST: Final = "latest"
EVERY: Final = "*"

# One part of the repository grammar of the OCI distribution spec, so every name is valid there too.
_PART: Final = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_MAX_PART: Final = 64
_RESERVED: Final = "it is reserved: `latest` and numbers name versions; choose a word such as production"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}")


def check_part(text: str, kind: str) -> None:
    """Check one part of a name.

    Raises:
        InvalidName: it breaks the grammar or is longer than 64 characters.
    """
    if len(text) > _MAX_PART or _PART.fullmatch(text) is None:
        raise InvalidName(name=text, kind=kind)


def _split(text: str) -> tuple[str, str]:
    namespace, slash, model = text.partition("/")
    if not slash:
        raise InvalidName(name=text, kind="model name")
    return namespace, model


class Kind(StrEnum):
    """The kinds of repositories."""

    MODEL = "model"
    DATASET = "dataset"


@dataclass(frozen=True, slots=True, order=True)
class ModelName:
    """A model's name: `namespace/model`."""

    namespace: str
    model: str

    def __post_init__(self) -> None:
        """Check the grammar."""
        check_part(self.namespace, "namespace")
        check_part(self.model, "model name")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `namespace/model`.

        Raises:
            InvalidName: any other form.
        """
        return cls(*_split(text))

    def __str__(self) -> str:
        """Write it in its usual form."""
        return f"{self.namespace}/{self.model}"


@dataclass(frozen=True, slots=True, order=True)
class Alias:
    """A named pointer to a version; never a number and never `latest`, which moves by itself."""

    text: str

    def __post_init__(self) -> None:
        """Check the grammar."""
        check_part(self.text, "alias")
        if self.text == LATEST or self.text.isdigit():
            raise InvalidName(name=self.text, kind="alias", remedy=_RESERVED)

    def __str__(self) -> str:
        """Write it in its usual form."""
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class Models:
    """The models that a policy covers: one, `acme/readmission`, or all of a namespace, `acme/*`."""

    namespace: str
    model: str

    def __post_init__(self) -> None:
        """Check the grammar."""
        check_part(self.namespace, "namespace")
        if self.model != EVERY:
            check_part(self.model, "model name")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `namespace/model` or `namespace/*`.

        Raises:
            InvalidName: any other form.
        """
        return cls(*_split(text))

    def __str__(self) -> str:
        """Write it in its usual form."""
        return f"{self.namespace}/{self.model}"


Selector: TypeAlias = "int | Alias | Digest | None"


@dataclass(frozen=True, slots=True)
class Reference:
    """A pointer to a version: by number, by alias, by digest, or the latest (None)."""

    name: ModelName
    selector: Selector

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `namespace/model[@3|@alias|@latest|@sha256:<hex>]`.

        Raises:
            InvalidReference: the part after the @ has another form.
            InvalidName: the name before it breaks the grammar.
        """
        name, at, selector = text.partition("@")
        if at and not selector:
            raise InvalidReference(reference=text)
        return cls(ModelName.parse(name), _parse_selector(selector, text))

    def __str__(self) -> str:
        """Write it in its usual form."""
        return f"{self.name}@{LATEST if self.selector is None else self.selector}"


def _parse_selector(selector: str, reference: str) -> Selector:
    if selector in {"", LATEST}:
        return None
    try:
        if selector.startswith("sha256:"):
            return Digest.parse(selector)
        if _NUMBER.fullmatch(selector):
            return int(selector)
        return Alias(selector)
    except (InvalidDigest, InvalidName) as error:
        raise InvalidReference(reference=reference) from error
