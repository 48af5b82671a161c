"""The command line as a person meets it."""
import json
import pathlib
import subprocess

import pytest
import yaml

from small_project import lines, make
from weir_project import Project, binary

VERBS = ['init', 'validate', 'run', 'plan', 'up', 'runs', 'logs', 'top', 'rejects', 'replay', 'why', 'query', 'drift', 'schema']


def test_help_has_examples_for_every_verb(tmp_path) -> None:
    project = Project(tmp_path)
    overview = project.verb('--help', project=False)
    assert overview.code == 0 and all(verb in overview.out for verb in VERBS)
    for verb in VERBS:
        page = project.verb(verb, '--help', project=False)
        assert page.code == 0 and 'Examples:' in page.out and f'weir {verb}' in page.out, page


def test_version(tmp_path) -> None:
    assert Project(tmp_path).verb('--version', project=False).out.startswith('weir ')


@pytest.mark.parametrize('arguments', [['rum'], [], ['run'], ['query'], ['runs', '--format', 'xml'], ['run', 'a', '--nope']])
def test_wrong_usage_is_2_and_says_where_help_is(tmp_path, arguments) -> None:
    result = Project(tmp_path).verb(*arguments, project=False)
    assert result.code == 2 and 'help' in result.err, result


def test_folder_without_project_says_so(tmp_path) -> None:
    result = Project(tmp_path).verb('validate')
    assert result.code == 2 and 'weir.yaml' in result.out + result.err and 'weir init' in result.out + result.err, result


def test_init_writes_a_project_that_runs(tmp_path) -> None:
    made = Project(tmp_path).verb('init', 'shop', project=False)
    assert made.code == 0, made
    project = Project(tmp_path / 'shop')
    text = (project.root / 'weir.yaml').read_text()
    assert text.count('#') > 5, 'a commented project'
    assert project.verb('validate').code == 0
    read = 0
    for pipeline in yaml.safe_load(text)['pipelines']:
        read += sum(receipt['rows']['read'] for receipt in project.run(pipeline))
    assert read > 0
    assert Project(tmp_path).verb('init', 'shop', project=False).code != 0, 'it must not overwrite'


@pytest.mark.parametrize('name, sample, types', [
    ('orders.csv', 'id,name,amount,day,code\n1,a,1.50,2021-01-31,007\n2,"b, c",12.25,2021-02-01,010\n',
     {'id': 'int', 'name': 'varchar', 'amount': 'decimal', 'day': 'date', 'code': 'varchar'}),
    ('sessions.json', '[{"userId": "0123", "visitId": 1498921578, "hit": [{"a": 1}], "more": {"x": 1}}]',
     {'userId': 'varchar', 'visitId': 'int', 'hit': 'json', 'more': 'json'}),
])
def test_init_from_a_sample_loads_that_sample(tmp_path, name, sample, types) -> None:
    (tmp_path / name).write_text(sample)
    made = Project(tmp_path).verb('init', 'project', '--from', name, project=False)
    assert made.code == 0, made
    project = Project(tmp_path / 'project')
    assert project.verb('validate').code == 0
    document = yaml.safe_load((project.root / 'weir.yaml').read_text())
    [pipeline] = document['pipelines']
    [read] = [step['read'] for step in document['pipelines'][pipeline]['steps'] if 'read' in step]
    for column, kind in types.items():
        assert kind in read['columns'][column], read
    [bucket] = document['buckets'].values()
    folder = (bucket if isinstance(bucket, str) else bucket['url']).removeprefix('file://')
    project.write(f'{folder}/{name}', sample)
    [receipt] = project.run(pipeline)
    assert receipt['status'] == 'succeeded' and receipt['rows']['inserted'] == receipt['rows']['read'] > 0


