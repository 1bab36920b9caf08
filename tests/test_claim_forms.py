"""The predicates that we write: a class each, its JSON Schema, and that both say the same."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment import signing
from muniment.core import forms
from muniment.core.canonical import JsonObject
from muniment.core.claims.approvals import Approval, Meaning, SigningDecision
from muniment.core.claims.attestations import (
    CARD,
    CHANGE_PLAN,
    CONTENT,
    EVALUATION,
    PROVENANCE,
    SCAN,
    VERDICT,
)
from muniment.core.claims.cards import Card
from muniment.core.claims.deployments import Deployment, State
from muniment.core.claims.emergencies import Emergency
from muniment.core.claims.policies import PolicyInForce
from muniment.core.claims.predicates import Predicate
from muniment.core.claims.proposals import DecidedProposal, ProposalDecision
from muniment.core.claims.reproductions import (
    Fidelity,
    FileOutcome,
    RebuiltEnvironment,
    RebuiltFile,
    RebuiltMetric,
    Reproduction,
    UsedSandbox,
)
from muniment.core.claims.scans import Scan, ScanFinding, Scanner, write_scan
from muniment.core.claims.tombstones import GoneFile, Tombstone
from muniment.core.claims.waivers import Waiver
from muniment.core.claims.withdrawals import Withdrawal
from muniment.core.digests import Digest
from muniment.core.errors import InvalidAttestation
from muniment.core.names import Alias, Models
from muniment.core.people.roles import Role
from muniment.signing.schemas import SCHEMAS, check_predicate
from strategies import instances

D = Digest.of(b"something")
NONCE, TIME, REGISTRY = "n" * 16, "2026-01-01T00:00:00Z", "registry.example+key"

SAMPLES: list[Predicate] = [
    Approval(
        version="acme/x@1",
        alias="production",
        registry=REGISTRY,
        role=Role.VALIDATOR,
        decision=SigningDecision.APPROVE,
        meaning=Meaning.APPROVAL,
        policies=frozenset({str(D)}),
        evidence=frozenset(),
        waiver=None,
        name=str(D),
        reason=None,
        nonce=NONCE,
        expires=None,
        time=TIME,
    ),
    Waiver(
        version="acme/x@1",
        alias="production",
        registry=REGISTRY,
        policy=str(D),
        rules=frozenset({"soak", "card"}),
        until=TIME,
        reason=str(D),
        nonce=NONCE,
        time=TIME,
    ),
    Deployment(version="acme/x@1", target="prod-eu/api", state=State.SERVING, loaded=D, time=TIME),
    Emergency(
        version="acme/x@1", alias=Alias("production"), registry=REGISTRY, reason=D, nonce=NONCE, time=TIME
    ),
    DecidedProposal(
        proposal=7,
        change="set the policy of acme/*@production",
        decision=ProposalDecision.APPROVE,
        registry=REGISTRY,
        reason=D,
        nonce=NONCE,
        time=TIME,
    ),
    Withdrawal(version="acme/x@1", registry=REGISTRY, claim=D, reason=D, nonce=NONCE, time=TIME),
    Tombstone(
        version="acme/x@1",
        files=(GoneFile(path="w.bin", digest=D, size=3),),
        actor="p1",
        reason=D,
        time=TIME,
    ),
    PolicyInForce(models=Models("acme", "*"), alias=Alias("production"), registry=REGISTRY, time=TIME),
    Reproduction(
        verdict=Fidelity.WITHIN_TOLERANCE,
        provenance=D,
        tolerance=0.01,
        command=("python", "train.py"),
        exit_code=0,
        environment=RebuiltEnvironment(python="3.11", tool="uv", packages=3, hashes=3, provided=()),
        sandbox=UsedSandbox(kind="bubblewrap", network=False, files=False, limits={"cpu_s": 60}),
        files=(RebuiltFile(path="w.bin", outcome=FileOutcome.MISSING, recorded=D),),
        metrics=(RebuiltMetric(dataset=D, metric="auc", recorded=0.9, rebuilt=None, held=False),),
        not_replayed=("a notebook",),
        byproducts=({"name": "log"},),
        started=TIME,
        finished=TIME,
    ),
]
KINDS = [type(sample) for sample in SAMPLES]
# Those whose class is a view of a predicate that others may write, too: with their other tests.
VIEWS = {CARD, CHANGE_PLAN, CONTENT, EVALUATION, PROVENANCE, SCAN, VERDICT}


def schema_of(predicate_type: str) -> dict[str, Any]:
    path = Path(signing.__file__).parent / "schemas" / SCHEMAS[predicate_type]
    schema: dict[str, Any] = json.loads(path.read_text())
    return schema


def test_each_predicate_type_has_a_class() -> None:
    """Each predicate type with a schema has a class that writes it or reads what others write."""
    assert {kind.type for kind in KINDS} | VIEWS == SCHEMAS.keys()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_what_is_written_meets_its_schema(sample: Predicate) -> None:
    """What each class writes is valid by its schema and is read back unchanged."""
    check_predicate(sample.type, sample.predicate())
    assert type(sample).read(sample.predicate()) == sample


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_the_schema_names_every_member(sample: Predicate) -> None:
    """Each schema has exactly the members that its class writes, at every level."""
    schema = schema_of(sample.type)
    _compare(schema, schema, sample.predicate())


def _compare(whole: dict[str, Any], schema: dict[str, Any], value: object) -> None:
    if "$ref" in schema:
        schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
    if isinstance(value, list):
        for one in value:
            _compare(whole, schema.get("items", {}), one)
    elif isinstance(value, dict) and "properties" in schema:
        assert schema["properties"].keys() == value.keys()
        assert set(schema.get("required", ())) <= value.keys()
        for name, one in value.items():
            _compare(whole, schema["properties"][name], one)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: type(sample).__name__)
def test_a_predicate_that_is_not_whole_is_refused(sample: Predicate) -> None:
    """A predicate with a missing or unknown member is refused."""
    predicate = sample.predicate()
    for name in predicate:
        with pytest.raises(InvalidAttestation, match=name):
            type(sample).read({key: value for key, value in predicate.items() if key != name})
    with pytest.raises(InvalidAttestation, match="more"):
        type(sample).read({**predicate, "more": 1})


# The grammar of a target is held by the class.
@given(st.sampled_from([kind for kind in KINDS if kind is not Deployment]).flatmap(instances))
def test_a_predicate_is_read_as_it_was_written(sample: Predicate) -> None:
    """Parsing a printed predicate gives the predicate back, through JSON."""
    assert type(sample).read(json.loads(json.dumps(sample.predicate()))) == sample


def _card() -> JsonObject:
    texts = dict.fromkeys(("title", "intended_use", "out_of_scope_use", "limitations", "design"), "x")
    lists = dict.fromkeys(("contacts", "languages", "tags", "base_models", "datasets"), ("x",))
    card = Card(**texts, **lists, oversight="x", licence="MIT", others={"More": "x"})  # type: ignore[arg-type] # texts and lists
    assert Card.read(card.predicate()) == card
    assert card.predicate().keys() == {field.name for field in dataclasses.fields(Card)}
    return card.predicate()


def _scan() -> JsonObject:
    finding = ScanFinding(severity="high", rule="pickle/call", message="calls os.system", path="w.pkl")
    predicate = write_scan(Scanner("muniment", "1", "2"), TIME, [finding])
    assert Scan(predicate).worst == "high"
    return predicate


@pytest.mark.parametrize(("kind", "write"), [(CARD, _card), (SCAN, _scan)])
def test_cards_and_scans_meet_their_schemas(kind: str, write: Callable[[], JsonObject]) -> None:
    """Every member of a card and a scan that we write is in its schema."""
    check_predicate(kind, write())
    schema = schema_of(kind)
    _compare(schema, schema, write())


def test_a_form_is_one_of_a_few() -> None:
    """A class with a field of an unsupported type is refused on its first use."""

    @dataclasses.dataclass(frozen=True)
    class Odd:
        value: bytes

    with pytest.raises(TypeError):
        forms.write(Odd(b""))
