"""The root of all refusals."""

import linecache
import re
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from types import MappingProxyType, TracebackType
from typing import ClassVar, Final, dataclass_transform

from muniment.core.naming import find_ids, put_arguments, put_names

_OURS: Final = str(Path(__file__).parents[2])
# The field that says what to do. It is said by this side: what a server says there is left out.
REMEDY: Final = "remedy"


# To type checkers the classes are dataclasses. To generate so many would slow down the start of each command.
@dataclass_transform(kw_only_default=True, eq_default=False)
class MunimentError(Exception):
    """The root of the tree. Annotations of a class are its fields, which are passed by name."""

    code: ClassVar[str] = "muniment_error"
    message: ClassVar[str] = ""
    advice: ClassVar[str] = ""
    fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        """Name the fields and derive the code: VersionExists, version_exists."""
        super().__init_subclass__()
        cls.code = re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()
        cls.fields = (*cls.fields, *cls.__annotations__)

    def __init__(self, **data: object) -> None:
        """Set the fields.

        Raises:
            TypeError: one is missing or unknown.
        """
        super().__init__()
        self._names: Mapping[str, str] = MappingProxyType({})
        vars(self).update(data)
        wrong = data.keys() - set(self.fields) or [name for name in self.fields if not hasattr(self, name)]
        if wrong:
            raise TypeError(f"{type(self).__name__} has the fields {self.fields}, not {sorted(data)}")  # noqa: EM102, TRY003 - a bug

    def list_people(self) -> set[str]:
        """List the ids of the people whom it names."""
        return find_ids(map(str, self._words().values()))

    def name_people(self, names: Mapping[str, str]) -> None:
        """Say names in place of ids, in what it says and not in its fields."""
        self._names = names

    def data(self) -> dict[str, object]:
        """Return the fields by name."""
        return {name: getattr(self, name) for name in self.fields}

    @property
    def hint(self) -> str:
        """What to do, in one line; empty if there is nothing to add.

        It names fields as arguments of commands, which a shell must not expand. Only `remedy` is our text.
        """
        words = {
            name: quote(value) if isinstance(value, str) and name != REMEDY else value
            for name, value in self._words().items()
        }
        return put_arguments(self.advice.format(self=self, **words), self._names)

    @property
    def sentence(self) -> str:
        """What went wrong, in one line."""
        said = self.message.format(self=self, **self._words())
        return " ".join(put_names(said, self._names).split())

    def __str__(self) -> str:
        """Say what went wrong and, in a second line, what to do."""
        return f"{self.sentence}\nhint: {self.hint}" if self.hint else self.sentence

    def list_failures(self) -> list[str]:
        """List what is said below the sentence, in lines of their own."""
        return []

    def _render_traceback_(self) -> list[str]:
        """Say in a notebook what was refused and which line asked for it, without the frames of the SDK."""
        line = _find_line(self.__traceback__)
        return [f"{self.code}: {self}", *([f"  in: {line}"] if line else [])]

    def _words(self) -> dict[str, object]:
        """Return the fields as a sentence has them: lists with commas."""
        return {
            name: ", ".join(map(str, value)) if isinstance(value, tuple) else value
            for name, value in self.data().items()
        }

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by fields, for errors that cross a process."""
        return _rebuild, (type(self), self.data())


def _rebuild(kind: type[MunimentError], data: dict[str, object]) -> MunimentError:
    return kind(**data)


def sentence_of(error: BaseException) -> str:
    """Say what went wrong in one line, if the error is ours; else in its own words."""
    return error.sentence if isinstance(error, MunimentError) else str(error)


def _find_line(trace: TracebackType | None) -> str:
    """Find the line of the user's code that led to an error; empty if its source is not known."""
    line = ""
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith(_OURS):
            return line
        line = linecache.getline(name, trace.tb_lineno, trace.tb_frame.f_globals).strip()
        trace = trace.tb_next
    return line


def list_errors(kind: type[MunimentError] = MunimentError) -> list[type[MunimentError]]:
    """List every error below `kind`, parents first."""
    return [kind, *(error for child in kind.__subclasses__() for error in list_errors(child))]
