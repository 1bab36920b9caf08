"""Directories of policies, which `policy apply` puts in force."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.canonical import JsonObject
from muniment.core.errors import InvalidPolicy, ReasonNeeded
from muniment.policies.repositories import load_policies
from muniment.views.policies import Outcome

SIGNED: JsonObject = {"rule": "signature"}
GOOD: JsonObject = {"rule": "threshold", "id": "good", "metric": "recall", "op": ">=", "value": 0.9}

Call = Callable[..., str]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Give a directory with a policy of a namespace and one of a model."""
    place = tmp_path / "policies"
    write(place / "acme" / "@production.yaml", SIGNED)
    write(place / "acme" / "x@production.yaml", GOOD)
    (place / "README.md").write_text("Our policies.")
    write(place / ".github" / "workflows.yaml")
    (place / "acme" / "x@production.fixtures.yaml").write_text("fixtures: []")
    return place


@pytest.fixture
def call(settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Give what runs a command in a registry with one version."""
    with muniment.open(settings=settings, create=True) as registry:
        registry.push(model, "acme/x")
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))

    def run(*arguments: str, code: int = 0, answer: str | None = None) -> str:
        result = CliRunner().invoke(main, list(arguments), input=answer)
        assert result.exit_code == code, result.output
        return result.output

    return run


def write(path: Path, *rules: JsonObject) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"rules": list(rules)}))


def outcomes(registry: Registry, directory: Path, *, prune: bool = False) -> list[tuple[str, str]]:
    planned = registry.policies.plan(directory, prune=prune)
    return [(f"{one.models}@{one.alias}", str(one.outcome)) for one in planned]


def test_a_directory_is_read_by_its_names(directory: Path) -> None:
    """A file is named by its models and alias; fixtures, hidden files and other kinds are passed over."""
    read = load_policies(directory)
    assert [f"{one.models}@{one.alias}" for one in read] == ["acme/*@production", "acme/x@production"]
    assert [one.document["rules"] for one in read] == [[SIGNED], [GOOD]]


@pytest.mark.parametrize(
    "name",
    [
        "x@production.yaml",
        "acme/x.yaml",
        "acme/x@production.yml",
        "acme/x@.yaml",
        "acme/x@latest.yaml",
        "acme/X x@production.yaml",
        "acme/deep/x@production.yaml",
    ],
)
def test_a_file_of_another_name_is_refused(directory: Path, name: str) -> None:
    """A YAML file whose name says no models and alias is refused by its name, and never left out."""
    write(directory / name, SIGNED)
    with pytest.raises(InvalidPolicy, match=name.replace("/", ".")):
        load_policies(directory)


def test_a_directory_without_policies_is_refused(tmp_path: Path) -> None:
    """A directory that has no policy is a mistake."""
    with pytest.raises(InvalidPolicy, match="there is none"):
        load_policies(tmp_path)


def test_nothing_is_set_if_one_file_is_invalid(registry: Registry, directory: Path) -> None:
    """A policy that is invalid is named by its file, and stops all of them."""
    (directory / "acme" / "y@staging.yaml").write_text("rules: [{rule: nonsense}]")
    with pytest.raises(InvalidPolicy, match=r"acme.y@staging\.yaml: line 1.*`rule` must"):
        registry.policies.plan(directory)


def test_a_plan_says_what_would_change(registry: Registry, model: Path, directory: Path) -> None:
    """Policies are new, changed with their differences, unchanged or, with `prune`, unguarded."""
    registry.push(model, "acme/x")
    assert outcomes(registry, directory) == [("acme/*@production", "new"), ("acme/x@production", "new")]
    registry.policies.set("acme/*", "production", {"rules": [SIGNED]}, reason="agreed")
    registry.policies.guard("acme/x", "production", reason="soon")
    registry.policies.guard("acme/x", "staging", reason="soon")
    registry.policies.guard("acme/x", "canary", reason="soon")
    registry.policies.unguard("acme/x", "canary", reason="not needed")
    registry.policies.guard("beta/y", "production", reason="of others")
    expected = [("acme/*@production", "unchanged"), ("acme/x@production", "changed")]
    assert outcomes(registry, directory) == expected
    assert outcomes(registry, directory, prune=True) == [*expected, ("acme/x@staging", "unguarded")]
    registry.policies.set("acme/x", "production", {"rules": [{**GOOD, "value": 0.5}]}, reason="agreed")
    changed = registry.policies.plan(directory)[1]
    assert changed.differences == ("rule good: value 0.9 (was 0.5)",)


def test_a_plan_is_applied_for_a_reason(registry: Registry, model: Path, directory: Path) -> None:
    """What is new, changed or unguarded is done, and nothing is left to do."""
    registry.push(model, "acme/x")
    registry.policies.guard("acme/x", "staging", reason="soon")
    planned = registry.policies.plan(directory, prune=True)
    with pytest.raises(ReasonNeeded):
        registry.policies.apply(planned, reason=" ")
    receipts = registry.policies.apply(planned, reason="reviewed in our repository")
    assert [receipt.entry.event.type for receipt in receipts] == ["policy.set", "policy.set", "policy.ended"]
    reasons = [one.reason for one in registry.policies.history("acme")]
    assert reasons == ["soon", *["reviewed in our repository"] * 3]
    again = registry.policies.plan(directory, prune=True)
    assert {one.outcome for one in again} == {Outcome.UNCHANGED}
    assert registry.policies.apply(again, reason="again") == []


def test_a_directory_is_applied_by_a_command(call: Call, directory: Path) -> None:
    """The plan is shown first and confirmed; in CI, `--plan` exits with 1 if something would change."""
    command = ("policy", "apply", "-f", str(directory))
    shown = call(*command, "--plan", code=1)
    assert "2 policies of 2 would change" in shown
    assert "reason_needed" in call(*command, "--yes", code=3)
    call(*command, "--reason", "agreed", code=1, answer="n\n")
    assert json.loads(call("policy", "history", "acme", "--json"))["items"] == []
    assert "acme/x@production is new (entry" in call(*command, "--reason", "agreed", answer="y\n")
    call(*command, "--plan")
    write(directory / "acme" / "x@production.yaml", {**GOOD, "value": 0.5})
    shown = call(*command, "--plan", code=1)
    assert "rule good: value 0.5 (was 0.9)" in shown
    (directory / "acme" / "@production.yaml").unlink()
    made = json.loads(call(*command, "--reason", "eased", "--prune", "--yes", "--json"))
    assert [(one["models"], one["outcome"]) for one in made] == [
        ("acme/x", "changed"),
        ("acme/*", "unguarded"),
    ]
    assert json.loads(call(*command, "--reason", "again", "--prune", "--yes", "--json")) == []
    plan = json.loads(call(*command, "--plan", "--json"))
    assert [one["outcome"] for one in plan["items"]] == ["unchanged"]
    (directory / "acme" / "y@production.yaml").write_text("rules: []")
    assert "acme/y@production.yaml: " in call(*command, "--reason", "x", "--yes", code=2)
