"""Pipelines that run by the clock: real fires of a real owner, what deaths and pauses do to them, and backfill."""
import datetime
import sqlite3

import pytest

from weir_project import FINISHED, Project, wait_until

WEIR_YAML = '''
project: clock
databases: {db: duckdb://db.duckdb}
tables:
  ticks:
    in: db
    columns: {due: timestamptz | required, day: date | required}
  hours:
    in: db
    columns: {due: timestamptz | key}
  days:
    in: db
    columns: {day: date | key, due: timestamptz | required}
pipelines:
  tick:
    when: [{cron: "* * * * * *", missed: all}]
    steps:
      - {sql: "SELECT ${run.scheduled_for} AS due, ${run.day} AS day", in: db}
      - load: {table: ticks, mode: append}
  hourly:
    when: [{cron: "0 * * * *", missed: MISSED}]
    steps:
      - {sql: "SELECT ${run.scheduled_for} AS due", in: db}
      - load: {table: hours, mode: append}
  daily:
    when: [{cron: "5 0 * * *", timezone: America/Argentina/Buenos_Aires}]
    steps:
      - {sql: "SELECT ${run.day} AS day, ${run.scheduled_for} AS due", in: db}
      - load: {table: days, mode: merge}
  by-hand:
    steps:
      - {sql: "SELECT ${run.day} AS day, ${run.scheduled_for} AS due", in: db}
      - load: {table: days, mode: merge}
'''


def make(root, missed: str = 'last') -> Project:
    (root / 'weir.yaml').write_text(WEIR_YAML.replace('MISSED', missed))
    return Project(root)


def ticks(project: Project) -> int:
    return int(project.value('SELECT count(*) FROM ticks'))


def epochs(project: Project, table: str) -> list[int]:
    return [int(row['s']) for row in project.query(f'SELECT epoch(due)::BIGINT AS s FROM {table} ORDER BY s')]


def settled(project: Project) -> None:
    """Until nothing waits any more: an owner that fires nothing does what was queued."""
    project.verb('run', 'by-hand')
    wait_until(lambda: all(run['state'] in FINISHED for run in project.runs('--limit', '10000')), 'no run is left')


def test_every_second_of_a_running_owner(tmp_path) -> None:
    project = make(tmp_path)
    with project.up():
        wait_until(lambda: ticks(project) >= 4, 'four ticks')
    seconds = epochs(project, 'ticks')
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))
    run = project.runs('--pipeline', 'tick', '--state', 'succeeded')[0]
    assert run['trigger'] == 'cron'
    assert project.value('SELECT count(*) FROM ticks WHERE day <> (due AT TIME ZONE \'UTC\')::DATE - 1') == '0'


@pytest.mark.parametrize('fault', [None, 'cron-due', 'cron-fired', 'run-leased', 'after-commit'])
def test_deaths_lose_and_double_nothing(tmp_path, fault: str | None) -> None:
    project = make(tmp_path)
    for _ in range(3):
        if fault:
            project.environment = {'WEIR_FAULTS': f'crash@{fault}:3'}
        owner = project.start()
        if fault:
            owner.process.wait(timeout=60)
        else:
            before = ticks(project)
            wait_until(lambda: ticks(project) >= before + 2, 'two more ticks')
            owner.kill()
    project.environment = {}
    with project.up():
        before = ticks(project)
        wait_until(lambda: ticks(project) >= before + 2, 'two more ticks')
    settled(project)
    seconds = epochs(project, 'ticks')
    assert seconds == list(range(seconds[0], seconds[-1] + 1))


