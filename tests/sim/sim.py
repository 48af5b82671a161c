#!/usr/bin/env python3
"""Kills weir at random and at every commit boundary, and checks that every row is there exactly once.

    tests/sim/sim.py --weir build/dev/src/weir --rounds 200 [--seed 7]
    tests/sim/sim.py --weir build/dev/src/weir --canary

Each round is a project with an append and a merge pipeline and some hundred small files, dropped
while `weir up` is killed (SIGKILL) and started again; files also arrive while it is down, and some are
rewritten. The schedule follows from seed and round number alone: `--seed S --first-round N --rounds 1`
replays round N (the kernel's timing stays its own). --canary switches the ledger off and demands
that the checker catches it: a simulation that cannot fail proves nothing.
"""
import argparse
import collections
import json
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from weir_project import FINISHED, REPOSITORY, OwnerDied, Project, balances, wait_until  # noqa: E402

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
      row_id: varchar | required
      object: varchar
      n: integer
  merged:
    in: db
    columns:
      row_id: varchar | required
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


def fault_points() -> list[str]:
    """The names of every fault point in the sources."""
    found: set[str] = set()
    for path in sorted((REPOSITORY / 'src').rglob('*.cc')):
        if not path.name.endswith('_test.cc'):
            found.update(re.findall(r'\bfault_point\("([^"]+)"\)', path.read_text()))
    if not found:
        raise SystemExit('no fault points in src: nothing to simulate')
    return sorted(found)


class Writer:
    """Drops files and remembers what must come of each version of them."""

    def __init__(self, project: Project, seed: random.Random):
        self.project = project
        self.seed = seed
        self.serial = 0
        self.rows: dict[str, list[str]] = {}  # object -> the row ids of its current content
        self.good: dict[tuple[str, str], int] = {}  # (table, row id) -> n; rewriting overwrites merged ones
        self.bad_lines = 0
        self.versions: collections.Counter = collections.Counter()

    def content(self, key: str, version: int) -> str:
        lines = []
        for number in range(self.seed.randint(1, 12)):
            row_id = f'{key}@{version}#{number}' if key.startswith('append') else f'{key}#{number}'
            lines.append(f'{{"row_id": "{row_id}", "object": "{key}", "n": {version}}}\n')
            self.good[(key.split('/')[0], row_id)] = version
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
        keys = self.seed.sample(sorted(self.versions), min(files, len(self.versions)))
        for key in keys:
            self.write(key)

    def write(self, key: str) -> None:
        self.versions[key] += 1
        text = self.content(key, self.versions[key])
        if self.seed.random() < 0.5:
            self.project.move_in(f'landing/{key}', text)
        else:
            self.project.write(f'landing/{key}', text)


class Round:
    def __init__(self, weir: pathlib.Path, seed: int, number: int, root: pathlib.Path, faults: str = ''):
        self.seed = random.Random(f'{seed}/{number}')
        self.always = [faults] if faults else []
        self.ledger_is_off = faults == 'ledger-off'
        root.mkdir(parents=True)
        (root / 'weir.yaml').write_text(WEIR_YAML)
        self.project = Project(root, weir)
        self.writer = Writer(self.project, self.seed)
        self.kills: list[str] = []

    def start(self, fault: str | None = None):
        self.project.environment = {'WEIR_FAULTS': ','.join(self.always + ([fault] if fault else []))}
        return self.project.start()

    def live_and_die(self, point: str | None) -> None:
        """One life of the owner: files arrive, then it dies at a fault point or at a random time."""
        passage = self.seed.choice([1, 1, 2, 3, 5])
        delay = self.seed.uniform(0.0, 0.25)
        files = self.seed.randint(50, 110)
        rewritten = self.seed.randint(0, 3)
        try:
            owner = self.start(f'crash@{point}:{passage}' if point else None)
        except OwnerDied:
            self.kills.append(f'{point}:{passage} at start')
            self.writer.drop(files)
            return
        self.writer.drop(files)
        if point:
            try:
                owner.process.wait(timeout=1.5)
            except subprocess.TimeoutExpired:
                pass
        else:
            time.sleep(delay)  # the moment of the kill is the experiment, nothing waits for it
        died = owner.process.poll() == -signal.SIGKILL
        self.kills.append(f'{point}:{passage}{"" if died else " not reached"}' if point else f'{delay:.3f}s')
        owner.kill()
        self.settle_and_rewrite(rewritten)

    def settle_and_rewrite(self, rewritten: int) -> None:
        """Objects are rewritten only once they are in: which version a row must come from is then certain."""
        if rewritten == 0 or self.ledger_is_off:
            return
        self.finish()
        self.writer.rewrite(rewritten)

    def finish(self) -> None:
        """Starts the owner without faults and lets it come to rest."""
        owner = self.start()
        try:
            wait_until(self.at_rest, 'an owner at rest', 120)
            code = owner.stop()
            assert code == 0, f'weir up ended with {code}'
        finally:
            owner.kill()

    def at_rest(self) -> bool:
        """Nothing queued or running, and every object's current content is in the ledger."""
        if any(run['state'] not in FINISHED for run in self.project.runs('--limit', '100000')):
            return False
        loads = 'SELECT DISTINCT key, version FROM weir_loads'
        if self.ledger_is_off:  # the canary rewrites nothing: that an object has rows is enough
            loads = 'SELECT DISTINCT object AS key FROM appended UNION SELECT DISTINCT object FROM merged'
        loaded = collections.Counter(row['key'] for row in self.project.query(loads))
        return all(loaded[key] >= versions for key, versions in self.writer.versions.items())

    def check(self) -> list[str]:
        """What is wrong; nothing, when every promise held."""
        problems = []
        for kind, table in (('append', 'appended'), ('merge', 'merged')):
            rows = self.project.query(f'SELECT row_id, count(*) AS times, max(n) AS n FROM {table} GROUP BY row_id')
            found = {row['row_id']: row for row in rows}
            expected = {row_id: n for (of, row_id), n in self.writer.good.items() if of == kind}
            problems += [f'{table}: {row_id} is missing' for row_id in expected.keys() - found.keys()]
            problems += [f'{table}: {row_id} was never sent' for row_id in found.keys() - expected.keys()]
            problems += [f'{table}: {row_id} is there {row["times"]} times' for row_id, row in found.items()
                         if row['times'] != '1']
            problems += [f'{table}: {row_id} is of version {found[row_id]["n"]}, not {n}'
                         for row_id, n in expected.items() if row_id in found and found[row_id]['n'] != str(n)]
        return problems + self.check_ledger() + self.check_run_log()

    def check_ledger(self) -> list[str]:
        problems = []
        for row in self.project.query('SELECT key, count(*) AS loads FROM weir_loads GROUP BY key, version '
                                      'HAVING count(*) <> 1'):
            problems.append(f'weir_loads: one version of {row["key"]} is in {row["loads"]} times')
        for row in self.project.query('SELECT key, count(DISTINCT version) AS versions FROM weir_loads GROUP BY key'):
            if int(row['versions']) != self.writer.versions[row['key']]:
                problems.append(f'weir_loads: {row["key"]} has {row["versions"]} versions, '
                                f'not {self.writer.versions[row["key"]]}')
        rejected = self.project.value('SELECT count(*) FROM weir_rejects')
        if int(rejected) != self.writer.bad_lines:
            problems.append(f'weir_rejects: {rejected} rows, not {self.writer.bad_lines}')
        for row in self.project.query('SELECT key, receipt FROM weir_loads'):
            if not balances(json.loads(row['receipt'])):
                problems.append(f'weir_loads: the receipt of {row["key"]} does not balance')
        return problems

    def check_run_log(self) -> list[str]:
        return [f'run {run["id"]} is stuck in state {run["state"]}' for run in self.project.runs('--limit', '100000')
                if run['state'] not in FINISHED or run['state'] == 'failed']


