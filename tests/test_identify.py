"""Identify: which version a file belongs to, whatever it is called."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from muniment.cli.main import main
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.digests import Digest
from muniment.core.errors import FileUnusable, InvalidDigest
from muniment.server.parts import open_parts


@pytest.fixture
def three(registry: Registry, model: Path) -> Registry:
    """Give a registry with three versions, the second and third of which share a file."""
    registry.push(model, "acme/x")
    (model / "weights.bin").write_bytes(b"second")
    registry.push(model, "acme/x")
    (model / "config.json").write_text('{"third": true}')
    registry.push(model, "acme/y")
    return registry


def test_files_are_known_under_any_name(three: Registry, model: Path, tmp_path: Path) -> None:
    """Files are matched by content: whole versions first, then the newest with some; others are named."""
    answer = three.identify(model)
    assert (str(answer.matches[0].version), answer.matches[0].whole) == ("acme/y@1", True)
    assert answer.unknown == ()
    place = tmp_path / "in production" / "model.dat"
    place.parent.mkdir()
    shutil.copy(model / "weights.bin", place)
    answer = three.identify(place)
    assert [(str(match.version), dict(match.files), match.whole) for match in answer.matches] == [
        ("acme/y@1", {"model.dat": "weights.bin"}, False),
        ("acme/x@2", {"model.dat": "weights.bin"}, False),
    ]
    (place.parent / "altered.dat").write_bytes(b"second!")
    assert three.identify(place.parent).unknown == ("altered.dat",)
    assert [str(match.version) for match in three.identify(place.parent, limit=1).matches] == ["acme/y@1"]


def test_a_digest_is_of_a_file_or_of_a_version(three: Registry) -> None:
    """The digest of a file names the versions that hold it, and that of a manifest its version."""
    weights, version = str(Digest.of(b"second")), three.version("acme/x@2")
    assert [str(match.version) for match in three.identify(weights).matches] == ["acme/y@1", "acme/x@2"]
    (match,) = three.identify(str(version.digest)).matches
    assert (str(match.version), match.whole) == ("acme/x@2", True)
    assert match.files == {str(version.digest): ""}
    nobodys = str(Digest.of(b"nobody's"))
    assert three.identify(nobodys).unknown == (nobodys,)
    with pytest.raises(InvalidDigest):
        three.identify("sha256:12")
    with pytest.raises(FileUnusable):
        three.identify("nowhere")


def test_what_the_index_says_is_checked(three: Registry, settings: Settings) -> None:
    """A tampered index does not make a file part of a version."""
    stranger = Digest.of(b"a stranger")
    entry = three.version("acme/x@1").record.index
    with open_parts(Path(settings.location)) as parts:
        parts.units.write(lambda unit: unit.contents.add(entry, "acme", [stranger]))
    answer = three.identify(str(stranger))
    assert (answer.matches, answer.unknown) == ((), (str(stranger),))


def test_the_command_says_so(three: Registry, model: Path, settings: Settings) -> None:
    """`identify` prints a table or JSON with each status, and exits with 1 if a file is unknown."""
    three.people.grant(three.people.me().record.id, "security")
    three.version("acme/x@2").set_status("revoked", "bad")

    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main, ["--registry", settings.location, "identify", *words])
        return result.exit_code, result.stdout

    code, said = run(str(model))
    assert code == 0
    assert "all its files" in said
    assert "REVOKED" in said
    (model / "new.txt").write_text("new")
    code, said = run(str(model), "--json")
    assert code == 1
    answer = json.loads(said)
    assert [one["path"] for one in answer["unknown"]] == ["new.txt"]
    assert answer["matches"][0]["files"]["weights.bin"] == "weights.bin"
