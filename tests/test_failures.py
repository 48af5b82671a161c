"""Failing runs, and databases that are not there: what weir does by itself, and what is left to people."""
import contextlib
import fcntl
import gzip
import os
import pathlib
from typing import Iterator

from small_project import lines
from weir_project import FINISHED, Project, wait_until

WEIR_YAML = '''
project: numbers
databases:
  db: duckdb://sub/db.duckdb
  other: duckdb://other.duckdb
buckets:
  landing: file://landing
tables:
  numbers: {in: db, columns: {n: bigint | required, source: varchar}}
  others: {in: other, columns: {n: bigint | required, source: varchar}}
pipelines:
  load:
    when: [{object: "landing/*.json"}]
    steps: [{read: {format: json}}, {load: {table: numbers}}]
    retry: {times: 2, backoff: 10ms}
  load-others:
    when: [{object: "landing/other/*.json"}]
    steps: [{read: {format: json}}, {load: {table: others}}]
'''


def make(root: pathlib.Path) -> Project:
    (root / 'weir.yaml').write_text(WEIR_YAML)
    (root / 'landing' / 'other').mkdir(parents=True)
    return Project(root)


@contextlib.contextmanager
def held(path: pathlib.Path) -> Iterator[None]:
    """Another program, this one, has the DuckDB file open: the lock is the one DuckDB takes."""
    with path.open('r+b') as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def count(project: Project, table: str, database: str) -> int:
    return int(project.query(f'SELECT count(*) AS n FROM {table}', '--in', database)[0]['n'])


def states(project: Project, pipeline: str) -> list[str]:
    return [run['state'] for run in project.runs('--pipeline', pipeline)]


def test_a_file_that_another_program_has_open_holds_up_its_own_runs_only(tmp_path) -> None:
    project = make(tmp_path)
    project.write('landing/first.json', lines(1))
    project.run('load')
    with held(tmp_path / 'sub' / 'db.duckdb'):
        with project.up() as owner:
            project.move_in('landing/a.json', lines(2, 3))
            project.move_in('landing/other/b.json', lines(4))
            wait_until(lambda: count(project, 'others', 'other') == 1, 'the other database\'s row')
            wait_until(lambda: 'queued' in states(project, 'load'), 'a run that waits')
            refused = project.verb('run', 'load', '--object', 'landing/a.json')
            assert refused.code == 1 and 'another program has' in refused.err, refused
            assert f'(PID {os.getpid()})' in refused.err and 'close it' in refused.err, refused
            refused = project.verb('query', 'SELECT 1', '--in', 'db')
            assert refused.code == 1 and 'another program has' in refused.err, refused
            assert [run['tries'] for run in project.runs('--pipeline', 'load', '--state', 'queued')] != []
            assert owner.alive() and owner.stop() == 0
    log = (tmp_path / 'up.log').read_text()
    assert log.count('database db is down') == 1, log
    with held(tmp_path / 'sub' / 'db.duckdb'):
        owner = project.start()
    with contextlib.ExitStack() as stack:  # the lock is free again, and weir is up
        stack.callback(owner.kill)
        wait_until(lambda: states(project, 'load').count('succeeded') == 2, 'the run that waited')
        assert count(project, 'numbers', 'db') == 3
        assert 'database db is up again' in (tmp_path / 'up.log').read_text()


def test_a_folder_that_cannot_be_made_is_waited_for(tmp_path) -> None:
    project = make(tmp_path)
    (tmp_path / 'sub').write_text('in the way')
    with project.up():
        project.move_in('landing/a.json', lines(1, 2))
        wait_until(lambda: 'database db is down' in (tmp_path / 'up.log').read_text(), 'the log to say so')
        refused = project.verb('run', 'load', '--object', 'landing/a.json')
        assert refused.code == 1 and 'cannot make the folder' in refused.err, refused
        (tmp_path / 'sub').unlink()
        wait_until(lambda: states(project, 'load') == ['succeeded'], 'the run that waited')
        assert count(project, 'numbers', 'db') == 2


def test_one_poison_among_many_is_parked_and_the_others_are_in(tmp_path) -> None:
    project = make(tmp_path)
    for number in range(100):
        project.write(f'landing/{number}.json', lines(number))
    project.write('landing/50.json.gz', 'no gzip at all')
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML.replace('landing/*.json"', 'landing/*"'))
    receipts = project.run('load', code=1)
    assert sorted(receipt['status'] for receipt in receipts) == ['failed'] + ['succeeded'] * 100
    assert count(project, 'numbers', 'db') == 100
    assert states(project, 'load').count('parked') == 1


def test_parked_runs_are_tried_again_or_dismissed(tmp_path) -> None:
    project = make(tmp_path)
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML.replace('landing/*.json"', 'landing/*"'))
    project.write('landing/a.json.gz', 'no gzip at all')
    project.write('landing/b.json.gz', 'nor is this')
    project.run('load', code=1)
    parked = project.runs('--state', 'parked')
    assert len(parked) == 2 and all('gzip' in run['error'] for run in parked)

    again = project.verb('retry', parked[0]['id'], '--format', 'json')
    assert again.code == 1 and again.json()[0]['run'] == parked[0]['id'], again
    assert states(project, 'load') == ['parked', 'parked']

    project.write('landing/a.json.gz', gzip.compress(lines(1).encode()))
    project.write('landing/b.json.gz', gzip.compress(lines(2).encode()))
    ended = project.verb('retry', '--all', '--pipeline', 'load', '--format', 'json')
    assert ended.code == 0 and len(ended.json()) == 2, ended
    assert states(project, 'load') == ['succeeded', 'succeeded']
    assert project.verb('retry', '--all').code == 0  # none left

    project.write('landing/c.json.gz', 'neither')
    project.run('load', code=1)
    dismissed = project.verb('retry', '--all', '--dismiss', '--format', 'json')
    assert dismissed.code == 0 and dismissed.json()[0]['object'] == 'landing/c.json.gz', dismissed
    assert states(project, 'load').count('failed') == 1 and 'parked' not in states(project, 'load')

    done = next(run['id'] for run in project.runs() if run['state'] in FINISHED - {'failed', 'parked'})
    for arguments in ([], [done], ['no-such-run'], [done, '--all']):
        assert project.verb('retry', *arguments).code == 2, arguments
