#!/usr/bin/env python3
"""Sends many small runs through one `weir up` with its history pruned, and demands that what it holds
stays level: resident memory, descriptors, threads, the run log and its WAL; and that resident memory never,
not even for a moment, exceeds the project's `memory:`.

    tests/soak.py --weir build/dev/src/weir --runs 1000000 [--report soak.csv]

The same objects are rewritten again and again: most with new rows, some with a bad one, some with the same
bytes; a few fail, and are good again later. Most generations arrive in a burst, while the owner is stopped for
a moment, and go in as large batches; every tenth trickles in. Nothing is judged by time: each generation
is sent when the one before is done, and bounds are on sizes and on
their slope per run: of a line through the samples of the second half, when caches and history are full.
"""
import argparse
import collections
import csv
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from typing import NamedTuple

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from weir_project import Owner, Project, wait_until  # noqa: E402

MEMORY_MB = 256  # of a million bytes, as weir.yaml has it
MEMORY_KB = MEMORY_MB * 1_000_000 // 1024
OBJECTS = 1000
SAMPLES = 200
TRICKLE = 10
BROKEN = 5  # of them go through a pipeline of their own, and fail every other time
LONG = 300_000  # runs after which DuckDB's cache is taken to be full
MANY = 40  # samples in which what comes and goes is missing once, however busy the machine
PASSING = 12  # descriptors that may be open for a moment: objects that are read, a checkpoint, who asks for metrics
LEVEL = 0.05  # what a line through the second half may rise by, of its mean
WEIR_YAML = '''
project: soak
memory: {memory}MB
history: {{keep: 30d, runs: {history}}}
databases: {{db: duckdb://db.duckdb}}
buckets: {{landing: {{url: "file://landing", settle: 100ms}}}}
tables:
  readings:
    in: db
    columns:
      object: integer | required
      generation: integer | required
  strict:
    in: db
    columns:
      object: integer | required
      generation: integer | required
    on_bad_row: fail
pipelines:
  load:
    when: [{{object: "landing/*.json"}}]
    steps:
      - read: {{format: json}}
      - load: {{table: readings, mode: append}}
  load-strict:
    when: [{{object: "landing/strict/*.json"}}]
    steps:
      - read: {{format: json}}
      - load: {{table: strict, mode: append}}
'''


class Sample(NamedTuple):
    runs: int
    seconds: float
    resident_kb: int
    peak_kb: int
    descriptors: int
    threads: int
    run_log_kb: int
    run_log_wal_kb: int
    history: int
    database_kb: int


class RunLog:
    """A look into the run log beside its owner, too light to be felt."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.connection = sqlite3.connect(f'file:{path}?mode=ro', uri=True, timeout=60)

    def number(self, sql: str) -> int:
        with self.connection:
            return self.connection.execute(sql).fetchone()[0] or 0

    def runs_ever(self) -> int:
        return self.number('SELECT max(number) FROM runs')

    def unfinished(self) -> int:
        return self.number('SELECT sum(runs) FROM state_counts WHERE state IN (0, 1)')

    def kept(self) -> int:
        return self.number('SELECT sum(runs) FROM state_counts')


def most_kept(history: int) -> int:
    """The history is pruned every half minute, however many runs that is: the soak waits for it, so that sizes do
    not depend on the machine's speed."""
    return history + max(history, 5 * OBJECTS)


class Report:
    """The samples as CSV, each on disk as soon as it is taken: a soak that is stopped leaves what it saw."""

    def __init__(self, path: pathlib.Path | None):
        self.path = path
        if path:
            path.write_text(','.join(Sample._fields) + '\n')

    def add(self, sample: Sample) -> None:
        if self.path:
            with self.path.open('a') as out:
                out.write(','.join(map(str, sample)) + '\n')


