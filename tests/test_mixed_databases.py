"""A project whose tables are in several databases: rejects are found in each, and one that is down hides no others."""
import pathlib
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from database_targets import Server
from weir_project import Project

YAML = '''
project: mixed
databases: {{near: duckdb://near.duckdb, far: "{url}"}}
buckets: {{landing: "file://landing"}}
tables:
  near_rows: {{in: near, lineage: true, columns: {{id: integer | key, name: varchar}}}}
  far_rows: {{in: far, lineage: true, columns: {{id: integer | key, name: varchar}}}}
pipelines:
  near: {{when: [{{object: landing/near*}}], steps: [{{read: {{format: csv}}}}, {{load: {{table: near_rows}}}}]}}
  far: {{when: [{{object: landing/far*}}], steps: [{{read: {{format: csv}}}}, {{load: {{table: far_rows}}}}]}}
'''


def mixed(root: pathlib.Path, url: str) -> tuple[Project, str, str]:
    """With one reject in each database: the run in the near one, and the later run in the far one."""
    (root / 'weir.yaml').write_text(YAML.format(url=url))
    project = Project(root)
    for name in ('near', 'far'):
        project.write(f'landing/{name}', 'id,name\n1,ann\nx,bob\n')
    [near] = project.run('near', code=3)
    [far] = project.run('far', code=3)
    return project, near['run'], far['run']


@pytest.fixture(params=[Postgres, MariaDB], ids=lambda kind: kind.engine)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with request.param() as started:
        yield started


def test_rejects_are_found_wherever_they_are(server: Server, tmp_path: pathlib.Path) -> None:
    project, near, far = mixed(tmp_path, server.url())
    listed = project.verb('rejects', '--all', '--format', 'json').json()
    assert [(row['run'], row['table'], row['unresolved']) for row in listed] == [
        (far, 'far_rows', 1), (near, 'near_rows', 1)]
    # Each database numbers its own.
    for run in (near, far):
        file = project.verb('rejects', run, '--format', 'csv').out
        assert file.splitlines()[1:] == ["1,3,id: 'x' does not fit integer,x,bob"], file
    assert project.verb('rejects', 'last', '--format', 'csv').out == project.verb('rejects', far, '--format', 'csv').out
    project.write('mended', 'weir_reject,id,name\n1,2,bob\n')
    for run in (near, far):
        assert project.verb('replay', run, '--with', 'mended').code == 0
    [near_row] = project.verb('why', 'near_rows', '2', '--format', 'json').json()
    [far_row] = project.verb('why', 'far_rows', '2', '--format', 'json').json()
    assert (near_row['run'], far_row['run']) == (near, far)
    assert near_row['mended'] == far_row['mended'] == '{"id":"2","name":"bob"}'
    assert project.verb('rejects', '--all', '--format', 'json').json() == []


def test_a_server_that_is_down_is_said_and_hides_no_others(server: Server, tmp_path: pathlib.Path) -> None:
    project, near, far = mixed(tmp_path, server.url())
    server.crash()
    listed = project.verb('rejects', '--all', '--format', 'json')
    assert [row['run'] for row in listed.json()] == [near]
    assert listed.code == 1 and "database 'far'" in listed.err, listed
    # Which run is the last one nobody knows now; one that is named is found.
    last = project.verb('rejects', 'last', '--dismiss')
    assert last.code == 1 and "database 'far'" in last.err, last
    assert project.verb('rejects', near, '--format', 'csv').code == 0
    assert project.verb('rejects', far).code == 1
    project.write('mended', 'weir_reject,id,name\n1,2,bob\n')
    mended = project.verb('replay', near, '--with', 'mended')
    assert mended.code == 0, mended
    every = project.verb('replay', '--all')
    assert every.code == 1 and "database 'far'" in every.err, every
    server.start()
    listed = project.verb('rejects', '--all', '--format', 'json')
    assert listed.code == 0 and [(row['run'], row['unresolved']) for row in listed.json()] == [(far, 1)], listed
