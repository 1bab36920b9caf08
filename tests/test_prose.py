"""The pages name only what exists: paths, commands, options, settings, codes, names and figures."""

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

import muniment
from muniment.cli.commands import COMMANDS
from muniment.cli.main import main
from muniment.server.settings import ServerSettings

ROOT = Path(muniment.__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
SOURCES = [
    path
    for room in ("src", "tests", "bench")
    for end in ("*.py", "*.json")
    for path in (ROOT / room).rglob(end)
]
# Folders whose names begin a path in the pages: of the repository, of the package, of a wing.
ROOMS = {path.name for top in (ROOT, ROOT / "src/muniment") for path in top.iterdir() if path.is_dir()}

# Options of `muniment` itself that take no value.
_FLAGS = {"-h", "--help", "--version", "--traceback", "--read-only"}
# What other projects call their things.
FOREIGN = {"mlflow", "set_registered_model_alias", "snapshot_download"}

pytestmark = pytest.mark.skipif(not PAGES[0].exists(), reason="the pages are in the repository")
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())


@pytest.fixture(scope="module")
def code() -> str:
    return "\n".join(path.read_text() for path in SOURCES)


def spans(page: Path) -> list[str]:
    """Give what stands between single backticks, blocks of code left out."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


def typed(page: Path) -> Iterator[list[str]]:
    """Give each command line that a page shows, in words after `muniment`."""
    text = page.read_text()
    blocks = re.findall(r"^(?:    |\$ |- run: +|    - )(muniment .+)$", text, re.MULTILINE)
    for line in [*blocks, *(span for span in spans(page) if span.startswith("muniment "))]:
        words = re.sub(r" (\[OPTIONS\]|COMMAND \[ARGS\]\.\.\.)", "", line)
        words = words.partition(" #")[0].partition(" && ")[0].removesuffix("...").replace("…", "")
        try:
            split = shlex.split(words)[1:]
        except ValueError:
            continue
        if not split[:1] or not split[0].isupper():
            yield split


def find_command(words: list[str]) -> tuple[list[click.Command], list[str]]:
    """Follow words to a command; give the commands on the way, and the words that are left."""
    way: list[click.Command] = [main]
    left = list(words)
    while left and isinstance(way[-1], click.Group):
        if left[0].startswith("-"):
            left = left[1:] if left[0] in _FLAGS else left[2:]
            continue
        with click.Context(main) as context:
            command = way[-1].get_command(context, left[0])
        assert command is not None, f"there is no command {' '.join(words)!r}"
        way.append(command)
        left = left[1:]
    return way, left


def test_the_checks_see_what_pages_say() -> None:
    """The README has spans, command lines, links and settings for these tests to check."""
    text = PAGES[0].read_text()
    assert {"push", "verify"} <= {words[0] for words in typed(PAGES[0])}
    assert any("/" in span for page in PAGES for span in spans(page))
    assert re.findall(r"\]\(([^)\s]+)\)", text)
    assert any("MUNIMENT_" in page.read_text() for page in PAGES)


@each_page
def test_paths_exist(page: Path) -> None:
    """A path in the pages that begins with a folder of the project exists."""
    for span in spans(page):
        first, separator, rest = span.partition("/")
        if separator and first in ROOMS and re.fullmatch(r"[\w./{},-]+", span) and "..." not in span:
            places = [ROOT / span, ROOT / "src/muniment" / span]
            if "{" not in span and "*" not in span and rest:
                assert any(place.exists() for place in places), f"{page.name} names {span}"


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """Each link to a page or a heading leads there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not target.startswith(("http:", "https:", "mailto:")):
            name, _, anchor = target.partition("#")
            path = (page.parent / name) if name else page
            assert path.exists(), f"{page.name} links to {target}"
            if anchor:
                headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
                slugs = {
                    re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
                }
                assert anchor in slugs, f"{page.name} links to {target}"


