"""How far a session's heart rates can be trusted, in words for tables.

It judges nothing.
"""

from __future__ import annotations

from hub.domain import Flaw
from hub.wearing.judgement import Trust
from hub.web.shell import minutes_text

FLAW_WORDS = {
    Flaw.JUMP: "jumps", Flaw.FLAT: "flat line", Flaw.CONTACT_LOST: "no skin contact",
    Flaw.SEARCHING: "searching", Flaw.GAP: "values missed", Flaw.RR_GAP: "beats missed",
}  # fmt: skip


def flaws_text(trust: Trust) -> str:
    """What was wrong, the most frequent first: "flat line 40, jumps 3"."""
    known = {flaw.value: words for flaw, words in FLAW_WORDS.items()}
    counts = sorted(trust.flaws, key=lambda it: (-it[1], it[0]))
    return ", ".join(f"{known[name]} {count}" for name, count in counts if name in known)


def doubt_note(trust: Trust | None) -> tuple[str, ...]:
    """What a reader of a load must know; nothing where less than a second was doubtful."""
    if trust is None or trust.doubtful_ms < 1000:
        return ()
    jumps, flat = trust.count(Flaw.JUMP), trust.count(Flaw.FLAT)
    said = [f"{FLAW_WORDS[flaw]} {count}" for flaw, count in ((Flaw.JUMP, jumps), (Flaw.FLAT, flat)) if count]
    return (f"{minutes_text(trust.doubtful_ms / 1000)} doubtful ({', '.join(said)})",)
