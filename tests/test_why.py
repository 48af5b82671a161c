"""weir why: from a row of a table back to the record it was."""
import pathlib

from database_targets import Target
from test_replay import CSV_WITH_HEADER, make
from weir_project import Project

LINEAGE = '    lineage: true\n'


def why(project: Project, *words: str, code: int = 0) -> list[dict]:
    result = project.verb('why', 'people', *words, '--format', 'json')
    assert result.code == code, result
    return result.json() if code == 0 else []


def loaded(target: Target, tmp_path: pathlib.Path, more: str = LINEAGE) -> tuple[Project, dict]:
    project = make(target, tmp_path, CSV_WITH_HEADER, mode='merge', more=more)
    project.write('landing/a', 'id,name,since,notes\n1,ann,,\n2,"b\nob",,\nx,cyd,2021-01-31,\n')
    return project, project.run('load', code=3)[0]


def test_a_row_leads_to_its_record(target, tmp_path) -> None:
    project, receipt = loaded(target, tmp_path)
    [origin] = why(project, '2')
    assert origin['run'] == receipt['run'] and origin['object'] == 'landing/a'
    assert origin['version'] == receipt['version'] and origin['element'] == 2 and origin['line'] == 3
    assert origin['record'] == '2,"b\nob",,' and origin['note'] is None
    table = project.verb('why', 'people', '2')
    assert table.code == 0 and 'landing/a' in table.out and receipt['run'] in table.out, table
    assert [row['element'] for row in why(project, 'name=ann')] == [1]


def test_a_mended_row_leads_to_the_rejected_record(target, tmp_path) -> None:
    project, receipt = loaded(target, tmp_path)
    file = project.verb('rejects', 'last', '--format', 'csv').out
    (tmp_path / 'mended').write_text(file.replace(',x,', ',3,'))
    [replayed] = project.verb('replay', 'last', '--with', 'mended', '--format', 'json').json()
    [origin] = why(project, '3')
    assert origin['run'] == receipt['run'] and origin['element'] == 3 and origin['line'] == 5
    assert origin['record'] == 'x,cyd,2021-01-31,' and origin['replayed_by'] == replayed['run']
    assert origin['mended'] == '{"id":"3","name":"cyd","since":"2021-01-31","notes":null}'
    assert origin['problem'] == "id: 'x' does not fit integer"


def test_an_object_in_another_version_cannot_show_the_record(target, tmp_path) -> None:
    project, receipt = loaded(target, tmp_path)
    project.write('landing/a', 'something else\n')
    [origin] = why(project, '1')
    assert origin['run'] == receipt['run'] and origin['element'] == 1 and origin['record'] is None
    assert 'another version' in origin['note']


def test_without_lineage_it_says_so_and_lists_the_loads(target, tmp_path) -> None:
    project, first = loaded(target, tmp_path, more='')
    project.write('landing/b', 'id,name,since,notes\n7,eve,,\n')
    [second] = project.run('load')
    origins = why(project, '7')
    assert [origin['run'] for origin in origins] == [second['run'], first['run']]
    assert all(origin['element'] is None and 'lineage: true' in origin['note'] for origin in origins)


def test_what_does_not_fit_is_said(target, tmp_path) -> None:
    project, _ = loaded(target, tmp_path)
    for words, code, text in [(['99'], 1, 'no such row'), (['one'], 2, "'one' is no integer"),
                              (['1', '2'], 2, 'has 1 columns and 2 values'), (['nme=x'], 2, "'nme=x' is no integer")]:
        result = project.verb('why', 'people', *words)
        assert result.code == code and text in result.err, result
    result = project.verb('why', 'peopel', '1')
    assert result.code == 2 and "did you mean 'people'" in result.err, result
