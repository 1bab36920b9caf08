"""Policies in force: who can set them, what they apply to, and verdicts that are judged again."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from xml.etree.ElementTree import fromstring

import jsonschema_rs
import pytest
import yaml
from click.testing import CliRunner
from junitparser import JUnitXml
from sarif_pydantic import Sarif

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.proofs.checking import check_verdict
from muniment.client.sdk.registry import Registry
from muniment.client.versions.version import Version
from muniment.core.backend import Backend
from muniment.core.canonical import Json
from muniment.core.claims.attestations import EVALUATION, POLICY, VERDICT
from muniment.core.digests import Digest
from muniment.core.errors import (
    GateFailed,
    InvalidPolicy,
    ModelNotFound,
    NotPermitted,
    PolicyNotFound,
    TierNotFound,
    VerdictInconsistent,
    WrongSubject,
)
from muniment.core.events import PolicySet
from muniment.core.gates.rules.reading import KINDS
from muniment.core.names import Models, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.verbs.gates import (
    GetMove,
    GetPolicies,
    GetTier,
    JudgeGate,
    ListPolicies,
    MoveAlias,
    SetPolicy,
    SetTier,
)
from muniment.core.verbs.log import GetLogIdentity
from muniment.policies.documents import read_policy
from muniment.policies.files import load_policy, load_yaml
from muniment.policies.fixtures import run_fixtures
from muniment.policies.templates import list_templates, read_template
from muniment.signing.keys import Identity
from muniment.signing.statements import attest, encode
from muniment.testing.backends import (
    MODELS,
    NAME,
    PRODUCTION,
    OpenAs,
    add_person,
    evaluation,
    publish,
    record,
    refuses,
    set_policy,
)

FIRST = Reference(NAME, 1)
MOVE = MoveAlias(reference=FIRST, alias=PRODUCTION)
SIGNED: dict[str, Json] = {"rule": "signature"}
GOOD: dict[str, Json] = {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.8}
EVERY = Models("acme", "*")
WHY = Payload.of("agreed")


def gate(backend: Backend, number: int = 1) -> bool:
    return backend.ask(JudgeGate(reference=Reference(NAME, number), alias=PRODUCTION)).passed


# ---- documents


def schema() -> jsonschema_rs.Draft202012Validator:
    text = (resources.files("muniment.policies") / "policy.schema.json").read_text("utf-8")
    return jsonschema_rs.Draft202012Validator(json.loads(text))


@pytest.mark.parametrize("name", list_templates())
def test_a_ready_made_policy_holds_for_its_fixtures(name: str) -> None:
    """Each template meets its fixtures and the schema, and one of its fixtures passes."""
    files = read_template(name)
    document = yaml.safe_load(files[f"{name}.yaml"])
    fixtures = yaml.safe_load(files[f"{name}.fixtures.yaml"])
    outcomes = run_fixtures(read_policy(document), fixtures)
    assert [one.name for one in outcomes if one.fault] == []
    assert any(not one.get("fails") for one in fixtures["fixtures"]), "one that passes"
    schema().validate(document)


@pytest.mark.parametrize("name", list_templates())
def test_each_rule_of_a_ready_made_policy_has_a_fixture_that_fails_it(name: str) -> None:
    """Leaving a rule out of a template makes one of its fixtures fail."""
    files = read_template(name)
    document = yaml.safe_load(files[f"{name}.yaml"])
    fixtures = yaml.safe_load(files[f"{name}.fixtures.yaml"])
    failing = {one for fixture in fixtures["fixtures"] for one in fixture.get("fails", [])}
    assert {one.get("id", one["rule"]) for one in document["rules"]} <= failing
    for rule in failing:
        kept = [one for one in document["rules"] if one.get("id", one["rule"]) != rule]
        # Without a format rule of its own, a policy has the usual one.
        if len(kept) == len(document["rules"]) or not kept or rule == "format":
            continue
        left = {name: document[name] for name in document if name != "waivers"}
        outcomes = run_fixtures(read_policy({**left, "rules": kept}), fixtures)
        assert any(one.fault for one in outcomes), f"no fixture needs {rule}"


@pytest.mark.parametrize(
    "rule",
    [
        {"rule": "require", "type": "evaluation", "max_age": "1y"},
        {"rule": "require", "type": "evaluation", "min_n": -1},
        {"rule": "require", "type": "evaluation", "min_n": 1.5},
        {"rule": "require", "type": "evaluation", "role": "boss"},
        {"rule": "threshold", "metric": "m", "op": "==", "value": 1},
        {"rule": "threshold", "metric": "m", "op": ">=", "value": "1"},
        {"rule": "gap", "metric": "m", "group": "g", "maximum": 0.1, "min_group_size": 0},
        {"rule": "no_regression", "metric": "m", "tolerance": -1},
        {"rule": "no_regression"},
        {"rule": "approvals"},
        {"rule": "approvals", "n": 2},
        {"rule": "approvals", "roles": ["validator"]},
        {"rule": "approvals", "validator": 0},
        {"rule": "approvals", "validator": True},
        {"rule": "approvals", "validator": 1, "meaning": ["love"]},
        {"rule": "signature", "signers": []},
        {"rule": "scan", "maximum": "some"},
        {"rule": "scan", "tools": "clamav"},
        {"rule": "format", "allow": ["exe"]},
        {"rule": "format"},
        {"rule": "card", "required": ["poem"]},
        {"rule": "provenance", "clean_tree": "yes"},
        {"rule": "provenance", "licences": []},
        {"rule": "reproduced", "verdict": "failed"},
        {"rule": "soak", "alias": "staging"},
        {"rule": "soak", "alias": "staging", "least": "0d"},
        {"rule": "window", "hours": "8-17"},
        {"rule": "window", "days": ["Monday"]},
        {"rule": "window", "freezes": [{"from": "2026-01-01T00:00:00Z"}]},
        {"rule": "plan", "role": "boss"},
        {"rule": "cel"},
        {"rule": "cel", "expression": "x" * 2001},
        {"rule": "magic"},
        {"rule": "signature", "id": "No Spaces"},
        {"rule": "signature", "color": "red"},
    ],
)
def test_the_schema_and_the_reader_refuse_the_same(rule: dict[str, Json]) -> None:
    """The reader and the JSON Schema both refuse each invalid rule."""
    document: dict[str, Json] = {"rules": [rule]}
    with pytest.raises(InvalidPolicy):
        read_policy(document)
    assert not schema().is_valid(document)


@pytest.mark.parametrize(
    "members",
    [
        {"mode": "loud"},
        {"scope": {"models": "x"}},
        {"scope": {"country": ["DE"]}},
        {"waivers": {"approvals": {}, "maximum": "1d"}},
        {"waivers": {"approvals": {"approver": 1}}},
        {"break_glass": {"roles": [], "close_within": "1d"}},
        {"break_glass": {"roles": ["approver"]}},
        {"colour": "red"},
        {"description": 7},
    ],
)
def test_other_members_are_refused_alike(members: dict[str, Json]) -> None:
    """The reader and the JSON Schema both refuse invalid members beside the rules."""
    document: dict[str, Json] = {"rules": [SIGNED], **members}
    with pytest.raises(InvalidPolicy):
        read_policy(document)
    assert not schema().is_valid(document)


def test_every_kind_of_rule_is_in_the_schema() -> None:
    """The JSON Schema has every kind of rule."""
    text = (resources.files("muniment.policies") / "policy.schema.json").read_text("utf-8")
    assert all(f'"const": "{kind}"' in text for kind in KINDS)


def test_two_rules_have_two_names() -> None:
    """Rules get unique names, and duplicate, unknown and impossible names are refused."""
    policy = read_policy({"rules": [SIGNED, SIGNED, {**GOOD, "id": "good"}]})
    assert [named.id for named in policy.rules] == ["signature", "signature-2", "good", "format"]
    with pytest.raises(InvalidPolicy, match="two rules have the id"):
        read_policy({"rules": [{**SIGNED, "id": "a"}, {**GOOD, "id": "a"}]})
    terms: dict[str, Json] = {"approvals": {"approver": 1}, "maximum": "1d", "rules": ["b"]}
    with pytest.raises(InvalidPolicy, match="unknown rule 'b'"):
        read_policy({"rules": [SIGNED], "waivers": terms})
    with pytest.raises(InvalidPolicy, match="must be a time zone, not 'Middle/Earth'"):
        read_policy({"rules": [{"rule": "window", "zone": "Middle/Earth"}]})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "not YAML"),
        ("- a", "expected a YAML object"),
        ("a: 1\na: 2", "duplicate key"),
        ("!!python/name:os.system", "YAML"),
    ],
)
def test_yaml_that_is_not_a_policy(tmp_path: Path, text: str, reason: str) -> None:
    """Invalid YAML, duplicate keys and Python tags are refused with the reason."""
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(InvalidPolicy, match=reason):
        load_yaml(path)


def test_times_stay_texts(tmp_path: Path) -> None:
    """YAML dates and times are read as the texts that were written."""
    path = tmp_path / "policy.yaml"
    path.write_text("from: 2026-01-01T00:00:00Z\nday: 2026-01-01\n")
    assert load_yaml(path) == {"from": "2026-01-01T00:00:00Z", "day": "2026-01-01"}


# ---- setting


def test_a_policy_is_signed_by_its_setter(backend: Backend, open_as: OpenAs, owner: Identity) -> None:
    """A policy is refused unless its setter signed it for these models, this alias and this registry."""
    publish(backend, owner, b"a")
    data = encode({"rules": [SIGNED]})
    said: dict[str, Json] = {
        "models": str(MODELS),
        "alias": "production",
        "registry": backend.ask(GetLogIdentity()).verifier,
        "time": "2026-01-01T00:00:00Z",
    }

    def send(subject: bytes = data, kind: str = POLICY, **changes: Json) -> None:
        bundle = attest(Digest.of(subject), "p", kind, {**said, **changes}, owner)
        policy, signed = backend.add_documents([data, bundle.encode()])
        command = SetPolicy(models=MODELS, alias=PRODUCTION, policy=policy, attestation=signed, reason=WHY)
        backend.execute(command)

    policy = backend.add_documents([data])[0]
    bare = SetPolicy(models=MODELS, alias=PRODUCTION, policy=policy, reason=WHY)
    refuses(lambda: backend.execute(bare), InvalidPolicy)
    for changes in ({"models": "acme/*"}, {"alias": "staging"}, {"registry": "other"}):
        refuses(lambda changes=changes: send(**changes), WrongSubject)  # type: ignore[misc] # bound at once
    refuses(lambda: send(subject=b"other"), WrongSubject)
    refuses(lambda: send(kind="https://example.org/x"), WrongSubject)
    refuses(lambda: backend.ask(GetPolicies(name=NAME, alias=PRODUCTION)), PolicyNotFound)
    send()
    assert len(backend.ask(GetPolicies(name=NAME, alias=PRODUCTION))) == 1
    vera = add_person(backend, "Vera", Role.APPROVER, Role.CONTRIBUTOR, Role.SECURITY)
    refuses(lambda: set_policy(open_as(vera), vera, SIGNED), NotPermitted)


def test_a_guarded_alias_without_a_policy_denies(backend: Backend, owner: Identity) -> None:
    """A guarded alias without a policy refuses every move until a policy is set."""
    publish(backend, owner, b"a")
    backend.execute(SetPolicy(models=EVERY, alias=PRODUCTION, policy=None, reason=WHY))
    refusal = refuses(lambda: backend.execute(MOVE), GateFailed)
    assert "has no policy" in str(refusal.data()["failures"])
    assert not gate(backend)
    set_policy(backend, owner, SIGNED)
    backend.execute(MOVE)


def test_the_policies_of_the_namespace_and_of_the_model_have_to_be_met(
    backend: Backend, owner: Identity
) -> None:
    """A move needs a passing verdict of both the model's policy and the namespace's."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, SIGNED)
    assert gate(backend)
    set_policy(backend, owner, GOOD, models=EVERY)
    assert not gate(backend)
    record(backend, owner, 1, EVALUATION, evaluation(0.9))
    assert gate(backend)
    backend.execute(MOVE)
    verdicts = backend.ask(GetMove(name=NAME, alias=PRODUCTION)).verdicts.split()
    assert len(verdicts) == 2
    assert [policy.models for policy in backend.ask(GetPolicies(name=NAME, alias=PRODUCTION))] == [
        "acme/*",
        "acme/readmission",
    ]
    assert len(backend.ask(ListPolicies(namespace="acme"))) == 2


