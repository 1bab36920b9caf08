"""The names that pickles take, and the list of harmless ones (`names.toml`)."""

import sys
import tomllib
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from importlib.resources import files
from typing import Final, NamedTuple


class Name(NamedTuple):
    """A name in a module that a pickle takes."""

    module: str
    name: str

    def __str__(self) -> str:
        """Write the name in Python's form."""
        return f"{self.module}.{self.name}"


def _read(table: str) -> frozenset[Name]:
    listed = _LISTED[table]
    return frozenset(Name(module, name) for module, names in listed.items() for name in names)


_LISTED: Final = tomllib.loads(files(__package__).joinpath("names.toml").read_text("utf-8"))
_CLASSES: Final = _read("classes")
_FUNCTIONS: Final = _read("functions")


def is_listed(name: Name) -> bool:
    """Return whether a name is known to make only data."""
    return bool({name, _modernise(name)} & (_CLASSES | _FUNCTIONS))


def is_class(name: Name) -> bool:
    """Return whether a name is a listed class, whose instances are neither text nor callable."""
    return bool({name, _modernise(name)} & _CLASSES)


def is_standard(name: Name) -> bool:
    """Return whether a name is in Python's own library, which can read any file and run any program."""
    package = _modernise(name).module.partition(".")[0]
    return package in sys.stdlib_module_names or package in _RETIRED


# Packages that only older Pythons have.
_RETIRED: Final = frozenset({"distutils", "asynchat", "asyncore", "imp", "smtpd"})


def _modernise(name: Name) -> Name:
    """Return the Python 3 form of a Python 2 name (`pickle`, `fix_imports`)."""
    if name in NAME_MAPPING:
        return Name(*NAME_MAPPING[name])
    return Name(IMPORT_MAPPING.get(name.module, name.module), name.name)
