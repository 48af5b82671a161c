"""Merges into tables of a server that hold some of the rows: the receipts are DuckDB's, whoever decides what is new.

On Postgres the server does where it decides as weir would; whether it did shows in the rows that it met: each was
locked first, which its xmax still tells. Reproduce a run with WEIR_SEED; WEIR_ROUNDS says how many tables.
"""
import json
import os
import pathlib
import random
from typing import Any, Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import Project

ROUNDS = int(os.environ.get('WEIR_ROUNDS', '4'))
Server = Postgres | MariaDB

# A few values of each type, so that rows often keep what they have; NULL comes besides.
POOLS: dict[str, list[Any]] = {
    'varchar(20)': ['a', 'A', 'a ', '', 'é', 'e\u0301', '👩‍🚀'],
    'varchar': ['x' * 5000, 'tab\tline\nend', '\\N', "it's"],
    'decimal(12,4)': ['1.5', '1.50', '-0.0001', '99999999.9999', '0'],
    'double': ['0', '-0.0', '1e308', '-2.5e-300', '0.1'],
    'real': ['0.1', '3e38', '-1'],
    'bigint': ['-9223372036854775808', '9223372036854775807', '0'],
    'hugeint': ['170141183460469231731687303715884105727', '-1', '1'],
    'tinyint': ['-128', '127'],
    'boolean': ['true', 'false'],
    'date': ['0001-01-01', '9999-12-31', '2024-02-29'],
    'time': ['00:00', '23:59:59.999999'],
    'timestamp': ['2024-02-29T12:00:00.000001', '2024-02-29 12:00:00', '0001-01-01 00:00:00'],
    'timestamptz': ['2024-02-29T12:00:00Z', '2024-02-29T14:00:00+02:00', '2024-02-29T14:00:00.5+02:00'],
    'bytes': ['\\x', '\\x00ff', '\\x00'],
    'uuid': ['01234567-89ab-cdef-0123-456789abcdef', '01234567-89AB-CDEF-0123-456789ABCDEF'],
    'json': [{'a': 1}, [1, 'x'], 'text', '{"b": 1}'],
    'integer[]': [[1, 2], [2, 1], [], [None]],
}
# What is one value of the type, though it is written in several ways.
SAME = {('decimal(12,4)', '1.50'): '1.5', ('double', '-0.0'): '0', ('timestamptz', '2024-02-29T14:00:00+02:00'): '2024-02-29T12:00:00Z',
        ('uuid', '01234567-89AB-CDEF-0123-456789ABCDEF'): '01234567-89ab-cdef-0123-456789abcdef'}

PROJECT = '''
project: merges
memory: 512MB
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  rows:
    in: db{lineage}
    columns:
      id: bigint | key
{columns}
pipelines:
  load:
    when: [{{object: "landing/*.json"}}]
    steps:
      - read: {{format: json, layout: lines}}
      - load: {{table: rows, mode: merge}}
'''


@pytest.fixture(scope='module', params=[Postgres, MariaDB], ids=lambda kind: kind.engine)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as started:
        yield started


@pytest.fixture(scope='module')
def postgres() -> Iterator[Postgres]:
    with Postgres() as started:
        yield started


def make(root: pathlib.Path, url: str, types: list[str], lineage: bool = False) -> Project:
    (root / 'landing').mkdir(parents=True)
    columns = '\n'.join(f'      c{number}: "{kind}"' for number, kind in enumerate(types))
    (root / 'weir.yaml').write_text(PROJECT.format(url=url, columns=columns, lineage='\n    lineage: true' if lineage else ''))
    return Project(root)


Row = dict[str, Any]


def some_row(chance: random.Random, number: int, types: list[str]) -> Row:
    row: Row = {'id': number}
    for place, kind in enumerate(types):
        row[f'c{place}'] = None if chance.random() < 0.1 else chance.choice(POOLS[kind])
    return row


def value_of(row: Row, types: list[str]) -> tuple:
    """What the table holds of it."""
    return tuple(json.dumps(SAME.get((kind, row[f'c{place}']) if isinstance(row[f'c{place}'], str) else (), row[f'c{place}']))
                 for place, kind in enumerate(types))


def load(project: Project, key: str, rows: list[Row], code: int | None = 0) -> dict:
    project.write(f'landing/{key}.json', ''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in rows))
    (receipt,) = project.run('load', '--object', f'landing/{key}.json', code=code)
    return receipt


