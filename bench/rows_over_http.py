"""Rows over HTTP beside a service that a careful team would write (peers/rows: fastify, ajv, node-postgres).

Both write into the same Postgres, which syncs its log as in production; wrk drives both over loopback, and shares
the cores with them. Rounds take turns, behind one that is not counted; what is told is the median of the rounds.
"""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
from typing import Iterator, NamedTuple

from database_servers import Postgres
from figures import Figure
from weir_project import Project

HERE = pathlib.Path(__file__).resolve().parent
PEER = HERE / 'peers' / 'rows'

PROJECT = '''
project: events
memory: 1GB
databases: {{db: "{url}"}}
tables:
  events:
    in: db
    columns:
      id: bigint | required | >= 0
      name: varchar(100) | required
      quantity: integer | >= 0 | <= 1000000
      sent_at: timestamp | required
api:
  plans: {{standard: {{rate: 1000000/s, burst: 1000000}}}}     # what is measured is no limit
'''
TABLE = '''CREATE TABLE events (id bigint NOT NULL, name varchar(100) NOT NULL, quantity integer,
sent_at timestamp NOT NULL)'''


class Load(NamedTuple):
    """What wrk sends: requests of so many rows, over so many connections."""
    rows: int
    connections: int

    def told(self) -> str:
        if self.rows == 1:
            return f'single rows, {self.connections} connections'
        return f'{self.rows} rows a request, {self.connections} connections'


LOADS = [Load(1, 16), Load(1, 256), Load(100, 16), Load(1000, 16)]


class Measure(NamedTuple):
    """Of one round."""
    rate: float    # requests per second
    p50_ms: float
    p99_ms: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def row(number: int) -> dict:
    return {'id': number, 'name': f'Person {number * 7919 % 100_000} Name', 'quantity': number % 1000,
            'sent_at': f'2024-{number % 12 + 1:02}-{number % 28 + 1:02}T{number % 24:02}:{number % 60:02}:00'}


def write_bodies(file: pathlib.Path, rows: int) -> None:
    """Some two megabytes of requests, so that no cache of a processor holds the answer."""
    requests = max(16, 20_000 // rows)
    with file.open('w') as out:
        for number in range(requests):
            body = [row(number * rows + i) for i in range(rows)]
            out.write(json.dumps(body if rows > 1 else body[0], separators=(',', ':')) + '\n')


def run_wrk(url: str, load: Load, bodies: pathlib.Path, key: str | None, seconds: int) -> Measure:
    command = ['wrk', '--threads', '1', '--connections', str(load.connections), '--duration', f'{seconds}s', '--timeout',
               '10s', '--script', str(HERE / 'rows.lua'), url, '--', str(bodies), 'application/json',
               *([key] if key else [])]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])
    if told['errors']:
        raise RuntimeError(f'{url}: {told["errors"]} requests were not answered with 200')
    return Measure(told['requests'] / told['seconds'], told['p50_ms'], told['p99_ms'])


def install_peer() -> None:
    stamp, lock = PEER / 'node_modules' / '.installed', (PEER / 'package-lock.json').read_text()
    if stamp.exists() and stamp.read_text() == lock:
        return
    subprocess.run(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], cwd=PEER, check=True)
    stamp.write_text(lock)


@contextlib.contextmanager
def peer(server: Postgres, database: str) -> Iterator[str]:
    """The URL that takes rows. As many processes as cores: what serves it best."""
    port = free_port()
    command = ['node', str(PEER / 'service.mjs'), str(port), str(os.cpu_count() or 1), str(server.root), database]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, 'NODE_ENV': 'production'})
    try:
        assert process.stdout
        if process.stdout.readline().strip() != 'ready':
            raise RuntimeError('the peer does not start')
        yield f'http://127.0.0.1:{port}/events'
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def weir_up(root: pathlib.Path, weir: pathlib.Path, url: str) -> Iterator[tuple[str, str]]:
    """The URL that takes rows, and a key for it."""
    root.mkdir()
    (root / 'weir.yaml').write_text(PROJECT.format(url=url))
    project = Project(root, weir)
    with project.up('--port', '0') as owner:
        created = project.verb('key', 'create', 'bench', '--format', 'json')
        if created.code != 0:
            raise RuntimeError(repr(created))
        address = (root / '.weir' / 'default' / 'api').read_text().strip()
        yield f'{address}/api/tables/events/rows', created.json()['key']
        owner.stop()


