"""Random tables with rules that only the server knows, random inputs, and a slow model that writes one row
after the other: which rows are rejected, what the receipt says and what the table holds are the model's.
Reproduce a run with WEIR_SEED; WEIR_ROUNDS says how many tables."""
import dataclasses
import json
import os
import pathlib
import random
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import Project

ROUNDS = int(os.environ.get('WEIR_ROUNDS', '12'))
MODES = ('append', 'merge', 'ignore', 'replace')
PARENTS = (1, 2, 3)


Server = Postgres | MariaDB


@pytest.fixture(scope='module', params=[Postgres, MariaDB], ids=lambda kind: kind.engine)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as started:
        yield started


PROJECT = '''
project: property
memory: 512MB
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  {table}:
    in: db
    columns: {{id: bigint | key, a: integer, u: integer, p: bigint, t: varchar}}
pipelines:
  seed_{table}:
    when: [{{object: landing/seed_{table}.json}}]
    steps: [{{read: {{format: json}}}}, {{load: {{table: {table}, mode: append}}}}]
  load_{table}:
    when: [{{object: landing/load_{table}.json}}]
    steps: [{{read: {{format: json}}}}, {{load: {{table: {table}, mode: {mode}}}}}]
'''

Row = dict[str, object]


@dataclasses.dataclass
class Rules:
    """What the server alone knows of a table with the columns id, a, u, p, t."""
    check: bool
    unique: bool
    foreign_key: bool
    not_null: bool
    trigger: bool
    after: bool
    deferred: bool

    @staticmethod
    def some(chance: random.Random) -> 'Rules':
        return Rules(*(chance.random() < 0.6 for _ in dataclasses.fields(Rules)))

    def postgres(self, table: str) -> str:
        late = ' DEFERRABLE INITIALLY DEFERRED' if self.deferred else ''
        sql = f'CREATE TABLE {table} (id bigint PRIMARY KEY, a int, u int, p bigint, t text);'
        if self.check:
            sql += f'ALTER TABLE {table} ADD CONSTRAINT {table}_check CHECK (a % 10 <> 9);'
        if self.unique:
            sql += f'ALTER TABLE {table} ADD CONSTRAINT {table}_unique UNIQUE (u){late};'
        if self.foreign_key:
            sql += f'ALTER TABLE {table} ADD CONSTRAINT {table}_parent FOREIGN KEY (p) REFERENCES parents{late};'
        if self.not_null:
            sql += f'ALTER TABLE {table} ALTER t SET NOT NULL;'
        if self.trigger:
            when = 'AFTER' if self.after else 'BEFORE'
            sql += f'''CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF new.t = 'bad' THEN RAISE EXCEPTION 'bad'; END IF; RETURN new; END $$;'''
            if self.after and self.deferred:
                sql += f'''CREATE CONSTRAINT TRIGGER refuse AFTER INSERT OR UPDATE ON {table} {late}
                    FOR EACH ROW EXECUTE FUNCTION {table}_refuse();'''
            else:
                sql += f'''CREATE TRIGGER refuse {when} INSERT OR UPDATE ON {table}
                    FOR EACH ROW EXECUTE FUNCTION {table}_refuse();'''
        return sql

    def mysql(self, table: str) -> str:
        sql = f'CREATE TABLE {table} (id bigint PRIMARY KEY, a int, u int, p bigint, t text{" NOT NULL" if self.not_null else ""}'
        if self.check:
            sql += f', CONSTRAINT {table}_check CHECK (a % 10 <> 9)'
        if self.unique:
            sql += f', CONSTRAINT {table}_unique UNIQUE (u)'
        if self.foreign_key:
            sql += f', CONSTRAINT {table}_parent FOREIGN KEY (p) REFERENCES parents (id)'
        sql += ') ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;'
        when = 'AFTER' if self.after else 'BEFORE'
        for event in ('INSERT', 'UPDATE') if self.trigger else ():
            sql += f'''
DELIMITER //
CREATE TRIGGER {table}_{event} {when} {event} ON {table} FOR EACH ROW
  IF new.t = 'bad' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bad'; END IF //
DELIMITER ;
'''
        return sql

    def refuse(self, row: Row, others: list[Row]) -> bool:
        if self.check and row['a'] is not None and row['a'] % 10 == 9:
            return True
        if self.unique and row['u'] is not None and any(row['u'] == other['u'] for other in others):
            return True
        if self.foreign_key and row['p'] is not None and row['p'] not in PARENTS:
            return True
        return (self.not_null and row['t'] is None) or (self.trigger and row['t'] == 'bad')


