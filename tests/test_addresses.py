"""Addresses that people give: a server calls only what is public, or what its operator has named."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from muniment.core.addresses import PUBLIC, AllowedAddresses, find_fault, is_public, redact, redact_all
from muniment.core.backend import Backend
from muniment.core.errors import InvalidOption, InvalidSetting, LoginRefused, MunimentError
from muniment.core.payloads import Payload
from muniment.core.verbs.people import RegisterPrincipal, TrustIssuer
from muniment.core.verbs.upkeep import SetWebhook
from muniment.server import outside
from muniment.server.oidc import fetch
from muniment.server.outside import AddressRefused, call
from muniment.server.settings import ServerSettings
from muniment.server.webhooks import make_sender
from muniment.signing.keys import Identity
from muniment.testing.backends import refuses
from muniment.testing.live import run_server
from test_serving import make_certificate

LOCAL = AllowedAddresses.read("127.0.0.0/8")
SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
REFUSED = [
    "https://127.0.0.1/",
    "https://127.8.9.1:8443/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://a.localhost/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://168.63.129.16/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fd00:ec2::254]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://127.0.0.1./",
    "https://hooks.example.org./",
    "https://①②⑦.⓪.⓪.①/",
    "https://user@hooks.example.org/",
    "https://user:secret@hooks.example.org/",
    "https://@hooks.example.org/",
    "https://hooks.example.org\\@127.0.0.1/",
    "https://127.0.0.1\\@hooks.example.org/",
    "https://hooks.example.org/a b",
    "https://hooks.example.org/\r\nx: y",
    "https://hooks.example.org/\x00",
    "https://hooks.example.org/\u2028",
    " https://hooks.example.org/",
    "https://hooks.example.org:0/",
    "https://hooks.example.org:99999/",
    "https://hooks.example.org%2f@x/",
    "https:///x",
    "//hooks.example.org/",
    "ftp://hooks.example.org/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
]


# What a user may well mean.
ALLOWED = [
    "https://hooks.example.org/",
    "http://hooks.example.org:8080/x?y=1#z",
    "HTTPS://Hooks.Example.ORG/",
    "https://my_service.example.org/",
    "https://xn--bcher-kva.example/",
    "https://1.1.1.1/",
    "https://[2606:4700:4700::1111]/",
    "https://localhost.evil.example/",
    "https://127.0.0.1.evil.example/",
]


@pytest.mark.parametrize("url", REFUSED, ids=repr)
def test_what_is_not_public_is_refused(backend: Backend, url: str) -> None:
    """Neither a webhook nor an issuer is set to an address inside, or to one that can be read in two ways."""
    assert find_fault(url, PUBLIC)
    backend.execute(RegisterPrincipal(name=Payload.of("ci"), workload=True))
    target = Payload.of(json.dumps({"url": url, "secret": SECRET}))
    refuses(lambda: backend.execute(SetWebhook(namespace="acme", target=target)), InvalidOption)
    rule = TrustIssuer(issuer=url, claims=(("sub", "x"),), principal="ci")
    refuses(lambda: backend.execute(rule), MunimentError)
    with pytest.raises(AddressRefused), call("GET", url, PUBLIC, headers={}):
        pass
    with pytest.raises(LoginRefused):
        fetch(url, PUBLIC)


@pytest.mark.parametrize("url", ALLOWED)
def test_what_is_public_is_taken(backend: Backend, url: str) -> None:
    """A public address may be set; a name that only begins like a local one is one like any other."""
    target = Payload.of(json.dumps({"url": url, "secret": SECRET}))
    assert backend.execute(SetWebhook(namespace="acme", target=target)).created


@pytest.mark.parametrize(
    "url", ["http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://example.org"]
)
def test_an_issuer_is_reached_by_tls(url: str) -> None:
    """Plain http is for issuers on this machine, by their exact names."""
    assert find_fault(url, PUBLIC, secure=True) == "must be an https:// address"
    assert find_fault(url, AllowedAddresses.read("example.org"), secure=True) == "must be an https:// address"
    assert not find_fault("http://127.0.0.1:9/", LOCAL, secure=True)
    assert not find_fault("http://localhost:9/", AllowedAddresses.read("localhost"), secure=True)


@given(st.ip_addresses(v=4))
@example(IPv4Address("1.0.0.0"))
def test_an_address_in_another_is_not_public(ip: IPv4Address) -> None:
    """An IPv4 address inside an IPv6 address opens no way in, also if it is public itself."""
    for tunnel in (f"::ffff:{ip}", f"64:ff9b::{ip}", f"::{ip}"):
        assert not is_public(IPv6Address(tunnel))
    assert not is_public(IPv6Address((0x2002 << 112) | (int(ip) << 80)))


@given(st.ip_addresses())
@example(IPv6Address("::ffff:1.0.0.0"))
def test_nothing_inside_is_public(ip: IPv4Address | IPv6Address) -> None:
    """What Python's own tables call private, local or reserved is never public."""
    inside = ip.is_private or ip.is_loopback or ip.is_link_local or ip.is_reserved or ip.is_unspecified
    assert not (is_public(ip) and (inside or ip.is_multicast))


