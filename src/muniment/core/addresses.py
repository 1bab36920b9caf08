"""Addresses that people give, for a server to call: which may be called, and which are refused.

A server stands where others do not: in front of databases, metadata services and its own ports. So an address
must be public, unless the server's operator has named its host or its network.

>>> find_fault("https://hooks.example.org/x", AllowedAddresses())
''
>>> find_fault("https://169.254.169.254/latest", AllowedAddresses())
'must be public: 169.254.169.254 is not, and MUNIMENT_ALLOW_ADDRESSES does not name it'
>>> find_fault("http://10.1.2.3/", AllowedAddresses.read("10.1.0.0/16, hooks.internal"))
''
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import SplitResult, urlsplit

IP: TypeAlias = IPv4Address | IPv6Address
_Network: TypeAlias = IPv4Network | IPv6Network

_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")
# What some resolvers take for a number: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PRINTABLE: Final = re.compile(r"[!-~]+")
_URL: Final = re.compile(r"\bhttps?://[^\s'\"<>]+")
# Public, by their numbers, and yet inside: Azure's metadata service, and what tunnels to any IPv4 address.
_INSIDE: Final = tuple(map(ip_network, ("168.63.129.16/32", "192.88.99.0/24", "2002::/16", "2001::/32")))
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")


class Origin(NamedTuple):
    """The part of an address that says where to connect."""

    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class AllowedAddresses:
    """The hosts and networks that may be called although they are not public.

    `origins` are those of the server's own settings.
    """

    hosts: frozenset[str] = frozenset()
    networks: tuple[_Network, ...] = ()
    origins: frozenset[Origin] = frozenset()

    @classmethod
    def read(cls, text: str, *own: str) -> "AllowedAddresses":
        """Read hosts and networks, separated by commas; `own` are the addresses of the server's settings.

        Raises:
            ValueError: an item is neither a host nor a network.
        """
        hosts: set[str] = set()
        networks: list[_Network] = []
        for item in filter(None, (item.strip().lower() for item in text.split(","))):
            try:
                networks.append(ip_network(item))
            except ValueError:
                if not _is_host(item):
                    raise ValueError(f"{item!r} is neither a host nor a network such as 10.0.0.0/8") from None  # noqa: EM102, TRY003 - its caller says it
                hosts.add(item)
        return cls(frozenset(hosts), tuple(networks), frozenset(map(read_origin, own)))

    def allow(self, origin: Origin, ip: IP | None = None) -> bool:
        """Say whether a server may connect to an origin, at an IP address that its host has."""
        if origin in self.origins or origin.host in self.hosts:
            return True
        return ip is not None and (is_public(ip) or any(ip in network for network in self.networks))


# Without a setting.
PUBLIC: Final = AllowedAddresses()


def find_fault(url: str, allowed: AllowedAddresses, *, secure: bool = False) -> str:
    """Say what an address must be, and is not; empty if nothing is wrong. No name is looked up.

    With `secure`, it has to be https, unless it is on the server's own machine.
    """
    parts = _split(url)
    if parts is None:
        return "must be an http or https address without a user, spaces or control characters"
    origin = read_origin(url)
    ip = _read_ip(origin.host)
    is_local = origin.host == "localhost" or origin.host.endswith(".localhost")
    if secure and origin.scheme != "https" and not (is_local or (ip is not None and ip.is_loopback)):
        return "must be an https:// address"
    if (ip is not None or is_local) and not allowed.allow(origin, ip):
        return f"must be public: {origin.host} is not, and MUNIMENT_ALLOW_ADDRESSES does not name it"
    return ""


def read_origin(url: str) -> Origin:
    """Read the origin of an address, whose form has been checked (`find_fault`)."""
    parts = urlsplit(url)
    return Origin(parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0))


def is_public(ip: IP) -> bool:
    """Say whether everybody can reach an IP address, so that it shows nothing to call it from here."""
    # This leaves out IPv4 addresses that are written as IPv6 ones (::ffff:1.0.0.0).
    if isinstance(ip, IPv6Address) and ip not in _GLOBAL_UNICAST:
        return False
    is_outside = ip.is_global and not (ip.is_multicast or ip.is_reserved)
    return is_outside and not any(ip in network for network in _INSIDE)


def redact(url: str) -> str:
    """Write an address for a log: its scheme and its host. The rest may be a secret.

    >>> redact("https://ada:x@hooks.example.org/T0/B0?key=1")
    'https://hooks.example.org/...'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "..."
    return f"{parts.scheme}://{parts.hostname or ''}/..."


def redact_all(text: str) -> str:
    """Write each address in a text as `redact` does."""
    return _URL.sub(lambda found: redact(found[0]), text)


def _split(url: str) -> SplitResult | None:
    """Take a URL apart; None if parsers could disagree on where it leads."""
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or "@" in parts.netloc or port == 0:
        return None
    return parts if _is_host(host) or (parts.netloc.startswith("[") and _read_ip(host) is not None) else None


def _is_host(host: str) -> bool:
    """Say whether a text is the name of a host, or an IPv4 address in its usual form."""
    if not _HOST.fullmatch(host):
        return False
    return not _NUMBER.fullmatch(host.rpartition(".")[2]) or _read_ip(host) is not None


def _read_ip(host: str) -> IP | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