@pytest.mark.parametrize(('missed', 'runs'), [('skip', 0), ('last', 1), ('all', 3)])
def test_what_was_missed_while_nobody_was_up(tmp_path, missed: str, runs: int) -> None:
    project = make(tmp_path, missed)
    project.start().kill()
    # Three hours ago, as the run log remembers it.
    now = datetime.datetime.now(datetime.timezone.utc)
    if now.minute >= 58:
        pytest.skip('an hour is about to begin')
    mark = now.replace(minute=59, second=0, microsecond=0) - datetime.timedelta(hours=3)
    log = sqlite3.connect(tmp_path / '.weir' / 'default' / 'runs.sqlite')
    log.execute("UPDATE schedule_marks SET through_us = ? WHERE schedule = '0 * * * * UTC'",
                (int(mark.timestamp()) * 1_000_000,))
    log.execute("UPDATE schedule_marks SET through_us = ? WHERE schedule LIKE '* * * * * *%'",
                (int(now.timestamp()) * 1_000_000,))
    log.commit()
    log.close()
    expected = [int(mark.timestamp()) + 60 + 3600 * hour for hour in range(3)][3 - runs:]
    with project.up():
        before = ticks(project)
        wait_until(lambda: ticks(project) >= before + 2, 'the clock is looked at')
    settled(project)
    if now.minute < 1:  # the last hour is on time
        pytest.skip('an hour has just begun')
    assert epochs(project, 'hours') == expected


def test_backfill_twice_is_as_good_as_once(tmp_path) -> None:
    project = make(tmp_path)
    for _ in range(2):
        receipts = project.run('daily', '--from', '2026-02-27', '--to', '2026-03-01')
        assert [receipt['status'] for receipt in receipts] == ['succeeded'] * 3
        assert [(row['day'], row['due']) for row in project.query(
            "SELECT day, (due AT TIME ZONE 'UTC')::VARCHAR AS due FROM days ORDER BY day")] == [
            ('2026-02-27', '2026-02-28 03:05:00'), ('2026-02-28', '2026-03-01 03:05:00'),
            ('2026-03-01', '2026-03-02 03:05:00')]
    assert {run['trigger'] for run in project.runs('--pipeline', 'daily')} == {'backfill'}
    receipts = project.run('hourly', '--from', '2026-02-27T10:30:00Z', '--to', '2026-02-27T13:00:00+01:00')
    assert len(receipts) == 2


def test_a_backfill_that_dies_is_asked_for_again(tmp_path) -> None:
    project = make(tmp_path)
    asked = ('daily', '--from', '2026-02-27', '--to', '2026-03-01')
    project.environment = {'WEIR_FAULTS': 'crash@backfill-page:1'}
    assert project.verb('run', *asked).code == -9
    project.environment = {}
    project.run(*asked)
    assert [row['day'] for row in project.query('SELECT day FROM days ORDER BY day')] == [
        '2026-02-27', '2026-02-28', '2026-03-01']


@pytest.mark.parametrize(('arguments', 'says'), [
    (('by-hand', '--from', '2026-02-27', '--to', '2026-03-01'), 'has no cron trigger'),
    (('daily', '--from', '2026-03-02', '--to', '2026-03-01'), '--from comes before --to'),
    (('daily', '--from', 'today', '--to', '2026-03-01'), "'today' is no date and no time"),
    (('daily', '--from', '2026-03-02'), '--to'),
    (('daily', '--from', '2026-03-02', '--to', '2026-03-02', '--force'), '--force'),
])
def test_backfill_that_cannot_be_meant(tmp_path, arguments: tuple[str, ...], says: str) -> None:
    result = make(tmp_path).verb('run', *arguments)
    assert result.code == 2 and says in result.err, result


def test_coming_fires(tmp_path) -> None:
    project = make(tmp_path)
    rows = project.runs('--next', '--limit', '100')
    assert len(rows) == 100
    assert [row['utc'] for row in rows] == sorted(row['utc'] for row in rows)
    daily = project.runs('--next', '--pipeline', 'daily', '--limit', '2')
    assert [row['pipeline'] for row in daily] == ['daily'] * 2
    assert all(row['zone'] == 'America/Argentina/Buenos_Aires' for row in daily)
    assert all(row['local'].endswith('00:05:00 -03:00') and '03:05:00' in row['utc'] for row in daily)
    assert project.verb('runs', '--next', '--pipeline', 'dayly').code == 2
