"""What docs/guide/operate.md says one sees, and what weir does, when the disk is full and when the clock jumps."""
import contextlib
import errno
import json
import os
import pathlib
import sys
import urllib.error
import urllib.request
from typing import Iterator

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from faulty_files import FaultyFiles  # noqa: E402
from small_project import count, lines, make, wait_for_rows  # noqa: E402
from weir_project import Owner, Project, wait_until  # noqa: E402

DAY = 24 * 3600
GUIDE = (pathlib.Path(__file__).resolve().parents[2] / 'docs' / 'guide' / 'operate.md').read_text()
SCHEDULED = '''
project: nightly
databases: {db: duckdb://db.duckdb}
tables:
  ticks: {in: db, columns: {at: timestamptz | key}}
pipelines:
  tick:
    when: [{cron: "0 0 * * *", missed: last}]
    steps:
      - {sql: "SELECT ${run.scheduled_for} AS at", in: db}
      - load: {table: ticks, mode: append}
'''


@pytest.fixture
def files(tmp_path: pathlib.Path) -> FaultyFiles:
    return FaultyFiles(tmp_path / 'page', pathlib.Path(os.environ['WEIR_FAULTY_FILES_MODULE']))


@contextlib.contextmanager
def up(project: Project, files: FaultyFiles) -> Iterator[Owner]:
    project.environment = files.environment()
    with project.up('--admin-port', '0') as owner:
        yield owner


def readiness(project: Project) -> dict:
    url = (project.root / '.weir' / 'default' / 'admin').read_text().strip()
    try:
        with urllib.request.urlopen(url + '/readyz', timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as answer:
        return json.load(answer)


def why_not(project: Project) -> str:
    return ' '.join(check['why'] for check in readiness(project)['checks'] if not check['ready'])


def quoted(text: str) -> str:
    """The guide quotes it."""
    assert text in GUIDE, text
    return text


def test_a_full_disk_is_told_and_got_over(tmp_path: pathlib.Path, files: FaultyFiles) -> None:
    project = make(tmp_path / 'p')
    with up(project, files) as owner:
        project.move_in('landing/a.json', lines(1))
        wait_for_rows(project, 1)
        full = [files.rule(path, 'write', 'fail', errno.ENOSPC) for path in ('*/.weir/*', '*/db.duckdb*')]
        project.move_in('landing/b.json', lines(2, 3))
        log = owner.log.read_text
        wait_until(lambda: quoted('bucket landing: cannot queue 1 runs: run log: cannot run a statement: '
                                  'database or disk is full; check free space and rights of the .weir folder') in log(),
                   'the log to say so')
        wait_until(lambda: quoted('No space left on device; make room on that disk') in why_not(project), 'told')
        assert owner.alive() and count(project) == 1
        assert full[0].struck
        files.heal()  # somebody makes room
        wait_for_rows(project, 3)
        wait_until(lambda: readiness(project)['status'] == 'ready', 'ready by itself')
        assert {run['state'] for run in project.runs()} <= {'succeeded', 'skipped'}
        assert owner.stop() == 0


def test_a_clock_that_is_set_forward_makes_up_for_and_set_back_does_not_fire_again(
        tmp_path: pathlib.Path, files: FaultyFiles) -> None:
    root = tmp_path / 'p'
    root.mkdir()
    (root / 'weir.yaml').write_text(SCHEDULED)
    project = Project(root)

    def ticks() -> int:
        return int(project.value('SELECT count(*) FROM ticks'))

    def next_fire() -> str:
        return project.verb('runs', '--next', '--limit', '1', '--format', 'json').json()[0]['utc']

    with up(project, files) as owner:
        before = next_fire()
        files.set_clock(3 * DAY)
        wait_until(lambda: ticks() == 1, 'the last of the three that were passed over')
        assert quoted('the last time is made up for') in owner.log.read_text()
        after = next_fire()
        assert after > before
        files.set_clock(2 * DAY)  # by less than a day behind the last fire: further, and that one is taken for wrong
        wait_until(lambda: files.timers_woken >= 2, 'weir to have seen the clock set back')
        assert next_fire() == after, 'days that were fired do not come again'
        [receipt] = project.run('tick', '--from', before[:10], '--to', before[:10])  # what is due, by hand
        assert receipt['status'] == 'succeeded' and ticks() == 2
        files.set_clock(4 * DAY)  # past where it was
        wait_until(lambda: ticks() == 3, 'the next that had not fired')
        assert owner.stop() == 0
    assert [run['state'] for run in project.runs()] == ['succeeded'] * 3
