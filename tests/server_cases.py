"""The cases that load, with their databases on a server: the same receipts, the same rows."""
import itertools
import pathlib
import re
from typing import Any

import pytest

from case_steps import FOLDERS, Place, touches_a_database
from database_servers import MariaDB, Postgres

# What these are about is DuckDB's own.
NOT_ON_SERVERS: dict[str, str] = {
    'drift': "it counts on DuckDB's types and DDL; tests of drift on servers have their own",
    'drift_apply': "it counts on DuckDB's types and DDL; tests of drift on servers have their own",
    'plan': "it counts on DuckDB's DDL; test_server_plans.py has plans on servers",
    'plan_fails': "it asks the ledger, which a plan does not make on a server; test_server_plans.py has its like",
    'drifted_target': "it replaces a table by another with DuckDB's CREATE OR REPLACE TABLE",
}

# Beside those above.
NOT_ON_MYSQL: dict[str, str] = {
}


class ServerPlace(Place):
    """A database of a server's for each file that the case names."""

    def __init__(self, server: Postgres | MariaDB):
        self.engine = server.engine
        self.server = server
        self.numbers = itertools.count()
        self.made: dict[str, str] = {}  # the database's name, by the file's

    def moved(self, weir_yaml: str) -> str:
        def replaced(match: re.Match) -> str:
            file = match.group(1)
            if file not in self.made:
                self.made[file] = f'case_{next(self.numbers)}'
                self.server.create(self.made[file])
            return f'"{self.server.url(self.made[file])}"'
        return re.sub(r'duckdb://([\w.-]+)', replaced, weir_yaml)

    def drop(self) -> None:
        for name in self.made.values():
            self.server.drop(name)

    def same(self, expected: str, actual: str) -> bool:
        """MySQL has no booleans, its expressions give numbers; and no lists, whose JSON it keeps."""
        if self.engine == 'mysql' and expected in ('true', 'false'):
            return actual in (expected, {'true': '1', 'false': '0'}[expected])
        if self.engine == 'mysql' and expected.startswith('['):
            return actual == expected.replace('NULL', 'null').replace(', ', ',')
        return super().same(expected, actual)


def cases_on(engine: str) -> list[Any]:
    """The cases, as pytest parametrizes."""
    left_out = NOT_ON_SERVERS | (NOT_ON_MYSQL if engine == 'mysql' else {})
    return [pytest.param(folder, id=folder.name) for folder in FOLDERS
            if touches_a_database(folder) and folder.name not in left_out]


def check_lists() -> None:
    names = {folder.name for folder in FOLDERS}
    assert NOT_ON_SERVERS.keys() | NOT_ON_MYSQL.keys() <= names
