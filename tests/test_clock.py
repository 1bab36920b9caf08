"""The clock: a jump is recorded, rules that depend on the time wait for an admin, and nothing ages by it."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import muniment
from muniment.cli.main import main
from muniment.client.audit.auditing import audit
from muniment.client.connection.settings import Settings
from muniment.client.proofs.memory import DirectoryMemory
from muniment.client.proofs.trust import TrustedBackend
from muniment.client.sdk.registry import Registry
from muniment.core import events
from muniment.core.backend import Backend
from muniment.core.canonical import JsonObject
from muniment.core.clock import MAX_STEP, NOW, Confirmation, Jump, Timeline, is_jump, smooth
from muniment.core.digests import Digest
from muniment.core.errors import (
    AnswerAhead,
    AnswerStale,
    AuditFailed,
    ClockDisagrees,
    GateFailed,
    InvalidDocument,
    NothingToConfirm,
    NotPermitted,
    ReasonNeeded,
)
from muniment.core.events import Entry, read_entry, write_entry
from muniment.core.gates.policy import Gate
from muniment.core.names import Alias, Reference
from muniment.core.payloads import Payload
from muniment.core.people.callers import REGISTRY, Caller
from muniment.core.people.roles import Role
from muniment.core.times import write_time
from muniment.core.verbs.catalog import SetTag
from muniment.core.verbs.gates import JudgeGate, MoveAlias
from muniment.core.verbs.log import ConfirmTime, ListClockJumps
from muniment.core.verbs.people import GrantRole, RegisterPrincipal
from muniment.ports.unit import Unit
from muniment.server.doctor import examine
from muniment.server.parts import open_parts
from muniment.services.backend import LocalBackend
from muniment.services.upkeep.rebuild import find_false
from muniment.signing.keys import Identity
from muniment.testing import open_memory
from muniment.testing.backends import NAME, PRODUCTION, publish, set_policy
from muniment.testing.live import LiveServer, run_server

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
STAGING = Alias("staging")
SOAK: JsonObject = {"rule": "soak", "alias": "staging", "least": "14d"}
DAY = timedelta(days=1)


class Town:
    """A registry in memory with a clock that is set: Fay founded it, Ada is an admin who makes models."""

    def __init__(self, *rules: JsonObject, vouching: str = "independent") -> None:
        self.clock = START
        self._open_as = open_memory(START - DAY)
        self.keys = {"Fay": Identity.generate()}
        self.fay = self.open_as("Fay")
        self.add("Ada", Role.ADMIN, Role.CONTRIBUTOR)
        self.add("Gus", Role.ADMIN)
        self.ada, self.gus = self.open_as("Ada"), self.open_as("Gus")
        publish(self.ada, self.keys["Ada"], b"one")
        set_policy(self.fay, self.keys["Fay"], *(rules or (SOAK,)), vouching=vouching)
        self.ada.execute(MoveAlias(reference=Reference(NAME, 1), alias=STAGING))

    def open_as(self, name: str) -> LocalBackend:
        backend = self._open_as(self.keys[name])
        backend._clock = lambda: self.clock
        backend._signer = replace(backend._signer, clock=lambda: self.clock)
        return backend

    def add(self, name: str, *roles: Role) -> None:
        self.keys[name] = Identity.generate()
        self.fay.execute(RegisterPrincipal(name=Payload.of(name), public_key=self.keys[name].public.pem))
        for role in roles:
            self.fay.execute(GrantRole(principal=name, role=role, namespace="*"))

    def wait(self, days: float, *, steps: int = 1) -> None:
        """Let days pass, in which something happens now and then."""
        for _ in range(steps):
            self.clock += timedelta(days=days) / steps
            self.tag()

    def tag(self) -> int:
        """Record something harmless."""
        value = Payload.of(str(self.clock))
        return self.ada.execute(SetTag(reference=Reference(NAME, 1), key="seen", value=value)).index

    def judge(self) -> Gate:
        return self.fay.ask(JudgeGate(reference=Reference(NAME, 1), alias=PRODUCTION))

    def promote(self) -> int:
        return self.ada.execute(MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION)).index

    def confirm(self, backend: Backend) -> int:
        date = write_time(self.clock)[:10]
        return backend.execute(ConfirmTime(date=date, reason=Payload.of("by my watch"))).index

    def refuses(self) -> str:
        """Check that the gate is closed, as the registry and as a client judges; return why."""
        gate = self.judge()
        assert not gate.passed
        with pytest.raises(GateFailed):
            self.promote()
        return " ".join(gate.failures)

    def entries(self) -> list[Entry]:
        leaves = self.fay._units.read(lambda unit: unit.log.read(0, 1_000))
        return [read_entry(leaf, index) for index, leaf in enumerate(leaves)]

    def audit(self, tmp_path: Path) -> None:
        """Check that a replay of the log finds no fault."""
        assert self.fay._units.read(find_false) is None
        backend = TrustedBackend(
            self.fay, DirectoryMemory(tmp_path, "here"), "here", clock=lambda: self.clock
        )
        for namespace in (None, "acme"):
            assert audit(backend, namespace).fault is None


def test_time_that_passes_ages_a_version() -> None:
    """A clock that runs on needs no confirmation, however long all takes."""
    town = Town()
    town.wait(13, steps=3)
    assert "13d so far" in town.refuses()
    town.wait(1)
    assert town.judge().passed
    assert not [one for one in town.entries() if isinstance(one.event, events.ClockJumped)]
    town.promote()


def test_a_clock_that_is_set_ahead_ages_nothing() -> None:
    """Neither at once nor after harmless entries does a jump defeat `soak`; the gate says what to do."""
    town = Town()
    town.clock += timedelta(days=60)
    gate = town.judge()
    (finding,) = (one for one in gate.verdicts[0].findings if one.id == "soak")
    assert "the clock jumped 60d ahead" in finding.message
    assert finding.remedy == "muniment admin confirm-time DATE --reason TEXT"
    assert "no admin who is no author has confirmed" in town.refuses()
    for _ in range(3):
        town.tag()
        assert "the clock jumped 60d ahead" in town.refuses()
    town.wait(30, steps=6)
    assert "the clock jumped 60d ahead" in town.refuses()


def test_an_admin_who_is_no_author_confirms_the_time(tmp_path: Path) -> None:
    """An author's word does not count for their version; that of an admin who is none does."""
    town = Town()
    town.clock += timedelta(days=60)
    assert town.confirm(town.ada)
    town.refuses()
    with pytest.raises(NothingToConfirm):
        town.confirm(town.ada)
    town.confirm(town.gus)
    gate = town.judge()
    assert gate.passed
    (finding,) = (one for one in gate.verdicts[0].findings if one.id == "soak")
    assert finding.message.startswith("60d, by the clock as confirmed after its jump at entry")
    town.promote()
    town.audit(tmp_path)


