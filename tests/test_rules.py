"""Rules: each kind, met and not met, judged over a case alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from cases import NOW, Document, case, claim, holds, measured, verdict
from muniment.core.canonical import Json
from muniment.core.claims.attestations import (
    CARD,
    CHANGE_PLAN,
    EVALUATION,
    PROVENANCE,
    REPRODUCTION,
    SCAN,
    WAIVER,
    Attestation,
)
from muniment.core.claims.provenance import BLOB_URI
from muniment.core.digests import Digest
from muniment.core.gates.policy import judge
from muniment.core.gates.rules.case import Baseline, Case, Hold, Origin, write_age
from muniment.policies.documents import read_policy
from muniment.testing.backends import evaluation

# ---- what is on record


def test_require_asks_for_age_rows_dataset_and_signer() -> None:
    """`require` passes only for evidence with the age, rows, dataset and signer's role that it asks for."""
    old = measured(0.9, at="2026-01-01T00:00:00Z")
    rule: Document = {"rule": "require", "type": "evaluation"}
    assert holds(rule, case(old))
    assert not holds({**rule, "max_age": "30d"}, case(old))
    assert holds({**rule, "max_age": "30d"}, case(old, measured(0.9, index=1)))
    assert not holds({**rule, "min_n": 101}, case(old))
    assert holds({**rule, "min_n": 100}, case(old))
    assert holds({**rule, "dataset": "holdout"}, case(old))
    assert holds({**rule, "dataset": str(Digest.of(b"holdout"))}, case(old))
    assert not holds({**rule, "dataset": "other"}, case(old))
    assert not holds({**rule, "role": "validator"}, case(old))
    assert holds({**rule, "role": "validator"}, case(measured(0.9, by="vera")))
    assert not holds({**rule, "role": "validator"}, case(measured(0.9, by="stranger")))


def test_a_rule_that_is_not_met_says_what_would_help() -> None:
    """A failing rule suggests the command that would meet it, and a passing one none."""
    finding = verdict({"rule": "require", "type": "reproduction"}, case()).findings[0]
    assert finding.remedy == "muniment reproduce acme/x@2"
    finding = verdict({"rule": "approvals", "validator": 1}, case()).findings[0]
    assert finding.remedy.startswith("muniment approve acme/x@2 --for production --as validator")
    assert not verdict({"rule": "require", "type": "evaluation"}, case(measured(1))).findings[0].remedy


# ---- against what runs


def test_no_regression_compares_over_the_same_data() -> None:
    """`no_regression` compares the newest evidence over shared data within the tolerance."""
    rule: Document = {"rule": "no_regression", "metric": "roc_auc", "tolerance": 0.01}
    ours = measured(0.9, index=5)

    def against(*claims: Attestation, version: str = "acme/x@1") -> Case:
        return case(ours, baselines={"production": Baseline(version=version, attestations=claims)})

    assert holds(rule, case(ours, baselines={"production": None})), "nothing to be worse than"
    assert holds(rule, against(version="acme/x@2")), "it is there already"
    assert holds(rule, against(measured(0.905)))
    assert not holds(rule, against(measured(0.95)))
    assert not holds(rule, against(measured(0.5, data="other"))), "no data in common"
    assert not holds(rule, against())
    assert not holds(rule, case(baselines={"production": Baseline(version="acme/x@1", attestations=())}))
    newer = measured(0.5, index=9)
    assert not holds(rule, against(measured(0.99, index=1), newer)), "the best of theirs counts"
    staged = {**rule, "against": "staging"}
    assert not holds(staged, against(measured(0.1))), "an alias that was not looked at denies"


def test_no_regression_knows_which_way_is_better() -> None:
    """`no_regression` fails when an error measure rises and passes when it falls."""

    def error(value: float, index: int) -> Attestation:
        metric: Document = {"value": value, "source": "given"}
        shared: Document = {"task": "regression", "n": 9, "dataset": {"name": "d", "digest": "sha256:0"}}
        return claim(EVALUATION, {**shared, "metrics": {"rmse": metric}}, index=index)

    rule: Document = {"rule": "no_regression", "metric": "rmse"}
    for value, expected in ((1.0, True), (0.5, True), (1.1, False)):
        baseline = Baseline(version="acme/x@1", attestations=(error(1.0, 0),))
        assert holds(rule, case(error(value, 1), baselines={"production": baseline})) is expected


# ---- scans and rebuilds


def scan(tool: str, *severities: str, index: int = 0, at: str = NOW) -> Attestation:
    findings: list[Json] = [{"severity": one, "message": "m"} for one in severities]
    return claim(SCAN, {"tool": {"name": tool, "version": "1"}, "findings": findings}, index=index, at=at)


