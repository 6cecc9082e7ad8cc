"""The keys this cloud's certificates have and will have, as it tells hubs and as claim codes name them.

TLS itself is the proxy's in front: nothing here is secret, and no private key is ever read.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from cloud.errors import SettingInvalid
from sync.trust import MOST_PINS, is_pin, pin_of

PIN = "sha256/"
HINT = "List certificates or public keys as PEM files, or sha256/ and the key's pin, with commas between."

log = logging.getLogger(__name__)


class OwnKeys:
    """The keys as a setting lists them, the one in use first; a file that is replaced counts at once."""

    def __init__(self, listed: Sequence[str] = ()) -> None:
        """Raises SettingInvalid for what is neither a pin nor a file with a certificate or public key."""
        if len(listed) > MOST_PINS:
            raise SettingInvalid(f"TOUCHLINE_CLOUD_KEYS lists more than {MOST_PINS} keys.", hint=HINT)
        self._listed = listed
        self._read: dict[str, tuple[int, str]] = {}
        for one in listed:
            try:
                self._pin(one)
            except (OSError, ValueError) as error:
                raise SettingInvalid(f"TOUCHLINE_CLOUD_KEYS: {one}: {error}.", hint=HINT) from error

    def pins(self) -> list[str]:
        """Their pins (base64 of the sha256 of the SPKI), without doubles."""
        return list(dict.fromkeys(map(self._last_good, self._listed)))

    @property
    def in_use(self) -> str:
        """The pin of the key in use, "" where nothing is listed."""
        return self._last_good(self._listed[0]) if self._listed else ""

    def _last_good(self, one: str) -> str:
        """What a file said last, while it cannot be read: it may be being replaced."""
        try:
            return self._pin(one)
        except (OSError, ValueError) as error:
            log.warning("TOUCHLINE_CLOUD_KEYS: %s: %s", one, error)
            return self._read[one][1]

    def _pin(self, one: str) -> str:
        if one.startswith(PIN):
            pin = one.removeprefix(PIN)
            if not is_pin(pin):
                raise ValueError("not the base64 of a sha256")
            return pin
        changed_ns = Path(one).stat().st_mtime_ns
        if one not in self._read or self._read[one][0] != changed_ns:
            self._read[one] = changed_ns, _pin_in(Path(one).read_bytes())
        return self._read[one][1]


def _pin_in(pem: bytes) -> str:
    """The pin of the first certificate in a PEM file, or of the public key in it."""
    if b"-----BEGIN CERTIFICATE-----" in pem:
        return pin_of(x509.load_pem_x509_certificate(pem).public_key())
    if b"-----BEGIN PUBLIC KEY-----" in pem:
        return pin_of(load_pem_public_key(pem))
    raise ValueError("no certificate and no public key in it")
