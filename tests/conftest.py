"""Fixtures: a registry in memory, one in a directory, and people to act in them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

import muniment
from muniment.client.registry import Registry
from muniment.client.settings import Settings
from muniment.core.backend import Backend
from muniment.signing.keys import Identity
from muniment.testing import open_memory

# Timings say nothing on a busy machine; the same examples each time.
hypothesis_settings.register_profile("muniment", deadline=None, derandomize=True, max_examples=60)
hypothesis_settings.load_profile("muniment")

OpenAs = Callable[[Identity], Backend]


@pytest.fixture(scope="session", autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test away from the home, and the settings, of whoever runs it."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MUNIMENT_URL", "MUNIMENT_IDENTITY", "MUNIMENT_PASSPHRASE", "XDG_STATE_HOME"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(home))
        patch.setenv("MUNIMENT_STATE", str(home / "state"))
        patch.setenv("USER", "Ada")
        yield


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
    with muniment.open(settings=settings) as opened:
        yield opened


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Give a directory with two files to push."""
    directory = tmp_path / "model"
    (directory / "config").mkdir(parents=True)
    (directory / "weights.bin").write_bytes(b"\x00\x01" * 5000)
    (directory / "config" / "model.json").write_text('{"depth": 6}')
    return directory
