"""Locations: directories and URLs of servers, and what is neither."""

from dataclasses import replace

import pytest

import muniment
from muniment.client.connection.locations import read_server
from muniment.client.connection.settings import Settings
from muniment.client.people.login import login, logout
from muniment.client.sdk.opening import forget
from muniment.core.errors import BadToken, InsecureLocation, InvalidLocation


@pytest.mark.parametrize(
    "location",
    [
        *("", "a\0b", "ftp://registry.example.com", "HTTP://registry.example.com"),
        *("http://", "http:///x", "http://[", "http://[::1", "http://a:b", "http://a:99999999"),
        *(
            "http://a b",
            "http://a..b",
            "http://\udcff",
            "http://a/\udcff",
            "http://\u202e",
            "http://straße.de",
            f"http://{'a' * 64}",
        ),
    ],
)
def test_a_location_that_cannot_be_read_is_refused(location: str, settings: Settings) -> None:
    """A location that is neither a directory nor the URL of a server is refused by name."""
    with pytest.raises(InvalidLocation):
        muniment.open(location, settings=settings)
    with pytest.raises(InvalidLocation):
        forget(location, settings=settings)
    with pytest.raises(InvalidLocation):
        login(location, name="laptop", settings=settings, show=pytest.fail)
    with pytest.raises(InvalidLocation):
        logout(location, settings=settings)


@pytest.mark.parametrize(
    ("location", "host", "path"),
    [
        ("http://[::1]:80", "::1", ""),
        ("https://A.example/", "a.example", ""),
        ("https://xn--strae-oqa.de/registry/", "xn--strae-oqa.de", "/registry"),
        ("https://a.example/é", "a.example", "/%C3%A9"),
    ],
)
def test_a_url_is_read_once_for_every_library(location: str, host: str, path: str) -> None:
    """The host and the path are ASCII, so every library sends a request to the same place."""
    server = read_server(location)
    assert (host, path) == (server.host, server.path)


def test_a_token_does_not_travel_in_the_clear(settings: Settings) -> None:
    """A token is sent over http:// to this machine only."""
    with pytest.raises(InsecureLocation):
        muniment.open("http://registry.example.com", settings=replace(settings, token="mnt_secret"))  # noqa: S106 - of a test


def test_a_token_that_no_header_can_carry_is_refused(settings: Settings) -> None:
    """A token with other characters than ASCII ones is refused before anything is sent."""
    for token in ("mun_é", "mun_\udcff", "mun_\r\nhost: x"):
        with pytest.raises(BadToken):
            muniment.open("https://registry.example.com", settings=replace(settings, token=token))
