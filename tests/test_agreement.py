"""What `check`, `approvals`, `show` and the inbox say of the same approval, and whom they name."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from muniment.cli.main import main

Call = Callable[..., str]
POLICIES = {
    "production": "rules: [{rule: approvals, validator: 1}]\n",
    "staging": "vouching: any\nrules: [{rule: approvals, validator: 1}]\n",
    "beta": "vouching: any\nrules: [{rule: approvals, security: 1}]\nbreak_glass: "
    "{roles: [validator], close_within: 24h}\nwaivers: {approvals: {validator: 1}, maximum: 7d}\n",
}
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Give what runs a command as the founder, or with `by` as Vera, whom the founder registered."""
    monkeypatch.setenv("MUNIMENT_URL", str(tmp_path / "registry"))
    monkeypatch.setenv("MUNIMENT_STATE", str(tmp_path / "state"))
    key, model = tmp_path / "vera.pem", tmp_path / "model"
    model.mkdir()
    (model / "weights.bin").write_text("weights")

    def run(*arguments: str, by: str = "founder", code: int = 0) -> str:
        who = ["--identity", str(key)] if by == "Vera" else []
        result = CliRunner().invoke(main, [*who, *arguments])
        assert result.exit_code == code, result.output
        return result.output

    run("init")
    run("push", str(model), "acme/x", "--param", "rate=0.00012345", "--param", "rows=50000")
    run("key", "new", str(key))
    run("user", "add", "Vera Lindt", "--key", f"{key}.pub")
    run("role", "grant", "Vera Lindt", "validator", "acme")
    for alias, policy in POLICIES.items():
        (tmp_path / "policy.yaml").write_text(policy)
        run("policy", "set", f"acme/x@{alias}", str(tmp_path / "policy.yaml"), "--reason", "ours")
    return run


def approve(call: Call, alias: str, *more: str) -> str:
    """Have Vera approve the version."""
    what = ("acme/x@1", "--for", alias, "--as", "validator", "--reason", "fine", *more)
    return call("approve", *what, by="Vera")


@pytest.mark.parametrize("alias", POLICIES)
def test_an_approval_counts_in_every_view_or_in_none(call: Call, alias: str) -> None:
    """If the gate does not count an approval, `approvals` and `show` say so, with the reason."""
    approve(call, alias)
    passes = json.loads(call("check", "acme/x@1", alias, "--json", code=alias != "staging"))["passed"][
        "value"
    ]
    (decided,) = json.loads(call("approvals", "acme/x@1", "--json"))["items"]
    (told,) = json.loads(call("show", "acme/x@1", "--json"))["said"]["story"]
    counts = decided["standing"] != "does not count"
    assert (passes, counts, "does not count" not in told["did"]) == (alias == "staging",) * 3
    assert bool(decided["fault"]) is not passes


def test_who_approves_in_vain_is_told_at_once(call: Call) -> None:
    """The approval is recorded, with a warning that names why it does not count; none if it does."""
    shown = approve(call, "production")
    assert re.search("warning: the approval does not count: .* made the version and vouches for Vera", shown)
    assert "approved for production as validator" in shown
    assert "warning" not in approve(call, "staging")


def test_it_is_said_in_a_terminal_why_an_approval_does_not_count(call: Call) -> None:
    """The author who let the approver in is named."""
    approve(call, "production")
    reason = "made the version and vouches for Vera Lindt"
    for command in ("approvals", "show"):
        assert reason in " ".join(call(command, "acme/x@1").split()), command


def test_an_approval_that_lost_its_ground_is_told_so(call: Call) -> None:
    """Who lost the role since does not count, in `show` as in `approvals`."""
    approve(call, "staging")
    call("role", "revoke", "Vera Lindt", "validator", "acme")
    for command in ("approvals", "show"):
        assert "Vera Lindt is not a validator" in " ".join(call(command, "acme/x@1").split()), command


