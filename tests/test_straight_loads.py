"""Rows that went straight into a server's table, and what becomes of those that should not have: as in DuckDB."""
import pathlib
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import Project

PROJECT = '''
project: people
memory: 512MB
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  people:
    in: db
    columns:
      id: bigint | key
      name: varchar(50) | required
      department: smallint{department}
      job: smallint{job}
  departments:
    in: db
    columns: {{id: smallint | key, twin: smallint}}
pipelines:
  load:
    when: [{{object: "landing/*.csv"}}]
    steps:
      - read: {{format: csv, header: false}}
      - load: {{table: people, mode: {mode}}}
  load-departments:
    when: [{{object: "departments/*.csv"}}]
    steps:
      - read: {{format: csv, header: false}}
      - load: {{table: departments, mode: merge}}
'''.replace('"departments/', '"landing/departments/')

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


def make(root: pathlib.Path, url: str, mode: str, references: bool = False) -> Project:
    (root / 'landing' / 'departments').mkdir(parents=True)
    (root / 'weir.yaml').write_text(PROJECT.format(
        url=url, mode=mode, department=' | references departments' if references else '',
        job=' | references departments(twin)' if references else ''))
    return Project(root)


def people(ids: range | list[int], name: str, department: int = 1, job: int = 101) -> str:
    return ''.join(f'{number},{name},{department},{job}\n' for number in ids)


def load_both(projects: list[Project], pipeline: str, key: str, text: str, code: int) -> dict:
    """Into DuckDB and into the server; gives the counts, which are the same."""
    receipts = []
    for project in projects:
        project.write(f'landing/{key}', text)
        (receipt,) = project.run(pipeline, '--object', f'landing/{key}', code=code)
        receipts.append({name: value for name, value in receipt.items() if name not in ('run', 'duration_ms')})
    assert receipts[1] == receipts[0]
    return receipts[0]['rows']


def check_rows(projects: list[Project], server: Server, database: str) -> None:
    select = 'SELECT id, name, coalesce(department, -1), coalesce(job, -1) FROM people ORDER BY id'
    assert server.query(select, database) == [list(row.values()) for row in projects[0].query(select)]


def primary_key(server: Server, database: str) -> list[list[str]]:
    return server.query("SELECT k.column_name FROM information_schema.table_constraints c JOIN "
                        "information_schema.key_column_usage k ON k.constraint_schema = c.constraint_schema AND "
                        "k.table_name = c.table_name AND k.constraint_name = c.constraint_name WHERE c.table_name = "
                        f"'people' AND c.constraint_type = 'PRIMARY KEY' AND c.table_schema IN ('public', '{database}')",
                        database)


@pytest.mark.parametrize('repeated', [False, True], ids=['clean', 'repeated'])
def test_a_table_that_weir_made_has_its_key(repeated: bool, server: Server, database: str, tmp_path: pathlib.Path) -> None:
    """Also when the first file breaks it; a column of the key stays NOT NULL."""
    projects = [make(tmp_path / 'a', 'duckdb://db.duckdb', 'append'), make(tmp_path / 'b', server.url(database), 'append')]
    text = people(range(1000), 'one') + (people([7, 999], 'two') if repeated else '')
    rows = load_both(projects, 'load', 'a.csv', text, 3 if repeated else 0)
    assert rows['inserted'] == 1000 and rows['rejected'] == (2 if repeated else 0)
    check_rows(projects, server, database)
    assert primary_key(server, database) == [['id']]


def test_a_load_that_fails_leaves_the_new_table_empty_with_its_key(server: Server, database: str,
                                                                  tmp_path: pathlib.Path) -> None:
    project = make(tmp_path / 'a', server.url(database), 'append')
    text = (project.root / 'weir.yaml').read_text()
    (project.root / 'weir.yaml').write_text(text.replace('    in: db\n', '    in: db\n    on_bad_row: fail\n', 1))
    project.write('landing/a.csv', people(range(1000), 'one') + people([3], ''))
    (receipt,) = project.run('load', code=1)
    assert receipt['status'] == 'failed'
    assert server.query('SELECT count(*) FROM people', database) == [['0']]
    assert primary_key(server, database) == [['id']]