def comparable(receipt: dict) -> dict:
    return {name: value for name, value in receipt.items() if name not in ('run', 'duration_ms')}


def merged(model: dict[int, tuple], rows: list[Row], types: list[str]) -> dict[str, int]:
    """Merges the rows into the model; gives the counts."""
    last = {row['id']: value_of(row, types) for row in rows}
    counts = {'read': len(rows), 'deduplicated': len(rows) - len(last), 'inserted': 0, 'updated': 0, 'unchanged': 0}
    for number, value in last.items():
        counts['inserted' if number not in model else 'unchanged' if model[number] == value else 'updated'] += 1
    model.update(last)
    return counts


def locked_rows(server: Postgres, database: str) -> int:
    ((count,),) = server.query('SELECT count(*) FROM "rows" WHERE xmax::text <> \'0\'', database)
    return int(count)


@pytest.mark.parametrize('round_', range(ROUNDS))
def test_merges_are_those_of_duckdb(round_: int, server: Server, tmp_path: pathlib.Path) -> None:
    """Rows that are new, changed, the same, and several of one key; what a plan says is what the run does."""
    seed = int(os.environ.get('WEIR_SEED', '11')) + round_
    print(f'WEIR_SEED={seed}')
    chance = random.Random(seed)
    types = chance.sample(sorted(POOLS), 6) if round_ else sorted(set(POOLS) - {'integer[]'})
    server.create(f'merges_{round_}')
    mine = make(tmp_path / 'duckdb', 'duckdb://db.duckdb', types)
    theirs = make(tmp_path / 'server', server.url(f'merges_{round_}'), types)
    model: dict[int, tuple] = {}
    for step in range(4):
        numbers = [chance.randrange(60) for _ in range(chance.choice([1, 30, 60]))]
        if step % 2 == 1:
            numbers = sorted(set(numbers))  # no key twice
        rows = [some_row(chance, number, types) for number in numbers]
        before = dict(model)
        expected = merged(model, rows, types)
        receipts = [load(project, str(step), rows) for project in (mine, theirs)]
        assert comparable(receipts[0]) == comparable(receipts[1]), before
        assert {name: receipts[1]['rows'][name] for name in expected} == expected
    # Every value is the one that was sent last: a plan compares with what it fetches, a run may leave that to the server.
    everything = [{'id': number, **{f'c{place}': json.loads(value) for place, value in enumerate(values)}}
                  for number, values in model.items()]
    theirs.write('landing/all.json', ''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in everything))
    plan = theirs.verb('plan', 'load', '--object', 'landing/all.json', '--format', 'json')
    assert plan.code == 0, plan
    (planned,) = plan.json()['inputs']
    assert planned['rows']['unchanged'] == len(model), plan
    assert load(theirs, 'all', everything)['rows']['unchanged'] == len(model)


TYPES = ['varchar(20)', 'integer[]']
ALIKE = {
    'as weir makes it': (1, ''),
    'text for a varchar': (1, 'ALTER TABLE "rows" ALTER c0 TYPE text'),
    'lineage': (1, ''),
    'a column of its own': (1, 'ALTER TABLE "rows" ADD made timestamptz DEFAULT now()'),
}
NOT_ALIKE = {
    'a list': (2, ''),
    'a trigger': (1, 'CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN new; END $$; '
                     'CREATE TRIGGER keep AFTER INSERT ON "rows" FOR EACH ROW EXECUTE FUNCTION keep()'),
    'a rule': (1, 'CREATE RULE ignored AS ON UPDATE TO "rows" WHERE false DO INSTEAD NOTHING'),
    'row security': (1, 'ALTER TABLE "rows" ENABLE ROW LEVEL SECURITY'),
    'a key that waits for COMMIT': (1, 'ALTER TABLE "rows" DROP CONSTRAINT rows_pkey, ADD PRIMARY KEY (id) DEFERRABLE'),
    'a collation that takes two texts for one': (1, "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level1', "
                                                    'deterministic = false); ALTER TABLE "rows" ALTER c0 TYPE varchar(20) COLLATE loose'),
}