class Soak:
    def __init__(self, weir: pathlib.Path, root: pathlib.Path, runs: int, history: int, seed: int, report: Report):
        self.project = Project(root, weir)
        self.root = root
        self.runs = runs
        self.history = history
        self.seed = random.Random(seed)
        self.generation = 0
        self.rows: collections.Counter = collections.Counter()  # by table
        self.rejects = 0
        self.samples: list[Sample] = []
        self.report = report
        (root / 'landing' / 'strict').mkdir(parents=True)
        (root / 'weir.yaml').write_text(WEIR_YAML.format(memory=MEMORY_MB, history=history))

    def send(self, key: str, text: str) -> None:
        beside = self.root / '.arriving'
        beside.write_text(text)
        beside.rename(self.root / 'landing' / key)

    def send_generation(self) -> int:
        """Every object once."""
        self.generation += 1
        for number in range(OBJECTS):
            line = f'{{"object": {number}, "generation": {self.generation}}}\n'
            strict = number < BROKEN
            key = f'strict/{number}.json' if strict else f'{number}.json'
            kind = self.seed.random()
            if strict and self.generation % 2:
                self.send(key, line + '{"object": null}\n')  # on_bad_row: fail
                continue
            if kind < 0.05 and self.generation > 1 and not strict:
                self.send(key, (self.root / 'landing' / key).read_text())  # the same bytes, a new file
                continue
            self.rows['strict' if strict else 'readings'] += 1
            if kind > 0.97 and not strict:
                self.rejects += 1
                line += '{"object": 1.5, "generation": 1}\n'
            self.send(key, line)
        return OBJECTS

    def play(self) -> None:
        with self.project.up() as owner:
            log = RunLog(self.root / '.weir/default/runs.sqlite')
            begin = time.monotonic()
            sent, sampled = 0, 0
            while sent < self.runs:
                burst = self.generation % TRICKLE != 0
                if burst:
                    os.kill(owner.pid, signal.SIGSTOP)
                sent += self.send_generation()
                if burst:
                    os.kill(owner.pid, signal.SIGCONT)
                wait_until(lambda: log.runs_ever() >= sent and log.unfinished() == 0, f'{sent} runs done', 300)
                if log.kept() > most_kept(self.history) - 2 * OBJECTS:
                    wait_until(lambda: log.kept() <= self.history + OBJECTS, 'the history pruned', 300)
                if sent - sampled >= self.runs // SAMPLES or sent >= self.runs:
                    sampled = sent
                    self.samples.append(self.sample(owner, log, sent, time.monotonic() - begin))
                    self.report.add(self.samples[-1])
            assert owner.alive()
            self.check_rows()
            assert owner.stop() == 0

    def sample(self, owner: Owner, log: RunLog, runs: int, seconds: float) -> Sample:
        status = dict(line.split(':', 1) for line in pathlib.Path(f'/proc/{owner.pid}/status').read_text().splitlines())
        wal = pathlib.Path(f'{log.path}-wal')
        database = self.root / 'db.duckdb'
        return Sample(runs, round(seconds, 1), int(status['VmRSS'].split()[0]), int(status['VmHWM'].split()[0]),
                      len(os.listdir(f'/proc/{owner.pid}/fd')), int(status['Threads']),
                      log.path.stat().st_size // 1024, wal.stat().st_size // 1024 if wal.exists() else 0, log.kept(),
                      database.stat().st_size // 1024)

    def check_rows(self) -> None:
        found = {table: int(self.project.value(f'SELECT count(*) FROM {table}')) for table in self.rows}
        assert found == dict(self.rows), f'rows {found}, not {dict(self.rows)}'
        rejects = int(self.project.value('SELECT count(*) FROM weir_rejects WHERE pipeline = \'load\''))
        assert rejects == self.rejects, f'{rejects} rejects, not {self.rejects}'


def slope(samples: list[Sample], field: str) -> float:
    """Least squares, per run."""
    xs, ys = [sample.runs for sample in samples], [getattr(sample, field) for sample in samples]
    x_mean, y_mean = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys)) / sum((x - x_mean) ** 2 for x in xs)


