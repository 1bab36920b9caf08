"""Keys and tokens that an entry makes: on whose word, and whether that lets somebody in anew."""

from muniment.answers.authority import is_founding
from muniment.answers.people import roles_of
from muniment.answers.recoveries import find_recovery, has_key, has_signed_in
from muniment.answers.view import View
from muniment.answers.vouching import is_workload
from muniment.core.errors import LogInconsistent
from muniment.core.events import Entry, KeyEnrolled, TokenIssued
from muniment.core.people.callers import REGISTRY, Assurance
from muniment.core.people.roles import EVERYWHERE, Act, may
from muniment.core.records import IssuerRecord, TokenRecord, Where
from muniment.signing.keys import PublicKey


def check_key(view: View, entry: Entry, event: KeyEnrolled) -> None:
    """Check a key as it was enrolled.

    Raises:
        LogInconsistent: its id is another key's, nobody vouched for it as it says, or it hides a recovery.
    """
    check_id(event)
    if entry.actor != event.principal:
        anew = has_key(view, event.principal) and not is_workload(view, event.principal)
        _check_announced(view, entry, event.principal, event.key, anew=anew)
        ways = {(entry.actor, anew)}
    elif event.assurance is Assurance.WORKLOAD:
        ways = {(author, False) for author in _list_authors(view, event.principal)}
    else:
        ways = _list_ways_in(view, entry)
    if (event.voucher, event.assurance is Assurance.RECOVERY) not in ways:
        raise LogInconsistent(reason=f"{event.voucher} did not vouch so for the key of {event.principal}")


def check_id(event: KeyEnrolled) -> None:
    """Check that the id of a key is its own. Raises as `check_key`."""
    if PublicKey.read(event.public_key.encode()).id != event.key:
        raise LogInconsistent(reason="the id of the key is not that of its public key")


def check_token(view: View, entry: Entry, event: TokenIssued) -> None:
    """Check a token as it was issued. Raises as `check_key`."""
    vouchers = {entry.actor}
    if event.key is not None:
        ways = _list_ways_in(view, entry)
        vouchers = {voucher for voucher, _ in ways} | _list_authors(view, event.principal)
    elif event.once and entry.actor not in {REGISTRY, event.principal}:
        anew = has_signed_in(view, event.principal)
        _check_announced(view, entry, event.principal, event.token, anew=anew)
    if event.voucher not in vouchers:
        raise LogInconsistent(reason=f"{event.voucher} did not vouch for the token of {event.principal}")


def _check_announced(view: View, entry: Entry, principal: str, credential: str, *, anew: bool) -> None:
    """Check that what lets somebody in anew was announced before."""
    recovery = find_recovery(view, principal, credential)
    announced = recovery is not None and recovery.actor == entry.actor
    if announced is not anew:
        raise LogInconsistent(reason=f"{principal} is let in anew, and no entry before says so")


def _list_ways_in(view: View, entry: Entry) -> set[tuple[str, bool]]:
    """List on whose word the actor can have signed in, and whether that was a recovery."""
    invitations = view.projections.select(
        TokenRecord, Where("principal", "=", entry.actor), Where("once", "=", 1)
    )
    ways = {
        (one.voucher, find_recovery(view, entry.actor, one.id) is not None)
        for one in invitations
        if one.revoked is not None
    }
    if may(roles_of(view, entry.actor, EVERYWHERE), Act.ENROL) or is_founding(view, entry):
        ways.add((entry.actor, False))
    return ways


def _list_authors(view: View, principal: str) -> set[str]:
    """List who wrote rules by which a workload signs in."""
    return {rule.author for rule in view.projections.select(IssuerRecord, Where("principal", "=", principal))}