def test_a_puppet_of_an_author_confirms_no_time() -> None:
    """An admin whom an author registered does not count, unless the policy takes anybody's word."""
    for vouching, passes in (("independent", False), ("any", True)):
        town = Town(vouching=vouching)
        town.keys["Puppet"] = Identity.generate()
        pem = town.keys["Puppet"].public.pem
        town.ada.execute(RegisterPrincipal(name=Payload.of("Puppet"), public_key=pem))
        town.ada.execute(GrantRole(principal="Puppet", role=Role.ADMIN, namespace="*"))
        town.clock += timedelta(days=60)
        town.confirm(town.open_as("Puppet"))
        assert town.judge().passed is passes
        # An author's own word counts under neither.
        other = Town(vouching=vouching)
        other.clock += timedelta(days=60)
        other.confirm(other.ada)
        assert not other.judge().passed


def test_each_jump_has_to_be_confirmed() -> None:
    """A confirmation is of the clock as it was then: another jump needs another one."""
    town = Town()
    town.clock += timedelta(days=10)
    town.confirm(town.gus)
    town.clock += timedelta(days=10)
    assert "the clock jumped 10d ahead" in town.refuses()
    town.confirm(town.gus)
    assert town.judge().passed


def test_after_an_excursion_entries_carry_the_true_clock(tmp_path: Path) -> None:
    """The log keeps its order, each entry says what the clock said, and the true clock ages the version."""
    town = Town()
    town.wait(3)
    ahead = START + timedelta(days=400)
    true, town.clock = town.clock, ahead
    town.tag()
    town.clock = true + DAY
    index = town.tag()
    entry = town.entries()[index]
    assert (entry.time, entry.clock) == (write_time(ahead), write_time(true + DAY))
    assert "4d so far, by the clock as it runs on after its jump at entry" in town.refuses()
    town.wait(9, steps=2)
    assert "13d so far" in town.refuses()
    town.wait(1)
    assert town.judge().passed
    town.promote()
    times = [one.time for one in town.entries()]
    assert times == sorted(times)
    town.audit(tmp_path)


