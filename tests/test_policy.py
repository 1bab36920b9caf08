"""Policies: what can be written, and that only exactly True passes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.core.bytes.formats import Format, format_of
from muniment.core.canonical import Json
from muniment.core.claims.attestations import APPROVAL, CONTENT, EVALUATION, Attestation
from muniment.core.digests import Digest
from muniment.core.errors import InvalidPolicy
from muniment.core.gates.policy import Policy, judge
from muniment.core.gates.rules.case import Case
from muniment.core.people.roles import Role
from muniment.testing.backends import evaluation

HUNDREDTHS = st.integers(0, 100).map(lambda part: part / 100)
AUC: dict[str, Json] = {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.9}


EARLIER, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def claim(kind: str, predicate: dict[str, Json], index: int = 0, signer: str = "ada") -> Attestation:
    return Attestation(
        digest=Digest.of(f"{kind}{predicate}{index}".encode()),
        predicate_type=kind,
        predicate=predicate,
        signer=signer,
        key_id="k" * 64,
        index=index,
        recorded="2026-01-01T00:00:00Z",
    )


def case(*claims: Attestation, paths: tuple[str, ...] = ("model.skops",)) -> Case:
    return Case(
        version="acme/x@1",
        alias="production",
        policy="sha256:policy",
        now="2026-02-01T00:00:00Z",
        paths=paths,
        authors=frozenset({"ada"}),
        attestations=claims,
        roles={"ada": frozenset({Role.CONTRIBUTOR})},
        is_supposed=True,
    )


def stated(metrics: dict[str, Json]) -> dict[str, Json]:
    """Write an evaluation that another tool made."""
    return {**evaluation(None), "tool": {"name": "other", "version": "1"}, "metrics": metrics}


def failures(
    rules: list[dict[str, Json]], *claims: Attestation, paths: tuple[str, ...] = ("m.skops",)
) -> list[str]:
    return list(judge(Policy.read({"rules": rules}), case(*claims, paths=paths)).failures)


def grouped(**recalls: float | None) -> dict[str, Json]:
    groups: list[Json] = [
        {"column": "sex", "value": name, "n": 50, "metrics": {"recall": {"value": recall}}}
        for name, recall in recalls.items()
    ]
    return {**stated({"roc_auc": {"value": 0.95}}), "groups": groups}


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({}, "rules"),
        ({"rules": []}, "rules"),
        ({"rules": "x"}, "rules"),
        ({"rules": [AUC], "mode": "loud"}, "mode"),
        ({"rules": [AUC], "owner": "me"}, "owner"),
        ({"rules": ["x"]}, "object"),
        ({"rules": [{"rule": "magic"}]}, "one of"),
        ({"rules": [{**AUC, "op": "=="}]}, "op"),
        ({"rules": [{**AUC, "value": "high"}]}, "number"),
        ({"rules": [{**AUC, "value": True}]}, "number"),
        ({"rules": [{**AUC, "bound": "middle"}]}, "bound"),
        ({"rules": [{**AUC, "tolerance": 1}]}, "tolerance"),
        ({"rules": [{"rule": "threshold", "op": ">=", "value": 1}]}, "metric"),
        ({"rules": [{"rule": "approvals"}]}, "roles"),
        ({"rules": [{"rule": "approvals", "boss": 1}]}, "role"),
        ({"rules": [{"rule": "approvals", "validator": 0}]}, "1 or more"),
        ({"rules": [{"rule": "format", "allow": ["exe"]}]}, "exe"),
        ({"rules": [{"rule": "format", "allow": []}]}, "allow"),
        ({"rules": [AUC] * 201}, "200"),
        ({"rules": [{"rule": "window", "freezes": "May"}]}, "list"),
        ({"rules": [{"rule": "window", "freezes": ["May"]}]}, "object"),
        (
            {"rules": [{"rule": "window", "freezes": [{"from": "May", "until": "June"}]}]},
            "time with a time zone",
        ),
        (
            {"rules": [{"rule": "window", "freezes": [{"from": LATER, "until": EARLIER}]}]},
            "end after it begins",
        ),
        ({"rules": [{"rule": "cel", "expression": "true"}]}, "cannot be evaluated here"),
    ],
)
def test_a_policy_that_is_not_one_is_refused(document: dict[str, Json], reason: str) -> None:
    """Unknown members, rules, operators and roles are refused by name."""
    with pytest.raises(InvalidPolicy, match=reason):
        Policy.read(document)


def test_all_failing_rules_are_listed() -> None:
    """Each failing rule has its own message."""
    failed = failures([AUC, {"rule": "signature"}, {"rule": "approvals", "validator": 1, "approver": 2}])
    assert failed == [
        "roc_auc >= 0.9: there is no evidence",
        "content signed by a contributor: there is no content signature by a contributor",
        "approved by 1 validator, 2 approver: 1 validator missing; 2 approver missing",
    ]


@pytest.mark.parametrize(
    "metrics",
    [
        {},
        {"roc_auc": {"value": None}},
        {"roc_auc": {}},
        {"roc_auc": {"value": "1"}},
        {"roc_auc": {"value": True}},
        {"roc_auc": 1.0},
        {"roc_auc": {"value": float("nan")}},
        {"roc_auc": {"value": float("inf")}},
    ],
)
def test_a_metric_that_is_missing_or_no_number_denies(metrics: dict[str, Json]) -> None:
    """A metric that is missing, null, NaN or infinite fails every comparison."""
    evidence = claim(EVALUATION, stated(metrics))
    for op in (">=", "<=", ">", "<"):
        assert failures([{**AUC, "op": op}], evidence) == [
            f"roc_auc {op} 0.9: roc_auc is missing or not a number"
        ]


@given(HUNDREDTHS, HUNDREDTHS)
def test_a_threshold_compares(value: float, bound: float) -> None:
    """The four operators compare as those of Python's numbers."""
    evidence = claim(EVALUATION, evaluation(value))
    held = {op: not failures([{**AUC, "op": op, "value": bound}], evidence) for op in (">=", ">", "<=", "<")}
    assert held == {">=": value >= bound, ">": value > bound, "<=": value <= bound, "<": value < bound}


