"""Rejects: mended in a file, replayed, and none of them lost or loaded twice."""
import csv
import io
import json
import pathlib
import re

import pytest

from database_targets import Target
from weir_project import REPOSITORY, Project, balances

TABLES = '''
project: replays
databases: {db: "TARGET"}
buckets: {landing: "file://landing"}
tables:
  people:
    in: db
    columns:
      id: integer | required
      name: varchar(10) | required
      since: date
      notes: json
    key: [id]
'''
CSV_WITH_HEADER = 'read: {format: csv}'
CSV_WITHOUT_HEADER = 'read: {format: csv, header: false}'
JSON = 'read: {format: json}'
ROWS = [(1, 'ann', '2021-01-31', '[1]'), ('x', 'bob', '2021-02-01', ''), (3, 'cyd', '01/02/2021', '{}'),
        (4, 'a name, too long', '', ''), ('', 'eve', '', '')]
MENDED = {'x': '2', '01/02/2021': '2021-02-01', 'a name, too long': 'dan', '': '5'}
LOADED = [['1', 'ann', '2021-01-31', '[1]'], ['2', 'bob', '2021-02-01', ''], ['3', 'cyd', '2021-02-01', '{}'],
          ['4', 'dan', '', ''], ['5', 'eve', '', '']]


def make(target: Target, root: pathlib.Path, read: str, steps: str = '', mode: str = 'append', more: str = '') -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / 'weir.yaml').write_text(f'''{TABLES.replace('TARGET', target.url)}{more}
pipelines:
  load:
    when: [{{object: "landing/*"}}]
    steps:
      - {read}
{steps}      - load: {{table: people, mode: {mode}}}
''')
    (root / 'landing').mkdir(exist_ok=True)
    return target.project(root)


def as_csv(rows: list, header: bool) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator='\n')
    if header:
        writer.writerow(['id', 'name', 'since', 'notes'])
    writer.writerows(rows)
    return out.getvalue()


def as_objects(rows: list) -> list[dict]:
    objects = []
    for id_, name, since, notes in rows:
        objects.append({'id': id_ or None, 'name': name, 'since': since or None,
                        'notes': json.loads(notes) if notes else None})
    return objects


def write_input(project: Project, kind: str) -> None:
    if kind.startswith('csv'):
        project.write('landing/a', as_csv(ROWS, header=kind == 'csv'))
    elif kind == 'lines':
        project.write('landing/a', ''.join(json.dumps(row) + '\n' for row in as_objects(ROWS)))
    else:
        project.write('landing/a', '[\n' + ',\n'.join(json.dumps(row) for row in as_objects(ROWS)) + '\n]\n')


def people(project: Project) -> list[list[str]]:
    return [list(row.values()) for row in project.query('SELECT * FROM people ORDER BY id')]


def unresolved(project: Project) -> int:
    return int(project.value('SELECT count(*) FROM weir_rejects WHERE resolution IS NULL'))


def mend_csv(text: str) -> str:
    """As a spreadsheet would give it back: every cell rewritten, none quoted without need."""
    rows = list(csv.reader(io.StringIO(text)))
    head = rows[0]
    for row in rows[1:]:
        for i in range(head.index('weir_problem') + 1, len(row)):
            if head[i] in row[head.index('weir_problem')]:  # the columns it names
                row[i] = MENDED.get(row[i].removeprefix("'"), row[i])
    out = io.StringIO()
    csv.writer(out, lineterminator='\r\n').writerows(rows)
    return out.getvalue()


def mend_json(text: str) -> str:
    rows = json.loads(text)
    for row in rows:
        for column in ('id', 'name', 'since'):
            if column in row['weir_problem']:
                row[column] = MENDED.get(row.get(column) or '', row.get(column))
    return json.dumps(rows)


@pytest.mark.parametrize('format_, mend', [('csv', mend_csv), ('json', mend_json)])
@pytest.mark.parametrize('kind, read', [('csv', CSV_WITH_HEADER), ('csv_bare', CSV_WITHOUT_HEADER), ('lines', JSON),
                                        ('array', JSON)])
