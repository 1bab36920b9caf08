"""Completion in the shell: commands, names and aliases, as a person types them."""

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

import muniment
from muniment.cli.commands import COMMANDS
from muniment.cli.completing import ALIAS, NAME, NAMESPACE, REFERENCE, Known
from muniment.cli.main import main
from muniment.signing.keys import Identity
from muniment.testing.live import run_server

# What an argument or option of a name completes. Some names mean several things.
KINDS = {
    "reference": (REFERENCE,),
    "before": (REFERENCE,),
    "after": (REFERENCE,),
    "bases": (REFERENCE,),
    "alias": (ALIAS,),
    "names": (NAME,),
    "namespace": (NAMESPACE,),
}
NAMED = {
    *(
        ("list",),
        ("owner",),
        ("log",),
        ("drafts",),
        ("push",),
        ("requests",),
        ("leaderboard",),
        ("deployments",),
    ),
    ("policy", "tier"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory with a registry of three models, and aliases."""
    directory = tmp_path_factory.mktemp("completed")
    (directory / "w.bin").write_bytes(b"weights")
    with muniment.open(directory / "muniment-data", create=True) as registry:
        for name in ("acme/readmission", "acme/relapse", "beta/x"):
            registry.push(directory / "w.bin", name, alias="staging")
        registry.promote("acme/readmission@1", "production")
        registry.policies.set("acme/*", "release", {"rules": [{"rule": "signature"}]}, reason="agreed")
    return directory


@pytest.fixture(autouse=True)
def _own(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("MUNIMENT_STATE", str(tmp_path / "state"))


def complete(*words: str) -> list[str]:
    """Ask as click asks for any shell: words before the cursor, and the one that is typed."""
    *before, begin = words
    return [item.value for item in ShellComplete(main, {}, "muniment", "X").get_completions(before, begin)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("sho",), ["show"]),
        (("policy", "si"), ["simulate"]),
        (("show", "acme/re"), ["acme/readmission", "acme/relapse"]),
        (("show", ""), ["acme/readmission", "acme/relapse", "beta/x"]),
        (("show", "be"), ["beta/x"]),
        (("show", "acme/readmission@p"), ["acme/readmission@production"]),
        (("show", "beta/x@"), ["beta/x@staging", "beta/x@latest", "beta/x@1"]),
        (("--registry", "muniment-data", "show", "b"), ["beta/x"]),
        (("promote", "acme/readmission@1", "p"), ["production"]),
        (("approve", "acme/readmission", "--for", "s"), ["staging"]),
        (("approve", "acme/readmission", "--for", "r"), ["release"]),
        (("check", "acme/relapse", ""), ["release", "staging"]),
        (("show", "acme/relapse@r"), []),
        (("approve", "--for", "s"), []),
        (("push", "w.bin", "acme/rel"), ["acme/relapse"]),
        (("list", "acme/rea"), ["acme/readmission"]),
        (("diff", "beta/x@1", "beta/x@l"), ["beta/x@latest"]),
        (("audit", "verify", "a"), ["acme"]),
        (("policy", "history", "b"), ["beta"]),
        (("show", "nope/"), []),
        (("show", "a b/"), []),
        (("show", "acme/none@"), []),
        (("export", "acme/rel"), ["acme/relapse"]),
        (("approve", "x", "--as", "valid"), ["validator"]),
        (("completion", ""), ["bash", "zsh", "fish"]),
    ],
)
def test_names_and_aliases_are_completed(words: tuple[str, ...], found: list[str]) -> None:
    """Commands, references, names, aliases and namespaces are completed where they are taken."""
    assert complete(*words) == found


def test_every_argument_of_the_registry_is_completed() -> None:
    """Each argument and option that takes a name, a reference or an alias completes it."""
    met: set[str] = set()
    for words, command in list_commands():
        for parameter in command.params:
            name = str(parameter.name)
            is_name = name in {"name", "query"} and words in NAMED
            wanted = (NAME,) if is_name else KINDS.get(name, ())
            if wanted:
                assert parameter.type in wanted, (words, name)
                met.add(name)
            else:
                assert not isinstance(parameter.type, Known) or name == "target", (words, name)
    assert met == {*KINDS, "name", "query"}


def list_commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    with click.Context(main) as context:
        for name in COMMANDS:
            command = main.get_command(context, name)
            if isinstance(command, click.Group):
                yield from (((name, sub), one) for sub, one in command.commands.items())
            elif command is not None:
                yield (name,), command


def test_completion_changes_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Completion is silent where there is no registry, creates none, and remembers nothing."""
    assert complete("--registry", str(tmp_path / "none"), "show", "a") == []
    assert complete("--registry", "http://127.0.0.1:9", "show", "a") == []
    assert complete("--registry", "", "show", "a") == []
    assert complete("--identity", str(tmp_path / "none.pem"), "show", "a") == []
    assert complete("show", "a") != []
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_completion_gives_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that does not answer soon suggests nothing."""
    monkeypatch.setattr("muniment.cli.completing._PATIENCE_S", 0.05)
    monkeypatch.setattr("muniment.cli.completing.open_registry", lambda *_, **__: time.sleep(10))
    started = time.monotonic()
    assert complete("show", "a") == []
    assert time.monotonic() - started < 5


def test_the_commands_are_completed_without_loading_them() -> None:
    """To complete a command loads no command, nor the SDK."""
    script = (
        "import sys\nfrom click.shell_completion import ShellComplete\nfrom muniment.cli.main import main\n"
        "print(ShellComplete(main, {}, 'muniment', 'X').get_completions([], 'sh')[0].value)\n"
        "assert not [name for name in sys.modules if name.startswith('muniment.client')]"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout == "show\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_printed(shell: str) -> None:
    """`completion SHELL` prints a script that asks this program, and that the shell can read."""
    printed = CliRunner().invoke(main, ["completion", shell])
    assert printed.exit_code == 0
    assert f"_MUNIMENT_COMPLETE={shell}_complete" in printed.stdout
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=printed.stdout, text=True, check=True)


# ---- a real bash, at a terminal


class Bash:
    """An interactive bash with the completion of muniment."""

    def __init__(self, directory: Path, state: Path) -> None:
        self._terminal, theirs = pty.openpty()
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._process = subprocess.Popen(
            ["/bin/bash", "--norc", "--noprofile", "-i"],
            cwd=directory,
            env={**os.environ, "PATH": path, "PS1": "", "TERM": "dumb", "MUNIMENT_STATE": str(state)},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.type('eval "$(muniment completion bash)"; echo rea""dy\n')
        self.wait_for("ready")

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def wait_for(self, pattern: str) -> str:
        """Read what the terminal shows, until it has a pattern; give the first group of it, or all."""
        shown, end = "", time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([self._terminal], [], [], 0.2)[0]:
                shown += os.read(self._terminal, 65536).decode(errors="replace")
            found = re.search(pattern, shown)
            if found:
                return found[1] if found.groups() else found[0]
        raise AssertionError(shown)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


@pytest.fixture
def bash(place: Path, tmp_path: Path) -> Iterator[Bash]:
    """Give a bash in the directory of the registry."""
    shell = Bash(place, tmp_path / "state")
    yield shell
    shell.close()


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("muniment sho\t", "muniment show"),
        ("muniment show acme/rea\t", "muniment show acme/readmission"),
        ("muniment show acme/readmission@prod\t", "muniment show acme/readmission@production"),
        ("muniment promote beta/x@1 st\t", "muniment promote beta/x@1 staging"),
        ("muniment show acme/re\tl\t", "muniment show acme/relapse"),
        ("muniment approve acme/relapse --for st\t", "muniment approve acme/relapse --for staging"),
    ],
)
def test_bash_completes_what_is_typed(bash: Bash, typed: str, line: str) -> None:
    """In an interactive bash, the tab key completes the word before it, also behind an @."""
    for part in re.split(r"(?<=\t)", typed):
        bash.type(part)
        time.sleep(0.1)
    # The line that was completed is printed in brackets.
    bash.type("\x05]\x01echo [\n")
    assert bash.wait_for(r"\n\[(.+?) ?\]").strip() == line


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_completes_what_is_typed(place: Path, tmp_path: Path) -> None:
    """Fish, which can say what it would complete, has the same words, with what they mean."""
    own = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    lines = ("muniment show acme/rea", "muniment approve acme/relapse --for st", "muniment sho")
    script = "muniment completion fish | source; " + "; ".join(f"complete -C '{line}'" for line in lines)
    ended = subprocess.run(
        ["fish", "-c", script],  # noqa: S607 - the user's fish
        cwd=place,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines() == [
        "acme/readmission",
        "staging",
        "show\tShow what is known about a version.",
    ]


# ---- a server


def test_what_a_server_has_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and aliases of a served registry are completed, once one has signed in."""
    (tmp_path / "w.bin").write_bytes(b"weights")
    with run_server(tmp_path / "server") as server:
        identity = Identity.generate()
        server.open_as(identity)
        identity.save(tmp_path / "me.pem")
        monkeypatch.setenv("MUNIMENT_URL", server.url)
        assert complete("show", "a") == []
        monkeypatch.setenv("MUNIMENT_TOKEN", server.tokens[identity.public.id])
        monkeypatch.setenv("MUNIMENT_IDENTITY", str(tmp_path / "me.pem"))
        with muniment.open() as registry:
            registry.push(tmp_path / "w.bin", "acme/served", alias="canary")
        assert complete("show", "a") == ["acme/served"]
        assert complete("show", "acme/served@c") == ["acme/served@canary"]