def test_what_was_approved_counts_for_no_move_past_the_gate(call: Call) -> None:
    """An emergency relies on no approval, also where a rule was met."""
    approve(call, "beta")
    call("break-glass", "acme/x@1", "beta", "--reason", "down", "--yes", by="Vera")
    assert "it counted" not in call("approvals", "acme/x@1")
    assert call("show", "acme/x@1").count("emergency") == 2, "the move, and the command that closes it"


def test_people_have_names_in_refusals_hints_and_reports(call: Call, tmp_path: Path) -> None:
    """No id of a person stands in a refusal, in what it suggests, or in what CI reads."""
    approve(call, "production")
    junit, sarif = tmp_path / "j.xml", tmp_path / "s.json"
    said = [
        call("promote", "acme/x@1", "production", code=3),
        call(
            "approve",
            "acme/x@1",
            "--for",
            "production",
            "--as",
            "validator",
            "--reason",
            "x",
            by="Vera",
            code=3,
        ),
        call("check", "acme/x@1", "production", "--junit", str(junit), "--sarif", str(sarif), code=1),
        junit.read_text(),
        sarif.read_text(),
    ]
    for text in said:
        assert "Vera Lindt" in text
        assert not _ID.search(text), text
    assert "\n→ muniment user confirm 'Vera Lindt'\n" in said[2]


def test_a_decision_that_was_withdrawn_is_not_called_an_approval(call: Call) -> None:
    """It may have been a rejection."""
    what = ("acme/x@1", "--for", "production")
    call("reject", *what, "--as", "validator", "--reason", "no", by="Vera")
    call("withdraw", *what, "--reason", "it is fine", by="Vera")
    assert "withdrew their signing decision" in " ".join(call("show", "acme/x@1").split())


def test_a_reviewer_is_not_sent_to_approve_in_a_role_that_does_not_count(call: Call) -> None:
    """Who holds no role that the policy asks for is sent to look."""
    call("request", "acme/x@1", "beta")
    call("request", "acme/x@1", "staging")
    said = call("inbox", by="Vera")
    assert "→ muniment check acme/x@1 beta" in said
    assert "→ muniment approve acme/x@1 --for staging --as validator" in said
    assert "--for beta" not in said


def test_a_waiver_can_be_approved_from_what_is_shown_until_it_holds(call: Call) -> None:
    """The command has the whole digest, and goes once the waiver lets the version pass."""
    call("waive", "acme/x@1", "--for", "beta", "--rule", "approvals", "--until", "2d", "--reason", "now")
    (command,) = re.findall(
        "→ (muniment approve .* --waiver (sha256:[0-9a-f]{64}))", call("show", "acme/x@1")
    )
    approve(call, "beta", "--waiver", command[1])
    assert "--waiver" not in call("show", "acme/x@1")


def test_parameters_are_shown_as_they_were_given(call: Call, tmp_path: Path) -> None:
    """Nothing of a parameter is rounded or grouped."""
    assert "rate=0.00012345, rows=50000" in call("show", "acme/x@1")
    (tmp_path / "model" / "weights.bin").write_text("others")
    call("push", str(tmp_path / "model"), "acme/x", "--param", "rate=0.00012346")
    said = call("diff", "acme/x@1", "acme/x@2")
    assert re.search(r"rate +0\.00012345 +0\.00012346", said), said


def test_a_version_that_was_stopped_is_not_said_to_have_never_served(call: Call) -> None:
    """It serves nowhere; a revoked one is not to be deployed."""
    call("deploy", "acme/x@1", "eu")
    call("deploy", "acme/x@1", "eu", "--stop")
    assert "it serves nowhere that is on record: muniment deploy acme/x@1 TARGET" in " ".join(
        call("show", "acme/x@1").split()
    )
    call("retire", "acme/x@1", "--reason", "old")
    assert "muniment deploy" not in call("show", "acme/x@1")
