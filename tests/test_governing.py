"""Governance on the command line: what each of the five kinds of people types and sees."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.versions.standing import find_standing
from muniment.core.backend import Backend
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.attestations import EMERGENCY, WAIVER
from muniment.core.digests import Digest
from muniment.core.errors import (
    BreakGlassNotAllowed,
    InvalidOption,
    NothingToRollBack,
    NotPermitted,
    RequestNotFound,
    StaleApproval,
    StatementReused,
    WaiverNotAllowed,
    WrongSubject,
)
from muniment.core.events import PolicySet
from muniment.core.names import Alias, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import Caller, parse_scopes
from muniment.core.times import read_time, write_time
from muniment.core.verbs.catalog import EraseComment, ListComments, PostComment
from muniment.core.verbs.gates import (
    BreakGlass,
    GetPolicies,
    ListMoves,
    ListRequests,
    MoveAlias,
    OpenRequest,
    RollBackAlias,
    SetPolicy,
)
from muniment.core.verbs.log import GetLogIdentity
from muniment.core.verbs.people import GetSelf
from muniment.core.verbs.versions import GetVersion
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Identity
from muniment.signing.statements import attest
from muniment.testing.backends import MODELS, NAME, PRODUCTION, publish, record, refuses, set_policy
from muniment.views.documents import write_view

POLICY = """
rules:
  - {rule: signature}
  - {rule: require, id: measured, type: evaluation}
  - {rule: approvals, n: 1, roles: [validator]}
vouching: any
waivers: {approvals: {validator: 1}, maximum: 30d, rules: [measured]}
break_glass: {roles: [contributor], close_within: 24h}
"""
Call = Callable[..., str]


@pytest.fixture
def call(settings: Settings, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Give what runs a command as the owner, or with `by` as somebody else, in a guarded registry."""
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    key = tmp_path / "vera.pem"

    def run(*arguments: str, by: str = "founder", code: int = 0) -> str:
        who = ["--identity", str(key)] if by == "Vera" else []
        result = CliRunner().invoke(main, [*who, *arguments])
        assert result.exit_code == code, result.output
        return result.output

    run("init")
    run("push", str(model), "acme/x")
    run("key", "new", str(key))
    run("user", "add", "Vera", "--key", f"{key}.pub")
    run("role", "grant", "Vera", "validator", "acme")
    (tmp_path / "policy.yaml").write_text(POLICY)
    run("policy", "set", "acme/*@production", str(tmp_path / "policy.yaml"), "--reason", "agreed")
    return run


def test_a_request_is_rejected_with_a_reason_and_then_approved(call: Call) -> None:
    """A request shows up in the inbox, can be rejected with a reason, and approved after a withdrawal."""
    call("request", "acme/x@1", "production", "--reason", "it is better")
    assert "it is better" in call("inbox", by="Vera")
    assert json.loads(call("inbox", "--json"))["items"] == [], "nobody is to decide about what they asked for"
    decision = ("acme/x@1", "--for", "production", "--as", "validator", "--reason")
    call("reject", *decision, "no card", by="Vera")
    assert re.search("your request was rejected.*no card", call("inbox"), re.DOTALL)
    assert "no card" in call("requests", "acme/x", "--closed")
    assert call("inbox", by="Vera").count("request") == 0
    assert "rejected it as validator" in call("check", "acme/x@1", "production", code=1)
    taken_back = ("withdraw", "acme/x@1", "--for", "production", "--reason")
    call(*taken_back, "there is one", by="Vera")
    assert "1 of validator missing" in call("check", "acme/x@1", "production", code=1)
    assert "nothing_to_withdraw" in call(*taken_back, "again", by="Vera", code=3)
    call("approve", *decision, "fine", "--meaning", "review", by="Vera")
    call("approve", *decision, "mine", code=3)
    opened = json.loads(call("request", "acme/x@1", "production", "--json"))["index"]
    call("request", "acme/x@1", "production", "--withdraw", str(opened))
    assert [one["kind"] for one in json.loads(call("inbox", "--json"))["items"]] == ["answer"], (
        "of the first alone"
    )


