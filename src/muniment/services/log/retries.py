"""Repeated requests after a lost answer: done once, answered twice."""

import hashlib
from collections.abc import Callable

from muniment.core.errors import RequestReplayed
from muniment.core.verbs.verb import Command
from muniment.ports.retries import Answered
from muniment.services.transaction import Outcome, Transaction


def once(tx: Transaction, key: str, command: Command, work: Callable[[], Outcome]) -> Outcome:
    """Do a command, unless it was already done under the actor's key: then return that outcome.

    A command that changes nothing is not remembered: it can be repeated as it is.

    Raises:
        RequestReplayed: the key was used for another command.
    """
    # Commands are deeply frozen values, so their repr identifies them.
    fingerprint = hashlib.sha256(repr(command).encode()).hexdigest()
    known = tx.unit.retries.find(tx.actor, key)
    if known is not None:
        if known.fingerprint != fingerprint:
            raise RequestReplayed(key=key)
        return Outcome(known.entry)
    outcome = work()
    if outcome.created:
        tx.unit.retries.keep(tx.actor, key, Answered(fingerprint, outcome.index), tx.time)
    return outcome
