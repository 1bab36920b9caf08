"""Events: one codec writes and reads them, and each has fixed subjects and records."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core import events as e
from muniment.core.canonical import MAX_INTEGER
from muniment.core.catalog.statuses import Status
from muniment.core.claims.deployments import State
from muniment.core.claims.proposals import ChangeKind, ProposalDecision, ProposedChange
from muniment.core.digests import Digest
from muniment.core.errors import EntryUnknown, InvalidDocument
from muniment.core.events import SubjectKind as K
from muniment.core.events.sentences import write_sentence
from muniment.core.names import Alias, Kind, ModelName, Models
from muniment.core.people.callers import Assurance, Reach, Scope
from muniment.core.people.roles import Role
from muniment.core.records import Put
from strategies import instances

HEX = "0" * 63
D1, D2 = Digest(f"{HEX}1"), Digest(f"{HEX}2")
X, PRODUCTION = ModelName("acme", "x"), Alias("production")
D = {"D1": str(D1), "D2": str(D2)}

# Each event, its leaf's `data`, and its subjects. A change here is a change of the format of the log.
GOLDEN: list[tuple[e.Event, str, str]] = [
    (
        e.RegistryCreated(origin="muniment.dev/x", log_key="muniment.dev/x+00+AA", salt=D1),
        '{"log_key":"muniment.dev/x+00+AA","origin":"muniment.dev/x","salt":"D1"}',
        "registry , creation *",
    ),
    (
        e.NamespaceCreated(namespace="acme", salt=D1),
        '{"namespace":"acme","salt":"D1"}',
        "namespace acme, creation acme",
    ),
    (
        e.IndexSealed(size=1000, root=D1),
        '{"root":"D1","size":1000}',
        "registry ",
    ),
    (
        e.RegistryRestored(lost_after=1000, root=D1, reason=D2, previous=None, signature="c2ln"),
        '{"lost_after":1000,"previous":null,"reason":"D2","root":"D1","signature":"c2ln"}',
        "registry , restores ",
    ),
    (
        e.ClockJumped(before="2025-01-01T00:00:00Z"),
        '{"before":"2025-01-01T00:00:00Z"}',
        "registry , clock ",
    ),
    (
        e.TimeConfirmed(jump=7, date="2026-01-01", reason=D1),
        '{"date":"2026-01-01","jump":7,"reason":"D1"}',
        "registry , clock ",
    ),
    (
        e.PrincipalRegistered(principal="p1", kind="person", profile=D1),
        '{"kind":"person","principal":"p1","profile":"D1"}',
        "registry , principal p1, vouches p1",
    ),
    (
        e.PrincipalConfirmed(principal="p1", reason=D1),
        '{"principal":"p1","reason":"D1"}',
        "registry , principal p1, vouches p1",
    ),
    (
        e.PrincipalErased(principal="p1", typed=True, payloads=3),
        '{"payloads":3,"principal":"p1","typed":true}',
        "registry , principal p1",
    ),
    (
        e.RecoveryBegun(principal="p1", credential="t1", opens="2026-01-02T00:00:00Z"),
        '{"credential":"t1","opens":"2026-01-02T00:00:00Z","principal":"p1"}',
        "registry , principal p1, vouches p1",
    ),
    (
        e.RecoveryEnded(principal="p1", recovery=7, outcome=e.RecoveryOutcome.CANCELLED),
        '{"outcome":"cancelled","principal":"p1","recovery":7}',
        "registry , principal p1, vouches p1",
    ),
    (
        e.KeyEnrolled(
            principal="p1",
            key="k1",
            algorithm="ecdsa-p256",
            public_key="PEM",
            assurance=Assurance.SESSION,
            name=D1,
            expires=None,
            voucher="p2",
            starter=None,
        ),
        (
            '{"algorithm":"ecdsa-p256","assurance":"session","expires":null,"key":"k1","name":"D1",'
            '"principal":"p1","public_key":"PEM","starter":null,"voucher":"p2"}'
        ),
        "registry , key k1, principal p1, vouches p1",
    ),
    (
        e.KeyRevoked(principal="p1", key="k1", effective=7),
        '{"effective":7,"key":"k1","principal":"p1"}',
        "registry , key k1, principal p1",
    ),
    (
        e.RoleGranted(principal="p1", namespace="acme", role=Role.VALIDATOR),
        '{"namespace":"acme","principal":"p1","role":"validator"}',
        "namespace acme, roles acme/p1, grants acme",
    ),
    (
        e.RoleRevoked(principal="p1", namespace="*", role=Role.ADMIN, grant=4),
        '{"grant":4,"namespace":"*","principal":"p1","role":"admin"}',
        "registry , roles */p1, grants *",
    ),
    (
        e.LoginLinked(principal="p1", login=D1),
        '{"login":"D1","principal":"p1"}',
        "registry , principal p1",
    ),
    (
        e.TokenIssued(
            principal="p1",
            token="t1",  # noqa: S106 - not a secret
            label=D1,
            scopes=(Scope(Reach.WRITE, "acme"),),
            expires="2026-01-01T00:00:00Z",
            once=True,
            key=None,
            voucher="p2",
            starter=None,
        ),
        (
            '{"expires":"2026-01-01T00:00:00Z","key":null,"label":"D1","once":true,"principal":"p1",'
            '"scopes":["write:acme"],"starter":null,"token":"t1","voucher":"p2"}'
        ),
        "registry , tokens p1",
    ),
    (
        e.TokenRevoked(principal="p1", token="t1"),  # noqa: S106 - as above
        '{"principal":"p1","token":"t1"}',
        "registry , tokens p1",
    ),
    (
        e.PreferencesSet(principal="p1", preferences=D1),
        '{"preferences":"D1","principal":"p1"}',
        "registry , preferences p1",
    ),
    (
        e.IssuerTrusted(issuer="https://i", claims={"sub": "job"}, principal="p1", person_claim="actor"),
        '{"claims":{"sub":"job"},"issuer":"https://i","person_claim":"actor","principal":"p1"}',
        "registry , issuer https://i, vouches p1",
    ),
    (
        e.IssuerDistrusted(issuer="https://i", rule=9),
        '{"issuer":"https://i","rule":9}',
        "registry , issuer https://i",
    ),
    (
        e.QuotaSet(namespace="acme", size_bytes=None),
        '{"namespace":"acme","size_bytes":null}',
        "namespace acme, quota acme",
    ),
    (
        e.ReadsSet(namespace="acme", recording=True, reason=D1),
        '{"namespace":"acme","reason":"D1","recording":true}',
        "namespace acme, reads acme",
    ),
    (
        e.ReadsRecorded(namespace="acme", day="2026-01-01", number=1, reads=7, batch=D1),
        '{"batch":"D1","day":"2026-01-01","namespace":"acme","number":1,"reads":7}',
        "namespace acme, reads acme",
    ),
    (
        e.VersionPublished(
            name=X,
            number=1,
            kind=Kind.MODEL,
            revision=D1,
            size_bytes=5,
            attestations=(D1,),
            message=D2,
            starter=None,
        ),
        (
            '{"attestations":["D1"],"kind":"model","message":"D2","name":"acme/x","number":1,'
            '"revision":"D1","size_bytes":5,"starter":null}'
        ),
        "namespace acme, version acme/x@1, claims acme/D1, versions acme/x, models acme",
    ),
    (
        e.DraftSaved(name=X, kind=Kind.DATASET, revision=D1, size_bytes=5, attestations=(D2,), message=None),
        '{"attestations":["D2"],"kind":"dataset","message":null,"name":"acme/x","revision":"D1","size_bytes":5}',
        "namespace acme, drafts acme/x",
    ),
    (
        e.DraftEnded(name=X, draft=5, outcome=e.DraftOutcome.DISCARDED, reason=D1),
        '{"draft":5,"name":"acme/x","outcome":"discarded","reason":"D1"}',
        "namespace acme, drafts acme/x",
    ),
    (
        e.StatusSet(name=X, number=1, status=Status.REVOKED, reason=D1),
        '{"name":"acme/x","number":1,"reason":"D1","status":"revoked"}',
        "namespace acme, version acme/x@1, status acme/x@1",
    ),
    (
        e.RetentionSet(name=X, number=1, until="2030-01-01T00:00:00Z", hold=True, reason=D1),
        '{"hold":true,"name":"acme/x","number":1,"reason":"D1","until":"2030-01-01T00:00:00Z"}',
        "namespace acme, version acme/x@1",
    ),
    (
        e.AttestationRecorded(
            name=X,
            revision=D1,
            attestation=D2,
            predicate_type="https://muniment.dev/deployment/v1",
            signer="p1",
            key="k1",
            assurance=Assurance.KEY,
            deployment=e.Deployed(
                number=3, target="prod-eu/api", state=State.SERVING, loaded=None, previous=8
            ),
        ),
        (
            '{"assurance":"key","attestation":"D2","deployment":{"loaded":null,"number":3,"previous":8,'
            '"state":"serving","target":"prod-eu/api"},"key":"k1","name":"acme/x",'
            '"predicate_type":"https://muniment.dev/deployment/v1","reason":null,"revision":"D1","signer":"p1"}'
        ),
        "namespace acme, claims acme/D1, target acme/prod-eu/api, deployments acme",
    ),
    (
        e.ClaimWithdrawn(
            name=X,
            revision=D1,
            claim=D2,
            entry=8,
            attestation=D1,
            signer="p1",
            key="k1",
            assurance=Assurance.PASSKEY,
            reason=D2,
        ),
        (
            '{"assurance":"passkey","attestation":"D1","claim":"D2","entry":8,"key":"k1","name":"acme/x",'
            '"reason":"D2","revision":"D1","signer":"p1"}'
        ),
        "namespace acme, claims acme/D1",
    ),
    (
        e.PolicySet(models=Models("acme", "*"), alias=PRODUCTION, policy=D1, attestation=D2, reason=D2),
        '{"alias":"production","attestation":"D2","models":"acme/*","policy":"D1","proposal":null,"reason":"D2"}',
        "namespace acme, policy acme/*@production, policies acme",
    ),
    (
        e.PolicyEnded(models=Models("acme", "*"), alias=PRODUCTION, reason=D1),
        '{"alias":"production","models":"acme/*","proposal":null,"reason":"D1"}',
        "namespace acme, policy acme/*@production, policies acme",
    ),
    (
        e.TierSet(
            name=X,
            tier="high",
            reason=D1,
            proposal=e.Proposed(entry=7, proposer="p1", due="2026-01-02T00:00:00Z"),
        ),
        (
            '{"name":"acme/x","proposal":{"due":"2026-01-02T00:00:00Z","entry":7,"proposer":"p1"},'
            '"reason":"D1","tier":"high"}'
        ),
        "namespace acme, tier acme/x, tiers acme, proposals acme",
    ),
    (
        e.ProposalOpened(
            change=ProposedChange(
                kind=ChangeKind.SET_POLICY,
                models=Models("acme", "*"),
                alias=PRODUCTION,
                policy=D1,
                attestation=D2,
            ),
            base=3,
            protections=(3,),
            reason=D1,
        ),
        (
            '{"base":3,"change":{"alias":"production","attestation":"D2","kind":"set-policy",'
            '"models":"acme/*","policy":"D1","tier":null},"protections":[3],"reason":"D1"}'
        ),
        "namespace acme, proposals acme",
    ),
    (
        e.ProposalDecided(
            namespace="acme", proposal=7, decision=ProposalDecision.BREAK_GLASS, attestation=D1, reason=D2
        ),
        '{"attestation":"D1","decision":"break-glass","namespace":"acme","proposal":7,"reason":"D2"}',
        "namespace acme, proposals acme",
    ),
    (
        e.ProposalWithdrawn(namespace="acme", proposal=7, reason=D2),
        '{"namespace":"acme","proposal":7,"reason":"D2"}',
        "namespace acme, proposals acme",
    ),
    (
        e.ProposalReviewed(namespace="acme", proposal=7, reason=D2),
        '{"namespace":"acme","proposal":7,"reason":"D2"}',
        "namespace acme, proposals acme",
    ),
    (
        e.AliasMoved(
            name=X,
            alias=PRODUCTION,
            number=2,
            previous=1,
            reason=D1,
            verdicts=(D2,),
            emergency=True,
            due="2026-01-02T00:00:00Z",
        ),
        (
            '{"alias":"production","due":"2026-01-02T00:00:00Z","emergency":true,"name":"acme/x","number":2,'
            '"previous":1,"reason":"D1","verdicts":["D2"]}'
        ),
        "namespace acme, version acme/x@2, version acme/x@1, alias acme/x@production, moves acme/x",
    ),
    (
        e.AliasRemoved(name=X, alias=PRODUCTION, previous=2, reason=D1),
        '{"alias":"production","name":"acme/x","previous":2,"proposal":null,"reason":"D1"}',
        "namespace acme, version acme/x@2, alias acme/x@production, moves acme/x",
    ),
    (
        e.EmergencyClosed(name=X, alias=PRODUCTION, number=2, previous=1, move=6, reason=D1),
        '{"alias":"production","move":6,"name":"acme/x","number":2,"previous":1,"reason":"D1"}',
        "namespace acme, version acme/x@2, version acme/x@1, alias acme/x@production, moves acme/x",
    ),
    (
        e.RequestOpened(name=X, number=2, alias=PRODUCTION, reason=None),
        '{"alias":"production","name":"acme/x","number":2,"reason":null}',
        "namespace acme, version acme/x@2, requests acme/x",
    ),
    (
        e.RequestReminded(name=X, number=2, request=7, reason=None),
        '{"name":"acme/x","number":2,"reason":null,"request":7}',
        "namespace acme, version acme/x@2, requests acme/x",
    ),
    (
        e.RequestClosed(name=X, number=2, request=7, outcome=e.RequestOutcome.MET, reason=None),
        '{"name":"acme/x","number":2,"outcome":"met","reason":null,"request":7}',
        "namespace acme, version acme/x@2, requests acme/x",
    ),
    (
        e.OwnerSet(name=X, owner="ada"),
        '{"name":"acme/x","owner":"ada"}',
        "namespace acme, owner acme/x",
    ),
    (
        e.TagSet(name=X, number=2, tag="owner", value=None),
        '{"name":"acme/x","number":2,"tag":"owner","value":null}',
        "namespace acme, version acme/x@2",
    ),
    (
        e.CommentPosted(name=X, number=2, about=7, text=D1, mentions=("p1",)),
        '{"about":7,"mentions":["p1"],"name":"acme/x","number":2,"text":"D1"}',
        "namespace acme, comments acme/x@2",
    ),
    (
        e.CommentErased(name=X, number=2, comment=9),
        '{"comment":9,"name":"acme/x","number":2}',
        "namespace acme, comments acme/x@2",
    ),
    (
        e.WebhookSet(namespace="acme", target=D1, events=("tag.set",)),
        '{"events":["tag.set"],"namespace":"acme","target":"D1"}',
        "namespace acme, webhooks acme",
    ),
    (
        e.WebhookEnded(namespace="acme", webhook=3),
        '{"namespace":"acme","webhook":3}',
        "namespace acme, webhooks acme",
    ),
    (
        e.WebhookReplayed(namespace="acme", webhook=3, since=None),
        '{"namespace":"acme","since":null,"webhook":3}',
        "namespace acme, webhooks acme",
    ),
]
# Those that make and amend no record.
SILENT = {
    e.IndexSealed,
    e.RegistryRestored,
    e.PrincipalErased,
    e.LoginLinked,
    e.CommentErased,
    e.WebhookReplayed,
}

EVENTS = st.sampled_from(sorted(e.EVENTS.values(), key=lambda kind: kind.type)).flatmap(instances)


ABOUT = ("a" * 64, "0" * 64)


def entry(event: e.Event, index: int = 50) -> e.Entry:
    time = "2026-01-01T00:00:00Z"
    return e.Entry(index=index, id="i", actor="p9", time=time, about=ABOUT, event=event)


def document_of(event: e.Event) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(e.write_entry(entry(event)))
    return document


def test_every_event_has_a_sentence() -> None:
    """Each event is said in one line, without digests; one of a namespace, which webhooks get, names it."""
    for event, _, _ in GOLDEN:
        said = write_sentence(event)
        assert event.type not in said, "there is no sentence"
        assert "\n" not in said
        assert "sha256" not in said
        kind, name = event.subjects()[0]
        if kind is e.SubjectKind.NAMESPACE:
            assert name in said, event.type


def test_every_event_is_pinned() -> None:
    """Each event type has a line in the table of pinned events."""
    assert [type(event) for event, _, _ in GOLDEN] == list(e.EVENTS.values())


@pytest.mark.parametrize(("event", "data", "subjects"), GOLDEN, ids=lambda value: getattr(value, "type", ""))
def test_the_form_and_the_subjects_of_an_event_are_pinned(event: e.Event, data: str, subjects: str) -> None:
    """The leaf bytes and subjects of each event never change."""
    for short, long in D.items():
        data, subjects = data.replace(f'"{short}"', f'"{long}"'), subjects.replace(f"/{short}", f"/{long}")
    leaf = e.write_entry(entry(event))
    assert leaf.decode() == (
        f'{{"about":["{ABOUT[0]}","{ABOUT[1]}"],"actor":"p9","data":{data},"id":"i",'
        f'"time":"2026-01-01T00:00:00Z","type":"{event.type}","version":1}}'
    )
    assert e.read_entry(leaf, 50) == entry(event)
    assert ", ".join(f"{kind} {name}" for kind, name in event.subjects()) == subjects


@given(EVENTS, st.integers(0, MAX_INTEGER))
def test_an_entry_is_read_as_it_was_written(event: e.Event, index: int) -> None:
    """Encoding a decoded entry gives the same bytes."""
    leaf = e.write_entry(entry(event, index))
    again = e.read_entry(leaf, index)
    assert again == entry(event, index)
    assert e.write_entry(again) == leaf


@given(EVENTS)
def test_an_event_is_about_its_namespace_or_the_registry_first(event: e.Event) -> None:
    """The first subject is a namespace or the registry, and the others lie within it."""
    first, *others = event.subjects()
    assert first.kind in {K.REGISTRY, K.NAMESPACE}
    assert (entry(event).namespace is None) is (first.kind is K.REGISTRY)
    assert not {subject.kind for subject in others} & {K.REGISTRY, K.NAMESPACE}
    assert others or isinstance(event, e.RegistryCreated | e.IndexSealed)


@given(EVENTS)
def test_an_event_folds_into_records_of_its_entry(event: e.Event) -> None:
    """Records that an event adds carry its index; amended ones keep their own."""
    changes = entry(event).fold()
    assert bool(changes) is (type(event) not in SILENT)
    assert all(change.record.index == 50 for change in changes if isinstance(change, Put))
    assert all(entry(event).makes(change.record) for change in changes if isinstance(change, Put))
    for change in changes:
        assert isinstance(change, Put) or change.values.keys() <= change.kind.amendable


@pytest.mark.parametrize("event", [event for event, _, _ in GOLDEN], ids=lambda event: event.type)
def test_an_event_that_is_not_whole_is_refused(event: e.Event) -> None:
    """An event with a missing, unknown or mistyped member is refused before anything is folded."""
    document = document_of(event)
    for name, value in document["data"].items():
        other = 1.5 if not isinstance(value, bool) else 1
        rest = {key: one for key, one in document["data"].items() if key != name}
        for data in (rest, {**rest, name: other}, {**rest, name: [[value]]}):
            with pytest.raises(InvalidDocument, match=name):
                e.read_entry(json.dumps({**document, "data": data}).encode(), 0)
    odd: object
    for odd in ({**document["data"], "more": 1}, [], None):
        with pytest.raises(InvalidDocument):
            e.read_entry(json.dumps({**document, "data": odd}).encode(), 0)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "acme"},
        {"alias": "latest"},
        {"number": True},
        {"number": "2"},
        {"reason": "sha256:0"},
        {"verdicts": str(D1)},
        {"emergency": 1},
    ],
)
def test_a_value_that_is_not_valid_is_refused(change: dict[str, object]) -> None:
    """An event with an invalid number or name is refused."""
    moved = next(event for event, _, _ in GOLDEN if isinstance(event, e.AliasMoved))
    document = document_of(moved)
    document["data"] |= change
    with pytest.raises(InvalidDocument, match=next(iter(change))):
        e.read_entry(json.dumps(document).encode(), 0)


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"type": "cat.fed"}, {"type": 7}, {"more": 1}, {"id": 1}, {"actor": None}, {"time": []}],
)
def test_an_envelope_of_another_form_is_refused(change: dict[str, object]) -> None:
    """An envelope with an unknown format or type is refused."""
    document = {**document_of(e.TierSet(name=X, tier="low", reason=D1)), **change}
    with pytest.raises((EntryUnknown, InvalidDocument)):
        e.read_entry(json.dumps(document).encode(), 0)


def test_an_event_of_another_version_is_not_called_a_forgery() -> None:
    """An entry of an unknown type is refused as one that another version wrote, by its index and type."""
    document = {**document_of(e.TierSet(name=X, tier="low", reason=D1)), "type": "cat.fed"}
    with pytest.raises(EntryUnknown, match=r"entry 7 .* 'cat.fed'"):
        e.read_entry(json.dumps(document).encode(), 7)


def test_an_event_has_a_bound() -> None:
    """An event of more than 65,535 bytes is refused."""
    with pytest.raises(InvalidDocument, match="65535"):
        e.write_entry(entry(e.TierSet(name=X, tier="x" * 65_536, reason=D1)))
