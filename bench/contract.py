"""The contract's cost: a typed CSV with rules beside bare `read_csv`, bad rows, big keys, replay."""
import csv
import io
import pathlib
import random
import shutil
import statistics
import subprocess
import time

from figures import Figure, at_most, measured_process
from weir_project import Project

PEOPLE = '''
project: people
memory: {memory}
databases: {{db: duckdb://db.duckdb}}
buckets: {{landing: file://landing}}
tables:
  people:
    in: db
    columns:
      id: bigint | required | >= 0
      name: varchar(100) | required
      hired_at: timestamp | required | >= 2000-01-01
      department_id: smallint | required | >= 1 | <= 12
      job_id: smallint | required | >= 1
{key}
pipelines:
  load:
    when: [{{object: "landing/*.csv"}}]
    steps:
      - read: {{format: csv, header: false}}
      - load: {{table: people, mode: append}}
'''
COLUMNS = {'id': 'BIGINT', 'name': 'VARCHAR', 'hired_at': 'TIMESTAMP', 'department_id': 'SMALLINT',
           'job_id': 'SMALLINT'}
TABLE = f'CREATE TABLE people ({", ".join(f"{name} {kind} NOT NULL" for name, kind in COLUMNS.items())})'
# Department 99 breaks a rule; ids come in an order that no sort or narrow key range helps with.
GENERATE = '''COPY (SELECT (i * 2654435761) % {prime} AS id, 'Person ' || (hash(i) % 100000)::VARCHAR || ' Name' AS name,
strftime(TIMESTAMP '2021-01-01' + INTERVAL (i % 31536000) SECOND, '%Y-%m-%dT%H:%M:%S') AS hired_at,
CASE WHEN {bad} THEN 99 ELSE i % 12 + 1 END AS department_id, i % 183 + 1 AS job_id FROM range({rows}) r(i))
TO '{file}' (HEADER false)'''
PRIME = 4_294_967_291  # greater than any number of rows: the ids are distinct


def generate(peer: pathlib.Path, file: pathlib.Path, rows: int, bad: str = 'false') -> None:
    sql = GENERATE.format(prime=PRIME, rows=rows, file=file, bad=bad)
    subprocess.run([peer, ':memory:', sql], check=True, stdout=subprocess.DEVNULL)


def project(root: pathlib.Path, weir: pathlib.Path, file: pathlib.Path, memory: str = '1GB', key: str = '') -> Project:
    shutil.rmtree(root, ignore_errors=True)
    (root / 'landing').mkdir(parents=True)
    (root / 'weir.yaml').write_text(PEOPLE.format(memory=memory, key=key))
    (root / 'landing' / file.name).hardlink_to(file)
    return Project(root, weir)


def load(root: pathlib.Path, weir: pathlib.Path, file: pathlib.Path, rows: int, **settings: str) -> tuple[float, float]:
    """Seconds and peak megabytes of `weir run`; the row count is checked."""
    made = project(root, weir, file, **settings)
    taken = measured_process([str(weir), 'run', 'load', '--project', str(root), '--format', 'json'], codes=(0, 3))
    loaded = int(made.value('SELECT count(*) FROM people'))
    if loaded != rows:
        raise RuntimeError(f'{loaded} rows, not {rows}')
    return taken


def load_with_peer(database: pathlib.Path, peer: pathlib.Path, file: pathlib.Path) -> tuple[float, float]:
    columns = ', '.join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
    insert = f"INSERT INTO people SELECT * FROM read_csv('{file}', header=false, columns={{{columns}}})"
    taken = measured_process([str(peer), str(database), TABLE, insert])
    database.unlink()
    return taken


def typed_csv(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, rows: int) -> list[Figure]:
    root.mkdir()
    clean, dirty = root / 'clean.csv', root / 'dirty.csv'
    generate(peer, clean, rows)
    generate(peer, dirty, rows, 'i % 100 = 7')
    theirs, ours, with_bad = [], [], []
    for _ in range(5):
        theirs.append(load_with_peer(root / 'peer.duckdb', peer, clean))
        ours.append(load(root / 'project', weir, clean, rows))
        with_bad.append(load(root / 'project', weir, dirty, rows - rows // 100))
    peer_time, time_clean, time_bad = (statistics.median(one for one, _ in all) for all in (theirs, ours, with_bad))
    name = f'{rows:,}-row typed CSV ({clean.stat().st_size / 1e6:.0f} MB) with ten rules'
    shutil.rmtree(root)
    return [
        Figure(f'{name}: DuckDB `read_csv` with the same casts, no rules', '',
               f'{peer_time:.2f} s, {max(peak for _, peak in theirs):.0f} MB', None),
        Figure(f'{name}: weir, in times of DuckDB', '≤ 1.1 ×', f'{time_clean:.2f} s = {time_clean / peer_time:.2f} ×',
               time_clean <= 1.1 * peer_time),
        Figure('the same with 1 % bad rows, each in quarantine', '≤ 1.2 ×',
               f'{time_bad:.2f} s = {time_bad / peer_time:.2f} ×', time_bad <= 1.2 * peer_time),
        at_most('peak resident memory of both with `memory: 1GB`', max(peak for _, peak in ours + with_bad), 1024, 'MB', 0)]


def big_key(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, rows: int) -> list[Figure]:
    root.mkdir()
    file = root / 'big.csv'
    generate(peer, file, rows)
    seconds, peak = load(root / 'project', weir, file, rows, key='    key: [id]')
    shutil.rmtree(root)
    return [Figure(f'{rows:,} rows with a key, appended to an empty table', '', f'{seconds:.0f} s', None),
            at_most('its peak resident memory with `memory: 1GB`', peak, 1024, 'MB', 0)]


def replay(root: pathlib.Path, weir: pathlib.Path, peer: pathlib.Path, rejects: int) -> list[Figure]:
    """Rejects a part of a file, mends all of it in one CSV and gives it back."""
    root.mkdir()
    file = root / 'dirty.csv'
    generate(peer, file, rejects * 10, 'i % 10 = 7')
    made = project(root / 'project', weir, file)
    made.run('load', code=3)
    run = made.runs()[0]['id']
    listed = made.verb('rejects', run, '--format', 'csv')
    table = list(csv.DictReader(io.StringIO(listed.out)))
    if listed.code != 0 or len(table) != rejects:
        raise RuntimeError(f'{len(table)} rejects, not {rejects}: {listed.err}')
    choose = random.Random(1)
    mended = root / 'mended.csv'
    with mended.open('w', newline='') as out:
        writer = csv.DictWriter(out, table[0].keys())
        writer.writeheader()
        for row in table:
            writer.writerow({**row, 'department_id': str(choose.randint(1, 12))})
    begin = time.perf_counter()
    result = made.verb('replay', run, '--with', str(mended))
    seconds = time.perf_counter() - begin
    if result.code != 0 or int(made.value('SELECT count(*) FROM people')) != rejects * 10:
        raise RuntimeError(f'not all were replayed: {result}')
    shutil.rmtree(root)
    return [at_most(f'`weir replay --with` {rejects:,} mended rows', seconds, 1, 's', 2)]
