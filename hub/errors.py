"""What can go wrong on the hub, drawn once.

HubError
 ├─ SettingInvalid
 ├─ StoreError
 │   ├─ StoreUnavailable   (temporary)
 │   └─ NotFound
 ├─ RadioError
 │   ├─ AdapterMissing
 │   │   └─ RelaySilent
 │   └─ SlotsTaken
 ├─ DecodeError
 │   └─ ExportUnreadable
 ├─ ActionRefused
 ├─ PortTaken
 └─ DiskFull

The docstring is the message; fields are facts; `hint` is what the user does next.
"""

from __future__ import annotations


class HubError(Exception):
    """Something failed on the hub."""

    hint: str = ""
    is_temporary: bool = False

    def __init__(self, detail: str = "", *, hint: str = "") -> None:
        message = (type(self).__doc__ or "").splitlines()[0]
        detail = detail.removeprefix(message).strip()  # a refusal that is passed on begins once
        super().__init__(f"{message} {detail}".strip())
        self.detail = detail
        if hint:
            self.hint = hint


class SettingInvalid(HubError):
    """A setting cannot be used:"""


class StoreError(HubError):
    """The hub's database could not do this:"""


class StoreUnavailable(StoreError):
    """The hub's database is busy or cannot be opened:"""

    is_temporary = True


class NotFound(StoreError):
    """There is no such record:"""


class RadioError(HubError):
    """The radio could not do this:"""

    is_temporary = True


class AdapterMissing(RadioError):
    """No Bluetooth adapter was found:"""


class RelaySilent(AdapterMissing):
    """A relay is not reached:"""


class SlotsTaken(RadioError):
    """The receiver holds all the links it can:"""


class DecodeError(HubError):
    """These bytes are not what they should be:"""


class ExportUnreadable(DecodeError):
    """The file could not be read:"""


class ActionRefused(HubError):
    """This cannot be done now:"""


class PortTaken(HubError):
    """Another program already listens there:"""


class DiskFull(HubError):
    """There is not enough room on the disk:"""
