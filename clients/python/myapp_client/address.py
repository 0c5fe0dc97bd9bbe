"""Where the service is and who is asking. No I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """The service's root, `https://host` or below a path, and the token, which no text of ours shows."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def of(cls, url: str, token: str) -> Address:
        """Raises ValueError, naming what is wrong and what would be right."""
        try:
            parts = urlsplit(url.strip())
            is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # what it says may show a password
            raise ValueError(
                "url: give an address like https://example.org: the host or port of this is none"
            ) from None
        if parts.username or parts.password:
            raise ValueError("url: give no user in it; the token says who is asking")
        if not is_whole or parts.query or parts.fragment:
            shown = parts._replace(query="...", fragment="").geturl() if parts.query else url
            raise ValueError(f"url: give the address of the service, like https://example.org, not {shown!r}")
        token = token.strip()
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("token: give one line of text as `flask tokens create USER` prints it, or a ticket")
        return cls(parts.geturl().rstrip("/"), token)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def http(self, path: str) -> str:
        return self.url + path

    def websocket(self, path: str) -> str:
        return "ws" + self.url.removeprefix("http") + path
