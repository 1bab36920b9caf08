"""Sign with an SSH key: `ssh-keygen -Y sign` does it, so that agents and hardware keys work."""

import subprocess
import tempfile
from pathlib import Path
from typing import Final

from muniment.core.claims.attestations import PAYLOAD_TYPE
from muniment.core.errors import InvalidKey
from muniment.signing.bundle import Bundle
from muniment.signing.dsse import encode_for_signing
from muniment.signing.keys import SSH_NAMESPACE, PublicKey

_TIMEOUT_S: Final = 120
_REMEDY: Final = "name an SSH key whose public half lies beside it as FILE.pub, and install ssh-keygen"


def sign_with_ssh(payload: bytes, key: Path) -> Bundle:
    """Sign a statement with an SSH key: its private file or, with an agent, its public one.

    Raises:
        InvalidKey: there is no such key, or ssh-keygen does not sign with it.
    """
    public = key if key.suffix == ".pub" else key.with_name(f"{key.name}.pub")
    try:
        owner = PublicKey.read(public.read_bytes().strip())
        with tempfile.TemporaryDirectory(prefix="muniment-ssh-") as name:
            message = Path(name) / "statement"
            message.write_bytes(encode_for_signing(PAYLOAD_TYPE, payload))
            command = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", SSH_NAMESPACE, str(message)]
            done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603 - the user's key, no shell
            if done.returncode:
                fault = done.stderr.decode(errors="replace").strip()[:200]
                raise InvalidKey(reason=f"{key}: {fault}", remedy=_REMEDY)
            signature = message.with_name("statement.sig").read_bytes()
    except subprocess.TimeoutExpired as error:
        raise InvalidKey(
            reason=f"{key}: ssh-keygen did not answer for {_TIMEOUT_S} s", remedy=_REMEDY
        ) from error
    except OSError as error:
        reason = f"{error.filename or key}: {error.strerror}"
        raise InvalidKey(reason=reason, remedy=_REMEDY) from error
    return Bundle(payload=payload, signature=signature, key_id=owner.id)
