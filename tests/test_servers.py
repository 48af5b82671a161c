"""Loads into real servers, PostgreSQL and MariaDB: the receipts are DuckDB's, the rows are there exactly once, whatever dies."""
import json
import pathlib
import random
import shutil
import subprocess
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import REPOSITORY, OwnerDied, Project, wait_until

EXAMPLE = REPOSITORY / 'examples' / 'hiring'


Server = Postgres | MariaDB


@pytest.fixture(scope='module', params=[Postgres, MariaDB], ids=lambda kind: kind.engine)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as started:
        yield started


@pytest.fixture
def database(server: Server, tmp_path: pathlib.Path) -> str:
    name = f'test_{abs(hash(tmp_path)) % 10**9}'
    server.create(name)
    return name


def hiring(root: pathlib.Path, url: str | None, seed: int) -> Project:
    files = root / 'files'
    subprocess.run(['/usr/bin/python3', EXAMPLE / 'generate.py', files, '--seed', str(seed)], check=True)
    (root / 'landing').mkdir(parents=True)
    shutil.copy(EXAMPLE / 'weir.yaml', root)
    shutil.copytree(EXAMPLE / 'sql', root / 'sql')
    if url:
        (root / 'weir.server.yaml').write_text(f'databases: {{people: "{url}"}}\n')
    for name in ('departments', 'jobs', 'hired_employees'):
        shutil.copy(files / f'{name}.csv', root / 'landing')
    return Project(root)


def comparable(receipt: dict) -> dict:
    return {key: value for key, value in receipt.items() if key not in ('run', 'duration_ms')}


def test_the_receipts_are_those_of_duckdb(server: Server, database: str, tmp_path: pathlib.Path) -> None:
    mine = hiring(tmp_path / 'duckdb', None, 7)
    theirs = hiring(tmp_path / 'server', server.url(database), 7)
    for pipeline in ('load-departments', 'load-jobs', 'load-employees'):
        expected = [comparable(receipt) for receipt in mine.run(pipeline, code=None)]
        found = [comparable(receipt) for receipt in theirs.run(pipeline, '--env', 'server', code=None)]
        assert found == expected
        assert expected and expected[0]['rows']['read'] > 0
    assert expected[0]['rows']['rejected'] > 0, 'the file is clean: nothing would be compared'
    columns = 'id, name, department_id, job_id, weir_element'
    rows = [list(row.values()) for row in mine.query(f'SELECT {columns} FROM hired_employees ORDER BY id')]
    assert server.query(f'SELECT {columns} FROM hired_employees ORDER BY id', database) == rows
    rejects = mine.query('SELECT element, field, rule FROM weir_rejects ORDER BY element')
    assert server.query("SELECT element, coalesce(field, ''), rule FROM weir_rejects ORDER BY element", database) == [
        list(row.values()) for row in rejects]


KEYED = '''
project: keyed
memory: 512MB
databases: {{db: "{url}"}}
buckets: {{landing: {{url: "file://landing", settle: 100ms}}}}
tables:
  rows:
    in: db
    columns:
      id: bigint | key
      name: varchar(50)
      amount: decimal(20,4)
      at: timestamptz
pipelines:
  load:
    when: [{{object: "landing/*.json"}}]
    retry: {{times: 100, backoff: 50ms, longest: 500ms}}
    steps:
      - read: {{format: json}}
      - load: {{table: rows, mode: {mode}}}
'''


def keyed(root: pathlib.Path, url: str, mode: str) -> Project:
    (root / 'landing').mkdir(parents=True)
    (root / 'weir.yaml').write_text(KEYED.format(url=url, mode=mode))
    return Project(root)


def line(number: int, name: str) -> str:
    return f'{{"id": {number}, "name": "{name}", "amount": "{number}.5", "at": "2026-01-01T00:00:00Z"}}\n'


@pytest.mark.parametrize('mode', ['append', 'merge', 'ignore', 'replace'])
def test_each_mode_does_to_keys_what_it_does_in_duckdb(mode: str, server: Server, database: str,
                                                       tmp_path: pathlib.Path) -> None:
    files = [''.join(line(number, 'first') for number in range(10)),
             ''.join(line(number, 'first' if number % 2 else 'second') for number in range(5, 15)),
             ''.join(line(number, 'again') for number in (1, 1, 20, 20))]
    projects = [keyed(tmp_path / 'a', 'duckdb://db.duckdb', mode), keyed(tmp_path / 'b', server.url(database), mode)]
    for number, text in enumerate(files):
        receipts = []
        for project in projects:
            project.write(f'landing/{number}.json', text)
            (receipt,) = project.run('load', '--object', f'landing/{number}.json', code=None)
            receipts.append(comparable(receipt))
        assert receipts[1] == receipts[0]
    expected = [list(row.values()) for row in projects[0].query('SELECT id, name, amount FROM rows ORDER BY id')]
    assert server.query('SELECT id, name, amount FROM "rows" ORDER BY id', database) == expected


TYPED = '''
project: typed
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  parents:
    in: db
    columns: {{code: "varchar(10) | key"}}
  rows:
    in: db
    columns:
      id: bigint | key
      flag: boolean
      tiny: tinyint
      huge: hugeint
      ratio: double
      single: real
      amount: decimal(38,10)
      text: varchar | unique
      parent: varchar(10) | references parents
      raw: bytes
      day: date
      hour: time
      local: timestamp
      moment: timestamptz
      token: uuid
      document: json
      numbers: integer[]
pipelines:
  parents:
    when: [{{object: "landing/parents*.json"}}]
    steps:
      - read: {{format: json}}
      - load: {{table: parents, mode: merge}}
  load:
    when: [{{object: "landing/rows*.json"}}]
    steps:
      - read: {{format: json}}
      - load: {{table: rows, mode: merge}}
'''


