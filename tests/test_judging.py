"""A client and an honest registry come to one judgement of any provenance, and no other one is believed."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.client.proofs.judging import judge
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.core.backend import Backend
from muniment.core.canonical import Json
from muniment.core.catalog.statuses import Status
from muniment.core.claims.attestations import APPROVAL, CARD, PROVENANCE, REPRODUCTION
from muniment.core.digests import Digest
from muniment.core.errors import GateMisjudged, PolicyNotFound
from muniment.core.gates.policy import Gate
from muniment.core.names import ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.receipts import Receipt
from muniment.core.verbs.catalog import ListNamespaces
from muniment.core.verbs.gates import JudgeGate, MoveAlias
from muniment.core.verbs.people import GetSelf, GrantRole, RevokeRole
from muniment.core.verbs.verb import Query
from muniment.core.verbs.versions import GetVersion, SetStatus
from muniment.services.backend import LocalBackend
from muniment.signing.keys import Identity
from muniment.testing import LyingBackend, copy_memory, open_memory
from muniment.testing.backends import (
    NAME,
    PRODUCTION,
    OpenAs,
    add_person,
    approval,
    provenance,
    publish,
    record,
    set_policy,
)

A = TypeVar("A")

PARENT = ModelName("acme", "parent")
SECRET = ModelName("secret", "parent")
UNKNOWN = "ab" * 32


@dataclass
class World:
    """A registry with versions that others can be made from, as its owner and as a reader see it."""

    owner: Identity
    backend: LocalBackend
    reader: LocalBackend
    digests: dict[str, str]


@cache
def make_world() -> World:
    """Publish parents: one with a card, one without, one revoked, and one that a reader cannot see."""
    owner, open_as = Identity.generate(), open_memory()
    backend = open_as(owner)
    for data in (b"carded", b"bare", b"revoked"):
        publish(backend, owner, data, name=PARENT)
    publish(backend, owner, b"secret", name=SECRET)
    record(backend, owner, 1, CARD, {"title": "a parent", "licence": "mit"}, name=PARENT)
    record(backend, owner, 2, CARD, {"title": "a parent", "licence": "proprietary"}, name=PARENT)
    backend.execute(GrantRole(principal=backend.ask(GetSelf()).record.id, role=Role.SECURITY, namespace="*"))
    third = Reference(PARENT, 3)
    backend.execute(SetStatus(reference=third, status=Status.REVOKED, reason=Payload.of("it leaks")))
    names = {"carded": Reference(PARENT, 1), "bare": Reference(PARENT, 2), "revoked": third}
    names["secret"] = Reference(SECRET, 1)
    digests = {
        name: Digest.parse(backend.ask(GetVersion(reference=reference)).revision).hex
        for name, reference in names.items()
    }
    backend.execute(MoveAlias(reference=Reference(PARENT, 1), alias=PRODUCTION))
    reader = open_as(add_person(backend, "Rita", Role.READER))
    assert {one.name for one in reader.ask(ListNamespaces())} == {"acme"}
    digests |= {"file": Digest.of(b"carded").hex, "unknown": UNKNOWN}
    return World(owner, backend, reader, digests)


URIS = [
    "",
    *(f"muniment:{PARENT}@{number}" for number in (1, 2, 3, 9)),
    f"muniment:{PARENT}",
    f"muniment:{PARENT}@production",
    f"muniment:{PARENT}@01",
    f"muniment:{SECRET}@1",
    "muniment:nobody/nothing@1",
    "muniment:?",
    "https://example.com/data.csv",
    "git",
]
DIGESTS = ["", "carded", "bare", "revoked", "secret", "file", "unknown"]
INPUTS = st.lists(
    st.tuples(st.sampled_from(URIS), st.sampled_from(DIGESTS), st.sampled_from(["dataset", "model", "code"])),
    max_size=3,
)
RULES = st.fixed_dictionaries(
    {"resolved": st.booleans(), "not_revoked": st.booleans()},
    optional={"licences": st.sampled_from([["mit"], ["mit", "proprietary"]])},
)


def describe(place: int, uri: str, digest: str, kind: str) -> Json:
    digests: dict[str, Json] = {"sha256": make_world().digests[digest]} if digest else {}
    return {"name": f"input {place}", "uri": uri, "digest": digests, "annotations": {"kind": kind}}


def make_child(
    backend: Backend, inputs: Sequence[tuple[str, str, str]], rule: dict[str, Any], licence: str | None
) -> JudgeGate:
    """Publish a version with a provenance, perhaps with a card, and put a rule over that in force."""
    owner = make_world().owner
    publish(backend, owner, b"child")
    said = provenance()
    definition = said["buildDefinition"]
    assert isinstance(definition, dict)
    told: list[Json] = [describe(place, *one) for place, one in enumerate(inputs)]
    definition = {**definition, "resolvedDependencies": told}
    record(backend, owner, 1, PROVENANCE, {**said, "buildDefinition": definition})
    if licence is not None:
        record(backend, owner, 1, CARD, {"title": "a child", "licence": licence})
    set_policy(backend, owner, {"rule": "provenance", "clean_tree": False, **rule})
    return JudgeGate(reference=Reference(NAME, 1), alias=PRODUCTION)


class Reversing(LyingBackend):
    """A registry that says the opposite of each rule."""

    reverses = False

    def ask(self, query: Query[A]) -> A:
        answer = super().ask(query)
        return cast("A", reverse(answer)) if self.reverses and isinstance(answer, Gate) else answer


def reverse(gate: Gate) -> Gate:
    verdicts = (
        replace(one, findings=tuple(replace(finding, passed=not finding.passed) for finding in one.findings))
        for one in gate.verdicts
    )
    return replace(gate, verdicts=tuple(verdicts))


def may_know_more(inputs: Sequence[tuple[str, str, str]], *, sees_all: bool) -> bool:
    """Say whether a registry can know of an input what is not proven to a client."""
    others = [(uri, digest) for uri, digest, kind in inputs if kind != "code"]
    hidden = not sees_all and any(uri == f"muniment:{SECRET}@1" for uri, _ in others)
    return hidden or any(digest and not uri.startswith("muniment:") for uri, digest in others)


@given(
    inputs=INPUTS, rule=RULES, licence=st.sampled_from([None, "mit", "proprietary"]), sees_all=st.booleans()
)
@settings(max_examples=30)
def test_a_client_judges_as_the_registry_does(
    inputs: list[tuple[str, str, str]], rule: dict[str, Any], licence: str | None, *, sees_all: bool
) -> None:
    """An honest registry is never refused, and one that lies is believed only in what is not proven."""
    owners = copy_memory(make_world().backend)
    query = make_child(owners, inputs, rule, licence)
    readers = copy(make_world().reader)
    readers._units = owners._units
    backend = Reversing(owners if sees_all else readers)
    client = TrustedBackend(backend, DirectoryMemory(Path(mkdtemp()), "here"), "here")
    truth = backend.ask(query).passed
    assert judge(client, query).passed == truth
    backend.reverses = True
    # A revoked ancestor can be hidden in any lineage.
    believed = rule["not_revoked"] if truth else may_know_more(inputs, sees_all=sees_all)
    if not believed:
        with pytest.raises(GateMisjudged):
            judge(client, query)


@pytest.mark.parametrize("expression", ["size(authors) == 2", "size(authors) == 1", "size(revoked) == 0"])
def test_an_expression_may_look_at_what_only_a_registry_knows(
    expression: str, open_as: OpenAs, owner: Identity, tmp_path: Path
) -> None:
    """Who else published the bytes can decide an expression either way: the registry's word is named."""
    backend = open_as(owner)
    publish(backend, owner, b"a")
    vera = add_person(backend, "Vera", Role.READER)
    backend.execute(GrantRole(principal="Vera", role=Role.CONTRIBUTOR, namespace="other"))
    publish(open_as(vera), vera, b"a", name=ModelName("other", "mine"))
    set_policy(backend, owner, {"rule": "cel", "expression": expression})
    query = JudgeGate(reference=Reference(NAME, 1), alias=PRODUCTION)
    client = TrustedBackend(open_as(owner), DirectoryMemory(tmp_path, "here"), "here")
    verdict = judge(client, query).verdicts[0]
    assert verdict.passed == backend.ask(query).passed
    assert verdict.unproven == (("cel",) if "authors" in expression else ())


