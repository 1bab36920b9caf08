"""Changes of policies: each has a reason, and its difference to the one before is shown."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.backend import Backend
from muniment.core.canonical import Json, JsonObject
from muniment.core.errors import NotPermitted, PolicyNotFound, ReasonNeeded
from muniment.core.gates.differences import list_differences, read_terms
from muniment.core.gates.inbox import ItemKind
from muniment.core.gates.policy import Policy
from muniment.core.names import Alias, Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.verbs.gates import (
    EndPolicy,
    GetPolicies,
    ListPolicies,
    ListPoliciesByAuthors,
    ListTiers,
    OpenRequest,
    SetPolicy,
    SetTier,
)
from muniment.signing.keys import Identity
from muniment.testing.backends import (
    MODELS,
    NAME,
    PRODUCTION,
    OpenAs,
    add_person,
    publish,
    refuses,
    set_policy,
)
from office import Office

EVERY = Models("acme", "*")
WHY = Payload.of("agreed")
SIGNED: JsonObject = {"rule": "signature"}
GOOD: JsonObject = {"rule": "threshold", "id": "good", "metric": "recall", "op": ">=", "value": 0.9}
APPROVED: JsonObject = {"rule": "approvals", "validator": 1}

Call = Callable[..., str]


@pytest.fixture
def call(settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Give what runs a command in a registry with one version."""
    with muniment.open(settings=settings, create=True) as registry:
        registry.push(model, "acme/x")
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == code, result.output
        return result.output

    return run


# ---- reasons


@pytest.mark.parametrize("reason", [None, Payload.of(" \n")])
def test_whatever_changes_a_policy_needs_a_reason(
    backend: Backend, owner: Identity, reason: Payload | None
) -> None:
    """To set or end a policy, to guard an alias or to set a tier without a reason is refused."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, SIGNED)
    for command in (
        SetPolicy(models=EVERY, alias=PRODUCTION, policy=None, reason=reason),
        EndPolicy(models=MODELS, alias=PRODUCTION, reason=reason),
        SetTier(name=NAME, tier="high", reason=reason),
    ):
        refuses(lambda command=command: backend.execute(command), ReasonNeeded)  # type: ignore[misc] # bound at once
    assert len(backend.ask(ListPolicies(namespace="acme"))) == 1
    assert backend.ask(ListTiers(namespace="acme")) == ()


def test_a_reason_is_on_record(backend: Backend, owner: Identity) -> None:
    """The reasons of policies and tiers are listed with them."""
    publish(backend, owner, b"a")
    backend.execute(SetPolicy(models=EVERY, alias=PRODUCTION, policy=None, reason=Payload.of("it is new")))
    backend.execute(EndPolicy(models=EVERY, alias=PRODUCTION, reason=Payload.of("it is old")))
    backend.execute(SetTier(name=NAME, tier="high", reason=Payload.of("patients")))
    changes = backend.ask(ListPolicies(namespace="acme"))
    assert [(one.reason, one.record.ended) for one in changes] == [("it is new", 0), ("it is old", 1)]
    assert [(one.reason, one.record.tier) for one in backend.ask(ListTiers(namespace="acme"))] == [
        ("patients", "high")
    ]


def test_the_same_policy_again_changes_nothing(backend: Backend, owner: Identity) -> None:
    """A policy or tier that is set again, for another reason, stays as it was."""
    publish(backend, owner, b"a")
    guard = SetPolicy(models=EVERY, alias=PRODUCTION, policy=None, reason=WHY)
    assert backend.execute(guard).created
    assert not backend.execute(guard).created
    assert set_policy(backend, owner, SIGNED).created
    assert not set_policy(backend, owner, SIGNED).created


# ---- unguarding


def test_an_alias_whose_policy_ended_is_unguarded(backend: Backend, owner: Identity) -> None:
    """No policy is in force after the end of the only one, and the same one can be set again."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, SIGNED)
    end = EndPolicy(models=MODELS, alias=PRODUCTION, reason=WHY)
    ended = backend.execute(end)
    refuses(lambda: backend.ask(GetPolicies(name=NAME, alias=PRODUCTION)), PolicyNotFound)
    refuses(lambda: backend.execute(end), PolicyNotFound)
    before = backend.ask(GetPolicies(name=NAME, alias=PRODUCTION, at=str(ended.index - 1)))
    assert len(before) == 1
    assert set_policy(backend, owner, SIGNED).created
    assert len(backend.ask(GetPolicies(name=NAME, alias=PRODUCTION))) == 1