def typed_row(number: int, **changed: object) -> dict:
    row = {'id': number, 'flag': number % 2 == 0, 'tiny': -128, 'huge': str(-2**127 + number), 'ratio': 0.1 + number,
           'single': 1.1, 'amount': f'{10**27 + number}.0000000001', 'text': f"it's \\ \t\n 'é' 😀 {number} ", 'parent': 'a',
           'raw': '\\x00ff5c' + f'{number:02x}', 'day': '0001-01-01', 'hour': '23:59:59.999999',
           'local': '9999-12-31T23:59:59.999999', 'moment': '1969-12-31T23:59:59.999999-05:00',
           'token': f'80000000-0000-0000-0000-{number:012x}', 'document': {'b': 1, 'a': [None, '\\']},
           'numbers': [1, None, -3]}
    return {**row, **changed}


def test_what_is_in_the_table_is_read_back_as_it_was(server: Server, database: str, tmp_path: pathlib.Path) -> None:
    """A merge compares each value with the server's: the same again is unchanged, in every type."""
    nothing = {name: None for name in typed_row(0) if name != 'id'}
    files = [
        [typed_row(1), typed_row(2, parent='b'), {'id': 3, **nothing}, typed_row(4, parent='nobody')],
        [typed_row(1), typed_row(2, parent='b'), {'id': 3, **nothing}],
        [typed_row(1, raw='\\x5c'), typed_row(2, numbers=[]), typed_row(3), typed_row(5, text=typed_row(1)['text'])],
    ]
    receipts: list[list[dict]] = []
    for name, url in (('duckdb', 'duckdb://db.duckdb'), ('server', server.url(database))):
        root = tmp_path / name
        (root / 'landing').mkdir(parents=True)
        (root / 'weir.yaml').write_text(TYPED.format(url=url))
        project = Project(root)
        project.write('landing/parents.json', '{"code": "a"}\n{"code": "b"}\n')
        found = [comparable(receipt) for receipt in project.run('parents')]
        for number, rows in enumerate(files):
            key = f'landing/rows{number}.json'
            project.write(key, ''.join(json.dumps(row) + '\n' for row in rows))
            found += [comparable(receipt) for receipt in project.run('load', '--object', key, code=None)]
        receipts.append(found)
    assert receipts[1] == receipts[0]
    assert receipts[1][2]['rows']['unchanged'] == 3, receipts[1][2]
    assert receipts[1][1]['rows']['rejected'] == 1 and receipts[1][3]['rows']['rejected'] == 1, receipts[1]


def test_an_object_is_loaded_once(server: Server, database: str, tmp_path: pathlib.Path) -> None:
    project = keyed(tmp_path, server.url(database), 'merge')
    project.write('landing/a.json', line(1, 'one'))
    assert [receipt['status'] for receipt in project.run('load')] == ['succeeded']
    shutil.rmtree(tmp_path / '.weir')  # the run log is gone; the ledger knows
    project.write('landing/a.json', line(1, 'one'))
    assert {receipt['status'] for receipt in project.run('load')} <= {'skipped'}
    assert server.query('SELECT count(*) FROM "rows"', database) == [['1']]


def test_a_server_that_is_down_makes_runs_wait(database: str, server: Server, tmp_path: pathlib.Path) -> None:
    with type(server)() as own:
        project = keyed(tmp_path, own.url(), 'append')
        with project.up() as owner:
            project.write('landing/1.json', line(1, 'one'))
            wait_until(lambda: project.runs('--state', 'succeeded'), 'the first file')
            own.crash()
            project.write('landing/2.json', line(2, 'two'))
            wait_until(lambda: 'is down' in owner.log.read_text(), 'the outage is noticed')
            assert not project.runs('--state', 'parked')
            own.start()
            wait_until(lambda: len(project.runs('--state', 'succeeded')) == 2, 'the second file')
        assert own.query('SELECT id, name FROM "rows" ORDER BY id', own.database) == [['1', 'one'], ['2', 'two']]


@pytest.mark.parametrize('seed', range(3))
def test_killed_at_any_moment_every_row_is_there_once(seed: int, server: Server, database: str,
                                                      tmp_path: pathlib.Path) -> None:
    dice = random.Random(seed)
    project = keyed(tmp_path, server.url(database), 'append')
    points = ['before-stage', 'before-commit', 'after-commit', 'run-leased', 'run-executed', 'run-finished']
    written = 0
    for point in dice.sample(points, 3):
        for _ in range(dice.randint(5, 30)):
            text = ''.join(line(written * 100 + row, f'{seed}') for row in range(dice.randint(1, 100)))
            project.write(f'landing/{written}.json', text)
            written += 1
        project.environment = {'WEIR_FAULTS': f'crash@{point}:{dice.randint(1, 3)}'}
        try:
            owner = project.start()
        except OwnerDied:
            continue
        try:
            owner.process.wait(5)
        except subprocess.TimeoutExpired:
            pass
        owner.kill()
    project.environment = {}
    with project.up():
        wait_until(lambda: len(project.runs('--state', 'succeeded', '--limit', '1000')) >= written, 'every file', 120)
    expected = sum((tmp_path / 'landing' / f'{number}.json').read_text().count('\n') for number in range(written))
    assert server.query('SELECT count(*), count(DISTINCT id) FROM "rows"', database) == [[str(expected)] * 2]
    assert server.query('SELECT count(*), count(DISTINCT "key") FROM weir_loads', database) == [[str(written)] * 2]
