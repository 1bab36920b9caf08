"""Times as people write them: dates and durations, in commands and in the SDK; records hold RFC 3339."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.canonical import JsonObject
from muniment.core.claims.approvals import Approval
from muniment.core.claims.attestations import APPROVAL, WAIVER
from muniment.core.errors import InvalidPast, InvalidTime, VersionNotFound
from muniment.core.events import KeyEnrolled, PrincipalRegistered, RetentionSet
from muniment.core.times import read_time, resolve_time
from muniment.signing.keys import Identity

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
POLICY: JsonObject = {
    "vouching": "any",
    "rules": [{"rule": "approvals", "validator": 1}],
    "waivers": {"approvals": {"approver": 1}, "maximum": "14d"},
}


@pytest.mark.parametrize(
    "text", ["", "14", "d", "0d", "1y", "-1d", "14 d", "2026-3-1", "20260301", "tomorrow"]
)
def test_what_is_neither_a_date_nor_a_duration_is_left_alone(text: str) -> None:
    """Other texts are passed on as they are, for whoever reads them to refuse."""
    assert resolve_time(text, NOON) == text


@pytest.mark.parametrize("text", ["2026-02-30", "0000-01-01", "999999w"])
def test_a_date_that_no_calendar_has_is_refused(text: str) -> None:
    """Dates and durations beyond all calendars are refused by name."""
    with pytest.raises(InvalidTime, match=text):
        resolve_time(text, NOON)


@pytest.fixture
def clock() -> list[datetime]:
    """Give the time of the registry, to be set."""
    return [NOON]


@pytest.fixture
def timed(settings: Settings, tmp_path: Path, clock: list[datetime]) -> Registry:
    """Give a registry in which a version was published on each of three days."""
    registry = muniment.open(settings=settings, create=True, clock=lambda: clock[0])
    for day in range(3):
        (tmp_path / "w.bin").write_bytes(f"weights {day}".encode())
        registry.push(tmp_path / "w.bin", "acme/x", alias="staging")
        clock[0] += timedelta(days=1)
    return registry


def test_the_past_is_named_by_a_date_or_a_duration(timed: Registry) -> None:
    """A date means its start, in UTC, and a duration means that long ago, wherever `at` is taken."""
    assert timed.version("acme/x@staging", at="2026-03-02").record.number == 1
    assert timed.version("acme/x@staging", at="2026-03-03").record.number == 2
    assert timed.version("acme/x@staging", at="36h").record.number == 2
    assert [one.number for one in timed.versions("acme/x", at="2d")] == [2, 1]
    assert len(timed.history("acme/x", at="2026-03-03")) == 2
    assert [one.latest for one in timed.models(at="2026-03-02")] == [1]
    assert len(list(timed.search("size > 0", at="2d"))) == 2
    with pytest.raises(VersionNotFound):
        timed.version("acme/x@staging", at="2026-03-01")
    with pytest.raises(InvalidPast):
        timed.version("acme/x@staging", at="1y")


def test_an_end_is_a_date_or_a_duration_from_now_on(timed: Registry, clock: list[datetime]) -> None:
    """What ends is recorded with its time in RFC 3339, whichever way it was written."""
    version, now = timed.version("acme/x@1"), clock[0]
    timed.people.grant("Ada", "auditor", "acme")
    assert (
        version.retain("2027-01-01", reason="law").read(RetentionSet).until == "2027-01-01T00:00:00.000000Z"
    )
    assert read_time(version.retain("52w", reason="law").read(RetentionSet).until or "") == now + timedelta(
        weeks=52
    )
    added = timed.people.add("Vera", Identity.generate().public, expires="90d").read(PrincipalRegistered)
    (key,) = timed.people.get(added.principal).keys
    assert read_time(key.expires or "") == now + timedelta(days=90)
    enrolled = timed.people.enrol("Vera", Identity.generate().public, expires="12h").read(KeyEnrolled)
    assert read_time(enrolled.expires or "") == now + timedelta(hours=12)


def test_waivers_and_approvals_end_by_a_duration(
    timed: Registry, settings: Settings, clock: list[datetime]
) -> None:
    """A waiver of the longest duration that a policy allows is accepted, and an approval with an end too."""
    timed.policies.set("acme/x", "production", POLICY, reason="agreed")
    vera = Identity.generate()
    timed.people.add("Vera", vera.public)
    timed.people.grant("Vera", "validator", "acme")
    timed.version("acme/x@1").waive("production", ["approvals"], "14d", "holiday")
    with muniment.open(settings=settings, identity=vera, clock=lambda: clock[0]) as theirs:
        theirs.version("acme/x@1").approve("production", "validator", "fine", expires="2026-12-05")
    claims = timed.version("acme/x@1").claims()
    (waiver,) = (one.predicate for one in claims if one.predicate_type == WAIVER)
    (approval,) = (Approval.read(one.predicate) for one in claims if one.predicate_type == APPROVAL)
    assert waiver["until"] == "2026-03-18T12:00:00.000000Z"
    assert approval.expires == "2026-12-05T00:00:00.000000Z"


def test_commands_take_dates_and_durations(
    settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commands take dates and durations, and their help says what they mean."""
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))

    def call(*words: str) -> str:
        result = CliRunner().invoke(main, list(words))
        assert result.exit_code == 0, result.output
        return result.output

    call("init")
    call("push", str(model), "acme/x")
    call("role", "grant", "Ada", "auditor", "acme")
    assert "kept until 2126-12-05T00:00:00" in call(
        "retain", "acme/x", "--until", "2126-12-05", "--reason", "x"
    )
    assert "acme/x" not in call("list", "acme/", "--at", "1d")
    help_text = " ".join(call("retain", "--help").split())
    assert "a date in UTC such as 2026-12-05, or a duration such as 14d" in help_text
