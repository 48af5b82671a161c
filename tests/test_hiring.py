"""The hiring job: a dirty history, counted by an independent script, mended and replayed to the last row."""
import csv
import datetime
import io
import os
import pathlib
import random
import shutil
import subprocess
import sys
from typing import Iterator

import pytest

from api_client import Api, make_key
from database_targets import DuckdbFile, Target
from weir_project import REPOSITORY, Project, balances, binary

EXAMPLE = REPOSITORY / 'examples' / 'hiring'
REAL = REPOSITORY.parent / 'shared' / 'data' / 'hiring'
COLUMNS = ['id', 'name', 'datetime', 'department_id', 'job_id']

sys.path.insert(0, str(EXAMPLE))
import count  # noqa: E402
import reports  # noqa: E402
sys.path.pop(0)


@pytest.fixture(params=['generated', 'real'])
def files(request, tmp_path: pathlib.Path) -> pathlib.Path:
    if request.param == 'real':
        if not REAL.exists():
            pytest.skip(f'the real data is not there: {REAL}')
        return REAL
    folder = tmp_path / 'files'
    subprocess.run(['/usr/bin/python3', EXAMPLE / 'generate.py', folder, '--seed', '7'], check=True)
    return folder


def hiring(target: Target, root: pathlib.Path, files: pathlib.Path) -> Project:
    """The example, on a server by its own overlay."""
    (root / 'landing').mkdir(parents=True)
    for yaml in EXAMPLE.glob('*.yaml'):
        shutil.copy(yaml, root)
    shutil.copytree(EXAMPLE / 'sql', root / 'sql')
    for name in ('departments', 'jobs', 'hired_employees'):
        shutil.copy(files / f'{name}.csv', root / 'landing')
    project = target.project(root)
    if target.name != 'duckdb':
        project.environment[f'HIRING_{target.name.upper()}'] = target.url
        project.options = ['--env', target.name]
    return project


@pytest.fixture
def project(files: pathlib.Path, tmp_path: pathlib.Path, target: Target) -> Project:
    return hiring(target, tmp_path / 'project', files)


def told(reject: dict) -> list[str]:
    """A reject in the words of count.py."""
    if reject['rule'] == 'field count':
        return [f'{reject["value"].split()[0]} fields']
    return [f'{problem["field"]} {problem["rule"].split()[0]}' for problem in [reject, *reject.get('also', [])]]


def mended(row: dict[str, str]) -> dict[str, str]:
    """Puts each value where it belongs and fills the gaps; the id is always there."""
    given = {name: row[name] for name in COLUMNS if row[name]}
    moment = next((value for value in given.values() if value.endswith('Z') and 'T' in value), '2021-01-01T00:00:00Z')
    return {**row, 'name': row['name'] if row['name'] and not row['name'].endswith('Z') else 'Mended',
            'datetime': moment, 'department_id': '1', 'job_id': '2'}


def test_every_row_is_accounted_for_and_every_bad_row_mendable(files: pathlib.Path, project: Project) -> None:
    expected = count.expected(files)
    assert expected['rejected'], 'the files are clean: nothing would be tested'
    project.run('load-departments')
    project.run('load-jobs')
    receipt, = project.run('load-employees', code=3)
    assert balances(receipt)
    assert (receipt['rows']['read'], receipt['rows']['inserted'], receipt['rows']['rejected']) == (
        expected['read'], expected['inserted'], len(expected['rejected']))
    assert {reject['line']: told(reject) for reject in receipt['rejects']} == expected['rejected']
    lines = (files / 'hired_employees.csv').read_text(encoding='utf-8').splitlines()
    assert all(reject['raw'] == lines[reject['line'] - 1] for reject in receipt['rejects'])

    listed = project.verb('rejects', receipt['run'], '--format', 'csv')
    assert listed.code == 0, listed
    rows = listed.rows()
    assert len(rows) == len(expected['rejected'])
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys())
    writer.writeheader()
    writer.writerows(mended(row) for row in rows)
    project.write('mended.csv', out.getvalue())
    replayed = project.verb('replay', receipt['run'], '--with', str(project.root / 'mended.csv'), '--format', 'json')
    assert replayed.code == 0, replayed

    assert project.value('SELECT count(*) FROM weir_rejects WHERE resolved_at IS NULL') == '0'
    ids = [int(row['id']) for row in project.query('SELECT id FROM hired_employees ORDER BY id')]
    with (files / 'hired_employees.csv').open(newline='', encoding='utf-8') as file:
        assert ids == sorted(int(row[0]) for row in csv.reader(file))
    again = project.verb('replay', receipt['run'], '--with', str(project.root / 'mended.csv'))
    assert again.code != 0 or project.value('SELECT count(*) FROM hired_employees') == str(len(ids))


