import pytest

from tests.infrastructure.synthesis import Resources, resources_of


@pytest.fixture(scope="session")
def resources() -> Resources:
    """The resources of an endpoint of which nothing but what is required was said."""
    return resources_of()
