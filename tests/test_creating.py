"""How a registry comes to be: `muniment init`, the first push, and `create=True`; nothing else makes one."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import muniment
from muniment.cli.main import main
from muniment.client.connection.settings import Settings


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a directory of our own, with a model in it."""
    assert model.parent == tmp_path
    monkeypatch.setenv("MUNIMENT_STATE", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def call(line: str) -> Result:
    return CliRunner().invoke(main, line.split())


def test_the_first_push_creates_a_registry_and_says_so(tmp_path: Path) -> None:
    """A push to the default place creates a registry there, once, and says so beside its answer."""
    first, second = call("push model acme/x --json"), call("push model acme/x --json")
    assert first.stderr == "created a registry in ./muniment-data\n"
    assert json.loads(first.stdout)["version"] == "acme/x@1"
    assert (tmp_path / "muniment-data/registry.db").exists()
    assert second.stderr == ""


@pytest.mark.parametrize(
    "line",
    [
        "--registry typo push model acme/x",
        "push model acme/x --base acme/y@1 --read-only",
        "--read-only push model acme/x",
        "list",
        "--registry typo list",
        "user add Vera",
        "policy guard acme/x@production --reason agreed",
        "admin doctor",
        "inbox",
        "drafts acme/x",
    ],
)
def test_nothing_else_creates_one(line: str, tmp_path: Path) -> None:
    """No other command creates a registry, and a push creates none in a place that was named."""
    before = sorted(tmp_path.iterdir())
    refused = call(line)
    assert refused.exit_code in {2, 4}
    assert "No such option" in refused.stderr or (
        "registry_not_found" in refused.stderr and "muniment init" in refused.stderr
    )
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("init", "muniment-data"),
        ("init here/and there", ""),
        ("init here", "here"),
        ("--registry r init", "r"),
    ],
)
def test_init_creates_a_registry(line: str, place: str, tmp_path: Path) -> None:
    """`init` creates a registry where it is told, and says who its admin is."""
    made = call(f"{line} --json")
    if not place:
        assert made.exit_code == 2
        return
    document = json.loads(made.stdout)
    assert (document["location"], document["name"]) == (place, "Ada")
    with muniment.open(tmp_path / place) as registry:
        assert registry.people.me().keys[0].id == document["key"]


def test_init_says_what_it_has_created() -> None:
    """`init` prints the place, and the admin with the beginning of the key."""
    made = call("init")
    assert made.stdout.startswith("created a registry in muniment-data\nits admin is Ada, with the key ")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("init", "registry_exists"),
        ("init https://registry.example", "invalid_option"),
        ("init model/weights.bin", "storage_failed"),
        ("--read-only init other", "opened_read_only"),
    ],
)
def test_init_makes_no_registry_over_another(line: str, code: str) -> None:
    """`init` is refused where there is a registry or a file, on a server, and if nothing may change."""
    call("init")
    refused = call(line)
    assert f"muniment: {code}: " in refused.stderr


def test_open_creates_a_registry_if_asked(tmp_path: Path, settings: Settings) -> None:
    """`muniment.open(..., create=True)` creates a registry, and opens the same one afterwards."""
    with muniment.open(tmp_path / "new", settings=settings, create=True) as registry:
        me = registry.people.me().record.id
    with muniment.open(tmp_path / "new", settings=settings, create=True) as registry:
        assert registry.people.me().record.id == me