def test_reject_mend_replay_ends_at_zero(target, tmp_path, kind, read, format_, mend) -> None:
    project = make(target, tmp_path, read)
    write_input(project, kind)
    [receipt] = project.run('load', code=3)
    assert receipt['rows']['rejected'] == 4 and balances(receipt)
    file = project.verb('rejects', receipt['run'], '--format', format_)
    assert file.code == 0, file
    (tmp_path / 'mended').write_bytes(mend(file.out).encode())
    replay = project.verb('replay', receipt['run'], '--with', 'mended', '--format', 'json')
    assert replay.code == 0, replay
    [replayed] = replay.json()
    assert replayed['status'] == 'succeeded' and replayed['rows']['inserted'] == 4 and balances(replayed)
    assert replayed['object'] == 'landing/a' and replayed['version'] == receipt['version']
    assert people(project) == LOADED and unresolved(project) == 0
    again = project.verb('replay', receipt['run'], '--with', 'mended')
    assert again.code == 0 and 'no rejects are left' in again.out, again
    assert project.run('load', '--object', 'landing/a')[0]['status'] == 'skipped'
    [run] = [run for run in project.runs() if run['trigger'] == 'replay']
    assert run['state'] == 'succeeded' and run['object'] == 'landing/a'


def test_select_and_where(target, tmp_path) -> None:
    steps = '''      - where: kind <> 'test'
      - select: {id: "number * 10", name: upper(name), since: "strptime(day, '%Y%m%d')"}
'''
    read = 'read: {format: csv, columns: {number: integer, name: varchar, day: varchar, kind: varchar}}'
    project = make(target, tmp_path, read, steps, mode='merge')
    project.write('landing/a', 'number,name,day,kind\n1,ann,20210131,x\n2,bob,20211332,x\n3,cyd,20210101,\nz,dan,,x\n')
    [receipt] = project.run('load', code=3)
    assert receipt['rows']['rejected'] == 2 and receipt['rows']['filtered'] == 1
    file = project.verb('rejects', 'last', '--format', 'csv').out
    assert file.splitlines()[0] == 'weir_reject,weir_line,weir_problem,number,name,day,kind'
    (tmp_path / 'mended').write_text(file.replace(',20211332,', ',20211231,').replace(',z,', ',4,').replace(',,x', ',,test'))
    [replayed] = project.verb('replay', 'last', '--with', 'mended', '--format', 'json').json()
    assert replayed['rows']['read'] == 2 and replayed['rows']['filtered'] == 1 and replayed['rows']['inserted'] == 1
    assert people(project) == [['10', 'ANN', '2021-01-31', ''], ['20', 'BOB', '2021-12-31', '']]
    assert unresolved(project) == 0


def test_a_relaxed_rule_needs_no_file(target, tmp_path) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER)
    yaml = (tmp_path / 'weir.yaml').read_text()

    def rule(text: str) -> None:
        (tmp_path / 'weir.yaml').write_text(yaml.replace('since: date', f'since: date | {text}'))

    rule("check (year(since) >= 2000)")
    project.write('landing/a', 'id,name,since,notes\n1,ann,1999-01-01,\n2,bob,1950-01-01,\n')
    [receipt] = project.run('load', code=3)
    assert project.verb('replay', receipt['run']).code == 3 and people(project) == []
    rule("check (year(since) >= 1990)")
    result = project.verb('replay', receipt['run'])
    assert result.code == 3 and f'rejects left in run {receipt["run"]}: 1' in result.out, result
    assert people(project) == [['1', 'ann', '1999-01-01', '']]
    rule("check (year(since) >= 1900)")
    assert project.verb('replay', '--all').code == 0
    assert unresolved(project) == 0 and len(people(project)) == 2


def test_still_bad_rows_wait_with_their_new_problem(target, tmp_path) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER)
    project.write('landing/a', 'id,name,since,notes\nx,ann,,\ny,bob,,\n')
    [receipt] = project.run('load', code=3)
    file = project.verb('rejects', 'last', '--format', 'csv').out
    (tmp_path / 'mended').write_text(file.replace(',x,', ',1,').replace(',y,', ',1,'))
    assert project.verb('replay', 'last', '--with', 'mended').code == 3
    listing = project.verb('rejects', receipt['run'])
    assert listing.code == 0 and 'an earlier row of the input has the key 1' in listing.out, listing
    resolved = project.verb('rejects', receipt['run'], '--resolved', '--format', 'json').json()
    assert [row['resolution'] for row in resolved] == ['replayed']
    file = project.verb('rejects', 'last', '--format', 'csv').out
    assert file.splitlines()[1].endswith(',1,bob,,')
    (tmp_path / 'mended').write_text(file.replace(',1,bob', ',2,bob'))
    assert project.verb('replay', 'last', '--with', 'mended').code == 0
    assert [row[:2] for row in people(project)] == [['1', 'ann'], ['2', 'bob']]


