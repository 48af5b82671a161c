"""The cases that load, with their databases on a PostgreSQL."""
import pathlib
from typing import Iterator

import pytest

from case_steps import run_case
from database_servers import Postgres
from server_cases import ServerPlace, cases_on, check_lists


@pytest.fixture(scope='module')
def server() -> Iterator[Postgres]:
    with Postgres() as started:
        yield started


@pytest.fixture
def place(server: Postgres) -> Iterator[ServerPlace]:
    made = ServerPlace(server)
    yield made
    made.drop()


@pytest.mark.parametrize('folder', cases_on('postgres'))
def test_case(folder: pathlib.Path, place: ServerPlace, tmp_path: pathlib.Path) -> None:
    run_case(folder, tmp_path / 'project', place)


def test_the_lists_name_cases_that_are_there() -> None:
    check_lists()
