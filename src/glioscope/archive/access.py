"""What opens a server: a login or token that is never on a command line, and certificates."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from glioscope.archive.address import Address, is_loopback
from glioscope.core import InputUnreadable

__all__ = ["Access", "read_login", "read_secret"]


@dataclass(frozen=True)
class Access:
    """How to open a server.

    Attributes:
        token: Bearer token for DICOMweb.
        login: `user:password` for DICOMweb.
        authority: File of the certificates that are trusted (PEM); those of the system where None.
        certificate: Our own certificate (PEM), for a server that asks for one, or for our listener.
        key: Its private key, where it is not in the same file.
        verify: Whether the server's certificate is checked, and secrets are kept from unencrypted connections.
    """

    token: str | None = field(default=None, repr=False)
    login: str | None = field(default=None, repr=False)
    authority: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    verify: bool = True

    def check(self, address: Address) -> None:
        """Refuse to send a secret in the clear to another machine.

        Raises:
            InputUnreadable: that would happen.
        """
        if (self.token or self.login) and self.verify and not address.tls and not is_loopback(address.host):
            raise InputUnreadable(f"A login would go unencrypted to {address}; use https, or --insecure if you mean it.")

    def _check_files(self) -> None:
        for file in (self.authority, self.certificate, self.key):
            if file is not None and not file.is_file():  # the system's error would not say which
                raise InputUnreadable(f"The certificate or key '{file}' does not exist or is not a file, and cannot be used.")

    def client_context(self) -> ssl.SSLContext:
        """TLS settings to call a server with; raises InputUnreadable where a file of them cannot be used."""
        self._check_files()
        with _pem_errors():
            context = ssl.create_default_context(cafile=self.authority)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key, _no_passphrase)
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def server_context(self) -> ssl.SSLContext | None:
        """TLS settings to listen with, None without a certificate; callers must show one where there is an authority."""
        if self.certificate is None:
            return None
        self._check_files()
        with _pem_errors():
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.authority)
            context.load_cert_chain(self.certificate, self.key, _no_passphrase)
        if self.authority:
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class _pem_errors:  # noqa: N801
    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, OSError):  # ssl.SSLError is one
            name = f" '{error.filename}'" if error.filename else ""
            reason = error.strerror if error.filename else "not PEM, or key and certificate do not belong together"
            raise InputUnreadable(f"The certificate or key{name} cannot be used ({reason}); check the files.") from None


def _no_passphrase() -> str:
    raise InputUnreadable("The private key has a passphrase; give one without, readable by you alone.")


def read_login(source: str | None) -> str | None:
    """As `read_secret`, for a login; raises InputUnreadable where it is not `user:password`."""
    login = read_secret(source)
    if login is not None and ":" not in login:
        raise InputUnreadable("The login is not user:password; check the variable or file it is in.")
    return login


def read_secret(source: str | None) -> str | None:
    """The secret that `source` names: `env:NAME`, or a file whose first line it is. What is found is never shown.

    Raises:
        InputUnreadable: there is none; the sentence does not repeat `source`, which may be the secret by mistake.
    """
    if source is None:
        return None
    if source.startswith("env:"):
        secret = os.environ.get(source[4:], "")
    else:
        try:
            secret = Path(source).read_text(encoding="utf-8").partition("\n")[0]
        except (OSError, UnicodeDecodeError, ValueError):
            raise InputUnreadable(
                "A token or login is given as env:NAME or as a file that holds it; there is no such file of text to be read."
            ) from None
    secret = secret.strip()
    if not secret or not secret.isprintable():
        raise InputUnreadable("The token or login is empty or not one line of text; check the variable or file it is in.")
    return secret
