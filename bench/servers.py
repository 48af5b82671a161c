"""Loads into Postgres and MariaDB beside what people load them with.

Each part starts a server of its own in a temporary folder. weir checks the whole contract from the raw CSV and
writes its ledger in the transaction; its peers check what the server does. Jobs take turns, after one round
that is not counted; each finds the table as the others do, and what it did is looked at behind the clock.
"""
import contextlib
import pathlib
import shutil
import statistics
import subprocess
from typing import Callable, Iterator, NamedTuple

from database_servers import MariaDB, Postgres
from figures import Figure, at_most, measured_process

PROJECT = '''
project: people
memory: 1GB
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  people:
    in: db
    columns:
      id: bigint | required | >= 0
      name: varchar(100) | required
      hired_at: timestamp | required | >= 2000-01-01
      department_id: smallint | required | >= 1 | <= 12{department}
      job_id: smallint | required | >= 1{job}
{key}
  departments: {{in: db, columns: {{id: smallint | key, name: varchar(100)}}}}
  jobs: {{in: db, columns: {{id: smallint | key, name: varchar(100)}}}}
pipelines:
  load:
    when: [{{object: "landing/*.csv"}}]
    steps:
      - read: {{format: csv, header: false}}
      - load: {{table: people, mode: {mode}}}
'''
COLUMNS = '''id bigint NOT NULL, name varchar(100) NOT NULL, hired_at timestamp NOT NULL, department_id smallint NOT NULL,
job_id smallint NOT NULL'''
NAMES = 'id, name, hired_at, department_id, job_id'
# Ids ascend, as a database exports them; department 99 breaks a declared rule.
GENERATE = '''COPY (SELECT {first} + i * {step} AS id, 'Person ' || (hash(i) % 100000)::VARCHAR || ' {word}' AS name,
strftime(TIMESTAMP '2021-01-01' + INTERVAL (hash(i + 7) % 31536000) SECOND, '%Y-%m-%dT%H:%M:%S') AS hired_at,
CASE WHEN {bad} THEN 99 ELSE i % 12 + 1 END AS department_id, i % 183 + 1 AS job_id FROM range({rows}) r(i))
TO '{file}' (HEADER false)'''


def generate(peer: pathlib.Path, file: pathlib.Path, rows: int, first: int = 1, step: int = 1, word: str = 'Name',
             bad: str = 'false') -> pathlib.Path:
    sql = GENERATE.format(first=first, step=step, word=word, bad=bad, rows=rows, file=file)
    subprocess.run([peer, ':memory:', 'SET threads = 1', sql], check=True, stdout=subprocess.DEVNULL)
    return file


class Taken(NamedTuple):
    """Of one job: its times, and the most memory that its process held."""
    seconds: float
    megabytes: float

    def told(self) -> str:
        return f'{self.seconds:.2f} s, {self.megabytes:.0f} MB'


class Job(NamedTuple):
    prepare: Callable[[], None]
    command: list[str]
    check: Callable[[], None]
    codes: tuple[int, ...] = (0,)