def test_what_became_of_an_approval_is_shown(call: Call, tmp_path: Path) -> None:
    """A decision has its role, alias, policy and reason, whether it stands, and what it counted for."""
    assert "muniment request acme/x@1 ALIAS" in call("approvals", "acme/x@1")
    (tmp_path / "staging.yaml").write_text("{vouching: any, rules: [{rule: approvals, validator: 1}]}")
    call("policy", "set", "acme/x@staging", str(tmp_path / "staging.yaml"), "--reason", "agreed")
    decision = ("acme/x@1", "--for", "staging", "--as", "validator", "--reason")
    call("reject", *decision, "no card", by="Vera")
    call("approve", *decision, "there is one", by="Vera")
    moved = json.loads(call("promote", "acme/x@1", "staging", "--json"))["index"]
    rejected, approved = json.loads(call("approvals", "acme/x@1", "--json"))["items"]
    assert (rejected["standing"], rejected["text"]) == (f"replaced, entry {approved['entry']}", "no card")
    assert (approved["standing"], approved["text"]) == ("stands", "there is one")
    assert approved["counted"] == [f"it counted for the move of staging, entry {moved}"]
    assert (approved["signer"]["name"], approved["role"], approved["alias"], approved["mark"]) == (
        *("Vera", "validator", "staging"),
        "recorded",
    )
    (tmp_path / "staging.yaml").write_text("rules: [{rule: approvals, validator: 1}, {rule: signature}]")
    call("policy", "set", "acme/x@staging", str(tmp_path / "staging.yaml"), "--reason", "agreed")
    assert "stale: there is another policy" in call("approvals", "acme/x@1", "--for", "staging")
    at = str(moved)
    assert json.loads(call("approvals", "acme/x@1", "--at", at, "--json"))["items"][1]["standing"] == "stands"
    call("withdraw", "acme/x@1", "--for", "staging", "--reason", "a slip", by="Vera")
    assert "withdrawn, entry" in " ".join(call("approvals", "acme/x@1").split())
    assert "nobody has decided" in call("approvals", "acme/x@1", "--for", "production")


def test_an_inbox_shows_what_cannot_be_read(call: Call, settings: Settings) -> None:
    """The inbox keeps a request and a waiver for a version whose files are gone."""
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    what = ("acme/x@1", "--for", "production", "--rule", "measured", "--until", soon)
    call("request", "acme/x@1", "production", "--reason", "it is better")
    call("waive", *what, "--reason", "no data")
    before = {one["kind"] for one in json.loads(call("inbox", "--json", by="Vera"))["items"]}
    manifest = json.loads(call("list", "acme/x", "--json"))["items"][0]["digest"]
    (Path(settings.location) / "blobs" / "sha256" / Digest.parse(manifest).hex).unlink()
    after = {one["kind"] for one in json.loads(call("inbox", "--json", by="Vera"))["items"]}
    assert before == after == {"request", "waiver"}


def test_a_waiver_that_has_expired_since_is_shown_as_it_was(call: Call, settings: Settings) -> None:
    """What is read at a time shows a waiver as it was then, also by the entry, and as expired now."""
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    what = ("acme/x@1", "--for", "production")
    asked = json.loads(
        call("waive", *what, "--rule", "measured", "--until", soon, "--reason", "no data", "--json")
    )["data"]["attestation"]
    approved = json.loads(
        call("approve", *what, "--as", "validator", "--waiver", asked, "--reason", "ok", "--json", by="Vera")
    )["index"]
    later = datetime.now(UTC) + timedelta(days=5)
    with muniment.open(settings.location, settings=settings, clock=lambda: later) as registry:
        for at, standing in ((None, ""), (str(approved), "WAIVER"), (soon[:19] + "Z", "WAIVER")):
            assert find_standing(registry.session.backend, ["acme/x@1"], at) == {"acme/x@1": standing}, at
            told = json.dumps(write_view(registry.version("acme/x@1", at=at).view()))
            assert ("expired" in told) is (at is None), at
            told = json.dumps(write_view(registry.log("acme/x", at=at)))
            assert ("WAIVER" in told) is (standing != ""), at


