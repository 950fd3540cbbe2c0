"""Makes way for another instance type: the scalable target of the idle slot is taken away.

SageMaker refuses another type for a variant that is a scalable target.
Source: https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rollout import clock
from rollout.contract.errors import EndpointNotFound, EndpointUnusable
from rollout.contract.hosting import INSTANCE_TYPE
from rollout.decisions.placement import types_changed
from rollout.slot_decision import LETTERS

if TYPE_CHECKING:
    from rollout.slot_decision import Answer
    from rollout.world import World

UNREGISTERED_SECONDS = 2
"""How long a target must stay away: a handler of a rollout that has ended may register it once more."""
TRIES_TO_DEREGISTER = 5


def deregister(world: World, answer: Answer) -> list[str]:
    """Take away the scalable target of the idle slot if its instance type changes; return what is registered still."""
    slots = _retyped(world, answer)
    for _ in range(TRIES_TO_DEREGISTER):
        if not slots & world.scalers.registered().keys():
            return []
        for slot in slots:
            world.scalers.take_away(slot)
        clock.pause(UNREGISTERED_SECONDS)
    return sorted(slots & world.scalers.registered().keys())


def _retyped(world: World, answer: Answer) -> set[str]:
    """Return the slots whose instance type changes. One that serves is none of them, whatever the answer says."""
    try:
        view = world.endpoint.describe()
        live = world.endpoint.config(view.config_name)
    except (EndpointNotFound, EndpointUnusable):
        return set()
    slots = {slot: live[slot] for slot in LETTERS if slot in live}
    wanted = {
        slot: answer.get(f"{INSTANCE_TYPE}{LETTERS[slot]}", placed.instance_type) for slot, placed in slots.items()
    }
    return set(types_changed(slots, wanted)) - set(view.serving_slots())