def take_turns(rounds: int, jobs: dict[str, Job]) -> dict[str, Taken]:
    """Medians of time, largest of memory, of `rounds` rounds behind one to warm up."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for number in range(rounds + 1):
        for name, job in jobs.items():
            job.prepare()
            measured = measured_process(job.command, job.codes)
            job.check()
            print(f'{name}: {measured[0]:.2f} s, {measured[1]:.0f} MB', flush=True)
            if number > 0:
                taken[name].append(measured)
    return {name: Taken(statistics.median(seconds for seconds, _ in all), max(peak for _, peak in all))
            for name, all in taken.items()}


def against(what: str, ours: Taken, theirs: Taken, limit: float) -> Figure:
    ratio = ours.seconds / theirs.seconds
    return Figure(what, f'≤ {limit:g} ×', f'{ours.seconds:.2f} s = {ratio:.2f} ×', ratio <= limit)


def forget(command: list[str]) -> None:
    """What the project of a `weir run` remembers."""
    folder = pathlib.Path(command[command.index('--project') + 1])
    shutil.rmtree(folder / '.weir', ignore_errors=True)


class Bench:
    """A server, and the jobs that are done with it."""

    def __init__(self, root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, server: Postgres | MariaDB):
        self.root = root
        self.weir = weir
        self.peer = peer
        self.server = server
        self.of_mariadb = isinstance(server, MariaDB)

    def client(self, *statements: str) -> list[str]:
        """The server's own client; for Postgres a statement may be a command of psql."""
        if self.of_mariadb:
            return ['mariadb', '--no-defaults', '--local-infile=1', f'--socket={self.server.socket}', '-u', 'root',
                    self.server.database, '-e', '; '.join(statements)]
        words = ['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', str(self.server.root), '-U', 'owner', '-d',
                 self.server.database]
        return words + [word for statement in statements for word in ('-c', statement)]

    def read(self, file: pathlib.Path, table: str) -> str:
        """The client's own way to load a CSV."""
        if self.of_mariadb:
            return (f"LOAD DATA LOCAL INFILE '{file}' INTO TABLE {table} CHARACTER SET utf8mb4 "
                    "FIELDS TERMINATED BY ',' LINES TERMINATED BY '\\n'")
        return f"\\copy {table} FROM '{file}' (FORMAT csv)"

    def query(self, sql: str) -> list[list[str]]:
        return self.server.query(sql, self.server.database)

    def settle(self) -> None:
        """What was written before is on the disk; MariaDB flushes by itself."""
        if not self.of_mariadb:
            self.query('CHECKPOINT')

    def forget_loads(self) -> None:
        """The ledger, where there is one, knows of no load; as before any but the very first, its tables stay."""
        ledger = self.query("SELECT table_name FROM information_schema.tables "
                            "WHERE table_name IN ('weir_loads', 'weir_rejects')")
        for table, in ledger:
            self.query(f'TRUNCATE TABLE {table}')

    def empty(self, ddl: str | None) -> Callable[[], None]:
        """Nothing was loaded, and the table is as `ddl` makes it; None: no table."""
        make = f'CREATE TABLE people ({ddl});' if ddl is not None else ''

        def prepare() -> None:
            self.forget_loads()
            self.query(f'DROP TABLE IF EXISTS people; {make}')
            self.settle()
        return prepare

    def counted(self, rows: int) -> Callable[[], None]:
        def check() -> None:
            found = int(self.query('SELECT count(*) FROM people')[0][0])
            if found != rows:
                raise RuntimeError(f'{found} rows, not {rows}')
        return check

    def project(self, file: pathlib.Path, mode: str = 'append', key: bool = True, references: bool = False) -> list[str]:
        """The command that loads the file."""
        folder = self.root / f'{file.stem}-{mode}-{key}-{references}'
        if not folder.exists():
            (folder / 'landing').mkdir(parents=True)
            (folder / 'landing' / file.name).hardlink_to(file)
        (folder / 'weir.yaml').write_text(PROJECT.format(
            url=self.server.url(), mode=mode, key='    key: [id]' if key else '',
            department=' | references departments' if references else '', job=' | references jobs' if references else ''))
        return [str(self.weir), 'run', 'load', '--project', str(folder), '--format', 'json']

    def load(self, file: pathlib.Path, ddl: str | None, rows: int, codes: tuple[int, ...] = (0,), **settings) -> Job:
        command = self.project(file, **settings)

        def prepare() -> None:
            self.empty(ddl)()
            forget(command)
        return Job(prepare, command, self.counted(rows), codes)

    def copy(self, file: pathlib.Path, ddl: str, rows: int) -> Job:
        return Job(self.empty(ddl), self.client(self.read(file, 'people')), self.counted(rows))

    def pgloader(self, file: pathlib.Path, ddl: str, rows: int) -> Job:
        script = self.root / 'people.load'
        script.write_text(f"LOAD CSV FROM '{file}' ({NAMES}) INTO postgresql://owner@unix:{self.server.root}:5432/postgres "
                          f"TARGET TABLE public.people ({NAMES}) WITH fields terminated by ',';\n")
        return Job(self.empty(ddl), ['pgloader', '--quiet', '--root-dir', str(self.root / 'pgloader'), str(script)],
                   self.counted(rows))

    def python(self, how: str, file: pathlib.Path, ddl: str, rows: int) -> Job:
        script = pathlib.Path(__file__).with_name('client_peer.py')
        dsn = f'host={self.server.root} user=owner dbname=postgres'
        return Job(self.empty(ddl), ['/usr/bin/python3', str(script), how, dsn, str(file)], self.counted(rows))


@contextlib.contextmanager
def postgres_bench(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path) -> Iterator[Bench]:
    root.mkdir()
    # No checkpoint in the middle of a load, and no waiting for the disk: what is compared is work.
    with Postgres('-c', 'shared_buffers=512MB', '-c', 'max_wal_size=8GB', '-c', 'checkpoint_timeout=1h') as server:
        yield Bench(root, weir, peer, server)
    shutil.rmtree(root)


