import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from examples.recommender import train
from examples.recommender.archive import pack
from examples.recommender.data import Purchases, make_purchases
from examples.recommender.inference import Model


@pytest.fixture(scope="session")
def purchases() -> Purchases:
    return make_purchases()


@pytest.fixture(scope="session")
def models(purchases: Purchases) -> Mapping[str, Model]:
    return train.train(purchases)


@pytest.fixture
def model_dir(models: Mapping[str, Model], tmp_path: Path) -> Path:
    """What SageMaker finds in /opt/ml/model once it has unpacked v2's archive."""

    pack(models["v2"], tmp_path / "model.tar.gz")
    with tarfile.open(tmp_path / "model.tar.gz") as archive:
        archive.extractall(tmp_path / "model", filter="data")
    return tmp_path / "model"
