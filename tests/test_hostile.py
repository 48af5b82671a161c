"""Input that nobody wants: it must be told of clearly, cost bounded memory, crash nothing and hold nothing up.

Every test drops a good object beside the hostile ones; it must be loaded all the same. Inputs are made here and
never stored. WEIR_HOSTILE_FULL=1 makes them as large as the worst ones people send (1 GB in a line).
"""
import dataclasses
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time
from typing import Any, Callable

import pytest

from weir_project import Project, balances, wait_until

FULL = os.environ.get('WEIR_HOSTILE_FULL') == '1'
MEMORY_MB = 256  # what the project allows; no process may need more
SECONDS = 300.0
LONGEST_MESSAGE = 1000
GOOD = b'{"id": 1, "name": "good"}\n'

WEIR_YAML = '''
project: hostile
memory: {memory}MB
databases: {{db: "duckdb://{database}"}}
buckets: {{landing: {{url: "file://landing", settle: 0s}}}}
tables:
  rows:
    in: db
    columns:
      id: bigint | required
      name: varchar
      document: json
pipelines:
  json:
    when: [{{object: "landing/**/*.json"}}]
    steps: [read: {{format: json{json}}}, load: {{table: rows}}]
  csv:
    when: [{{object: "landing/**/*.csv"}}]
    steps:
      - read: {{format: csv, columns: {{id: bigint, name: varchar}}}}
      - load: {{table: rows}}
'''


@dataclasses.dataclass
class Measured:
    code: int
    out: str
    err: str
    peak_mb: float

    def receipts(self) -> dict[str, dict]:
        import json
        return {receipt['object'].removeprefix('landing/'): receipt for receipt in json.loads(self.out)}


def make(root: pathlib.Path, database: str = 'hostile.duckdb', json: str = '', memory: int = MEMORY_MB) -> Project:
    (root / 'landing').mkdir(parents=True, exist_ok=True)
    (root / 'weir.yaml').write_text(WEIR_YAML.format(database=database, json=json, memory=memory))
    project = Project(root)
    project.write('landing/good.json', GOOD)
    return project


def measured(project: Project, *arguments: str, prepare: Callable[[], None] | None = None,
             command: list[str] | None = None) -> Measured:
    """A verb, with the most memory it had at a time. Killed, and a failure, when it hangs."""
    words = command or [str(project.weir), *arguments, '--project', str(project.root)]
    with (project.root / 'out.log').open('wb') as out, (project.root / 'err.log').open('wb') as err:
        # What a shell leaves to a process: only Python ignores these signals.
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=project.root,
                                   preexec_fn=prepare, restore_signals=prepare is None)
    deadline = time.monotonic() + SECONDS
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise AssertionError(f'{words} hangs')
        time.sleep(0.01)
    process.returncode = os.waitstatus_to_exitcode(status)
    result = Measured(process.returncode, (project.root / 'out.log').read_text(errors='replace'),
                      (project.root / 'err.log').read_text(errors='replace'), usage.ru_maxrss / 1024)
    assert result.code in (0, 1, 2, 3), f'{words} died: {result}'
    return result


def run(project: Project, pipeline: str = 'json', code: int = 3, **how: Any) -> dict[str, dict]:
    """The receipts by object, of a run that kept to its memory and loaded what is good."""
    result = measured(project, 'run', pipeline, '--format', 'json', **how)
    assert result.code == code, result
    assert result.peak_mb <= MEMORY_MB, f'{result.peak_mb:.0f} MB for {pipeline}'
    receipts = result.receipts()
    for receipt in receipts.values():
        assert receipt['status'] == 'failed' or balances(receipt), receipt
        for reject in receipt['rejects']:
            assert len(reject['value']) <= 800 and len(reject['message']) <= LONGEST_MESSAGE, reject
        if receipt['status'] == 'failed':
            assert 0 < len(receipt['error']['message']) <= LONGEST_MESSAGE, receipt
    return receipts


def good_is_loaded(project: Project, times: int = 1) -> None:
    assert project.value("SELECT count(*) FROM rows WHERE id = 1 AND name = 'good'") == str(times)


def only_reject(receipt: dict) -> dict:
    assert receipt['rows']['rejected'] == 1, receipt
    return receipt['rejects'][0]


