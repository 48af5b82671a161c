"""`references` on a server: the receipts are DuckDB's, and the server is asked once per column, not once per row."""
import json
import pathlib
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import Project

Server = Postgres | MariaDB
PARENTS = 5_000
ROWS = 20_000

PROJECT = '''
project: references
memory: 512MB
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  parents: {{in: db, columns: {{code: varchar(20) | key}}}}
  others: {{in: db, columns: {{id: bigint | key, number: integer | unique}}}}
  rows:
    in: db
    columns:
      id: bigint | key
      parent: varchar(20) | references parents
      number: bigint | references others(number)
      boss: bigint | references rows
pipelines:
  parents:
    when: [{{object: landing/parents.json}}]
    steps: [{{read: {{format: json}}}}, {{load: {{table: parents, mode: append}}}}]
  others:
    when: [{{object: landing/others.json}}]
    steps: [{{read: {{format: json}}}}, {{load: {{table: others, mode: append}}}}]
  load:
    when: [{{object: "landing/rows*.json"}}]
    steps: [{{read: {{format: json}}}}, {{load: {{table: rows, mode: {mode}}}}}]
'''


@pytest.fixture(scope='module', params=[Postgres, MariaDB], ids=lambda kind: kind.engine)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as started:
        yield started


@pytest.fixture
def database(server: Server, tmp_path: pathlib.Path) -> str:
    name = f'test_{abs(hash(tmp_path)) % 10**9}'
    server.create(name)
    return name


def lines(rows: list[dict]) -> str:
    return ''.join(json.dumps(row) + '\n' for row in rows)


def project(root: pathlib.Path, url: str, mode: str) -> Project:
    (root / 'landing').mkdir(parents=True)
    (root / 'weir.yaml').write_text(PROJECT.format(url=url, mode=mode))
    mine = Project(root)
    mine.write('landing/parents.json', lines([{'code': f'p{number}'} for number in range(PARENTS)]))
    mine.write('landing/others.json', lines([{'id': -number, 'number': number or None} for number in range(PARENTS)]))
    mine.run('parents')
    mine.run('others')
    return mine


def rows(first: int, count: int) -> list[dict]:
    """Parents that are there, that are not, and none; a boss further up, further down, in the table, or nowhere."""
    made = []
    for number in range(first, first + count):
        boss = {0: None, 1: number + 1, 2: number - 1, 3: number}.get(number % 7, first)
        made.append({'id': number, 'parent': None if number % 11 == 0 else f'p{number % (PARENTS + 20)}',
                     'number': None if number % 13 == 0 else number % (PARENTS + 10),
                     'boss': -5 if number % 1000 == 999 else boss})
    return made


def scans(server: Server, database: str, table: str) -> int:
    """How often the table was read through, or asked for one row."""
    if isinstance(server, Postgres):
        ((found,),) = server.query(
            f"SELECT seq_scan + coalesce(idx_scan, 0) FROM pg_stat_user_tables WHERE relname = '{table}'", database)
        return int(found)
    ((found,),) = server.query(
        f"SELECT count(*) FROM mysql.general_log WHERE command_type IN ('Query', 'Execute') AND "
        f"argument RLIKE '(FROM|JOIN) .?{table}'")
    return int(found)


@pytest.mark.parametrize('mode', ['append', 'merge'])
def test_the_server_is_asked_once_per_column(mode: str, server: Server, database: str, tmp_path: pathlib.Path) -> None:
    mine = project(tmp_path / 'duckdb', 'duckdb://db.duckdb', mode)
    theirs = project(tmp_path / 'server', server.url(database), mode)
    if isinstance(server, MariaDB):
        server.query("SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON")
    before = [scans(server, database, table) for table in ('parents', 'others')]
    receipts = []
    for one in (mine, theirs):
        one.write('landing/rows1.json', lines(rows(1, ROWS)))
        (receipt,) = one.run('load', '--object', 'landing/rows1.json', code=3)
        receipts.append({key: value for key, value in receipt.items() if key not in ('run', 'duration_ms')})
    assert receipts[1] == receipts[0]
    assert receipts[0]['rows']['rejected'] > 100 and receipts[0]['rows']['inserted'] > ROWS / 2, receipts[0]['rows']
    after = [scans(server, database, table) for table in ('parents', 'others')]
    # Beside the question itself: whether the table is there, and what its columns are.
    assert all(0 < later - earlier <= 4 for later, earlier in zip(after, before)), (before, after)
    for number, one in enumerate((mine, theirs)):
        one.write('landing/rows2.json', lines(rows(ROWS - 50, 200)))
        (receipt,) = one.run('load', '--object', 'landing/rows2.json', code=None)
        receipts[number] = {key: value for key, value in receipt.items() if key not in ('run', 'duration_ms')}
    assert receipts[1] == receipts[0] and receipts[0]['rows']['rejected'] > 0
    held = [list(row.values()) for row in mine.query('SELECT id, parent, number, boss FROM rows ORDER BY id')]
    found = [['' if cell == 'NULL' else cell for cell in row] for row in server.query(
        'SELECT id, parent, number, boss FROM "rows" ORDER BY id', database)]
    assert found == held