def test_a_waiver_is_asked_for_approved_and_shown(call: Call) -> None:
    """A waiver of an allowed rule opens the gate once approved, and is shown wherever it applies."""
    call("approve", "acme/x@1", "--for", "production", "--as", "validator", "--reason", "ok", by="Vera")
    wrong = ("waive", "acme/x@1", "--for", "production", "--until", "2099-01-01T00:00:00Z", "--reason", "x")
    assert "waiver_not_allowed" in call(*wrong, "--rule", "signature", code=3)
    assert "waiver_not_allowed" in call(*wrong, "--rule", "measured", code=3)
    assert "waiver_not_allowed" in call(*wrong, "--rule", "none", code=3)
    check = json.loads(call("check", "acme/x@1", "production", "--json", code=1))
    assert [one["id"] for one in check["rules"]["findings"] if not one["met"]] == ["measured"]
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    what = ("acme/x@1", "--for", "production")
    asked = json.loads(
        call("waive", *what, "--rule", "measured", "--until", soon, "--reason", "no data", "--json")
    )["data"]["attestation"]
    shown = call("show", "acme/x@1")
    assert re.search(r"WAIVER +of measured for production", shown)
    assert f"muniment approve acme/x@1 --as ROLE --reason TEXT --for production --waiver {asked}" in shown
    assert "not approved yet" in shown
    assert [one["kind"] for one in json.loads(call("inbox", "--json", by="Vera"))["items"]] == ["waiver"]
    assert json.loads(call("inbox", "--json"))["items"] == [], "nobody is to decide about what they asked for"
    call("approve", *what, "--as", "validator", "--waiver", asked, "--reason", "go on", by="Vera")
    assert json.loads(call("inbox", "--json", by="Vera"))["items"] == []
    assert "approved by Vera" in call("show", "acme/x@1")
    call("deploy", "acme/x@1", "prod/api")
    for everywhere in (("list", "acme/x"), ("list", "version = 1"), ("deployments",)):
        assert "WAIVER" in call(*everywhere)
    assert f"waived by {asked:.19}" in call("check", "acme/x@1", "production")
    rules = json.loads(call("check", "acme/x@1", "production", "--json"))["rules"]["findings"]
    assert [rule["waived"] for rule in rules if rule["waived"]] == [asked]


def test_nobody_approves_the_waiver_that_they_asked_for(call: Call) -> None:
    """Nobody can approve their own waiver, or one that does not exist."""
    call("role", "grant", "Vera", "contributor", "acme")
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    what = ("acme/x@1", "--for", "production")
    ask = ("waive", *what, "--rule", "measured", "--until", soon, "--reason", "no data", "--json")
    asked = json.loads(call(*ask, by="Vera"))["data"]["attestation"]
    approve = ("approve", *what, "--as", "validator", "--reason", "go on", "--waiver")
    assert "own_version" in call(*approve, asked, by="Vera", code=3)
    assert "wrong_subject" in call(*approve, str(Digest.of(b"none")), by="Vera", code=2)
    assert "not approved yet" in call("show", "acme/x@1")


def test_a_draft_is_published_later(call: Call, model: Path) -> None:
    """A draft is listed with its message, and becomes the next version when it is published."""
    (model / "weights.bin").write_bytes(b"a draft")
    assert "draft of acme/x, entry" in call("push", str(model), "acme/x", "--draft", "-m", "soon")
    call("push", str(model), "acme/x", "--draft", "--alias", "staging", code=2)
    assert "soon" in call("drafts", "acme/x")
    (draft,) = json.loads(call("drafts", "acme/x", "--json"))["items"]
    call("drafts", "acme/x", "--publish", "1", code=4)
    assert "published acme/x@2" in call("drafts", "acme/x", "--publish", str(draft["entry"]))
    assert (
        call("drafts", "acme/x") == "no drafts of acme/x: save one with muniment push PATH acme/x --draft\n"
    )
    call("drafts", "acme/x", "--discard", str(draft["entry"]), code=4)


