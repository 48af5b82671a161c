"""The cases that load, with their databases on a PostgreSQL: the same receipts, the same rows."""
import itertools
import pathlib
from typing import Any, Iterator, NamedTuple

import pytest

from case_steps import FOLDERS, ServerPlace, run_case, touches_a_database
from database_servers import Postgres
from server_cases import NOT_ON_SERVERS, NOT_YET_ON_SERVERS
from weir_project import Project

LOADING = [folder for folder in FOLDERS if touches_a_database(folder) and folder.name not in NOT_ON_SERVERS]


class Answer(NamedTuple):
    out: str
    code: int = 0
    err: str = ''


class PostgresPlace(ServerPlace):
    def __init__(self, server: Postgres):
        super().__init__('postgres', self.make_database)
        self.server = server
        self.numbers = itertools.count()
        self.made: list[str] = []

    def make_database(self) -> str:
        self.made.append(f'case_{next(self.numbers)}')
        self.server.create(self.made[-1])
        return self.server.url(self.made[-1])

    def ask(self, project: Project, sql: str, *words: str) -> Any:
        """By psql: `weir query` does not ask servers yet."""
        if not words and len(self.made) > 1:
            return super().ask(project, sql)
        file = f'{words[1]}.duckdb' if words else next(iter(self.urls))
        return Answer(self.server.psql(sql, self.made[list(self.urls).index(file)], '--csv'))


@pytest.fixture(scope='module')
def server() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def place(server: Postgres) -> Iterator[PostgresPlace]:
    made = PostgresPlace(server)
    yield made
    for name in made.made:
        server.drop(name)


def marked(folder: pathlib.Path) -> Any:
    reason = NOT_YET_ON_SERVERS.get(folder.name)
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(folder, marks=marks, id=folder.name)


@pytest.mark.parametrize('folder', map(marked, LOADING))
def test_case(folder: pathlib.Path, place: PostgresPlace, tmp_path: pathlib.Path) -> None:
    run_case(folder, tmp_path / 'project', place)


def test_the_lists_name_cases_that_are_there() -> None:
    names = {folder.name for folder in FOLDERS}
    assert NOT_ON_SERVERS.keys() | NOT_YET_ON_SERVERS.keys() <= names
