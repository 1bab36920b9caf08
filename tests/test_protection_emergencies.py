"""Protected policies in an emergency, and who hears of proposals."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from firm import ALIAS, BREAK_GLASS, Firm, open_embedded, open_served
from muniment.client.proofs.changes import find_emergencies_before
from muniment.core.errors import NotYoursToDecide, RequestNotFound
from muniment.core.events import PolicyEnded
from muniment.core.gates.inbox import ItemKind
from muniment.core.names import Alias
from muniment.core.people.roles import Role
from muniment.testing.audits import check_audit
from muniment.testing.backends import NAME, refuses

WHERE = str(NAME)


@pytest.fixture(params=["embedded", "served"])
def firm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Firm]:
    """Give a firm, embedded and served, whose log is replayed in the end."""
    with {"embedded": open_embedded, "served": open_served}[request.param](tmp_path) as opened:
        yield opened
        check_audit(opened.of("Fay"))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Firm]:
    """Give a firm in memory, whose log is replayed in the end."""
    with open_embedded(tmp_path) as opened:
        yield opened
        check_audit(opened.of("Fay"))


# ---- emergencies


def test_an_emergency_is_told_to_everyone_until_somebody_has_looked(firm: Firm) -> None:
    """Break-glass makes a proposal take effect, marks every move, and somebody else has to close it."""
    firm.add("Sven", Role.SECURITY)
    firm.add("Rita", Role.READER)
    firm.protect(break_glass=BREAK_GLASS)
    proposed = firm.of("Carla").policies.unguard(WHERE, ALIAS, reason="on fire").index
    refuses(lambda: firm.of("Vera").proposals.break_glass(proposed, "now"), NotYoursToDecide)
    done = firm.of("Sven").proposals.break_glass(proposed, "the model is on fire")
    ended = firm.entry(done.index + 1).event
    assert isinstance(ended, PolicyEnded)
    assert ended.proposal is not None
    assert ended.proposal.due is not None
    made = firm.of("Vera").proposals.get(proposed)
    assert (made.state, made.record.is_unreviewed) == ("emergency", True)
    for name, kind in (
        ("Rita", ItemKind.PROPOSAL_EMERGENCY),
        ("Ada", ItemKind.PROPOSAL_EMERGENCY),
        ("Vera", ItemKind.PROPOSAL_CLOSING),
    ):
        (item,) = [one for one in firm.of(name).inbox() if one.kind.is_of_proposal]
        assert (item.kind, item.entry, item.text, item.due) == (
            kind,
            proposed,
            "the model is on fire",
            made.record.due,
        )
    firm.publish("Ada", b"two")
    firm.of("Ada").promote(f"{NAME}@2", ALIAS)
    shown = str(firm.of("Vera").view_history(WHERE, ALIAS))
    assert "in an emergency" in shown
    refuses(lambda: firm.of("Sven").close_emergency(proposed, "mine"), NotYoursToDecide)
    firm.of("Vera").close_emergency(proposed, "it was right")
    assert firm.of("Vera").proposals.list("acme") == []
    assert not any(one.kind.is_of_proposal for one in firm.of("Rita").inbox())
    refuses(lambda: firm.of("Otto").close_emergency(proposed, "again"), RequestNotFound)


def test_a_gate_is_marked_while_nobody_has_looked(small: Firm) -> None:
    """The gate, its verdict on record, and the history name the emergency until it is closed."""
    small.add("Sven", Role.SECURITY)
    small.protect(break_glass=BREAK_GLASS)
    proposed = small.ease().index
    small.of("Sven").proposals.break_glass(proposed, "on fire")
    small.publish("Ada", b"two")
    gate = small.of("Ada").version(f"{NAME}@2").check(ALIAS)
    assert gate.emergencies == (proposed,)
    assert any(f"(proposal {proposed})" in text for text in gate.warnings)
    assert f"proposal {proposed}" in str(small.of("Ada").version(f"{NAME}@2").view_gate(ALIAS))
    moved = small.of("Ada").promote(f"{NAME}@2", ALIAS)
    small.of("Otto").close_emergency(proposed, "fine")
    assert small.of("Ada").version(f"{NAME}@2").check(ALIAS).emergencies == ()
    small.publish("Ada", b"three")
    small.of("Ada").promote(f"{NAME}@3", ALIAS)
    moves = [move.record for move in small.of("Vera").history(WHERE, ALIAS)]
    backend = small.of("Vera").session.backend
    assert list(find_emergencies_before(backend, NAME, Alias(ALIAS), moves, None)) == [moved.index]


def test_authors_of_newer_versions_break_no_glass(small: Firm) -> None:
    """Nor does anybody who is there on their word; and they look at none, once the alias has moved."""
    small.add("Sven", Role.SECURITY)
    small.grant("Sven", Role.CONTRIBUTOR)
    small.protect(break_glass=BREAK_GLASS)
    proposed = small.ease().index
    small.publish("Sven", b"two")
    error = refuses(lambda: small.of("Sven").proposals.break_glass(proposed, "mine"), NotYoursToDecide)
    assert "made a version newer" in error.sentence
    small.add("Sara", Role.SECURITY)
    small.of("Sara").proposals.break_glass(proposed, "on fire")
    small.of("Sven").promote(f"{NAME}@2", ALIAS)
    refuses(lambda: small.of("Sven").close_emergency(proposed, "fine"), NotYoursToDecide)
    small.of("Vera").close_emergency(proposed, "fine")


def test_without_terms_there_is_no_emergency(small: Firm) -> None:
    """A policy that says nothing of break-glass allows none for its protection."""
    small.add("Sven", Role.SECURITY)
    small.protect()
    proposed = small.ease().index
    error = refuses(lambda: small.of("Sven").proposals.break_glass(proposed, "now"), NotYoursToDecide)
    assert "allows no emergency" in error.sentence


def test_an_emergency_is_possible_where_nobody_can_approve(small: Firm) -> None:
    """What nobody can approve is proposed all the same, if somebody can break the glass for it."""
    small.add("Sven", Role.SECURITY)
    small.protect(protected={"role": "auditor"}, break_glass=BREAK_GLASS)
    proposed = small.ease().index
    waiting = small.of("Sven").proposals.get(proposed)
    assert (waiting.needs[0].able, waiting.breakers) == ((), (small.id_of("Sven"),))
    small.of("Sven").proposals.break_glass(proposed, "nobody is here")
    small.of("Vera").close_emergency(proposed, "fine")


# ---- who hears of it


def test_those_who_can_approve_and_the_proposer_hear_of_it(firm: Firm) -> None:
    """A proposal is a task of those whose approval would count; its proposer hears how it ended."""
    firm.protect()
    proposed = firm.ease().index
    (task,) = [one for one in firm.of("Vera").inbox() if one.kind is ItemKind.PROPOSAL]
    assert (task.entry, task.role, task.text) == (proposed, "approver", "simpler")
    assert task.next == f"muniment proposal show {proposed}"
    assert "role not set (was approver)" in repr(firm.of("Vera").proposals.view_proposal(proposed))
    assert not any(one.kind.is_of_proposal for one in firm.of("Ada").inbox())
    firm.of("Otto").proposals.reject(proposed, "not yet")
    assert not any(one.kind is ItemKind.PROPOSAL for one in firm.of("Vera").inbox())
    (told,) = [one for one in firm.of("Carla").inbox() if one.kind.is_of_proposal]
    assert (told.kind, told.text) == (ItemKind.PROPOSAL_ANSWER, "not yet")
    firm.of("Otto").proposals.withdraw(proposed, "now it is")
    firm.of("Vera").proposals.approve(proposed, "agreed")
    (told,) = [one for one in firm.of("Carla").inbox() if one.kind.is_of_proposal]
    assert (told.what, told.text) == (
        f"your proposal to set the policy of {WHERE}@{ALIAS} took effect",
        "agreed",
    )
