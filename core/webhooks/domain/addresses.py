"""Which network addresses a webhook may be sent to: only those of the public internet."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# All unicast IPv6 there is on the internet; outside of it are ::1, ::ffff:a.b.c.d, fc00::, fe80::, ff00::, 64:ff9b::.
_IPV6_UNICAST = IPv6Network("2000::/3")
# Relays between the two kinds of addresses, long out of use, and documentation that this Python does not know of.
_RELAYS = IPv4Network("192.88.99.0/24")
_DOCUMENTATION = IPv6Network("3fff::/20")


def is_public(text: str) -> bool:
    """Whether this address is on the public internet. False for everything that is not an address.

    False too for what carries an IPv4 address inside (mapped, 6to4, Teredo, NAT64): where it ends is not ours to know.
    """
    try:
        # Without a zone (fe80::1%eth0), which names an interface of this machine.
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved and address not in _RELAYS
    return _is_public_ipv6(address)


def _is_public_ipv6(address: IPv6Address) -> bool:
    carries_ipv4 = address.sixtofour is not None or address.teredo is not None
    return address in _IPV6_UNICAST and address.is_global and address not in _DOCUMENTATION and not carries_ipv4
