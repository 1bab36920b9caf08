"""Judge the pickles of a file."""

import re
from collections.abc import Iterator
from io import BufferedReader, BytesIO

from muniment.core.claims.scans import ScanFinding
from muniment.core.extras import load_extra
from muniment.scanning.names import Name, is_listed, is_standard
from muniment.scanning.pickles import Pickles, read_pickles


def judge_pickles(file: BufferedReader, path: str, *, declared: bool) -> Iterator[ScanFinding]:
    """Follow the pickles from the current position of a file, and report what they do.

    A file not `declared` a pickle, by name or first bytes, counts only if a loader would act on it.
    """
    pickles = read_pickles(file)
    if not declared and not pickles.acts:
        return
    names = pickles.reading.names
    wrong = [
        *_judge_names(names, path),
        *(
            ScanFinding("high", "pickle/hidden", f"a pickle with {how}", path)
            for how in pickles.reading.hidden
        ),
        *(_judge_end(pickles, path) if declared else ()),
    ]
    yield from wrong
    if not wrong:
        listed = ", ".join(sorted(map(str, names))) or "none"
        yield ScanFinding(
            "none", "pickle/data", f"a pickle that only makes data, with the imports {listed}", path
        )


def _judge_names(names: set[Name], path: str) -> Iterator[ScanFinding]:
    dangerous = _ask_second(names)
    for name in names:
        if name in dangerous:
            message = f"a pickle imports {name}, which runs code according to picklescan"
            yield ScanFinding("critical", "picklescan/dangerous", message, path)
        elif is_standard(name) and not is_listed(name):
            yield ScanFinding("critical", "pickle/name", f"a pickle imports {name} of Python's library", path)
        elif not is_listed(name):
            message = f"a pickle imports {name}, which is not known to make only data"
            yield ScanFinding("high", "pickle/name", message, path)


def _judge_end(pickles: Pickles, path: str) -> Iterator[ScanFinding]:
    if pickles.fault and pickles.ended:
        yield ScanFinding(
            "medium", "pickle/rest", f"after a pickle, the rest is not one: {pickles.fault}", path
        )
    elif pickles.fault:
        yield ScanFinding("high", "pickle/unread", f"a pickle cannot be followed: {pickles.fault}", path)
    elif not pickles.ended:
        yield ScanFinding("low", "pickle/empty", "an empty pickle", path)


def _ask_second(names: set[Name]) -> set[Name]:
    """Ask picklescan which names run code, with a pickle that takes them and does nothing."""
    plain = [name for name in names if "".join(name).isascii() and not re.search(r"\s", "".join(name))]
    scanner = load_extra("picklescan.scanner", "picklescan", extra="server")
    taken = "".join(f"c{name.module}\n{name.name}\n0" for name in plain)
    result = scanner.scan_pickle_bytes(BytesIO(f"{taken}N.".encode()), "pickle")
    dangerous = scanner.SafetyLevel.Dangerous
    return {Name(one.module, one.name) for one in result.globals if one.safety is dangerous}
