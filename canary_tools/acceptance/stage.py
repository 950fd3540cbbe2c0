"""The scene, and what changes it: deploys, releases, and waiting for their ends."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rollout.contract.names import other_slot

from canary_tools.acceptance.declaration import Declaration
from canary_tools.acceptance.endpoint_watch import QUIET, Look
from canary_tools.acceptance.removal import Removal
from canary_tools.acceptance.rollouts import Rollouts
from canary_tools.acceptance.scene import Scene
from canary_tools.acceptance.stack import Deploy
from canary_tools.acceptance.waiting import Found, wait_for

WHOLE_WEIGHT = 100.0


class Unexpected(Exception):
    """An act went otherwise; the message says what was seen."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The scene, with what the acts need to change it.

    Attributes:
        declare: makes a declaration of a version, with what differs from the usual.
        broken_archive: a file that is no archive.
    """

    scene: Scene
    declare: Callable[..., Declaration]
    broken_archive: Path
    removal: Removal

    @property
    def rollouts(self) -> Rollouts:
        """The ledger's rollouts."""
        scene = self.scene
        return Rollouts(scene.client("dynamodb"), table=scene.stack.ledger, endpoint_name=scene.endpoint_name)

    def deploy(self, declared: Declaration, name: str = "") -> Deploy:
        """Deploy, and keep what came of it under the version or this name."""
        done = self.scene.stack.deploy(declared)
        self.scene.deploys[name or declared.version] = done
        return done

    def wait(self, look: Callable[[], Found | None], what: str) -> Found:
        """Wait for as long as a rollout may take.

        Raises:
            TimeoutError: it did not come.
        """
        pace = self.scene.account.pace
        return wait_for(look, what=what, seconds=pace.rollout, look_again=pace.look_again)

    def release(self, declared: Declaration) -> Deploy:
        """Deploy a release.

        Raises:
            Unexpected: the deploy failed.
        """
        done = self.deploy(declared)
        if not done.succeeded:
            raise Unexpected(f"{done.status}: {done.reasons}")
        return done

    def at_rest(self, stable: str) -> Look:
        """Wait until one variant has all the weight and nobody holds the endpoint.

        Raises:
            TimeoutError: that did not come.
        """

        def rests() -> Look | None:
            look = self.scene.endpoint.look()
            at_rest = look.status == QUIET and look.weights == {stable: WHOLE_WEIGHT, other_slot(stable): 0.0}
            return look if at_rest and self.rollouts.lock_is_free() else None

        return self.wait(rests, f"rest with {stable} in service")
