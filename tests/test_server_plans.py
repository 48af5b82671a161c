"""weir plan and weir drift on real servers: what a plan says is what the run does, and what DuckDB says."""
import pathlib
import random
import shutil
import subprocess
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from test_plan import MODES, WEIR_YAML, dirty_file, told
from test_servers import TYPED
from weir_project import REPOSITORY, Project

EXAMPLE = REPOSITORY / 'examples' / 'hiring'


Server = Postgres | MariaDB


@pytest.fixture(scope='module', params=[Postgres, MariaDB], ids=lambda kind: kind.engine)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as started:
        yield started


@pytest.fixture
def database(server: Server, tmp_path: pathlib.Path) -> str:
    name = f'test_{abs(hash(tmp_path)) % 10**9}'
    server.create(name)
    return name


def dump(server: Server, database: str) -> dict[str, list]:
    """Every table's rows, of the database and of the schema crm: an empty dictionary when there is none."""
    tables = server.query("SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN "
                          f"('public', '{database}', '{database}_crm')", database)
    return {f'{schema}.{name}': sorted(server.query(f'SELECT * FROM {schema}.{name}', database))
            for schema, name in tables}


def plan(project: Project, pipeline: str, *arguments: str) -> dict:
    result = project.verb('plan', pipeline, *arguments, '--format', 'json')
    assert result.code in (0, 1, 3), result
    return result.json()


def by_object(receipts: list[dict]) -> list[dict]:
    return sorted((told(receipt) for receipt in receipts), key=lambda each: each['object'])


def project_in(root: pathlib.Path, url: str, database: str, mode: str) -> Project:
    (root / 'landing').mkdir(parents=True)
    text = WEIR_YAML.format(mode=mode).replace('duckdb://db.duckdb', url)
    (root / 'weir.yaml').write_text(text.replace('schema: crm', f'schema: {database}_crm'))
    return Project(root)


@pytest.mark.parametrize('mode', MODES)
def test_a_plan_says_what_the_run_does_and_what_duckdb_says(mode: str, server: Server, database: str,
                                                            tmp_path: pathlib.Path) -> None:
    chance = random.Random(mode)
    mine = project_in(tmp_path / 'duckdb', 'duckdb://db.duckdb', database, mode)
    theirs = project_in(tmp_path / 'server', f'"{server.url(database)}"', database, mode)
    for round_number in range(2):
        for number in range(3):
            text = dirty_file(chance)
            for project in (mine, theirs):
                project.write(f'landing/{round_number}-{number}.csv', text)
        before = dump(server, database)
        said = {'plan': plan(theirs, 'load'), 'plan --no-write': plan(theirs, 'load', '--no-write'),
                'plan in DuckDB': plan(mine, 'load')}
        assert dump(server, database) == before, 'a plan keeps nothing'
        assert (round_number > 0) == bool(before), 'the first plans find nothing at all'
        makes_nothing = server.engine == 'mysql' and round_number == 0
        assert said['plan']['written'] == (not makes_nothing) and not said['plan --no-write']['written']
        assert bool(said['plan']['ddl']) == (round_number == 0)
        did = theirs.run('load', code=None)
        assert by_object(mine.run('load', code=None)) == by_object(did)
        for name, answer in said.items():
            assert by_object(answer['inputs']) == by_object(did), f'{name}, round {round_number}'
            for one, other in zip(answer['inputs'], said['plan']['inputs']):
                assert one['broken'] == other['broken'], name
        if round_number == 0:
            mine.verb('query', "INSERT INTO cities VALUES ('Rome'), ('Oslo')", '--write')
            server.query("INSERT INTO cities VALUES ('Rome'), ('Oslo')", database)


