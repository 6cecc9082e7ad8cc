"""A certificate authority, its certificates, and a real TLS server on loopback that shows one of them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from sync.trust import Certificate, read

Key = ec.EllipticCurvePrivateKey
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
)


def new_key() -> Key:
    """A key for a certificate."""
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate with its key, in the files a server wants."""

    file: Path
    key_file: Path
    certificate: Certificate


@dataclass(slots=True)
class Authority:
    """Signs certificates; `file` is what those who trust it hold."""

    folder: Path
    name: str = "Test authority"
    key: Key = field(default_factory=new_key)
    _made: int = 0

    def __post_init__(self) -> None:
        own = self._signed(self.name, self.key, -3650, 3650, is_authority=True)
        self.file.write_bytes(own.public_bytes(Encoding.PEM))

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name.replace(' ', '-')}.pem"

    def certificate(
        self, from_days: float, to_days: float, *, host: str = "localhost", key: Key | None = None
    ) -> Shown:
        """For a host, valid from and to so many days from now."""
        key, self._made = key or new_key(), self._made + 1
        signed = self._signed(host, key, from_days, to_days, is_authority=False)
        file = self.folder / f"{self.name.replace(' ', '-')}-{self._made}.pem"
        key_file = file.with_suffix(".key")
        file.write_bytes(signed.public_bytes(Encoding.PEM))
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Shown(file, key_file, read(signed.public_bytes(Encoding.DER)))

    def _signed(
        self, name: str, key: Key, from_days: float, to_days: float, *, is_authority: bool
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=from_days))
            .not_valid_after(now + timedelta(days=to_days))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@dataclass(slots=True)
class Server:
    """Where it listens, how many requests reached it and on how many connections."""

    url: str = ""
    requests: int = 0
    connections: int = 0


@asynccontextmanager
async def server(shown: Shown, at_once: int = 0) -> AsyncIterator[Server]:
    """A TLS server that answers every request with an empty object.

    With `at_once` it leaves connections open, and answers when so many questions without a body are there.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown.file, shown.key_file)
    place, are_there = Server(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        place.connections += 1
        while await reader.readline():
            place.requests += 1
            if not at_once:
                writer.write(ANSWER)
                break
            await reader.readuntil(b"\r\n\r\n")
            if place.requests == at_once:
                are_there.set()
            await asyncio.wait_for(are_there.wait(), 10)
            writer.write(ANSWER.replace(b"connection: close\r\n", b""))
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    place.url = f"https://localhost:{listening.sockets[0].getsockname()[1]}"
    try:
        yield place
    finally:
        listening.close()
        await listening.wait_closed()
