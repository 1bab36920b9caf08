"""Fixtures of a policy: example cases, and which rules each should fail (docs/reference/policy.md).

A fixture describes a case, not documents: nothing in it is signed or stored. It starts from `base`, drops and
adds claims, and sets other members.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.approvals import Approval, Meaning, SigningDecision, evidence_of
from muniment.core.claims.attestations import (
    APPROVAL,
    EVALUATION,
    PROVENANCE,
    REPRODUCTION,
    SCAN,
    WAIVER,
    Attestation,
    kind_of,
    name_predicate_type,
)
from muniment.core.claims.waivers import Waiver
from muniment.core.digests import Digest
from muniment.core.errors import InvalidPolicy, MunimentError
from muniment.core.gates.policy import Policy, judge
from muniment.core.gates.rules.case import Baseline, Case, Hold, Origin
from muniment.core.gates.rules.reading import Members, read_role
from muniment.core.people.roles import Role
from muniment.core.times import read_time, write_time

_POLICY: Final = str(Digest.of(b"the policy that is tested"))
_OTHER: Final = str(Digest.of(b"something else"))
_REGISTRY: Final = "fixtures"
_NOW: Final = "2026-06-03T12:00:00Z"
_VERSION: Final = "acme/model@2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a fixture: its name, and its fault; empty if it came out as expected."""

    name: str
    fault: str


def run_fixtures(policy: Policy, document: JsonObject) -> list[Outcome]:
    """Judge every fixture.

    Raises:
        InvalidPolicy: the fixtures cannot be read.
    """
    members = Members(document)
    base = members.sub("base").rest()
    outcomes = [_run(policy, base, fixture) for fixture in members.subs("fixtures")]
    members.end()
    if not outcomes:
        raise InvalidPolicy(reason="`fixtures` is empty", where=("fixtures",))
    return outcomes


def _run(policy: Policy, base: Mapping[str, Json], fixture: Members) -> Outcome:
    name = fixture.text("name")
    try:
        fails = set(fixture.texts("fails", []))
        waived = set(fixture.texts("waived", []))
        case = _read_case(base, fixture)
        fixture.end()
    except MunimentError as error:
        fault = error.reason if isinstance(error, InvalidPolicy) else error.sentence
        raise InvalidPolicy(reason=f"fixture {name!r}: {fault}", where=fixture.path) from error
    findings = judge(policy, case).findings
    failed = {finding.id: finding.message for finding in findings if not finding.holds}
    excused = {finding.id for finding in findings if finding.waived}
    faults = [
        *(f"{rule} fails: {message}" for rule, message in failed.items() if rule not in fails),
        *(f"{rule} should fail" for rule in sorted(fails - failed.keys())),
        *(f"{rule} should be waived" for rule in sorted(waived - excused)),
    ]
    return Outcome(name=name, fault="; ".join(faults))


def _read_case(base: Mapping[str, Json], fixture: Members) -> Case:
    dropped = set(fixture.texts("drop", []))
    merged = {**base, **fixture.sub("set").rest()}
    claims = [claim for claim in _list(base.get("claims")) if _kind(claim) not in dropped]
    claims += [claim.rest() for claim in fixture.subs("add")]
    members = Members({name: merged[name] for name in merged if name != "claims"})
    alias, now = members.text("alias", "production"), write_time(read_time(members.text("now", _NOW)))
    author = members.text("author", "ada")
    people = {
        who: frozenset(map(read_role, _texts(roles))) for who, roles in members.sub("people").rest().items()
    }
    setting = _Setting(alias=alias, now=now)
    case = Case(
        version=_VERSION,
        alias=alias,
        policy=_POLICY,
        now=now,
        registry=_REGISTRY,
        paths=tuple(members.texts("files", ["model.safetensors"])),
        authors=frozenset({author}),
        attestations=setting.read_claims(claims),
        roles={"ada": frozenset({Role.CONTRIBUTOR}), **people},
        holds=tuple(_read_hold(hold, now) for hold in members.subs("held")),
        baselines=_Baselines(setting, members.sub("baselines").rest()),
        origins=tuple(map(_read_origin, members.subs("origins"))),
        revoked=tuple(members.texts("revoked", [])),
        # The numbers of a fixture are there to be judged, as if they had been measured.
        is_supposed=True,
    )
    members.end()
    return case


