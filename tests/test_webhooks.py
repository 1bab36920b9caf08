"""Webhooks: signed, in order, at least once after any crash, and given up in the end."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from click.testing import CliRunner
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cloudevents.core.formats.json import JSONFormat
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from muniment.cli.main import main
from muniment.core.backend import Backend
from muniment.core.errors import InvalidOption, NotPermitted, RegistryUnreachable, WebhookNotFound
from muniment.core.events import Entry, TagSet
from muniment.core.names import Alias, ModelName, Reference
from muniment.core.payloads import Payload
from muniment.core.people.roles import Role
from muniment.core.verbs.catalog import SetTag
from muniment.core.verbs.gates import MoveAlias
from muniment.core.verbs.people import ErasePrincipal, GetSelf
from muniment.core.verbs.upkeep import EndWebhook, Form, ListWebhooks, ReplayWebhook, SetWebhook
from muniment.ports.unit import Units
from muniment.server.jobs import AGAIN, Jobs
from muniment.server.webhooks import MOST_FAILURES, Deliveries, write_message
from muniment.services.upkeep.webhooks import WEBHOOK, plan_deliveries
from muniment.signing.keys import Identity
from muniment.stores.sql.postgresql import open_postgresql
from muniment.stores.sql.sqlite import open_sqlite
from muniment.testing import MemoryBlobs, MemoryUnits, open_over
from muniment.testing.backends import NAME, add_person, publish, refuses
from muniment.testing.live import run_server
from muniment.testing.servers import find_port

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def target(url: str = "https://hooks.example.org/x", secret: str = SECRET) -> Payload:
    return Payload.of(json.dumps({"url": url, "secret": secret}))


class Receiver:
    """What deliveries come to: it keeps them, and answers as it is told."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes, dict[str, str]]] = []
        self.answers: Callable[[dict[str, object]], int] = lambda _event: 200

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        self.got.append((url, body, headers))
        return self.answers(json.loads(body))

    @property
    def entries(self) -> list[int]:
        return [json.loads(body)["data"]["entry"] for _, body, _ in self.got]


class Stage:
    """A registry, its webhook, and the jobs that tell it, at a time of our own."""

    def __init__(self, units: Units, blobs: MemoryBlobs, key: Identity) -> None:
        self.units = units
        self.receiver = Receiver()
        self.time = NOW
        self.key = key
        self.open_as = open_over(units, blobs)
        self.backend: Backend = self.open_as(key)
        deliveries = Deliveries(
            units=units, clock=lambda: self.time, origin="muniment.dev/x", send=self.receiver
        )
        self.deliver = deliveries.deliver
        self.jobs = Jobs(units, lambda: self.time, {WEBHOOK: deliveries.deliver}, {}, [plan_deliveries])

    def set(self, *events: str, namespace: str = "acme") -> int:
        command = SetWebhook(namespace=namespace, target=target(), events=events)
        return self.backend.execute(command).index

    def work(self, rounds: int = 20) -> None:
        """Do what is due, as a server does at each look."""
        for _ in range(rounds):
            self.jobs.schedule()
            if not self.jobs.do_next():
                return


@pytest.fixture(params=["memory", "sqlite"])
def stage(request: pytest.FixtureRequest, tmp_path: Path, owner: Identity) -> Iterator[Stage]:
    blobs = MemoryBlobs()
    units: Units = MemoryUnits(blobs)
    if request.param == "sqlite":
        units = open_sqlite(tmp_path / "registry.db", blobs)
    yield Stage(units, blobs, owner)
    units.close()


def moves(stage: Stage, count: int) -> list[int]:
    return [
        stage.backend.execute(MoveAlias(reference=Reference(NAME, 1 + n % 2), alias=Alias("staging"))).index
        for n in range(count)
    ]


def test_events_are_cloudevents_that_verify(stage: Stage) -> None:
    """A delivery is a CloudEvent about one entry, whose signature holds for its time only."""
    hook = stage.set()
    published = publish(stage.backend, stage.key, b"a")
    stage.work()
    first = stage.receiver.got[0]
    url, body, headers = first
    assert url == "https://hooks.example.org/x"
    stage_time = {"webhook-timestamp": str(int(time.time()))}
    with pytest.raises(WebhookVerificationError):
        Verifier(SECRET).verify(body, {**headers, **stage_time})
    message = HTTPMessage(headers=headers, body=body)
    event = from_structured_event(message, JSONFormat())
    assert event.get_type() == "dev.muniment.version.published"
    assert event.get_subject() == "acme/readmission@1"
    assert event.get_source() == "muniment.dev/x"
    assert event.get_id() == headers["webhook-id"] == published.entry.id
    data = event.get_data()
    assert isinstance(data, dict)
    assert data["entry"] == published.index
    assert hook not in stage.receiver.entries, "it is told of what comes after it"


