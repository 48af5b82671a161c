"""sql steps run in the database they name, and their rows go into any other: each value as it was, in their order."""
import itertools
import pathlib
import signal
import subprocess
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import DEADLINE_SECONDS, Project, balances, binary, wait_until

ENGINES = ('duckdb', 'postgres', 'mysql')


@pytest.fixture(scope='module')
def server() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@pytest.fixture(scope='module')
def mariadb() -> Iterator[MariaDB]:
    with MariaDB() as server:
        yield server


@pytest.fixture
def urls(server: Postgres, mariadb: MariaDB, tmp_path: pathlib.Path) -> dict[str, dict[str, str]]:
    """For each engine a database to read from and another one to write to."""
    made: dict[str, dict[str, str]] = {'duckdb': {}, 'postgres': {}, 'mysql': {}}
    for end in ('origin', 'target'):
        name = f'sql_{abs(hash(tmp_path)) % 10**9}_{end}'
        made['duckdb'][end] = f'duckdb://{end}.duckdb'
        for each in (server, mariadb):
            each.create(name)
            made[each.engine][end] = each.url(name)
    return made


TYPED = '''
project: typed
databases:
  origin: "{origin}"
  target: "{target}"
buckets: {{landing: file://landing}}
tables:
  given: &table
    in: origin
    columns: &columns
      id: bigint | key
      flag: boolean
      small: smallint
      huge: hugeint
      ratio: double
      single: real
      amount: decimal(38,10)
      text: varchar
      raw: bytes
      day: date
      hour: time
      local: timestamp
      moment: timestamptz
      token: uuid
      document: json
      numbers: integer[]
      words: varchar[]
  taken:
    in: target
    columns: *columns
pipelines:
  give:
    when: [{{object: "landing/*.json"}}]
    steps: [{{read: {{format: json}}}}, {{load: {{table: given, mode: merge}}}}]
  take:
    steps:
      - {{sql: SELECT * FROM given, in: origin}}
{out}      - load: {{table: taken, mode: merge}}
  give-back:
    steps:
      - {{sql: SELECT * FROM taken, in: target}}
{back}      - load: {{table: given, mode: merge}}
'''

# MySQL has no lists and no moments: JSON, and datetime in UTC, stand for them.
FROM_MYSQL = '''      - select: {id: id, flag: flag, small: small, huge: huge, ratio: ratio, single: single, amount: amount,
                 text: text, raw: raw, day: day, hour: hour, local: local, moment: "timezone('UTC', moment)",
                 token: token, document: document, numbers: "CAST(numbers AS INTEGER[])",
                 words: "CAST(words AS VARCHAR[])"}
'''

ROWS = '''
{"id": 1, "flag": true, "small": -32768, "huge": "-170141183460469231731687303715884105728", "ratio": 0.30000000000000004, "single": 0.1, "amount": "9999999999999999999999999999.9999999999", "text": "it's \\\\ \\t\\n 'é' 😀 \\"", "raw": "\\\\x00ff5c27", "day": "0001-01-01", "hour": "23:59:59.999999", "local": "9999-12-31T23:59:59.999999", "moment": "1969-12-31T23:59:59.999999-05:00", "token": "80000000-0000-0000-0000-0000000000ff", "document": {"b": 1,  "a": [null, "\\\\"]}, "numbers": [1, null, -3], "words": ["a", null, "", "NULL", "b, \\"c\\" {}\\\\"]}
{"id": 2, "flag": false, "small": 0, "huge": "0", "ratio": 5e-324, "single": 3.4028235e38, "amount": "-0.0000000001", "text": "", "raw": "\\\\x", "day": "9999-12-31", "hour": "00:00:00", "local": "0001-01-01T00:00:00", "moment": "0001-01-01T00:00:00Z", "token": "00000000-0000-0000-0000-000000000000", "document": null, "numbers": [], "words": []}
{"id": 3}
'''


