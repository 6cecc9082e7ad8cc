"""How the sync stands, in plain words: what is not in the cloud, why, and what will happen next.

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


def reasons(
    books: Ledger, view: View | None, refused: Mapping[str, int], finding: Finding | None, now_ms: int
) -> list[Reason]:
    """Why it is not all synced, the gravest first; empty where it is. `view` None: no hub is running."""
    if books.hub_id is None:
        waits = f"{_counted(books.pending, 'item')} {_are(books.pending)} kept here"
        return [Reason("This hub belongs to no club.", f"{waits}; enter a claim code on the sync page.")]
    found = _held(view, books)
    if refused:
        n = sum(refused.values())
        why = "; ".join(f"{count} because {reason_words(code)}" for code, count in sorted(refused.items()))
        found.append(
            Reason(f"The cloud refused {_counted(n, 'item')}: {why}.",
                   "They stand in nobody's way; try each again, or put it away, on the sync page.")
        )  # fmt: skip
    if books.pending:
        found.append(_pending(books, view))
    if books.is_shut_out:
        return found
    if books.last_contact_ms is None:
        found.append(Reason("The cloud was never reached.", "Check its address and the network."))
    elif now_ms - books.last_contact_ms > BEHIND_MS:
        ago = span_words((now_ms - books.last_contact_ms) / 1000)
        found.append(
            Reason(f"The cloud was last reached {ago} ago.", "What was changed online since is not here yet.")
        )
    if finding is not None and finding.differences_n:
        ago = span_words((now_ms - finding.at_ms) / 1000)
        words = f"The comparison {ago} ago found {_counted(finding.differences_n, 'difference')}."
        found.append(Reason(words, "Compare again; if they stay, tell whoever runs the cloud."))
    return found


def _held(view: View | None, books: Ledger) -> list[Reason]:
    if view is None:
        idle = Reason("No hub is running here.", "Start it with touchline-hub run; it syncs by itself.")
        return [idle, SHUT_OUT] if books.is_shut_out else [idle]
    if books.is_shut_out:
        return [SHUT_OUT]
    again = (
        f"The next try is in {span_words(view.next_try_s)}." if view.next_try_s else "It tries again soon."
    )
    if view.state == "paused":
        return [Reason("Somebody paused the sync.", "It goes on when somebody lets it on the sync page.")]
    if view.state == "waiting":
        here = f"on {view.network}" if view.network else "on no network"
        words = f"It may use only the network {view.only_network}; the hub is {here}."
        return [Reason(words, "It goes on by itself on that network.")]
    if view.state == "offline":
        error = view.last_error or "The cloud cannot be reached."
        is_said = "nothing is lost" in error.lower()
        return [Reason(error, again if is_said else f"Nothing is lost meanwhile. {again}")]
    if view.state == "failed":
        return [Reason(view.last_error or "The last round failed.", again)]
    return []


def _pending(books: Ledger, view: View | None) -> Reason:
    parts = []
    if books.ops_pending:
        parts.append(_counted(books.ops_pending, "edit"))
    if books.segments_pending:
        parts.append(_counted(books.segments_pending, "recording"))
    waits = "waits" if books.pending == 1 else "wait"
    size = f" ({bytes_words(view.bytes_pending)})" if view is not None and view.bytes_pending else ""
    they, go = ("It", "goes") if books.pending == 1 else ("They", "go")
    then = f"{they} {go} as soon as there is a way; edits first, then today's recordings."
    if books.is_shut_out:
        then = f"{they} {'stays' if they == 'It' else 'stay'} here until this hub has joined again."
    elif view is not None and view.eta_s is not None:
        then = f"They are on their way: about {span_words(view.eta_s)} left."
    return Reason(f"{' and '.join(parts)} {waits} to be sent{size}.", then)


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
        f"{_counted(n, 'recording')} that the cloud refused {_are(n)} put away."
        f" {they} {stay} on this hub only and {_are(n)} never counted as synced."
    )


def span_words(seconds: float) -> str:
    """A length of time in its largest fitting unit."""
    seconds = max(0.0, seconds)
    for limit_s, unit_s, word in ((120, 1, "second"), (7200, 60, "minute"), (172_800, 3600, "hour")):
        if seconds < limit_s:
            return _counted(round(seconds / unit_s), word)
    return _counted(round(seconds / 86_400), "day")


def sure_words(err_ms: int) -> str:
    """How surely the time is known, never said surer than it is."""
    if err_ms <= 10_000:
        return f"known to within {max(1, -(-err_ms // 100)) / 10:.1f} s"
    return f"known to within {-(-err_ms // 1000)} s"


def bytes_words(count: int) -> str:
    """Bytes in a unit people read."""
    if count < 1000:
        return f"{count} bytes"
    for limit, unit, word in ((1_000_000, 1000, "kB"), (1_000_000_000, 1_000_000, "MB")):
        if count < limit:
            return f"{count / unit:.0f} {word}" if count >= 10 * unit else f"{count / unit:.1f} {word}"
    return f"{count / 1_000_000_000:.1f} GB"


def _counted(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}".replace(",", "\u202f")


def _are(n: int) -> str:
    return "is" if n == 1 else "are"