@pytest.mark.parametrize('place', ['before-stage', 'before-commit', 'after-commit', 'run-executed', 'run-finished'])
def test_killed_at_any_moment_and_repeated(target, tmp_path, place) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER)
    project.write('landing/a', as_csv(ROWS, header=True))
    [receipt] = project.run('load', code=3)
    (tmp_path / 'mended').write_text(mend_csv(project.verb('rejects', 'last', '--format', 'csv').out))
    project.environment = {'WEIR_FAULTS': f'crash@{place}:1'}
    killed = project.verb('replay', receipt['run'], '--with', 'mended')
    assert killed.code == -9, killed
    project.environment = {}
    committed = place in ('after-commit', 'run-executed', 'run-finished')
    assert len(people(project)) == (5 if committed else 1)
    assert unresolved(project) == (0 if committed else 4)
    again = project.verb('replay', receipt['run'], '--with', 'mended')
    assert again.code == 0 and ('no rejects are left' in again.out) == committed, again
    assert people(project) == LOADED and unresolved(project) == 0
    # What was interrupted ends in the run log as what it came to.
    project.write('landing/b', 'id,name,since,notes\n6,zoe,,\n')
    project.run('load')
    states = [run['state'] for run in project.runs() if run['trigger'] == 'replay']
    assert sorted(states) == (['succeeded'] if committed else ['failed', 'succeeded'])


def test_replay_through_a_running_owner(target, tmp_path) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER)
    project.write('landing/a', as_csv(ROWS, header=True))
    [receipt] = project.run('load', code=3)
    (tmp_path / 'mended').write_text(mend_csv(project.verb('rejects', 'last', '--format', 'csv').out))
    with project.up():
        assert project.verb('replay', receipt['run'][:24], '--with', 'mended').code == 0
        assert people(project) == LOADED


STOPPED = '    on_bad_row: fail\n'


def test_a_stopped_run_leaves_its_rejects_and_says_what_to_do(target, tmp_path) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER, more=STOPPED)
    project.write('landing/a', 'id,name,since,notes\n1,ann,,\nx,bob,,\n')
    [receipt] = project.run('load', code=1)
    assert receipt['status'] == 'failed' and people(project) == []
    [run] = project.verb('rejects', '--all', '--format', 'json').json()
    assert run['run'] == receipt['run'] and run['unresolved'] == 1 and run['rolled_back'] is True
    assert 'x,bob,,' in project.verb('rejects', receipt['run']).out
    refused = project.verb('replay', receipt['run'])
    assert refused.code == 1 and 'rolled back' in refused.out + refused.err, refused
    project.write('landing/a', 'id,name,since,notes\n1,ann,,\n2,bob,,\n')
    project.run('load')
    assert unresolved(project) == 0 and len(people(project)) == 2
    assert project.value('SELECT resolution FROM weir_rejects') == 'superseded'


def test_loading_the_object_again_supersedes_its_rejects(target, tmp_path) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER, mode='merge')
    project.write('landing/a', 'id,name,since,notes\nx,bob,,\n')
    [first] = project.run('load', code=3)
    [second] = project.run('load', '--object', 'landing/a', '--force', code=3)
    rows = project.query('SELECT run_id, resolution, resolved_by FROM weir_rejects ORDER BY reject_id')
    assert [(row['run_id'], row['resolution'], row['resolved_by']) for row in rows] == [
        (first['run'], 'superseded', second['run']), (second['run'], '', '')]


