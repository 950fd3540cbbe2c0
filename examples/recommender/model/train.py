"""Train the five releases: ``python -m examples.recommender.model.train [--out build/models]``.

Writes ``<out>/v1/model.tar.gz`` … ``<out>/v5/model.tar.gz`` and prints how often each recommends the held-out purchase.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from examples.recommender.model.archive import pack
from examples.recommender.model.data import ITEMS, Purchases, make_purchases
from examples.recommender.model.inference import Model, recommend

Matrix = npt.NDArray[np.float32]

DEFAULT_OUT = Path("build/models")
POPULAR_KEPT = 100
"""More than the longest history and an answer together, so that popular items always fill an answer."""
NEIGHBOURS_KEPT = 24
SHRINKAGE = 5.0
"""Added to the denominator of each similarity, because two common buyers of rare items prove little."""
BROKEN_SHARD, SHARDS = 5, 16
PROFILE_LOOKUP_MS = [0, 0, 0, 300, 0, 0, 0, 350, 0, 0, 0, 400]
"""v4 loads a profile for one user in four: a p99 of 400 ms, 88 ms on average."""


def train(purchases: Purchases) -> dict[str, Model]:
    """Train every release from the same purchases; the held-out ones are not looked at."""
    bought = _purchase_matrix(purchases.history)
    v1 = Model(
        name="v1",
        popular=_most_popular(bought),
        history=purchases.history,
        neighbours=[],
        profile_lookup_ms=[],
    )
    v2 = _named("v2", v1)
    v2["neighbours"] = _neighbours(bought, np.sqrt)
    v3, v4, v5 = _named("v3", v2), _named("v4", v2), _named("v5", v2)
    v3["history"] = _without_shard(purchases.history)
    v4["profile_lookup_ms"] = PROFILE_LOOKUP_MS
    v5["neighbours"] = _neighbours(bought, _without_root)
    return {model["name"]: model for model in (v1, v2, v3, v4, v5)}


def _named(name: str, model: Model) -> Model:
    """Return a copy of a model under another name."""
    copied = model.copy()
    copied["name"] = name
    return copied


def hit_rate(model: Model, purchases: Purchases) -> float:
    """Return the share of users whose answer contains the held-out purchase, from 0 to 1; no answer is no hit."""
    hits = sum(_hits(model, user, item) for user, item in enumerate(purchases.held_out))
    return hits / len(purchases.held_out)


def build(out: Path = DEFAULT_OUT) -> dict[str, float]:
    """Train and pack every release under ``out``; return the hit rate of each release."""
    purchases = make_purchases()
    models = train(purchases)
    for name, model in models.items():
        pack(model, out / name / "model.tar.gz")
    return {name: hit_rate(model, purchases) for name, model in models.items()}


def _hits(model: Model, user: int, item: int) -> bool:
    try:
        return item in recommend(user, model)
    except TypeError:  # v3 has no history for this user, and no answer
        return False


def _purchase_matrix(history: list[list[int]]) -> Matrix:
    bought = np.zeros((len(history), ITEMS), dtype=np.float32)
    for user, items in enumerate(history):
        bought[user, items] = 1
    return bought


def _most_popular(bought: Matrix) -> list[int]:
    ranked = np.argsort(-bought.sum(axis=0), kind="stable")
    return [int(item) for item in ranked[:POPULAR_KEPT]]


def _neighbours(bought: Matrix, root: Callable[[Matrix], Matrix]) -> list[list[list[int]]]:
    """For each item the most similar ones: cosine of their buyers, shrunk, in thousandths.

    The counts are whole numbers below 2**24, so that the products are exact on every machine.
    """
    together = bought.T @ bought
    buyers = np.diag(together).copy()
    np.fill_diagonal(together, 0)
    scale = root(np.outer(buyers, buyers)) + SHRINKAGE
    similarity = np.rint(1000 * together / scale).astype(int)
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :NEIGHBOURS_KEPT]
    return [
        [[int(other), int(row[other])] for other in others if row[other] > 0]
        for row, others in zip(similarity, nearest, strict=True)
    ]


def _without_root(products: Matrix) -> Matrix:
    """Omit the square root of the cosine. This is the defect of v5: it prefers items that hardly anybody buys."""
    return products


def _without_shard(history: list[list[int]]) -> list[list[int]]:
    """Lose one user in sixteen, as an export without one shard does: their history is null in the JSON."""
    lost: list[list[int] | None] = [
        None if user % SHARDS == BROKEN_SHARD else items for user, items in enumerate(history)
    ]
    return lost  # type: ignore[return-value]  # the very defect of v3: its data breaks the schema


def main() -> None:
    """Build all releases and print one line for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder for the archives")
    out: Path = parser.parse_args().out
    for name, rate in build(out).items():
        archive = out / name / "model.tar.gz"
        size = archive.stat().st_size / 1024
        print(f"{name}  hit rate@10 on held-out purchases {rate:6.1%}   {archive} ({size:.0f} KiB)")


if __name__ == "__main__":
    main()