# ---- the setting


def test_the_setting_names_hosts_and_networks() -> None:
    """Hosts match exactly, networks by what they hold."""
    allowed = AllowedAddresses.read("10.1.0.0/16, Hooks.Internal ,fd00::/8,127.0.0.1")
    for url in ("http://10.1.2.3/", "http://hooks.internal/", "http://[fd00::1]/", "http://127.0.0.1:9/"):
        assert find_fault(url, allowed) == ""
    for url in ("http://10.2.0.1/", "http://127.0.0.2/", "http://localhost/", "http://[::1]/"):
        assert find_fault(url, allowed)
    for wrong in ("10.0.0.1/8", "http://x", "a b", "127.1", "*", "10.0.0.0/33"):
        with pytest.raises(InvalidSetting, match="neither a host nor a network"):
            ServerSettings.load(allow_addresses=wrong)


def test_the_addresses_of_settings_are_exempt() -> None:
    """The provider of the server's own settings may be inside, at exactly its port."""
    settings = ServerSettings.load(oidc_issuer="http://127.0.0.1:9000/realms/x")
    assert find_fault("http://127.0.0.1:9000/keys", settings.allowed, secure=True) == ""
    assert find_fault("http://127.0.0.1:9001/keys", settings.allowed)


@pytest.mark.slow
def test_a_server_takes_what_its_setting_names(tmp_path: Path) -> None:
    """A server refuses an address inside, at a webhook and at an issuer, unless its setting names it."""
    key = Identity.generate()
    with run_server(tmp_path, {"MUNIMENT_ALLOW_ADDRESSES": "127.0.0.1"}) as server:
        backend = server.open_as(key)
        backend.execute(RegisterPrincipal(name=Payload.of("ci"), workload=True))
        for host, is_taken in (("127.0.0.1", True), ("127.0.0.2", False), ("10.0.0.1", False)):
            target = Payload.of(json.dumps({"url": f"https://{host}:9/", "secret": SECRET}))
            commands = (
                SetWebhook(namespace="acme", target=target),
                TrustIssuer(issuer=f"https://{host}:9/", claims=(("sub", "x"),), principal="ci"),
            )
            for command in commands:
                if is_taken:
                    assert backend.execute(command).created
                else:
                    refuses(lambda command=command: backend.execute(command), InvalidOption)  # type: ignore[misc] # bound at once


# ---- connections


