"""Lists that are empty say what to do next; an alias that nothing guards is warned of."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import muniment
from muniment import UnguardedAlias
from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry

Call = Callable[..., Result]


@pytest.fixture
def call(settings: Settings, model: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Give what runs a command in a registry with one version."""
    with muniment.open(settings=settings, create=True) as registry:
        registry.push(model, "acme/x")
    monkeypatch.setenv("MUNIMENT_URL", settings.location)
    monkeypatch.setenv("MUNIMENT_STATE", str(settings.state))

    def run(line: str) -> Result:
        result = CliRunner().invoke(main, line.split())
        assert result.exit_code == 0, result.output
        return result

    return run


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("comments acme/x", "no comments on acme/x@1: write one with muniment comment acme/x@1 TEXT"),
        ("tag acme/x", "no tags on acme/x@1: set one with muniment tag acme/x@1 NAME=TEXT"),
        ("drafts acme/x", "no drafts of acme/x: save one with muniment push PATH acme/x --draft"),
        ("history acme/x", "no alias of acme/x has moved: muniment promote acme/x ALIAS points one at it"),
        ("deployments", "nothing serves (--history also lists what has ended): "),
        ("deployments acme/x --history", "nothing serves: muniment deploy REFERENCE TARGET records it"),
        ("requests acme/x", "no open requests (--closed lists the answered ones) for acme/x: "),
        ("requests acme/x --closed", "no requests for acme/x: muniment request acme/x ALIAS makes one"),
        ("policy history acme", "no policy was ever set in acme: muniment policy set 'acme/*@ALIAS' FILE"),
        ("token list", "no tokens: create one with muniment token new NAME"),
        ("trust list", "no workload may sign in: muniment trust add ISSUER PRINCIPAL"),
        ("user may approve acme", "nobody may approve in acme: muniment role grant PRINCIPAL ROLE acme"),
        ("webhook list acme", "no webhooks in acme: set one with muniment webhook set acme URL"),
    ],
)
def test_an_empty_list_says_what_to_do_next(call: Call, line: str, says: str) -> None:
    """An empty list is one line on standard error, which names the next command; --json stays as it was."""
    result = call(line)
    assert result.stderr.startswith(says)
    assert result.stdout == ""
    answered = call(f"{line} --json")
    assert says not in answered.stderr
    document = json.loads(answered.stdout)
    assert (document["items"] if isinstance(document, dict) and "items" in document else document) in ([], {})


def test_a_move_that_nothing_guards_is_warned_of(call: Call, tmp_path: Path) -> None:
    """Each promotion to an alias without a policy warns, beside the answer and in --json; others do not."""
    where = "acme/x@production"
    says = f"no policy guards {where}, so nothing was checked: muniment policy set {where} FILE --reason TEXT"
    for _ in range(2):
        assert call("promote acme/x production").stderr == f"warning: {says}\n"
    answered = call("promote acme/x production --json")
    assert json.loads(answered.stdout)["warnings"] == [says]
    (tmp_path / "p.yaml").write_text("rules: [{rule: signature}]")
    call(f"policy set acme/x@guarded {tmp_path / 'p.yaml'} --reason agreed")
    answered = call("promote acme/x guarded --json")
    assert (json.loads(answered.stdout)["warnings"], answered.stderr) == ([], "")


def test_a_push_to_an_alias_that_nothing_guards_is_warned_of(call: Call, model: Path) -> None:
    """`push --alias` warns as `promote` does."""
    (model / "weights.bin").write_bytes(b"other")
    pushed = call(f"push {model} acme/x --alias staging --json")
    (warning,) = json.loads(pushed.stdout)["warnings"]
    assert pushed.stderr == f"warning: {warning}\n"
    assert "no policy guards acme/x@staging" in warning
    assert json.loads(call("history acme/x --json").stdout)["items"][0]["number"] == 2


def test_a_rollback_that_nothing_guards_is_warned_of(call: Call, model: Path, tmp_path: Path) -> None:
    """`rollback` warns as `promote` does, and not if a policy guards the alias."""
    (model / "weights.bin").write_bytes(b"other")
    for alias in ("staging", "production"):
        call(f"promote acme/x@1 {alias}")
    call(f"push {model} acme/x --alias staging")
    call("promote acme/x@2 production")
    rolled = call("rollback acme/x@staging --json")
    (warning,) = json.loads(rolled.stdout)["warnings"]
    assert rolled.stderr == f"warning: {warning}\n"
    assert "no policy guards acme/x@staging" in warning
    (tmp_path / "p.yaml").write_text("rules: [{rule: signature}]")
    call(f"policy set acme/x@production {tmp_path / 'p.yaml'} --reason agreed")
    rolled = call("rollback acme/x@production --json")
    assert (json.loads(rolled.stdout)["warnings"], rolled.stderr) == ([], "")


def test_the_sdk_warns_by_a_category_of_its_own(registry: Registry, model: Path) -> None:
    """The SDK warns of a move that nothing guards, at the line of the caller, and not of a guarded one."""
    version = registry.push(model, "acme/x")
    with pytest.warns(UnguardedAlias, match="no policy guards acme/x@staging") as caught:
        registry.promote(version, "staging")
    assert caught[0].filename == __file__
    registry.promote(registry.push(model, "acme/x"), "staging")
    (model / "weights.bin").write_bytes(b"other")
    registry.promote(registry.push(model, "acme/x"), "staging")
    with pytest.warns(UnguardedAlias, match="no policy guards acme/x@staging") as caught:
        registry.rollback("acme/x", "staging")
    assert caught[0].filename == __file__
    registry.policies.set("acme/x", "production", {"rules": [{"rule": "signature"}]}, reason="agreed")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registry.promote(version, "production")


def test_what_was_not_recorded_is_said_in_a_line(call: Call, model: Path) -> None:
    """A diff to a version without provenance says so, and lists no package of the other as removed."""
    (model / "weights.bin").write_bytes(b"other")
    call(f"push {model} acme/x --param depth=6")
    shown = call("diff acme/x@1 acme/x@2").stdout
    said = "not compared: parameters, data, packages, platform, code, since acme/x@1 has no provenance"
    assert said in " ".join(shown.split())
    assert len(shown.splitlines()) < 20
    document = json.loads(call("diff acme/x@2 acme/x@1 --json").stdout)
    (unrecorded,) = document["unrecorded"]
    assert (unrecorded["what"], unrecorded["versions"]) == ("provenance", ["acme/x@1"])
    assert unrecorded["sections"] == ["parameters", "data", "packages", "platform", "code"]
    assert document["differences"].keys() == {"files", "signers"}


def test_an_evaluation_on_one_side_is_said_in_a_line(registry: Registry, model: Path, tmp_path: Path) -> None:
    """Metrics that were measured on one side only, and a card of one side, are one line each."""
    (tmp_path / "hold.csv").write_text("y\n1\n0\n")
    first = registry.push(model, "acme/x")
    first.evaluate([1, 0], [1, 0], dataset=tmp_path / "hold.csv")
    first.set_card(muniment.read_card("---\nlicense: mit\n---\n# A\n"))
    (model / "weights.bin").write_bytes(b"other")
    registry.push(model, "acme/x")
    comparison = registry.diff("acme/x@1", "acme/x@2")
    assert [one.what for one in comparison.unrecorded] == ["provenance", "card", "evaluation over hold.csv"]
    assert comparison.unrecorded[0].versions == ("acme/x@1", "acme/x@2")
    assert {one.section for one in comparison.differences} == {"files"}