def test_who_else_is_an_author_can_also_help_a_version(
    open_as: OpenAs, owner: Identity, tmp_path: Path
) -> None:
    """A failed rebuild by somebody who published the same bytes elsewhere is no independent one."""
    backend = open_as(owner)
    publish(backend, owner, b"a")
    rob = add_person(backend, "Rob", Role.VALIDATOR)
    vera = add_person(backend, "Vera", Role.VALIDATOR)
    for who, outcome in ((rob, "bit-identical"), (vera, "failed")):
        record(open_as(who), who, 1, REPRODUCTION, rebuilt(outcome))
    set_policy(backend, owner, {"rule": "reproduced", "independent": True})
    query = JudgeGate(reference=Reference(NAME, 1), alias=PRODUCTION)
    client = TrustedBackend(open_as(owner), DirectoryMemory(tmp_path, "here"), "here")
    assert not judge(client, query).passed
    backend.execute(GrantRole(principal="Vera", role=Role.CONTRIBUTOR, namespace="other"))
    publish(open_as(vera), vera, b"a", name=ModelName("other", "mine"))
    verdict = judge(client, query).verdicts[0]
    assert (verdict.passed, verdict.unproven) == (True, ("reproduced",))


def rebuilt(outcome: str) -> dict[str, Json]:
    return {
        "verdict": outcome,
        "provenance": str(Digest.of(b"provenance")),
        "environment": {},
        "sandbox": {"kind": "none", "network": False},
        "files": [],
        "started": "2026-01-01T00:00:00Z",
        "finished": "2026-01-01T00:00:00Z",
    }


