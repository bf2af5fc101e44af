"""Certificates of a test's own, made by openssl: an authority, and what it signs."""

import subprocess
from pathlib import Path

from harness import processes
from harness.postgres import Postgres
from harness.waiting import until


class Authority:
    """Signs certificates; all files lie in `folder`, keys readable by their owner alone."""

    def __init__(self, name: str = "authority"):
        self.folder = processes.folder(name)
        self.folder.chmod(0o755)
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                      "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", "ca.key",
                      "-out", "ca.crt")

    @property
    def certificate(self) -> Path:
        return self.folder / "ca.crt"

    def sign(self, name: str, *hosts: str, password: str = "") -> tuple[Path, Path]:
        """Certificate and key of a server (with its host names) or of a client."""
        key, request, certificate = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
        locked = ["-passout", f"pass:{password}"] if password else ["-nodes"]
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                      *locked, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        extensions = self.folder / f"{name}.ext"
        extensions.write_text("".join(f"subjectAltName = DNS:{host}\n" for host in hosts))
        self._openssl("x509", "-req", "-in", request, "-CA", "ca.crt", "-CAkey", "ca.key",
                      "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate)
        key.chmod(0o600)
        return certificate, key

    def _openssl(self, *arguments) -> None:
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr


def encrypt(server: Postgres, authority: Authority, host: str, rules: str = "") -> None:
    """Gives a running server a certificate for `host`, and rules for who may come how, which go
    before those it has."""
    certificate, key = authority.sign("server", host)
    data = server.folder / "data"
    for source, name in ((certificate, "server.crt"), (key, "server.key"),
                         (authority.certificate, "root.crt")):
        target = data / name
        target.write_bytes(source.read_bytes())
        target.chmod(0o600)
        processes.give_to_postgres(target)
    access = data / "pg_hba.conf"
    access.write_text(rules + access.read_text())
    server.execute("ALTER SYSTEM SET ssl_ca_file = 'root.crt'")
    server.execute("ALTER SYSTEM SET ssl = on")
    server.execute("SELECT pg_reload_conf()")
    until("the server takes encrypted connections", lambda: server.value("SHOW ssl") == "on")