def test_people_are_named_and_what_was_superseded_says_so(call: Call, model: Path) -> None:
    """A check names who rejected a version, and `show` says which version superseded it."""
    call("promote", "acme/x@1", "staging")
    call("reject", "acme/x@1", "--for", "production", "--as", "validator", "--reason", "no", by="Vera")
    for command in (("check",), ("policy", "explain")):
        shown = call(*command, "acme/x@1", "production", code=1 if command == ("check",) else 0)
        assert "Vera rejected it as validator" in shown
    assert "note    rejected for production by " in call("verify", "acme/x@1")
    (model / "weights.bin").write_bytes(b"better")
    call("push", str(model), "acme/x", "--alias", "staging")
    assert "superseded  staging went to version 2" in call("show", "acme/x@1")
    assert "superseded" not in call("show", "acme/x@2")
    (what, _) = json.loads(call("show", "acme/x@1", "--json"))["notes"]["superseded_staging"]["value"]
    assert what == "staging went to version 2"


def test_break_glass_is_loud_until_somebody_closes_it(call: Call) -> None:
    """An emergency promotion is shown everywhere until another person closes it."""
    call("promote", "acme/x@1", "production", code=3)
    moved = call("break-glass", "acme/x@1", "production", "--reason", "fire", "--yes")
    assert "EMERGENCY: acme/x@production is version 1" in moved
    assert "EMERGENCY" in call("show", "acme/x@production")
    assert "EMERGENCY" in call("list", "acme/x")
    moves = " ".join(call("history", "acme/x@production").split())
    assert "fire → EMERGENCY, past its gate: to be closed by" in moves
    (waiting,) = json.loads(call("inbox", "--json", by="Vera"))["items"]
    assert (waiting["kind"], waiting["overdue"]) == ("closing", False)
    entry = str(waiting["entry"])
    call("close-emergency", entry, "--reason", "it was mine", code=3)
    call("comment", "acme/x@1", "it burned, @Vera", "--about", entry)
    assert "it burned" in call("inbox", by="Vera")
    call("close-emergency", entry, "--reason", "it was right", by="Vera")
    assert "EMERGENCY" not in call("show", "acme/x@production")
    assert "EMERGENCY" not in call("list", "acme/x")
    (said,) = json.loads(call("comments", "acme/x@1", "--json"))["items"]
    assert (said["text"], said["did"]) == ("it burned, @Vera", f"commented on entry {entry}")
    assert "(erased)" in call("comments", "acme/x@1", "--erase", str(said["entry"]))


def test_a_comment_says_something_about_what_is_there(backend: LocalBackend, owner: Identity) -> None:
    """An empty or overlong comment, or one about a request for another version, is refused."""
    publish(backend, owner, b"a")
    publish(backend, owner, b"b")
    first, second = Reference(NAME, 1), Reference(NAME, 2)
    opened = backend.execute(OpenRequest(reference=first, alias=PRODUCTION))
    comments: Backend = backend
    for text in ("", "  ", "x" * 100_000):
        empty = PostComment(reference=first, text=Payload.of(text))
        refuses(lambda empty=empty: comments.execute(empty), InvalidOption)  # type: ignore[misc] # bound at once
    for about in (opened.index, 0, 10_000):
        astray = PostComment(reference=second, text=Payload.of("hm"), about=about)
        refuses(lambda astray=astray: comments.execute(astray), RequestNotFound)  # type: ignore[misc] # bound at once
    assert backend.ask(ListComments(reference=second)) == ()


def test_a_credential_that_only_reads_does_nothing_more(backend: LocalBackend, owner: Identity) -> None:
    """A read-only credential can neither break glass, comment, open requests nor erase its comments."""
    publish(backend, owner, b"a")
    terms = {"roles": ["contributor"], "close_within": "24h"}
    set_policy(backend, owner, {"rule": "approvals", "validator": 1}, break_glass=terms)
    comment = backend.execute(PostComment(reference=Reference(NAME, 1), text=Payload.of("hm")))
    principal = backend.ask(GetSelf()).record.id
    backend._caller = Caller(principal=principal, scopes=parse_scopes(["read:acme"]))
    emergency = BreakGlass(
        reference=Reference(NAME, 1), alias=PRODUCTION, attestation=Digest.of(b"x"), reason=Payload.of("fire")
    )
    reader: Backend = backend
    for command in (
        emergency,
        PostComment(reference=Reference(NAME, 1), text=Payload.of("hm")),
        OpenRequest(reference=Reference(NAME, 1), alias=Alias("a")),
    ):
        refuses(lambda command=command: reader.execute(command), NotPermitted)  # type: ignore[misc] # bound at once
    refuses(lambda: reader.execute(EraseComment(comment=comment.index)), RequestNotFound)