def test_a_signature_is_what_standard_webhooks_verifies(stage: Stage) -> None:
    """The Standard Webhooks library accepts each signature and refuses an altered body."""
    stage.time = datetime.now(UTC)
    stage.set()
    publish(stage.backend, stage.key, b"a")
    stage.work()
    for _, body, headers in stage.receiver.got:
        assert Verifier(SECRET).verify(body, headers) == json.loads(body)
        with pytest.raises(WebhookVerificationError):
            Verifier(SECRET).verify(body + b" ", headers)


def test_only_what_is_asked_for_of_the_namespace(stage: Stage) -> None:
    """A webhook gets only the event types that it asks for, of its own namespace."""
    stage.set("version.published")
    publish(stage.backend, stage.key, b"a")
    publish(stage.backend, stage.key, b"b", name=ModelName("other", "model"))
    publish(stage.backend, stage.key, b"c")
    stage.work()
    subjects = [json.loads(body)["subject"] for _, body, _ in stage.receiver.got]
    assert subjects == ["acme/readmission@1", "acme/readmission@2"]


def test_what_fails_is_tried_again_in_order(stage: Stage) -> None:
    """A failed delivery is retried after a pause, and later events wait for it."""
    stage.set("alias.moved")
    publish(stage.backend, stage.key, b"a")
    publish(stage.backend, stage.key, b"b")
    entries = moves(stage, 5)
    stage.receiver.answers = lambda event: 503 if event["data"]["entry"] == entries[2] else 200  # type: ignore[index] # a JSON object
    stage.work()
    assert stage.receiver.entries == entries[:3], "those behind it wait"
    stage.work()
    assert stage.receiver.entries == entries[:3], "and it pauses"
    stage.time += timedelta(minutes=1)
    stage.work()
    assert stage.receiver.entries == [*entries[:3], entries[2]]
    stage.receiver.answers = lambda _event: 200
    stage.time += timedelta(hours=1)
    stage.work()
    assert stage.receiver.entries == [*entries[:3], entries[2], *entries[2:]]


def test_what_is_given_up_is_a_dead_letter_that_can_be_replayed(stage: Stage) -> None:
    """After the last failure an event becomes a dead letter, later ones go on, and a replay delivers it."""
    hook = stage.set("alias.moved")
    publish(stage.backend, stage.key, b"a")
    publish(stage.backend, stage.key, b"b")
    entries = moves(stage, 3)
    stage.receiver.answers = lambda event: 500 if event["data"]["entry"] == entries[1] else 200  # type: ignore[index] # a JSON object
    for _ in range(MOST_FAILURES + 2):
        stage.work()
        stage.time += timedelta(hours=7)
    assert stage.receiver.entries.count(entries[1]) == MOST_FAILURES
    assert stage.receiver.entries[-1] == entries[2], "those behind it go on"
    (webhook,) = stage.backend.ask(ListWebhooks(namespace="acme"))
    assert [(letter.entry, letter.fault) for letter in webhook.failed] == [(entries[1], "it answered 500")]
    stage.receiver.answers = lambda _event: 200
    stage.backend.execute(ReplayWebhook(webhook=hook))
    stage.work()
    assert stage.receiver.entries[-1] == entries[1]
    assert stage.backend.ask(ListWebhooks(namespace="acme"))[0].failed == ()


def test_a_replay_tells_everything_again(stage: Stage) -> None:
    """A replay delivers every event since an entry again, with the same ids."""
    hook = stage.set("alias.moved")
    publish(stage.backend, stage.key, b"a")
    publish(stage.backend, stage.key, b"b")
    entries = moves(stage, 4)
    stage.work()
    assert stage.receiver.entries == entries
    stage.backend.execute(ReplayWebhook(webhook=hook, since=entries[2]))
    stage.work()
    assert stage.receiver.entries == [*entries, *entries[2:]]
    ids = [headers["webhook-id"] for _, _, headers in stage.receiver.got]
    assert ids[2] == ids[4], "a receiver that keeps the ids notices"