class _Baselines(dict[str, Baseline | None]):
    """The versions that aliases hold; an alias that the fixture does not name holds none."""

    def __init__(self, setting: "_Setting", document: Mapping[str, Json]) -> None:
        super().__init__(
            {
                alias: Baseline(version="acme/model@1", attestations=setting.read_claims(_list(claims)))
                for alias, claims in document.items()
            }
        )

    def __missing__(self, alias: str) -> None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """The alias and the time for which the claims of a fixture are made."""

    alias: str
    now: str

    def read_claims(self, documents: list[JsonObject]) -> tuple[Attestation, ...]:
        """Make claims. Approvals come last: they cover the evidence and the waiver before them."""
        claims: list[Attestation] = []
        waiver: str | None = None
        for index, document in enumerate(
            sorted(documents, key=lambda document: _kind(document) == "approval")
        ):
            members = Members(document)
            kind = members.text("kind")
            by, age = members.text("by", "ada"), members.optional_age("age") or timedelta(0)
            assurance = members.text("assurance", "key")
            predicate_type = name_predicate_type(kind)
            if kind_of(predicate_type) == "unknown":
                raise InvalidPolicy(reason=f"{kind!r} is not a kind of claim")
            recorded = write_time(read_time(self.now) - age)
            write = _WRITERS.get(predicate_type)
            if predicate_type == APPROVAL:
                predicate = self._write_approval(members, claims, waiver)
            elif predicate_type == WAIVER:
                predicate = self._write_waiver(members)
            elif write is not None and not members.has("predicate"):
                predicate = write(members)
            else:
                predicate = members.sub("predicate").rest()
            members.end()
            digest = Digest.of(f"{index} {predicate_type} {predicate!r}".encode())
            waiver = str(digest) if predicate_type == WAIVER else waiver
            claims.append(
                Attestation(
                    digest=digest,
                    predicate_type=predicate_type,
                    predicate=predicate,
                    signer=by,
                    key_id="0" * 64,
                    index=index,
                    recorded=recorded,
                    assurance=assurance,
                )
            )
        return tuple(claims)

    def _write_approval(self, members: Members, claims: list[Attestation], waiver: str | None) -> JsonObject:
        stale = members.one_of("stale", frozenset({"", "policy", "evidence"}), "")
        about = waiver if members.truth("waiver", default=False) else None
        return Approval(
            version=_VERSION,
            alias=self.alias,
            registry=_REGISTRY,
            role=members.role("role"),
            decision=SigningDecision(
                members.one_of("decision", frozenset(SigningDecision), SigningDecision.APPROVE)
            ),
            meaning=Meaning(members.one_of("meaning", frozenset(Meaning), Meaning.APPROVAL)),
            policies=frozenset({_OTHER if stale == "policy" else _POLICY}),
            evidence=frozenset({_OTHER}) if stale == "evidence" else evidence_of(claims),
            waiver=about,
            name=None,
            reason=None,
            nonce="fixture",
            expires=members.text("expires") if members.has("expires") else None,
            time=self.now,
        ).predicate()

    def _write_waiver(self, members: Members) -> JsonObject:
        return Waiver(
            version=_VERSION,
            alias=self.alias,
            registry=_REGISTRY,
            policy=_POLICY,
            rules=frozenset(members.texts("rules")),
            until=members.text("until"),
            reason=_OTHER,
            nonce="fixture",
            time=self.now,
        ).predicate()


def _write_evaluation(members: Members) -> JsonObject:
    """Write an evaluation; a metric is a number, or the schema's object for one."""
    metrics = members.sub("metrics").rest()
    dataset = members.text("dataset", "holdout")
    return {
        "task": members.text("task", "classification"),
        "dataset": {"name": dataset, "digest": str(Digest.of(dataset.encode()))},
        "n": members.whole("n", 0, 10**12),
        "metrics": _write_metrics(metrics),
        "groups": [_write_group(group) for group in members.subs("groups")],
    }


def _write_group(members: Members) -> JsonObject:
    group: JsonObject = {
        "column": members.text("column"),
        "value": members.text("value"),
        "n": members.whole("n", 0, 10**12),
        "metrics": _write_metrics(members.sub("metrics").rest()),
    }
    members.end()
    return group


def _write_metrics(metrics: Mapping[str, Json]) -> JsonObject:
    return {
        name: {**(value if isinstance(value, Mapping) else {"value": value}), "source": "given"}
        for name, value in metrics.items()
    }


def _write_scan(members: Members) -> JsonObject:
    severities = members.texts("severities", [])
    return {
        "tool": {"name": members.text("tool", "scanner"), "version": "1"},
        "time": _NOW,
        "findings": [{"severity": severity, "message": "found"} for severity in severities],
    }


def _write_provenance(members: Members) -> JsonObject:
    inputs: list[Json] = [
        {
            "name": name,
            "digest": {"sha256": Digest.of(str(text).encode()).hex},
            "annotations": {"kind": "dataset"},
        }
        for name, text in members.sub("datasets").rest().items()
    ]
    code = members.text("code", "1")
    return {
        "buildDefinition": {
            "externalParameters": {"parameters": members.sub("parameters").rest()},
            "internalParameters": {"git": {"dirty": not members.truth("clean", default=True)}},
            "resolvedDependencies": [
                {
                    "uri": "git+https://example.org/code",
                    "digest": {"gitCommit": Digest.of(code.encode()).hex[:40]},
                },
                *inputs,
            ],
        }
    }


def _write_reproduction(members: Members) -> JsonObject:
    return {"verdict": members.text("verdict", "bit-identical")}


_WRITERS: Final = {
    EVALUATION: _write_evaluation,
    SCAN: _write_scan,
    PROVENANCE: _write_provenance,
    REPRODUCTION: _write_reproduction,
}


def _read_hold(members: Members, now: str) -> Hold:
    until = members.optional_age("ended")
    end = read_time(now) - (until or timedelta(0))
    hold = Hold(
        alias=members.text("alias"),
        since=write_time(end - members.age("for")),
        until=None if until is None else write_time(end),
    )
    members.end()
    return hold


def _read_origin(members: Members) -> Origin:
    origin = Origin(
        name=members.text("name"),
        kind=members.text("kind", "dataset"),
        resolved=members.truth("resolved", default=True),
        licence=members.text("licence", ""),
    )
    members.end()
    return origin


def _kind(document: JsonObject) -> str:
    return str(document.get("kind", ""))


def _list(value: Json) -> list[JsonObject]:
    return list(_objects(value))


def _objects(value: Json) -> Iterator[JsonObject]:
    for item in value if isinstance(value, list) else []:
        if not isinstance(item, Mapping):
            raise InvalidPolicy(reason="a claim must be an object")
        yield item


def _texts(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []
