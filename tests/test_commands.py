"""All commands: their help, near misses, closed pipes, and random arguments."""

import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muniment.cli.commands import ALIASES, COMMANDS, GROUPS
from muniment.cli.main import main
from muniment.client.sdk.opening import open as open_registry

NOT_TYPED_AT_RANDOM = {
    ("demo",): "takes a minute",
    ("run",): "runs what it is given",
    ("serve",): "serves until it is stopped",
    ("login",): "opens a browser for a valid address; tests/test_locations.py has those that are not",
    ("key", "passkey"): "opens a browser for a valid address, like `login`",
}
# Values at the edges of what options take. None leads out of the directory that a test works in.
ODD = [
    *(
        "",
        " ",
        "\udcff",
        "\u202e",
        "é",
        "e\u0301",
        "-",
        "--",
        "-1",
        "0",
        "1",
        "1e999",
        "nan",
        "inf",
        "-inf",
    ),
    *(
        "9" * 30,
        "0x10",
        "١٢",
        "2026-02-30",
        "2026-01-01",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59Z",
    ),
    *(
        "acme/x",
        "acme/x@1",
        "acme/x@0",
        "acme/x@production",
        "acme/x@latest",
        "acme/y@1",
        "acme/*@production",
        "@",
    ),
    *(
        "sha256:" + "0" * 64,
        "sha256:",
        "*",
        "a=b",
        "=",
        "a=",
        "=b",
        "a=model",
        "production",
        "registry",
        "admin",
    ),
    *(
        "model",
        "model/weights.bin",
        "odd.json",
        "odd.yaml",
        "odd.csv",
        "{}",
        "[",
        "x" * 5000,
        "http://127.0.0.1:1",
    ),
]
GOOD = [
    *("acme/x", "acme/x@1", "acme/x@production", "acme/*@production", "production", "acme"),
    *("model", "odd.json", "odd.csv", "1", "y"),
]
# No process is handed a NUL, or a surrogate that stands for no byte; `ODD` has one that does.
RANDOM = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8).filter(
    lambda text: not text.startswith(("/", "~", "."))
)
# Locations that no registry has, and of which none is asked over the network.
PLACES = [
    *(
        "registry",
        "none",
        "odd.json",
        "",
        " ",
        "\udcff",
        "x" * 5000,
        "ftp://a",
        "HTTP://a",
        "http:",
        "http://",
    ),
    *("http://[", "http://a:99999999", "http://\udcff", "http://a b", "http://a..b", "http://127.0.0.1:1"),
]
# Words of Python and of libraries, which no refusal repeats.
RAW = re.compile(r"Errno|codec can't|<byte string>|\wError:|surrogates not allowed|object has no attribute")
TEXTS = st.sampled_from(GOOD) | st.sampled_from(ODD) | RANDOM


def list_commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Give each command that does something, with the words that lead to it."""
    with click.Context(main) as context:
        for name in COMMANDS:
            command = main.get_command(context, name)
            if isinstance(command, click.Group):
                yield from (((name, sub), one) for sub, one in command.commands.items())
            elif command is not None:
                yield (name,), command


LEAVES = dict(list_commands())


@st.composite
def lines(draw: st.DrawFn, command: click.Command) -> list[str]:
    """Draw arguments: some of the options, and about as many arguments as there are."""
    words: list[str] = []
    for parameter in command.params:
        choices = list(parameter.type.choices) if isinstance(parameter.type, click.Choice) else []
        values = st.sampled_from(choices) if choices else TEXTS
        if isinstance(parameter, click.Option):
            if parameter.required or not draw(st.integers(0, 2)):
                words += [parameter.opts[0], *([] if parameter.is_flag else [draw(values)])]
        elif draw(st.integers(0, 9)):
            words.append(draw(values))
    return words


@st.composite
def group_options(draw: st.DrawFn) -> list[str]:
    """Draw none of the options that stand before a command, or one with an odd value."""
    option = draw(st.sampled_from(["", "", "--registry", "--identity"]))
    if not option:
        return []
    return [option, draw(st.sampled_from(PLACES if option == "--registry" else ODD))]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a directory with a registry that holds a version, and files in it."""
    directory = tmp_path_factory.mktemp("typed")
    (directory / "model").mkdir()
    (directory / "model/weights.bin").write_bytes(b"weights")
    (directory / "odd.json").write_text(f'{{"a": [1e400, {"9" * 400}, "\\ud800", null]}}')
    (directory / "odd.yaml").write_text("rules: [{rule: threshold}, &a [*a]]\n")
    (directory / "odd.csv").write_text("y,p\n1,\n,nan\n")
    with open_registry(str(directory / "registry"), create=True) as registry:
        registry.push(directory / "model", "acme/x", alias="production")
        many = directory / "many"
        many.mkdir()
        for number in range(2000):
            (many / f"{number}-{'x' * 50}").touch()
        registry.push(many, "acme/many")
    return directory


@pytest.mark.parametrize(
    "words", [words for words in LEAVES if words not in NOT_TYPED_AT_RANDOM], ids=" ".join
)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_argument_is_an_internal_error(
    words: tuple[str, ...], prepared: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject
) -> None:
    """Random arguments, also of the options before a command, succeed or are refused by name: none is a bug.

    Left out are the commands that would run what they are given, wait for a browser or for a signal, or take
    minutes: `NOT_TYPED_AT_RANDOM` names them.
    """
    monkeypatch.chdir(prepared)
    monkeypatch.setenv("MUNIMENT_URL", str(prepared / "registry"))
    monkeypatch.setenv("MUNIMENT_STATE", str(prepared / "state"))
    typed = [*data.draw(group_options()), *words, *data.draw(lines(LEAVES[words]))]
    result = CliRunner().invoke(main, typed, input="")
    assert result.exit_code in {0, 1, 2, 3, 4, 5}, (typed, result.exit_code, result.output, result.exception)
    assert "internal_error" not in result.output
    assert not RAW.search(result.output), (typed, result.output)
    assert result.exception is None or isinstance(result.exception, SystemExit), typed


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_begins_with_its_line_in_the_list(name: str) -> None:
    """`muniment COMMAND --help` begins with the sentence that `muniment --help` lists."""
    with click.Context(main) as context:
        command = main.get_command(context, name)
    assert command is not None
    text = " ".join((command.help or "").split("\n\n")[0].split())
    assert text == COMMANDS[name].line
    assert text.endswith(".")
    assert text[0].isupper()


def test_help_groups_the_commands() -> None:
    """`muniment --help` lists each group under its heading, in order."""
    shown = CliRunner().invoke(main, ["--help"]).stdout
    places = [shown.index(f"\n{group}:\n") for group in GROUPS]
    assert places == sorted(places)
    assert all(f"  {name} " in shown for name in COMMANDS)


def test_a_near_miss_is_answered_with_what_was_meant() -> None:
    """A mistyped command is answered with the nearest one, also within a group."""
    assert "Did you mean 'show'?" in CliRunner().invoke(main, ["shwo"]).stderr
    assert "Did you mean 'list'?" in CliRunner().invoke(main, ["user", "lst"]).stderr


def test_words_of_other_tools_are_known(prepared: Path) -> None:
    """Words of other tools work as aliases of commands: `muniment ls` lists."""
    run = CliRunner()
    place = ["--registry", str(prepared / "registry")]
    assert (
        run.invoke(main, [*place, "ls", "--json"]).stdout
        == run.invoke(main, [*place, "list", "--json"]).stdout
    )
    assert set(ALIASES.values()) <= set(COMMANDS)


PRINTING = [
    "show acme/x",
    "show acme/x --json",
    "history acme/x",
    "list",
    "verify acme/x",
    "audit verify",
    "diff acme/x@1 acme/x@1",
    "lineage acme/x",
    "user list --json",
    "admin doctor",
    "--help",
    "show --help",
    "--version",
]


def run_apart(
    prepared: Path, line: str, stdout: int | IO[str], stderr: int
) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    place = [] if line == "--version" else ["--registry", str(prepared / "registry")]
    command = [sys.executable, "-m", "muniment", *place, *line.split()]
    return subprocess.run(command, text=True, check=False, stdout=stdout, stderr=stderr)


@pytest.fixture
def closed() -> Iterator[int]:
    """Give a pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


@pytest.mark.parametrize("line", PRINTING)
def test_a_closed_pipe_ends_quietly(line: str, prepared: Path, closed: int) -> None:
    """A command whose reader has gone ends with the exit code of SIGPIPE and prints no error."""
    ended = run_apart(prepared, line, stdout=closed, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.parametrize("line", ["show acme/nope", "nope", "show", "list"])
def test_a_refusal_that_nobody_reads_ends_quietly(line: str, prepared: Path, closed: int) -> None:
    """A command also ends so if nobody reads its refusals and hints."""
    ended = run_apart(prepared, line, stdout=subprocess.PIPE, stderr=closed)
    assert ended.returncode == 141


def test_a_long_answer_may_be_read_in_part(prepared: Path) -> None:
    """The first line of a long answer can be taken with `head -1`: no error is printed."""
    program = f"{sys.executable} -m muniment --registry {prepared / 'registry'} verify acme/many"
    script = f"{program} | head -1; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, check=False)
    assert ended.stderr == ""
    assert ended.stdout.startswith("ok ")
    assert ended.stdout.splitlines()[1] == "141"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a file that is full")
@pytest.mark.parametrize("line", ["show acme/x", "list --json"])
def test_an_answer_that_is_not_written_is_refused(line: str, prepared: Path) -> None:
    """A command that cannot write its answer, since the disk is full, says so by name."""
    with Path("/dev/full").open("w") as full:
        ended = run_apart(prepared, line, stdout=full, stderr=subprocess.PIPE)
    assert ended.returncode == 2
    assert "file_unusable" in ended.stderr
    assert "cannot use '/dev/stdout': No space left" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reason_that_is_no_text_is_refused(prepared: Path) -> None:
    """A reason with bytes that are not UTF-8 is refused by name."""
    ended = run_apart(
        prepared,
        "promote acme/x@1 staging --reason " + os.fsdecode(b"bad\xff"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith("muniment: invalid_text: ")


class Redirecting(http.server.BaseHTTPRequestHandler):
    def redirect(self) -> None:
        self.send_response(308)
        self.send_header("location", "https://registry.example/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_PATCH = redirect  # noqa: N815 - names that http.server looks for

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Say nothing."""


def test_a_redirect_is_refused_by_name(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect is not followed, and the refusal names the new address."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("MUNIMENT_URL", f"http://127.0.0.1:{server.server_port}")
        try:
            pushed = CliRunner().invoke(main, ["push", str(prepared / "model"), "acme/x"])
            listed = CliRunner().invoke(main, ["list"])
        finally:
            server.shutdown()
            thread.join()
    for ended in (pushed, listed):
        assert ended.exit_code == 5, ended.output
        assert "registry_moved" in ended.stderr
        assert "https://registry.example/elsewhere" in ended.stderr


def test_output_that_is_no_text_is_escaped(prepared: Path, tmp_path: Path) -> None:
    """A file name that is not UTF-8 is printed in ASCII, in a refusal and in JSON."""
    odd = tmp_path / os.fsdecode(b"odd\xff")
    odd.write_bytes(b"weights")
    place = str(prepared / "registry")
    command = [sys.executable, "-m", "muniment", "--registry", place, "identify", str(odd)]
    for words in (command, [*command, "--json"]):
        ended = subprocess.run(words, capture_output=True, text=True, encoding="ascii", check=False)
        assert ended.returncode in {0, 1, 2}, ended.stderr
        assert "internal_error" not in ended.stderr