@each_page
def test_commands_and_their_options_exist(page: Path) -> None:
    """Each command line in the pages is a command with options that it has."""
    for words in typed(page):
        way, left = find_command(words)
        known = {
            name
            for command in way
            for option in command.params
            for name in (*option.opts, *option.secondary_opts)
        }
        known |= {"--help", "-h"}
        if way[-1].context_settings.get("ignore_unknown_options"):
            left = left[: left.index("--")] if "--" in left else []
        for word in left:
            option = word.partition("=")[0].rstrip(".,")
            if re.fullmatch(r"--?[a-z][a-z-]*", option):
                assert option in known, f"{page.name}: {' '.join(words)!r} has no option {option}"


@each_page
def test_settings_exist(page: Path, code: str) -> None:
    """Each MUNIMENT_ variable in the pages is one that the code reads."""
    server = {f"MUNIMENT_{name.upper()}" for name in ServerSettings.model_fields}
    for name in re.findall(r"\bMUNIMENT_[A-Z][A-Z_]*[A-Z]\b", page.read_text()):
        assert name in server or f'"{name}"' in code, f"{page.name} names {name}"


@each_page
def test_names_exist(page: Path, code: str) -> None:
    """Each code, function, class, field or event in backticks is in the code."""
    for span in spans(page):
        name = span.removesuffix("()").rpartition(".")[2]
        is_code = re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)+|[A-Z][a-z]+([A-Z][a-z]+)+", name)
        if is_code and re.fullmatch(r"[\w.()]+", span) and span.partition(".")[0] not in FOREIGN:
            assert re.search(rf"\b{name}\b", code), f"{page.name} names {span}"


def test_every_command_stands_on_a_page() -> None:
    """Each command is described on a page."""
    pages = "\n".join(page.read_text() for page in PAGES)
    assert not [name for name in COMMANDS if not re.search(rf"\bmuniment {name}\b", pages)]


@pytest.fixture
def readme() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_readme", ROOT / "docs/make_readme.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_figures_of_the_readme_are_those_of_the_bench(readme: ModuleType) -> None:
    """The table of figures in the README is what `make readme` would write."""
    written = readme.read_part((ROOT / "README.md").read_text(), "figures")
    assert written == readme.write_figures((ROOT / "docs/reference/performance.md").read_text())


def test_the_first_session_of_the_readme_runs(tmp_path: Path) -> None:
    """The lines of the README's first session work in order, as typed in an empty directory."""
    block = (ROOT / "README.md").read_text().partition("```console\n")[2].partition("```")[0]
    lines = [line.removeprefix("$ ") for line in block.splitlines()]
    assert len(lines) == 12
    ours = f'muniment() {{ {shlex.quote(sys.executable)} -m muniment "$@"; }}; '
    for line in lines:
        typed = ["bash", "-c", ours + line]
        ended = subprocess.run(typed, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, (line, ended.stdout, ended.stderr)
        # A table that does not fit on a screen shows a reader nothing.
        assert len(ended.stdout.splitlines()) <= 36, line


@pytest.mark.slow
def test_the_demo_tells_its_story_and_the_readme_shows_it(tmp_path: Path, readme: ModuleType) -> None:
    """`muniment demo` does every step, and prints what the README shows."""
    result = subprocess.run(
        [sys.executable, "-m", "muniment", "demo", "--keep", str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("Every step worked as claimed.\n")
    for chapter in range(1, 10):
        assert f"\n{chapter}. " in result.stdout
    written = readme.read_part((ROOT / "README.md").read_text(), "demo")
    assert blur(written) == blur(readme.write_excerpt(result.stdout))


def blur(text: str) -> str:
    """Leave digests, times, ids and decimals out of a text, and the widths of its columns."""
    ages = r"\bnow\b|\d+ (second|minute)s? ago"
    return re.sub(rf"[0-9a-f]{{12,}}|\d{{4}}-\d\d-\d\dT[\d:.]+Z|\d\.\d+|{ages}", "…", re.sub(" +", " ", text))
