"""Rounds about files that arrive: what was dropped is the model, the tables must show just that."""
import collections
import pathlib
import random

from rounds import Round, Setting
from weir_project import Project, wait_until

WEIR_YAML = '''
project: simulation
memory: 512MB
databases: {db: duckdb://db.duckdb}
buckets:
  landing: {url: "file://landing", settle: 100ms}
tables:
  appended:
    in: db
    columns:
      row_id: varchar(100) | required
      object: varchar
      n: integer
  merged:
    in: db
    columns:
      row_id: varchar(100) | required
      object: varchar
      n: integer
    key: [row_id]
pipelines:
  append:
    when: [{object: "landing/append/**"}]
    steps:
      - read: {format: json}
      - load: {table: appended, mode: append}
  merge:
    when: [{object: "landing/merge/**"}]
    steps:
      - read: {format: json}
      - load: {table: merged, mode: merge}
'''

TABLES = {'append': 'appended', 'merge': 'merged'}


class Writer:
    """Drops files and remembers what must come of each version of them."""

    def __init__(self, project: Project, seed: random.Random):
        self.project = project
        self.seed = seed
        self.serial = 0
        self.shared_keys = 0  # so many keys are in files of every name, with values that are always the same
        self.good: dict[tuple[str, str], int] = {}  # (table, row id) -> n; rewriting overwrites merged ones
        self.bad_lines = 0
        self.versions: collections.Counter = collections.Counter()

    def content(self, key: str, version: int) -> str:
        lines = []
        for number in range(self.seed.randint(1, 12)):
            row_id = f'{key}@{version}#{number}' if key.startswith('append') else f'{key}#{number}'
            lines.append(f'{{"row_id": "{row_id}", "object": "{key}", "n": {version}}}\n')
            self.good[(key.split('/')[0], row_id)] = version
        if key.startswith('merge') and self.shared_keys and self.seed.random() < 0.5:
            row_id = f'shared#{self.seed.randrange(self.shared_keys)}'
            lines.append(f'{{"row_id": "{row_id}", "object": "any", "n": 0}}\n')
            self.good[('merge', row_id)] = 0
        if self.seed.random() < 0.1:
            lines.insert(self.seed.randrange(len(lines) + 1), '{"row_id": "bad", "n": 1.5}\n')
            self.bad_lines += 1
        return ''.join(lines)

    def drop(self, files: int) -> None:
        for _ in range(files):
            kind = self.seed.choice(['append', 'merge'])
            self.serial += 1
            self.write(f'{kind}/{self.serial % 7}/{self.serial}.json')

    def rewrite(self, files: int) -> None:
        """New versions of objects whose last version is in; an older one nobody read leaves no trace."""
        short = sorted(key for key in self.versions if '/long/' not in key)
        keys = self.seed.sample(short, min(files, len(short)))
        for key in keys:
            self.write(key)

    def drop_long(self, rows: int) -> None:
        """One file that takes more than a moment."""
        kind = self.seed.choice(['append', 'merge'])
        self.serial += 1
        key = f'{kind}/long/{self.serial}.json'
        lines = []
        for number in range(rows):
            self.good[(kind, f'{key}#{number}')] = 1
            lines.append(f'{{"row_id": "{key}#{number}", "object": "{key}", "n": 1}}\n')
        self.versions[key] = 1
        self.put(key, ''.join(lines))

    def write(self, key: str) -> None:
        self.versions[key] += 1
        self.put(key, self.content(key, self.versions[key]))

    def put(self, key: str, text: str) -> None:
        if self.seed.random() < 0.5:
            self.project.move_in(f'landing/{key}', text)
        else:
            self.project.write(f'landing/{key}', text)


