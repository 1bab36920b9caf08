"""Refusals of what a person types: each names the fault, and its hint leads on."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muniment.cli.main import main
from muniment.client.sdk.opening import open as open_registry


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory with a registry that holds a version and a workload, and odd files."""
    directory = tmp_path_factory.mktemp("hints")
    (directory / "model").mkdir()
    (directory / "model/weights.bin").write_bytes(b"weights")
    (directory / "bad.yaml").write_text("rules: [")
    (directory / "bad.json").write_bytes(b"\xff")
    (directory / "good.yaml").write_text("rules: [{rule: signature}]")
    for name in ("hold.csv", "kept.csv"):
        (directory / name).write_text("y,p\n1,1\n0,0\n")
    with open_registry(str(directory / "registry"), create=True) as registry:
        version = registry.push(directory / "model", "acme/x", alias="staging")
        version.evaluate([1, 0], [1, 0], dataset=directory / "kept.csv", split="test")
        registry.people.add("runner", workload=True)
    return directory


def call(prepared: Path, monkeypatch: pytest.MonkeyPatch, words: Sequence[str]) -> Result:
    monkeypatch.chdir(prepared)
    monkeypatch.setenv("MUNIMENT_URL", "registry")
    monkeypatch.setenv("MUNIMENT_STATE", str(prepared / "state"))
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["comment", "acme/x@1", "\udcff"], "invalid_text", "it is not Unicode"),
        (["promote", "acme/x@1", "a", "--reason", "x" * 100_001], "invalid_text", "100001 characters"),
        (["promote", "acme/x@1", "a", "--reason", "\udcff"], "invalid_text", "hint: write Unicode text"),
        (["push", "model", "acme/y", "--message", "\udcff"], "invalid_text", "it is not Unicode"),
        (["promote", "acme/x", "latest"], "invalid_name", "it is reserved"),
        (["promote", "acme/x", "1"], "invalid_name", "it is reserved"),
        (["alias", "remove", "acme/x@latest", "--reason", "x"], "invalid_name", "it is reserved"),
        (["alias", "remove", "acme/x", "--reason", "x"], "invalid_reference", "write NAME@ALIAS"),
        (["alias", "remove", "acme/x@a", "--reason", "x"], "version_not_found", "muniment history acme/x"),
        (["alias", "remove", "acme/x@staging", "--reason", " "], "reason_needed", "--reason TEXT"),
        (["show", "acme/nope"], "version_not_found", "muniment list acme/nope"),
        (["history", "acme/x@nope"], "version_not_found", "acme/x@nope does not exist"),
        (["history", "acme/nope"], "model_not_found", "acme/nope does not exist"),
        (["requests", "acme/nope"], "model_not_found", "acme/nope does not exist"),
        (["deployments", "nope/nope"], "model_not_found", "nope/nope does not exist"),
        (["drafts", "acme/x", "--discard", "5"], "request_not_found", "muniment drafts NAME"),
        (["request", "acme/x@1", "a", "--withdraw", "5"], "request_not_found", "muniment requests NAME"),
        (["verify", "/nope"], "file_unusable", "there is no such file"),
        (["verify", "nope.tar"], "file_unusable", "there is no such file"),
        (["verify", "acme/nope@1"], "version_not_found", "acme/nope@1 does not exist"),
        (["identify", "/nope"], "file_unusable", "there is no such file"),
        (["identify", ""], "file_unusable", "there is no such file"),
        (["user", "invite", "Ada"], "invalid_option", "muniment user add NAME --key PUBLIC.pem"),
        (["key", "new", "bad.yaml"], "invalid_key", "hint: name a new file"),
        (["--identity", "nope", "list"], "invalid_key", "muniment key new FILE"),
        (["login", "http://127.0.0.1:1/login#x"], "login_refused", "copy the whole invitation"),
        (["user", "add", ""], "invalid_name", "write 1 to 200 printable characters"),
        (["trust", "add", "http://[", "runner", "--claim", "a=b"], "invalid_option", "issuer must be"),
        (["webhook", "set", "acme", "http://["], "invalid_option", "url must be an http or https address"),
        (["webhook", "set", "acme", "http://a:x"], "invalid_option", "url must be an http or https address"),
        (["rollback", "acme/x@nope"], "nothing_to_roll_back", "muniment history acme/x"),
        (["reproduce", "acme/x@1"], "not_reproducible", "from its record: provenance"),
        (
            ["reproduce", "acme/x@1", "--plan"],
            "not_reproducible",
            "hint: record the training with `muniment run`",
        ),
        (["--registry", "http://127.0.0.1:1", "admin", "gc"], "invalid_option", "--registry DIRECTORY admin"),
        (["withdraw-claim", "acme/x@1", "", "--reason", "x"], "invalid_digest", "'' is not a sha256 digest"),
        (["list", "param.depth ="], "invalid_query", "read: a value is missing at its end"),
        (["list", "version = a"], "invalid_query", "the search cannot be read: version is a number"),
        (["forget", ""], "invalid_location", "'' is not the location of a registry"),
        (["--registry", "", "list"], "invalid_location", "'' is not the location of a registry"),
        (
            ["leaderboard", "acme/x", "--metric", "roc_auc", "--dataset", "hold.csv"],
            "evaluation_not_found",
            "name the digest of a dataset, or its name on record (kept.csv:test); a file is not looked at",
        ),
        (["leaderboard", "acme/y", "--metric", "m", "--dataset", "d"], "model_not_found", "acme/y does not"),
        (["push", "model", "acme/y", "--dataset", "d=nope.csv"], "file_unusable", "there is no such file"),
        (["policy", "test", "good.yaml"], "fixtures_not_found", "there is no good.fixtures.yaml"),
        (
            ["evaluate", "acme/x", "--from", "bad.json", "--data", "hold.csv"],
            "file_unusable",
            "it is not UTF-8",
        ),
        (
            ["evaluate", "acme/x", "--data", "hold.csv", "--target", "z", "--prediction", "p"],
            "invalid_evidence",
            "hint: its columns are y, p",
        ),
        (
            ["evaluate", "acme/x", "--data", "bad.json", "--target", "y", "--prediction", "p"],
            "invalid_evidence",
            "give CSV in UTF-8",
        ),
        (["show", "acme/x", "--at", "1y"], "invalid_past", "a duration (14d: that long ago)"),
        (
            ["retain", "acme/x", "--until", "2026-02-30", "--reason", "x"],
            "invalid_time",
            "a duration (12h, 14d)",
        ),
        (["policy", "test", "bad.yaml"], "invalid_policy", "not YAML: line 1, column 9: "),
        (["attest", "acme/x@1", "--type", "a:b", "--file", "bad.json"], "invalid_document", "not UTF-8"),
        (["push", "model", "acme/y", "--param", f"a={'9' * 30}"], "invalid_option", "larger than 2^53-1"),
        (["push", "model", "acme/y", "--param", "a=\udcff"], "invalid_option", "'a' cannot be recorded"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_a_refusal_names_the_fault_and_leads_on(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: str, says: str
) -> None:
    """The code, the words and the hint of a refusal are those of its fault."""
    refused = call(prepared, monkeypatch, words)
    assert f"muniment: {code}: " in refused.stderr
    assert says in refused.stderr


@pytest.mark.parametrize("word", ["get", "delete", "info", "apply", "download"])
def test_a_far_miss_is_answered_with_no_guess(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """A word that is near no command gets no suggestion, rather than a wrong one."""
    refused = call(prepared, monkeypatch, [word])
    assert f"No such command {word!r}." in refused.stderr
    assert "Did you mean" not in refused.stderr


def test_search_is_known_as_list(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`muniment search QUERY` finds what `muniment list QUERY` finds."""
    assert "acme/x@1" in call(prepared, monkeypatch, ["search", "alias = staging"]).stdout
