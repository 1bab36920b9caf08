"""The tutorial for teams works, command by command, as its reader types it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import muniment
from muniment.testing.live import stop, wait_until
from muniment.testing.servers import find_port

PAGE = Path(muniment.__file__).parents[2] / "docs/tutorials/team.md"
LINK = re.compile(r"http://127\.0\.0\.1:\d+/login#mun_[\w-]+")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PAGE.exists(), reason="the pages are in the repository"),
]


def test_two_people_share_a_registry(tmp_path: Path) -> None:
    """Each section of the tutorial runs in its terminal, refuses where it says so, and ends in production."""
    sections = read_sections(PAGE.read_text())
    port = find_port()
    log = tmp_path / "serve.log"
    serve = next(
        command for command in sections["1. Start the server"] if command.startswith("muniment serve")
    )
    with log.open("wb") as output:
        words = serve.replace("8000", str(port)).split()
        server = subprocess.Popen([program(words[0]), *words[1:]], cwd=tmp_path, stdout=output, stderr=output)
    try:
        wait_until(lambda: LINK.search(log.read_text()) is not None, server)
        links = LINK.findall(log.read_text())
        said: dict[str, str] = {}
        terminal = ""
        for title, commands in list(sections.items())[1:]:
            if title.startswith("6"):
                terminal = shell("ada", port)
            elif any("MUNIMENT_STATE" in command for command in commands):
                terminal = ""
            for command in commands:
                line = command.replace("8000", str(port))
                line = re.sub(r"http://\S+/login#mun_\.\.\.", links[-1], line)
                result = run(terminal + line, tmp_path)
                said[line] = result.stdout + result.stderr
                refused = line.startswith("muniment promote") and not title.startswith("6")
                assert (result.returncode == 0) is not (refused or line.startswith("muniment check")), said[
                    line
                ]
                links += LINK.findall(result.stdout)
                if line.startswith("export"):
                    terminal += f"{line}\n"
        assert "gate_failed" in "".join(said.values())
        assert "acme/readmission@1" in said["muniment list 'alias = production'"]
        assert "Vera" in said["muniment user may approve acme"]
    finally:
        stop(server)


def read_sections(page: str) -> dict[str, list[str]]:
    """Read the commands of each section; what stands between them is what they print."""
    sections: dict[str, list[str]] = {}
    for part in page.split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        blocks = re.findall(r"```console\n(.*?)```", body, re.DOTALL)
        sections[title] = [command for block in blocks for command in read_commands(block)]
    return {title: commands for title, commands in sections.items() if commands}


def read_commands(block: str) -> list[str]:
    commands: list[str] = []
    inside = False
    for line in block.splitlines():
        if line.startswith("$ "):
            commands.append(line[2:])
            inside = "<<EOF" in line
        elif inside:
            commands[-1] += f"\n{line}"
            inside = line != "EOF"
    return commands


def shell(name: str, port: int) -> str:
    return f"export MUNIMENT_STATE=$HOME/{name}\nexport MUNIMENT_URL=http://127.0.0.1:{port}\n"


def run(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "HOME": str(directory),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    return subprocess.run(
        ["/bin/bash", "-c", script],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))
