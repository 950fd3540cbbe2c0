"""What is done when a step has used all its time."""

from typing import Any

import pytest
from aws_cdk import Duration, Token

from canary_construct import OnInconclusive

TOKEN: Any = Token.as_number({"Ref": "Parameter"})


def test_a_person_is_waited_for_for_a_day_unless_told_otherwise() -> None:
    assert OnInconclusive.hold_for(Duration.days(1)) == OnInconclusive.HOLD
    assert OnInconclusive() == OnInconclusive.ROLL_BACK


@pytest.mark.parametrize("seconds", [299, 14 * 24 * 3600 + 1])
def test_a_wait_that_nobody_can_keep_or_that_never_ends_is_refused(seconds: int) -> None:
    with pytest.raises(ValueError, match=r"^on_inconclusive must hold a step for 300 s to 1,209,600 s, got [\d,]+ s$"):
        OnInconclusive.hold_for(Duration.seconds(seconds))


def test_a_wait_that_only_the_deploy_knows_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^duration of OnInconclusive\.hold_for must be known at synth"):
        OnInconclusive.hold_for(Duration.seconds(TOKEN))
