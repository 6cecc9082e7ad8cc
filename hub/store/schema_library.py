"""The library that applies the schema's migrations, loaded without pandas, which it would take along unasked.

Pandas is the cloud's; on a machine that has both, the hub would weigh 29 MB more for nothing. It changes
nothing else in the library.
"""

from __future__ import annotations

import sys
from typing import Any

_loaded: dict[str, Any] = sys.modules
_is_hidden = "pandas" not in _loaded
if _is_hidden:
    _loaded["pandas"] = None  # an import of it now raises ImportError, as where it is not installed
try:
    from sqlite_utils import Database as Schema
    from sqlite_utils.migrations import Migrations
finally:
    if _is_hidden:
        del _loaded["pandas"]

__all__ = ["Migrations", "Schema"]