def test_the_policy_of_the_namespace_stays(backend: Backend, owner: Identity) -> None:
    """Ending the policy of a model leaves that of its namespace in force."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, SIGNED)
    set_policy(backend, owner, GOOD, models=EVERY)
    backend.execute(EndPolicy(models=MODELS, alias=PRODUCTION, reason=WHY))
    assert [one.models for one in backend.ask(GetPolicies(name=NAME, alias=PRODUCTION))] == ["acme/*"]


def test_who_may_not_set_a_policy_may_not_end_one(backend: Backend, open_as: OpenAs, owner: Identity) -> None:
    """Only an admin unguards an alias, and only one that has a policy."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, SIGNED)
    vera = add_person(backend, "Vera", Role.APPROVER, Role.CONTRIBUTOR, Role.SECURITY)
    end = EndPolicy(models=MODELS, alias=PRODUCTION, reason=WHY)
    refuses(lambda: open_as(vera).execute(end), NotPermitted)
    other = EndPolicy(models=MODELS, alias=Alias("staging"), reason=WHY)
    refuses(lambda: backend.execute(other), PolicyNotFound)


# ---- differences


def differ(before: JsonObject, after: JsonObject) -> tuple[str, ...]:
    old, new = (read_terms(Policy.read(one), one) for one in (before, after))
    return list_differences(old, new)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"rules": [GOOD]}, {"rules": [GOOD]}, ()),
        ({"rules": [GOOD, SIGNED]}, {"rules": [SIGNED, GOOD]}, ()),
        ({"rules": [GOOD]}, {"mode": "enforce", "rules": [GOOD], "vouching": "independent"}, ()),
        ({"rules": [GOOD]}, {"rules": [{**GOOD, "value": 0.8}]}, ("rule good: value 0.8 (was 0.9)",)),
        (
            {"rules": [GOOD]},
            {"rules": [{**GOOD, "op": ">", "bound": "lower"}]},
            ("rule good: op > (was >=) and bound lower (was not set)",),
        ),
        ({"rules": [GOOD, SIGNED]}, {"rules": [GOOD]}, ("rule signature removed",)),
        (
            {"rules": [SIGNED]},
            {"rules": [SIGNED, APPROVED]},
            ("rule approvals added: validator 1",),
        ),
        (
            {"rules": [SIGNED]},
            {"rules": [SIGNED, {"rule": "format", "allow": ["pickle"]}]},
            ("rule format: allow pickle (was gguf, onnx, other, safetensors, skops)",),
        ),
        (
            {"rules": [SIGNED], "scope": {"models": ["a*"], "tiers": ["high"]}},
            {"rules": [SIGNED], "scope": {"models": ["b*"]}, "mode": "warn", "vouching": "any"},
            (
                "mode: warn (was enforce)",
                "scope: models b* (was a*) and tiers not set (was high)",
                "vouching: any (was independent)",
            ),
        ),
        (
            {"rules": [SIGNED]},
            {
                "rules": [SIGNED],
                "continuous": True,
                "waivers": {"approvals": {"approver": 2}, "maximum": "14d"},
                "break_glass": {"roles": ["admin"], "close_within": "3d"},
            },
            (
                "continuous: true (was false)",
                "waivers: approvals approver 2 (was not set) and maximum 14d (was not set)",
                "break_glass: roles admin (was not set) and close_within 3d (was not set)",
            ),
        ),
    ],
)
def test_a_difference_names_each_rule_and_term(
    before: JsonObject, after: JsonObject, expected: tuple[str, ...]
) -> None:
    """Rules are compared by their ids, and terms by their names; what is usual need not be written."""
    assert differ(before, after) == expected