def test_listings_and_dismissal(target, tmp_path) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER)
    for name in 'ab':
        project.write(f'landing/{name}', 'id,name,since,notes\nx,bob,,\n,ann,,\n')
    receipts = project.run('load', code=3)
    overview = project.verb('rejects', '--all', '--format', 'csv').rows()
    assert [row['unresolved'] for row in overview] == ['2', '2']
    assert {row['run'] for row in overview} == {receipt['run'] for receipt in receipts}
    run = receipts[0]['run']
    [dismissed] = project.verb('rejects', run, '--dismiss', '--format', 'json').json()
    assert dismissed == {'run': run, 'dismissed': 2}
    assert project.verb('rejects', run, '--format', 'csv').rows() == []
    assert project.verb('rejects', run, '--format', 'json').json() == []
    every = project.verb('rejects', run, '--all', '--format', 'csv').rows()
    assert [row['resolution'] for row in every] == ['dismissed'] * 2
    assert len(project.verb('rejects', '--all', '--format', 'json').json()) == 1
    assert project.verb('replay', run).code == 0
    assert project.verb('rejects', 'nope').code == 2
    assert project.verb('rejects', '0').code == 2, 'it begins two ids'


@pytest.mark.parametrize('file, error', [
    ('weir_reject,id,name,since,notes\n1,1,ann,,\n77,2,bob,,\n', 'mended.csv:3:1: there is no reject 77'),
    ('weir_reject,id,name,since\n1,1,ann,\n', "mended.csv:1:1: the file has no column 'notes'"),
    ('weir_reject,id,nam,since,notes\n1,1,ann,,\n', "mended.csv:1:16: the column 'nam'"),
    ('weir_reject,id,name,since,notes\n1,1,ann,,\n1,1,ann,,\n', 'mended.csv:3:1: reject 1 is there twice'),
    ('weir_reject,id,name,since,notes\n{other},1,ann,,\n', 'mended.csv:2:1: reject {other} is of run'),
])
def test_a_file_that_does_not_fit(target, tmp_path, file, error) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER)
    project.write('landing/a', 'id,name,since,notes\nx,ann,,\ny,bob,,\n')
    [first] = project.run('load', code=3)
    project.write('landing/b', 'id,name,since,notes\nz,cyd,,\n')
    project.run('load', code=3)
    other = project.value('SELECT max(reject_id) FROM weir_rejects')
    file, error = file.replace('{other}', other), error.replace('{other}', other)
    (tmp_path / 'mended.csv').write_text(file)
    result = project.verb('replay', first['run'], '--with', 'mended.csv', '--format', 'json')
    assert result.code == 1, result
    told = result.json()[0]['error']
    at = told['location']
    assert f"{at['file']}:{at['line']}:{at['column']}: {told['message']}".startswith(error) and told['fix'], told
    shown = project.verb('replay', first['run'], '--with', 'mended.csv')
    assert error.split(':', 3)[3].strip() in shown.out + shown.err, shown
    assert people(project) == [] and unresolved(project) == 3


def test_wrong_usage(target, tmp_path) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER)
    project.write('landing/a', 'id,name,since,notes\nx,ann,,\n')
    project.run('load', code=3)
    assert project.verb('replay').code == 2
    assert project.verb('replay', '--with', 'x.csv').code == 2
    assert project.verb('replay', 'last', '--with', 'missing.csv').code == 1


def test_runs_without_rejects_have_none_to_show(target, tmp_path) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER)
    assert project.verb('rejects', 'last', '--format', 'json').json() == []
    assert 'no rejects are left' in project.verb('replay', 'last').out
    project.write('landing/a', 'id,name,since,notes\n1,ann,,\n')
    [receipt] = project.run('load')
    assert project.verb('rejects', receipt['run'], '--format', 'csv').rows() == []
    assert project.verb('rejects', receipt['run'], '--dismiss').code == 0
    assert project.verb('replay', receipt['run'], '--format', 'json').json() == []
    assert project.verb('replay', '--all').code == 0 and project.verb('rejects').code == 0


def test_null_is_written_as_the_source_writes_it(target, tmp_path) -> None:
    project = make(target, tmp_path, "read: {format: csv, 'null': NA}")
    project.write('landing/a', 'id,name,since,notes\n1,ann,NA,NA\nx,"NA",NA,NA\ny,bob,31.1.,NA\n')
    project.run('load', code=3)
    file = project.verb('rejects', 'last', '--format', 'csv').out
    assert file.splitlines()[1].endswith(',x,NA,,') and file.splitlines()[2].endswith(",y,bob,'31.1.,")
    (tmp_path / 'mended').write_text(file.replace(',x,', ',2,').replace(",y,bob,'31.1.,", ',3,bob,NA,'))
    assert project.verb('replay', 'last', '--with', 'mended').code == 0
    assert people(project) == [['1', 'ann', '', ''], ['2', 'NA', '', ''], ['3', 'bob', '', '']]


