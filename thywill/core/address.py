"""IP addresses as text: one spelling for each (``normalize``), and how limits count them (``share_of``).

Sockets, proxies and settings spell one address in several ways: a socket for both families writes
``127.0.0.1`` as ``::ffff:127.0.0.1``, and some proxies add the port. Code that compares or counts addresses
normalizes them here first.
"""

from __future__ import annotations

import ipaddress
import re

LONGEST = 80
"""Characters of an address with brackets, zone and port: IPv6 has at most 45, a zone 15, a port 5."""
SPELLING = re.compile(
    r"""
    \[ (?P<bracketed> [0-9A-Fa-f]*: [0-9A-Fa-f:.]+ ) (?: %[^\]\s]+ )? \] (?: :[0-9]{1,5} )?
    | (?P<v4> [0-9.]+ ) (?: :[0-9]{1,5} )?
    | (?P<v6> [0-9A-Fa-f]*: [0-9A-Fa-f:.]+ ) (?: %[^\s\[\]]+ )?
    """,
    re.VERBOSE,
)

GROUPS = re.compile(r"({0}(:{0})*)?(::({0}(:{0})*)?)?".format("[0-9a-f]{1,4}"))
GROUPS_OF_IPV6, GROUPS_OF_NETWORK = 8, 4


def normalize(text: str) -> str | None:
    """Return the canonical text of an IP address, or None if ``text`` holds none.

    An IPv4 address inside an IPv6 one (``::ffff:a.b.c.d``) becomes ``a.b.c.d`` (RFC 4291, 2.5.5.2); brackets,
    a port and a zone (``%eth0``) are cut; IPv6 is spelled as RFC 5952 says.
    """
    if len(text) > LONGEST:
        return None
    found = SPELLING.fullmatch(text.strip())
    if found is None:
        return None
    try:
        address = ipaddress.ip_address(found["bracketed"] or found["v4"] or found["v6"])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def share_of(address: str) -> str:
    """Return the share by which limits count: an IPv4 address itself, or the /64 network of an IPv6 address.

    One customer has a whole /64 network, so counting single IPv6 addresses would limit nobody. This function
    works on the text, because it is called for each request that comes through a proxy and ``ipaddress``
    takes ten times as long.

    Args:
        address: as ``normalize`` returns it; any other text is returned as it is.
    """
    if ":" not in address or GROUPS.fullmatch(address) is None:
        return address
    front, gap, back = address.partition("::")
    first, last = front.split(":") if front else [], back.split(":") if back else []
    missing = GROUPS_OF_IPV6 - len(first) - len(last)
    if missing < 1 if gap else missing:
        return address
    network = [*first, *["0"] * missing, *last][:GROUPS_OF_NETWORK]
    while network and network[-1] == "0":
        network.pop()
    return f"{':'.join(network)}::/64"
