"""examples/web-analytics on Postgres and MariaDB: the rows and receipts are those of the embedded run."""
import pathlib
import shutil
import subprocess
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import EXAMPLE, Project, balances


@pytest.fixture(scope='module', params=[Postgres, MariaDB], ids=['postgres', 'mysql'])
def server(request) -> Iterator[Postgres | MariaDB]:
    with request.param() as running:
        running.create('analytics')
        yield running


def example(root: pathlib.Path, landing: pathlib.Path) -> Project:
    shutil.copytree(EXAMPLE, root)
    shutil.copytree(landing, root / 'landing')
    return Project(root)


def comparable(receipt: dict) -> dict:
    return {key: value for key, value in receipt.items() if key not in ('run', 'version', 'duration_ms')}


def test_it_runs_there_as_it_does_embedded(server: Postgres | MariaDB, tmp_path: pathlib.Path) -> None:
    files = tmp_path / 'files'
    subprocess.run(['/usr/bin/python3', str(EXAMPLE / 'generate.py'), str(files), '--days', '3', '--sessions', '200',
                    '--seed', '5'], check=True)
    again = sorted(files.iterdir())[0]
    mine = example(tmp_path / 'embedded', files)
    theirs = example(tmp_path / 'server', files)
    theirs.environment = {{'postgres': 'POSTGRES_URL', 'mysql': 'MYSQL_URL'}[server.engine]: server.url('analytics')}
    env = ['--env', server.engine]
    steps = [['load-sessions'], ['daily-totals'], ['daily-totals'],
             ['load-sessions', '--object', f'landing/{again.name}', '--force']]
    for words in steps:
        expected = [comparable(receipt) for receipt in mine.run(*words)]
        found = [comparable(receipt) for receipt in theirs.run(*words, *env)]
        assert found == expected and all(balances(receipt) for receipt in found), words
    for sql in ('SELECT * FROM monks.hits ORDER BY user_id, visit_id, date', 'SELECT * FROM monks.daily_totals ORDER BY date'):
        rows = theirs.query(sql, *env)
        assert rows == mine.query(sql) and len(rows) >= 3


def test_its_own_tests_hold_with_a_duckdb_in_the_servers_place(server: Postgres | MariaDB, tmp_path: pathlib.Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / 'project')
    project = Project(tmp_path / 'project')
    project.environment = {{'postgres': 'POSTGRES_URL', 'mysql': 'MYSQL_URL'}[server.engine]: server.url('analytics')}
    result = project.verb('test', '--env', server.engine)
    assert result.code == 0, result