class Target(ThreadingHTTPServer):
    """A server on this machine, which keeps the hosts that it was asked for."""

    def __init__(self, status: int = 200, location: str = "") -> None:
        self.hosts: list[str | None] = []
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                target.hosts.append(self.headers["host"])
                self.send_response(status)
                if location:
                    self.send_header("location", location)
                self.send_header("content-length", "0")
                self.end_headers()

            do_POST = do_GET  # noqa: N815 - the name is the library's

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)

    def run(self) -> None:
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture
def target() -> Iterator[Target]:
    with Target() as running:
        running.run()
        yield running
        running.shutdown()


Names = Callable[..., None]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Give what answers look-ups of names: each time with the next list of IP addresses."""

    def answer(*answers: list[str]) -> None:
        following = iter(answers)
        real = socket.getaddrinfo

        def look_up(host: str, port: int, *_: object, **__: object) -> object:
            ips = [host] if host[0].isdigit() else next(following)
            return [one for ip in ips for one in real(ip, port, type=socket.SOCK_STREAM)]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)

    return answer


def get(url: str, allowed: AllowedAddresses) -> int:
    with call("GET", url, allowed, headers={}) as answer:
        return answer.status


def test_a_name_that_leads_inside_is_not_called(target: Target, names: Names) -> None:
    """A public name with an address inside is refused each time, unless the setting names the address."""
    url = f"http://hooks.example.org:{target.server_port}/x"
    names(["127.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["::ffff:127.0.0.1"], ["10.0.0.1", "127.0.0.1"])
    for _ in range(3):
        with pytest.raises(AddressRefused):
            get(url, PUBLIC)
    assert target.hosts == []
    assert get(url, LOCAL) == 200
    assert target.hosts == [f"hooks.example.org:{target.server_port}"]


def test_a_name_is_looked_up_once(target: Target, names: Names) -> None:
    """The connection goes to the address that was checked, whatever the name has a moment later."""
    names(["127.0.0.1"], ["10.0.0.1"])
    assert get(f"http://hooks.example.org:{target.server_port}/", LOCAL) == 200


def test_an_address_that_was_set_before_is_checked_at_each_delivery(target: Target) -> None:
    """A sender refuses what it may not call, though it is on record."""
    url = f"http://127.0.0.1:{target.server_port}/"
    with pytest.raises(AddressRefused):
        make_sender(PUBLIC)(url, b"{}", {})
    assert make_sender(LOCAL)(url, b"{}", {}) == 200
    assert len(target.hosts) == 1


def test_no_redirect_is_followed(target: Target) -> None:
    """A redirect is an answer like others, and leads nowhere."""
    with Target(302, f"http://127.0.0.1:{target.server_port}/") as redirecting:
        redirecting.run()
        assert make_sender(LOCAL)(f"http://127.0.0.1:{redirecting.server_port}/", b"{}", {}) == 302
        redirecting.shutdown()
    assert target.hosts == []


def test_no_proxy_is_asked(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of the environment, which would look names up by itself, is not used."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert get(f"http://127.0.0.1:{target.server_port}/", LOCAL) == 200


def test_tls_is_for_the_name(tmp_path: Path, names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is asked for the name of the address, and its certificate has to have that name."""
    certificate, key = make_certificate(tmp_path, "hooks.example.org")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    trusted = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(outside, "_tls", lambda: trusted)
    names(["127.0.0.1"], ["127.0.0.1"])
    with Target() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.run()
        assert get(f"https://hooks.example.org:{server.server_port}/", LOCAL) == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            get(f"https://other.example.org:{server.server_port}/", LOCAL)
        server.shutdown()
    assert asked == ["hooks.example.org", "other.example.org"]


# ---- logs


def test_a_log_shows_no_more_than_a_host() -> None:
    """What is logged of an address has neither user, path nor query."""
    assert redact("https://ada:x@hooks.example.org/T0/B0?key=1#y") == "https://hooks.example.org/..."
    said = "no answer from https://u:p@a.example/T0?k=v, then 'http://b.example:8/x'"
    assert redact_all(said) == "no answer from https://a.example/... then 'http://b.example/...'"
    assert "secret" not in redact_all("https://[secret") + redact("https://[secret")