@dataclasses.dataclass
class Model:
    rules: Rules
    rows: dict[int, Row]

    def load(self, rows: list[Row], mode: str) -> dict[str, object]:
        """The counts, and the lines that are rejected."""
        before = {} if mode == 'replace' else dict(self.rows)
        replaced = len(self.rows) if mode == 'replace' else 0
        counts = dict.fromkeys(('inserted', 'updated', 'unchanged', 'deduplicated'), 0)
        rejected: list[int] = []
        wanted: list[tuple[int, Row]] = []
        for line, row in enumerate(rows, 1):
            if mode == 'merge':
                repeated = any(later['id'] == row['id'] for later in rows[line:])
            else:
                repeated = row['id'] in before or any(earlier['id'] == row['id'] for earlier in rows[:line - 1])
            if not repeated:
                wanted.append((line, row))
            elif mode in ('append', 'replace'):
                rejected.append(line)
            else:
                counts['deduplicated'] += 1
        after = dict(before)
        for line, row in wanted:
            old = before.get(row['id'])
            if old == row:
                counts['unchanged'] += 1
            elif self.rules.refuse(row, [other for other in after.values() if other['id'] != row['id']]):
                rejected.append(line)
            else:
                counts['updated' if old else 'inserted'] += 1
                after[row['id']] = row
        self.rows = after
        return {**counts, 'replaced': replaced, 'rejected': sorted(rejected)}


def value(chance: random.Random, bad: float, number: int, given: list[int]) -> Row:
    """A row with the key `number`, whose values are bad so often."""
    refused = lambda: chance.random() < bad  # noqa: E731
    return {'id': number, 'a': 9 if refused() else chance.choice([None, 1, 2, 18]),
            'u': chance.choice(given) if given and refused() else chance.choice([None, chance.randrange(1000, 10**6)]),
            'p': 99 if refused() else chance.choice([None, *PARENTS]),
            't': chance.choice([None, 'bad']) if refused() else chance.choice(['good', '', 'long ' * 20])}


def inputs(chance: random.Random, table: Model) -> list[Row]:
    """Values that must be unique come again from rows that stay and from this input: who gives a value away and who
    takes it in one input is for another test."""
    size = chance.choice([0, 1, 5, 30, 200])
    bad = chance.choice([0.0, 0.01, 0.1, 0.5, 1.0])
    there = list(table.rows)
    touched = [number for number in there if chance.random() < 0.5]
    staying = [row['u'] for number, row in table.rows.items() if number not in touched and row['u'] is not None]
    rows: list[Row] = []
    for _ in range(size):
        kind = chance.random()
        if touched and kind < 0.4:
            number = chance.choice(touched)
            if chance.random() < 0.3:
                rows.append(dict(table.rows[number]))
                continue
        elif rows and kind < 0.5:
            number = chance.choice(rows)['id']
        else:
            number = chance.randrange(1000, 10**9)
        given = staying + [row['u'] for row in rows if row['u'] is not None and row['u'] >= 1000
                           and all(row['u'] != old['u'] for old in table.rows.values())]
        rows.append(value(chance, bad, number, given))
    return rows


def lines(rows: list[Row]) -> str:
    return ''.join(json.dumps(row) + '\n' for row in rows)


@pytest.mark.parametrize('mode', MODES)
def test_rows_are_rejected_as_one_by_one(mode: str, server: Server, tmp_path: pathlib.Path) -> None:
    base = int(os.environ.get('WEIR_SEED', random.randrange(2**32)))
    database = f'mode_{mode}'
    server.create(database)
    server.query(f'CREATE TABLE parents (id bigint PRIMARY KEY); INSERT INTO parents VALUES {", ".join(f"({p})" for p in PARENTS)}',
                 database)
    seen = 0
    for number in range(ROUNDS):
        chance = random.Random(base + number)
        rules = Rules.some(chance)
        table = f't{number}'
        server.query(getattr(rules, server.engine)(table), database)
        root = tmp_path / table
        (root / 'landing').mkdir(parents=True)
        (root / 'weir.yaml').write_text(PROJECT.format(url=server.url(database), table=table, mode=mode))
        project = Project(root)
        model = Model(rules, {})
        what = f'WEIR_SEED={base} round {number} {server.engine} {mode} {rules}'
        for pipeline in (f'seed_{table}', f'load_{table}'):
            rows = inputs(chance, model)
            project.write(f'landing/{pipeline}.json', lines(rows))
            expected = model.load(rows, 'append' if pipeline.startswith('seed') else mode)
            (receipt,) = project.run(pipeline, code=None)
            counts = receipt['rows']
            refused = expected.pop('rejected')
            seen += len(refused)
            assert counts['rejected'] == len(refused), f'{what}: {receipt}'
            assert [reject['line'] for reject in receipt['rejects']] == refused[:100], f'{what}: {receipt}'
            assert {name: counts.get(name, 0) for name in expected} == expected, f'{what}: {receipt}'
            function = 'JSON_OBJECT' if server.engine == 'mysql' else 'json_build_object'
            held = [json.loads(text) for (text,) in server.query(
                f"SELECT {function}('id', id, 'a', a, 'u', u, 'p', p, 't', t) FROM {table} ORDER BY id", database)]
            assert held == [model.rows[key] for key in sorted(model.rows)], what
            quarantined = server.query(f"SELECT line FROM weir_rejects WHERE table_name = '{table}' AND run_id = "
                                       f"'{receipt['run']}' ORDER BY line", database)
            assert [int(line) for (line,) in quarantined] == refused, what
    assert seen > 0 or ROUNDS < 5, f'WEIR_SEED={base}: no row was refused, nothing was shown'
