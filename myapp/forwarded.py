"""Who asks, and over which scheme, where proxies stand in between: what they say of it counts if they are trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

#: The word for whoever is on this host; a peer at a unix socket has no address.
LOCAL = "local"
LOOPBACK = ("127.0.0.0/8", "::1/128")
#: Proxies one behind the other of which the last that is trusted is still looked for.
MOST_PROXIES = 8

App = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Proxies:
    """Whose word is taken: networks, or LOCAL."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._is_local = LOCAL in trusted
        names = [name for name in trusted if name != LOCAL] + list(LOOPBACK if self._is_local else ())
        self._networks: list[IPv4Network | IPv6Network] = [ip_network(name) for name in names]
        self.trusts = lru_cache(maxsize=4096)(self._trusts)

    def _trusts(self, address: str) -> bool:
        if not address:
            return self._is_local
        try:
            known = ip_address(address)
        except ValueError:
            return False
        if isinstance(known, IPv6Address) and known.ipv4_mapped:
            known = known.ipv4_mapped
        return any(known in network for network in self._networks)


class Forwarded:
    """Middleware: has Werkzeug's ProxyFix put the client's address and scheme into requests of trusted peers.

    X-Forwarded-For is read from its end: each proxy adds whom it was asked by, so the first address from there that is
    not a trusted proxy's is the client's, and what stands before it is only the client's word.
    """

    def __init__(self, app: App, proxies: Proxies) -> None:
        self.app = app
        self._trusts = proxies.trusts
        self._fixes = [ProxyFix(app, x_for=hops, x_proto=1) for hops in range(1, MOST_PROXIES + 1)]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        addresses = environ.get("HTTP_X_FORWARDED_FOR", "")
        is_told = addresses or "HTTP_X_FORWARDED_PROTO" in environ
        if not is_told or not self._trusts(environ.get("REMOTE_ADDR", "")):
            return self.app(environ, start_response)
        hops = 1
        if "," in addresses:
            chain = [address.strip() for address in addresses.rsplit(",", MOST_PROXIES)]
            while hops < min(len(chain), MOST_PROXIES) and self._trusts(chain[-hops]):
                hops += 1
        return self._fixes[hops - 1](environ, start_response)
