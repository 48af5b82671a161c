"""Promise 5: resident memory stays within `memory:`, also where the rows of a load do not fit into it."""
import os
import pathlib
import subprocess

from weir_project import Project, binary

MEMORY_MB = 320
ROWS = 3_000_000

PROJECT = f'''
project: memory
memory: {MEMORY_MB}MB
databases: {{db: duckdb://db.duckdb}}
buckets: {{landing: file://landing}}
tables:
  t:
    in: db
    columns:
      id: bigint | key
      text: varchar | required | unique
pipelines:
  load:
    when: [{{object: "landing/*.csv"}}]
    steps:
      - read: {{format: csv, header: false}}
      - load: {{table: t, mode: merge}}
'''


def test_a_key_and_a_unique_column_that_do_not_fit_into_memory(tmp_path: pathlib.Path) -> None:
    (tmp_path / 'weir.yaml').write_text(PROJECT)
    (tmp_path / 'landing').mkdir()
    with (tmp_path / 'landing' / 'a.csv').open('w') as file:
        for i in range(ROWS):
            file.write(f'{i * 2654435761 % 4294967291},a text of some length that is not repeated: {i:012}\n')
        file.write(f'{4294967295},a text of some length that is not repeated: {7:012}\n')  # breaks unique
    process = subprocess.Popen([binary(), 'run', 'load', '--project', tmp_path, '--format', 'json'],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    error = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 3, error
    assert usage.ru_maxrss * 1024 <= MEMORY_MB * 1_000_000, usage.ru_maxrss
    project = Project(tmp_path)
    assert project.value('SELECT count(*) FROM t') == str(ROWS)
    assert project.query('SELECT field, rule, line FROM weir_rejects') == [
        {'field': 'text', 'rule': 'unique', 'line': str(ROWS + 1)}]
    assert not list((tmp_path / '.weir' / 'default' / 'spool').glob('*/*')), 'what was spilled is still there'