def medians(rounds: list[Measure]) -> Measure:
    return Measure(*(statistics.median(values) for values in zip(*rounds)))


def told(load: Load, measure: Measure) -> str:
    rate = f'{measure.rate:,.0f} requests/s'
    if load.rows > 1:
        rate = f'{measure.rate * load.rows / 1000:,.0f}k rows/s'
    return f'{rate}, p50 {measure.p50_ms:.1f} ms, p99 {measure.p99_ms:.1f} ms'


def against(load: Load, ours: Measure, theirs: Measure) -> list[Figure]:
    wanted = 4 if load.rows == 1 else 2
    ratio = ours.rate / theirs.rate
    return [Figure(f'{load.told()}: fastify, ajv, pg', '', told(load, theirs), None),
            Figure(f'{load.told()}: weir', f'≥ {wanted} ×', f'{told(load, ours)} = {ratio:.2f} ×', ratio >= wanted),
            Figure('its p99, in times of the peer\'s', '≤ 1 ×', f'{ours.p99_ms / theirs.p99_ms:.2f} ×',
                   ours.p99_ms <= theirs.p99_ms)]


def postgres(root: pathlib.Path, weir: pathlib.Path, rounds: int, seconds: int) -> list[Figure]:
    install_peer()
    root.mkdir(parents=True)
    figures = []
    settings = ('fsync=on', 'shared_buffers=256MB', 'max_wal_size=8GB', 'checkpoint_timeout=1h')
    with Postgres(*(word for setting in settings for word in ('-c', setting))) as server:
        server.create('peer')
        server.create('weir')
        server.query(TABLE, 'peer')
        with peer(server, 'peer') as peer_url, weir_up(root / 'project', weir, server.url('weir')) as (weir_url, key):
            for load in LOADS:
                bodies = root / f'{load.rows}.bodies'
                write_bodies(bodies, load.rows)
                ours, theirs = [], []
                for number in range(rounds + 1):
                    measured = (run_wrk(peer_url, load, bodies, None, seconds), run_wrk(weir_url, load, bodies, key, seconds))
                    for name, of in zip(('peer', 'weir'), measured):
                        print(f'{load.told()}: {name}: {told(load, of)}', flush=True)
                    if number > 0:
                        theirs.append(measured[0])
                        ours.append(measured[1])
                    for database in ('peer', 'weir'):
                        server.query('TRUNCATE events', database)
                    server.query('CHECKPOINT')
                figures += against(load, medians(ours), medians(theirs))
    shutil.rmtree(root)
    return figures


def duckdb(root: pathlib.Path, weir: pathlib.Path, rounds: int, seconds: int) -> list[Figure]:
    root.mkdir(parents=True)
    figures = []
    with weir_up(root / 'project', weir, 'duckdb://db.duckdb') as (url, key):
        for load in LOADS:
            bodies = root / f'{load.rows}.bodies'
            write_bodies(bodies, load.rows)
            run_wrk(url, load, bodies, key, seconds)
            measure = medians([run_wrk(url, load, bodies, key, seconds) for _ in range(rounds)])
            print(f'{load.told()}: weir into DuckDB: {told(load, measure)}', flush=True)
            figures.append(Figure(f'{load.told()}: weir into a DuckDB file', '', told(load, measure), None))
    shutil.rmtree(root)
    return figures


def both(root: pathlib.Path, weir: pathlib.Path, rounds: int, seconds: int) -> list[Figure]:
    return (postgres(root / 'postgres', weir, rounds, seconds) + duckdb(root / 'duckdb', weir, rounds, seconds))
