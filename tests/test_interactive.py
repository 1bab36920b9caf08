"""What a person at a Python prompt or in a notebook sees: names, objects in a line, refusals in a block."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import muniment
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.client.versions.loading import LoadedModel
from muniment.client.versions.version import Version
from muniment.core.errors import VersionExists, VersionNotFound
from muniment.core.events import TagSet
from muniment.core.receipts import Proof


@pytest.fixture
def version(registry: Registry, model: Path, tmp_path: Path) -> Version:
    """Give a version that is evaluated and guarded."""
    (tmp_path / "hold.csv").write_text("y\n1\n0\n1\n0\n")
    version = registry.push(model, "acme/x")
    version.evaluate(
        [1, 0, 1, 0], [1, 0, 1, 1], [0.9, 0.2, 0.8, 0.6], dataset=tmp_path / "hold.csv", split="test"
    )
    registry.policies.set("acme/x", "production", {"rules": [{"rule": "signature"}]}, reason="agreed")
    return version


def list_objects(registry: Registry, version: Version) -> Iterator[object]:
    """Give what the SDK hands out."""
    yield registry
    yield from (registry.people, registry.access, registry.policies, registry.drafts)
    yield from (registry.requests, registry.comments, registry.webhooks)
    yield from (registry.identity, registry.identity and registry.identity.public)
    yield from (version, version.session, version.describe(), version.receipt)
    yield from (*version.claims(), *version.evidence(), version.check("production"))
    yield from (registry.lineage("acme/x@1"), registry.diff("acme/x@1", "acme/x@1"), registry.audit())
    yield registry.leaderboard("acme/x", "roc_auc", "hold.csv")
    yield registry.identify(str(version.digest))
    with muniment.run({"depth": 6}) as run:
        yield from (run, run.record())


def test_an_object_of_the_sdk_is_one_short_line(registry: Registry, version: Version) -> None:
    """The repr of what the SDK hands out is a short line that names its class, without bytes."""
    for one in list_objects(registry, version):
        text = repr(one)
        assert text.startswith(f"<{type(one).__name__} "), text
        assert len(text) <= 120 + len(registry.people._backend.location), text
        assert "\n" not in text
        assert "b'" not in text


def test_a_repr_says_what_it_is(registry: Registry, version: Version) -> None:
    """A repr has what one asks first: which version, which entry, whether a gate passed."""
    assert repr(version) == f"<Version acme/x@1 {version.record.revision:.19}>"
    past = registry.version("acme/x@1", at=version.record.published)
    assert repr(past).endswith(f", as of {version.record.published}>")
    receipt = version.tag("team", "a")
    assert repr(receipt) == f"<Receipt of entry {receipt.index}: {TagSet.type}>"
    assert repr(Proof(index=7, leaf=b"?", path=(), checkpoint=b"")) == "<Proof of entry 7>"
    assert repr(version.check("production")) == "<Gate of production for acme/x@1: passed>"
    assert "binary-classification over hold.csv:test" in repr(version.evidence()[0])


def test_the_public_names_are_listed() -> None:
    """`dir(muniment)` lists the public names, and no other."""
    assert dir(muniment) == sorted(muniment.__all__)
    assert {"open", "run", "Registry"} <= set(dir(muniment))


def test_the_types_are_of_the_public_names() -> None:
    """The stub, from which editors and type checkers learn the public names, has the same ones."""
    stub = Path(muniment.__file__).with_suffix(".pyi").read_text()
    (listed,) = re.findall(r"__all__ = (\[.*?\])", stub, re.DOTALL)
    assert sorted(ast.literal_eval(listed)) == sorted(muniment.__all__)


def test_a_loaded_model_lists_what_the_model_has(version: Version) -> None:
    """Completion after a loaded model finds its own attributes and those of the model."""
    assert {"value", "version", "bit_length"} <= set(dir(LoadedModel(7, version.record)))


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """Give IPython's shell, without a history."""
    shell = InteractiveShell()
    shell.history_manager.enabled = False  # type: ignore[union-attr] # there is one
    yield shell
    shell.history_manager.end_session()  # type: ignore[union-attr] # as above


def test_completion_finds_what_a_registry_has(registry: Registry, shell: InteractiveShell) -> None:
    """`registry.<tab>` finds methods and rooms, and `registry.people.<tab>` what is in one."""
    shell.user_ns.update(registry=registry, muniment=muniment)
    for text, found in [
        ("muniment.o", "open"),
        ("registry.prom", "promote"),
        ("registry.peo", "people"),
        ("registry.people.gra", "grant"),
    ]:
        with provisionalcompleter():
            completions = list(shell.Completer.completions(text, len(text)))
        assert any(one.text.endswith(found) for one in completions), text


def test_a_refusal_in_ipython_is_one_block(
    registry: Registry, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """IPython shows the code, the words, the hint and the line that was refused, and no traceback."""
    shell.user_ns["registry"] = registry
    shell.run_cell("name = 'acme/nope'\nregistry.version(name)\n")
    assert capsys.readouterr().out.splitlines() == [
        "version_not_found: acme/nope@latest does not exist",
        "hint: list its versions: muniment list acme/nope; or its aliases: muniment history acme/nope",
        "  in: registry.version(name)",
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries that run notebooks
def test_a_refusal_in_a_notebook_is_one_block(settings: Settings, tmp_path: Path) -> None:
    """A cell of a notebook that is refused shows one block, without frames of the SDK."""
    muniment.open(settings=settings, create=True).close()
    code = f"import muniment\nregistry = muniment.open({settings.location!r})\nregistry.version('acme/nope')"
    v4: Any = nbformat.v4
    notebook = v4.new_notebook(cells=[v4.new_code_cell(code)])
    client = nbclient.NotebookClient(
        notebook, timeout=120, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    (refused,) = notebook.cells[0].outputs
    assert refused.ename == "VersionNotFound"
    assert "\n".join(refused.traceback).splitlines() == [
        "version_not_found: acme/nope@latest does not exist",
        "hint: list its versions: muniment list acme/nope; or its aliases: muniment history acme/nope",
        "  in: registry.version('acme/nope')",
    ]


def test_a_refusal_in_a_script_ends_with_its_hint(tmp_path: Path) -> None:
    """The traceback of a script ends with the words of the refusal and its hint."""
    code = "from muniment.core.errors import VersionExists as V\nraise V(reference='acme/x@1', digest='d')"
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    hint = VersionExists(reference="acme/x@1", digest="d").hint
    assert ended.stderr.endswith(f"acme/x@1 already exists with other bytes (d)\nhint: {hint}\n")


def test_a_refusal_that_nobody_raised_has_no_line() -> None:
    """A refusal that was made and not raised is shown without a line of code."""
    assert VersionNotFound(reference="acme/x")._render_traceback_()[1:] == []
