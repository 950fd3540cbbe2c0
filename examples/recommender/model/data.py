"""A made-up shop: its catalogue, its users' tastes, and what they bought. No real data, one seed."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SEED = 20261122
USERS = 3_000
ITEMS = 2_000
TASTES = 16
SHORTEST_HISTORY = 12
LONGEST_HISTORY = 36
TASTE_STRENGTH = 9.0
"""How much taste counts, compared with chance (whose standard deviation is 1.28)."""


@dataclass(frozen=True, kw_only=True)
class Purchases:
    """What every user bought, split before any model sees it: one random purchase per user is held out."""

    history: list[list[int]]
    """Per user, the item ids to learn from, in ascending order."""
    held_out: list[int]
    """Per user, the one item that no model has seen the user buy."""


def make_purchases(seed: int = SEED) -> Purchases:
    """Draw tastes, then let every user pick items that fit the taste or are popular, each at most once."""
    rng = np.random.default_rng(seed)
    preferences = _preferences(rng)
    lengths = rng.integers(SHORTEST_HISTORY, LONGEST_HISTORY + 1, size=USERS)
    history: list[list[int]] = []
    held_out: list[int] = []
    for preference, length in zip(preferences, lengths, strict=True):
        basket = rng.permutation(np.argsort(-preference, kind="stable")[: length + 1])
        held_out.append(int(basket[0]))
        history.append(sorted(int(item) for item in basket[1:]))
    return Purchases(history=history, held_out=held_out)


def make_appeal(seed: int = SEED) -> npt.NDArray[np.float64]:
    """Return how much each user likes each item: the truth behind the purchases of this seed."""
    return _appeal(np.random.default_rng(seed))


def _preferences(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """How much each user wants each item, with chance included. Users buy the items with the highest values.

    Sorting by utility plus Gumbel noise is sampling without replacement from the utilities' softmax.
    """
    return np.asarray(_appeal(rng) + rng.gumbel(size=(USERS, ITEMS)))


def _appeal(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    user_tastes = rng.dirichlet(np.full(TASTES, 0.15), size=USERS)
    item_tastes = rng.dirichlet(np.full(TASTES, 0.10), size=ITEMS)
    popularity = -0.9 * np.log(rng.permutation(ITEMS) + 5.0)
    return np.asarray(TASTE_STRENGTH * user_tastes @ item_tastes.T + popularity)
