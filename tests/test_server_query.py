"""`weir query` on servers: read-only unless told, spelled as DuckDB spells, in bounded memory, ended by Ctrl-C."""
import pathlib
import resource
import signal
import subprocess
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import DEADLINE_SECONDS, Project, binary, wait_until

SLEEPING = {
    'postgres': "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name = 'weir'",
    'mysql': "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(600)%'",
}
SLEEP = {'postgres': 'SELECT pg_sleep(600)', 'mysql': 'SELECT SLEEP(600)'}
MANY = {'postgres': 'SELECT i, repeat(md5(i::text), 8) AS t FROM generate_series(1, 1000000) i',
        'mysql': "SELECT seq AS i, repeat(md5(seq), 8) AS t FROM seq_1_to_1000000"}


@pytest.fixture(scope='module', params=[Postgres, MariaDB], ids=['postgres', 'mysql'])
def server(request) -> Iterator[Postgres | MariaDB]:
    with request.param() as running:
        yield running


@pytest.fixture
def project(server: Postgres | MariaDB, tmp_path: pathlib.Path) -> Project:
    name = f'query_{abs(hash(tmp_path)) % 10**9}'
    server.create(name)
    (tmp_path / 'weir.yaml').write_text(f'project: asks\ndatabases: {{db: "{server.url(name)}"}}\n')
    return Project(tmp_path)


def test_values_are_spelled_as_duckdb_does(project: Project, server: Postgres | MariaDB) -> None:
    common = "1 AS n, 'a''b' AS t, CAST('2024-02-29' AS date) AS d, CAST(1.5 AS decimal(4,2)) AS x, NULL AS nothing"
    own = {'postgres': "true AS yes, 'infinity'::float8 AS f, '\\x00ff'::bytea AS b, '{1,NULL}'::int[] AS l, "
                       "'2024-01-01 00:00:00+02'::timestamptz AS m",
           'mysql': "CAST(2 AS DOUBLE) AS f, x'00ff' AS b, CAST('2024-01-01 10:00:00.5' AS DATETIME(6)) AS m"}
    expected = {'postgres': {'yes': 'true', 'f': 'inf', 'b': '\\x00\\xFF', 'l': '[1, NULL]', 'm': '2023-12-31 22:00:00+00'},
                'mysql': {'f': '2.0', 'b': '\\x00\\xFF', 'm': '2024-01-01 10:00:00.5'}}
    (row,) = project.query(f'SELECT {common}, {own[server.engine]}')
    assert row == {'n': '1', 't': "a'b", 'd': '2024-02-29', 'x': '1.50', 'nothing': '', **expected[server.engine]}
    result = project.verb('query', 'SELECT 1 AS n, 1.5 AS x, NULL AS nothing', '--format', 'json')
    assert result.json()[0]['n'] == 1 and result.json()[0]['nothing'] is None, result


def test_it_reads_unless_told_otherwise(project: Project, server: Postgres | MariaDB) -> None:
    assert project.query('CREATE TABLE t (a int)', '--write')
    refused = project.verb('query', 'INSERT INTO t VALUES (1)')
    assert refused.code == 2 and 'add --write if you mean it' in (refused.err + refused.out), refused
    assert project.verb('query', 'DROP TABLE t').code == 2
    assert project.query('INSERT INTO t VALUES (1), (2)', '--write') == [{'Count': '2'}]
    assert project.query('SELECT count(*) AS n FROM t') == [{'n': '2'}]
    assert project.query('INSERT INTO t VALUES (3) RETURNING a', '--write') == [{'a': '3'}]


def test_the_servers_words_come_with_state_and_place(project: Project, server: Postgres | MariaDB) -> None:
    result = project.verb('query', "SELECT 'é',\n nam FROM (SELECT 1 AS name) AS t")
    assert result.code == 1, result
    if server.engine == 'postgres':
        assert 'column "nam" does not exist (42703), at line 2, character 2' in (result.err + result.out)
        assert '"t.name"' in (result.err + result.out), 'the hint'
    else:
        assert "(42S22): Unknown column 'nam'" in (result.err + result.out)


def test_it_asks_the_server_in_the_owner_too(project: Project) -> None:
    with project.up():
        assert project.query('SELECT 7 AS n') == [{'n': '7'}]


def test_a_large_result_streams_in_bounded_memory(project: Project, server: Postgres | MariaDB) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    asked = subprocess.Popen([str(binary()), 'query', MANY[server.engine], '--format', 'csv', '--project',
                              str(project.root)], stdout=subprocess.PIPE)
    assert asked.stdout
    rows = sum(1 for _ in asked.stdout) - 1
    assert asked.wait() == 0 and rows == 1_000_000
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak < max(before, 240_000), f'{peak} kB for a result of 260 MB'


@pytest.mark.parametrize('with_owner', [False, True])
def test_an_interrupt_ends_the_statement(with_owner: bool, project: Project, server: Postgres | MariaDB) -> None:
    owner = project.start() if with_owner else None
    try:
        asked = subprocess.Popen([str(binary()), 'query', SLEEP[server.engine], '--project', str(project.root)],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: server.query(SLEEPING[server.engine]) == [['1']], 'the statement')
        asked.send_signal(signal.SIGINT)
        assert asked.wait(DEADLINE_SECONDS) != 0
        wait_until(lambda: server.query(SLEEPING[server.engine]) == [['0']], 'its end')
    finally:
        if owner:
            owner.kill()


def test_who_reads_no_more_ends_the_statement(project: Project, server: Postgres | MariaDB) -> None:
    asked = subprocess.Popen([str(binary()), 'query', MANY[server.engine].replace('1000000', '1000000000'), '--format',
                              'csv', '--project', str(project.root)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert asked.stdout and asked.stdout.readline() == b'i,t\n'
    asked.stdout.close()
    asked.wait(DEADLINE_SECONDS)
