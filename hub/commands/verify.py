"""`touchline-hub verify`: whether the cloud has what this hub has, and what differs if it does not.

It goes through the running hub; without one it syncs and compares from here. It prints and decides nothing.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any

from hub.commands.sync import refuse_alone
from hub.config import HubSettings
from hub.control import ask
from hub.errors import ActionRefused
from hub.syncing.alone import verify_alone
from hub.syncing.verify import Verification

EXAMPLES = """\
example:
  touchline-hub verify           also without a running hub; says what differs, record by record
  touchline-hub verify --json    for a script

exit status:
  0  both sides hold the same
  1  they differ, something still waits or was refused, or it could not be done, and why is said
"""


def add_arguments(parser: ArgumentParser) -> None:
    """What may be asked for."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.epilog = EXAMPLES


def run(settings: HubSettings, options: Namespace) -> int:
    """Compare and print; status 1 where the two sides differ or something still waits. Raises HubError."""
    found = _found(settings)
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        print(found["words"])
        for it in found["differences"]:
            print(f"  {it['day']}  {it['tbl']:<18} {it['pk']}: {it['where']}")
    return 0 if found["is_equal"] else 1


def _found(settings: HubSettings) -> dict[str, Any]:
    answer = ask(settings.control_path, "verify")
    if answer is None:
        refuse_alone(settings)
        return as_json(verify_alone(settings))
    if "error" in answer:
        raise ActionRefused(answer["error"], hint=answer.get("hint", ""))
    return answer


def as_json(found: Verification) -> dict[str, Any]:
    """What a running hub answers, too."""
    return {"words": found.words, "is_equal": found.is_equal, **asdict(found)}