@pytest.mark.parametrize('mode', ['append', 'merge', 'ignore', 'replace'])
def test_rows_that_meet_others_late_in_a_file(mode: str, server: Server, database: str, tmp_path: pathlib.Path) -> None:
    """Files that meet nothing, some that do so with their last rows only, and again one that meets nothing."""
    projects = [make(tmp_path / 'a', 'duckdb://db.duckdb', mode), make(tmp_path / 'b', server.url(database), mode)]
    files = [people(range(5000), 'first'),
             people(range(5000, 9000), 'second'),
             people(range(9000, 12000), 'third') + people([17, 8999, 11999], 'met'),
             people(range(20000, 21000), 'fourth'),
             people(range(21000, 22000), 'fifth')]
    for number, text in enumerate(files):
        met = number == 2 and mode in ('append', 'replace')
        rows = load_both(projects, 'load', f'{number}.csv', text, 3 if met else 0)
        assert rows['read'] == text.count('\n')
        check_rows(projects, server, database)


def test_references_hold_on_every_way(server: Server, database: str, tmp_path: pathlib.Path) -> None:
    """Two columns that refer to one table: clean, broken, NULL, and with a key that is there already."""
    projects = [make(tmp_path / 'a', 'duckdb://db.duckdb', 'append', True),
                make(tmp_path / 'b', server.url(database), 'append', True)]
    load_both(projects, 'load-departments', 'departments/1.csv', ''.join(f'{i},{100 + i}\n' for i in range(1, 13)), 0)
    assert load_both(projects, 'load', '1.csv', people(range(2000), 'fine', 12, 112), 0)['inserted'] == 2000
    broken = people(range(2000, 3000), 'fine') + people([3000], 'no department', 13) + people([3001], 'no job', 1, 13)
    assert load_both(projects, 'load', '2.csv', broken, 3)['rejected'] == 2
    assert load_both(projects, 'load', '3.csv', '4000,nobody,,\n' + people([4001], 'fine'), 0)['inserted'] == 2
    assert load_both(projects, 'load', '4.csv', people([5, 4002], 'there', 1, 101), 3)['rejected'] == 1
    check_rows(projects, server, database)


def test_references_to_more_than_is_fetched_beforehand(server: Server, database: str, tmp_path: pathlib.Path) -> None:
    projects = [make(tmp_path / 'a', 'duckdb://db.duckdb', 'append', True),
                make(tmp_path / 'b', server.url(database), 'append', True)]
    load_both(projects, 'load-departments', 'departments/1.csv', ''.join(f'{i},{-i}\n' for i in range(1, 20001)), 0)
    rows = load_both(projects, 'load', '1.csv', people(range(1000), 'fine', 20000, -20000) + people([1000], 'no', 20001), 3)
    assert (rows['inserted'], rows['rejected']) == (1000, 1)
    check_rows(projects, server, database)


def test_many_rejects_are_kept_as_a_few_are(server: Server, database: str, tmp_path: pathlib.Path) -> None:
    """More than are sent at once, with values that need care on the way."""
    projects = [make(tmp_path / 'a', 'duckdb://db.duckdb', 'append'), make(tmp_path / 'b', server.url(database), 'append')]
    bad = [f'{number},,x\\ty,"tab\t, quote"" and \u00e9"\n' for number in range(9000)] + ['9000,only two\n']
    assert load_both(projects, 'load', 'a.csv', people(range(5), 'fine') + ''.join(bad), 3)['rejected'] == 9001
    texts = ('field', 'value', 'message', 'problems', 'raw', 'produced', 'header', 'dictionary_version')
    select = ('SELECT element, line, byte_begin, byte_end, rule, step, table_name, '
              + ', '.join(f"md5(coalesce({name}, '-'))" for name in texts)
              + ' FROM weir_rejects WHERE NOT rolled_back AND resolution IS NULL AND entry_step IS NULL ORDER BY element')
    found = server.query(select, database)
    assert len(found) == 9001 and found == [list(row.values()) for row in projects[0].query(select)]
    assert server.query("SELECT count(DISTINCT rejected_at) FROM weir_rejects WHERE rejected_at > '2026-01-01'",
                        database) != [['0']]