class ArrivalRound(Round):
    weir_yaml = WEIR_YAML
    databases = {'append': 'db', 'merge': 'db'}  # where each kind of file goes

    def __init__(self, setting: Setting, scenario: str, number: int, root: pathlib.Path, faults: str = ''):
        super().__init__(setting, scenario, number, root, self.weir_yaml, faults)
        self.ledger_is_off = faults == 'ledger-off'
        self.writer = Writer(self.project, self.seed)

    def summary(self) -> str:
        return f'{sum(self.writer.versions.values())} files, {len(self.writer.good)} rows'

    def settle_and_rewrite(self, rewritten: int) -> None:
        """Objects are rewritten only once they are in: which version a row must come from is then certain."""
        if rewritten == 0 or self.ledger_is_off:
            return
        self.finish()
        self.writer.rewrite(rewritten)

    def finish(self) -> None:
        """Starts the owner without faults and lets it come to rest."""
        self.files.heal()
        owner = self.start()
        try:
            self.rest()
            code = owner.stop()
            assert code == 0, f'weir up ended with {code}'
        finally:
            owner.kill()

    def rest(self) -> None:
        wait_until(self.at_rest, 'an owner at rest', 120)

    def at_rest(self) -> bool:
        """Nothing queued or running, and every object's current content is in the ledger."""
        if self.unfinished():
            return False
        return all(self.is_loaded(kind) for kind in self.databases)

    def query(self, kind: str, sql: str) -> list[dict[str, str]]:
        return self.project.query(sql, '--in', self.databases[kind])

    def is_loaded(self, kind: str) -> bool:
        loads = f"SELECT DISTINCT \"key\", version FROM weir_loads WHERE pipeline = '{kind}'"
        if self.ledger_is_off:  # the canary rewrites nothing: that an object has rows is enough
            loads = f"SELECT DISTINCT object AS \"key\" FROM {TABLES[kind]}"
        loaded = collections.Counter(row['key'] for row in self.query(kind, loads))
        return all(loaded[key] >= versions for key, versions in self.writer.versions.items() if key.startswith(kind))

    def check(self) -> list[str]:
        """What is wrong; nothing, when every promise held."""
        problems = []
        for kind, table in TABLES.items():
            rows = self.query(kind, f'SELECT row_id, count(*) AS times, max(n) AS n FROM {table} GROUP BY row_id')
            found = {row['row_id']: row for row in rows}
            expected = {row_id: n for (of, row_id), n in self.writer.good.items() if of == kind}
            problems += [f'{table}: {row_id} is missing' for row_id in expected.keys() - found.keys()]
            problems += [f'{table}: {row_id} was never sent' for row_id in found.keys() - expected.keys()]
            problems += [f'{table}: {row_id} is there {row["times"]} times' for row_id, row in found.items()
                         if row['times'] != '1']
            problems += [f'{table}: {row_id} is of version {found[row_id]["n"]}, not {n}'
                         for row_id, n in expected.items() if row_id in found and found[row_id]['n'] != str(n)]
        return problems + self.check_ledger() + self.check_run_log() + self.left_behind()

    def check_ledger(self) -> list[str]:
        problems = []
        rejected = 0
        for kind in self.databases:
            loads = f"FROM weir_loads WHERE pipeline = '{kind}'"
            for row in self.query(kind, f'SELECT "key", count(*) AS loads {loads} GROUP BY "key", version HAVING count(*) <> 1'):
                problems.append(f'weir_loads: one version of {row["key"]} is in {row["loads"]} times')
            for row in self.query(kind, f'SELECT "key", count(DISTINCT version) AS versions {loads} GROUP BY "key"'):
                if int(row['versions']) != self.writer.versions[row['key']]:
                    problems.append(f'weir_loads: {row["key"]} has {row["versions"]} versions, '
                                    f'not {self.writer.versions[row["key"]]}')
            balance = ('rows_read + rows_expanded - rows_folded = '
                       'rows_loaded + rows_deduplicated + rows_filtered + rows_rejected '
                       'AND rows_loaded = rows_inserted + rows_updated + rows_unchanged')
            for row in self.query(kind, f'SELECT "key" {loads} AND NOT ({balance})'):
                problems.append(f'weir_loads: the receipt of {row["key"]} does not balance')
            [row] = self.query(kind, f"SELECT count(*) AS rejects FROM weir_rejects WHERE pipeline = '{kind}'")
            rejected += int(row['rejects'])
        if rejected != self.writer.bad_lines:
            problems.append(f'weir_rejects: {rejected} rows, not {self.writer.bad_lines}')
        return problems

    def check_run_log(self) -> list[str]:
        return [f'run {run["id"]} is stuck in state {run["state"]}: {run["error"]}'
                for run in self.project.runs('--limit', '100000')
                if run['state'] in ('queued', 'running', 'failed', 'parked')]
