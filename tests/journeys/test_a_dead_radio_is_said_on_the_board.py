"""A radio that stops working is said in words on the board, and the words go when it works again."""

from __future__ import annotations

import pytest

from tests.devices.pitch_process import PitchProcess
from tests.journeys.world import Ground, Staff, wait_for

pytestmark = pytest.mark.journey


def test_the_board_says_that_the_radio_does_not_work_until_it_does(ground: Ground, staff: Staff) -> None:
    pitch = ground.start_pitch("--athletes", "1")
    ground.start_hub()
    staff.set_up()
    staff.add_athlete(1)
    wait_for("the athlete is live", lambda: ground.fresh() == 1)
    assert staff.frame()["top"][3] == ""

    pitch.kill()
    said = wait_for("the board says so", lambda: staff.frame()["top"][3])
    assert said.startswith("The radio does not work.")

    ground.pitch = PitchProcess("--athletes", "1", port=pitch.port)
    wait_for("the words are gone", lambda: staff.frame()["top"][3] == "", 40)
    wait_for("the athlete is live again", lambda: ground.fresh() == 1)