def test_shadow_and_warn_do_not_stand_in_the_way(backend: Backend, owner: Identity) -> None:
    """A failing policy in shadow mode passes silently, in warn mode with a warning."""
    publish(backend, owner, b"a")
    for mode, warnings in (("shadow", 0), ("warn", 1)):
        set_policy(backend, owner, GOOD, mode=mode)
        judged = backend.ask(JudgeGate(reference=FIRST, alias=PRODUCTION))
        assert (judged.passed, len(judged.warnings), judged.failures) == (True, warnings, ())
        assert not judged.verdicts[0].passed
    backend.execute(MOVE)
    set_policy(backend, owner, GOOD, mode="enforce")
    assert not gate(backend)


def test_a_policy_holds_for_its_models_and_tiers(backend: Backend, owner: Identity) -> None:
    """A policy applies to the models and tiers of its scope, and to models without a tier."""
    publish(backend, owner, b"a")
    set_policy(backend, owner, GOOD, models=EVERY, scope={"models": ["credit-*"]})
    refuses(lambda: gate(backend), PolicyNotFound)
    set_policy(backend, owner, GOOD, models=EVERY, scope={"models": ["read*"], "tiers": ["high"]})
    assert not gate(backend), "a model that is in no tier is in all of them"
    refuses(lambda: backend.ask(GetTier(name=NAME)), TierNotFound)
    backend.execute(SetTier(name=NAME, tier="low", reason=WHY))
    refuses(lambda: gate(backend), PolicyNotFound)
    backend.execute(SetTier(name=NAME, tier="high", reason=WHY))
    assert not gate(backend)
    assert backend.ask(GetTier(name=NAME)).tier == "high"
    assert not backend.execute(SetTier(name=NAME, tier="high", reason=WHY)).created
    refuses(
        lambda: backend.execute(SetTier(name=type(NAME)("acme", "other"), tier="high", reason=WHY)),
        ModelNotFound,
    )