def test_hiring_is_planned_as_it_is_loaded(server: Server, database: str, tmp_path: pathlib.Path) -> None:
    files = tmp_path / 'files'
    subprocess.run(['/usr/bin/python3', EXAMPLE / 'generate.py', files, '--seed', '7'], check=True)
    projects = []
    for name, url in (('duckdb', 'duckdb://people.duckdb'), ('server', server.url(database))):
        root = tmp_path / name
        (root / 'landing').mkdir(parents=True)
        shutil.copy(EXAMPLE / 'weir.yaml', root)
        shutil.copytree(EXAMPLE / 'sql', root / 'sql')
        (root / 'weir.other.yaml').write_text(f'databases: {{people: "{url}"}}\n')
        for table in ('departments', 'jobs', 'hired_employees'):
            shutil.copy(files / f'{table}.csv', root / 'landing')
        projects.append(Project(root))
    for pipeline in ('load-departments', 'load-jobs', 'load-employees'):
        before = dump(server, database)
        plans = [plan(project, pipeline, '--env', 'other') for project in projects]
        examined = plan(projects[1], pipeline, '--env', 'other', '--no-write')
        assert dump(server, database) == before
        assert [each['broken'] for each in plans[0]['inputs']] == [each['broken'] for each in plans[1]['inputs']]
        for project, planned in zip(projects, plans):
            did = by_object(project.run(pipeline, '--env', 'other', code=None))
            assert by_object(planned['inputs']) == did and by_object(examined['inputs']) == did
    assert plans[1]['inputs'][0]['rows']['rejected'] > 0, 'the file is clean: nothing would be compared'


ALTERED = {
    'postgres': ['ALTER TABLE {}.people ALTER score TYPE double precision', 'ALTER TABLE {}.people DROP COLUMN weir_run'],
    'mysql': ['ALTER TABLE {}.people MODIFY score double NOT NULL', 'ALTER TABLE {}.people DROP COLUMN weir_run'],
}


def test_drift_is_found_refused_and_mended(server: Server, database: str, tmp_path: pathlib.Path) -> None:
    project = project_in(tmp_path, f'"{server.url(database)}"', database, 'merge')
    missing = project.verb('drift', '--format', 'json')
    assert missing.code == 1 and {row['difference'] for row in missing.json()} == {'missing table'}, missing
    assert dump(server, database) == {}, 'drift makes nothing'
    assert project.verb('drift', '--apply').code == 0
    assert project.verb('drift').code == 0
    for sql in ALTERED[server.engine]:
        server.query(sql.format(f'{database}_crm'), database)
    server.query(f"INSERT INTO {database}_crm.people (id, email, city, score) VALUES (1, 'a', NULL, 1.5), "
                 "(2, 'b', 'Atlantis', -2)", database)
    project.write('landing/a.csv', 'id,email,city,boss,score\n3,c,,,2\n')
    (receipt,) = project.run('load', code=1)
    assert receipt['error']['message'].startswith("column 'score' of table 'people' is double"), receipt
    assert receipt['rows']['read'] == 0
    found = project.verb('drift', 'people', '--format', 'json')
    assert found.code == 1
    assert [(row['difference'], row['column'], row['mending']) for row in found.json()] == [
        ('type', 'score', 'safe'), ('missing column', 'weir_run', 'safe'), ('rows', 'city', 'by hand')]
    applied = project.verb('drift', 'people', '--apply', '--format', 'json').json()
    assert [(row['difference'], row['column'], row['mending']) for row in applied] == [
        ('type', 'score', 'done'), ('missing column', 'weir_run', 'done'), ('rows', 'city', 'by hand'),
        ('rows', 'score', 'by hand')]
    assert applied[2]['example'] == 'Atlantis (key 2)' and applied[3]['example'] == '-2.0 (key 2)'
    assert [receipt['status'] for receipt in project.run('load', '--force')] == ['succeeded']


def test_a_table_that_weir_makes_has_not_drifted(server: Server, database: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / 'weir.yaml').write_text(TYPED.format(url=server.url(database)))
    (tmp_path / 'landing').mkdir()
    project = Project(tmp_path)
    assert project.verb('drift', '--apply').code == 0
    assert project.verb('drift', '--format', 'json').json() == []
