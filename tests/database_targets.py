"""Where a project's tables are: the engines that one test runs on, and how to ask them without weir."""
import itertools
import pathlib
from typing import Iterator, Protocol

import pytest

from database_servers import MariaDB, Postgres
from weir_project import Project


Server = Postgres | MariaDB


class Target(Protocol):
    name: str
    url: str

    def project(self, root: pathlib.Path) -> Project:
        """A project whose `query` and `value` ask this database."""


class DuckdbFile:
    name = 'duckdb'
    url = 'duckdb://db.duckdb'

    def project(self, root: pathlib.Path) -> Project:
        return Project(root)


class ServerDatabase:
    serial = itertools.count(1)

    def __init__(self, server: Server):
        self.server = server
        self.name = server.engine
        self.database = f'target_{next(self.serial)}'
        server.create(self.database)
        self.url = server.url(self.database)

    def project(self, root: pathlib.Path) -> Project:
        return ServerProject(root, self)


class ServerProject(Project):
    """The tables are asked for on the server itself."""

    def __init__(self, root: pathlib.Path, target: ServerDatabase):
        super().__init__(root)
        self.target = target

    def query(self, sql: str, *arguments: str) -> list[dict[str, str]]:
        assert not arguments
        return self.target.server.rows(sql, self.target.database)


@pytest.fixture(scope='session')
def postgres_server() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope='session')
def mysql_server() -> Iterator[MariaDB]:
    with MariaDB() as server:
        yield server


@pytest.fixture(params=['duckdb', 'postgres', 'mysql'])
def target(request: pytest.FixtureRequest) -> Target:
    """Each test that asks for it runs once per engine, on an empty database."""
    if request.param == 'duckdb':
        return DuckdbFile()
    return ServerDatabase(request.getfixturevalue(f'{request.param}_server'))