def test_a_gate_at_a_time_is_judged_as_it_was(open_as: OpenAs, owner: Identity, tmp_path: Path) -> None:
    """At each entry, client and registry judge by the policies, claims, roles and statuses of then."""
    backend = open_as(owner)
    publish(backend, owner, b"a")
    backend.execute(GrantRole(principal=backend.ask(GetSelf()).record.id, role=Role.SECURITY, namespace="*"))
    vera = add_person(backend, "Vera", Role.VALIDATOR)
    client = TrustedBackend(backend, DirectoryMemory(tmp_path, "here"), "here")
    query = JudgeGate(reference=Reference(NAME, 1), alias=PRODUCTION)
    steps: list[Callable[[], Receipt]] = [
        lambda: set_policy(backend, owner, {"rule": "approvals", "validator": 1}),
        lambda: record(open_as(vera), vera, 1, APPROVAL, approval(open_as(vera), 1, Role.VALIDATOR)),
        lambda: backend.execute(RevokeRole(principal="Vera", role=Role.VALIDATOR, namespace="acme")),
        lambda: set_policy(backend, owner, {"rule": "signature"}),
        lambda: backend.execute(
            SetStatus(reference=Reference(NAME, 1), status=Status.REVOKED, reason=Payload.of("it leaks"))
        ),
    ]
    known = [(step().index, judge(client, query)) for step in steps]
    assert [gate.passed for _, gate in known] == [False, True, False, True, False]
    for index, gate in known:
        then = replace(query, at=str(index))
        assert judge(client, then) == gate
        assert client.ask(then).passed == gate.passed
    with pytest.raises(PolicyNotFound):
        judge(client, replace(query, at=str(known[0][0] - 1)))
