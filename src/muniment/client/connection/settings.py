"""Settings of the client: the only place where the SDK and the command line read the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says.

    Attributes:
        location: MUNIMENT_URL, where the registry is, a directory or a server; `./muniment-data` by default.
        identity: MUNIMENT_IDENTITY, a private key file to sign with; the registry's founder by default.
        token: MUNIMENT_TOKEN, what a server lets us in with; by default what `muniment login` kept.
        passphrase: MUNIMENT_PASSPHRASE, of an encrypted private key.
        state: MUNIMENT_STATE, where checkpoints are remembered; XDG_STATE_HOME/muniment by default.
        user: USER, the name of the founder of a new registry.
    """

    location: str
    identity: Path | None
    token: str | None
    passphrase: str | None
    state: Path
    user: str

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment."""
        identity = environment.get("MUNIMENT_IDENTITY")
        home = environment.get("HOME", "~")
        state = environment.get("XDG_STATE_HOME", f"{home}/.local/state")
        return cls(
            location=environment.get("MUNIMENT_URL", "muniment-data"),
            identity=Path(identity) if identity else None,
            token=environment.get("MUNIMENT_TOKEN") or None,
            passphrase=environment.get("MUNIMENT_PASSPHRASE") or None,
            state=Path(environment.get("MUNIMENT_STATE", f"{state}/muniment")).expanduser(),
            user=environment.get("USER") or "founder",
        )
