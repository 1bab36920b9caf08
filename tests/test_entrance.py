"""Where a server listens and how one signs in: what it prints when it starts, and what its root says."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from muniment.testing.live import LiveServer, run_server

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def read_start(server: LiveServer) -> str:
    return server.log.read_text().partition("{")[0]


def test_a_server_says_where_it_is_each_time(tmp_path: Path) -> None:
    """Each start prints where a server listens and how one signs in; the first one, the link of the admin."""
    with run_server(tmp_path) as server:
        first = read_start(server)
    with run_server(tmp_path, port=int(server.url.rpartition(":")[2])) as again:
        server.log.write_text("")
    with run_server(tmp_path, {"MUNIMENT_PUBLIC_URL": "https://registry.example"}) as behind:
        second = read_start(behind)
    where = server.url.removeprefix("http://")
    assert f"Muniment listens on {where}, for clients at {server.url}\n" in first
    assert "To sign in: muniment login LINK  (an admin makes one: muniment user invite NAME)\n" in first
    assert f"muniment login '{server.url}/login#mun_" in first
    assert "for clients at https://registry.example\n" in second
    assert "mun_" not in second
    assert again.url == server.url


def test_people_with_a_provider_sign_in_by_the_address(tmp_path: Path) -> None:
    """With an identity provider, the server names its address to sign in at, also on its page."""
    settings = {"MUNIMENT_OIDC_ISSUER": "https://login.example", "MUNIMENT_OIDC_CLIENT_ID": "muniment"}
    with run_server(tmp_path, settings) as server:
        assert f"To sign in: muniment login {server.url}\n" in read_start(server)
        assert f"muniment login {server.url}\n" in httpx2.get(server.url, headers=BROWSER).text


def test_the_root_of_a_server_answers_browsers(tmp_path: Path) -> None:
    """A browser gets a page that says how to begin; other clients are refused as before."""
    with run_server(tmp_path) as server:
        page = httpx2.get(f"{server.url}/", headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert f"export MUNIMENT_URL={server.url}" in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert httpx2.get(f"{server.url}/pages/style.css").status_code == 200
        refused = httpx2.get(f"{server.url}/")
        assert (refused.status_code, refused.json()["code"]) == (404, "route_not_found")


@pytest.mark.parametrize("host", ["127.0.0.1", "host.invalid"])
def test_a_server_that_cannot_listen_is_refused_by_name(tmp_path: Path, host: str) -> None:
    """A port that is taken, or an address of another machine, is refused without a traceback."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "muniment", "serve", str(tmp_path), "--host", host]
        ended = subprocess.run(
            [*command, "--port", str(taken.getsockname()[1])],
            capture_output=True,
            text=True,
            env=os.environ,
            check=False,
            timeout=60,
        )
    assert ended.returncode == 2
    assert ended.stderr.startswith("muniment: invalid_setting: MUNIMENT_")
    assert "cannot be listened on" in ended.stderr