@pytest.mark.parametrize('what', [*ALIKE, *NOT_ALIKE])
def test_who_decides(what: str, postgres: Postgres, tmp_path: pathlib.Path) -> None:
    """The receipt is the same in any case; the server decides where nothing about the table could make it another."""
    columns, change = (ALIKE | NOT_ALIKE)[what]
    database = f'who_{list(ALIKE | NOT_ALIKE).index(what)}'
    postgres.create(database)
    types = TYPES[:columns]
    mine = make(tmp_path, postgres.url(database), types, lineage=what == 'lineage')
    one, other = {'id': 0, 'c0': 'a'}, {'id': 0, 'c0': 'b'}
    load(mine, 'first', [one | {'id': number} for number in range(10)])
    if change:
        postgres.query(change, database)
    receipt = load(mine, 'second', [one | {'id': 1}, other | {'id': 2}, other | {'id': 3}, other | {'id': 3}, one | {'id': 20}])
    counts = receipt['rows']
    assert [counts[name] for name in ('inserted', 'updated', 'unchanged', 'deduplicated', 'rejected')] == [1, 2, 1, 1, 0], receipt
    assert postgres.query('SELECT count(*), count(*) FILTER (WHERE c0 = \'b\') FROM "rows"', database) == [['11', '2']]
    assert locked_rows(postgres, database) == (3 if what in ALIKE else 0)  # the one that stays, too


@pytest.mark.parametrize('types', [TYPES[:1], []], ids=['with values', 'keys alone'])
def test_a_repeated_key_is_a_duplicate_though_nothing_changes(types: list[str], postgres: Postgres, tmp_path: pathlib.Path) -> None:
    """Postgres itself stops at the second row of a key only when it has written the first."""
    database = f'repeats_{len(types)}'
    postgres.create(database)
    mine = make(tmp_path / 'duckdb', 'duckdb://db.duckdb', types)
    theirs = make(tmp_path / 'server', postgres.url(database), types)

    def row(number: int, value: str) -> dict:
        return {'id': number, **({'c0': value} if types else {})}

    there = [row(number, 'a') for number in range(10)]
    same = [row(1, 'a'), row(2, 'a'), row(1, 'a'), row(20, 'a')]
    then_changed = [row(3, 'a'), row(3, 'b'), row(4, 'a')]
    for step, rows in enumerate((there, same, then_changed)):
        receipts = [load(project, str(step), rows) for project in (mine, theirs)]
        assert comparable(receipts[0]) == comparable(receipts[1]), step
        assert receipts[1]['rows']['deduplicated'] == (1 if step else 0), receipts[1]
    if types:
        assert postgres.query('SELECT c0 FROM "rows" WHERE id = 3', database) == [['b']]


def test_what_the_server_refuses_is_found_row_by_row(postgres: Postgres, tmp_path: pathlib.Path) -> None:
    """A CHECK of its own, and one that only new rows would break."""
    postgres.create('refuses')
    mine = make(tmp_path, postgres.url('refuses'), ['bigint'])
    load(mine, 'first', [{'id': number, 'c0': '1'} for number in range(10)])
    postgres.query('ALTER TABLE "rows" ADD CONSTRAINT small CHECK (c0 < 100)', 'refuses')
    receipt = load(mine, 'second', [{'id': 1, 'c0': '2'}, {'id': 2, 'c0': '100'}, {'id': 3, 'c0': '1'}, {'id': 20, 'c0': '3'},
                                    {'id': 21, 'c0': '300'}], code=3)
    counts = receipt['rows']
    assert [counts[name] for name in ('inserted', 'updated', 'unchanged', 'rejected')] == [1, 1, 1, 2], receipt
    assert [(reject['element'], reject['rule']) for reject in receipt['rejects']] == [
        (2, 'constraint small (server)'), (5, 'constraint small (server)')]
    # What new rows would have there is refused, and none is new.
    postgres.query('ALTER TABLE "rows" ADD owner text NOT NULL DEFAULT \'nobody\'; UPDATE "rows" SET owner = \'me\'; '
                   'ALTER TABLE "rows" ADD CHECK (owner <> \'nobody\')', 'refuses')
    counts = load(mine, 'third', [{'id': 1, 'c0': '7'}, {'id': 2, 'c0': '1'}])['rows']
    assert [counts[name] for name in ('inserted', 'updated', 'unchanged', 'rejected')] == [0, 1, 1, 0], counts