class Verdict(NamedTuple):
    what: str
    found: float
    most: float

    def holds(self) -> bool:
        return self.found <= self.most

    def __str__(self) -> str:
        return f'{"ok " if self.holds() else "BAD"} {self.what}: {self.found:,.0f}, at most {self.most:,.0f}'


def growth(samples: list[Sample], field: str) -> float:
    """By how much a line through them rises from the first to the last."""
    return slope(samples, field) * (samples[-1].runs - samples[0].runs)


def judge(samples: list[Sample], history: int) -> list[Verdict]:
    runs = samples[-1].runs
    half = [sample for sample in samples if sample.runs >= runs / 2]

    def worst(field: str) -> int:
        return max(getattr(sample, field) for sample in half)

    def fewest(field: str, some: list[Sample]) -> int:
        """What comes and goes is missing from one of the samples, and what stays from none."""
        return min(getattr(sample, field) for sample in some)

    middle = len(half) // 2

    def level(field: str, what: str, slack: float) -> Verdict:
        """It may rise by its slack in all, however many runs there are."""
        mean = sum(getattr(sample, field) for sample in half) / len(half)
        return Verdict(f'{what}, growth over the last {runs - half[0].runs} runs (mean {mean:,.0f}, '
                       f'{slope(half, field) * 1e6:,.0f} per million runs)', growth(half, field), LEVEL * mean + slack)

    # DuckDB's cache fills with the ledger until it has its share of the memory.
    filling = 0 if runs >= LONG else 4 * runs
    return [
        Verdict('peak of resident memory, KB', samples[-1].peak_kb, MEMORY_KB),
        level('resident_kb', 'resident memory, KB', filling),
        level('descriptors', 'descriptors', 1),
        level('threads', 'threads', 1),
        level('run_log_kb', 'run log, KB', 1024),
        Verdict('descriptors that stay, at the end', fewest('descriptors', half[middle:]),
                fewest('descriptors', half[:middle]) + (1 if middle >= MANY else PASSING)),
        Verdict('descriptors, most', worst('descriptors'), fewest('descriptors', half) + PASSING),
        Verdict('WAL of the run log, KB, most', worst('run_log_wal_kb'), 64 * 1024),
        Verdict('runs kept, most', worst('history'), most_kept(history)),
    ]


def read_report(path: pathlib.Path) -> list[Sample]:
    with path.open() as lines:
        return [Sample(**{name: float(value) if name == 'seconds' else int(value) for name, value in line.items()})
                for line in csv.DictReader(lines)]


def tell(samples: list[Sample], history: int) -> int:
    for sample in samples[:: max(1, len(samples) // 12)] + samples[-1:]:
        print(', '.join(f'{name} {value}' for name, value in sample._asdict().items()))
    verdicts = judge(samples, history)
    print(*verdicts, sep='\n')
    level = all(verdict.holds() for verdict in verdicts)
    print(f'{"level" if level else "NOT level"} over {samples[-1].runs} runs')
    return 0 if level else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--weir', type=lambda text: pathlib.Path(text).resolve())
    parser.add_argument('--runs', type=int, default=20_000)
    parser.add_argument('--history', type=int, default=3000, help='runs the history keeps')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--report', type=pathlib.Path, help='writes every sample as CSV, when it is taken')
    parser.add_argument('--judge', type=pathlib.Path, metavar='REPORT', help='runs nothing, and judges a report again')
    arguments = parser.parse_args()
    if arguments.judge:
        return tell(read_report(arguments.judge), arguments.history)
    if not arguments.weir:
        parser.error('--weir says which binary')
    folder = pathlib.Path(tempfile.mkdtemp(prefix='weir-soak-'))
    soak = Soak(arguments.weir, folder / 'project', arguments.runs, arguments.history, arguments.seed,
                Report(arguments.report))
    try:
        soak.play()
    finally:
        shutil.rmtree(folder)
    return tell(soak.samples, arguments.history)


if __name__ == '__main__':
    sys.exit(main())
