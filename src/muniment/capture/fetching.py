"""Fetch remote data for a snapshot, over HTTP or from an object store."""

import tempfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final
from urllib.parse import urlsplit

import httpx2

from muniment.capture.secrets import hide_in_url
from muniment.core.errors import InvalidOption, RegistryUnreachable
from muniment.core.extras import load_extra

_CONNECT_S: Final = 30
_SECURE: Final = frozenset({"https", "http"})
# The store's own settings name its address; a local one may use plain HTTP.
_CLEAR: Final = {"allow_http": True}
_STORES: Final = frozenset({"s3", "gs", "az", "azure"})


def fetch(address: str) -> Path:
    """Fetch an address into a new temporary directory, and return the file.

    The file outlives this process: another process may push the recorded run.

    Raises:
        RegistryUnreachable: the address does not answer, or refuses.
        InvalidOption: the address cannot be read, or is of an unknown kind.
        MissingExtra: it is in an object store, and the `server` extra is not installed.
    """
    try:
        parts = urlsplit(address)
    except ValueError as error:
        raise InvalidOption(option="dataset", reason=f"is not a URL: {address!r}") from error
    target = Path(tempfile.mkdtemp(prefix="muniment-fetched-")) / (PurePosixPath(parts.path).name or "data")
    with target.open("wb") as file:
        if parts.scheme in _SECURE:
            _fetch_http(address, file)
        elif parts.scheme in _STORES:
            _fetch_object(address, file)
        else:
            raise InvalidOption(option="dataset", reason=f"cannot be fetched from {hide_in_url(address)}")
    return target


def _fetch_http(address: str, file: BinaryIO) -> None:
    try:
        with httpx2.stream("GET", address, follow_redirects=True, timeout=_CONNECT_S) as answer:
            answer.raise_for_status()
            file.writelines(answer.iter_bytes(1 << 20))
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = type(error).__name__
        raise RegistryUnreachable(location=hide_in_url(address), reason=reason) from error


def _fetch_object(address: str, file: BinaryIO) -> None:
    store = load_extra("obstore.store", "obstore", "server")
    errors = load_extra("obstore.exceptions", "obstore", "server")
    base, _, name = address.rpartition("/")
    try:
        file.writelines(
            bytes(chunk) for chunk in store.from_url(base, client_options=_CLEAR).get(name).stream()
        )
    except (errors.BaseError, FileNotFoundError) as error:
        reason = type(error).__name__
        raise RegistryUnreachable(location=hide_in_url(address), reason=reason) from error