@pytest.mark.parametrize('origin, target', itertools.product(ENGINES, ENGINES))
def test_every_value_arrives_as_it_was(origin: str, target: str, urls: dict, tmp_path: pathlib.Path) -> None:
    (tmp_path / 'weir.yaml').write_text(TYPED.format(
        origin=urls[origin]['origin'], target=urls[target]['target'], out=FROM_MYSQL if origin == 'mysql' else '',
        back=FROM_MYSQL if target == 'mysql' else ''))
    project = Project(tmp_path)
    project.write('landing/rows.json', ROWS)
    assert project.run('give')[0]['rows']['inserted'] == 3
    (taken,) = project.run('take')
    assert taken['rows']['inserted'] == 3 and balances(taken), taken
    # Each value is compared with the one that is there, in both directions.
    for pipeline in ('take', 'give-back'):
        (again,) = project.run(pipeline)
        assert again['rows']['unchanged'] == 3, again
    if 'mysql' in (origin, target):
        return
    given = project.query('SELECT * FROM given ORDER BY id', '--in', 'origin')
    assert project.query('SELECT * FROM taken ORDER BY id', '--in', 'target') == given
    assert given[0]['amount'] == '9999999999999999999999999999.9999999999' and given[1]['ratio'] == '5e-324'


STEPS = '''
project: steps
databases:
  origin: "{origin}"
  target: "{target}"
buckets: {{landing: file://landing}}
tables:
  events:
    in: origin
    columns: {{id: bigint | key, kind: varchar, day: date, amount: "decimal(10,2)"}}
  totals:
    in: target
    columns: {{kind: varchar | key, amount: "decimal(10,2) | required | >= 0", day: date}}
pipelines:
  fill:
    when: [{{object: "landing/*.json"}}]
    steps: [{{read: {{format: json}}}}, {{load: {{table: events, mode: merge}}}}]
  last:
    when: [{{cron: "5 0 * * *", timezone: America/Argentina/Buenos_Aires}}]
    steps:
      - sql: SELECT kind, amount, day FROM events WHERE day <= ${{run.day}} ORDER BY id DESC
        in: origin
      - where: kind <> 'none'
      - select: {{kind: upper(kind), amount: amount * 2, day: day}}
      - load: {{table: totals, mode: merge}}
'''


def event(number: int, kind: str, day: str, amount: str) -> str:
    return f'{{"id": {number}, "kind": "{kind}", "day": "{day}", "amount": "{amount}"}}\n'


@pytest.mark.parametrize('origin, target', itertools.product(ENGINES, ENGINES))
def test_steps_behind_it_work_on_its_rows_in_their_order(origin: str, target: str, urls: dict,
                                                         tmp_path: pathlib.Path) -> None:
    (tmp_path / 'weir.yaml').write_text(STEPS.format(origin=urls[origin]['origin'], target=urls[target]['target']))
    project = Project(tmp_path)
    project.write('landing/events.json', ''.join([
        event(1, 'a', '2017-07-01', '1.25'), event(2, 'a', '2017-07-01', '2.50'), event(3, 'b', '2017-07-02', '-1'),
        event(4, 'none', '2017-07-02', '9'), event(5, 'c', '2017-07-03', '9')]))
    project.run('fill')
    (receipt,) = project.run('last', '--from', '2017-07-03T00:00:00-03:00', '--to', '2017-07-03T12:00:00-03:00', code=3)
    assert balances(receipt)
    # 2017-07-03 has not closed; of two rows of one key the one that comes last wins; -2 breaks the rule.
    rows = receipt['rows']
    assert (rows['read'], rows['filtered'], rows['deduplicated'], rows['inserted'], rows['rejected']) == (4, 1, 1, 1, 1)
    assert [(reject['element'], reject['field'], reject['value']) for reject in receipt['rejects']] == [
        (2, 'amount', '-2.00')]
    assert project.query('SELECT * FROM totals', '--in', 'target') == [
        {'kind': 'A', 'amount': '2.50', 'day': '2017-07-01'}]


@pytest.mark.parametrize('engine', ENGINES)
def test_a_query_reads_what_its_own_load_replaces(engine: str, urls: dict, tmp_path: pathlib.Path) -> None:
    (tmp_path / 'weir.yaml').write_text('project: own\ndatabases: {db: "%s"}\ntables:\n'
                                        '  counters: {in: db, columns: {id: bigint | key, n: bigint}}\n'
                                        'pipelines:\n  next:\n    steps:\n'
                                        '      - sql: SELECT id, n + 1 AS n FROM counters\n        in: db\n'
                                        '      - load: {table: counters, mode: replace}\n' % urls[engine]['target'])
    project = Project(tmp_path)
    project.run('next')  # makes the table
    project.verb('query', 'INSERT INTO counters VALUES (1, 0), (2, 10)', '--write')
    for _ in range(3):
        (receipt,) = project.run('next')
        assert receipt['rows']['inserted'] == 2 and receipt['rows']['replaced'] == 2
    assert project.query('SELECT * FROM counters ORDER BY id') == [{'id': '1', 'n': '3'}, {'id': '2', 'n': '13'}]
    assert project.query('SELECT count(*) AS loads FROM weir_loads') == [{'loads': '4'}]


