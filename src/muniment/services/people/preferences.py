"""Preferences: each person sets their own."""

from muniment.answers.people import find_preferences
from muniment.core.errors import NotPermitted
from muniment.core.events import PreferencesSet
from muniment.core.people.preferences import Preferences
from muniment.core.people.roles import EVERYWHERE, Act
from muniment.core.verbs.people import SetPreferences
from muniment.services.people.principals import find_id
from muniment.services.transaction import Outcome, Transaction


def set_preferences(tx: Transaction, command: SetPreferences) -> Outcome:
    """Replace the preferences of the actor, and erase those before.

    Raises:
        NotPermitted: they are somebody else's, or the token is for less than all that the actor may do.
        InvalidOption: they are not valid.
    """
    if find_id(tx.unit, command.principal) != tx.actor or not tx.caller.reaches(Act.ENROL, EVERYWHERE):
        raise NotPermitted(principal=tx.actor, act="set these preferences", namespace=EVERYWHERE)
    Preferences.read(command.preferences.text)
    before = find_preferences(tx.unit, tx.actor)
    if before is not None:
        tx.unit.payloads.erase(before.text)
    tx.unit.payloads.put(command.preferences, principal=tx.actor, personal=True)
    event = PreferencesSet(principal=tx.actor, preferences=command.preferences.digest)
    return Outcome(tx.record(event))
