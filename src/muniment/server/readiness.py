"""Check readiness by reading from each store something that it must have."""

from collections.abc import Callable

from muniment.core.digests import Digest
from muniment.core.errors import LogInconsistent, MunimentError
from muniment.services.serving.registry import ServedRegistry

_NOTHING = Digest.of(b"")


def check_ready(registry: ServedRegistry) -> dict[str, str | None]:
    """Return the fault of each store, as a code; None if it works."""
    return {
        "database": _try(lambda: _read_log(registry)),
        "blobs": _try(lambda: registry.blobs.find(_NOTHING)),
    }


def _read_log(registry: ServedRegistry) -> None:
    if not registry.units.read(lambda unit: unit.log.size()):
        raise LogInconsistent(reason="it is empty")


def _try(act: Callable[[], object]) -> str | None:
    try:
        act()
    except MunimentError as error:
        return error.code
    return None