def test_good_rows_are_not_bent(files: pathlib.Path, project: Project) -> None:
    for pipeline, code in (('load-departments', 0), ('load-jobs', 0), ('load-employees', 3)):
        project.run(pipeline, code=code)
    bad = count.expected(files)['rejected']
    with (files / 'hired_employees.csv').open(newline='', encoding='utf-8') as file:
        good = [row for line, row in enumerate(csv.reader(file), 1) if line not in bad]
    rows = project.query('SELECT id, name, datetime, department_id, job_id FROM hired_employees ORDER BY id')
    for row in rows:
        moment = datetime.datetime.fromisoformat(row['datetime'])
        row['datetime'] = moment.astimezone(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')
    assert [[row[name] for name in COLUMNS] for row in rows] == sorted(good, key=lambda row: int(row[0]))


def mend_with_the_example(project: Project, run: str, files: pathlib.Path) -> list[dict]:
    """The receipts of the replay."""
    rejected = project.verb('rejects', run, '--format', 'csv')
    done = subprocess.run([EXAMPLE / 'mend.py', files / 'complete.csv'], input=rejected.out, capture_output=True, text=True)
    assert rejected.code == 0 and done.returncode == 0, (rejected, done.stderr)
    project.write('mended.csv', done.stdout)
    replayed = project.verb('replay', run, '--with', str(project.root / 'mended.csv'), '--format', 'json')
    assert replayed.code == 0, replayed
    return replayed.json()


def comparable(receipt: dict) -> dict:
    return {key: value for key, value in receipt.items() if key not in ('run', 'duration_ms')}


def test_the_story_is_the_same_wherever_its_tables_are(tmp_path: pathlib.Path, target: Target) -> None:
    if target.name == 'duckdb':
        pytest.skip('it is what the others are compared with')
    files = tmp_path / 'files'
    subprocess.run(['/usr/bin/python3', EXAMPLE / 'generate.py', files, '--seed', '11'], check=True)
    told_by = []
    for place, root in ((DuckdbFile(), 'duckdb'), (target, 'server')):
        project = hiring(place, tmp_path / root, files)
        receipts = []
        for pipeline, code in (('load-departments', 0), ('load-jobs', 0), ('load-employees', 3)):
            receipts += project.run(pipeline, code=code)
        receipts += mend_with_the_example(project, receipts[-1]['run'], files)
        origins = project.verb('why', 'hired_employees', '5', '--format', 'json').json()
        for origin in origins:
            assert origin.pop('run') == receipts[2]['run']
            assert origin.pop('loaded_at') and (origin.pop('replayed_by') or receipts[3]['run']) == receipts[3]['run']
        told_by.append(([comparable(receipt) for receipt in receipts], origins))
    assert told_by[1] == told_by[0]
    assert told_by[0][0][3]['rows']['inserted'] > 0


def with_header(path: pathlib.Path, names: str) -> bytes:
    return f'{names}\n'.encode() + path.read_bytes()


def batches(rows: list[dict], source: random.Random) -> Iterator[list[dict]]:
    """Of 1 to 1000 rows, as many as a request may have."""
    while rows:
        size = source.choice([1, 7, 1000])
        yield rows[:size]
        rows = rows[size:]


def numbered(row: dict) -> dict:
    return {name: int(value) for name, value in row.items() if name == 'id' or name.startswith('q') or name == 'hired'}


def check_reports(api: Api, expected: dict[str, list[dict]]) -> None:
    assert expected['hired-by-quarter'] and expected['hired-above-mean'], 'nothing would be compared'
    for name, rows in expected.items():
        answer = api.get(f'/api/queries/{name}')
        assert answer.status == 200 and answer.json() == rows, answer
        table = api.get(f'/api/queries/{name}', accept='text/csv').body.decode()
        read = list(csv.DictReader(io.StringIO(table, newline='')))
        assert [{**row, **numbered(row)} for row in read] == rows
        assert list(read[0]) == list(rows[0])


def test_the_history_comes_in_by_http_and_the_reports_are_right(files: pathlib.Path, tmp_path: pathlib.Path,
                                                                 target: Target) -> None:
    project = hiring(target, tmp_path / 'project', files)
    for path in (project.root / 'landing').iterdir():
        path.unlink()
    with project.up('--port', '0'):
        api = Api(project, make_key(project, 'all'))
        for table, names in (('departments', 'id,department'), ('jobs', 'id,job')):
            answer = api.post(f'/api/rows?table={table}&schema=public&append=true', with_header(files / f'{table}.csv', names))
            assert answer.status == 200 and balances(answer.json()) and not answer.json()['rows']['rejected'], answer
        expected = count.expected(files)
        with (files / 'hired_employees.csv').open(newline='', encoding='utf-8') as file:
            rows = [dict(zip(COLUMNS, [value or None for value in row])) for row in csv.reader(file)]
        # A line with a field missing is no row that JSON could spell: its fields are not told apart.
        whole = [row for line, row in enumerate(rows, 1)
                 if not any(word.endswith('fields') for word in expected['rejected'].get(line, []))]
        receipts = []
        for batch in batches(whole, random.Random(5)):
            answer = api.rows('hired_employees', batch)
            assert answer.status in (200, 422), answer
            receipts.append(answer.json() if answer.status == 200 else answer.json()['receipt'])
        assert all(balances(receipt) for receipt in receipts)
        assert sum(receipt['rows']['inserted'] for receipt in receipts) == expected['inserted']
        check_reports(api, reports.reports(files))
        # The whole file at once takes the place of what came in pieces.
        answer = api.post('/api/rows?table=hired_employees&schema=public&append=false',
                          with_header(files / 'hired_employees.csv', ','.join(COLUMNS)))
        assert answer.status == 200 and answer.json()['rows']['inserted'] == expected['inserted'], answer
        assert {reject['line'] - 1: told(reject) for reject in answer.json()['rejects']} == expected['rejected']
        check_reports(api, reports.reports(files))


def test_demo_runs(target: Target) -> None:
    url = {} if target.name == 'duckdb' else {f'HIRING_{target.name.upper()}': target.url}
    words = [] if target.name == 'duckdb' else [target.name]
    done = subprocess.run([EXAMPLE / 'demo.sh', binary(), *words], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **url})
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'unresolved: 0' in done.stdout and '"inserted": 2' in done.stdout, done.stdout
    assert 'department,job,q1,q2,q3,q4' in done.stdout and 'invalid_parameter' in done.stdout, done.stdout
