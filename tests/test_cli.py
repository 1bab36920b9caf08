"""The command line: what a user types, sees and can write scripts against."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muniment.cli.main import main
from muniment.cli.refusals import exit_code
from muniment.client.connection.settings import Settings
from muniment.core.errors import MunimentError, list_errors

Cli = Callable[..., Result]

POLICY = """\
vouching: any
rules:
  - {rule: threshold, metric: recall, op: ">=", value: 0.5}
  - {rule: approvals, validator: 1}
"""


@pytest.fixture
def cli(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run `muniment` in this process, on the default place in a directory of the test's own."""
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, exits: int = 0) -> Result:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == exits, (arguments, result.output)
        return result

    return run


def answer(result: Result) -> object:
    return json.loads(result.stdout)


def test_a_story_from_push_to_rollback(cli: Cli, model: Path, tmp_path: Path) -> None:
    """The commands from push to rollback work in sequence and report in JSON."""
    pushed = json.loads(
        cli("push", str(model), "acme/x", "-m", "first", "--param", "depth=6", "--json").stdout
    )
    assert (pushed["version"], pushed["receipt"]["created"]) == ("acme/x@1", True)
    (tmp_path / "predictions.csv").write_text("y,p,s,sex\n1,1,0.9,f\n0,0,0.2,m\n1,1,0.8,m\n0,1,0.6,f\n")
    columns = ("--target", "y", "--prediction", "p", "--score", "s", "--group", "sex")
    cli("evaluate", "acme/x@1", "--data", "predictions.csv", *columns)
    (tmp_path / "policy.yaml").write_text(POLICY)
    cli("policy", "set", "acme/x@production", "policy.yaml", "--reason", "agreed")
    assert "recall" in cli("policy", "show", "acme/x@production").stdout
    verdict = json.loads(cli("check", "acme/x@1", "production", "--json", exits=1).stdout)
    assert verdict["passed"]["value"] is False
    assert [finding["met"] for finding in verdict["rules"]["findings"]] == [False, True, True]
    refused = cli("promote", "acme/x@1", "production", exits=3)
    assert "gate_failed" in refused.stderr
    assert "1 validator missing" in refused.stderr
    cli("key", "new", "vera.pem")
    cli("user", "add", "Vera", "--key", "vera.pem.pub")
    cli("role", "grant", "Vera", "validator", "acme")
    cli(
        "--identity",
        "vera.pem",
        "reject",
        "acme/x@1",
        "--for",
        "production",
        "--as",
        "validator",
        "--reason",
        "no",
    )
    assert "rejected it" in cli("check", "acme/x@1", "production", exits=1).stdout
    cli(
        "--identity",
        "vera.pem",
        "approve",
        "acme/x@1",
        "--for",
        "production",
        "--as",
        "validator",
        "--reason",
        "ok",
    )
    cli("check", "acme/x@1", "production")
    cli("promote", "acme/x@1", "production", "--reason", "release")
    cli("promote", "acme/x@1", "staging")
    (model / "weights.bin").write_bytes(b"second")
    cli("push", str(model), "acme/x", "--alias", "staging")
    assert "parameters" in cli("diff", "acme/x@1", "acme/x@2").stdout
    rolled = json.loads(cli("rollback", "acme/x@staging", "--reason", "bad", "--json").stdout)
    assert rolled["data"]["number"] == 1
    moves = json.loads(cli("history", "acme/x@staging", "--json").stdout)["items"]
    assert [(move["previous"], move["number"], move["text"]) for move in moves] == [
        (None, 1, None),
        (1, 2, None),
        (2, 1, "bad"),
    ]
    assert "bad" in cli("history", "acme/x").stdout
    cli("verify", "acme/x@production")
    cli("audit", "verify")
    cli("admin", "rebuild", "--check")
    cli("admin", "rebuild")


def test_show_names_what_is_known(cli: Cli, model: Path, tmp_path: Path) -> None:
    """`show` prints files, claims, aliases and message, and marks claims of unknown kinds."""
    cli("push", str(model), "acme/x", "-m", "first", "--alias", "staging")
    (tmp_path / "poem.json").write_text('{"verse": 1}')
    kept = cli("attest", "acme/x", "--type", "https://example.com/poem/v1", "--file", "poem.json").stdout
    assert "no rule counts it: Muniment does not know the type https://example.com/poem/v1" in kept
    shown = cli("show", "acme/x@staging").stdout
    for word in (
        "acme/x@1  staging",
        "first",
        "weights.bin",
        "Ada stated something else (https://example.com/poem/v1)",
    ):
        assert word in shown
    claims = json.loads(cli("show", "acme/x", "--json").stdout)["claims"]["list"]
    kinds = [claim["kind"] for claim in claims]
    assert kinds == ["content signature", "unknown"]


