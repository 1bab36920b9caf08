"""Protected policies: what touches one takes effect once others have approved it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from firm import ALIAS, ONE_APPROVER, RULES, Firm, open_embedded, open_served
from muniment.core.bytes.revisions import File, Revision
from muniment.core.canonical import Json, JsonObject
from muniment.core.claims.proposals import ChangeKind
from muniment.core.digests import Digest
from muniment.core.errors import (
    AlreadyProposed,
    ChangeNeedsApproval,
    InvalidBody,
    InvalidPolicy,
    MunimentError,
    NobodyCanApprove,
    NotYoursToDecide,
    PolicyNotFound,
    ProposalStale,
    ReasonNeeded,
    RequestNotFound,
)
from muniment.core.events import (
    AliasRemoved,
    Event,
    PolicyEnded,
    PolicySet,
    ProposalDecided,
    ProposalOpened,
    TierSet,
)
from muniment.core.gates.policy import Policy
from muniment.core.names import Alias, ModelName, Models
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.receipts import Receipt
from muniment.core.verbs.gates import EndPolicy, GetPolicies, RemoveAlias, SetPolicy, SetTier
from muniment.core.verbs.people import ConfirmPrincipal, RevokeKey, RevokeRole
from muniment.core.verbs.proposals import ProposeChange
from muniment.core.verbs.versions import DiscardDraft, SaveDraft
from muniment.signing.content import sign_content
from muniment.testing.audits import check_audit
from muniment.testing.backends import NAME, refuses

WHERE = str(NAME)
MODELS = Models(NAME.namespace, NAME.model)
Act = Callable[[Firm], Receipt]


@pytest.fixture(params=["embedded", "served"])
def firm(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Firm]:
    """Give a firm, embedded and served, whose log is replayed in the end."""
    with {"embedded": open_embedded, "served": open_served}[request.param](tmp_path) as opened:
        yield opened
        check_audit(opened.of("Fay"))


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Firm]:
    """Give a firm in memory, whose log is replayed in the end."""
    with open_embedded(tmp_path) as opened:
        yield opened
        check_audit(opened.of("Fay"))


# ---- what touches a protected policy

ACTS: dict[str, tuple[Act, type[Event]]] = {
    "another policy": (lambda firm: firm.ease(), PolicySet),
    "no policy": (lambda firm: firm.of("Carla").policies.guard(WHERE, ALIAS, reason="wait"), PolicySet),
    "its end": (lambda firm: firm.of("Carla").policies.unguard(WHERE, ALIAS, reason="old"), PolicyEnded),
    "a tier out of its scope": (
        lambda firm: firm.of("Carla").policies.set_tier(WHERE, "low", reason="harmless"),
        TierSet,
    ),
    "the removal of its alias": (
        lambda firm: firm.of("Carla").remove_alias(WHERE, ALIAS, reason="unused"),
        AliasRemoved,
    ),
}
HIGH: Json = {"tiers": ["high"]}


@pytest.mark.parametrize("act", ACTS)
def test_what_touches_a_protected_policy_takes_effect_once_it_is_approved(firm: Firm, act: str) -> None:
    """Each act that touches a protected policy is proposed, and happens with the last approval it needs."""
    do, kind = ACTS[act]
    firm.protect(scope=HIGH)
    proposed = do(firm)
    assert isinstance(proposed.event, ProposalOpened)
    (waiting,) = firm.of("Vera").proposals.list("acme")
    assert (waiting.state, waiting.record.index) == ("open", proposed.index)
    assert set(waiting.needs[0].able) == {firm.id_of("Vera"), firm.id_of("Otto")}
    approved = firm.of("Vera").proposals.approve(proposed.index, "agreed")
    assert isinstance(approved.event, ProposalDecided)
    done = firm.entry(approved.index + 1)
    assert isinstance(done.event, kind)
    assert done.actor == firm.id_of("Vera")
    made = firm.of("Vera").proposals.get(proposed.index)
    assert (made.state, made.record.closed) == ("approved", done.index)
    assert firm.of("Vera").proposals.list("acme") == []


@pytest.mark.parametrize("act", ACTS)
def test_what_touches_no_protected_policy_takes_effect_at_once(firm: Firm, act: str) -> None:
    """The same acts need no approval where the policy is not protected."""
    do, kind = ACTS[act]
    firm.of("Carla").policies.set(WHERE, ALIAS, {"rules": RULES, "scope": HIGH}, reason="it matters")
    firm.of("Ada").promote(f"{NAME}@1", ALIAS)
    assert isinstance(do(firm).event, kind)


def test_a_command_that_is_only_proposed_is_refused_as_it_is(firm: Firm) -> None:
    """The plain commands are refused, and say what to do: no receipt of a proposal passes for the change."""
    firm.protect(scope=HIGH)
    admin, why = firm.open_as(firm.keys["Carla"]), Payload.of("simpler")
    for command in (
        SetPolicy(models=MODELS, alias=Alias(ALIAS), policy=None, reason=why),
        EndPolicy(models=MODELS, alias=Alias(ALIAS), reason=why),
        SetTier(name=NAME, tier="low", reason=why),
        RemoveAlias(name=NAME, alias=Alias(ALIAS), reason=why),
    ):
        error = refuses(lambda command=command: admin.execute(command), ChangeNeedsApproval)  # type: ignore[misc] # bound at once
        assert "1 approver" in error.sentence
    assert firm.of("Carla").proposals.list("acme") == []


def test_what_only_adds_rules_touches_nothing(firm: Firm) -> None:
    """A further policy beside a protected one, and a tier within its scope, take effect at once."""
    firm.protect("acme/*", scope={"tiers": ["high", "top"]})
    admin = firm.of("Carla").policies
    beside = admin.set(WHERE, ALIAS, {"rules": RULES, "mode": "warn", "vouching": "any"}, reason="also")
    assert isinstance(beside.event, PolicySet)
    assert isinstance(admin.set_tier(WHERE, "high", reason="patients").event, TierSet)
    assert isinstance(admin.set_tier(WHERE, "top", reason="patients").event, TierSet)
    assert isinstance(admin.unguard(WHERE, ALIAS, reason="enough").event, PolicyEnded)
    assert isinstance(admin.set_tier(WHERE, "low", reason="none").event, ProposalOpened)


def test_its_own_protection_is_protected(small: Firm) -> None:
    """A policy that only lowers the protection waits for those whom the policy in force asks, not its own."""
    small.protect(protected={"role": "approver", "n": 2})
    lower: JsonObject = {"rules": RULES, "protected": {"role": "contributor"}}
    proposed = small.of("Carla").policies.set(WHERE, ALIAS, lower, reason="faster")
    (need,) = small.of("Vera").proposals.get(proposed.index).needs
    assert (need.role, need.n) == (Role.APPROVER, 2)
    refuses(lambda: small.of("Ada").proposals.approve(proposed.index, "mine"), NotYoursToDecide)


def test_a_tier_that_leaves_several_policies_needs_all_of_them(small: Firm) -> None:
    """A change that touches two protected policies waits for the people whom each of them asks."""
    small.add("Sven", Role.SECURITY)
    small.protect("acme/*", scope=HIGH)
    small.of("Carla").policies.set(
        WHERE, "staging", {"rules": RULES, "protected": {"role": "security"}, "scope": HIGH}, reason="safe"
    )
    proposed = small.of("Carla").policies.set_tier(WHERE, "low", reason="harmless")
    assert isinstance(proposed.event, ProposalOpened)
    small.of("Vera").proposals.approve(proposed.index, "agreed")
    assert small.of("Vera").proposals.get(proposed.index).state == "open"
    small.of("Sven").proposals.approve(proposed.index, "safe")
    assert small.of("Vera").proposals.get(proposed.index).state == "approved"


# ---- who counts


def test_the_proposer_and_authors_of_newer_versions_do_not_count(firm: Firm) -> None:
    """Who proposed it, or made a version that could move to the alias, cannot approve; older authors can."""
    firm.grant("Ada", Role.APPROVER)
    firm.grant("Carla", Role.APPROVER)
    firm.grant("Otto", Role.CONTRIBUTOR)
    firm.protect()
    proposed = firm.ease().index
    error = refuses(lambda: firm.of("Carla").proposals.approve(proposed, "mine"), NotYoursToDecide)
    assert "proposed it" in error.sentence
    firm.publish("Otto", b"two")
    error = refuses(lambda: firm.of("Otto").proposals.approve(proposed, "mine"), NotYoursToDecide)
    assert "Otto made a version newer than the one that the alias holds" in error.sentence
    firm.of("Ada").proposals.approve(proposed, "I made the old one only")
    assert firm.of("Ada").proposals.get(proposed).state == "approved"


def test_authors_of_any_model_in_the_scope_do_not_count(small: Firm) -> None:
    """For the policy of a namespace, versions of all models that it covers count, and of no others."""
    small.protect("acme/*", scope={"models": ["read*", "credit-*"]})
    small.grant("Otto", Role.CONTRIBUTOR)
    proposed = small.ease(models="acme/*").index
    small.publish("Otto", b"other", ModelName("acme", "toy"))
    assert len(small.of("Vera").proposals.get(proposed).needs[0].able) == 2
    small.publish("Otto", b"scored", ModelName("acme", "credit-risk"))
    refuses(lambda: small.of("Otto").proposals.approve(proposed, "mine"), NotYoursToDecide)
    assert small.of("Vera").proposals.get(proposed).needs[0].able == (small.id_of("Vera"),)


def test_an_approval_ends_with_a_newer_version_by_its_signer(small: Firm) -> None:
    """Whether an approval counts is decided again when the change would take effect."""
    small.protect(protected={"role": "approver", "n": 2})
    small.grant("Otto", Role.CONTRIBUTOR)
    small.add("Olga", Role.APPROVER)
    proposed = small.ease().index
    small.of("Otto").proposals.approve(proposed, "agreed")
    small.publish("Otto", b"two")
    small.of("Vera").proposals.approve(proposed, "agreed")
    assert small.of("Vera").proposals.get(proposed).needs[0].approved == (small.id_of("Vera"),)
    small.of("Olga").proposals.approve(proposed, "agreed")
    assert small.of("Vera").proposals.get(proposed).state == "approved"


def test_an_approval_ends_with_the_role(small: Firm) -> None:
    """Who lost the role before the change would take effect does not count."""
    small.protect(protected={"role": "approver", "n": 2})
    proposed = small.ease().index
    small.of("Otto").proposals.approve(proposed, "agreed")
    revoke = RevokeRole(principal=small.id_of("Otto"), role=Role.APPROVER, namespace="*")
    small.open_as(small.keys["Fay"]).execute(revoke)
    small.of("Vera").proposals.approve(proposed, "agreed")
    assert small.of("Vera").proposals.get(proposed).state == "open"


def test_workloads_approve_nothing(small: Firm) -> None:
    """A job with the role can neither approve nor reject."""
    small.protect()
    small.add("ci", Role.APPROVER, workload=True)
    proposed = small.ease().index
    for decide in (small.of("ci").proposals.approve, small.of("ci").proposals.reject):
        error = refuses(lambda decide=decide: decide(proposed, "green"), NotYoursToDecide)  # type: ignore[misc] # bound at once
        assert "is a workload" in error.sentence


def test_the_keepers_of_a_workload_propose_what_it_proposes(small: Firm) -> None:
    """An admin does not approve what a job proposes that they registered, until another one confirmed it."""
    small.protect()
    small.add("Dana", Role.ADMIN)
    small.grant("Dana", Role.APPROVER)
    small.add("ci", Role.ADMIN, by="Dana", workload=True)
    proposed = small.ease(by="ci").index
    error = refuses(lambda: small.of("Dana").proposals.approve(proposed, "mine"), NotYoursToDecide)
    assert "Dana proposed it" in error.sentence
    small.open_as(small.keys["Carla"]).execute(ConfirmPrincipal(principal=small.id_of("ci")))
    small.of("Dana").proposals.approve(proposed, "agreed")
    assert small.of("Vera").proposals.get(proposed).state == "approved"


def test_a_role_that_somebody_gave_themselves_does_not_count(small: Firm) -> None:
    """Another admin has to confirm who made themselves an approver."""
    small.protect()
    small.add("Dana", Role.ADMIN)
    small.grant("Dana", Role.APPROVER, by="Dana")
    proposed = small.ease().index
    error = refuses(lambda: small.of("Dana").proposals.approve(proposed, "mine"), NotYoursToDecide)
    assert "made themselves approver" in error.sentence
    small.open_as(small.keys["Fay"]).execute(ConfirmPrincipal(principal=small.id_of("Dana")))
    small.of("Dana").proposals.approve(proposed, "agreed")
    assert small.of("Dana").proposals.get(proposed).state == "approved"


def test_the_proposer_does_not_make_their_own_approver(small: Firm) -> None:
    """Who is there on the word of the proposer counts once another admin has confirmed them."""
    small.protect()
    small.add("Puppet", Role.APPROVER, by="Carla")
    proposed = small.ease().index
    error = refuses(lambda: small.of("Puppet").proposals.approve(proposed, "yes"), NotYoursToDecide)
    assert "on the word of somebody whom it concerns" in error.sentence
    small.open_as(small.keys["Carla"]).execute(ConfirmPrincipal(principal=small.id_of("Vera")))
    refuses(lambda: small.of("Puppet").proposals.approve(proposed, "yes"), NotYoursToDecide)
    small.open_as(small.keys["Fay"]).execute(ConfirmPrincipal(principal=small.id_of("Puppet")))
    small.of("Puppet").proposals.approve(proposed, "yes")
    assert small.of("Puppet").proposals.get(proposed).state == "approved"


def test_a_policy_can_take_anybodys_word(small: Firm) -> None:
    """With `vouching: any` in the policy in force, it does not matter who vouched for an approver."""
    small.protect(vouching="any")
    small.add("Puppet", Role.APPROVER, by="Carla")
    proposed = small.ease().index
    small.of("Puppet").proposals.approve(proposed, "yes")
    assert small.of("Puppet").proposals.get(proposed).state == "approved"


def test_two_approvals_are_those_of_two_people(firm: Firm) -> None:
    """With n=2, one person who approves twice is one, and a second one makes it take effect."""
    firm.protect(protected={"role": "approver", "n": 2})
    proposed = firm.ease().index
    for _ in range(2):
        firm.of("Vera").proposals.approve(proposed, "agreed")
        assert firm.of("Vera").proposals.get(proposed).state == "open"
    firm.of("Otto").proposals.approve(proposed, "agreed")
    assert firm.of("Vera").proposals.get(proposed).state == "approved"


# ---- the course of a proposal


def test_a_proposal_is_stale_once_something_else_is_in_force(firm: Firm) -> None:
    """When another proposal has replaced the policy, nothing lets the first one take effect."""
    firm.protect()
    first = firm.ease().index
    second = firm.of("Carla").policies.set(
        WHERE, ALIAS, {"rules": RULES, "protected": ONE_APPROVER, "mode": "warn"}, reason="softer"
    )
    firm.of("Vera").proposals.approve(second.index, "this one")
    refuses(lambda: firm.of("Vera").proposals.approve(first, "that, too"), ProposalStale)
    assert firm.of("Vera").proposals.get(first).state == "stale"
    again = firm.ease()
    assert isinstance(again.event, ProposalOpened)


def test_a_proposal_ends_with_the_right_of_its_proposer(small: Firm) -> None:
    """Who may not set policies any more changes none by what they proposed before."""
    small.protect()
    proposed = small.ease().index
    revoke = RevokeRole(principal=small.id_of("Carla"), role=Role.ADMIN, namespace="*")
    small.open_as(small.keys["Fay"]).execute(revoke)
    error = refuses(lambda: small.of("Vera").proposals.approve(proposed, "late"), ProposalStale)
    assert "may no longer set a policy" in error.sentence


def test_a_rejection_stands_until_it_is_withdrawn(firm: Firm) -> None:
    """One rejection stops a proposal; when it is withdrawn, the approvals that came meanwhile count."""
    firm.protect()
    proposed = firm.ease().index
    firm.of("Otto").proposals.reject(proposed, "no")
    firm.of("Vera").proposals.approve(proposed, "yes")
    waiting = firm.of("Vera").proposals.get(proposed)
    assert (waiting.state, waiting.rejecters) == ("rejected", (firm.id_of("Otto"),))
    firm.of("Otto").proposals.withdraw(proposed, "well")
    assert firm.of("Vera").proposals.get(proposed).state == "approved"


def test_an_approval_can_be_withdrawn(small: Firm) -> None:
    """What was withdrawn counts no more, and there has to be something to withdraw."""
    small.protect(protected={"role": "approver", "n": 2})
    proposed = small.ease().index
    refuses(lambda: small.of("Vera").proposals.withdraw(proposed, "hm"), NotYoursToDecide)
    small.of("Vera").proposals.approve(proposed, "yes")
    small.of("Vera").proposals.withdraw(proposed, "no")
    small.of("Otto").proposals.approve(proposed, "yes")
    assert small.of("Vera").proposals.get(proposed).state == "open"


def test_the_proposer_withdraws_a_proposal(firm: Firm) -> None:
    """A proposal that was withdrawn is closed, and nobody decides about it any more."""
    firm.protect()
    proposed = firm.ease().index
    firm.of("Carla").proposals.withdraw(proposed, "never mind")
    assert firm.of("Carla").proposals.get(proposed).state == "withdrawn"
    refuses(lambda: firm.of("Vera").proposals.approve(proposed, "yes"), RequestNotFound)
    refuses(lambda: firm.of("Carla").proposals.withdraw(proposed, "again"), RequestNotFound)
    refuses(lambda: firm.of("Carla").proposals.get(0), RequestNotFound)


def test_the_same_change_is_proposed_once(small: Firm) -> None:
    """A change that waits already is refused, and the refusal names the proposal."""
    small.protect()
    proposed = small.ease().index
    error = refuses(small.ease, AlreadyProposed)
    assert f"entry {proposed}" in error.sentence


def test_only_what_is_protected_can_be_proposed(small: Firm) -> None:
    """A proposal needs a reason, something to change, and a protected policy; its parts have to fit."""
    small.protect()
    admin, why = small.open_as(small.keys["Carla"]), Payload.of("so")
    other = Models("acme", "other")

    def propose(kind: ChangeKind, models: Models = MODELS, **parts: object) -> Callable[[], object]:
        members = {"reason": why, **parts}
        return lambda: admin.execute(ProposeChange(kind=kind, models=models, **members))  # type: ignore[arg-type] # as they come

    alias = Alias(ALIAS)
    cases: list[tuple[Callable[[], object], type[MunimentError]]] = [
        (propose(ChangeKind.END_POLICY, alias=alias, reason=None), ReasonNeeded),
        (propose(ChangeKind.END_POLICY, alias=Alias("free")), PolicyNotFound),
        (propose(ChangeKind.SET_POLICY, alias=Alias("free")), InvalidBody),
        (propose(ChangeKind.END_POLICY), InvalidBody),
        (propose(ChangeKind.END_POLICY, alias=alias, tier="low"), InvalidBody),
        (propose(ChangeKind.SET_TIER, Models("acme", "*"), tier="low"), InvalidBody),
        (propose(ChangeKind.SET_TIER, other, tier="low"), MunimentError),
        (propose(ChangeKind.REMOVE_ALIAS, other, alias=alias), MunimentError),
    ]
    for act, kind in cases:
        refuses(act, kind)


@pytest.mark.parametrize(
    "protected", [{}, {"role": "king"}, {"role": "admin", "n": 0}, {"role": "admin", "of": 1}, {"n": 1}]
)
def test_a_protection_names_a_role_and_a_number(protected: Json) -> None:
    """A policy whose protection has another form is invalid; one person is asked for by default."""
    with pytest.raises(InvalidPolicy):
        Policy.read({"rules": RULES, "protected": protected})
    read = Policy.read({"rules": RULES, "protected": {"role": "admin"}})
    assert str(read.protected) == "1 admin"


# ---- when nobody qualifies


def test_when_nobody_qualifies_the_refusal_says_who_could_help(firm: Firm) -> None:
    """It names admins who can grant the role or, if somebody has it already, those who can confirm them."""
    firm.protect(protected={"role": "security"})
    error = refuses(firm.ease, NobodyCanApprove)
    fay = firm.of("Fay").people.me().name
    grant = "muniment role grant PRINCIPAL security acme"
    assert error.hint == f"ask {fay} to give somebody else the role: {grant}"
    firm.add("Puppet", Role.SECURITY, by="Carla")
    error = refuses(firm.ease, NobodyCanApprove)
    assert error.hint == f"ask {fay} to confirm somebody: muniment user confirm Puppet"
    firm.open_as(firm.keys["Fay"]).execute(ConfirmPrincipal(principal=firm.id_of("Puppet")))
    assert isinstance(firm.ease().event, ProposalOpened)


def test_nobody_qualifies_where_all_are_there_on_the_word_of_the_proposer(small: Firm) -> None:
    """Where the founder vouched for everybody, the refusal says that somebody else has to propose it."""
    small.protect()
    error = refuses(lambda: small.ease(by="Fay"), NobodyCanApprove)
    assert "every admin is there on the word of" in error.hint


# ---- found by an attack


def test_a_role_from_a_puppet_is_ones_own(small: Firm) -> None:
    """What an admin got from somebody whom they registered counts as little as what they gave themselves."""
    small.protect()
    small.add("Puppet", Role.ADMIN, by="Carla")
    small.grant("Carla", Role.APPROVER, by="Puppet")
    proposed = small.of("Puppet").policies.set(WHERE, ALIAS, {"rules": RULES}, reason="easier")
    refuses(lambda: small.of("Carla").proposals.approve(proposed.index, "agreed"), NotYoursToDecide)


def test_an_approval_with_a_key_that_is_revoked_as_of_before_is_none(small: Firm) -> None:
    """A stolen key's approval counts no longer once the key is revoked as of an earlier entry."""
    small.protect(protected={"role": "approver", "n": 2})
    proposed = small.ease().index
    small.of("Otto").proposals.approve(proposed, "stolen")
    stolen = small.keys["Otto"].public.id
    small.open_as(small.keys["Fay"]).execute(RevokeKey(key_id=stolen, effective=1))
    small.of("Vera").proposals.approve(proposed, "agreed")
    assert small.of("Vera").proposals.get(proposed).state == "open"


def test_a_draft_takes_no_policy_with_it(small: Firm) -> None:
    """A draft whose file has the bytes of a policy is discarded, and the policy stays."""
    small.protect()
    ada = small.open_as(small.keys["Ada"])
    (policy,) = ada.ask(GetPolicies(name=NAME, alias=Alias(ALIAS)))
    data = ada.open_blob(Digest.parse(policy.digest or "")).read()
    revision = Revision.of([File(path="w.bin", digest=Digest.of(data), size_bytes=len(data))])
    manifest = revision.manifest()
    signed = sign_content(revision, "acme/toy", small.keys["Ada"]).encode()
    *_, made, content = ada.add_documents([data, revision.config(), manifest, signed])
    draft = ada.execute(SaveDraft(name=ModelName("acme", "toy"), manifest=made, attestations=(content,)))
    ada.execute(DiscardDraft(draft=draft.index, reason=Payload.of("no")))
    assert ada.open_blob(Digest.parse(policy.digest or "")).read() == data