def test_the_newest_scan_of_each_tool_counts() -> None:
    """`scan` judges the newest scan of each tool by its worst finding and its age."""
    rule: Document = {"rule": "scan", "tools": ["a"], "maximum": "low", "max_age": "7d"}
    assert holds(rule, case(scan("a")))
    assert holds(rule, case(scan("a", "low", "none")))
    assert not holds(rule, case(scan("a", "low", "medium")))
    assert holds(rule, case(scan("a", "critical"), scan("a", index=1))), "it was mended"
    assert not holds(rule, case(scan("a"), scan("b", "critical", index=1))), "another tool found something"
    assert not holds(rule, case(scan("b")))
    assert not holds(rule, case())
    assert not holds(rule, case(scan("a", at="2026-05-01T00:00:00Z")))
    assert not holds(rule, case(scan("a", "catastrophic"))), "a severity that nobody knows is the worst"


def test_a_missing_scan_can_be_made_and_what_one_found_cannot_be_undone() -> None:
    """The remedy for a missing scan depends on its tool; what one found can only be looked at."""
    own: Document = {"rule": "scan", "tools": ["muniment"]}
    other: Document = {"rule": "scan", "tools": ["a"]}
    assert verdict(own, case()).findings[0].remedy == "muniment admin scan"
    assert verdict(other, case()).findings[0].remedy.startswith("muniment attest acme/x@2 --type ")
    assert verdict(own, case(scan("muniment", "critical"))).findings[0].remedy == "muniment show acme/x@2"
    assert verdict({**other, "max_age": "7d"}, case(scan("a", at="2026-05-01T00:00:00Z"))).findings[0].remedy


def test_the_registrys_scan_knows_pickles_by_what_they_are() -> None:
    """Only the registry's own scan makes a file count as a pickle, also inside archives."""
    rule: Document = {"rule": "format", "allow": ["other", "safetensors"]}
    path = case().paths[0]

    def scan_with(tool: str, rule: str, index: int = 0) -> Attestation:
        findings: list[Json] = [
            {"severity": "none", "message": "m", "rule": rule, "path": f"{path}:data.pkl"}
        ]
        predicate: Document = {"tool": {"name": tool, "version": "1"}, "time": NOW, "findings": findings}
        return claim(SCAN, predicate, index=index)

    assert not holds(rule, case(scan_with("muniment", "pickle/data")))
    assert holds(rule, case(scan_with("muniment", "hdf5/unread")))
    assert holds(rule, case(scan_with("other", "pickle/data")))
    assert holds(
        rule, case(scan_with("muniment", "pickle/data"), scan_with("muniment", "hdf5/unread", index=1))
    )


def test_a_rebuild_came_out_well_enough() -> None:
    """`reproduced` asks for a recent rebuild with the outcome, by another person if wanted."""
    rule: Document = {"rule": "reproduced"}

    def rebuilt(outcome: str, by: str = "ada", index: int = 0, at: str = NOW) -> Attestation:
        return claim(REPRODUCTION, {"verdict": outcome}, by=by, index=index, at=at)

    assert holds(rule, case(rebuilt("within-tolerance")))
    assert not holds({**rule, "verdict": "bit-identical"}, case(rebuilt("within-tolerance")))
    assert not holds(rule, case(rebuilt("bit-identical"), rebuilt("failed", index=1)))
    assert not holds({**rule, "independent": True}, case(rebuilt("bit-identical")))
    assert holds({**rule, "independent": True}, case(rebuilt("bit-identical", by="vera")))
    assert not holds({**rule, "max_age": "1d"}, case(rebuilt("bit-identical", at="2026-06-01T00:00:00Z")))


# ---- where it comes from


def trained(*, dirty: Json = False, code: bool = True, **members: Json) -> Attestation:
    commit: list[Json] = [{"uri": "git+https://x", "digest": {"gitCommit": "0" * 40}}] if code else []
    definition: Document = {
        "internalParameters": {"git": {"dirty": dirty}},
        "resolvedDependencies": commit,
        **members,
    }
    return claim(PROVENANCE, {"buildDefinition": definition})