def test_listings_in_three_forms(tmp_path) -> None:
    project = make(tmp_path)
    project.write('landing/a.json', lines(1, 2))
    [receipt] = project.run('load')
    table = project.verb('runs')
    assert table.code == 0 and 'landing/a.json' in table.out and 'succeeded' in table.out
    [run] = project.runs()
    [row] = project.verb('runs', '--format', 'csv').rows()
    assert run['id'] == receipt['run'] and receipt['run'] in row.values()
    shown = project.verb('runs', receipt['run'])
    assert shown.code == 0 and 'landing/a.json' in shown.out
    assert project.verb('logs', receipt['run']).code == 0
    assert project.verb('runs', '01k2v7yq3c8r0d5m9xw4hbtzne').code != 0


def test_receipts_as_table_and_json(tmp_path) -> None:
    project = make(tmp_path)
    project.write('landing/a.json', lines(1) + '{"n": "x"}\n')
    result = project.verb('run', 'load')
    assert result.code == 3 and 'partial' in result.out and 'bigint' in result.out, result
    again = project.verb('run', 'load', '--object', 'landing/a.json', '--force', '--format', 'json')
    assert again.code == 3 and json.loads(again.out)[0]['rows']['rejected'] == 1


def test_query_forms(tmp_path) -> None:
    project = make(tmp_path)
    sql = "SELECT 1 AS n, 'a,\"b\"' AS text, NULL AS nothing"
    assert project.verb('query', sql, '--format', 'csv').out == 'n,text,nothing\n1,"a,""b""",\n'
    assert 'nothing' in project.verb('query', sql).out
    [row] = project.verb('query', sql, '--format', 'json').json()
    assert row['text'] == 'a,"b"' and row['nothing'] is None
    assert project.verb('query', '-', '--format', 'csv', stdin=sql).out.startswith('n,text')
    big = project.query('SELECT 12345678901234567890::DECIMAL(20,0) AS d, 9007199254740993::BIGINT AS b')
    assert big == [{'d': '12345678901234567890', 'b': '9007199254740993'}]


def test_query_writes_only_when_told(tmp_path) -> None:
    project = make(tmp_path)
    project.write('landing/a.json', lines(1, 2))
    project.run('load')
    assert project.verb('query', 'DELETE FROM numbers').code != 0
    assert project.value('SELECT count(*) FROM numbers') == '2'
    assert project.verb('query', 'DELETE FROM numbers', '--write').code == 0
    assert project.value('SELECT count(*) FROM numbers') == '0'


def test_schema_is_valid_json_schema_and_accepts_the_example(tmp_path) -> None:
    schema = Project(tmp_path).verb('schema', project=False).json()
    assert schema['$schema'].startswith('https://json-schema.org/draft/2020-12') and 'pipelines' in json.dumps(schema)


def test_pipe_that_closes_early_is_no_crash(tmp_path) -> None:
    make(tmp_path)
    weir = subprocess.Popen([str(binary()), 'query', 'SELECT range AS n FROM range(1000000)', '--format', 'csv',
                             '--project', str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert weir.stdout.readline() == b'n\n'
    weir.stdout.close()
    error = weir.stderr.read().decode()
    assert weir.wait(timeout=60) >= 0 and 'terminate' not in error, error


def test_long_load_shows_progress_lines_when_not_on_a_terminal(tmp_path) -> None:
    """Never control characters into a file or a pipe."""
    project = make(tmp_path)
    project.write('landing/a.json', lines(*range(50_000)))
    result = project.verb('run', 'load')
    assert result.code == 0 and '\x1b' not in result.out + result.err and '\r' not in result.out + result.err


def test_state_stays_in_its_folder(tmp_path) -> None:
    """State goes into .weir of the project and nowhere else."""
    project = make(tmp_path)
    project.write('landing/a.json', lines(1))
    project.run('load')
    assert sorted(path.name for path in tmp_path.iterdir()) == ['.weir', 'db.duckdb', 'landing', 'weir.yaml']
    assert pathlib.Path(tmp_path / 'landing' / 'a.json').read_text() == lines(1)