def test_every_dataset_has_to_hold_unless_one_is_named() -> None:
    """The newest evidence of each dataset has to pass, unless the rule names one dataset."""
    easy = claim(EVALUATION, evaluation(0.99, dataset=b"easy"), index=3)
    hard = claim(EVALUATION, evaluation(0.5, dataset=b"hard"), index=2)
    older = claim(EVALUATION, evaluation(0.1, dataset=b"easy"), index=1)
    assert failures([AUC], easy, older) == []
    assert failures([AUC], easy, hard, older) == ["roc_auc >= 0.9: roc_auc is 0.99; roc_auc is 0.5"]
    assert failures([{**AUC, "dataset": str(Digest.of(b"easy"))}], easy, hard) == []
    assert failures([{**AUC, "dataset": str(Digest.of(b"none"))}], easy) != []


def test_the_lower_bound_has_to_be_there() -> None:
    """A rule about a lower bound fails if the metric has no interval."""
    rule: dict[str, Json] = {**AUC, "bound": "lower"}
    interval: dict[str, Json] = {
        "value": 0.95,
        "interval": {"low": 0.91, "high": 0.97, "level": 0.95, "method": "x"},
    }
    assert failures([rule], claim(EVALUATION, evaluation(0.99))) != []
    assert failures([rule], claim(EVALUATION, stated({"roc_auc": interval}))) == []


def test_the_worst_group_has_to_hold() -> None:
    """A rule about a group column passes only if every group does."""
    rule: dict[str, Json] = {
        "rule": "threshold",
        "metric": "recall",
        "op": ">=",
        "value": 0.8,
        "group": "sex",
    }
    assert failures([rule], claim(EVALUATION, grouped(f=0.9, m=0.85))) == []
    assert failures([{**rule, "group": "*"}], claim(EVALUATION, grouped(f=0.9, m=0.7))) != []
    assert failures([rule], claim(EVALUATION, grouped(f=0.9, m=None))) != []
    assert failures([rule], claim(EVALUATION, evaluation(0.9))) != []


def test_a_gap_is_between_groups_that_are_large_enough() -> None:
    """A fairness gap needs two groups that are measured and large enough."""
    rule: dict[str, Json] = {"rule": "gap", "metric": "recall", "group": "sex", "maximum": 0.1}
    assert failures([rule], claim(EVALUATION, grouped(f=0.9, m=0.85))) == []
    assert failures([rule], claim(EVALUATION, grouped(f=0.9, m=0.7))) != []
    assert failures([rule], claim(EVALUATION, grouped(f=0.9))) != []
    assert failures([rule], claim(EVALUATION, grouped(f=0.9, m=None))) != []
    assert failures([{**rule, "min_group_size": 51}], claim(EVALUATION, grouped(f=0.9, m=0.9))) != []
    assert failures([rule]) != []


def test_a_signature_is_by_somebody_who_holds_the_role() -> None:
    """A content signature by somebody without the role does not count."""
    signature = claim(CONTENT, {})
    assert failures([{"rule": "signature"}], signature) == []
    assert failures([{"rule": "signature", "role": "security"}], signature) != []
    assert failures([{"rule": "require", "type": CONTENT}], signature) == []
    assert failures([{"rule": "require", "type": CONTENT}]) != []


def test_pickles_are_out_unless_they_are_named() -> None:
    """A policy that names no formats refuses pickles."""
    assert failures([AUC], claim(EVALUATION, evaluation(0.9)), paths=("model.pkl",)) != []
    named: dict[str, Json] = {"rule": "format", "allow": ["pickle"]}
    assert failures([named], paths=("model.pkl", "README.md")) == []
    assert failures([named], paths=("model.skops",)) != []
    assert Policy.read({"rules": [named]}).allows(Format.PICKLE)
    assert not Policy.read({"rules": [AUC]}).allows(Format.PICKLE)


def test_a_rule_that_errs_denies() -> None:
    """Malformed evidence fails its rule and raises no error."""
    odd = claim(EVALUATION, {**evaluation(0.9), "groups": [{"column": "sex", "metrics": {}}]})
    rule: dict[str, Json] = {"rule": "gap", "metric": "recall", "group": "sex", "maximum": 0.1}
    assert "the counts are malformed" in failures([rule], odd)[0]


@pytest.mark.parametrize(
    ("path", "head", "expected"),
    [
        ("a/model.SAFETENSORS", b"", Format.SAFETENSORS),
        ("m.onnx", b"\x08", Format.ONNX),
        ("m.joblib", b"", Format.PICKLE),
        ("m.safetensors", b"\x80\x04", Format.PICKLE),
        ("README", b"", Format.OTHER),
    ],
)
def test_formats_are_told_by_name_and_pickles_by_content(path: str, head: bytes, expected: Format) -> None:
    """A pickle under a harmless name counts as a pickle."""
    assert expected is format_of(path, head)


def test_a_rule_can_ask_how_a_signer_is_known() -> None:
    """A rule that asks for a session is not met by a signature with a plain key."""
    asked: list[dict[str, Json]] = [{"rule": "signature", "assurance": ["session", "passkey"]}]
    known = {
        kind: replace(claim(CONTENT, {}), assurance=kind)
        for kind in ("key", "session", "passkey", "workload")
    }
    passed = {kind for kind, claims in known.items() if not failures(asked, claims)}
    assert passed == {"session", "passkey"}
    assert "known by passkey or session" in failures(asked, known["key"])[0]


def test_approvals_can_ask_how_an_approver_is_known() -> None:
    """The message names each approver who is not known well enough."""
    approval: dict[str, Json] = {
        "version": "acme/x@1",
        "alias": "production",
        "role": "validator",
        "decision": "approve",
        "registry": "",
        "meaning": "approval",
        "policies": ["sha256:policy"],
        "evidence": [],
        "waiver": None,
        "name": None,
        "reason": None,
        "nonce": "0123456789abcdef",
        "expires": None,
        "time": "2026-01-01T00:00:00Z",
    }
    asked: list[dict[str, Json]] = [{"rule": "approvals", "validator": 1, "assurance": ["session"]}]
    signed = claim(APPROVAL, approval, signer="vera")
    seen = replace(case(signed), roles={"vera": frozenset({Role.VALIDATOR})})
    weak = judge(Policy.read({"rules": asked}), seen)
    assert "vera is known only by key" in weak.failures[0]
    strong = replace(seen, attestations=(replace(signed, assurance="session"),))
    assert judge(Policy.read({"rules": asked}), strong).passed
    for wrong in ([], "session", ["magic"]):
        with pytest.raises(InvalidPolicy):
            Policy.read({"rules": [{"rule": "signature", "assurance": wrong}]})