def test_what_a_spreadsheet_would_take_for_a_formula_survives(target, tmp_path) -> None:
    more = '''  texts:
    in: db
    columns: {id: integer, text: varchar, number: "decimal(20,0)"}
'''
    project = make(target, tmp_path, CSV_WITH_HEADER, more=more)
    (tmp_path / 'weir.yaml').write_text((tmp_path / 'weir.yaml').read_text().replace(
        'load: {table: people', 'load: {table: texts'))
    texts = ['=1+1', '+49 30', '-x', '@me', '007', '1.50', "'quoted", "'=x", '9117776942963408674', '', 'a "b", c', 'two\nlines']
    out = io.StringIO()
    csv.writer(out, lineterminator='\n', quoting=csv.QUOTE_NONNUMERIC).writerows(
        [['id', 'text', 'number']] + [[f'x{i}', text, '12345678901234567890'] for i, text in enumerate(texts)])
    project.write('landing/a', out.getvalue())
    project.run('load', code=3)
    file = project.verb('rejects', 'last', '--format', 'csv').out
    rows = list(csv.DictReader(io.StringIO(file)))
    for row in rows:  # no cell of a record begins as a formula does, or would be rounded
        assert row['text'][:1] not in ('=', '+', '-', '@') and row['number'].startswith("'"), row
        row['id'] = row['id'][1:]
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0].keys(), delimiter=';')
    writer.writeheader()
    writer.writerows(rows)
    (tmp_path / 'mended.csv').write_text('\ufeff' + out.getvalue())
    assert project.verb('replay', 'last', '--with', 'mended.csv').code == 0
    loaded = project.query('SELECT text, number FROM texts ORDER BY id')
    assert [row['text'] for row in loaded] == texts
    assert {row['number'] for row in loaded} == {'12345678901234567890'}
    assert project.value("SELECT count(*) FROM texts WHERE text = ''") == '1', 'empty is not null'


def test_the_walk_through_of_the_guide(target, tmp_path) -> None:
    """docs/guide/rejects.md, word by word."""
    guide = (REPOSITORY / 'docs' / 'guide' / 'rejects.md').read_text()
    [yaml] = re.findall(r'```yaml\n(.*?)```', guide, re.DOTALL)
    source, to_mend, mended = re.findall(r'```csv\n(.*?)```', guide, re.DOTALL)
    (tmp_path / 'weir.yaml').write_text(yaml.replace('duckdb://staff.duckdb', f'"{target.url}"'))
    project = target.project(tmp_path)
    project.write('landing/people.csv', source)
    assert project.verb('run', 'load-people').code == 3
    assert project.verb('rejects', 'last', '--format', 'csv').out == to_mend
    (tmp_path / 'mended.csv').write_text(mended)
    replayed = project.verb('replay', 'last', '--with', 'mended.csv')
    assert replayed.code == 3 and "line 5  since  date  01/03/2021  '01/03/2021' does not fit date" in replayed.out
    file = project.verb('rejects', 'last', '--format', 'csv').out
    (tmp_path / 'mended.csv').write_text(file.replace("'01/03/2021\n", '2021-03-01\n'))
    assert project.verb('replay', 'last', '--with', 'mended.csv').code == 0
    assert project.query('SELECT id, phone FROM people ORDER BY id')[:2] == [
        {'id': '1', 'phone': '+44 20 7946 0000'}, {'id': '2', 'phone': '007'}]
    shown = project.verb('why', 'people', '3').out
    assert 'record       3,,555 0100,2021-02-01' in shown and 'replayed_by' in shown, shown


def test_ten_thousand_rows(target, tmp_path) -> None:
    project = make(target, tmp_path, CSV_WITH_HEADER)
    project.write('landing/a', 'id,name,since,notes\n' + ''.join(f'x{i},n{i},2021-01-31,\n' for i in range(10_000)))
    project.run('load', code=3)
    file = project.verb('rejects', 'last', '--format', 'csv').out
    (tmp_path / 'mended.csv').write_text(file.replace(',x', ','))
    [replayed] = project.verb('replay', 'last', '--with', 'mended.csv', '--format', 'json').json()
    assert replayed['rows']['inserted'] == 10_000 and unresolved(project) == 0
    assert project.value('SELECT count(*) FROM people WHERE name = concat(\'n\', id)') == '10000'