def test_provenance_is_clean_resolved_and_of_nothing_revoked() -> None:
    """`provenance` fails on a dirty tree, unresolved inputs and revoked ancestors, unless switched off."""
    rule: Document = {"rule": "provenance"}
    assert holds(rule, case(trained(), origins=(Origin(name="d", kind="dataset", resolved=True),)))
    assert not holds(rule, case())
    assert not holds(rule, case(trained(dirty=True)))
    assert not holds(rule, case(trained(dirty=None))), "what does not say that it is clean is not"
    assert not holds(rule, case(trained(code=False)))
    assert not holds(rule, case(trained(), origins=(Origin(name="d", kind="dataset", resolved=False),)))
    assert not holds(rule, case(trained(), revoked=("acme/base@1",)))
    loose: Document = {**rule, "clean_tree": False, "resolved": False, "not_revoked": False}
    faulty = case(
        trained(dirty=True),
        origins=(Origin(name="d", kind="dataset", resolved=False),),
        revoked=("acme/base@1",),
    )
    assert holds(loose, faulty)
    assert len(verdict(rule, faulty).findings[0].message.split("; ")) == 3, "every fault is named"


def test_licences_are_known_and_allowed() -> None:
    """The model and each dataset need a known licence from the list; code does not."""
    rule: Document = {"rule": "provenance", "licences": ["MIT"]}
    card = claim(CARD, {"licence": "MIT"}, index=1)
    free = Origin(name="d", kind="dataset", resolved=True, licence="MIT")
    code = Origin(name="c", kind="code", resolved=True)
    assert holds(rule, case(trained(), card, origins=(free, code)))
    assert not holds(rule, case(trained(), origins=(free,))), "its own is not known"
    assert not holds(rule, case(trained(), card, origins=(replace(free, licence=""),)))
    assert not holds(rule, case(trained(), card, origins=(replace(free, licence="AGPL-3.0"),)))


# ---- time


def test_soaking_adds_up() -> None:
    """The spans that a version held an alias add up to its soaking time."""
    rule: Document = {"rule": "soak", "alias": "staging", "least": "2d"}
    first = Hold(alias="staging", since="2026-05-01T12:00:00Z", until="2026-05-02T12:00:00Z")
    second = Hold(alias="staging", since="2026-06-02T12:00:00Z")
    elsewhere = Hold(alias="canary", since="2026-01-01T00:00:00Z")
    assert not holds(rule, case())
    assert not holds(rule, case(holds=(first,)))
    assert not holds(rule, case(holds=(elsewhere,)))
    assert holds(rule, case(holds=(first, second)))


@pytest.mark.parametrize(
    ("members", "now", "expected"),
    [
        ({}, NOW, True),
        ({"days": ["mon", "tue"]}, NOW, False),
        ({"days": ["wed"]}, NOW, True),
        ({"hours": "08:00-12:00"}, NOW, False),
        ({"hours": "12:00-17:00"}, NOW, True),
        ({"hours": "22:00-06:00"}, "2026-06-03T23:00:00Z", True),
        ({"hours": "22:00-06:00"}, "2026-06-03T05:59:00Z", True),
        ({"hours": "22:00-06:00"}, "2026-06-03T06:00:00Z", False),
        ({"hours": "13:00-15:00", "zone": "Europe/Berlin"}, NOW, True),
        ({"days": ["thu"], "zone": "Asia/Tokyo"}, "2026-06-03T20:00:00Z", True),
        ({"freezes": [{"from": "2026-06-01T00:00:00Z", "until": "2026-06-04T00:00:00Z"}]}, NOW, False),
        ({"freezes": [{"from": "2026-06-03T14:00:00+02:00", "until": "2026-06-04T00:00:00Z"}]}, NOW, False),
        ({"freezes": [{"from": "2026-06-01T00:00:00Z", "until": NOW}]}, NOW, True),
    ],
)
def test_windows_open_and_close(members: Document, now: str, expected: bool) -> None:  # noqa: FBT001 - a parameter of a test
    """`window` passes within its days and hours in its zone, and fails during a freeze."""
    assert holds({"rule": "window", **members}, case(now=now)) is expected


# ---- plans