def test_a_worker_that_dies_is_followed_by_another(stage: Stage) -> None:
    """After a worker dies, the next one repeats unrecorded deliveries in order."""
    stage.set("alias.moved")
    publish(stage.backend, stage.key, b"a")
    publish(stage.backend, stage.key, b"b")
    entries = moves(stage, 6)

    class Killed(BaseException):
        """What a killed process does not catch."""

    def die(event: dict[str, object]) -> int:
        if event["data"]["entry"] == entries[3]:  # type: ignore[index] # a JSON object
            raise Killed
        return 200

    stage.receiver.answers = die
    with pytest.raises(Killed):
        stage.work()
    stage.receiver.answers = lambda _event: 200
    stage.work()
    assert stage.receiver.entries == entries[:4], "the lease holds"
    stage.time += timedelta(hours=1)
    stage.work()
    rest = stage.receiver.entries[4:]
    assert rest[-6:] == entries or rest == entries[3:]
    assert sorted(set(stage.receiver.entries)) == entries
    assert rest == sorted(rest)


def test_an_end_forgets_the_address(stage: Stage) -> None:
    """An ended webhook gets no deliveries and can be neither listed, ended nor replayed."""
    hook = stage.set()
    stage.backend.execute(EndWebhook(webhook=hook))
    publish(stage.backend, stage.key, b"a")
    stage.work()
    assert stage.receiver.got == []
    assert stage.deliver(str(hook)) == "the webhook has ended"
    assert stage.backend.ask(ListWebhooks(namespace="acme")) == ()
    refuses(lambda: stage.backend.execute(EndWebhook(webhook=hook)), WebhookNotFound)
    refuses(lambda: stage.backend.execute(ReplayWebhook(webhook=hook)), WebhookNotFound)
    refuses(lambda: stage.backend.execute(ReplayWebhook(webhook=999)), WebhookNotFound)


def test_an_erased_person_takes_no_webhook_along(stage: Stage) -> None:
    """Erasing the person who set a webhook keeps it, and an ended one makes no work."""
    hook = stage.set()
    me = stage.backend.ask(GetSelf()).record.id
    stage.backend.execute(ErasePrincipal(principal=me, typed=True))
    assert stage.backend.ask(ListWebhooks(namespace="acme"))[0].url == "https://hooks.example.org/x"
    target_of = stage.backend.ask(ListWebhooks(namespace="acme"))[0].record.target
    stage.units.write(lambda unit: unit.payloads.erase(target_of))
    publish(stage.backend, stage.key, b"a")
    stage.jobs.schedule()
    assert not stage.jobs.do_next()
    assert stage.deliver(str(hook)) == "the webhook has ended"


SLACK = "https://hooks.slack.com/services/T000/B000/hush"
TEAMS = "https://prod-00.westeurope.logic.azure.com:443/workflows/hush/triggers/manual/paths/invoke?sig=hush"


def set_chat(stage: Stage, form: str, url: str) -> int:
    address = Payload.of(json.dumps({"url": url, "form": form}))
    return stage.backend.execute(SetWebhook(namespace="acme", target=address)).index


def test_slack_gets_a_text(stage: Stage) -> None:
    """Slack gets a text, which mentions nobody and has no signature."""
    set_chat(stage, "slack", SLACK)
    entry = publish(stage.backend, stage.key, b"a").index
    stage.work()
    url, body, headers = stage.receiver.got[0]
    assert (url, headers) == (SLACK, {"user-agent": "muniment", "content-type": "application/json"})
    text = f"acme/readmission@1 was published (entry {entry} of muniment.dev/x)"
    assert json.loads(body) == {"text": text, "mrkdwn": False}


def test_slack_gets_no_control_characters() -> None:
    """What could mention a channel or make a link in Slack is escaped."""
    event = TagSet(name=NAME, number=1, tag="<!channel> & co", value=None)
    entry = Entry(index=1, id="1", actor="p", time="2026-01-01T00:00:00Z", about=(), event=event)
    text = str(write_message(Form.SLACK, "muniment.dev/x", entry)["text"])
    assert "&lt;!channel&gt; &amp; co" in text
    assert not set("<>") & set(text)


def test_teams_gets_an_adaptive_card(stage: Stage) -> None:
    """A workflow of Teams gets a message with one Adaptive Card, whose text is not read as Markdown."""
    set_chat(stage, "teams", TEAMS)
    publish(stage.backend, stage.key, b"a")
    stage.work()
    message = json.loads(stage.receiver.got[0][1])
    (attachment,) = message.pop("attachments")
    assert message == {"type": "message"}
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    (block,) = card["body"]
    assert block["type"] == "RichTextBlock"
    (run,) = block["inlines"]
    assert run["text"].startswith("acme/readmission@1 was published (entry ")