def test_what_was_in_force_at_a_time(backend: Backend, owner: Identity) -> None:
    """The policies at a past time are those that were in force then."""
    publish(backend, owner, b"a")
    first = set_policy(backend, owner, SIGNED)
    set_policy(backend, owner, GOOD)
    then = backend.ask(GetPolicies(name=NAME, alias=PRODUCTION, at=first.entry.time))
    assert [policy.digest for policy in then] == [str(first.read(PolicySet).policy)]


def test_a_policy_is_tried_before_it_is_set(backend: Backend, owner: Identity) -> None:
    """A policy can be judged against a version without being set."""
    publish(backend, owner, b"a")
    document = backend.add_documents([encode({"rules": [GOOD]})])[0]
    judged = backend.ask(JudgeGate(reference=FIRST, alias=PRODUCTION, policy=document))
    assert not judged.passed
    refuses(lambda: backend.ask(GetPolicies(name=NAME, alias=PRODUCTION)), PolicyNotFound)


# ---- verdicts


@pytest.fixture
def promoted(registry: Registry, model: Path) -> Version:
    """Push a version, let it meet a policy of several kinds of rules, and promote it."""
    version = registry.push(model, "acme/x")
    version.attest(EVALUATION, evaluation(0.9))
    rules: list[Json] = [
        SIGNED,
        GOOD,
        {"rule": "no_regression", "metric": "roc_auc"},
        {"rule": "format", "allow": ["other"]},
    ]
    registry.policies.set("acme/x", "production", {"rules": rules}, reason="agreed")
    registry.promote(version, "production")
    return version


