"""Any maker's word for a sport becomes one of ours, in the languages their apps export.

It knows words, not numbers: a format's own codes are its reader's. Team words that name no sport
("Match", "MD-1") are "other", which agrees with everything.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SPORTS = (
    "running", "cycling", "swimming", "walking", "hiking", "rowing", "skiing", "football", "rugby", "hockey",
    "basketball", "strength", "training", "transition", "other",
)  # fmt: skip

# The first that is found, in this order: an earlier line keeps its words from a later one. "_" is a gap.
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("transition", (r"\btransition", r"\btransicion", r"\btransicao", "wechselzone")),
    ("other", (
        "swim_?bike", "swim_?run", "bike_run", "triathl", "duathl", "multi_?sport", "water_ski", "wasserski",
        r"skat(e|ing)\b", r"\bpatin", "eislauf", "roller_?hock", "wheelchair", r"\bmotor",
        "horse", "disc_golf",
    )),
    ("skiing", (r"\bski", r"ski(ing)?\b", "langlauf", r"\besqui", "snow_?board", "snow_sport", "biathlon")),
    ("rugby", ("rugby",)),
    ("hockey", ("hockey", "floor_?ball", r"\bbandy\b", "lacrosse")),
    ("basketball", ("basket", "baloncesto", "basquete")),
    ("football", ("foot_?ball", "fussball", r"\bfut_?(bol|ebol|sal)", "soccer", r"\bfoot\b")),
    ("strength", (
        "strength", "weight_?lift", "power_?lift", "weight_training", r"\bweights\b", r"\bkraft", "gewicht",
        "fuerza", r"\bpesas", "musculac", "musculat", "halterofil", r"\bforca\b", "body_?building",
        "kettlebell",
    )),
    ("swimming", ("swim", "schwimm", r"\bnatac", "natation", r"\bnadar", r"\bnager", "piscin", "open_water")),
    ("rowing", (r"\brow(ing|er|s)?\b", r"\bruder", r"\bremo\b", r"\bremar", r"\baviron")),
    ("cycling", (
        "cycl", r"\bbik", r"bik(e|ing)\b", r"\bspin(ning)?\b", r"\bciclis", r"\bbici", "radfahr", "fahrrad",
        "rennrad", r"\brad(sport|tour)?\b", r"\bvelo", r"\bvtt\b", r"\bmtb\b", r"\bride\b", r"\bpedal",
    )),
    ("hiking", (
        r"\bhik", "senderis", r"\bwander", "randonn", r"\btrek", "mountaineer", "bergsteig", "trilha",
        r"\bruck",
    )),
    ("running", (
        r"\brun", r"\bjog", r"\bfooting\b", "treadmill", "laufband", r"\blauf", r"lauf(en)?\b", "marathon",
        r"\bcorr(er|ida|iendo)\b", r"\bcarrera", "course_a_pied", r"\bcourir", r"\btrail",
        "track_(and_)?field", "cinta_de_correr", r"\bsprint",
    )),
    ("walking", (
        "walk", r"\bcaminar", r"\bcaminata", "caminhada", r"\bandar\b", r"\bgehen\b", "spazier",
        r"\bmarch(e|a)",
    )),
    ("training", (
        "training", r"\bentren", r"\btreino", "entrainement", "workout", "fitness", r"\bcardio", r"\bhiit\b",
        "interval", "crossfit", r"\bcore\b", "circuit", r"\bgym\b", "conditioning",
    )),
)  # fmt: skip
_PATTERNS = tuple(
    (sport, re.compile("|".join(words).replace("_?", " ?").replace("_", " "))) for sport, words in _WORDS
)
_ON_FOOT = frozenset({"running", "walking", "hiking"})
_ANYTHING = frozenset({"", "other", "training"})
MOST_CHARS = 200


@lru_cache(maxsize=512)
def sport_of(text: str) -> str:
    """One of SPORTS for a word like "HKWorkoutActivityTypeRunning", "Biking", "INDOOR_ROWING", "Fußball"."""
    plain = re.sub(r"^HKWorkoutActivityType", "", text[:MOST_CHARS].strip())
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain).casefold()
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    plain = " ".join(re.findall(r"[a-z0-9]+", plain))
    return next((sport for sport, words in _PATTERNS if words.search(plain)), "other")


def may_match(one: str, other: str) -> bool:
    """Whether two of our sports can be the same effort; "other", "training" and "" match everything."""
    if one in _ANYTHING or other in _ANYTHING:
        return True
    return one == other or (one in _ON_FOOT and other in _ON_FOOT)
