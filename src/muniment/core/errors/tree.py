"""The root of all refusals."""

import re
from dataclasses import dataclass, fields
from typing import ClassVar, dataclass_transform


@dataclass_transform(kw_only_default=True, eq_default=False)
@dataclass(kw_only=True, eq=False)
class MunimentError(Exception):
    """The root of the tree."""

    code: ClassVar[str] = "muniment_error"
    message: ClassVar[str] = ""
    advice: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        """Make each class a dataclass and derive its code: VersionExists, version_exists."""
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        dataclass(kw_only=True, eq=False)(cls)

    def data(self) -> dict[str, object]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def hint(self) -> str:
        """What to do, in one line; empty if there is nothing to add."""
        return self.advice.format(**self.data())

    def __str__(self) -> str:
        """Say what went wrong, in one line."""
        return " ".join(self.message.format(**self.data()).split())

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by fields, for errors that cross a process."""
        return _rebuild, (type(self), self.data())


def _rebuild(kind: type[MunimentError], data: dict[str, object]) -> MunimentError:
    return kind(**data)


def list_errors(kind: type[MunimentError] = MunimentError) -> list[type[MunimentError]]:
    """List every error below `kind`, parents first."""
    return [kind, *(error for child in kind.__subclasses__() for error in list_errors(child))]
