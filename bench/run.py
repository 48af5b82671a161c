#!/usr/bin/env python3
"""Measures weir and writes docs/benchmarks.md; `make bench` calls it.

    bench/run.py --build build/bench --output docs/benchmarks.md
    bench/run.py --build build/bench --output docs/benchmarks.md --part queue    # only its section is written
    bench/run.py --build build/bench --part queue --runs 1000                    # printed, written nowhere

Each figure stands beside its target with "met" or "not met"; nothing is left out when it is bad.
"""
import argparse
import datetime
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Callable, NamedTuple

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / 'tests'))
sys.path.insert(0, str(REPOSITORY / 'bench'))
import contract  # noqa: E402
import rows_over_http  # noqa: E402
import servers  # noqa: E402
import unattended  # noqa: E402
from figures import Figure, at_most, measured_process  # noqa: E402
from page import Page  # noqa: E402
from weir_project import EXAMPLE, Project, wait_until  # noqa: E402

SMALL_PROJECT = '''
project: small-files
databases: {db: duckdb://db.duckdb}
buckets: {landing: file://landing}
tables:
  rows:
    in: db
    columns:
      n: bigint | required
      name: varchar(255)
pipelines:
  load:
    when: [{object: "landing/*.json"}]
    steps:
      - read: {format: json}
      - load: {table: rows, mode: append}
    concurrency: 2                           # rows without a key: either file may be the first
'''
PEER_TABLE = '''CREATE TABLE hits (user_id {id_type} NOT NULL, visit_id BIGINT NOT NULL, date DATE NOT NULL,
device VARCHAR, city VARCHAR, hit_count INTEGER NOT NULL)'''
PEER_INSERT = '''INSERT INTO hits SELECT CAST(userId AS {id_type}), visitId, strptime(date, '%Y%m%d'), device, city,
len(hit) FROM read_json('{file}', format='newline_delimited', columns={{userId: 'VARCHAR', visitId: 'BIGINT',
date: 'VARCHAR', device: 'VARCHAR', city: 'VARCHAR', hit: 'JSON[]'}})'''


def small_project(root: pathlib.Path, weir: pathlib.Path) -> Project:
    (root / 'landing').mkdir(parents=True)
    (root / 'weir.yaml').write_text(SMALL_PROJECT)
    return Project(root, weir)


def ten_rows(first: int) -> str:
    return ''.join(f'{{"n": {first + i}, "name": "row {i}"}}\n' for i in range(10))


def epoch(text: str) -> float:
    return datetime.datetime.fromisoformat(text.replace('Z', '+00:00')).timestamp()


def finished_at(project: Project) -> dict[str, float]:
    """When each object's run was over: a moment after its commit, so never too good."""
    return {run['object']: epoch(run['finished']) for run in project.runs('--limit', '100000')}


def latency(root: pathlib.Path, weir: pathlib.Path, drops: int) -> list[Figure]:
    project = small_project(root, weir)
    closed = {}
    with project.up():
        for number in range(drops):
            project.write(f'landing/{number}.json', ten_rows(number * 10))
            closed[f'landing/{number}.json'] = time.time()
            time.sleep(0.05)
        wait_until(lambda: project.value('SELECT count(*) FROM rows') == str(drops * 10), 'all drops')
        finished = finished_at(project)
    taken = sorted((finished[key] - moment) * 1000 for key, moment in closed.items())
    return [at_most(f'file closed → row committed, p50 of {drops} drops', statistics.median(taken), 25, 'ms'),
            at_most(f'file closed → row committed, p99 of {drops} drops', taken[int(len(taken) * 0.99)], 100, 'ms')]


def small_files(root: pathlib.Path, weir: pathlib.Path, files: int) -> list[Figure]:
    project = small_project(root, weir)
    for number in range(files):
        project.write(f'arriving/{number}.json', ten_rows(number * 10))
    with project.up() as owner:
        begin = time.time()
        for number in range(files):
            (root / 'arriving' / f'{number}.json').rename(root / 'landing' / f'{number}.json')
        wait_until(lambda: project.value('SELECT count(*) FROM rows') == str(files * 10), 'all files', 300)
        seconds = max(finished_at(project).values()) - begin
        resident = resident_megabytes(owner.pid)
    rate = files / seconds
    return [Figure(f'{files} files of 10 rows dropped at once', '≥ 500 files/s', f'{rate:.0f} files/s', rate >= 500),
            Figure('resident memory after them', '', f'{resident:.0f} MB', None)]


def files_there_before(root: pathlib.Path, weir: pathlib.Path, files: int) -> list[Figure]:
    project = small_project(root, weir)
    for number in range(files):
        (root / 'landing' / f'{number}.json').write_text(f'{{"n": {number}, "name": "x"}}\n')

    def loaded() -> bool:
        time.sleep(0.5)
        return project.value('SELECT count(*) FROM rows') == str(files)

    begin = time.time()
    with project.up() as owner:
        wait_until(loaded, 'all files', 600)
        seconds = time.time() - begin
        resident = resident_megabytes(owner.pid)
        owner.stop()
    begin = time.time()
    with project.up():
        ready = time.time() - begin
    return [Figure(f'{files:,} files that were there before `weir up`: all committed', '', f'{seconds:.0f} s, {resident:.0f} MB', None),
            Figure('`weir up` over them once more, until it is ready', '', f'{ready:.2f} s', None)]


