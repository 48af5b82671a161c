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
    'drifted_target': "it replaces a table by another with DuckDB's CREATE OR REPLACE TABLE",
}

# What these need is not built for servers yet. One that pytest shows as XPASS has to leave this list.
NOT_YET_ON_SERVERS: dict[str, str] = {
    'plan': 'weir plan does not know servers yet',
    'plan_fails': 'weir plan does not know servers yet',
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
        """MySQL's booleans are numbers."""
        if self.engine == 'mysql' and expected in ('true', 'false'):
            return actual == {'true': '1', 'false': '0'}[expected]
        return super().same(expected, actual)


def cases_on(engine: str) -> list[Any]:
    """The cases, as pytest parametrizes; those that cannot run there yet are to fail."""
    left_out = NOT_ON_SERVERS | (NOT_ON_MYSQL if engine == 'mysql' else {})
    cases = []
    for folder in FOLDERS:
        if not touches_a_database(folder) or folder.name in left_out:
            continue
        reason = NOT_YET_ON_SERVERS.get(folder.name)
        marks = [pytest.mark.xfail(reason=reason)] if reason else []
        cases.append(pytest.param(folder, marks=marks, id=folder.name))
    return cases


def check_lists() -> None:
    names = {folder.name for folder in FOLDERS}
    assert NOT_ON_SERVERS.keys() | NOT_YET_ON_SERVERS.keys() | NOT_ON_MYSQL.keys() <= names
