"""What can go wrong between hub and cloud, drawn once.

SyncError
 ├─ CloudUnreachable       (temporary)
 ├─ CloudRefused
 ├─ SignInNeeded
 │   └─ ShutOut
 ├─ NotTheCloud            (temporary)
 ├─ OutOfStep
 ├─ SegmentCorrupt
 │   └─ TooMuch
 └─ BundleDamaged

The docstring is the message; fields are facts; `hint` is what the user does next;
`is_temporary` says that the same bytes may simply be sent again later.
"""

from __future__ import annotations

from typing import Literal

ASKING_TO_WAIT = {429: "its club is sending a lot at once", 503: "it is busy or being mended"}
"""Why an answer of that status asks to wait; what was sent is not to blame."""


REFUSING_THE_CONTENT = (400, 413, 422)
"""Statuses by which the cloud says that what was sent is to blame, and not who sent it or where to."""
UNSENDABLE = "unsendable"
"""Says of a refusal that the hub itself could not put the message into bytes."""


class SyncError(Exception):
    """Hub and cloud could not exchange their records."""

    hint: str = ""
    is_temporary: bool = False

    def __init__(self, detail: str = "", *, hint: str = "") -> None:
        message = (type(self).__doc__ or "").splitlines()[0]
        super().__init__(f"{message} {detail}".strip())
        self.detail = detail
        if hint:
            self.hint = hint


class CloudUnreachable(SyncError):
    """The cloud did not answer:"""

    hint = "Nothing is lost: the hub keeps everything and tries again by itself."
    is_temporary = True

    def __init__(
        self,
        detail: str = "",
        *,
        hint: str = "",
        status: int | None = None,
        err: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(detail, hint=hint)
        self.status = status
        self.err = err
        self.retry_after_s = retry_after_s
        if self.asks_to_wait:
            self.args = (self._asked_words(),)

    def _asked_words(self) -> str:
        if not self.is_its_own_word:
            return f"Something on the way to the cloud asked this hub to wait (status {self.status})."
        return f"The cloud asked this hub to wait: {ASKING_TO_WAIT[self.status or 0]}."

    @property
    def asks_to_wait(self) -> bool:
        """The same may be sent again later, and no less of it."""
        return self.status in ASKING_TO_WAIT

    @property
    def is_its_own_word(self) -> bool:
        """The cloud said so, and not something in front of it."""
        return bool(self.err)

    @property
    def is_untouched(self) -> bool:
        """The cloud itself said that it took nothing of this."""
        return self.status == 429 and self.is_its_own_word


class CloudRefused(SyncError):
    """The cloud refused this:"""

    hint = "Sending it again will not help; look at the cloud's page for this hub."

    def __init__(
        self,
        detail: str = "",
        *,
        hint: str = "",
        status: int = 0,
        err: str = "",
        is_its_own_word: bool = False,
    ) -> None:
        super().__init__(detail, hint=hint)
        self.status = status
        self.err = err
        self.is_its_own_word = is_its_own_word

    @property
    def is_for_good(self) -> bool:
        """What was sent is to blame and will be refused again: the cloud itself said so, or nothing was sent
        since it cannot be written down."""
        return self.err == UNSENDABLE or (self.is_its_own_word and self.status in REFUSING_THE_CONTENT)

    @property
    def is_too_large(self) -> bool:
        """The batch, not its content, was refused: a smaller one may pass."""
        return self.status == 413


class SignInNeeded(SyncError):
    """The cloud does not know this hub's key:"""

    hint = (
        "Enrol the hub again with a new claim code from the cloud's page Hubs: on the hub's sync page, or"
        " with touchline-hub rejoin CODE."
    )


class ShutOut(SignInNeeded):
    """This hub was shut out of its club."""


class NotTheCloud(SyncError):
    """Something else answered in the cloud's place:"""

    hint = "The network may want a sign-in page clicked first, or the cloud's address is wrong."
    is_temporary = True

    def __init__(self, detail: str = "", *, hint: str = "", status: int | None = None) -> None:
        super().__init__(detail, hint=hint)
        self.status = status


class OutOfStep(SyncError):
    """Hub and cloud disagree about what was already sent:"""

    hint = "The hub was perhaps restored from a copy; its own data is safe. Ask the cloud's admin."

    def __init__(
        self,
        detail: str = "",
        *,
        hint: str = "",
        kind: Literal["gap", "epoch", "feed_reset", "clone", "proto"] = "gap",
        last_seq: int | None = None,
    ) -> None:
        super().__init__(detail, hint=hint)
        self.kind = kind
        self.last_seq = last_seq

    @property
    def may_be_mended(self) -> bool:
        """Greeting again can bring both sides in step; two machines with one card it cannot."""
        return self.kind not in ("clone", "proto")


class SegmentCorrupt(SyncError):
    """A segment's bytes are damaged:"""

    hint = "The sender still holds the original; it will be asked for again."

    def __init__(self, detail: str = "", *, hint: str = "", offset: int = 0) -> None:
        super().__init__(f"{detail} (at byte {offset})", hint=hint)
        self.offset = offset


class TooMuch(SegmentCorrupt):
    """There is more in it than a request may hold:"""

    hint = "Send fewer segments at a time."


class BundleDamaged(SyncError):
    """This bundle cannot be read:"""

    hint = "Nothing of it was taken. Write it anew where it comes from; everything is still there."

    def __init__(self, detail: str = "", *, hint: str = "", offset: int = 0) -> None:
        super().__init__(f"{detail} (at byte {offset})", hint=hint)
        self.offset = offset