def run_round(arguments: argparse.Namespace, number: int, points: list[str], root: pathlib.Path,
              faults: str = '') -> tuple[Round, list[str]]:
    """Every round dies at two fault points, in turn, and at a random time; then all must be well."""
    this = Round(arguments.weir, arguments.seed, number, root, faults)
    lives = [points[(2 * number) % len(points)], None, points[(2 * number + 1) % len(points)]]
    try:
        for point in lives:
            this.live_and_die(point)
        this.finish()
        return this, this.check()
    except AssertionError as error:
        return this, [str(error)]


def simulate(arguments: argparse.Namespace) -> int:
    points = fault_points()
    print(f'seed {arguments.seed}, {arguments.rounds} rounds, fault points: {", ".join(points)}', flush=True)
    reached: collections.Counter = collections.Counter()
    for number in range(arguments.first_round, arguments.first_round + arguments.rounds):
        root = pathlib.Path(tempfile.mkdtemp(prefix='weir-sim-')) / f'round-{number}'
        this, problems = run_round(arguments, number, points, root)
        print(f'round {number}: {sum(this.writer.versions.values())} files, {len(this.writer.good)} rows, '
              f'killed at {"; ".join(this.kills)}: {"ok" if not problems else "WRONG"}', flush=True)
        if problems:
            print('\n'.join(problems[:50]))
            print(f'kept: {root}\nreplay: {sys.argv[0]} --weir {arguments.weir} --seed {arguments.seed} '
                  f'--first-round {number} --rounds 1')
            return 1
        for kill in this.kills:
            if ':' in kill and 'not reached' not in kill:
                reached[kill.split(':')[0]] += 1
        shutil.rmtree(root.parent)
    print(f'every row exactly once in {arguments.rounds} rounds')
    missed = [point for point in points if not reached[point]]
    if missed:
        print(f'never died at: {", ".join(missed)}')
        if arguments.rounds >= 2 * len(points):
            return 1
    return 0


def canary(arguments: argparse.Namespace) -> int:
    """Without the ledger some rows come twice; a checker that does not see it is worthless."""
    points = fault_points()
    for number in range(len(points)):
        root = pathlib.Path(tempfile.mkdtemp(prefix='weir-canary-')) / 'round'
        this, problems = run_round(arguments, number, points, root, faults='ledger-off')
        shutil.rmtree(root.parent)
        if any('times' in problem for problem in problems):
            print(f'seed {arguments.seed}, round {number}: the canary was caught: {problems[0]}')
            return 0
    print(f'seed {arguments.seed}: the ledger was off and nothing was noticed', file=sys.stderr)
    return 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--weir', type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument('--rounds', type=int, default=10)
    parser.add_argument('--first-round', type=int, default=0)
    parser.add_argument('--seed', type=int, default=None)
    parser.add_argument('--canary', action='store_true')
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(2**31)
    return canary(arguments) if arguments.canary else simulate(arguments)


if __name__ == '__main__':
    sys.exit(main())
