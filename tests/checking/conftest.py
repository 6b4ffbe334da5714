import pytest
from dlgrade.checking.inputs import Drawer


@pytest.fixture(scope="session")
def drawer():
    """Inputs are drawn once for all tests that share a check."""
    return Drawer()