def test_a_retrain_stays_inside_of_its_plan() -> None:
    """`plan` passes only for planned parameters and metrics, under an unexpired plan by another person."""
    plan: Document = {
        "description": "d",
        "impact": "i",
        "parameters": {"depth": {"minimum": 3, "maximum": 8}, "solver": {"one_of": ["a", "b"]}},
        "metrics": {"roc_auc": {"minimum": 0.9}},
    }

    def training(**parameters: Json) -> Attestation:
        return trained(externalParameters={"parameters": parameters})

    def check(after: Attestation, *, auc: float = 0.95, by: str = "vera", **changes: Json) -> bool:
        signed = claim(CHANGE_PLAN, {**plan, **changes}, by=by, index=2)
        before = training(depth=5, solver="a")
        baseline = Baseline(version="acme/x@1", attestations=(before, signed))
        return holds(
            {"rule": "plan"}, case(after, measured(auc, index=3), baselines={"production": baseline})
        )

    assert check(training(depth=8, solver="b"))
    assert check(training(depth=5, solver="a"))
    assert not check(training(depth=9, solver="a"))
    assert not check(training(depth=True, solver="a"))
    assert not check(training(depth=5, solver="c"))
    assert not check(training(depth=5, solver="a", rate=1)), "what is not named must not change"
    assert not check(training(depth=5)), "nor go away"
    assert not check(training(depth=5, solver="a"), auc=0.8)
    assert not check(training(depth=5, solver="a"), by="ada"), "the author's own plan"
    assert not check(training(depth=5, solver="a"), expires="2026-06-03T11:00:00Z")
    assert check(training(depth=5, solver="a"), expires="2026-06-03T13:00:00Z")
    assert holds({"rule": "plan"}, case(baselines={"production": None}))
    bare = Baseline(version="acme/x@1", attestations=())
    assert not holds({"rule": "plan"}, case(training(), baselines={"production": bare}))
    assert holds({"rule": "plan"}, case(baselines={"production": replace(bare, version=case().version)}))
    unexplained = Baseline(version="acme/x@1", attestations=(claim(CHANGE_PLAN, plan, by="vera", index=2),))
    assert not holds({"rule": "plan"}, case(training(), baselines={"production": unexplained}))


def test_a_retrain_with_other_packages_is_no_retrain() -> None:
    """Changed packages fail `plan`, unless the plan allows them."""

    def check(*, packages: bool) -> bool:
        plan: Document = {"description": "d", "impact": "i", "packages": packages}
        locks = [
            claim(
                PROVENANCE, {"runDetails": {"byproducts": [{"name": "lock", "uri": f"{BLOB_URI}{one * 64}"}]}}
            )
            for one in ("1", "2")
        ]
        signed = claim(CHANGE_PLAN, plan, by="vera", index=2)
        baseline = Baseline(version="acme/x@1", attestations=(locks[0], signed))
        return holds({"rule": "plan"}, case(locks[1], baselines={"production": baseline}))

    assert check(packages=True)
    assert not check(packages=False)


# ---- waivers


def test_a_waiver_is_for_one_version_alias_policy_and_time() -> None:
    """An approved waiver counts only for its version, alias, registry, policy, rules and time."""
    document: Document = {
        "rules": [
            {"rule": "require", "id": "test", "type": "evaluation"},
            {"rule": "card", "required": ["title"]},
        ],
        "waivers": {"approvals": {"approver": 1}, "maximum": "10d", "rules": ["test"]},
    }
    waiver: Document = {
        "version": "acme/x@2",
        "alias": "production",
        "registry": "",
        "policy": "sha256:p",
        "rules": ["test"],
        "until": "2026-06-10T00:00:00Z",
        "reason": "sha256:r",
        "nonce": "n",
        "time": NOW,
    }

    def waived(by: str = "vera", now: str = NOW, recorded: str = NOW, **changes: Json) -> set[str]:
        asked = claim(WAIVER, {**waiver, **changes}, index=1, at=recorded)
        approved = approval(str(asked.digest), by)
        outcome = judge(read_policy(document), case(asked, approved, now=now))
        return {one.id for one in outcome.findings if one.waived}

    assert waived() == {"test"}
    assert waived(by="ada") == set(), "its author approves it"
    assert waived(by="nobody") == set()
    assert waived(now="2026-06-10T00:00:00Z") == set()
    assert waived(recorded="2026-05-01T00:00:00Z") == set(), "longer than it may be"
    assert waived(rules=["card"]) == set(), "of a rule that cannot be waived"
    for wrong in (
        {"version": "acme/x@1"},
        {"alias": "staging"},
        {"registry": "other"},
        {"policy": "sha256:q"},
    ):
        assert waived(**wrong) == set()
    assert waived(until="whenever") == set()


def approval(waiver: str, by: str) -> Attestation:
    predicate: Document = {
        "version": "acme/x@2",
        "alias": "production",
        "registry": "",
        "role": "approver",
        "decision": "approve",
        "meaning": "approval",
        "policies": ["sha256:p"],
        "evidence": [],
        "waiver": waiver,
        "name": None,
        "reason": None,
        "nonce": "n",
        "expires": None,
        "time": NOW,
    }
    return claim("https://muniment.dev/approval/v1", predicate, index=2, by=by)


def test_ages_are_written_as_they_are_read() -> None:
    """Two weeks are printed as `14d`."""
    assert write_age(timedelta(weeks=2)) == "14d"


