"""How much one operation and one request may be: numbers that both sides keep to.

They bound what anybody can be made to hold or work out, far above what hubs send. How much a link carries
at a time is the pace's business.
"""

from __future__ import annotations

MAX_BODY_BYTES = 4 << 20
MAX_INFLATED_BYTES = 8 << 20
MOST_OP_BYTES = MAX_BODY_BYTES // 4
"""An operation's fields as JSON: so it fits a request, a chunk of a bundle and an answer, zipped or not."""
MOST_ANCHORS = 1000

MOST_SEGMENTS = 512
"""Segments in a request, whatever they come in."""
MOST_SEGMENTS_A_CHUNK = 8 * MOST_SEGMENTS
"""Segments in a chunk of a bundle: more than fit its 256 KiB, however short each is."""
MOST_BATCHES = 64
MOST_VALUES = 8 << 20
"""Values in all segments of a request: 512 of five minutes of heart rate and intervals hold a million."""
MOST_STEPS = 1 << 16
"""Samples and beats of the longest segments of all batches in a request: they are walked through by time."""
MOST_ROWS_A_CHUNK = MOST_VALUES // 16
"""Samples or rows that a bundle's writer puts into a chunk; the fullest kind of row has ten values."""