@contextlib.contextmanager
def mariadb_bench(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path) -> Iterator[Bench]:
    root.mkdir()
    with MariaDB('--innodb-buffer-pool-size=1G', '--innodb-log-file-size=2G', '--innodb-flush-log-at-trx-commit=0',
                 '--local-infile=1') as server:
        yield Bench(root, weir, peer, server)
    shutil.rmtree(root)


KEYED = f'{COLUMNS}, PRIMARY KEY (id)'


def postgres(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, rows: int, rounds: int) -> list[Figure]:
    """Into an empty table, with its key, without one, and made by weir."""
    with postgres_bench(root, weir, peer) as bench:
        file = generate(peer, root / 'clean.csv', rows)
        dirty = generate(peer, root / 'dirty.csv', rows, bad='i % 100 = 7')
        taken = take_turns(rounds, {
            'psql, key': bench.copy(file, KEYED, rows), 'weir, key': bench.load(file, KEYED, rows),
            'weir, bad': bench.load(dirty, KEYED, rows - rows // 100, (3,)), 'weir, made': bench.load(file, None, rows),
            'psql': bench.copy(file, COLUMNS, rows), 'weir': bench.load(file, COLUMNS, rows, key=False)})
        # Slower ones load fewer rows, once; what they take is told per row.
        few, fewer = rows // 5, rows // 25
        small, smaller = generate(peer, root / 'small.csv', few), generate(peer, root / 'smaller.csv', fewer)
        slow = take_turns(1, {'pgloader': bench.pgloader(small, KEYED, few),
                              'execute_values': bench.python('execute_values', smaller, KEYED, fewer),
                              'to_sql': bench.python('to_sql', smaller, KEYED, fewer)})
        size = file.stat().st_size / 1e6
    rate = rows / taken['weir, key'].seconds
    name = f'{rows:,} rows ({size:.0f} MB CSV) into an empty table'

    def times(of: str, loaded: int, limit: float | None) -> Figure:
        theirs = loaded / slow[of].seconds
        return Figure(f'in times of {of}, which had {loaded:,} rows, per row', f'≥ {limit:g} ×' if limit else '',
                      f'{theirs / 1000:.0f}k rows/s: {rate / theirs:.1f} ×', rate / theirs >= limit if limit else None)

    return [
        Figure(f'{name} with its primary key: `psql \\copy`', '', taken['psql, key'].told(), None),
        against(f'{name} with its primary key: weir', taken['weir, key'], taken['psql, key'], 0.8),
        against('the same, the table made by weir, in times of the same `psql \\copy`', taken['weir, made'],
                taken['psql, key'], 0.6),
        Figure(f'{name} without a key: `psql \\copy`', '', taken['psql'].told(), None),
        against(f'{name} without a key: weir', taken['weir'], taken['psql'], 0.65),
        against('with the key and 1 % bad rows, each in quarantine, in times of the clean file', taken['weir, bad'],
                taken['weir, key'], 1.1),
        times('pgloader', few, 11), times('execute_values', fewer, None), times('to_sql', fewer, 14),
        at_most('peak resident memory of weir with `memory: 1GB`',
                max(one.megabytes for of, one in taken.items() if of.startswith('weir')), 1024, 'MB', 0)]


def merge(bench: Bench, ddl: str, rows: int, rounds: int, upsert: str) -> list[Figure]:
    """A fifth as many rows into a table of two fifths: none of them there, or half of them, all different."""
    there, coming = rows * 2 // 5, rows // 5
    base = generate(bench.peer, bench.root / 'base.csv', there, step=2)
    new = generate(bench.peer, bench.root / 'new.csv', coming, first=2 * there + 1, word='New')
    mixed = generate(bench.peer, bench.root / 'mixed.csv', coming, word='Changed')  # every other id is there
    bench.query(f'CREATE TABLE base ({ddl})')
    subprocess.run(bench.client(bench.read(base, 'base')), check=True)

    def merged(file: pathlib.Path, by_weir: bool, found: int) -> Job:
        command = bench.project(file, mode='merge') if by_weir else bench.client(
            f"CREATE TEMPORARY TABLE staged ({ddl.split(', PRIMARY')[0]})", bench.read(file, 'staged'),
            f'INSERT INTO people ({NAMES}) SELECT {NAMES} FROM staged {upsert}')

        def prepare() -> None:
            bench.empty(ddl)()
            bench.query('INSERT INTO people SELECT * FROM base')
            bench.query('ANALYZE TABLE people' if bench.of_mariadb else 'ANALYZE people')
            bench.settle()
            if by_weir:
                forget(command)
        return Job(prepare, command, bench.counted(there + coming - found))

    taken = take_turns(rounds, {
        'staged, new': merged(new, False, 0), 'weir, new': merged(new, True, 0),
        'staged, half': merged(mixed, False, coming // 2), 'weir, half': merged(mixed, True, coming // 2)})
    name = f'{coming:,} rows merged into {there:,}'
    by_hand = f'a staging table, then `INSERT … {" ".join(upsert.split()[:2 if "CONFLICT" in upsert else 3])}`'
    return [
        Figure(f'{name}, of which none is there: {by_hand}', '', taken['staged, new'].told(), None),
        against(f'{name}, of which none is there: weir', taken['weir, new'], taken['staged, new'], 0.5),
        Figure(f'{name}, of which half are there and differ: {by_hand}', '', taken['staged, half'].told(), None),
        against(f'{name}, of which half are there and differ: weir', taken['weir, half'], taken['staged, half'], 1)]


def postgres_merge(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, rows: int, rounds: int) -> list[Figure]:
    changed = ', '.join(f'{name} = EXCLUDED.{name}' for name in NAMES.split(', ')[1:])
    with postgres_bench(root, weir, peer) as bench:
        return merge(bench, KEYED, rows, rounds, f'ON CONFLICT (id) DO UPDATE SET {changed}')


def postgres_references(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, rows: int,
                        rounds: int) -> list[Figure]:
    with postgres_bench(root, weir, peer) as bench:
        for table, count in (('departments', 12), ('jobs', 183)):
            bench.server.query(f'CREATE TABLE {table} (id smallint PRIMARY KEY, name varchar(100)); '
                               f"INSERT INTO {table} SELECT i, '{table} ' || i FROM generate_series(1, {count}) i")
        file = generate(peer, root / 'clean.csv', rows)
        taken = take_turns(rounds, {'without': bench.load(file, KEYED, rows),
                                    'with': bench.load(file, KEYED, rows, references=True)})
    return [Figure(f'{rows:,} rows with a key and without `references`', '', taken['without'].told(), None),
            against('the same with `references` on two columns', taken['with'], taken['without'], 1.3)]


def postgres_memory(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, rows: int) -> list[Figure]:
    with postgres_bench(root, weir, peer) as bench:
        file = generate(peer, root / 'big.csv', rows)
        job = bench.load(file, KEYED, rows)
        job.prepare()
        taken = Taken(*measured_process(job.command))
        job.check()
    return [Figure(f'{rows:,} rows into an empty table with its primary key', '', f'{taken.seconds:.0f} s', None),
            at_most('its peak resident memory with `memory: 1GB`', taken.megabytes, 1024, 'MB', 0)]


# As weir makes it.
IN_MARIADB = """id bigint NOT NULL, name varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL,
hired_at datetime(6) NOT NULL, department_id smallint NOT NULL, job_id smallint NOT NULL, PRIMARY KEY (id)"""


def mariadb(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, rows: int, rounds: int) -> list[Figure]:
    with mariadb_bench(root, weir, peer) as bench:
        file = generate(peer, root / 'clean.csv', rows)
        dirty = generate(peer, root / 'dirty.csv', rows, bad='i % 100 = 7')
        taken = take_turns(rounds, {
            'LOAD DATA': bench.copy(file, IN_MARIADB, rows), 'weir': bench.load(file, IN_MARIADB, rows),
            'weir, bad': bench.load(dirty, IN_MARIADB, rows - rows // 100, (3,))})
    name = f'{rows:,} rows into an empty table with its primary key'
    return [
        Figure(f'{name}: `LOAD DATA LOCAL INFILE` by the `mariadb` client', '', taken['LOAD DATA'].told(), None),
        against(f'{name}: weir', taken['weir'], taken['LOAD DATA'], 1),
        against('the same with 1 % bad rows, each in quarantine, in times of the clean file', taken['weir, bad'],
                taken['weir'], 1.1),
        at_most('peak resident memory of weir with `memory: 1GB`',
                max(taken[of].megabytes for of in ('weir', 'weir, bad')), 1024, 'MB', 0)]


def mariadb_merge(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, rows: int, rounds: int) -> list[Figure]:
    changed = ', '.join(f'{name} = VALUES({name})' for name in NAMES.split(', ')[1:])
    with mariadb_bench(root, weir, peer) as bench:
        return merge(bench, IN_MARIADB, rows, rounds, f'ON DUPLICATE KEY UPDATE {changed}')
