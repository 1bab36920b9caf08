"""The credentials of this machine: a token for each server, in a file that only its owner can read."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from muniment.core.errors import StorageFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """The tokens of a user, by server."""

    directory: Path

    @property
    def identity(self) -> Path:
        """The key file of this machine."""
        return self.directory / "identity.pem"

    def find(self, location: str) -> str | None:
        """Find the token for a server.

        Raises:
            StorageFailed: the file cannot be read.
        """
        return self._read().get(location)

    def keep(self, location: str, token: str | None) -> None:
        """Save the token for a server; None forgets it."""
        known = {name: token for name, token in self._read().items() if name != location}
        if token is not None:
            known[location] = token
        temporary = self.directory / f".tokens.{secrets.token_hex(8)}"
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "w") as output:
                json.dump(known, output)
            temporary.rename(self._path)
        except OSError as error:
            raise StorageFailed(path=str(self._path), reason=error.strerror or str(error)) from error

    @property
    def _path(self) -> Path:
        return self.directory / "tokens.json"

    def _read(self) -> dict[str, str]:
        try:
            return {str(name): str(token) for name, token in json.loads(self._path.read_text()).items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError) as error:
            raise StorageFailed(path=str(self._path), reason="it cannot be read") from error