def test_attest_takes_a_kind_by_its_short_name(cli: Cli, model: Path, tmp_path: Path) -> None:
    """`attest` checks and records a change plan by its short name, and refuses a slip with a hint."""
    cli("push", str(model), "acme/x")
    (tmp_path / "plan.json").write_text('{"description": "retrain", "impact": "none"}')
    refused = cli("attest", "acme/x", "--type", "change-pln", "--file", "plan.json", exits=2)
    assert "unknown_claim_kind" in refused.stderr
    assert "did you mean change-plan" in refused.stderr
    (tmp_path / "bad.json").write_text("{}")
    cli("attest", "acme/x", "--type", "change-plan", "--file", "bad.json", exits=2)
    cli("attest", "acme/x", "--type", "change-plan", "--file", "plan.json")
    claims = json.loads(cli("show", "acme/x", "--json").stdout)["claims"]["list"]
    assert [claim["kind"] for claim in claims] == ["content signature", "change plan"]


def test_list_shows_models_and_versions(cli: Cli, model: Path) -> None:
    """`list` takes a prefix or the whole name of a model."""
    for name in ("acme/x", "acme/y", "other/z"):
        cli("push", str(model), name)
    assert [entry["name"] for entry in json.loads(cli("list", "acme/", "--json").stdout)["items"]] == [
        "acme/x",
        "acme/y",
    ]
    assert [entry["number"] for entry in json.loads(cli("list", "acme/x", "--json").stdout)["items"]] == [1]
    assert "other/z" in cli("list").stdout
    assert "acme/x@1" in cli("list", "name = acme/x").stdout
    assert "no model is found" in cli("list", "none").stderr


def test_pull_lays_files_out(cli: Cli, model: Path, tmp_path: Path) -> None:
    """`pull` writes into a directory named after the model, or into the one that is given."""
    cli("push", str(model), "acme/x")
    cli("pull", "acme/x")
    assert (tmp_path / "x" / "weights.bin").read_bytes() == (model / "weights.bin").read_bytes()
    cli("pull", "acme/x@1", "there", "--signature", "x.sig")
    assert "dsseEnvelope" in (tmp_path / "x.sig").read_text()


