"""The URL of a merchant's endpoint: read in one way only, and refused when it could be read in two."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from core.webhooks.domain.addresses import is_public

CHARACTERS_MAX = 2000
DEFAULT_PORTS = {"https": 443, "http": 80}

_CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\.?")
# What C libraries read as an IPv4 address: 2130706433, 0x7f.1, 0177.0.0.1, 127.1. A real top-level domain has letters.
_ENDS_IN_A_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\.?")


class UrlRefused(Exception):
    """No webhook may be sent to this URL; the message says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads: `host` is a name or an address, without brackets; `path` has the query with it."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """What URLs may have. No ports at all means any port."""

    schemes: Collection[str] = ("https",)
    ports: Collection[int] = (443, 8443)
    allows_private: bool = False


def parse_url(url: str, policy: UrlPolicy) -> Target:
    """The target of the URL. Raises UrlRefused. A host name is not looked up here: see gateways/sender.py."""
    if len(url) > CHARACTERS_MAX or not _CHARACTERS.fullmatch(url):
        raise UrlRefused(f"a URL has at most {CHARACTERS_MAX} characters of RFC 3986")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlRefused(str(error)) from None
    if parts.scheme not in policy.schemes:
        raise UrlRefused(f"the scheme must be {' or '.join(policy.schemes)}")
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise UrlRefused("a URL with a user or password is not stored")
    if parts.fragment or "#" in url:
        raise UrlRefused("a fragment is never sent, so it cannot mean anything")
    host = _host(parts.hostname or "", policy)
    port = DEFAULT_PORTS[parts.scheme] if port is None else port
    if policy.ports and port not in policy.ports:
        raise UrlRefused(f"the port must be one of {', '.join(map(str, policy.ports))}")
    path = parts.path or "/"
    return Target(parts.scheme, host, port, f"{path}?{parts.query}" if parts.query else path)


def _host(host: str, policy: UrlPolicy) -> str:
    try:
        literal = str(ip_address(host))
    except ValueError:
        literal = ""
    if literal:
        if not policy.allows_private and not is_public(literal):
            raise UrlRefused("the address is not on the public internet")
        return literal
    if not _HOST_NAME.fullmatch(host) or _ENDS_IN_A_NUMBER.fullmatch(host):
        raise UrlRefused("the host is neither a name nor an address in its usual form")
    return host
