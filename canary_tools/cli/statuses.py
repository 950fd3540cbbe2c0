"""The exit statuses of the command. They are part of its interface: pipelines read them."""

from enum import IntEnum


class Status(IntEnum):
    """How a command ended. The numbers stay."""

    DONE = 0
    """Done; of `wait` and `watch`: the release was promoted."""
    ROLLED_BACK = 1
    """The release was judged and rolled back, or a person has rolled it back."""
    CANNOT_ACT = 2
    """The command could not do what it was asked to; a sentence says why. Wrong options end so, too."""
    NOT_JUDGED = 3
    """The rollout ended safe and without a judgement of the release: the same version may be tried again."""
    NOTHING = 4
    """There is nothing to do: no release waits, no rollout runs."""
    STILL_RUNNING = 5
    """The time of `--timeout` is over, and the rollout still runs."""
    IN_THE_WAY = 6
    """Of `doctor`: something stands in the way of a release."""
    INTERRUPTED = 130
    """Ctrl-C; a rollout goes on."""