@pytest.mark.parametrize(("form", "url"), [("slack", SLACK), ("teams", TEAMS)])
def test_the_address_of_a_chat_is_never_shown(stage: Stage, form: str, url: str) -> None:
    """The address of a chat is neither listed, nor in the log, nor in the fault of a delivery."""
    set_chat(stage, form, url)
    publish(stage.backend, stage.key, b"a")

    def refuse(_event: dict[str, object]) -> int:
        raise OSError(url)

    stage.receiver.answers = refuse
    for _ in range(MOST_FAILURES):
        stage.work()
        stage.time += timedelta(hours=7)
    (webhook,) = stage.backend.ask(ListWebhooks(namespace="acme"))
    faults = [job.fault for job in stage.units.read(lambda unit: unit.jobs.list())]
    leaves = stage.units.read(lambda unit: unit.log.read(0, 100))
    assert webhook.failed, "there is a fault to show"
    assert "hush" not in repr((webhook, faults, leaves))
    assert (webhook.form, webhook.url) == (form, url.partition("/services")[0].partition(":443")[0] + "/...")


def test_a_chat_is_reached_by_https_only(backend: Backend) -> None:
    """The address of a chat, which is a secret, is not sent in the clear; an unknown form is refused."""
    for form, url in (("slack", SLACK.replace("https", "http")), ("irc", SLACK)):
        address = Payload.of(json.dumps({"url": url, "form": form}))
        command = SetWebhook(namespace="acme", target=address)
        refuses(lambda command=command: backend.execute(command), InvalidOption)  # type: ignore[misc] # bound at once


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("ftp://x.example.org", SECRET),
        ("https://", SECRET),
        ("https://user:pass@x.example.org", SECRET),
        ("javascript:alert(1)", SECRET),
        ("https://x.example.org/" + "a" * 2000, SECRET),
        ("https://x.example.org", "short"),
        ("https://x.example.org", "whsec_QUJD"),
    ],
)
def test_an_address_that_is_none(backend: Backend, url: str, secret: str) -> None:
    """A webhook with an invalid address or a weak secret is refused."""
    command = SetWebhook(namespace="acme", target=target(url, secret))
    refuses(lambda: backend.execute(command), InvalidOption)


def test_only_an_admin_sets_and_sees_them(stage: Stage) -> None:
    """Only an admin can set and list webhooks, and unknown events are refused."""
    stage.set()
    wrong = SetWebhook(namespace="acme", target=target(), events=("version.dreamt",))
    refuses(lambda: stage.backend.execute(wrong), InvalidOption)
    bad = SetWebhook(namespace="acme", target=Payload.of("not json"))
    refuses(lambda: stage.backend.execute(bad), InvalidOption)
    for role in Role:
        if role is not Role.ADMIN:
            person = stage.open_as(add_person(stage.backend, f"a {role}", role))
            refuses(lambda person=person: person.ask(ListWebhooks(namespace="acme")), NotPermitted)  # type: ignore[misc] # bound at once
            command = SetWebhook(namespace="acme", target=target())
            refuses(lambda person=person, command=command: person.execute(command), NotPermitted)  # type: ignore[misc] # bound at once


