"""Which addresses a stranger may make this machine visit: text, host, port and number.

The rules alone: nothing here opens a socket or asks for a name. `parse_address` is the only
parser; what it returns is what is checked and what is connected to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TypeAlias

import httpx

from lyra_zoom.errors import InputRejected

IpAddress: TypeAlias = IPv4Address | IPv6Address

LONGEST_ADDRESS = 8192
"""Characters; what common servers accept as a request line."""

DEFAULT_PORTS = {"http": 80, "https": 443}

HOST_NAME = re.compile(r"(?!.{254})([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_-]{1,63}")
"""RFC 1123 with the underscore that is found in practice; lower case, in ASCII form."""

NUMBER_AT_THE_END = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
"""What resolvers read as IPv4 in some other notation (WHATWG URL: "ends in a number")."""

LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa")
"""Names, with all below them, that never lead to the internet (RFC 6761, 6762, 8375; ICANN)."""

# IANA's registries of special-purpose addresses: everything not for the public internet, and
# 6to4 and Teredo, whose tunnels end at an IPv4 address that a stranger chooses.
NOT_PUBLIC_IPV4 = tuple(
    map(
        ip_network,
        ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
         "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
         "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)  # fmt: skip
GLOBAL_UNICAST_IPV6 = ip_network("2000::/3")
NOT_PUBLIC_IPV6 = tuple(
    map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
)
NAT64 = ip_network("64:ff9b::/96")

LOCAL_NETWORKS = tuple(
    map(
        ip_network,
        ("0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12",
         "192.168.0.0/16", "198.18.0.0/15", "::/127", "fc00::/7"),
    )
)  # fmt: skip
"""One's own machine and network: what `allow_private` adds. Link-local is not among them."""

METADATA_SERVICES = frozenset(
    map(ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254"))
)
"""Where clouds tell a machine its secrets, outside link-local: Alibaba, Azure, AWS."""

UNFIT_PORTS = frozenset(
    (1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376, 2379, 2380, 3306, 3389, 3659, 4045, 4190,
     5060, 5061, 5432, 5672, 5900, 6000, 6379, 6443, 6566, 6665, 6666, 6667, 6668, 6669, 6679,
     6697, 9042, 9092, 9200, 9300, 10080, 10250, 11211, 27017)
)  # fmt: skip
"""Databases, caches, and the bad ports of the WHATWG Fetch standard."""


@dataclass(frozen=True, slots=True)
class Address:
    """An http(s) address taken apart; `host` is lower-case ASCII, IPv6 without brackets."""

    scheme: str
    host: str
    port: int
    target: bytes

    @property
    def authority(self) -> str:
        """The value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def redirected(self, location: str, field_name: str) -> Address:
        """Where a `Location` header leads from here."""
        _check_text(location, field_name)
        here = httpx.URL(f"{self.scheme}://{self.authority}{self.target.decode('ascii')}")
        try:
            there = here.join(location)
        except (httpx.InvalidURL, ValueError) as error:
            raise refused(field_name, "the redirect leads to no address") from error
        return parse_address(str(there), field_name)


def parse_address(text: str, field_name: str) -> Address:
    """The parts of an http(s) address; a spelling that can be read in two ways is refused."""
    _check_text(text, field_name)
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise refused(field_name, "the text is not an address") from error
    if url.scheme not in DEFAULT_PORTS or not url.raw_host:
        raise refused(
            field_name, "the address does not begin with http:// or https:// and a host"
        )
    if url.userinfo:
        raise refused(field_name, "the address carries a user name or a password")
    port = DEFAULT_PORTS[url.scheme] if url.port is None else url.port
    if not 0 < port < 2**16:
        raise refused(field_name, "the address has no possible port")
    host = url.raw_host.decode("ascii").removesuffix(".")
    if literal(host) is None and (
        NUMBER_AT_THE_END.fullmatch(host) or not HOST_NAME.fullmatch(host)
    ):
        raise refused(field_name, "the host of the address is neither a name nor an IP address")
    return Address(url.scheme, host, port, url.raw_path)


def literal(host: str) -> IpAddress | None:
    """The IP address that a host spells out in its usual form, or None for a name."""
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None


def is_public(ip: IpAddress) -> bool:
    """Whether an IP address is of the public internet; IPv4 inside IPv6 is judged as IPv4."""
    if ip in METADATA_SERVICES:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in network for network in NOT_PUBLIC_IPV4)
    inside = _inside(ip)
    if inside is not None:
        return is_public(inside)
    return ip in GLOBAL_UNICAST_IPV6 and not any(ip in network for network in NOT_PUBLIC_IPV6)


def is_local(ip: IpAddress) -> bool:
    """Whether an IP address is of this machine or its networks, metadata services excepted."""
    inside = _inside(ip) if isinstance(ip, IPv6Address) else None
    if inside is not None:
        return is_local(inside)
    return ip not in METADATA_SERVICES and any(ip in network for network in LOCAL_NETWORKS)


def is_local_name(host: str) -> bool:
    """Whether a name says by itself that it is not of the public internet."""
    return any(host == name or host.endswith(f".{name}") for name in LOCAL_NAMES)


def is_web_port(port: int) -> bool:
    """Whether a public web server may listen there."""
    return port in DEFAULT_PORTS.values() or (port >= 1024 and port not in UNFIT_PORTS)


def refused(field_name: str, reason: str) -> InputRejected:
    """The refusal of an address, for whoever sent it."""
    return InputRejected(
        field_name,
        f"{reason}; allowed are http and https addresses",
        kind="file_download_error",
    )


def _inside(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv4-mapped or NAT64 address stands for."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return IPv4Address(ip.packed[-4:]) if ip in NAT64 else None


def _check_text(text: str, field_name: str) -> None:
    if len(text) > LONGEST_ADDRESS:
        raise refused(field_name, f"the address is longer than {LONGEST_ADDRESS} characters")
    if not text.isprintable() or set(text) & {" ", "\\"}:
        raise refused(field_name, "the address contains a space, a backslash or a control sign")
