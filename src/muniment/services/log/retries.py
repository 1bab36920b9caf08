"""Requests that are sent again after a lost answer: done once, answered twice."""

import hashlib
from collections.abc import Callable

from muniment.core.errors import RequestReplayed
from muniment.core.verbs.verb import Command
from muniment.ports.retries import Answered
from muniment.services.transaction import Outcome, Transaction


def once(tx: Transaction, key: str, command: Command, act: Callable[[], Outcome]) -> Outcome:
    """Do an act, unless the actor's key names one that was done: then answer with that.

    Raises:
        RequestReplayed: the key was used for another command.
    """
    # Commands are frozen values all the way down, so their text says all of them.
    fingerprint = hashlib.sha256(repr(command).encode()).hexdigest()
    known = tx.unit.retries.find(tx.actor, key)
    if known is not None:
        if known.fingerprint != fingerprint:
            raise RequestReplayed(key=key)
        return Outcome(known.entry)
    outcome = act()
    tx.unit.retries.keep(tx.actor, key, Answered(fingerprint, outcome.index), tx.time)
    return outcome
