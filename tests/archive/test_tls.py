"""Encrypted connections, by both protocols."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from glioscope.archive import Access, ServerFault, read_secret
from glioscope.core import InputUnreadable
from glioscope.workflows.send import echo
from tests.archive.faulty import web
from tests.archive.listening import listener


@pytest.fixture
def pem(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of this machine that vouches for itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {certificate}"
    subprocess.run(
        [openssl, *words.split(), "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True
    )
    return certificate, key


def test_dimse(tmp_path: Path, pem: tuple[Path, Path]) -> None:
    certificate, key = pem
    access = Access(certificate=certificate, key=key, authority=certificate)
    with listener(tmp_path / "in", [], access=access) as here:
        address = f"dicom+tls://GLIOSCOPE@localhost:{here.port}"
        assert str(echo(address, access=access, timeout=5)) == address
        for wrong in (
            Access(),
            Access(authority=certificate),
            Access(verify=False),
        ):  # a stranger; without a certificate of ours
            with pytest.raises(ServerFault, match=r"broke off|is down or does not answer|not trusted"):
                echo(address, access=wrong, timeout=2)
        with pytest.raises(ServerFault):
            echo(address.replace("+tls", ""), timeout=2)


def test_https(pem: tuple[Path, Path]) -> None:
    certificate, key = pem
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with web(context=context) as server:
        address = f"https://localhost:{server.port}/dicom-web"
        echo(address, access=Access(authority=certificate, token="t0ken"), timeout=5)
        assert server.asked[0][2]["Authorization"] == "Bearer t0ken"
        with pytest.raises(ServerFault, match="certificate that is not trusted"):
            echo(address, timeout=5)
        echo(address, access=Access(verify=False), timeout=5)


def test_files_that_are_no_certificates(tmp_path: Path, pem: tuple[Path, Path]) -> None:
    (tmp_path / "text").write_text("hello")
    for access in (Access(authority=tmp_path / "none"), Access(certificate=tmp_path / "text"), Access(certificate=pem[0])):
        with pytest.raises(InputUnreadable, match=r"certificate or key.* cannot be used"):
            echo("https://localhost:1/dicom-web", access=access)


def test_secrets_come_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACS_TOKEN", "sesame")
    (tmp_path / "login").write_text("me:sesame\n")
    (tmp_path / "empty").touch()
    assert read_secret(None) is None
    assert read_secret("env:PACS_TOKEN") == "sesame"
    assert read_secret(str(tmp_path / "login")) == "me:sesame"
    for wrong in ("env:NOT_SET", "sesame-itself", str(tmp_path / "empty")):
        with pytest.raises(InputUnreadable) as caught:
            read_secret(wrong)
        assert "sesame" not in str(caught.value)
