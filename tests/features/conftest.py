from collections.abc import Callable

import pytest

from components.records import Item
from tests.features.tiny_models import Tiny, make_item, make_set


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return make_set(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def items(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], list[Item]]:
    """The first n of a row of different items."""
    folder = tmp_path_factory.mktemp("pictures")
    return lambda n: [make_item(folder, i) for i in range(n)]
