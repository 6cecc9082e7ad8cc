"""What can go wrong in the cloud, drawn once; an error knows its HTTP status and what the sender should do.

It formats no responses: the api answers with wire problems, the pages with words.

CloudError
 ├─ SettingInvalid
 ├─ PortTaken
 ├─ DatabaseError
 │   ├─ DatabaseUnavailable   (temporary)
 │   ├─ ServerNotStarted
 │   └─ MigrationChanged
 ├─ AccountError
 │   ├─ ClaimCodeRefused
 │   ├─ PasswordTooShort
 │   └─ CoachElsewhere
 ├─ HubRefused
 │   ├─ HubUnknown
 │   ├─ HubRevoked
 │   └─ SessionRequired       (sign in again)
 ├─ PushRefused
 │   ├─ Gap
 │   ├─ EpochDiffers
 │   ├─ ChainDiffers
 │   ├─ HubCloned
 │   └─ VersionDiffers
 ├─ BodyRefused
 │   ├─ DigestDiffers         (temporary)
 │   └─ BodyTooLarge
 ├─ EditRefused
 │   ├─ AthleteErased
 │   └─ ChangedMeanwhile
 ├─ BundleRefused
 ├─ NotThere
 ├─ TooManyTries              (temporary)
 └─ ClubBusy                  (temporary)

The docstring is the message; fields are facts; `hint` is what the user does next; `err` is the wire's word.
"""

from __future__ import annotations

from typing import ClassVar, Literal


class CloudError(Exception):
    """Something failed in the cloud."""

    hint: str = ""
    is_temporary: ClassVar[bool] = False
    status: ClassVar[int] = 400
    err: ClassVar[str] = "failed"
    err_class: ClassVar[Literal["transient", "permanent", "session"]] = "permanent"
    retry_after_s: int = 60

    def __init__(self, detail: str = "", *, hint: str = "", last_seq: int | None = None) -> None:
        message = (type(self).__doc__ or "").splitlines()[0]
        super().__init__(f"{message} {detail}".strip())
        self.detail = detail
        self.last_seq = last_seq
        if hint:
            self.hint = hint


class SettingInvalid(CloudError):
    """A setting cannot be used:"""


class NoFolder(CloudError):
    """There is no such folder:"""

    hint = "Is the stick plugged in and mounted? Nothing was taken yet."


class PortTaken(CloudError):
    """Another program already listens there:"""

    hint = "Stop it, or choose another port with --port."


class DatabaseError(CloudError):
    """The database could not do this:"""

    status = 503
    err = "database"
    err_class = "transient"


class DatabaseUnavailable(DatabaseError):
    """The database cannot be reached:"""

    is_temporary = True
    hint = "Check that it runs and that DATABASE_URL is right."


class ServerNotStarted(DatabaseError):
    """The embedded database did not start:"""

    hint = "Set DATABASE_URL to use a Postgres server of your own."


class MigrationChanged(DatabaseError):
    """A migration that was already applied has changed:"""

    hint = "Restore the file as it was released, and put the change into a new migration."


class AccountError(CloudError):
    """The account could not be used:"""


class ClaimCodeRefused(AccountError):
    """This claim code is unknown, used or expired."""

    status = 403
    err = "claim_code"
    hint = "Make a new one with: touchline-cloud enrol --club NAME"


class PasswordTooShort(AccountError):
    """The password must have at least 12 characters."""


class CoachElsewhere(AccountError):
    """This e-mail address belongs to a coach of another club."""

    hint = "Use another address."


class HubRefused(CloudError):
    """The hub was not let in."""

    status = 401
    err = "refused"


class HubUnknown(HubRefused):
    """No hub has this id."""

    status = 404
    err = "unknown_hub"
    hint = "Enrol the hub with a new claim code."


class HubRevoked(HubRefused):
    """This hub was shut out of its club."""

    status = 403
    err = "revoked"
    hint = "Enrol it again with a new claim code, or keep it switched off."


class SessionRequired(HubRefused):
    """The hub must open a session first."""

    err = "session"
    err_class = "session"


class PushRefused(CloudError):
    """The batch does not continue this hub's log."""

    status = 409
    err = "gap"
    err_class: ClassVar[Literal["transient", "permanent", "session"]] = "session"


class Gap(PushRefused):
    """An op is missing before this batch."""

    err = "gap"


class EpochDiffers(PushRefused):
    """The hub's epoch is not the one agreed at hello."""

    err = "epoch"


class ChainDiffers(PushRefused):
    """The chain of ops differs from the one received before."""

    err = "epoch"


class HubCloned(PushRefused):
    """Two machines run with copies of one hub's card, and the other one has taken its place."""

    err = "clone"
    err_class = "permanent"
    hint = "Switch one of them off, or let one join as a hub of its own with a new claim code."


class VersionDiffers(PushRefused):
    """Hub and cloud speak no common version of the protocol:"""

    err = "proto"
    err_class = "permanent"
    hint = "Update the hub or the cloud."


class BodyRefused(CloudError):
    """The body cannot be used:"""

    err = "body"


class DigestDiffers(BodyRefused):
    """The body does not match its Content-Digest."""

    is_temporary = True
    err = "digest"
    err_class = "transient"


class BodyTooLarge(BodyRefused):
    """The body is too large."""

    status = 413
    err = "too_large"


class EditRefused(CloudError):
    """This cannot be set:"""

    status = 422
    err = "edit"


class AthleteErased(EditRefused):
    """Nothing was saved: the data of the athlete this is about was erased meanwhile."""

    status = 410
    err = "erased"
    hint = "Close the form; an erasure cannot be taken back."


class ChangedMeanwhile(EditRefused):
    """Nothing was changed:"""

    status = 409
    err = "changed"
    hint = "Look at what stands now, and choose again."


class BundleRefused(CloudError):
    """This bundle was not taken:"""

    status = 422
    err = "bundle"


class NotThere(CloudError):
    """There is no such thing:"""

    status = 404
    err = "not_there"


class TooManyTries(CloudError):
    """Too many tries; wait a few minutes."""

    is_temporary = True
    status = 429
    err = "too_many"
    err_class = "transient"


class ClubBusy(CloudError):
    """Your club asks more at once than the cloud works on."""

    is_temporary = True
    status = 429
    err = "busy"
    err_class = "transient"
    hint = "Send the same again a little later; nothing of it was taken."
    retry_after_s = 5

    def __init__(self, detail: str = "", *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        if retry_after_s is not None:
            self.retry_after_s = retry_after_s