def resident_megabytes(pid: int) -> float:
    for line in pathlib.Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmRSS:'):
            return int(line.split()[1]) / 1024
    raise RuntimeError('no VmRSS')


def idle(root: pathlib.Path, weir: pathlib.Path, seconds: float) -> list[Figure]:
    root.mkdir()
    shutil.copy(EXAMPLE / 'weir.yaml', root)
    project = Project(root, weir)
    with project.up() as owner:
        time.sleep(2)
        before = unattended.cpu_seconds(owner.pid)
        time.sleep(seconds)
        percent = (unattended.cpu_seconds(owner.pid) - before) / seconds * 100
        resident = resident_megabytes(owner.pid)
    return [at_most(f'idle `weir up`, CPU of one core over {seconds:.0f} s', percent, 0.5, '%', 2),
            at_most('idle `weir up`, resident memory', resident, 80, 'MB', 0)]


def start_up(root: pathlib.Path, weir: pathlib.Path) -> list[Figure]:
    project = small_project(root, weir)

    def timed(*arguments: str) -> float:
        begin = time.perf_counter()
        subprocess.run([weir, *arguments], check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        return (time.perf_counter() - begin) * 1000

    version = [timed('--version') for _ in range(31)]
    runs = []
    for number in range(21):
        project.write(f'landing/{number}.json', ten_rows(number * 10))
        runs.append(timed('run', 'load', '--object', f'landing/{number}.json', '--project', str(root), '--format', 'json'))
    return [at_most('`weir --version`, median of 31', statistics.median(version), 20, 'ms'),
            at_most('`weir run` of 10 rows with no owner, median of 21', statistics.median(runs), 150, 'ms')]


class SessionJob(NamedTuple):
    """One way to load the sessions, by weir and by bare DuckDB."""
    name: str
    id_type: str
    mode: str
    rounds: int
    limit: float | None  # of weir's time in times of the peer's


# Casting text to DECIMAL(20,0) alone takes DuckDB 1.5.6 some 25 s per million, so the job that has a target
# keeps the ids as text: the peer shall be at its best.
SESSION_JOBS = [
    SessionJob('ids as text, append', 'VARCHAR', 'append', 3, 0.6),
    SessionJob('the example: ids as decimal(20,0), merge by key', 'DECIMAL(20,0)', 'merge', 1, None),
]


def session_project(root: pathlib.Path, file: pathlib.Path, job: SessionJob) -> None:
    (root / 'landing').mkdir(parents=True)
    text = (EXAMPLE / 'weir.yaml').read_text().replace('landing/*.json', 'landing/*.ndjson')
    text = text.replace('decimal(20,0)', job.id_type.lower())
    if job.mode == 'append':
        text = text.replace('{table: hits, mode: merge}', '{table: hits, mode: append}')
        text = text.replace('    key: [user_id, visit_id, date]\n', '')
    (root / 'weir.yaml').write_text(text)
    os.link(file, root / 'landing' / file.name)


def load_sessions(root: pathlib.Path, weir: pathlib.Path, file: pathlib.Path, job: SessionJob, sessions: int) -> tuple:
    session_project(root, file, job)
    taken = measured_process([str(weir), 'run', 'load-sessions', '--project', str(root), '--format', 'json'])
    loaded = Project(root, weir).value('SELECT count(*) FROM monks.hits')
    if int(loaded) != sessions:
        raise RuntimeError(f'{loaded} rows, not {sessions}')
    shutil.rmtree(root)
    return taken


def load_with_peer(database: pathlib.Path, peer: pathlib.Path, file: pathlib.Path, job: SessionJob) -> tuple:
    taken = measured_process([str(peer), str(database), PEER_TABLE.format(id_type=job.id_type),
                              PEER_INSERT.format(id_type=job.id_type, file=file)])
    database.unlink()
    return taken


def million_sessions(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, sessions: int) -> list[Figure]:
    root.mkdir()
    file = root / 'sessions.ndjson'
    print(f'generating {sessions} sessions', flush=True)
    subprocess.run(['/usr/bin/python3', str(EXAMPLE / 'generate.py'), str(file), '--sessions', str(sessions),
                    '--days', '31', '--seed', '7'], check=True)
    figures = []
    for job in SESSION_JOBS:
        ours, theirs = [], []
        for _ in range(job.rounds):
            theirs.append(load_with_peer(root / 'peer.duckdb', peer, file, job))
            ours.append(load_sessions(root / 'project', weir, file, job, sessions))
        our_time, their_time = (statistics.median(time for time, _ in taken) for taken in (ours, theirs))
        our_peak, their_peak = (max(memory for _, memory in taken) for taken in (ours, theirs))
        ratio = our_time / their_time
        name = f'{sessions:,} sessions ({file.stat().st_size / 1e9:.2f} GB NDJSON), {job.name}'
        figures += [
            Figure(f'{name}: bare DuckDB `read_json`', '', f'{their_time:.2f} s, {their_peak:.0f} MB', None),
            Figure(f'{name}: weir, in times of DuckDB', f'≤ {job.limit} ×' if job.limit else '',
                   f'{our_time:.2f} s = {ratio:.2f} ×', ratio <= job.limit if job.limit else None),
            at_most('its peak resident memory with `memory: 1GB`', our_peak, 1024, 'MB', 0)]
    return figures


def output_of(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout.strip()


def measured_on(build: pathlib.Path, folder: pathlib.Path) -> str:
    processor = next((line.split(':')[1].strip() for line in pathlib.Path('/proc/cpuinfo').read_text().splitlines()
                      if line.startswith('model name')), platform.machine())
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    file_system = output_of('stat', '-f', '-c', '%T', str(folder))
    return (f'{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, '
            f'commit {output_of("git", "rev-parse", "--short", "HEAD")}: '
            f'{output_of(str(build / "src" / "weir"), "--version").splitlines()[0]}, '
            f'DuckDB {output_of(str(build / "bench" / "duckdb_peer"), "--version")}, '
            f'{output_of("g++", "--version").splitlines()[0]}; {os.cpu_count()} × {processor}, {memory:.0f} GiB, '
            f'Linux {platform.release()}, {file_system}')


def parts_of(root: pathlib.Path, build: pathlib.Path, sizes: argparse.Namespace) -> dict[str, Callable[[], list[Figure]]]:
    weir = build / 'src' / 'weir'
    peer, queue_peer = build / 'bench' / 'duckdb_peer', build / 'bench' / 'queue_peer'
    return {
        'start': lambda: start_up(root / 'start', weir),
        'latency': lambda: latency(root / 'latency', weir, 300),
        'small-files': lambda: small_files(root / 'small', weir, 3000),
        'files-before': lambda: files_there_before(root / 'before', weir, 100_000),
        'idle': lambda: idle(root / 'idle', weir, 20),
        'schedules': lambda: unattended.idle_schedules(root / 'schedules', weir, sizes.schedules, sizes.idle_seconds),
        'queue': lambda: unattended.long_queue(root / 'queue', weir, queue_peer, sizes.runs),
        'sessions': lambda: million_sessions(root / 'large', weir, peer, sizes.sessions),
        'typed-csv': lambda: contract.typed_csv(root / 'typed', weir, peer, sizes.rows),
        'replay': lambda: contract.replay(root / 'replay', weir, peer, 10_000),
        'big-key': lambda: contract.big_key(root / 'key', weir, peer, sizes.keyed_rows),
        'postgres': lambda: servers.postgres(root / 'postgres', weir, peer, sizes.rows, sizes.rounds),
        'postgres-merge': lambda: servers.postgres_merge(root / 'merge', weir, peer, sizes.rows, sizes.rounds),
        'postgres-references': lambda: servers.postgres_references(root / 'references', weir, peer, sizes.rows, sizes.rounds),
        'postgres-memory': lambda: servers.postgres_memory(root / 'memory', weir, peer, sizes.rows * 10),
        'mariadb': lambda: servers.mariadb(root / 'mariadb', weir, peer, sizes.rows, sizes.rounds),
        'mariadb-merge': lambda: servers.mariadb_merge(root / 'mariadb-merge', weir, peer, sizes.rows, sizes.rounds),
        'api': lambda: rows_over_http.both(root / 'api', weir, sizes.rounds, sizes.api_seconds)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', type=lambda text: pathlib.Path(text).resolve(), required=True)
    parser.add_argument('--output', type=pathlib.Path, help='the page; left out: figures are only printed')
    parser.add_argument('--part', action='append', help='measure only this one; may be repeated. Other sections stay')
    parser.add_argument('--sessions', type=int, default=1_000_000)
    parser.add_argument('--rows', type=int, default=5_000_000, help='of the typed CSV, and of loads into servers')
    parser.add_argument('--rounds', type=int, default=3, help='of loads into servers, behind one to warm up')
    parser.add_argument('--keyed-rows', type=int, default=50_000_000)
    parser.add_argument('--schedules', type=int, default=10_000)
    parser.add_argument('--idle-seconds', type=int, default=60, help='for which the schedules are watched')
    parser.add_argument('--runs', type=int, default=100_000, help='in the queue')
    parser.add_argument('--api-seconds', type=int, default=10, help='of a round of rows over HTTP')
    arguments = parser.parse_args()
    root = pathlib.Path(tempfile.mkdtemp(prefix='weir-bench-'))
    try:
        parts = parts_of(root, arguments.build, arguments)
        unknown = set(arguments.part or []) - set(parts)
        if unknown:
            parser.error(f'no part {", ".join(sorted(unknown))}; there are {", ".join(parts)}')
        for name in arguments.part or parts:
            figures = parts[name]()
            print('\n'.join([f'## {name}', *[figure.row() for figure in figures]]), flush=True)
            if arguments.output:
                page = Page(arguments.output, list(parts))
                page.put(name, measured_on(arguments.build, root), figures)
                page.write()
    finally:
        shutil.rmtree(root)


if __name__ == '__main__':
    main()
