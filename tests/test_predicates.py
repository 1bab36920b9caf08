"""Predicates: claims, names and verdicts are read as they were written, or refused."""

import copy
from collections.abc import Callable

import pytest

from muniment.core.canonical import JsonObject
from muniment.core.catalog.search import Attribute, find_attributes
from muniment.core.claims.attestations import APPROVAL, EVALUATION, PROVENANCE, Attestation, Statement
from muniment.core.claims.deployments import Deployment
from muniment.core.claims.provenance import list_attachments
from muniment.core.claims.waivers import Waiver
from muniment.core.digests import Digest
from muniment.core.errors import InvalidAttestation, InvalidName, InvalidScope, MunimentError
from muniment.core.gates.policy import Policy, judge
from muniment.core.gates.rules.case import Baseline, Case, Hold, Origin
from muniment.core.gates.verdicts import SEMANTICS, read_case, write_verdict
from muniment.core.names import Models
from muniment.core.people.callers import Scope
from muniment.core.people.roles import Role

POLICY = f"sha256:{'0' * 64}"


def claim(kind: str, index: int) -> Attestation:
    return Attestation(
        digest=Digest.of(f"{kind} {index}".encode()),
        predicate_type=kind,
        predicate={"index": index},
        signer="ada",
        key_id="k" * 64,
        index=index,
        recorded="2026-01-01T00:00:00Z",
    )


@pytest.fixture
def case() -> Case:
    """Give a case with something of every sort."""
    return Case(
        version="acme/x@2",
        alias="production",
        policy=POLICY,
        now="2026-02-01T00:00:00Z",
        registry="registry.example+key",
        paths=("model.skops",),
        authors=frozenset({"ada", "bo"}),
        attestations=(claim(EVALUATION, 1), claim(APPROVAL, 2)),
        roles={"ada": frozenset({Role.CONTRIBUTOR, Role.VALIDATOR}), "bo": frozenset()},
        holds=(
            Hold(alias="staging", since="2026-01-01T00:00:00Z", until="2026-01-02T00:00:00Z"),
            Hold(alias="canary", since="2026-01-03T00:00:00Z"),
        ),
        baselines={
            "production": Baseline(version="acme/x@1", attestations=(claim(EVALUATION, 0),)),
            "staging": None,
        },
        origins=(Origin(name="rows", kind="dataset", resolved=True, licence="MIT"),),
        revoked=("acme/y@1",),
    )


def test_a_verdict_holds_what_it_rests_on(case: Case) -> None:
    """Its verdict and claims suffice to rebuild the case and its findings."""
    policy = Policy.read({"rules": [{"rule": "signature"}]})
    said = {
        one.digest: one for baseline in case.baselines.values() if baseline for one in baseline.attestations
    }
    said |= {one.digest: one for one in case.attestations}
    verdict = judge(policy, case)
    again = read_case(
        write_verdict(verdict, case, verifier="https://registry.example"),
        case.paths,
        lambda digest: (said[digest].predicate_type, said[digest].predicate),
    )
    assert again == case
    assert judge(policy, again) == verdict


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("case",), None),
        (("case", "baselines"), []),
        (("case", "baselines", "production"), "acme/x@1"),
        (("case", "attestations"), {}),
        (("case", "attestations"), ["x"]),
        (("case", "attestations"), [{"digest": POLICY}]),
        (("case", "roles"), {"ada": ["boss"]}),
        (("case", "roles"), {"ada": "validator"}),
        (("case", "holds"), [{"alias": "staging"}]),
        (("case", "origins"), [{"name": "rows"}]),
        (("case", "revoked"), None),
        (("policy",), {}),
    ],
)
def test_a_verdict_that_does_not_hold_them_is_refused(
    case: Case, place: tuple[str, ...], value: object
) -> None:
    """A verdict with a malformed part is refused as an invalid attestation."""
    verdict = judge(Policy.read({"rules": [{"rule": "signature"}]}), case)
    damaged = copy.deepcopy(dict(write_verdict(verdict, case, verifier="x")))
    *way, last = place
    inner: dict[str, object] = damaged  # type: ignore[assignment] # objects all the way down
    for name in way:
        inner = inner[name]  # type: ignore[assignment] # as above
    inner[last] = value
    with pytest.raises(InvalidAttestation):
        read_case(damaged, case.paths, lambda _: (EVALUATION, {}))


@pytest.mark.parametrize("semantics", [None, 0, SEMANTICS + 1, str(SEMANTICS)])
def test_a_verdict_of_other_rules_is_not_judged_again(case: Case, semantics: object) -> None:
    """A verdict of another version of the rules is refused, and the refusal names both versions."""
    verdict = judge(Policy.read({"rules": [{"rule": "signature"}]}), case)
    other: JsonObject = {**write_verdict(verdict, case, verifier="x"), "semantics": semantics}  # type: ignore[dict-item] # on purpose
    with pytest.raises(InvalidAttestation, match=f"version {semantics} of the rules, expected {SEMANTICS}:"):
        read_case(other, case.paths, lambda _: (EVALUATION, {}))


DEPLOYED: JsonObject = {
    "version": "acme/x@1",
    "target": "prod/api",
    "state": "serving",
    "loaded": None,
    "time": "now",
}


@pytest.mark.parametrize(
    ("read", "refusal"),
    [
        (lambda: Deployment.read({**DEPLOYED, "state": "melting"}), InvalidAttestation),
        (lambda: Deployment.read({"version": "acme/x@1"}), InvalidAttestation),
        (lambda: Deployment.read({**DEPLOYED, "target": "../prod"}), InvalidName),
        (lambda: Waiver.read({"rules": "all"}), InvalidAttestation),
        (lambda: Waiver.read({"rules": ["measured"]}), InvalidAttestation),
        (lambda: Scope.parse("acme"), InvalidScope),
        (lambda: Scope.parse("own:acme"), InvalidScope),
        (lambda: Models.parse("acme"), InvalidName),
        (lambda: Models.parse("acme/*/x"), InvalidName),
    ],
)
def test_what_has_another_form_is_refused(read: Callable[[], object], refusal: type[MunimentError]) -> None:
    """Each malformed predicate raises the error of its kind."""
    with pytest.raises(refusal):
        read()


def test_a_scope_is_for_a_namespace_or_for_all() -> None:
    """A scope names a namespace or all of them, and is printed as it was read."""
    for text in ("read:acme", "write:*", "admin:*"):
        assert str(Scope.parse(text)) == text


def test_only_what_is_a_blob_is_kept_beside_a_claim() -> None:
    """Only byproducts with the address of a valid blob are attachments of a claim."""
    kept = Digest.of(b"the lock")
    byproducts = [
        {"name": "lock", "uri": f"muniment:blobs/sha256/{kept.hex}"},
        {"name": "broken", "uri": "muniment:blobs/sha256/00"},
        {"name": "elsewhere", "uri": "https://example.com/log"},
    ]
    statement = Statement(
        subjects=(), predicate_type=PROVENANCE, predicate={"runDetails": {"byproducts": byproducts}}
    )
    assert list_attachments(statement) == [kept]


def test_facts_to_search_by_are_numbers_texts_and_truths() -> None:
    """Facts with other types or overlong names are not searchable."""
    values: JsonObject = {"depth": 6, "early": True, "name": "x", "layers": [1], "none": None, "n" * 300: 1}
    assert find_attributes("param", values) == [
        Attribute("param.depth", "6", 6.0),
        Attribute("param.early", "true"),
        Attribute("param.name", "x"),
    ]