def test_only_whom_the_policy_names_gets_past_a_gate(backend: LocalBackend, owner: Identity) -> None:
    """Only roles that a policy names can break glass, and only for the move that they signed."""
    publish(backend, owner, b"a")
    approvals: JsonObject = {"rule": "approvals", "validator": 1}

    reason = Payload.of("fire")

    def say(**changes: str) -> JsonObject:
        registry = backend.ask(GetLogIdentity()).verifier
        said = {"version": "acme/readmission@1", "alias": str(PRODUCTION), "registry": registry}
        return {
            **said,
            "reason": str(reason.digest),
            "nonce": "n" * 32,
            "time": "2026-01-01T00:00:00Z",
            **changes,
        }

    def break_glass(predicate: JsonObject | None = None) -> object:
        version = backend.ask(GetVersion(reference=Reference(NAME, 1)))
        reference = f"{NAME}@1"
        claim = attest(Digest.parse(version.revision), reference, EMERGENCY, predicate or say(), owner)
        (digest,) = backend.add_documents([claim.encode()])
        return backend.execute(
            BreakGlass(reference=Reference(NAME, 1), alias=PRODUCTION, attestation=digest, reason=reason)
        )

    assert "promote" in str(refuses(break_glass, BreakGlassNotAllowed))
    set_policy(backend, owner, approvals)
    assert "does not allow it" in str(refuses(break_glass, BreakGlassNotAllowed))
    set_policy(backend, owner, approvals, break_glass={"roles": ["security"], "close_within": "24h"})
    assert "needs the role security" in str(refuses(break_glass, BreakGlassNotAllowed))
    set_policy(backend, owner, approvals, break_glass={"roles": ["contributor"], "close_within": "24h"})
    for wrong in ({"version": f"{NAME}@2"}, {"alias": "staging"}, {"registry": "another"}):
        refuses(lambda wrong=wrong: break_glass(say(**wrong)), WrongSubject)  # type: ignore[misc] # bound at once
    refuses(lambda: break_glass(say(reason=str(Digest.of(b"flood")))), StaleApproval)
    assert backend.ask(ListMoves(name=NAME)) == ()
    break_glass()
    (move,) = backend.ask(ListMoves(name=NAME))
    assert (move.record.number, move.record.emergency) == (1, True)


def test_a_statement_takes_effect_once(backend: LocalBackend, owner: Identity) -> None:
    """A signed emergency or policy that is sent again, even written differently, is refused."""
    for data in (b"a", b"b"):
        publish(backend, owner, data)
    terms: JsonObject = {"roles": ["contributor"], "close_within": "24h"}
    rule: JsonObject = {"rule": "approvals", "validator": 1}
    first = set_policy(backend, owner, rule, break_glass=terms).read(PolicySet)
    reason = Payload.of("fire")
    said: JsonObject = {
        "version": f"{NAME}@2",
        "alias": str(PRODUCTION),
        "registry": backend.ask(GetLogIdentity()).verifier,
        "reason": str(reason.digest),
        "nonce": "n" * 32,
        "time": "2026-01-01T00:00:00Z",
    }
    version = backend.ask(GetVersion(reference=Reference(NAME, 2)))
    bundle = attest(Digest.parse(version.revision), f"{NAME}@2", EMERGENCY, said, owner).encode()

    def break_glass(data: bytes) -> object:
        (digest,) = backend.add_documents([data])
        return backend.execute(
            BreakGlass(reference=Reference(NAME, 2), alias=PRODUCTION, attestation=digest, reason=reason)
        )

    break_glass(bundle)
    for data in (bundle, json.dumps(json.loads(bundle), indent=1).encode()):
        refuses(lambda data=data: break_glass(data), StatementReused)  # type: ignore[misc] # bound at once
    set_policy(backend, owner, {**rule, "validator": 2}, break_glass=terms)
    again = SetPolicy(
        models=MODELS,
        alias=PRODUCTION,
        policy=first.policy,
        attestation=first.attestation,
        reason=Payload.of("agreed"),
    )
    refuses(lambda: backend.execute(again), StatementReused)


