"""Settings of the client: the SDK and the command line read the environment only here."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.core.errors import InvalidSetting

DEFAULT_LOCATION: Final = "muniment-data"
# An hour: a server signs its state for every answer.
MAX_AGE_S: Final = 3600.0
_FLAGS: Final = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The client's environment variables.

    Attributes:
        location: MUNIMENT_URL, the registry's directory or server; `./muniment-data` by default.
        identity: MUNIMENT_IDENTITY, the private key file to sign with; by default the founder's.
        token: MUNIMENT_TOKEN, the token for the server; by default the one that `muniment login` saved.
        passphrase: MUNIMENT_PASSPHRASE, the passphrase of an encrypted private key.
        state: MUNIMENT_STATE, the directory of remembered logs; XDG_STATE_HOME/muniment by default.
        user: USER, the name of the founder of a new registry.
        read_only: MUNIMENT_READ_ONLY, whether to change nothing and to allow an older copy of a registry.
        max_age: MUNIMENT_MAX_AGE, for how many seconds the signed state of a server counts; 3600 by default.
    """

    location: str
    identity: Path | None
    token: str | None
    passphrase: str | None
    state: Path
    user: str
    read_only: bool = False
    max_age: float = MAX_AGE_S

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment."""
        identity = environment.get("MUNIMENT_IDENTITY")
        home = environment.get("HOME", "~")
        state = environment.get("XDG_STATE_HOME", f"{home}/.local/state")
        return cls(
            location=environment.get("MUNIMENT_URL") or DEFAULT_LOCATION,
            identity=Path(identity) if identity else None,
            token=environment.get("MUNIMENT_TOKEN") or None,
            passphrase=environment.get("MUNIMENT_PASSPHRASE") or None,
            state=Path(environment.get("MUNIMENT_STATE", f"{state}/muniment")).expanduser(),
            user=environment.get("USER") or "founder",
            read_only=_read_flag("MUNIMENT_READ_ONLY", environment.get("MUNIMENT_READ_ONLY") or "0"),
            max_age=_read_age(environment.get("MUNIMENT_MAX_AGE") or str(MAX_AGE_S)),
        )


def _read_flag(name: str, text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise InvalidSetting(name=name, reason=f"expected true or false, got {text!r}")
    return _FLAGS[text.lower()]


def _read_age(text: str) -> float:
    try:
        age = float(text)
    except ValueError:
        age = math.nan
    if not age > 0:
        raise InvalidSetting(name="MUNIMENT_MAX_AGE", reason=f"expected seconds above 0, got {text!r}")
    return age
