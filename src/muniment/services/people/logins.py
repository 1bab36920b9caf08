"""Logins: the principals of people of identity providers. Each subject is one principal, under any name."""

import hashlib

from muniment.core import canonical
from muniment.core.errors import NameTaken
from muniment.core.events import LoginLinked
from muniment.core.payloads import Payload
from muniment.core.verbs.people import RegisterPrincipal
from muniment.ports.unit import Unit
from muniment.services.people.principals import add_principal
from muniment.services.people.sessions import invite
from muniment.services.transaction import Outcome, Transaction

_MAX_NAME_CHARACTERS = 150


def admit_person(  # noqa: PLR0913, PLR0917 - the data of a login
    tx: Transaction, issuer: str, subject: str, name: str, token: str, expires: str
) -> Outcome:
    """Invite a person whom a provider identifies; on the first login, register them.

    A newcomer may do nothing until somebody grants a role. The caller MUST have verified the provider's
    statement.
    """
    principal = find_person(tx.unit, issuer, subject) or _register(tx, issuer, subject, name)
    label = Payload(salt=tx.nonces(), text=f"login through {issuer}")
    return invite(tx, principal, token, label, expires)


def find_person(unit: Unit, issuer: str, subject: str) -> str | None:
    """Find the principal of a subject of a provider."""
    for digest in unit.payloads.find_labelled(_label(issuer, subject)):
        return unit.payloads.find(digest)
    return None


def _register(tx: Transaction, issuer: str, subject: str, name: str) -> str:
    principal = tx.nonces()
    shown = "".join(c for c in name if c.isprintable()).strip()[:_MAX_NAME_CHARACTERS] or "somebody"
    try:
        add_principal(tx, principal, "person", RegisterPrincipal(name=Payload(salt=tx.nonces(), text=shown)))
    except NameTaken:
        # If the name is taken, add the end of the id.
        longer = Payload(salt=tx.nonces(), text=f"{shown} ({principal[-6:]})")
        add_principal(tx, principal, "person", RegisterPrincipal(name=longer))
    link = Payload(salt=tx.nonces(), text=principal)
    tx.unit.payloads.put(link, label=_label(issuer, subject), principal=principal, personal=True)
    tx.record(LoginLinked(principal=principal, login=link.digest))
    return principal


def _label(issuer: str, subject: str) -> str:
    pair = canonical.encode({"issuer": issuer, "subject": subject})
    return f"login:{hashlib.sha256(pair).hexdigest()}"
