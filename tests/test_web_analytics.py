"""The main job on real sessions: what is loaded is what an independent reading of the files says."""
import collections
import json
import pathlib
import shutil

import pytest

from weir_project import EXAMPLE, REAL_DATA, Project, balances

DAYS = sorted(REAL_DATA.glob('sessions_2017*.json'))
needs_real_data = pytest.mark.skipif(not DAYS, reason=f'the real data is not there: {REAL_DATA}')


@pytest.fixture(scope='module')
def loaded(tmp_path_factory) -> Project:
    """The example with every day loaded, beside a pipeline that keeps the ids as text."""
    root = tmp_path_factory.mktemp('web-analytics')
    text = (EXAMPLE / 'weir.yaml').read_text()
    assert '\ntables:\n' in text and '\npipelines:\n' in text
    text = text.replace('\ntables:\n', '''
tables:
  ids:
    in: warehouse
    columns:
      user_id: varchar
      visit_id: bigint
      hit_text: varchar
''').replace('\npipelines:\n', '''
pipelines:
  keep-ids:
    steps:
      - read: {format: json, columns: {userId: varchar, visitId: bigint, hit: json}}
      - select: {user_id: userId, visit_id: visitId, hit_text: "CAST(hit AS VARCHAR)"}
      - load: {table: ids, mode: append}
''')
    (root / 'weir.yaml').write_text(text)
    (root / 'landing').mkdir()
    for day in DAYS:
        shutil.copy(day, root / 'landing' / day.name)
    project = Project(root)
    receipts = project.run('load-sessions')
    assert sorted(receipt['object'] for receipt in receipts) == [f'landing/{day.name}' for day in DAYS]
    assert all(receipt['status'] == 'succeeded' and balances(receipt) for receipt in receipts)
    for day in DAYS:
        project.run('keep-ids', '--object', f'landing/{day.name}')
    return project


def sessions() -> list[dict]:
    return [session for day in DAYS for session in json.loads(day.read_text())]


@needs_real_data
def test_every_session_is_a_row(loaded: Project) -> None:
    expected = sorted((int(session['userId']), session['visitId'],
                       f'{session["date"][:4]}-{session["date"][4:6]}-{session["date"][6:]}',
                       session['device'], session['city'], len(session['hit'])) for session in sessions())
    rows = loaded.query('SELECT * FROM monks.hits')
    actual = sorted((int(row['user_id']), int(row['visit_id']), row['date'], row['device'], row['city'],
                     int(row['hit_count'])) for row in rows)
    assert actual == expected and len(expected) > 100


@needs_real_data
def test_ids_come_back_digit_for_digit(loaded: Project) -> None:
    expected = sorted((session['userId'], str(session['visitId'])) for session in sessions())
    rows = loaded.query('SELECT user_id, visit_id, hit_text FROM ids')
    assert sorted((row['user_id'], row['visit_id']) for row in rows) == expected
    assert any(user.startswith('0') for user, _ in expected), 'the data lost what makes it interesting'
    hits = sorted(json.dumps(session['hit'], sort_keys=True) for session in sessions())
    assert sorted(json.dumps(json.loads(row['hit_text']), sort_keys=True) for row in rows) == hits


@needs_real_data
def test_daily_totals_equal_an_independent_count(loaded: Project) -> None:
    hits: collections.Counter = collections.Counter()
    users = collections.defaultdict(set)
    for session in sessions():
        hits[session['date']] += len(session['hit'])
        users[session['date']].add(int(session['userId']))
    expected = [(f'{day[:4]}-{day[4:6]}-{day[6:]}', str(hits[day]), str(len(users[day]))) for day in sorted(hits)]
    [receipt] = loaded.run('daily-totals')
    assert receipt['rows']['inserted'] == len(expected) and balances(receipt)
    rows = loaded.query('SELECT date, hits, users FROM monks.daily_totals ORDER BY date')
    assert [tuple(row.values()) for row in rows] == expected
    [again] = loaded.run('daily-totals')
    assert again['rows']['unchanged'] == len(expected) and again['rows']['updated'] == 0


@needs_real_data
def test_a_day_loaded_again_changes_nothing(loaded: Project) -> None:
    before = loaded.value('SELECT count(*) FROM monks.hits')
    [receipt] = loaded.run('load-sessions', '--object', f'landing/{DAYS[0].name}', '--force')
    assert receipt['rows']['unchanged'] == receipt['rows']['read'] > 0
    assert loaded.value('SELECT count(*) FROM monks.hits') == before


def test_generated_days_have_the_same_shape(tmp_path: pathlib.Path) -> None:
    """Runs everywhere, also where the real data is absent."""
    import subprocess
    subprocess.run(['/usr/bin/python3', str(EXAMPLE / 'generate.py'), str(tmp_path / 'landing'), '--days', '2',
                    '--sessions', '300', '--seed', '11'], check=True)
    shutil.copy(EXAMPLE / 'weir.yaml', tmp_path)
    made = [session for day in sorted((tmp_path / 'landing').iterdir()) for session in json.loads(day.read_text())]
    project = Project(tmp_path)
    receipts = project.run('load-sessions')
    assert [receipt['rows']['inserted'] for receipt in receipts] == [300, 300]
    expected = sorted((int(session['userId']), session['visitId'], len(session['hit'])) for session in made)
    rows = project.query('SELECT user_id, visit_id, hit_count FROM monks.hits')
    assert sorted(tuple(int(value) for value in row.values()) for row in rows) == expected
    assert any(len(session['userId']) == 20 for session in made)