def write_long(path: pathlib.Path, begin: bytes, middle: bytes, megabytes: int, end: bytes) -> None:
    with path.open('wb') as file:
        file.write(begin)
        chunk = middle * (2**20 // len(middle))
        for _ in range(megabytes):
            file.write(chunk)
        file.write(end)


def test_a_line_that_does_not_end(tmp_path: pathlib.Path) -> None:
    megabytes = 1024 if FULL else 96
    project = make(tmp_path)
    landing = tmp_path / 'landing'
    write_long(landing / 'text.json', b'{"id": 2, "name": "', b'x', megabytes, b'"}\n{"id": 3}\n')
    write_long(landing / 'list.json', b'{"id": 4}\n{"id": 5, "document": [0', b',1', megabytes, b']}\n{"id": 6}\n')
    write_long(landing / 'array.json', b'[{"id": 7}, {"name": "', b'y', megabytes, b'"}, {"id": 8}]')
    write_long(landing / 'open.json', b'[{"id": 9}, {"name": "', b'z', megabytes, b'')
    receipts = run(project)
    assert only_reject(receipts['text.json'])['line'] == 1
    assert only_reject(receipts['list.json'])['line'] == 2
    assert only_reject(receipts['array.json'])['element'] == 2
    assert receipts['open.json']['rows']['rejected'] >= 1
    write_long(landing / 'text.csv', b'id,name\n10,', b'x', megabytes, b'\n11,y\n')
    write_long(landing / 'quoted.csv', b'id,name\n12,"', b'x', megabytes, b'"\n13,y\n')
    write_long(landing / 'never_closed.csv', b'id,name\n14,y\n15,"', b'x', megabytes, b'\n16,y\n')
    receipts = run(project, 'csv')
    assert only_reject(receipts['text.csv'])['line'] == 2
    assert only_reject(receipts['quoted.csv'])['line'] == 2
    assert only_reject(receipts['never_closed.csv'])['line'] == 3
    good_is_loaded(project)
    ids = {int(row['id']) for row in project.query('SELECT id FROM rows')}
    assert ids == {1, 3, 4, 6, 7, 8, 9, 11, 13, 14, 16}


def test_numbers_of_many_digits(tmp_path: pathlib.Path) -> None:
    project = make(tmp_path)
    landing = tmp_path / 'landing'
    write_long(landing / 'too_long.json', b'{"id": ', b'7', 100, b'}\n{"id": 2}\n')
    write_long(landing / 'long.json', b'{"id": ', b'7', 12, b'}\n{"id": 3}\n')
    write_long(landing / 'zeros.json', b'{"id": "', b'0', 12, b'4"}\n')
    write_long(landing / 'document.json', b'{"id": 5, "document": ', b'7', 12, b'}\n')
    receipts = run(project)
    assert only_reject(receipts['too_long.json'])['rule'] == 'record'
    reject = only_reject(receipts['long.json'])
    assert (reject['rule'], reject['field']) == ('bigint', 'id') and set(reject['value']) == {'7'}
    assert receipts['zeros.json']['rows']['inserted'] == receipts['document.json']['rows']['inserted'] == 1
    good_is_loaded(project)
    assert project.value('SELECT length(CAST(document AS VARCHAR)) FROM rows WHERE id = 5') == str(12 << 20)


def test_a_number_of_100_mb_in_a_record_that_is_allowed(tmp_path: pathlib.Path) -> None:
    """Who raises max_record gives the memory for it: about five times the record."""
    project = make(tmp_path, json=', max_record: 128MiB', memory=1500)
    write_long(tmp_path / 'landing' / 'long.json', b'{"id": ', b'7', 100, b'}\n{"id": 3}\n')
    result = measured(project, 'run', 'json', '--format', 'json')
    assert result.code == 3 and result.peak_mb <= 1500, result
    assert only_reject(result.receipts()['long.json'])['rule'] == 'bigint'
    good_is_loaded(project)


def test_nesting_of_100_000_levels(tmp_path: pathlib.Path) -> None:
    project = make(tmp_path)
    deep = b'[' * 100_000 + b']' * 100_000
    objects = b'{"a":' * 100_000 + b'1' + b'}' * 100_000
    project.write('landing/values.json', b'{"id": 2, "document": %s}\n{"id": 3}\n' % deep)
    project.write('landing/objects.json', b'{"id": 4, "document": %s}\n{"id": 5}\n' % objects)
    project.write('landing/ignored.json', b'{"id": 6, "nobody": %s}\n{"id": 7}\n' % deep)
    project.write('landing/array.json', b'[{"id": 8}, %s, {"id": 9}]' % deep)
    project.write('landing/all.json', deep)
    project.write('landing/open.json', b'[' * 100_000)
    project.write('landing/closed.json', b']' * 100_000)
    receipts = run(project)
    for name in ('values', 'objects', 'ignored', 'array'):
        assert 'nested too deep' in only_reject(receipts[f'{name}.json'])['message'], receipts[f'{name}.json']
    for name in ('all', 'open', 'closed'):
        assert receipts[f'{name}.json']['rows']['rejected'] >= 1
    good_is_loaded(project)
    assert {row['id'] for row in project.query('SELECT id FROM rows')} == {'1', '3', '5', '7', '8', '9'}


def test_bytes_that_are_no_text(tmp_path: pathlib.Path) -> None:
    project = make(tmp_path)
    project.write('landing/latin1.json', '{"id": 2, "name": "café"}\n{"id": 3}\n'.encode('latin-1'))
    project.write('landing/nul.json', b'{"id": 4, "name": "a\0b"}\n{"id": 5}\n\0\0\0\n{"id": 6}\n')
    project.write('landing/escaped.json', b'{"id": 7, "name": "a\\u0000b"}\n')
    project.write('landing/utf16le.json', '\ufeff{"id": 90}\n'.encode('utf-16-le'))
    project.write('landing/utf16be.json', '{"id": 91}\n'.encode('utf-16-be'))
    project.write('landing/utf32.json', '{"id": 92}\n'.encode('utf-32'))
    project.write('landing/zip.json', b'PK\3\4' + os.urandom(4096).replace(b'\n', b'x'))
    project.write('landing/gzip.json', b'\x1f\x8b\x08' + os.urandom(4096))
    project.write('landing/damaged.json.gz', b'\x1f\x8b\x08' + os.urandom(4096))
    project.write('landing/zeros.json', b'\0' * (4 << 20))
    project.write('landing/noise.json', os.urandom(4 << 20))
    receipts = run(project, code=1)
    assert only_reject(receipts['latin1.json'])['rule'] == 'utf-8' and only_reject(receipts['latin1.json'])['line'] == 1
    assert [reject['line'] for reject in receipts['nul.json']['rejects']] == [1, 3]
    assert receipts['escaped.json']['rows']['inserted'] == 1
    for name in ('utf16le', 'utf16be', 'utf32', 'gzip', 'zeros'):
        receipt = receipts[f'{name}.json']
        assert receipt['status'] == 'failed' and receipt['error']['code'] == 'invalid_input', receipt
        assert 'UTF-8' in receipt['error']['message'], receipt
    assert receipts['zip.json']['rows']['inserted'] == receipts['noise.json']['rows']['inserted'] == 0
    good_is_loaded(project)
    assert {row['id'] for row in project.query('SELECT id FROM rows')} == {'1', '3', '5', '6', '7'}


def test_csv_bytes_and_line_ends(tmp_path: pathlib.Path) -> None:
    project = make(tmp_path)
    project.write('landing/good.csv', 'id,name\n1,good\n')
    project.write('landing/ends.csv', b'id,name\r\n2,a\n3,b\r4,c\r\n5,"d\r\ne\nf\rg"\n6,h')
    project.write('landing/latin1.csv', 'id,name\n7,café\n8,x\n'.encode('latin-1'))
    project.write('landing/nul.csv', b'id,name\n9,a\0b\n10\0,x\n11,y\n')
    project.write('landing/utf16.csv', '\ufeffid,name\n90,x\n'.encode('utf-16-le'))
    project.write('landing/noise.csv', b'id,name\n' + os.urandom(4 << 20))
    project.write('landing/quotes.csv', b'id,name\n' + b'12,"\n' * 100_000)
    project.write('landing/commas.csv', b'id,name\n13,' + b',' * (8 << 20) + b'\n14,x\n')
    project.write('landing/blank.csv', b'id,name\n' + b'\n' * (8 << 20) + b'15,x\n')
    receipts = run(project, 'csv', code=1)
    assert receipts['utf16.csv']['error']['code'] == 'invalid_input'
    assert only_reject(receipts['latin1.csv'])['line'] == 2
    assert only_reject(receipts['nul.csv'])['line'] == 3
    assert only_reject(receipts['commas.csv'])['rule'] == 'field count'
    assert only_reject(receipts['commas.csv'])['value'].startswith(str((8 << 20) + 2))
    assert receipts['quotes.csv']['rows']['inserted'] == 50_000  # every second line is inside of a field
    rows = {int(row['id']): row['name'] for row in project.query('SELECT DISTINCT id, name FROM rows WHERE id < 100')}
    assert rows == {1: 'good', 2: 'a', 3: 'b', 4: 'c', 5: 'd\r\ne\nf\rg', 6: 'h', 8: 'x', 9: 'a\0b', 11: 'y',
                    12: '\n12,', 14: 'x', 15: 'x'}


def test_ten_thousand_columns(tmp_path: pathlib.Path) -> None:
    project = make(tmp_path)
    names = ','.join(f'c{number}' for number in range(10_000))
    line = ','.join('7' for _ in range(10_000))
    project.write('landing/good.csv', 'id,name\n1,good\n')
    project.write('landing/wide.csv', f'{names},id,name\n' + f'{line},2,x\n' * 50 + f'{line},3\n')
    receipts = run(project, 'csv')
    assert receipts['wide.csv']['rows']['inserted'] == 50
    assert only_reject(receipts['wide.csv'])['value'] == '10001 instead of 10002'
    members = ', '.join(f'"c{number}": {number}' for number in range(10_000))
    project.write('landing/wide.json', f'{{{members}, "id": 4}}\n' * 50)
    assert run(project, code=0)['wide.json']['rows']['inserted'] == 50
    good_is_loaded(project, times=2)
    assert project.value('SELECT count(*) FROM rows') == '102'


def test_a_member_a_million_times(tmp_path: pathlib.Path) -> None:
    project = make(tmp_path)
    project.write('landing/twice.json', b'{' + b'"id":2,' * (1 << 20) + b'"id":2}\n{"id":3}\n')
    project.write('landing/wrong.json', b'{' + b'"id":"x",' * (1 << 20) + b'"id":2}\n{"id":4}\n')
    project.write('landing/elements.json', b"[" + b"," * (32 << 10) + b'{"id":5}]')
    receipts = run(project)
    assert only_reject(receipts['twice.json'])['rule'] == 'duplicate member'
    assert only_reject(receipts['wrong.json'])['element'] == 1
    assert receipts['elements.json']['rows']['rejected'] == 32 << 10
    good_is_loaded(project)
    assert {row['id'] for row in project.query('SELECT id FROM rows')} == {'1', '3', '4', '5'}


def test_empty_inputs(tmp_path: pathlib.Path) -> None:
    project = make(tmp_path)
    for name, content in (('nothing', b''), ('bom', b'\xef\xbb\xbf'), ('blank', b' \n\n\t\n'), ('array', b'[]')):
        project.write(f'landing/{name}.json', content)
    receipts = run(project, code=0)
    assert all(receipts[f'{name}.json']['rows']['read'] == 0 for name in ('nothing', 'bom', 'blank', 'array'))
    good_is_loaded(project)


def odd_entries(landing: pathlib.Path) -> None:
    """What stands in a folder and is no file that can be read."""
    (landing / 'folder.json').mkdir()
    (landing / 'folder.json' / 'inside.json').write_bytes(b'{"id": 2}\n')
    (landing / 'self.json').symlink_to('self.json')
    (landing / 'loop').symlink_to(landing, target_is_directory=True)
    (landing / 'gone.json').symlink_to('nowhere.json')
    os.mkfifo(landing / 'fifo.json')


def test_entries_that_are_no_files(tmp_path: pathlib.Path) -> None:
    project = make(tmp_path)
    odd_entries(tmp_path / 'landing')
    receipts = run(project, code=0)
    assert set(receipts) == {'good.json', 'folder.json/inside.json'}
    good_is_loaded(project)
    for name in ('folder.json', 'self.json', 'gone.json', 'fifo.json', 'loop'):
        result = measured(project, 'run', 'json', '--object', f'landing/{name}', '--format', 'json')
        assert result.code in (1, 2) and name in result.out + result.err, result


def test_entries_that_are_no_files_while_weir_watches(tmp_path: pathlib.Path) -> None:
    project = make(tmp_path)
    with project.up() as owner:
        wait_until(lambda: project.value('SELECT count(*) FROM rows') == '1', 'the good object is loaded')
        odd_entries(tmp_path / 'landing')
        project.write('landing/later.json', b'{"id": 3}\n')
        wait_until(lambda: project.value('SELECT count(*) FROM rows') == '3', 'what came later is loaded')
        assert owner.stop() == 0
    good_is_loaded(project)


def small_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def big_rows(path: pathlib.Path, rows: int) -> None:
    with path.open('w') as file:
        for number in range(rows):
            file.write(f'{{"id": {number + 10}, "name": "{number * 7919 % 1_000_003:030d}{os.urandom(40).hex()}"}}\n')


def test_a_database_that_cannot_grow(tmp_path: pathlib.Path) -> None:
    """A limit on file sizes stands for the disk that is full."""
    project = make(tmp_path)
    assert set(run(project, code=0)) == {'good.json'}
    big_rows(tmp_path / 'landing' / 'big.json', 60_000)
    project.write('landing/after.json', b'{"id": 2}\n')
    result = measured(project, 'run', 'json', '--format', 'json', prepare=small_files)
    assert result.code == 1, result
    said = result.out + result.err
    assert 'File too large' in said or 'EFBIG' in said or 'space' in said, result
    # With room again everything is there, once.
    receipts = run(project, code=0)
    assert project.value('SELECT count(*) FROM rows') == str(60_000 + 2), receipts
    good_is_loaded(project)


def on_small_disk(project: Project, folder: str, megabytes: int, *arguments: str) -> Measured:
    """A verb in a mount namespace of its own, where `folder` is a disk of that size."""
    place = project.root / folder
    place.mkdir(parents=True, exist_ok=True)
    inside = (f'mount -t tmpfs -o size={megabytes}m tmpfs "{place}" && '
              f'exec "{project.weir}" {" ".join(arguments)} --format json --project "{project.root}"')
    return measured(project, command=['unshare', '-rm', 'sh', '-c', inside])


def needs_small_disks() -> None:
    probe = subprocess.run(['unshare', '-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], capture_output=True)
    if probe.returncode != 0:
        pytest.skip(f'no mount namespaces here: {probe.stderr.decode().strip()}')


def test_a_full_disk_for_what_is_spilled(tmp_path: pathlib.Path) -> None:
    needs_small_disks()
    project = make(tmp_path)
    project.write('landing/many.json', b'no json\n' * 120_000)
    result = on_small_disk(project, '.weir/default/spool', 2, 'run', 'json')
    receipts = result.receipts()
    error = receipts['many.json']['error']
    assert result.code == 1 and receipts['many.json']['status'] == 'failed', result
    assert 'No space left' in error['message'] and len(error['message']) <= LONGEST_MESSAGE, error
    assert receipts['good.json']['rows']['inserted'] == 1
    good_is_loaded(project)
    assert run(project)['many.json']['rows']['rejected'] == 120_000  # with room again


def test_a_full_disk_for_the_database(tmp_path: pathlib.Path) -> None:
    needs_small_disks()
    project = make(tmp_path, database='small/hostile.duckdb')
    big_rows(tmp_path / 'landing' / 'big.json', 700_000)
    result = on_small_disk(project, 'small', 24, 'run', 'json')  # with less than 16 MB free it is not even tried
    assert result.code == 1, result
    assert 'No space left' in result.err or 'free' in result.err, result
    assert 'is queued' in result.err and len(result.err) <= LONGEST_MESSAGE + 500, result
    receipts = result.receipts()
    assert receipts['good.json']['status'] == 'succeeded', receipts


if __name__ == '__main__':
    sys.exit(pytest.main([__file__]))
