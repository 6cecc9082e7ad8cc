"""What the formulas refuse to compute with, drawn once.

AnalyticsError (a ValueError)
 ├─ ShapeMismatch      columns of one series differ in length
 ├─ OutOfOrder         times that must rise do not
 ├─ EdgesInvalid       zone edges are not strictly increasing
 ├─ OutOfRange         a number outside what the formula means anything for
 ├─ ProfileIncomplete  the person's limits needed here are missing or contradict each other
 ├─ FitRejected        an individual fit is not good enough to use
 ├─ PitchUnclear       corners or positions do not make a rectangle
 ├─ HistogramDamaged   stored bytes that are no histogram
 └─ UnknownMetric      an id the catalogue does not hold

The docstring is the message; it holds no errors of files, radio or storage. What is merely undefined or
doubtful is no error: it is None, or a `Flag` beside the value.
"""

from __future__ import annotations


class AnalyticsError(ValueError):
    """This cannot be computed:"""

    def __init__(self, detail: str = "") -> None:
        message = (type(self).__doc__ or "").splitlines()[0]
        super().__init__(f"{message} {detail}".strip())
        self.detail = detail


class ShapeMismatch(AnalyticsError):
    """The columns differ in shape:"""


class OutOfOrder(AnalyticsError):
    """The times do not rise:"""


class EdgesInvalid(AnalyticsError):
    """The zone edges do not rise strictly:"""


class OutOfRange(AnalyticsError):
    """The value is outside the formula's range:"""


class ProfileIncomplete(AnalyticsError):
    """The athlete's limits do not allow this formula:"""


class FitRejected(AnalyticsError):
    """The individual fit cannot be used:"""


class PitchUnclear(AnalyticsError):
    """The pitch cannot be made out:"""


class HistogramDamaged(AnalyticsError):
    """The heart-rate histogram cannot be read:"""


class UnknownMetric(AnalyticsError):
    """There is no such metric:"""