def test_a_request_ends_when_it_is_met(backend: LocalBackend, owner: Identity) -> None:
    """A move ends the requests for its alias and no others."""
    publish(backend, owner, b"a")
    for alias in (PRODUCTION, Alias("staging")):
        backend.execute(OpenRequest(reference=Reference(NAME, 1), alias=alias))
    backend.execute(MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION))
    requests = backend.ask(ListRequests(name=NAME, closed=True))
    assert [(one.record.alias, one.record.outcome) for one in requests] == [
        ("production", "met"),
        ("staging", None),
    ]


def test_a_way_back_that_was_gone_is_forgotten(backend: LocalBackend, owner: Identity) -> None:
    """After moves to 1, 2, 1 and 3, a rollback goes to 1 and a second one is refused."""
    for data in (b"a", b"b", b"c"):
        publish(backend, owner, data)
    for number in (1, 2, 1, 3):
        backend.execute(MoveAlias(reference=Reference(NAME, number), alias=PRODUCTION))
    backend.execute(RollBackAlias(name=NAME, alias=PRODUCTION))
    assert backend.ask(GetVersion(reference=Reference(NAME, PRODUCTION))).number == 1
    refuses(lambda: backend.execute(RollBackAlias(name=NAME, alias=PRODUCTION)), NothingToRollBack)


def test_a_waiver_is_to_rules_in_force_and_for_no_longer_than_they_say(
    backend: LocalBackend, owner: Identity
) -> None:
    """A waiver is refused unless version, registry, policy, rules, reason and end all fit."""
    publish(backend, owner, b"a")
    rules: list[JsonObject] = [
        {"rule": "approvals", "id": "people", "validator": 1},
        {"rule": "signature", "id": "measured"},
    ]
    terms: JsonObject = {"approvals": {"validator": 1}, "maximum": "30d", "rules": ["measured"]}
    published = read_time(backend.ask(GetVersion(reference=Reference(NAME, 1))).published)
    reason = Payload.of("in a hurry")

    def ask(said: Payload | None = reason, **changes: Json) -> object:
        (policy,) = backend.ask(GetPolicies(name=NAME, alias=PRODUCTION))
        good: dict[str, Json] = {
            "version": f"{NAME}@1",
            "alias": str(PRODUCTION),
            "registry": backend.ask(GetLogIdentity()).verifier,
            "policy": policy.digest,
            "rules": ["measured"],
            "until": write_time(published + timedelta(days=7)),
            "reason": str(reason.digest),
            "nonce": "n" * 32,
            "time": write_time(published),
        }
        return record(backend, owner, 1, WAIVER, {**good, **changes}, reason=said)

    set_policy(backend, owner, *rules)
    assert "allows none" in str(refuses(ask, WaiverNotAllowed))
    set_policy(backend, owner, *rules, waivers=terms)
    refuses(lambda: ask(version=f"{NAME}@2"), WrongSubject)
    refuses(lambda: ask(said=Payload.of("another")), StaleApproval)
    refuses(lambda: ask(policy=str(Digest.of(b"another"))), StaleApproval)
    assert "no rule" in str(refuses(lambda: ask(rules=["nothing"]), WaiverNotAllowed))
    assert "cannot be waived" in str(refuses(lambda: ask(rules=["people"]), WaiverNotAllowed))
    late = write_time(published + timedelta(days=31))
    assert "30 days" in str(refuses(lambda: ask(until=late), WaiverNotAllowed))
    assert ask() is not None
