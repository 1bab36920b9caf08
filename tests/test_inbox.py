"""The inbox: what is to be done, and what happened to what is ours; each item proven from its entry."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from muniment.client.gates.inbox import read_inbox
from muniment.client.people.preferences import Preferences
from muniment.core.backend import Backend
from muniment.core.canonical import Json
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import SCAN
from muniment.core.errors import InvalidOption, NotPermitted, RecordUnproven
from muniment.core.events import AttestationRecorded, PreferencesSet
from muniment.core.gates.inbox import InboxItem, ItemKind
from muniment.core.names import Alias, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.verbs.catalog import PostComment
from muniment.core.verbs.gates import (
    CloseRequest,
    EndPolicy,
    OpenRequest,
    RemoveAlias,
    SetTier,
)
from muniment.core.verbs.inbox import GetInbox, GetInboxItem
from muniment.core.verbs.people import ErasePrincipal, GetPreferences, GetSelf, SetPreferences
from muniment.core.verbs.versions import SetStatus
from muniment.services.upkeep.rebuild import compare
from muniment.testing import LyingBackend
from muniment.testing.backends import (
    MODELS,
    NAME,
    PRODUCTION,
    add_person,
    publish,
    record,
    refuses,
    set_policy,
    withdraw,
)
from office import RULES, Office


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_who_may_decide_is_asked_until_they_have(office: Office) -> None:
    """A request waits for each who may decide, with what to type, and not for its author or a reader."""
    asked = OpenRequest(reference=Reference(NAME, 1), alias=PRODUCTION, reason=Payload.of("please"))
    office.founder.execute(asked)
    item = office.find("Vera", ItemKind.REQUEST)
    assert (item.text, item.role) == ("please", "validator")
    assert item.next == f"muniment approve {NAME}@1 --for production --as validator --reason TEXT"
    assert "request" not in office.kinds("founder") + office.kinds("Olga")
    office.decide("Vera")
    assert "request" not in office.kinds("Vera")
    assert "request" in office.kinds("Otto")


def test_a_request_comes_back_with_a_new_policy(office: Office) -> None:
    """What was approved under the old policy is asked for again, as is a reminder of it."""
    asked = OpenRequest(reference=Reference(NAME, 1), alias=PRODUCTION)
    office.founder.execute(asked)
    office.decide("Vera")
    office.founder.execute(asked)
    assert "request" not in office.kinds("Vera"), "it is approved as it stands"
    office.set_policy(description="another one")
    office.founder.execute(asked)
    assert "request" in office.kinds("Vera")
    office.decide("Vera")
    assert "request" not in office.kinds("Vera")


def test_what_was_rejected_is_asked_again_when_somebody_asks(office: Office) -> None:
    """A rejection answers the request before it, and not the one after it."""
    asked = OpenRequest(reference=Reference(NAME, 1), alias=PRODUCTION)
    office.founder.execute(asked)
    office.decide("Vera", decision="reject")
    answer = office.find("founder", ItemKind.ANSWER)
    assert (answer.what, answer.text) == ("your request was rejected", "my reasons")
    assert "request" not in office.kinds("Vera")
    office.founder.execute(asked)
    assert "request" in office.kinds("Vera")


def test_an_approval_that_went_stale_says_why(office: Office) -> None:
    """Whose approval no longer counts learns which change made it so, until they approve again."""
    office.decide("Vera")
    assert "stale" not in office.kinds("Vera")
    changed = office.set_policy(description="another one")
    item = office.find("Vera", ItemKind.STALE)
    assert (item.entry, item.who) == (changed.index, office.id_of("founder"))
    assert item.what == f"your approval no longer counts: the policy of {NAME}@production changed"
    assert "policy" not in office.kinds("Vera"), "that would say less"
    office.decide("Vera")
    assert "stale" not in office.kinds("Vera")
    measured = office.measure()
    item = office.find("Vera", ItemKind.STALE)
    assert (item.entry, item.what) == (
        measured.index,
        "your approval no longer counts: there is a new evaluation",
    )
    office.decide("Vera")
    gone = withdraw(office.founder, office.keys["founder"], 1, measured.read(AttestationRecorded).attestation)
    item = office.find("Vera", ItemKind.STALE)
    assert (item.entry, item.what) == (gone.index, "your approval no longer counts: evidence was withdrawn")


def test_an_approval_is_stale_when_the_model_changes_its_tier(office: Office) -> None:
    """A change of the risk tier that puts another policy in force is named as the reason."""
    founder, key = office.founder, office.keys["founder"]
    strict: dict[str, Json] = {"rule": "approvals", "validator": 2}
    founder.execute(SetTier(name=NAME, tier="low", reason=Payload.of("agreed")))
    set_policy(founder, key, strict, models=Models("acme", "*"), scope={"tiers": ["high"]})
    office.decide("Vera")
    assert "stale" not in office.kinds("Vera")
    moved = founder.execute(SetTier(name=NAME, tier="high", reason=Payload.of("agreed")))
    item = office.find("Vera", ItemKind.STALE)
    assert (item.entry, item.what.endswith(f"the risk tier of {NAME} changed")) == (moved.index, True)


def test_nobody_is_told_of_a_stale_approval_of_a_superseded_version(office: Office) -> None:
    """An approval of a version that was overtaken, or taken out of service, asks for nothing."""
    office.decide("Vera")
    publish(office.founder, office.keys["founder"], b"two")
    office.set_policy(description="another one")
    assert "stale" in office.kinds("Vera")
    office.founder.execute(
        SetStatus(reference=Reference(NAME, 1), status=Status.RETIRED, reason=Payload.of("x"))
    )
    assert "stale" not in office.kinds("Vera")


def test_the_owner_and_the_approvers_learn_of_a_new_policy(office: Office) -> None:
    """A policy over a model in use is told to its owner and to the approver and author of its version."""
    office.measure()
    office.decide("Vera")
    office.promote()
    assert "policy" in office.kinds("Olga")
    set_policy(office.founder, office.keys["founder"], RULES[1], alias=Alias("staging"))
    item = [one for one in office.inbox("Vera") if one.kind is ItemKind.POLICY][-1]
    assert (item.reference, item.alias) == (str(NAME), "staging")
    assert item.what == f"the policy of {NAME}@staging was set"
    assert "policy" not in office.kinds("Otto"), "nothing is Otto's"
    assert "policy" not in office.kinds("founder"), "who did it knows"


def test_who_rejected_learns_of_a_weaker_policy(office: Office) -> None:
    """Who rejected a version learns of each change and of the end of the policies that it must meet."""
    office.decide("Vera", "reject")
    assert "policy" not in office.kinds("Vera"), "she decided after it was set"
    changed = office.set_policy(description="a weaker one")
    item = office.find("Vera", ItemKind.POLICY)
    assert (item.entry, item.reference, item.who) == (changed.index, f"{NAME}@1", office.id_of("founder"))
    assert (item.what, item.text) == (f"the policy of {NAME}@production was changed", "agreed")
    reason = Payload.of("nobody looks")
    ended = office.founder.execute(EndPolicy(models=MODELS, alias=PRODUCTION, reason=reason))
    items = [one for one in office.inbox("Vera") if one.kind is ItemKind.POLICY]
    assert [one.entry for one in items] == [changed.index, ended.index]
    assert (items[-1].what, items[-1].text) == (f"the policy of {NAME}@production ended", "nobody looks")
    every = Models(NAME.namespace, "*")
    set_policy(office.founder, office.keys["founder"], RULES[1], models=every)
    last = [one for one in office.inbox("Vera") if one.kind is ItemKind.POLICY][-1]
    assert last.what == f"the policy of {every}@production was set"
    assert "policy" not in office.kinds("Otto"), "he has decided nothing"
    office.founder.execute(
        SetStatus(reference=Reference(NAME, 1), status=Status.RETIRED, reason=Payload.of("x"))
    )
    assert "policy" not in office.kinds("Vera"), "it can move nowhere"


def test_a_policy_of_another_alias_or_model_is_not_told(office: Office) -> None:
    """Who decided about a version for an alias is not told of policies of others, nor out of scope."""
    office.decide("Vera", "reject")
    founder, key = office.founder, office.keys["founder"]
    every = Models(NAME.namespace, "*")
    set_policy(founder, key, RULES[1], alias=Alias("staging"))
    set_policy(founder, key, RULES[1], models=every, scope={"models": ["credit-*"]})
    set_policy(founder, key, RULES[1], models=Models(NAME.namespace, "other"))
    assert "policy" not in office.kinds("Vera")
    set_policy(founder, key, RULES[1], models=every)
    assert office.find("Vera", ItemKind.POLICY).what == f"the policy of {every}@production was changed"


def test_who_asked_learns_of_another_policy(office: Office) -> None:
    """Who has an open request learns of a policy of its alias, until the request is closed."""
    carl = add_person(office.founder, "Carl", Role.CONTRIBUTOR)
    office.keys["Carl"] = carl
    ask = OpenRequest(reference=Reference(NAME, 1), alias=PRODUCTION)
    request = office.open_as(carl).execute(ask).index
    changed = office.set_policy(description="another one")
    told = [one.entry for one in office.inbox("Carl") if one.kind is ItemKind.POLICY]
    assert told[-1] == changed.index
    office.open_as(carl).execute(CloseRequest(request=request))
    assert "policy" not in office.kinds("Carl")


def test_a_revocation_reaches_whoever_it_concerns(office: Office) -> None:
    """The owner, approvers and author of the production version learn of its revocation, and why."""
    office.measure()
    office.decide("Vera")
    office.promote()
    security = add_person(office.founder, "Sam", Role.SECURITY)
    command = SetStatus(reference=Reference(NAME, 1), status=Status.REVOKED, reason=Payload.of("poisoned"))
    office.open_as(security).execute(command)
    for name in ("Olga", "Vera", "founder"):
        item = office.find(name, ItemKind.STATUS)
        assert (item.reference, item.text) == (f"{NAME}@1", "poisoned")
        assert item.what == "it was revoked, and production points at it"
    assert "status" not in office.kinds("Otto")
    back = SetStatus(reference=Reference(NAME, 1), status=Status.PUBLISHED, reason=Payload.of("it was not"))
    office.open_as(security).execute(back)
    assert "status" not in office.kinds("Olga"), "it is no longer so"


def test_a_scan_that_found_something_is_told(office: Office) -> None:
    """Findings of a scan are told to those whom the version concerns, and a clean scan to nobody."""
    office.decide("Vera")
    sam = add_person(office.founder, "Sam", Role.SECURITY)
    for severity in ("none", "high"):
        scan: dict[str, Json] = {
            "tool": {"name": "x", "version": "1", "database": "1"},
            "time": "2026-01-01T00:00:00Z",
            "findings": [{"severity": severity, "rule": "r", "message": "m", "path": "p"}],
        }
        record(office.open_as(sam), sam, 1, SCAN, scan)
        assert ("flagged" in office.kinds("Olga")) is (severity == "high")
    assert office.find("founder", ItemKind.FLAGGED).what == "a scan found something: high"
    assert "flagged" not in office.kinds("Otto")


def test_what_an_alias_left_is_told(office: Office) -> None:
    """A version that an alias no longer points at is told once, unless the alias has come back."""
    staging = Alias("staging")
    publish(office.founder, office.keys["founder"], b"two")
    office.promote(1, staging)
    assert "superseded" not in office.kinds("Olga")
    office.promote(2, staging)
    assert office.find("Olga", ItemKind.SUPERSEDED).what == f"staging points at {NAME}@2"
    office.promote(1, staging)
    office.promote(2, staging)
    assert office.kinds("Olga").count("superseded") == 1
    office.founder.execute(RemoveAlias(name=NAME, alias=staging, reason=Payload.of("done")))
    said = {item.what for item in office.inbox("Olga") if item.kind is ItemKind.SUPERSEDED}
    assert "staging was removed" in said


def test_a_waiver_waits_with_the_command_that_decides_it(office: Office) -> None:
    """A pending waiver stays when the version is approved, and goes when it is decided itself."""
    waiver = office.waive()
    office.decide("Vera")
    item = office.find("Vera", ItemKind.WAIVER)
    assert (item.claim, item.due, item.text) == (str(waiver), "2026-01-05T00:00:00.000000Z", "no data yet")
    assert item.next.endswith(f"--as validator --reason TEXT --waiver {waiver}")
    assert "waiver" not in office.kinds("founder"), "nobody decides about what they asked for"
    office.decide("Vera", waiver=waiver)
    assert "waiver" not in office.kinds("Vera")
    office.set_policy(description="another one")
    assert "waiver" not in office.kinds("Otto"), "it was a waiver of the old policy"


def test_a_waiver_that_ends_is_told_until_it_is_not_needed(office: Office) -> None:
    """Who asked for a waiver in use, and the owner, learn that it ends, and no more once the rule is met."""
    waiver = office.waive()
    assert "ending" not in office.kinds("founder"), "it was never granted"
    office.decide("Vera")
    office.decide("Vera", waiver=waiver)
    assert "ending" not in office.kinds("founder"), "nothing rests on it"
    office.promote()
    for name in ("founder", "Olga", "Vera"):
        item = office.find(name, ItemKind.ENDING)
        assert (item.what, item.overdue) == ("the waiver of measured runs out", False)
    assert "ending" not in office.kinds("Otto")
    later = office.waive("2026-01-25T00:00:00Z")
    office.decide("Vera", waiver=later)
    assert "ending" not in office.kinds("founder"), "another one goes on"


def test_a_waiver_that_has_ended_is_overdue(office: Office) -> None:
    """A waiver that has run out is overdue until its rule is met."""
    waiver = office.waive("2026-01-01T00:03:00Z")
    office.decide("Vera")
    office.decide("Vera", waiver=waiver)
    office.promote()
    while office.founder._clock().isoformat() < "2026-01-01T00:03":
        pass
    assert office.find("founder", ItemKind.ENDING).overdue
    office.measure()
    assert "ending" not in office.kinds("founder")


def test_nobody_reads_the_inbox_of_another(office: Office) -> None:
    """An item is given to its owner only, whoever asks for it."""
    office.founder.execute(OpenRequest(reference=Reference(NAME, 1), alias=PRODUCTION))
    asked = GetInboxItem.again(office.find("Vera", ItemKind.REQUEST), office.id_of("Vera"))
    assert office.vera.ask(asked).kind is ItemKind.REQUEST
    refuses(lambda: office.founder.ask(asked), NotPermitted)


# ---- followed models


def test_a_followed_model_has_its_news_in_the_inbox(office: Office) -> None:
    """Who follows a model learns of its versions, moves, statuses and policies, until they no longer do."""
    otto = Preferences(office.trust("Otto"))
    otto.follow(str(NAME))
    assert otto.follows() == [str(NAME)]
    publish(office.founder, office.keys["founder"], b"two")
    staging = Alias("staging")
    office.promote(2, staging)
    office.founder.execute(RemoveAlias(name=NAME, alias=staging, reason=Payload.of("done")))
    office.founder.execute(
        SetStatus(reference=Reference(NAME, 2), status=Status.DEPRECATED, reason=Payload.of("slow"))
    )
    news = [(one.reference, one.alias, one.what, one.text) for one in office.inbox("Otto")]
    assert news == [
        (f"{NAME}@1", "", "it was published", None),
        (str(NAME), "production", f"the policy of {NAME}@production was set", "agreed"),
        (f"{NAME}@2", "", "it was published", None),
        (f"{NAME}@2", "staging", "staging points here", None),
        (f"{NAME}@2", "staging", "staging was removed", "done"),
        (f"{NAME}@2", "", "it was deprecated", "slow"),
    ]
    assert "news" not in office.kinds("Vera"), "she follows nothing"
    invented = office.inbox("Otto")
    lie_to(office, "Vera", lambda items: [*items, *invented])
    otto.unfollow(str(NAME))
    assert (otto.follows(), office.inbox("Otto")) == ([], [])


def test_who_follows_what_they_do_themselves_is_not_told(office: Office) -> None:
    """What concerns somebody otherwise is told once, and what they did themselves not at all."""
    for name in ("founder", "Olga"):
        Preferences(office.trust(name)).follow(str(NAME))
    assert "news" not in office.kinds("founder")
    office.promote(1, Alias("staging"))
    entries = [item.entry for item in office.inbox("Olga")]
    assert len(entries) == len(set(entries))


def test_preferences_are_read_and_set_by_their_owner_only(office: Office) -> None:
    """What somebody follows is in the log only as a digest, and given to nobody else, nor proven to them."""
    Preferences(office.trust("Otto")).mail("otto@example.org")
    otto, founder = office.id_of("Otto"), office.founder
    refuses(lambda: founder.ask(GetPreferences(principal=otto)), NotPermitted)
    refuses(lambda: founder.prove(GetPreferences(principal=otto)), NotPermitted)
    text = Payload.of("{}")
    refuses(lambda: founder.execute(SetPreferences(principal=otto, preferences=text)), NotPermitted)
    leaves = founder._units.read(lambda unit: unit.log.read(0, 1000))
    assert b"otto@example.org" not in b"".join(leaves)
    assert Preferences(office.trust("Otto")).read().email == "otto@example.org"


def test_preferences_are_erased_with_the_person(office: Office) -> None:
    """The preferences before, and those of an erased person, are gone; a rebuild changes nothing."""
    otto = Preferences(office.trust("Otto"))
    receipts = [otto.follow(str(NAME)), otto.mail("otto@example.org")]
    first, second = (receipt.read(PreferencesSet).preferences for receipt in receipts)
    units = office.founder._units
    assert units.read(lambda unit: unit.payloads.find(str(first))) is None
    assert otto.follows() == [str(NAME)]
    office.founder.execute(ErasePrincipal(principal="Otto"))
    assert units.read(lambda unit: unit.payloads.find(str(second))) is None
    assert otto.read().email == ""
    assert units.read(compare) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"fellows": []}',
        '{"follows": ["acme"]}',
        '{"follows": "acme/x"}',
        '{"email": 1}',
        '{"email": "a@example.org\\r\\nBcc: b@example.org"}',
        '{"email": "a@example.org, b@example.org"}',
        '{"email": "Ada <a@example.org>"}',
        '{"email": "nobody"}',
    ],
)
def test_preferences_that_are_none(office: Office, text: str) -> None:
    """A text that is no preferences, or has an address that a mail could not be sent to, is refused."""
    command = SetPreferences(principal=office.id_of("founder"), preferences=Payload.of(text))
    refuses(lambda: office.founder.execute(command), InvalidOption)


# ---- lies


class Liar(LyingBackend):
    """A registry that shows another inbox."""

    def __init__(self, backend: Backend, lie: Callable[[list[InboxItem]], list[InboxItem]]) -> None:
        super().__init__(backend)
        self._change = lie

    def ask(self, query: Any) -> Any:  # noqa: ANN401 - any query
        answer = super().ask(query)
        return tuple(self._change(list(answer))) if isinstance(query, GetInbox) else answer


@pytest.fixture
def busy(office: Office) -> Office:
    """An office in which there is something of each kind but an emergency."""
    office.measure()
    office.founder.execute(OpenRequest(reference=Reference(NAME, 1), alias=PRODUCTION))
    office.decide("Vera")
    office.promote()
    office.waive()
    office.set_policy(description="another one")
    text = Payload.of("look, @Vera")
    office.founder.execute(PostComment(reference=Reference(NAME, 1), text=text))
    publish(office.founder, office.keys["founder"], b"two")
    office.promote(1, Alias("staging"))
    office.promote(2, Alias("staging"))
    status = SetStatus(reference=Reference(NAME, 1), status=Status.DEPRECATED, reason=Payload.of("old"))
    office.founder.execute(status)
    return office


def lie_to(office: Office, name: str, lie: Callable[[list[InboxItem]], list[InboxItem]]) -> None:
    with pytest.raises(RecordUnproven):
        read_inbox(office.trust(name, lambda backend: Liar(backend, lie)))


@pytest.mark.parametrize(
    "column", ["kind", "reference", "alias", "who", "what", "text", "claim", "role", "since"]
)
def test_no_item_can_be_altered(busy: Office, column: str) -> None:
    """An item that differs in any column from what its entry says is refused."""
    for name in ("Vera", "Olga", "founder"):
        for place in range(len(busy.inbox(name))):

            def alter(items: list[InboxItem], place: int = place) -> list[InboxItem]:
                value = f"{getattr(items[place], column)}x"
                return [*items[:place], replace(items[place], **{column: value}), *items[place + 1 :]]  # type: ignore[arg-type] # a text

            lie_to(busy, name, alter)


def test_no_item_can_be_invented(busy: Office) -> None:
    """An item of no entry, of another kind, version or alias than its entry, or long done, is refused."""
    (item,) = [one for one in busy.inbox("Vera") if one.kind is ItemKind.STALE]
    for change in (
        {"entry": item.entry - 1},
        {"entry": 10**6},
        {"due": "2026-01-01T00:00:00.000000Z"},
        *({"kind": kind} for kind in ItemKind if kind is not item.kind),
        {"reference": f"{NAME}@2"},
        {"reference": str(NAME)},
        {"reference": "acme/none@1"},
        {"alias": "staging"},
        {"alias": ""},
    ):
        lie_to(busy, "Vera", lambda items, change=change: [*items, replace(item, **change)])  # type: ignore[misc] # bound at once
    done = busy.find("Vera", ItemKind.STALE)
    busy.decide("Vera")
    lie_to(busy, "Vera", lambda items: [*items, done])


def test_an_item_of_somebody_else_is_refused(busy: Office) -> None:
    """What is told to the owner or the approver is refused by somebody whom it does not concern."""
    for name in ("Vera", "Olga"):
        for item in busy.inbox(name):
            if item.kind not in {one.kind for one in busy.inbox("Otto")}:
                lie_to(busy, "Otto", lambda items, item=item: [*items, item])  # type: ignore[misc] # bound at once
    assert busy.vera.ask(GetSelf()).record.id == busy.id_of("Vera")
