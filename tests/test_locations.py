"""Locations: directories and URLs of servers, and what is neither."""

from dataclasses import replace

import pytest

import muniment
from muniment.client.connection.locations import read_server
from muniment.client.connection.settings import Settings
from muniment.client.people.login import login, logout
from muniment.client.sdk.opening import forget
from muniment.core.errors import BadToken, InvalidLocation


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
    ("location", "host"),
    [("http://straße.de", "xn--strae-oqa.de"), ("http://[::1]:80", "::1"), ("http://A.example", "a.example")],
)
def test_every_library_connects_to_the_same_host(location: str, host: str) -> None:
    """An international name is written in ASCII once, as browsers do."""
    assert host == read_server(location).host


def test_a_token_that_no_header_can_carry_is_refused(settings: Settings) -> None:
    """A token with other characters than ASCII ones is refused before anything is sent."""
    for token in ("mun_é", "mun_\udcff", "mun_\r\nhost: x"):
        with pytest.raises(BadToken):
            muniment.open("https://registry.example.com", settings=replace(settings, token=token))