def test_more_than_a_batch(stage: Stage) -> None:
    """More events than fit into a batch are delivered in order by further runs."""
    stage.set("tag.set")
    publish(stage.backend, stage.key, b"a")
    entries = [
        stage.backend.execute(
            SetTag(reference=Reference(NAME, 1), key="n", value=Payload.of(str(number)))
        ).index
        for number in range(230)
    ]
    hook = stage.backend.ask(ListWebhooks(namespace="acme"))[0].record.index
    assert stage.deliver(str(hook)) is AGAIN
    stage.deliver(str(hook))
    assert stage.receiver.entries == entries


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "refused"),
        ConnectionResetError(104, "reset"),
        TimeoutError("timed out"),
        socket.gaierror(-2, "not known"),
        ssl.SSLError(1, "wrong version number"),
        http.client.RemoteDisconnected("closed"),
        http.client.BadStatusLine("SSH-2.0"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_fault_does_not_tell_what_is_at_an_address(stage: Stage, error: Exception) -> None:
    """Whether a port is closed, silent or speaks another language is one fault."""
    hook = stage.set()
    publish(stage.backend, stage.key, b"a")

    def refuse(_event: dict[str, object]) -> int:
        raise error

    stage.receiver.answers = refuse
    with pytest.raises(RegistryUnreachable) as raised:
        stage.deliver(str(hook))
    assert raised.value.reason == "no answer"


@pytest.mark.slow
def test_the_outbox_on_postgresql(database: str, owner: Identity) -> None:
    """The outbox gives up, lists and replays events on PostgreSQL as on SQLite."""
    blobs = MemoryBlobs()
    units = open_postgresql(database, blobs)
    stage = Stage(units, blobs, owner)
    test_what_is_given_up_is_a_dead_letter_that_can_be_replayed(stage)
    units.close()


# ---- for real


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((json.loads(body), body, dict(self.headers.items())))  # type: ignore[attr-defined] # set below
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.slow
def test_a_server_that_is_killed_tells_everything(tmp_path: Path, owner: Identity) -> None:
    """A server killed during deliveries leaves none out after its restart, and keeps their order."""
    receiver = ThreadingHTTPServer(("127.0.0.1", find_port()), _Handler)
    receiver.got = []  # type: ignore[attr-defined] # what came
    thread = threading.Thread(target=receiver.serve_forever, daemon=True)
    thread.start()
    data = tmp_path / "data"
    try:
        with run_server(data, {"MUNIMENT_ALLOW_ADDRESSES": "127.0.0.1"}) as server:
            backend = server.open_as(owner)
            url = f"http://127.0.0.1:{receiver.server_port}/"
            backend.execute(SetWebhook(namespace="acme", target=target(url), events=("tag.set",)))
            publish(backend, owner, b"a")
            entries = [
                backend.execute(SetTag(reference=Reference(NAME, 1), key="n", value=Payload.of(str(n)))).index
                for n in range(40)
            ]
            _wait(lambda: len(receiver.got) >= 1)  # type: ignore[attr-defined] # as above
            server.process.kill()
            server.process.wait()
        # The lease of the one that died ends later: another process begins when it has.
        units = open_sqlite(data / "data" / "registry.db", MemoryBlobs())
        late = datetime.now(UTC) + timedelta(hours=1)
        stage_receiver = _forward(url)
        deliveries = Deliveries(units=units, clock=lambda: late, origin="x", send=stage_receiver)
        jobs = Jobs(units, lambda: late, {WEBHOOK: deliveries.deliver}, {}, [plan_deliveries])
        for _ in range(5):
            jobs.schedule()
            jobs.do_next()
        units.close()
        seen = [event["data"]["entry"] for event, _, _ in receiver.got]  # type: ignore[attr-defined] # as above
        assert sorted(set(seen)) == entries
        firsts = list(dict.fromkeys(seen))
        assert firsts == entries
    finally:
        receiver.shutdown()
        receiver.server_close()
        thread.join()


def _forward(url: str) -> Callable[[str, bytes, dict[str, str]], int]:
    def send(_url: str, body: bytes, headers: dict[str, str]) -> int:
        return httpx2.post(url, content=body, headers=headers).status_code

    return send


def _wait(until: Callable[[], bool], patience_s: float = 30) -> None:
    end = time.monotonic() + patience_s
    while not until():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


@pytest.mark.slow
def test_the_commands(tmp_path: Path, owner: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """`webhook` sets, lists, replays and ends a webhook, and shows its secret once."""
    with run_server(tmp_path, {"MUNIMENT_ALLOW_ADDRESSES": "127.0.0.1"}) as server:
        server.open_as(owner)
        pem = tmp_path / "owner.pem"
        owner.save(pem)
        monkeypatch.setenv("MUNIMENT_URL", server.url)
        monkeypatch.setenv("MUNIMENT_TOKEN", server.tokens[owner.public.id])
        monkeypatch.setenv("MUNIMENT_IDENTITY", str(pem))

        def call(*arguments: str) -> str:
            result = CliRunner().invoke(main, list(arguments))
            assert result.exit_code == 0, result.output
            return result.output

        made = json.loads(call("webhook", "set", "acme", "http://127.0.0.1:9/", "--json"))
        assert made["secret"].startswith("whsec_")
        listed = json.loads(call("webhook", "list", "acme", "--json"))["items"]
        assert (listed[0]["url"], made["secret"] in json.dumps(listed)) == ("http://127.0.0.1:9/", False)
        assert "replays" in call("webhook", "replay", str(listed[0]["entry"]))
        assert "has ended" in call("webhook", "end", str(listed[0]["entry"]))
