"""What a user types to change a protected policy, and sees."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.core.people.roles import Role
from muniment.signing.keys import Identity
from muniment.views.policies import Outcome

PROTECTED = "rules: [{rule: signature}]\nvouching: any\nprotected: {role: approver}\n"
EASED = "rules: [{rule: signature}]\nvouching: any\nmode: warn\n"
Call = Callable[..., str]


@pytest.fixture
def vera() -> Identity:
    """Give the key of Vera, who approves."""
    return Identity.generate()


@pytest.fixture
def call(
    settings: Settings, model: Path, vera: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Call:
    """Give what runs a command as Ada, or as Vera, in a registry whose production is protected."""
    directory = tmp_path / "policies" / "acme"
    directory.mkdir(parents=True)
    (directory / "x@production.yaml").write_text(PROTECTED)
    with muniment.open(settings=settings, create=True) as registry:
        registry.push(model, "acme/x")
        registry.people.add("Vera", vera.public)
        registry.people.grant("Vera", Role.APPROVER, "acme")
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "eased.yaml").write_text(EASED)

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == code, result.output
        # As wide as it is, without the breaks of lines.
        return result.stdout if "--json" in arguments else " ".join(result.output.split())

    run("policy", "apply", "-f", "policies", "--reason", "it matters", "--yes")
    run("promote", "acme/x@1", "production")
    return run


def test_policy_set_proposes_and_says_what_is_missing(call: Call, settings: Settings, vera: Identity) -> None:
    """A protected policy is not changed by `policy set`: it says so, and what to type."""
    said = call("policy", "set", "acme/x@production", "eased.yaml", "--reason", "a trial")
    assert said.startswith("PROPOSED, not done yet: to set the policy of acme/x@production (entry ")
    assert "0 of 1 in the role approver approved; Vera can approve" in said
    entry = said.rpartition("approve ")[2].split()[0]
    assert "mode: enforce" not in call("policy", "show", "acme/x@production", "--yaml")
    assert "1 approver must approve a change to it" in call("policy", "show", "acme/x@production")
    assert "to set the policy" not in call("inbox")
    shown = call("proposal", "show", entry)
    assert f"Proposal {entry}: set the policy of acme/x@production" in shown
    assert "mode: warn (was enforce)" in shown
    assert "protected: role not set (was approver)" in shown
    assert "protected: 1 approver must approve a change to it" in call("policy", "history", "acme")
    assert "open" in call("proposal", "list", "acme")
    assert "not_yours_to_decide" in call("proposal", "approve", entry, "--reason", "mine", code=3)
    with muniment.open(identity=vera, settings=settings) as registry:
        registry.proposals.approve(int(entry), "fine")
    assert "mode: warn" in call("policy", "show", "acme/x@production", "--yaml")
    assert "no open proposals" in call("proposal", "list", "acme")
    document = json.loads(call("proposal", "list", "acme", "--closed", "--json"))
    assert [one["state"] for one in document["items"]] == ["approved"]
    assert "it is proposed to set the policy of acme/x@production" in call("entry", entry)
    assert f"as proposed in entry {entry}" in call("entry", str(int(entry) + 2))


def test_the_others_propose_too(call: Call) -> None:
    """To end the policy, to leave it without one and to remove the alias are proposed as well."""
    for line in (
        "policy unguard acme/x@production --reason old",
        "policy guard acme/x@production --reason wait",
        "alias remove acme/x@production --reason unused",
    ):
        assert "PROPOSED, not done yet" in call(*line.split())
    assert (
        json.loads(call("proposal", "list", "acme", "--json"))["items"][2]["change"]
        == "remove acme/x@production"
    )
    assert "acme/x" in call("show", "acme/x@production")


def test_a_proposal_is_withdrawn(call: Call) -> None:
    """Its proposer takes it back, and then it is closed."""
    entry = json.loads(call("policy", "unguard", "acme/x@production", "--reason", "old", "--json"))["index"]
    assert call("proposal", "withdraw", str(entry), "--reason", "no") == f"withdrawn (proposal {entry})"
    assert "withdrawn" in call("proposal", "list", "acme", "--closed")
    assert "request_not_found" in call("proposal", "show", "0", code=4)


def test_a_directory_of_policies_is_proposed(call: Call, settings: Settings, tmp_path: Path) -> None:
    """The plan says what has to be approved; what waits already is left out, and no difference is hidden."""
    (tmp_path / "policies" / "acme" / "x@production.yaml").write_text(EASED)
    command = ("policy", "apply", "-f", "policies")
    shown = call(*command, "--plan", code=1)
    assert "protected: it is proposed, and 1 approver must approve it" in shown
    made = json.loads(call(*command, "--reason", "a trial", "--yes", "--json"))
    assert [one["outcome"] for one in made] == ["proposed"]
    entry = made[0]["entry"]
    assert f"proposed already: muniment proposal show {entry}" in call(*command, "--plan")
    assert json.loads(call(*command, "--reason", "a trial", "--yes", "--json")) == []
    with muniment.open(settings=settings) as registry:
        (planned,) = registry.policies.plan(tmp_path / "policies")
    assert (planned.outcome, planned.protected, planned.proposal) == (Outcome.CHANGED, "1 approver", entry)


def test_a_proposal_breaks_the_glass(call: Call, settings: Settings, vera: Identity, tmp_path: Path) -> None:
    """In an emergency it takes effect at once, which check and history say until somebody has closed it."""
    document = f"{PROTECTED}break_glass: {{roles: [admin], close_within: 24h}}\n"
    (tmp_path / "broken.yaml").write_text(document)
    first = json.loads(call("policy", "set", "acme/x@production", "broken.yaml", "--reason", "so", "--json"))
    with muniment.open(identity=vera, settings=settings) as registry:
        registry.proposals.approve(first["index"], "fine")
    made = json.loads(call("policy", "set", "acme/x@production", "eased.yaml", "--reason", "fire", "--json"))
    entry = str(made["index"])
    said = call("proposal", "break-glass", entry, "--reason", "it is on fire", "--yes")
    assert "EMERGENCY: it took effect to set the policy of acme/x@production" in said
    assert f"muniment close-emergency {entry}" in said
    (tmp_path / "weights").write_text("more")
    call("push", "weights", "acme/x")
    assert "nobody else has looked at it" in call("check", "acme/x@2", "production")
    assert "nobody else has looked at it" in call("promote", "acme/x@2", "production")
    assert "nobody else has looked at it" in call("history", "acme/x@production")
    assert "somebody else must look at it" in call("proposal", "list", "acme")
    with muniment.open(identity=vera, settings=settings) as registry:
        registry.close_emergency(int(entry), "it was right")
    assert "nobody else" not in call("check", "acme/x@2", "production")
    assert "closed only later" in call("history", "acme/x@production")
