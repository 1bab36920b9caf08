"""Sign with a passkey in the browser, on a page of the registry that shows the statement."""

import importlib
from collections.abc import Callable, Sequence
from urllib.parse import urlencode

from muniment.core.errors import BrowserLost, InvalidKey
from muniment.core.payloads import Payload
from muniment.core.people.callers import Assurance
from muniment.core.records import KeyRecord
from muniment.signing.bundle import Bundle, verify_bundle
from muniment.signing.keys import PublicKey
from muniment.signing.passkeys import Passkey, encode_base64url, write_signature


def sign_with_passkey(
    payload: bytes,
    location: str,
    keys: Sequence[KeyRecord],
    reason: Payload | None,
    show: Callable[[str], object],
) -> Bundle:
    """Sign an approval or a withdrawal with one of our passkeys; `show` receives the address to open.

    Raises:
        InvalidKey: none of our keys is a passkey of that registry.
        BrowserLost: the browser brings no signature.
        BadSignature: the signature is over something else.
    """
    passkeys = _find_passkeys(location, keys)
    if not passkeys:
        raise InvalidKey(
            reason=f"you have no passkey for {location}",
            remedy="make one in a browser, with an invitation of that server: muniment key passkey LINK",
        )

    def make_address(port: int, state: str) -> str:
        given = {
            "payload": encode_base64url(payload),
            "port": port,
            "state": state,
            "allow": list(passkeys),
            **({} if reason is None else {"reason": reason.text, "salt": reason.salt}),
        }
        return f"{location}/passkeys/sign#{urlencode(given, doseq=True)}"

    # Its HTTP server is loaded when somebody signs in a browser.
    browser = importlib.import_module("muniment.client.connection.browser")
    brought = browser.wait_for_browser(make_address, show)
    key = passkeys.get(brought.get("credential", ""))
    if key is None:
        raise BrowserLost(reason="the browser did not sign")
    parts = (brought.get("authenticator", ""), brought.get("client", ""), brought.get("signature", ""))
    bundle = Bundle(payload=payload, signature=write_signature(*parts), key_id=key.id)
    verify_bundle(bundle, key)
    return bundle


def _find_passkeys(location: str, keys: Sequence[KeyRecord]) -> dict[str, PublicKey]:
    """Return the passkeys for a location, by their credential ids."""
    passkeys = {}
    for record in keys:
        if record.assurance == Assurance.PASSKEY and record.revoked is None:
            line = record.public_key.encode()
            passkey = Passkey.read(line)
            if passkey.origin == location:
                passkeys[passkey.credential] = PublicKey.read(line)
    return passkeys
