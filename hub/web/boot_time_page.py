"""Where a person says whether a file's GPS time holds for a boot of this hub, and takes it back.

It decides nothing about the time; what a yes changes is worked out beside the clock.
"""

from __future__ import annotations

from uuid import UUID

from litestar import post
from litestar.params import FromPath
from litestar.response import Redirect

from hub.web.parts import parts_of
from hub.web.shell import SEE_OTHER, AnyRequest, Form


@post("/import/times/{question_id:uuid}", include_in_schema=False)
async def answer_time(request: AnyRequest, question_id: FromPath[UUID], data: Form) -> Redirect:
    """Use the file's time, or leave it as it is."""
    await parts_of(request).answer_time(str(question_id), data.get("answer") == "use")
    back = data.get("back", "")
    return Redirect(back if back.startswith("/import/") else "/import", status_code=SEE_OTHER)


HANDLERS = [answer_time]