def test_a_verdict_is_judged_again(promoted: Version) -> None:
    """`verify` judges a verdict again from its policy and the claims that it lists."""
    checks = {check.what: check for check in promoted.verify()}
    again = next(check for what, check in checks.items() if "follows from its policy" in what)
    assert again.passed
    (claim,) = promoted.claims(VERDICT)
    assert claim.predicate["verificationResult"] == "PASSED"
    inputs = claim.predicate["inputAttestations"]
    assert isinstance(inputs, list)
    assert len(inputs) == len(promoted.describe().attestations) - 1, "every claim but itself"


@pytest.mark.parametrize("change", ["result", "finding", "role", "time", "policy"])
def test_a_verdict_that_does_not_follow_is_found_out(
    registry: Registry, promoted: Version, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong verdict signed by the registry's own key fails verification."""
    (claim,) = promoted.claims(VERDICT)
    stated = json.loads(json.dumps(claim.predicate))
    alter: dict[str, Callable[[], object]] = {
        "result": lambda: stated.update(verificationResult="FAILED"),
        "finding": lambda: stated["findings"][0].update(passed=False),
        "role": lambda: stated["case"].update(roles={}),
        "time": lambda: stated["case"]["attestations"][0].update(recorded="2020-01-01T00:00:00Z"),
        "policy": lambda: stated["case"].update(alias="staging", version="acme/x@9"),
    }
    alter[change]()
    backend = registry._session.backend
    row = next(one for one in promoted.describe().attestations if one.predicate_type == VERDICT)
    monkeypatch.setattr(
        "muniment.client.proofs.checking.check_claim", lambda *_: replace(claim, predicate=stated)
    )
    with pytest.raises(VerdictInconsistent):
        check_verdict(backend, row, promoted.record, promoted.revision())


# ---- what a user sees


@pytest.fixture
def call(settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str]]:
    """Give what runs a command in a registry with one version."""
    with muniment.open(settings=settings, create=True) as registry:
        registry.push(model, "acme/x", alias="staging")
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, list(arguments))
        return result.exit_code, result.output

    return run


