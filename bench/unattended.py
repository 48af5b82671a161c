"""What months unattended cost: schedules that wait, a queue that is long, and what a run costs in it."""
import contextlib
import datetime
import fcntl
import os
import pathlib
import shutil
import sqlite3
import subprocess
import time
from typing import NamedTuple

from figures import Figure, at_most
from weir_project import Project, wait_until

SCHEDULES = '''
project: schedules
databases: {db: duckdb://db.duckdb}
tables:
  beats:
    in: db
    columns:
      at: timestamptz | required
pipelines:
'''
PIPELINE = '''  p{number}:
    steps:
      - sql: SELECT now() AS at
        in: db
      - load: {{table: beats, mode: append}}
    when:
'''
SCHEDULE = '      - {{cron: "{expression}", timezone: {zone}}}\n'
SCHEDULES_EACH = 10  # per pipeline: ten thousand pipelines would be more than a project file may hold
ZONES = ['UTC', 'America/New_York', 'Europe/Madrid', 'Asia/Kolkata', 'Australia/Lord_Howe']
QUEUE = '''
project: queue
memory: 512MB
history: {{keep: 30d, runs: {history}}}      # nothing is forgotten while it is counted
databases: {{db: duckdb://db.duckdb}}
buckets: {{landing: {{url: "file://landing", settle: 100ms}}}}
tables:
  rows:
    in: db
    columns:
      n: bigint | required
      name: varchar(255)
pipelines:
  load:
    when: [{{object: "landing/*.json"}}]
    steps:
      - read: {{format: json}}
      - load: {{table: rows, mode: append}}
'''


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def idle_schedules(root: pathlib.Path, weir: pathlib.Path, schedules: int, seconds: float) -> list[Figure]:
    """None of them fires while it is measured: they are due on other days than this one and its neighbours."""
    root.mkdir()
    today = datetime.datetime.now(datetime.timezone.utc)
    near = {(today + datetime.timedelta(days=days)).day for days in (-1, 0, 1)}
    days = [day for day in range(1, 29) if day not in near]
    text = [SCHEDULES]
    for number in range(schedules):
        expression = f'{number % 60} {number // 60 % 24} {days[number % len(days)]} * *'
        if number % SCHEDULES_EACH == 0:
            text.append(PIPELINE.format(number=number // SCHEDULES_EACH))
        text.append(SCHEDULE.format(expression=expression, zone=ZONES[number % len(ZONES)]))
    (root / 'weir.yaml').write_text(''.join(text))
    project = Project(root, weir)
    begin = time.monotonic()
    with project.up() as owner:
        ready = time.monotonic() - begin
        time.sleep(3)
        before = cpu_seconds(owner.pid)
        time.sleep(seconds)
        percent = (cpu_seconds(owner.pid) - before) / seconds * 100
    if project.runs():
        raise RuntimeError('a schedule fired')
    return [at_most(f'{schedules:,} schedules of {schedules // SCHEDULES_EACH:,} pipelines idle, CPU of one core over {seconds:.0f} s', percent, 1, '%', 2),
            Figure('`weir up` over them, until it is ready', '', f'{ready:.2f} s', None)]


class Drained(NamedTuple):
    """What so many runs took, from the arrival of the first file."""
    runs: int
    cpu: float
    rate: float  # per second, without the arrivals

    @property
    def milliseconds_per_run(self) -> float:
        return self.cpu / self.runs * 1000


class RunLog:
    """A look at the queue that costs its owner nothing."""

    def __init__(self, project: Project):
        path = project.root / '.weir/default/runs.sqlite'
        self.connection = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=60)

    def count(self, *states: int) -> int:
        with self.connection:
            rows = self.connection.execute('SELECT state, runs FROM state_counts').fetchall()
        return sum(runs for state, runs in rows if state in states)

    def waiting(self) -> int:
        return self.count(0, 1)

    def succeeded(self) -> int:
        ended_badly = self.count(3, 4, 5, 6)
        if ended_badly:
            raise RuntimeError(f'{ended_badly} runs did not succeed')
        return self.count(2)


class Locked:
    """The database file, held by another program as DuckDB itself would hold it: its runs wait in the queue."""

    def __init__(self, path: pathlib.Path):
        self.file = path.open('r+b')

    def __enter__(self) -> 'Locked':
        fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return self

    def __exit__(self, *_) -> None:
        self.file.close()


def queue_project(root: pathlib.Path, weir: pathlib.Path, runs: int) -> Project:
    (root / 'landing').mkdir(parents=True)
    (root / 'weir.yaml').write_text(QUEUE.format(history=runs * 2))
    project = Project(root, weir)
    project.value('SELECT count(*) FROM rows')  # makes the database
    return project


def write_files(folder: pathlib.Path, names: range) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in names:
        (folder / f'{number}.json').write_text(f'{{"n": {number}, "name": "x"}}\n')


def move_in(project: Project, names: range) -> None:
    for number in names:
        (project.root / 'arriving' / f'{number}.json').rename(project.root / 'landing' / f'{number}.json')


def check_rows(project: Project, runs: int) -> None:
    found = project.query('SELECT count(*) AS rows, count(DISTINCT n) AS files FROM rows')[0]
    if found != {'rows': str(runs), 'files': str(runs)}:
        raise RuntimeError(f'{found}, not {runs} rows of as many files')


def in_groups(project: Project, runs: int, group: int) -> Drained:
    """Groups of files, each sent when the one before is done."""
    write_files(project.root / 'arriving', range(runs))
    with project.up() as owner:
        log = RunLog(project)
        cpu, begin = cpu_seconds(owner.pid), time.monotonic()
        for first in range(0, runs, group):
            move_in(project, range(first, first + group))
            wait_until(lambda: log.succeeded() >= first + group, 'a small group')  # noqa: B023
        taken = Drained(runs, cpu_seconds(owner.pid) - cpu, runs / (time.monotonic() - begin))
        check_rows(project, runs)
    return taken


def all_at_once(project: Project, runs: int) -> Drained:
    """Files arrive while the database is locked by another program; when all are queued it is let go."""
    write_files(project.root / 'arriving', range(runs))
    with contextlib.ExitStack() as stack:
        with Locked(project.root / 'db.duckdb'):
            owner = stack.enter_context(project.up())
            log = RunLog(project)
            cpu = cpu_seconds(owner.pid)
            move_in(project, range(runs))
            wait_until(lambda: log.waiting() == runs, f'{runs} runs queued', 60 + runs / 50)
        if log.succeeded():
            raise RuntimeError('a run went on with its database locked')
        # weir asks now and then whether the database is back; from then on it is its rate that counts.
        early = wait_until(log.succeeded, 'the first run done')
        begin = time.monotonic()
        wait_until(lambda: log.succeeded() == runs, f'{runs} runs done', 60 + runs / 50)
        taken = Drained(runs, cpu_seconds(owner.pid) - cpu, (runs - early) / (time.monotonic() - begin))
        check_rows(project, runs)
    return taken


def long_queue(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, runs: int) -> list[Figure]:
    few = in_groups(queue_project(root / 'few', weir, runs), max(runs // 200, 1) * 10, 10)
    many = all_at_once(queue_project(root / 'many', weir, runs), runs)
    jobs = max(runs // 10, 1)
    theirs = peer_rate(root / 'peer', peer, jobs)
    cost = many.milliseconds_per_run / few.milliseconds_per_run
    shutil.rmtree(root)
    return [
        Figure(f'a queue of {jobs:,} jobs drained by a bare loop over SQLite and DuckDB', '', f'{theirs:.0f} jobs/s', None),
        Figure(f'a queue of {runs:,} runs drained by weir', '≥ 300 runs/s',
               f'{many.rate:.0f} runs/s = {many.rate / theirs:.2f} × the loop', many.rate >= 300),
        Figure('CPU per run with 10 queued, arrival included', '', f'{few.milliseconds_per_run:.2f} ms', None),
        Figure(f'CPU per run with {runs:,} queued, in times of that', '≤ 1.1 ×',
               f'{many.milliseconds_per_run:.2f} ms = {cost:.2f} ×', cost <= 1.1)]


def peer_rate(root: pathlib.Path, peer: pathlib.Path, jobs: int) -> float:
    """Over fewer files than weir gets: its cost per job does not depend on their number, and it is slow."""
    write_files(root / 'landing', range(jobs))
    done = subprocess.run([peer, root / 'landing', root / 'peer.duckdb', root / 'peer.sqlite'], check=True,
                          capture_output=True, text=True)
    return jobs / float(done.stdout)