def test_what_was_moved_during_an_excursion_soaks_from_its_end() -> None:
    """A version that came under an alias while the clock was ahead begins to age when it is right again."""
    town = Town()
    publish(town.ada, town.keys["Ada"], b"two")
    town.clock += timedelta(days=100)
    town.ada.execute(MoveAlias(reference=Reference(NAME, 2), alias=STAGING))
    town.clock = START + 2 * DAY
    town.tag()
    town.wait(13, steps=3)
    two = JudgeGate(reference=Reference(NAME, 2), alias=PRODUCTION)
    assert "13d so far" in " ".join(town.fay.ask(two).failures)
    town.wait(1)
    assert town.fay.ask(two).passed


def test_a_clock_that_is_set_back_leaves_no_freeze() -> None:
    """Before a freeze begins again, by the clock, nothing moves until an admin confirms the time."""
    begins, ends = write_time(START + DAY), write_time(START + 5 * DAY)
    town = Town({"rule": "window", "freezes": [{"from": begins, "until": ends}]})
    town.wait(2)
    assert "changes are frozen" in town.refuses()
    town.clock = START
    assert "the clock jumped 2d back" in town.refuses()
    town.clock = START + 6 * DAY
    assert town.judge().passed


@pytest.mark.parametrize(
    "rule",
    [
        {"rule": "window", "freezes": [{"from": "2026-01-01", "until": "2026-02-01"}]},
        {"rule": "window", "hours": "00:00-23:59"},
        {"rule": "cel", "expression": "now > '2026-02'"},
    ],
    ids=["freeze", "window", "expression"],
)
def test_what_depends_on_the_time_waits_for_a_confirmation(rule: JsonObject) -> None:
    """A jump past the end of a freeze ends it only once an admin has confirmed the time."""
    if rule["rule"] == "cel":
        pytest.importorskip("cel", reason="needs the extra cel")
    freezes = [{"from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}]
    town = Town({**rule, "freezes": freezes} if "freezes" in rule else rule)
    town.clock += timedelta(days=40)
    assert "the clock jumped 40d ahead" in town.refuses()
    town.tag()
    assert "the clock jumped 40d ahead" in town.refuses()
    town.confirm(town.gus)
    assert town.judge().passed
    town.promote()


def test_a_confirmation_names_the_date() -> None:
    """The clock has to agree with the date that the admin gives; only an admin everywhere confirms it."""
    town = Town()
    with pytest.raises(NothingToConfirm):
        town.confirm(town.gus)
    town.clock += timedelta(days=60)
    with pytest.raises(ClockDisagrees, match="2026-03-06"):
        town.gus.execute(ConfirmTime(date="2026-01-05", reason=Payload.of("by my watch")))
    with pytest.raises(ReasonNeeded):
        town.gus.execute(ConfirmTime(date="2026-03-06", reason=Payload.of(" ")))
    town.add("Rita", Role.READER, Role.AUDITOR)
    with pytest.raises(NotPermitted):
        town.confirm(town.open_as("Rita"))
    town.confirm(town.gus)
    (jump,) = town.fay.ask(ListClockJumps())
    (confirmation,) = jump.confirmations
    assert (jump.record.before[:10], jump.record.after[:10]) == ("2026-01-05", "2026-03-06")
    assert confirmation.reason == "by my watch"


def test_clients_refuse_a_clock_that_is_ahead_until_it_is_right(tmp_path: Path) -> None:
    """While the clock is ahead, a client with a greatest age believes nothing; afterwards it goes on."""
    town = Town()
    true = town.clock

    def open_client() -> TrustedBackend:
        memory = DirectoryMemory(tmp_path, "here")
        return TrustedBackend(town.fay, memory, "here", clock=lambda: true, max_age_s=3600)

    client = open_client()
    town.clock = true + timedelta(days=60)
    town.tag()
    for ask in (open_client, lambda: client.ask(ListClockJumps())):
        with pytest.raises(AnswerAhead):
            ask()
    town.clock = true
    town.tag()
    assert len(client.ask(ListClockJumps())) == 2
    assert len(open_client().ask(ListClockJumps())) == 2
    true += timedelta(hours=2)
    with pytest.raises(AnswerStale):
        open_client()


# ---- forged logs


def forge(town: Town, event: events.Event, actor: str, when: datetime, **changes: object) -> None:
    """Append an entry past the checks of the service, which is at a time."""

    def work(unit: Unit) -> None:
        tx = replace(town.fay.begin(unit), caller=Caller(principal=actor, direct=True), clock=lambda: when)
        for name, value in changes.items():
            vars(tx)[name] = value
        tx.record(event)

    town.fay._units.write(work)


def test_a_replay_refuses_a_forged_confirmation() -> None:
    """Who is no admin confirms nothing, and nobody another jump or date than that of the entry."""
    reason = Digest.of(b"because")
    for actor, jump, date, why in (
        ("Rita", None, "2026-03-06", "not_permitted"),
        ("Gus", 3, "2026-03-06", "is not the newest jump"),
        ("Gus", None, "2026-01-05", "it confirms the date 2026-01-05"),
    ):
        town = Town()
        town.add("Rita", Role.READER)
        town.clock += timedelta(days=60)
        town.tag()
        (newest,) = town.fay.ask(ListClockJumps())
        event = events.TimeConfirmed(
            jump=newest.record.index if jump is None else jump, date=date, reason=reason
        )
        principal = town.open_as(actor)._caller.principal
        assert principal is not None
        forge(town, event, principal, town.clock)
        fault = town.fay._units.read(find_false)
        assert isinstance(fault, AuditFailed)
        assert why in fault.sentence
        assert fault.index == len(town.entries()) - 1


def test_a_replay_misses_a_jump_that_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the clock jumps and no entry says so, the log is false; so it is where an entry makes one up."""
    town = Town()
    monkeypatch.setattr("muniment.services.transaction.is_jump", lambda *_: False)
    town.clock += timedelta(days=60)
    index = town.tag()
    fault = town.fay._units.read(find_false)
    assert isinstance(fault, AuditFailed)
    assert (fault.rule, fault.index) == ("time", index - 1)
    assert "no entry says so" in fault.sentence
    monkeypatch.undo()
    for before, why in ((START - 90 * DAY, "the clock said"), (START, "is no jump")):
        town = Town()
        forge(town, events.ClockJumped(before=write_time(before)), REGISTRY, START)
        fault = town.fay._units.read(find_false)
        assert isinstance(fault, AuditFailed)
        assert why in fault.sentence


def test_the_clock_of_an_entry_is_before_its_time() -> None:
    """An entry has a clock only if that differs, and is read as it was written."""
    town = Town()
    entry = town.entries()[-1]
    behind = replace(entry, clock="2026-01-01T00:00:00.000000Z")
    assert read_entry(write_entry(behind), entry.index) == behind
    assert (behind.when, entry.when) == (behind.clock, entry.time)
    with pytest.raises(InvalidDocument, match="clock"):
        read_entry(write_entry(replace(entry, clock=entry.time)), entry.index)


# ---- the timeline


def follow(steps: Sequence[tuple[int, int]]) -> tuple[list[datetime], list[str], list[Jump]]:
    """Let a clock run: hours that pass, and days it is ahead; give the true times, its own, its jumps."""
    true, clock, jumps = [START], [write_time(START)], list[Jump]()
    for hours, ahead in steps:
        true.append(true[-1] + timedelta(hours=hours))
        now = smooth(clock[-1], write_time(true[-1] + timedelta(days=ahead)))
        if is_jump(clock[-1], now):
            jumps.append(Jump(entry=len(clock), before=clock[-1], after=now))
        clock.append(now)
    return true, clock, jumps


AHEAD = st.one_of(st.just(0), st.integers(MAX_STEP.days + 1, 500))
STEPS = st.lists(st.tuples(st.integers(1, 40 * 24), AHEAD), min_size=1, max_size=12)


@given(STEPS, st.data())
def test_no_jump_makes_anything_older_than_it_is(steps: list[tuple[int, int]], data: st.DataObject) -> None:
    """Whenever the clock is ahead by more than the bound, no period is measured as longer than it was."""
    true, clock, jumps = follow(steps)
    timeline = Timeline(jumps, lambda _: True)
    begin = data.draw(st.integers(0, len(clock) - 1))
    end = data.draw(st.integers(begin, len(clock) - 1))
    measured = timeline.measure((begin, clock[begin]), (end, clock[end]))
    assert measured <= true[end] - true[begin]
    lasting = timeline.measure((begin, clock[begin]), (NOW, clock[-1]))
    assert lasting <= true[-1] - true[begin]
    # What is believed to be the time is the time.
    if timeline.is_credible(clock[-1]):
        assert clock[-1] == write_time(true[-1])


@given(st.lists(st.integers(1, 7 * 24), min_size=1, max_size=12))
def test_a_clock_that_runs_on_measures_exactly(hours: list[int]) -> None:
    """Without a jump, a period is as long as its times say."""
    true, clock, jumps = follow([(one, 0) for one in hours])
    assert not jumps
    timeline = Timeline(jumps, lambda _: False)
    assert timeline.measure((0, clock[0]), (NOW, clock[-1])) == true[-1] - true[0]
    assert timeline.describe() == ""


@given(st.lists(st.integers(1, 60 * 24), min_size=1, max_size=12))
def test_a_quiet_registry_counts_once_it_is_confirmed(hours: list[int]) -> None:
    """Where nothing happened for long and an admin confirmed each time, a period is as long as it was."""
    true, clock, jumps = follow([(one, 0) for one in hours])
    said = Confirmation(principal="Gus", guarantors=(frozenset(),))
    confirmed = [replace(jump, confirmations=(said,)) for jump in jumps]
    timeline = Timeline(confirmed, lambda one: one.counts(frozenset({"Ada"})))
    assert timeline.measure((0, clock[0]), (NOW, clock[-1])) == true[-1] - true[0]
    assert timeline.is_credible(clock[-1])


# ---- embedded


@pytest.fixture
def clock() -> list[datetime]:
    """Give the time, to be set."""
    return [datetime.now(UTC)]


@pytest.fixture
def registry(settings: Settings, tmp_path: Path, clock: list[datetime]) -> Iterator[Registry]:
    """Give a registry in a directory with a version in staging, which has to soak for 14 days."""
    with muniment.open(settings=settings, create=True, clock=lambda: clock[0]) as registry:
        (tmp_path / "w.bin").write_bytes(b"weights")
        registry.push(tmp_path / "w.bin", "acme/x", alias="staging")
        registry.policies.set("acme/x", "production", {"vouching": "any", "rules": [SOAK]}, reason="agreed")
        yield registry


def add_admin(registry: Registry, settings: Settings, clock: list[datetime]) -> Registry:
    gus = Identity.generate()
    registry.people.add("Gus", gus.public)
    registry.people.grant("Gus", "admin")
    return muniment.open(settings=settings, identity=gus, clock=lambda: clock[0])


def test_a_directory_with_a_clock_that_is_ahead(
    registry: Registry, settings: Settings, clock: list[datetime]
) -> None:
    """In a directory, a clock 60 days ahead defeats no soak: the SDK says so, and how an admin ends it."""
    gus = add_admin(registry, settings, clock)
    clock[0] += timedelta(days=60)
    gate = registry.version("acme/x@1").check("production")
    assert gate.verdicts[0].unproven == ()
    assert "the clock jumped 60d ahead" in gate.failures[0]
    with pytest.raises(GateFailed) as refused:
        registry.promote("acme/x@1", "production")
    assert "the clock jumped 60d ahead" in refused.value.failures[0]
    today = write_time(clock[0])[:10]
    registry.confirm_time(today, "I made it myself")
    assert not registry.version("acme/x@1").check("production").passed
    gus.confirm_time(today, "by my watch")
    assert registry.version("acme/x@1").check("production").passed
    registry.promote("acme/x@1", "production")
    assert registry.audit().passed
    assert registry.audit("acme").passed
    (jump,) = registry.clock_jumps()
    assert len(jump.confirmations) == 2
    shown = str(registry.view_clock())
    assert "60d ahead" in shown
    assert "by my watch" in shown


def test_looking_with_a_clock_that_is_ahead_leaves_nothing_behind(
    registry: Registry, settings: Settings, clock: list[datetime]
) -> None:
    """What was only looked at while the clock was ahead does not make later answers look old."""
    for ahead in (60, 0):
        true, clock[0] = clock[0], clock[0] + timedelta(days=ahead)
        with muniment.open(settings=settings, clock=lambda: clock[0]) as again:
            assert again.version("acme/x@1").record.number == 1
        clock[0] = true
    assert registry.version("acme/x@1").record.number == 1
    assert registry.clock_jumps() == ()


def test_the_doctor_names_entries_that_are_ahead(
    registry: Registry, settings: Settings, clock: list[datetime]
) -> None:
    """After an excursion the doctor names its entries, and says when the time has to be confirmed."""
    clock[0] += timedelta(days=60)
    registry.version("acme/x@1").tag("seen", "then")
    clock[0] -= timedelta(days=60) - timedelta(minutes=1)
    last = registry.version("acme/x@1").tag("seen", "now").index
    with open_parts(Path(settings.location)) as parts:
        faults = {one.what: one.fault for one in examine(parts) if one.fault}
    (fault,) = faults.values()
    first = next(one.record.index for one in registry.clock_jumps())
    assert f"entries {first} to {last - 2} are dated ahead of the clock" in fault
    shown = CliRunner().invoke(main, ["--registry", settings.location, "entry", str(last)])
    assert "in the order of the log" in shown.output, shown.output


def test_the_commands_of_the_clock(registry: Registry, settings: Settings, clock: list[datetime]) -> None:
    """`muniment admin clock` shows jumps, and `confirm-time` confirms the date."""

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["--registry", settings.location, *words])
        return result.exit_code, result.output

    assert "has never jumped" in run("admin", "clock")[1]
    clock[0] -= timedelta(days=30)
    registry.version("acme/x@1").tag("seen", "then")
    code, said = run("admin", "clock")
    assert code == 0
    assert "30d back" in said
    # The machine that looks has the right time again, so nothing is to be done.
    wanted = "muniment admin confirm-time DATE --reason TEXT"
    assert wanted not in said
    assert registry.view_clock().next == (wanted,)
    code, said = run("admin", "confirm-time", "2001-01-01", "--reason", "by my watch")
    assert code == 3
    assert "clock_disagrees" in said
    today = datetime.now(UTC).date().isoformat()
    code, said = run("admin", "confirm-time", today, "--reason", "by my watch")
    assert code == 0, said
    assert f"{today} is confirmed" in said
    assert "by my watch" in run("admin", "clock")[1]


# ---- served


# The clock of the machine, as many days ahead as a file says.
SERVE = """
import sys
from datetime import timedelta
from pathlib import Path
import muniment.capture.clock as clock
now, ahead = clock.now, Path(sys.argv.pop(1))
clock.now = lambda: now() + timedelta(days=float(ahead.read_text()))
from muniment.cli.main import main
sys.argv.insert(1, "serve")
main()
"""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[LiveServer, Path]]:
    """Give a server, and the file that sets its clock."""
    ahead = tmp_path / "ahead"
    ahead.write_text("0")
    script = tmp_path / "serve.py"
    script.write_text(SERVE)
    with run_server(tmp_path / "server", command=[sys.executable, str(script), str(ahead)]) as server:
        yield server, ahead


def test_a_server_with_a_clock_that_is_ahead(served: tuple[LiveServer, Path]) -> None:
    """Over HTTP, a clock that is set to another day ages nothing until an admin confirms the date."""
    server, ahead = served
    key, gus_key = Identity.generate(), Identity.generate()
    ada = server.open_as(key)
    publish(ada, key, b"one")
    ada.execute(RegisterPrincipal(name=Payload.of("Gus"), public_key=gus_key.public.pem))
    ada.execute(GrantRole(principal="Gus", role=Role.ADMIN, namespace="*"))
    ada.execute(MoveAlias(reference=Reference(NAME, 1), alias=STAGING))
    set_policy(ada, key, {**SOAK, "least": "1h"})
    gus = server.open_as(gus_key)
    judge = JudgeGate(reference=Reference(NAME, 1), alias=PRODUCTION)
    ahead.write_text("-30")
    assert "the clock jumped 30d back" in ada.ask(judge).failures[0]
    with pytest.raises(GateFailed) as refused:
        ada.execute(MoveAlias(reference=Reference(NAME, 1), alias=PRODUCTION))
    assert "the clock jumped 30d back" in refused.value.failures[0]
    date = (datetime.now(UTC) - timedelta(days=30)).date().isoformat()
    gus.execute(ConfirmTime(date=date, reason=Payload.of("by my watch")))
    assert "so far, by the clock as confirmed" in ada.ask(judge).failures[0]
    ahead.write_text("0")
    assert "the clock jumped 30d ahead" in ada.ask(judge).failures[0]
    (jump,) = ada.ask(ListClockJumps())
    assert len(jump.confirmations) == 1