def test_a_policy_from_its_template_to_the_gate(call: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """A template can be created, tested, simulated, set, explained and enforced by commands."""
    directory = tmp_path / "policies"
    assert call("policy", "init", str(directory), "--template", "minimal")[0] == 0
    path = directory / "minimal.yaml"
    assert "7 of 7 fixtures as expected" in call("policy", "test", str(path))[1]
    code, shown = call("policy", "simulate", str(path), "--over", "acme/*")
    assert (code, "1 of 1 version would fail" in shown) == (1, True)
    assert call("policy", "set", "acme/*@production", str(path), "--reason", "agreed")[0] == 0
    assert "# acme/*@production sha256:" in call("policy", "show", "acme/x@production", "--yaml")[1]
    assert re.search(
        "policy +sha256:.*rule +asks for", call("policy", "show", "acme/x@production")[1], re.DOTALL
    )
    assert "acme/*@production" in call("policy", "history", "acme")[1]
    code, shown = call("check", "acme/x@1", "production")
    assert (code, re.search("NOT MET +evaluation present +none on record", shown) is not None) == (1, True)
    assert "→ muniment evaluate acme/x@1 --data FILE" in shown
    code, shown = call("policy", "explain", "acme/x@1", "production")
    assert code == 0
    assert re.search("content signed by a contributor .* signature ", shown)
    assert "sha256:" in shown
    code, shown = call("promote", "acme/x@1", "production", "--wait", "--timeout", "0")
    assert (code, "gate_failed" in shown) == (3, True)
    assert call("policy", "tier", "acme/x", "high", "--reason", "agreed")[0] == 0
    assert call("policy", "guard", "acme/x@release", "--reason", "agreed")[0] == 0
    assert "has no policy" in call("check", "acme/x@1", "release")[1]
    assert call("policy", "init", str(directory), "--template", "minimal")[0] == 2, "what is there stays"


def test_a_policy_whose_fixtures_do_not_hold(call: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """`policy test` names each fixture that does not hold and exits with 1."""
    (tmp_path / "p.yaml").write_text("rules: [{rule: signature}]")
    (tmp_path / "p.fixtures.yaml").write_text("fixtures: [{name: unsigned}, {name: odd, fails: [signature]}]")
    code, shown = call("policy", "test", str(tmp_path / "p.yaml"))
    assert code == 1
    assert "FAILED  unsigned: signature fails" in shown
    assert "ok      odd" in shown
    (tmp_path / "bare.yaml").write_text("rules: [{rule: signature}]")
    code, shown = call("policy", "test", str(tmp_path / "bare.yaml"))
    assert code == 4
    assert "fixtures_not_found: " in shown
    assert "there is no " in shown
    assert "bare.fixtures.yaml" in shown


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "rules:\n  - {rule: signature}\n  - rule: threshold\n    metric: auc\n    op: '>'\n    value: x",
            "6:5",
        ),
        ("rules:\n  - {rule: signature}\n  - {rule: threshold, metric: auc, op: above}\n", "3:36"),
        ("rules:\n  - {rule: signature}\n  - {rule: threshold, op: '>'}\n", "3:5"),
        ("rules:\n  - {rule: signature}\nmod: warn\n", "3:1"),
        ("rules:\n  - {rule: signature}\n  - {rule: signature, roll: admin}\n", "3:23"),
        ("rules:\n  - {rule: signature}\nrules:\n", "3:1"),
        ("mode: warn\nrules: {}\n", "2:1"),
        ("rules:\n  - {rule: signature}\n  - signature\n", "3:5"),
        ("rules:\n  - rule: window\n    freezes:\n      - {from: 2026-01-01, until: 2026-01-02}\n", "4:10"),
        ("rules:\n  - rule: signature\nwaivers:\n  maximum: 1d\n  approvals: {boss: 1}\n", "5:3"),
        ("rules:\n  - {rule: cel, expression: 'true +'}\n", "2:17"),
    ],
)
def test_a_fault_in_a_policy_has_its_line(tmp_path: Path, text: str, says: str) -> None:
    """The refusal of a policy file names the line and the column in which what is wrong begins."""
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    line, _, column = says.partition(":")
    with pytest.raises(InvalidPolicy, match=f"not valid: line {line}, column {column}: "):
        load_policy(path)