MEMBERS = st.fixed_dictionaries(
    {"rules": st.lists(st.sampled_from([SIGNED, GOOD, APPROVED]), min_size=1, max_size=3, unique_by=str)},
    optional={
        "mode": st.sampled_from(["enforce", "warn", "shadow"]),
        "vouching": st.sampled_from(["any", "independent"]),
        "continuous": st.booleans(),
        "description": st.sampled_from(["", "one", "two"]),
        "scope": st.fixed_dictionaries({}, optional={"tiers": st.just(["high"])}),
        "break_glass": st.just({"roles": ["admin"], "close_within": "3d"}),
    },
)


@given(before=MEMBERS, after=MEMBERS)
def test_policies_without_a_difference_mean_the_same(before: dict[str, Json], after: dict[str, Json]) -> None:
    """Two policies have no difference exactly if they have the same rules and terms."""

    def meaning(document: JsonObject) -> object:
        policy = Policy.read(document)
        rules = {one.id: one.rule for one in policy.rules}
        terms = (policy.mode, policy.vouching, policy.continuous, policy.description, policy.tiers)
        return rules, terms, policy.break_glass

    assert (differ(before, after) == ()) == (meaning(before) == meaning(after))
    assert differ(before, before) == ()


def test_the_history_of_policies_says_who_why_and_what(call: Call, tmp_path: Path) -> None:
    """`policy history` has every change of a policy or tier with its author, reason and difference."""
    file = tmp_path / "p.yaml"
    file.write_text(json.dumps({"rules": [GOOD, SIGNED]}))
    call("policy", "guard", "acme/x@production", "--reason", "soon")
    call("policy", "set", "acme/x@production", str(file), "--reason", "patients")
    file.write_text(json.dumps({"rules": [{**GOOD, "value": 0.5}], "mode": "warn"}))
    call("policy", "set", "acme/x@production", str(file), "--reason", "in a hurry")
    call("policy", "tier", "acme/x", "low", "--reason", "a toy")
    call("policy", "tier", "acme/x", "high", "--reason", "no toy")
    call("policy", "unguard", "acme/x@production", "--reason", "not needed")
    items = json.loads(call("policy", "history", "acme", "--json"))["items"]
    assert [(one["author"]["name"], one["text"]) for one in items] == [
        ("Ada", why) for why in ("soon", "patients", "in a hurry", "a toy", "no toy", "not needed")
    ]
    assert [one["differences"] for one in items] == [
        ["guarded, without a policy"],
        ["set where there was none"],
        [
            "rule good: value 0.5 (was 0.9)",
            "rule signature removed",
            "mode: warn (was enforce)",
        ],
        ["tier: low (was not set)"],
        ["tier: high (was low)"],
        ["the policy ended, and none took its place"],
    ]
    assert [one["ended"] for one in items] == [False] * 5 + [True]
    drawn = " ".join(call("policy", "history", "acme").split())
    assert re.search("rule good: value 0.5 .was 0.9.*in a hurry", drawn)
    assert "policy_not_found" in call("policy", "unguard", "acme/x@production", "--reason", "again", code=4)
    assert "reason_needed" in call("policy", "tier", "acme/x", "low", code=3)
    assert "reason_needed" in call("policy", "guard", "acme/x@production", "--reason", " ", code=3)


def test_the_sdk_unguards(registry: Registry, model: Path) -> None:
    """`registry.policies.unguard` ends a policy, and the alias moves to any version."""
    version = registry.push(model, "acme/x")
    registry.policies.guard("acme/x", "production", reason="soon")
    assert not version.check("production").passed
    registry.policies.unguard("acme/x", "production", reason="not needed")
    with pytest.raises(PolicyNotFound):
        version.check("production")
    assert [one.reason for one in registry.policies.history("acme")] == ["soon", "not needed"]


