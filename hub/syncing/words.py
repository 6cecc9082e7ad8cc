"""How the sync stands, in plain words: what is not in the cloud or not here, why, and what happens next.

It is given the ledger and the relay's view and asks nobody; "synced" is said only where nothing speaks
against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hub.store.ledger import Ledger
from hub.store.sync_findings import Finding

BEHIND_MS = 3600 * 1000
REASONS: Mapping[str, str] = {
    "invalid": "a value cannot be right",
    "erased": "it is about an athlete whose data was erased",
    "unknown_table": "the cloud is too old for it",
    "read_only_table": "only the cloud may write it",
    "suspect": "the cloud failed on it again and again",
    "corrupt": "it is damaged",
    "out_of_range": "its times cannot be right",
    "reserved": "it sets what is not for an edit to set",
    "too_large": "it is too large",
}


class View(Protocol):
    """What the relay tells of itself; see the pages' SyncView."""

    @property
    def state(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def last_error(self) -> str | None: ...
    @property
    def next_try_s(self) -> float | None: ...
    @property
    def only_network(self) -> str | None: ...
    @property
    def network(self) -> str | None: ...
    @property
    def eta_s(self) -> float | None: ...
    @property
    def bytes_pending(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that stands between here and "synced", and what comes of it or what a person can do."""

    why: str
    next: str


SHUT_OUT = Reason(
    "The club has shut this hub out.",
    "It goes on recording; what is recorded here stays here, and nothing is sent or fetched. To let it in"
    " again, make a claim code on the cloud's page Hubs and type it on this hub's sync page, or run"
    " touchline-hub rejoin CODE.",
)

COPIED = Reason(
    "Two machines run with copies of this hub's card.",
    "The other one has taken this hub's place. This one goes on recording and loses nothing, but nothing is"
    " sent or fetched. Switch it off if it is a spare. If both shall go on, let it join as a hub of its own:"
    " make a claim code on the cloud's page Hubs and type it on this hub's sync page, or run"
    " touchline-hub rejoin CODE.",
)


def reasons(
    books: Ledger, view: View | None, refused: Mapping[str, int], finding: Finding | None, now_ms: int
) -> list[Reason]:
    """Why it is not all synced, the gravest first; empty where it is. `view` None: no hub is running."""
    if books.hub_id is None:
        waits = f"{counted(books.pending, 'item')} {_are(books.pending)} kept here"
        return [Reason("This hub belongs to no club.", f"{waits}; enter a claim code on the sync page.")]
    found = _held(view, books)
    if refused:
        n = sum(refused.values())
        why = "; ".join(f"{count} because {reason_words(code)}" for code, count in sorted(refused.items()))
        found.append(
            Reason(f"The cloud refused {counted(n, 'item')}: {why}.",
                   "They stand in nobody's way; try each again, or put it away, on the sync page.")
        )  # fmt: skip
    if books.pending:
        found.append(_pending(books, view))
    if books.not_shown:
        found.append(_not_shown(books))
    if books.is_shut_out or (view is not None and view.state == "copied"):
        return found
    if books.last_contact_ms is None:
        found.append(Reason("The cloud was never reached.", "Check its address and the network."))
    elif now_ms - books.last_contact_ms > BEHIND_MS:
        ago = span_words((now_ms - books.last_contact_ms) / 1000)
        found.append(
            Reason(f"The cloud was last reached {ago} ago.", "What was changed online since is not here yet.")
        )
    if books.last_contact_ms is not None:
        found += _missing_here(books, view)
    if finding is not None and finding.differences_n:
        ago = span_words((now_ms - finding.at_ms) / 1000)
        words = f"The comparison {ago} ago found {counted(finding.differences_n, 'difference')}."
        found.append(Reason(words, "Compare again; if they stay, tell whoever runs the cloud."))
    if not found and view is not None and view.state == "syncing":
        found = [Reason("It is syncing now.", "Whether all is here and there shows in a moment.")]
    if books.recording_min:
        found.append(_recording(books))
    return found


def _held(view: View | None, books: Ledger) -> list[Reason]:
    if view is None:
        idle = Reason("No hub is running here.", "Start it with touchline-hub run; it syncs by itself.")
        return [idle, SHUT_OUT] if books.is_shut_out else [idle]
    if books.is_shut_out:
        return [SHUT_OUT]
    if view.state == "copied":
        return [COPIED]
    again = (
        f"The next try is in {span_words(view.next_try_s)}." if view.next_try_s else "It tries again soon."
    )
    if view.state == "paused":
        return [Reason("Somebody paused the sync.", "It goes on when somebody lets it on the sync page.")]
    if view.state == "waiting":
        here = f"on {view.network}" if view.network else "on no network"
        words = f"It may use only the network {view.only_network}; the hub is {here}."
        return [Reason(words, "It goes on by itself on that network.")]
    if view.state in ("offline", "busy"):
        error = view.last_error or "The cloud cannot be reached."
        is_said = "nothing is lost" in error.lower()
        return [Reason(error, again if is_said else f"Nothing is lost meanwhile. {again}")]
    if view.state == "failed":
        return [Reason(view.last_error or "The last round failed.", again)]
    return []


def _not_shown(books: Ledger) -> Reason:
    it, them, stops = ("It", "it", "stops") if books.not_shown == 1 else ("They", "them", "stop")
    return Reason(
        f"{counted(books.not_shown, 'record')} cannot be shown on this hub: {books.not_shown_why}.",
        f"{it} {_are(books.not_shown)} kept as the cloud sent {them} and {stops} nothing else; pages show"
        " what came before. Update this hub: it tries again at every start. Comparing both sides names each.",
    )


def _pending(books: Ledger, view: View | None) -> Reason:
    parts = []
    if books.ops_pending:
        parts.append(counted(books.ops_pending, "edit"))
    if books.segments_pending:
        parts.append(counted(books.segments_pending, "recording"))
    waits = "waits" if books.pending == 1 else "wait"
    size = f" ({bytes_words(view.bytes_pending)})" if view is not None and view.bytes_pending else ""
    they, go = ("It", "goes") if books.pending == 1 else ("They", "go")
    then = f"{they} {go} as soon as there is a way; edits first, then today's recordings."
    if books.is_shut_out or (view is not None and view.state == "copied"):
        then = f"{they} {'stays' if they == 'It' else 'stay'} here until this hub has joined again."
    elif view is not None and view.eta_s is not None:
        then = f"They are on their way: about {span_words(view.eta_s)} left."
    return Reason(f"{' and '.join(parts)} {waits} to be sent{size}.", then)


def _recording(books: Ledger) -> Reason:
    return Reason(
        f"{recording_words(books.recording_min)} not in the cloud yet.",
        "Nothing is lost meanwhile: recordings go in pieces of five minutes, the last one after the session.",
    )


def recording_words(recording_min: int) -> str:
    """The minutes recorded that no segment holds yet, as in "The last 4 minutes recorded here are"."""
    if recording_min == 1:
        return "The last minute recorded here is"
    return f"The last {_number(recording_min)} minutes recorded here are"


def _missing_here(books: Ledger, view: View | None) -> list[Reason]:
    """What was changed online and is not here, as far as the cloud has said."""
    is_moving = view is not None and view.state == "syncing"
    if books.snapshot_taken is not None:
        words = f"All records of the club come anew: {counted(books.snapshot_taken, 'record')} came so far."
        return [Reason(words, "Until the last one is here, everything shows as it was before.")]
    if books.to_come is None:
        words = "What was changed online is not known here yet."
        return [
            Reason(words, f"The cloud {'is being asked' if is_moving else 'tells it with the next round'}.")
        ]
    if books.to_come:
        they, come = ("It", "comes") if books.to_come == 1 else ("They", "come")
        how = f"{_are(books.to_come)} on the way" if is_moving else f"{come} with the next round"
        return [Reason(f"{to_come_words(books)}.", f"{they} {how}.")]
    return []


def to_come_words(books: Ledger) -> str:
    """How much of what was changed online is still to come; "" where nothing is, or nobody knows."""
    n, of = books.to_come or 0, books.to_come_of
    if not n:
        return ""
    what = counted(n, "change") if n >= of else f"{_number(n)} of {counted(of, 'change')}"
    return f"{what} from online {_are(n)} still to come"


def is_synced(
    books: Ledger, view: View | None, refused: Mapping[str, int], finding: Finding | None, now_ms: int
) -> bool:
    """Whether "synced" may be said."""
    return not reasons(books, view, refused, finding, now_ms)


def reason_words(code: str) -> str:
    """Why the cloud refused, as the middle of a sentence."""
    return REASONS.get(code, code or "it did not say why")


def kept_words(n: int) -> str:
    """What is to be said of recordings that were put away; "" where there are none."""
    if not n:
        return ""
    they, stay = ("It", "stays") if n == 1 else ("They", "stay")
    return (
        f"{counted(n, 'recording')} that the cloud refused {_are(n)} put away."
        f" {they} {stay} on this hub only and {_are(n)} never counted as synced."
    )


def span_words(seconds: float) -> str:
    """A length of time in its largest fitting unit."""
    seconds = max(0.0, seconds)
    for limit_s, unit_s, word in ((120, 1, "second"), (7200, 60, "minute"), (172_800, 3600, "hour")):
        if seconds < limit_s:
            return counted(round(seconds / unit_s), word)
    return counted(round(seconds / 86_400), "day")


def sure_words(err_ms: int) -> str:
    """How surely the time is known, never said surer than it is."""
    if err_ms <= 10_000:
        return f"known to within {max(1, -(-err_ms // 100)) / 10:.1f} s"
    if err_ms >= 7_200_000:
        return f"known to within {-(-err_ms // 3_600_000)} hours"
    return f"known to within {-(-err_ms // 1000)} s"


def bytes_words(count: int) -> str:
    """Bytes in a unit people read."""
    if count < 1000:
        return f"{count} bytes"
    for limit, unit, word in ((1_000_000, 1000, "kB"), (1_000_000_000, 1_000_000, "MB")):
        if count < limit:
            return f"{count / unit:.0f} {word}" if count >= 10 * unit else f"{count / unit:.1f} {word}"
    return f"{count / 1_000_000_000:.1f} GB"


def counted(n: int, word: str) -> str:
    """As in 1 edit, 2 edits; thousands apart by a thin space."""
    return f"{_number(n)} {word}{'' if n == 1 else 's'}"


def _number(n: int) -> str:
    return f"{n:,}".replace(",", "\u202f")


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