ONE_STEP = '''project: one
databases: {{db: "{url}", other: duckdb://other.duckdb}}
tables: {{t: {{in: other, columns: {{a: varchar}}}}}}
pipelines:
  p:
    steps:
      - sql: {sql}
        in: db
      - load: {{table: t}}
'''


def one_step(root: pathlib.Path, url: str, sql: str) -> Project:
    (root / 'weir.yaml').write_text(ONE_STEP.format(url=url, sql=sql))
    return Project(root)


@pytest.mark.parametrize('engine, sql, column, words', [
    ('postgres', 'SELECT nam AS a FROM (SELECT 1 AS name) AS t', 22, 'column "nam" does not exist (42703)'),
    ('postgres', 'DELETE FROM weir_loads', 15, 'must be one query that changes nothing'),
    ('postgres', 'WITH gone AS (DELETE FROM pg_class RETURNING 1 AS a) SELECT a FROM gone', 15, 'changes nothing'),
    ('postgres', 'SELECT 1 AS a; SELECT 2 AS a', 15, 'cannot insert multiple commands'),
    ('postgres', 'SELECT 1 AS a, 2 AS "A"', 15, "two columns 'A'"),
    ('postgres', 'SELECT 1 AS weir_row', 15, "names that begin with weir_"),
    ('mysql', 'SELECT nam AS a FROM (SELECT 1 AS name) AS t', 15, "Unknown column 'nam'"),
    ('mysql', 'DELETE FROM weir_loads', 15, 'must be one query that changes nothing'),
    ('mysql', 'INSERT INTO weir_loads (run_id) VALUES (1) RETURNING run_id', 15, 'changes nothing'),
])
def test_what_cannot_be_read_is_told_with_its_place(engine: str, sql: str, column: int, words: str, urls: dict,
                                                    tmp_path: pathlib.Path) -> None:
    project = one_step(tmp_path, urls[engine]['origin'], f"'{sql}'")
    (receipt,) = project.run('p', code=1)
    assert words in receipt['error']['message'], receipt
    assert receipt['error']['location'] == {'file': 'weir.yaml', 'line': 7, 'column': column}, receipt


def test_a_value_that_has_no_like_is_named(urls: dict, tmp_path: pathlib.Path) -> None:
    project = one_step(tmp_path, urls['postgres']['origin'],
                       "SELECT 'NaN'::numeric(5,2) AS a")
    (receipt,) = project.run('p', code=1)
    assert "row 1, column 'a': 'NaN' is no decimal(5,2)" in receipt['error']['message']


def test_validate_says_what_it_can(urls: dict, tmp_path: pathlib.Path) -> None:
    project = one_step(tmp_path, urls['postgres']['origin'], "SELECT '${run.day}' AS a")
    result = project.verb('validate')
    assert result.code == 2 and 'weir.yaml:7:21: error: a run variable stands in quotes' in result.err + result.out, result
    project = one_step(tmp_path, urls['postgres']['origin'], '{duckdb: SELECT 1 AS a}')
    result = project.verb('validate')
    assert result.code == 2 and 'no SQL for postgres' in result.err + result.out, result


def test_a_stopped_run_ends_its_statement(server: Postgres, urls: dict, tmp_path: pathlib.Path) -> None:
    project = one_step(tmp_path, urls['postgres']['origin'], 'SELECT pg_sleep(600)::text AS a')
    with project.up() as owner:
        waiting = subprocess.Popen([str(binary()), 'run', 'p', '--project', str(tmp_path)], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name = 'weir'"
        wait_until(lambda: server.query(sleeping) == [['1']], 'the statement')
        waiting.kill()  # or it would become the owner, and run it again
        waiting.wait()
        owner.process.send_signal(signal.SIGTERM)
        wait_until(lambda: 'stopping' in owner.log.read_text(), 'the first signal')
        owner.process.send_signal(signal.SIGTERM)
        owner.process.wait(DEADLINE_SECONDS)
        wait_until(lambda: server.query(sleeping) == [['0']], 'its end')
    states = {run['state'] for run in project.runs()}
    assert states == {'queued'}, states