def test_a_fault_in_fixtures_has_its_line(call: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """`policy test` names the line of a fixture that cannot be read."""
    (tmp_path / "p.yaml").write_text("rules: [{rule: signature}]")
    (tmp_path / "p.fixtures.yaml").write_text("fixtures:\n  - {name: a}\n  - {name: b, fail: [signature]}\n")
    code, shown = call("policy", "test", str(tmp_path / "p.yaml"))
    assert (code, "line 3, column 5: fixture 'b': unknown member 'fail'" in shown) == (2, True)


def test_a_fault_in_a_policy_that_is_no_file_has_its_way() -> None:
    """The refusal of a policy in Python names the way to what is wrong."""
    with pytest.raises(InvalidPolicy, match="rules/1/op: `op` must be one of"):
        read_policy({"rules": [SIGNED, {"rule": "threshold", "metric": "auc", "op": "above", "value": 1}]})
    with pytest.raises(InvalidPolicy, match="waivers/approvals: "):
        read_policy({"rules": [SIGNED], "waivers": {"approvals": {}, "maximum": "1d"}})


def test_a_simulation_of_nothing_is_refused(call: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """A simulation that finds no version is refused: none that would fail is no result."""
    (tmp_path / "p.yaml").write_text("rules: [{rule: signature}]")
    code, shown = call("policy", "simulate", str(tmp_path / "p.yaml"), "--over", "acme/none*")
    assert code == 2
    code, shown = call("policy", "simulate", str(tmp_path / "p.yaml"), "--over", "none/*")
    assert (code, "nothing_to_simulate: no version to judge is found in none/*" in shown) == (4, True)


def test_ci_reads_the_gate(call: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    """The JUnit and SARIF files of `check` are accepted by independent readers."""
    (tmp_path / "p.yaml").write_text("rules: [{rule: signature}, {rule: require, type: evaluation}]")
    call("policy", "set", "acme/x@production", str(tmp_path / "p.yaml"), "--reason", "agreed")
    junit, sarif = tmp_path / "gate.xml", tmp_path / "gate.sarif"
    code, shown = call(
        "check", "acme/x@1", "production", "--junit", str(junit), "--sarif", str(sarif), "--json"
    )
    assert code == 1
    assert [rule["id"] for rule in json.loads(shown)["rules"]["findings"] if not rule["met"]] == ["require"]
    suites = JUnitXml.fromfile(str(junit))
    (suite,) = list(suites)
    assert (suite.tests, suite.failures) == (3, 1)
    assert fromstring(junit.read_bytes()).tag == "testsuites"  # noqa: S314 - our own
    report = Sarif.model_validate_json(sarif.read_text())
    (run,) = report.runs
    assert [result.rule_id for result in run.results or []] == ["require"]
    code, _ = call("check", "acme/x@1", "nothing")
    assert code == 4
