"""nginx for tests: as deployed with TLS, under a certificate of its own; or as somebody else has set it up."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from stack import Nginx, free_port

#: A whole configuration, in which only the server's lines are the test's.
SMALL = """
pid nginx.pid;
error_log error.log;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        {lines}
    }}
}}
"""


class SecureNginx(Nginx):
    """nginx as deployed in front of `upstream`, that listens for https too, as localhost: with tls.conf."""

    def __init__(self, folder: Path, upstream: str, uwsgi: bool = False) -> None:
        super().__init__(folder, upstream, uwsgi=uwsgi)
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
            + ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
            + ["-keyout", str(key), "-out", str(certificate)],
            check=True,
            capture_output=True,
        )
        self.secure_port = free_port()
        #: its address by https, as browsers say it in Origin
        self.origin = f"https://localhost:{self.secure_port}"
        #: trusts its certificate
        self.trusting = ssl.create_default_context(cafile=str(certificate))
        self.replaced = {
            "# include tls.conf;": "include tls.conf;",
            "127.0.0.1:8443": f"127.0.0.1:{self.secure_port}",
            "/etc/myapp/certificate.pem": str(certificate),
            "/etc/myapp/key.pem": str(key),
        }


class SmallNginx(SecureNginx):
    """nginx with one server, which has these lines; https too if `include tls.conf;` is among them."""

    def __init__(self, folder: Path, lines: str) -> None:
        super().__init__(folder, "")
        self.lines = lines

    def prepare(self) -> None:
        super().prepare()
        small = SMALL.format(port=self.port, lines=self.lines)
        (self.home / self.main_file).write_text(self._of_this_process() + small)
