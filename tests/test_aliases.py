"""Aliases: a removed alias is forgotten everywhere except in its history."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.errors import GateFailed, NotPermitted, ReasonNeeded, VersionNotFound
from muniment.core.names import Alias, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.verbs.gates import MoveAlias, RemoveAlias
from muniment.signing.keys import Identity
from muniment.testing import open_memory
from muniment.testing.backends import NAME, PRODUCTION, add_person, publish, set_policy


@pytest.fixture
def moved(registry: Registry, model: Path) -> Registry:
    """Give a registry whose alias `staging` has pointed at two versions."""
    registry.push(model, "acme/x", alias="staging")
    (model / "weights.bin").write_bytes(b"better")
    registry.push(model, "acme/x", alias="staging")
    return registry


def test_a_removed_alias_points_nowhere(moved: Registry) -> None:
    """References, searches and descriptions no longer know a removed alias; its history does."""
    moved.remove_alias("acme/x", "staging", reason="unused")
    with pytest.raises(VersionNotFound):
        moved.version("acme/x@staging")
    assert list(moved.search("alias = staging")) == []
    assert moved.version("acme/x@2").describe().aliases == ()
    last = moved.history("acme/x", "staging")[-1]
    assert (last.record.previous, last.record.number, last.reason) == (2, None, "unused")


def test_time_travel_finds_a_removed_alias(moved: Registry) -> None:
    """At a time before its removal, an alias points where it did then."""
    before = moved.history("acme/x", "staging")[-1].record.moved
    moved.remove_alias("acme/x", "staging", reason="unused")
    assert moved.version("acme/x@staging", at=before).record.number == 2


def test_a_reason_says_something(moved: Registry) -> None:
    """A removal needs a reason; a move needs none, but refuses a blank one."""
    for blank in ("", " \n"):
        with pytest.raises(ReasonNeeded):
            moved.remove_alias("acme/x", "staging", reason=blank)
    with pytest.raises(ReasonNeeded):
        moved.rollback("acme/x", "staging", reason=" ")
    with pytest.raises(ReasonNeeded):
        moved.promote("acme/x@1", "staging", reason="\t")
    with pytest.raises(ReasonNeeded):
        moved.requests.open(moved.version("acme/x@1"), "staging", reason=" ")
    assert moved.version("acme/x@staging").record.number == 2
    moved.rollback("acme/x", "staging", reason="")


def test_an_alias_is_removed_once(moved: Registry) -> None:
    """Removing an alias that does not exist is refused."""
    moved.remove_alias("acme/x", "staging", reason="unused")
    with pytest.raises(VersionNotFound):
        moved.remove_alias("acme/x", "staging", reason="unused")


def test_a_removed_alias_can_be_rolled_back_and_moved(moved: Registry) -> None:
    """A rollback restores the last version of a removed alias, and a promotion starts it anew."""
    moved.remove_alias("acme/x", "staging", reason="unused")
    moved.rollback("acme/x", "staging")
    assert moved.version("acme/x@staging").record.number == 2
    moved.remove_alias("acme/x", "staging", reason="unused")
    moved.promote("acme/x@1", "staging")
    assert moved.version("acme/x@staging").record.number == 1


def test_the_name_of_a_guarded_alias_stays_guarded(moved: Registry) -> None:
    """The policy of a removed alias still decides which version it can move to."""
    moved.policies.set(
        "acme/x", "staging", {"rules": [{"rule": "approvals", "validator": 1}]}, reason="agreed"
    )
    moved.remove_alias("acme/x", "staging", reason="unused")
    with pytest.raises(GateFailed):
        moved.promote("acme/x@2", "staging")


def test_removing_a_guarded_alias_takes_the_right_to_set_its_policy() -> None:
    """A contributor can remove an alias without a policy, but not a guarded one."""
    open_as, owner = open_memory(), Identity.generate()
    backend = open_as(owner)
    publish(backend, owner, b"model")
    contributor = open_as(add_person(backend, "Carl", Role.CONTRIBUTOR))
    for alias in (PRODUCTION, Alias("free")):
        contributor.execute(MoveAlias(reference=Reference(NAME, 1), alias=alias))
    set_policy(backend, owner, {"rule": "signature"})
    with pytest.raises(NotPermitted):
        contributor.execute(RemoveAlias(name=NAME, alias=PRODUCTION, reason=Payload.of("unused")))
    assert contributor.execute(
        RemoveAlias(name=NAME, alias=Alias("free"), reason=Payload.of("unused"))
    ).created


def test_what_a_user_types_and_sees(
    moved: Registry, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`alias remove` prints the version that the alias pointed at, and history shows the removal."""
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    moved.close()
    run = CliRunner()
    removed = run.invoke(main, ["alias", "remove", "acme/x@staging", "--reason", "unused"])
    assert removed.exit_code == 0, removed.output
    assert "removed acme/x@staging, which was version 2" in removed.stdout
    assert "→ removed" in run.invoke(main, ["history", "acme/x@staging"]).stdout
    assert "staging was removed" in run.invoke(main, ["show", "acme/x@2"]).stdout