# ---- which evidence counts


def own(auc: float = 0.9, *, there: int = 100, index: int = 0, **how: Any) -> Attestation:  # noqa: ANN401 - as `claim` takes
    """Give evidence with counts."""
    written = evaluation(auc)
    rows: Document = {"there": there, "used": 100, **({"reason": "why not"} if there > 100 else {})}
    return claim(EVALUATION, {**written, "rows": rows}, index=index, **how)


RULES_OF_EVIDENCE: list[Document] = [
    {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.8},
    {"rule": "no_regression", "metric": "roc_auc"},
    {"rule": "require", "type": "evaluation"},
]


@pytest.mark.parametrize("rule", RULES_OF_EVIDENCE)
def test_what_is_stated_meets_no_rule_unless_it_says_so(rule: Document) -> None:
    """Numbers of another tool, or without counts, count only where a rule says so by name."""

    def look(rule: Document, evidence: Attestation) -> bool:
        baseline = Baseline(version="acme/x@1", attestations=(evidence,))
        return holds(rule, case(evidence, is_supposed=False, baselines={"production": baseline}))

    foreign = claim(EVALUATION, {**evaluation(0.9), "tool": {"name": "other", "version": "1"}})
    given = evaluation(0.9) | {"metrics": {"roc_auc": {"value": 0.9, "source": "given"}}}
    assert look(rule, own())
    assert not look(rule, foreign)
    assert look({**rule, "stated": "allowed"}, foreign)
    if rule["rule"] != "require":
        assert not look(rule, claim(EVALUATION, given))
        assert look({**rule, "stated": "allowed"}, claim(EVALUATION, given))


@pytest.mark.parametrize("rule", RULES_OF_EVIDENCE)
def test_some_rows_meet_no_rule_unless_it_says_so(rule: Document) -> None:
    """Evidence over some rows of a dataset counts only where a rule says so by name."""
    baselines = {"production": Baseline(version="acme/x@1", attestations=(own(),))}
    some = case(own(there=111), is_supposed=False, baselines=baselines)
    assert not holds(rule, some)
    assert holds({**rule, "subset": "allowed"}, some)
    assert "covers 100 of 111 rows" in verdict(rule, some).findings[0].message


def test_one_claim_has_to_be_all_that_a_rule_asks_for() -> None:
    """The author's good number and the validator's signature are two claims, and neither meets the rule."""
    rule: Document = {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.8, "role": "validator"}
    both = case(own(0.6, by="vera"), own(0.99, index=1), is_supposed=False)
    assert not holds(rule, both)
    assert "roc_auc is 0.6" in verdict(rule, both).findings[0].message
    assert holds(rule, case(own(0.9, by="vera"), own(0.1, index=1), is_supposed=False))
    old = own(0.9, by="vera", at="2026-01-01T00:00:00Z")
    assert not holds({**rule, "max_age": "30d"}, case(old, is_supposed=False))


def test_a_name_of_two_datasets_is_none() -> None:
    """A rule that asks for a dataset by a name that two digests go by is not met."""
    rule: Document = {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.8}
    rule["dataset"] = "holdout"
    other = claim(EVALUATION, evaluation(0.99, dataset=b"other"), index=1)
    assert holds(rule, case(own(), is_supposed=False))
    two = case(own(), other, is_supposed=False)
    assert "holdout is the name of 2 datasets" in verdict(rule, two).findings[0].message
    digest = str(Digest.of(b"holdout"))
    assert holds({**rule, "dataset": digest}, two)


def test_a_digest_is_no_name() -> None:
    """A dataset that goes by the digest of another is not that."""
    rule: Document = {"rule": "threshold", "metric": "roc_auc", "op": ">=", "value": 0.8}
    wanted = str(Digest.of(b"holdout"))
    other = evaluation(0.9, dataset=b"other")
    named = claim(EVALUATION, other | {"dataset": {"name": wanted, "digest": str(Digest.of(b"other"))}})
    for kind in (rule, {"rule": "require", "type": "evaluation"}):
        assert not holds({**kind, "dataset": wanted}, case(named, is_supposed=False))
        assert holds({**kind, "dataset": wanted}, case(own(), is_supposed=False))


def test_an_evaluation_without_counts_is_none() -> None:
    """A number of rows alone meets no requirement of an evaluation."""
    bare = evaluation(None) | {"n": 1_000_000, "rows": {"there": 1_000_000, "used": 1_000_000}, "metrics": {}}
    assert not holds(
        {"rule": "require", "type": "evaluation"}, case(claim(EVALUATION, bare), is_supposed=False)
    )
