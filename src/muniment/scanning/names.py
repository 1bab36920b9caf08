"""The names that pickles take, and the list of those that only make data (`names.toml`)."""

import sys
import tomllib
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from importlib.resources import files
from typing import Final, NamedTuple


class Name(NamedTuple):
    """A name that a pickle takes from a module."""

    module: str
    name: str

    def __str__(self) -> str:
        """Write it as Python does."""
        return f"{self.module}.{self.name}"


def _read(table: str) -> frozenset[Name]:
    listed = _LISTED[table]
    return frozenset(Name(module, name) for module, names in listed.items() for name in names)


_LISTED: Final = tomllib.loads(files(__package__).joinpath("names.toml").read_text("utf-8"))
_CLASSES: Final = _read("classes")
_FUNCTIONS: Final = _read("functions")


def is_listed(name: Name) -> bool:
    """Return whether a name is known to make nothing but data."""
    return bool({name, _modernise(name)} & (_CLASSES | _FUNCTIONS))


def is_class(name: Name) -> bool:
    """Return whether a name is listed, and what it makes is no text, and nothing that runs."""
    return bool({name, _modernise(name)} & _CLASSES)


def is_standard(name: Name) -> bool:
    """Return whether a name is of the standard library, which can read any file and run any program."""
    package = _modernise(name).module.partition(".")[0]
    return package in sys.stdlib_module_names or package in _RETIRED


# What older Pythons had beside today's.
_RETIRED: Final = frozenset({"distutils", "asynchat", "asyncore", "imp", "smtpd"})


def _modernise(name: Name) -> Name:
    """Return a name of Python 2 as Python 3 reads it (`pickle`, `fix_imports`)."""
    if name in NAME_MAPPING:
        return Name(*NAME_MAPPING[name])
    return Name(IMPORT_MAPPING.get(name.module, name.module), name.name)
