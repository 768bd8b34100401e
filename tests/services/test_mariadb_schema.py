"""The schema's versions on a real MariaDB server; scenarios of tests/unit/schema_parts.py."""

import pytest

from tests.services.mariadb import Server, mariadb  # noqa: F401
from tests.unit.schema_parts import SCENARIOS


@pytest.fixture
def url(mariadb: Server) -> str:  # noqa: F811
    mariadb.new_database("ages")
    return mariadb.url("ages")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_schemas_of_every_age(tmp_path, url, scenario):
    scenario(url, tmp_path)