def test_a_run_file_carries_provenance(cli: Cli, model: Path, tmp_path: Path) -> None:
    """A run file passed to `push` becomes provenance that `diff` compares."""
    script = (
        "import muniment, pathlib\n"
        "pathlib.Path('d.csv').write_text('x')\n"
        "with muniment.run({'depth': 6}, seed=1) as run: run.dataset('d', 'd.csv')\n"
        "run.write('run.json')\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)
    cli("push", str(model), "acme/x", "--run", "run.json")
    (model / "weights.bin").write_bytes(b"2")
    (tmp_path / "e.csv").write_text("y")
    cli("push", str(model), "acme/x", "--dataset", "d=e.csv", "--param", "depth=7", "--param", "name=deep")
    differences = json.loads(cli("diff", "acme/x@1", "acme/x@2", "--json").stdout)["differences"]
    changes = {(section, one["name"]): one["delta"] for section, rows in differences.items() for one in rows}
    assert changes["parameters", "depth"] == 1
    assert ("data", "d") in changes
    assert ("parameters", "name") in changes
    assert "nothing" not in cli("diff", "acme/x@1", "acme/x@1").stdout


def test_a_flipped_byte_is_named(cli: Cli, model: Path) -> None:
    """`verify` exits with 1 and names the file."""
    cli("push", str(model), "acme/x")
    shown = json.loads(cli("show", "acme/x", "--json").stdout)
    (digest,) = (file["digest"] for file in shown["content"]["files"] if file["path"] == "weights.bin")
    blob = Path("muniment-data") / "blobs" / "sha256" / digest.removeprefix("sha256:")
    blob.chmod(0o644)
    blob.write_bytes(b"altered")
    assert "FAILED  file weights.bin" in cli("verify", "acme/x", exits=1).stdout
    checks = json.loads(cli("verify", "acme/x", "--json", exits=1).stdout)
    assert [check["code"] for check in checks if not check["passed"]] == ["content_corrupt"]


def test_keys_and_roles(cli: Cli, model: Path) -> None:
    """Keys can be listed, enrolled and revoked, and roles granted and revoked."""
    cli("push", str(model), "acme/x")
    made = json.loads(cli("key", "new", "second.pem", "--algorithm", "ed25519", "--json").stdout)
    cli("key", "enrol", "Ada", "second.pem.pub", "--expires", "2099-01-01T00:00:00Z")
    assert "1 Jan 2099" in cli("key", "list").stdout
    cli("key", "revoke", made["key"])
    assert re.search(f"{made['key']:.12} .*revoked", cli("key", "list").stdout)
    cli("role", "grant", "Ada", "auditor")
    assert "auditor in *" in cli("user", "list").stdout
    cli("role", "revoke", "Ada", "auditor")
    people = json.loads(cli("user", "list", "--json").stdout)["items"]
    assert "admin" in people[1]["grants"]["*"]
    assert "auditor" not in people[1]["grants"]["*"]
    assert "auditor" not in cli("user", "show", "Ada").stdout
    assert "private key" in cli("user", "add", "Vera", "--key", "second.pem", exits=2).stderr


def test_an_encrypted_key_asks_and_is_used(cli: Cli, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`key new --encrypt` asks for a passphrase; MUNIMENT_PASSPHRASE opens the key."""
    result = CliRunner().invoke(main, ["key", "new", "me.pem", "--encrypt"], input="secret\nsecret\n")
    assert result.exit_code == 0, result.output
    assert "secret" not in result.stdout
    assert "invalid_key" in cli("--identity", "me.pem", "push", str(model), "acme/x", exits=2).stderr
    monkeypatch.setenv("MUNIMENT_PASSPHRASE", "secret")
    cli("--identity", "me.pem", "push", str(model), "acme/x")


@pytest.mark.parametrize(
    ("arguments", "exits", "code"),
    [
        (["show", "acme/none"], 4, "registry_not_found"),
        (["show", "not a name"], 4, "registry_not_found"),
        (["rollback", "acme/x"], 2, "invalid_reference"),
        (["admin", "rebuild", "--check"], 4, "registry_not_found"),
        (["push", ".", "acme/x", "--param", "depth"], 2, "invalid_option"),
        (["push", ".", "acme/x", "--dataset", "d"], 2, "invalid_option"),
        (["push", ".", "UPPER"], 2, "invalid_name"),
        (["policy", "set", "acme/x@a", "bad.yaml", "--reason", "x"], 2, "invalid_policy"),
        (["policy", "set", "acme/x@a", "list.yaml", "--reason", "x"], 2, "invalid_policy"),
        (
            ["evaluate", "a/b", "--data", "bad.csv", "--target", "y", "--prediction", "p"],
            2,
            "invalid_evidence",
        ),
    ],
)
def test_a_refusal_has_a_code_a_hint_and_an_exit_code(
    cli: Cli, tmp_path: Path, arguments: list[str], exits: int, code: str
) -> None:
    """A refusal prints its code and hint, as text or JSON, and sets the exit code."""
    (tmp_path / "bad.yaml").write_text("{")
    (tmp_path / "list.yaml").write_text("[]")
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    result = cli(*arguments, exits=exits)
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"muniment: {code}: ")
    assert lines[-1].startswith("hint: ")
    refusal = json.loads(cli(*arguments, "--json", exits=exits).stderr)["error"]
    assert refusal["code"] == code
    assert refusal["hint"]


def test_a_bug_is_a_line_and_not_a_traceback(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unforeseen exception prints one line that says how to see more."""

    def fail(*_arguments: object, **_options: object) -> None:
        raise RuntimeError("boom")  # noqa: EM101 - on purpose

    monkeypatch.setattr("muniment.cli.versions.show.connect", fail)
    assert "internal_error: RuntimeError: boom" in cli("show", "acme/x", exits=70).stderr
    assert isinstance(CliRunner().invoke(main, ["--traceback", "show", "acme/x"]).exception, RuntimeError)


def test_forget_says_what_it_did(cli: Cli, model: Path) -> None:
    """`forget` says what it forgot and can be repeated."""
    cli("push", str(model), "acme/x")
    assert "forgotten" in cli("forget").stdout
    assert "nothing" in cli("forget").stdout
    assert "nothing" in cli("forget", "a path that is not UTF-8: \udcff").stdout


def test_every_error_has_a_code_a_hint_and_an_exit_code() -> None:
    """Each error has a unique code, a hint and a documented exit code."""
    kinds = [kind for kind in list_errors() if kind is not MunimentError]
    codes = [kind.code for kind in kinds]
    assert len(codes) == len(set(codes))
    leaves = [kind for kind in kinds if not kind.__subclasses__()]
    assert all(kind.message and kind.advice for kind in leaves)
    assert {exit_code(kind) for kind in leaves} == {2, 3, 4, 5}


def test_every_command_has_help(cli: Cli) -> None:
    """`--help` works for each command and for the whole list."""
    listed = cli("--help").stdout
    for name in main.list_commands(None):  # type: ignore[arg-type] # it looks at none
        assert name in listed
        assert "Usage" in cli(name, "--help").stdout
    assert "No such command" in cli("sing", exits=2).stderr


def test_what_a_stranger_typed_does_not_move_a_terminal(cli: Cli, model: Path) -> None:
    """Terminal escapes in stored texts are shown as text in answers, tables and refusals."""
    typed = "fine\x1b]0;owned\x07\x9b2J\u202egpj"
    cli("push", str(model), "acme/x", "-m", typed)
    shown = cli("show", "acme/x@1").stdout
    assert "fine\\x1b]0;owned\\x07\\x9b2J\\u202egpj" in shown
    assert json.loads(cli("show", "acme/x@1", "--json").stdout)["lead"] == typed
    for output in (cli("history", "acme/x").output, cli("show", f"acme/{typed}", exits=2).output):
        assert not set("\x1b\x07\x9b\u202e") & set(output)