# ---- authors who change the policies of their versions


def test_a_policy_that_an_author_changed_is_shown(call: Call, tmp_path: Path) -> None:
    """`check` and `history` warn of a policy that an author of the version changed shortly before."""
    file = tmp_path / "p.yaml"
    file.write_text(json.dumps({"rules": [SIGNED, GOOD]}))
    call("policy", "set", "acme/x@production", str(file), "--reason", "patients")
    assert "beware" not in call("check", "acme/x@1", "production", code=1), "there was none before"
    file.write_text(json.dumps({"rules": [SIGNED, {"rule": "format", "allow": ["other"]}]}))
    call("policy", "set", "acme/x@production", str(file), "--reason", "in a hurry")
    warning = r"the policy of acme/x@production was changed on \S+ by Ada, who made the version"
    assert re.search(warning, " ".join(call("check", "acme/x@1", "production").split()))
    call("promote", "acme/x@1", "production")
    assert re.search(warning, " ".join(call("history", "acme/x@production").split()))
    (move,) = json.loads(call("history", "acme/x", "--json"))["items"]
    assert len(move["changed"]) == 1
    call("policy", "unguard", "acme/x@production", "--reason", "all of it")
    call("promote", "acme/x@1", "staging")
    call("policy", "guard", "acme/x@production", "--reason", "again")
    call("policy", "guard", "acme/x@staging", "--reason", "later")
    ended = warning.replace("changed", "ended")
    assert re.search(ended, " ".join(call("check", "acme/x@1", "production", code=1).split()))
    first, second = json.loads(call("history", "acme/x", "--json"))["items"]
    assert (len(first["changed"]), second["changed"]) == (1, None), "staging had no policy then"


def test_only_the_changes_of_authors_count(backend: Backend, open_as: OpenAs, owner: Identity) -> None:
    """What others changed, long ago, for another alias or out of scope is not listed."""
    publish(backend, owner, b"a")
    ada = add_person(backend, "Ada", Role.CONTRIBUTOR)
    publish(open_as(ada), ada, b"b")
    set_policy(backend, owner, SIGNED)
    changed = set_policy(backend, owner, GOOD).index
    ended = backend.execute(EndPolicy(models=MODELS, alias=PRODUCTION, reason=WHY)).index
    for value in (1, 2):
        scope: JsonObject = {"models": ["credit-*"]}
        set_policy(backend, owner, {**GOOD, "value": value}, models=EVERY, scope=scope)

    def ask(
        number: int,
        since: str = "2000-01-01T00:00:00Z",
        *,
        alias: Alias = PRODUCTION,
        at: str | None = None,
    ) -> list[int]:
        reference = Reference(NAME, number)
        asked = ListPoliciesByAuthors(reference=reference, alias=alias, since=since, at=at)
        return [one.index for one in backend.ask(asked)]

    assert ask(1) == [changed, ended]
    assert ask(1, at=str(changed)) == [changed]
    assert ask(2) == [], "Ada changed nothing"
    assert ask(1, "2999-01-01T00:00:00Z") == []
    assert ask(1, alias=Alias("staging")) == []
    set_policy(backend, owner, GOOD, models=EVERY)
    assert len(ask(1)) == 3, "it applies to the model now, and did not before"


def test_who_is_asked_to_review_learns_of_it(tmp_path: Path) -> None:
    """A request for review says that an author of the version changed its policy."""
    office = Office(tmp_path)
    office.set_policy(description="a weaker one")
    office.founder.execute(OpenRequest(reference=Reference(NAME, 1), alias=PRODUCTION))
    founder = office.id_of("founder")
    said = office.find("Vera", ItemKind.REQUEST).what
    assert re.fullmatch(
        f"your review is requested; the policy of {NAME}@production was changed on "
        f"[0-9-]+ by {founder}, who made the version",
        said,
    )
