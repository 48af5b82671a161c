"""`weir doctor` looks at a PostgreSQL: what it advises mends what it found, and the guide's GRANTs are enough."""
import pathlib
import re
from typing import Iterator

import pytest

from database_servers import Postgres
from weir_project import REPOSITORY, Project

GUIDE = REPOSITORY / 'docs' / 'guide' / 'postgres.md'
WEIR_YAML = '''
project: rights
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  departments: {{in: db, schema: hr, columns: {{id: integer | key, name: varchar}}}}
  visits: {{in: db, schema: hr, columns: {{id: integer, at: timestamptz}}}}
  rooms: {{in: db, schema: hr, columns: {{id: integer | key}}}}
  employees:
    in: db
    schema: hr
    columns: {{id: integer | key, name: varchar(50), department: integer | references departments}}
  own: {{in: db, columns: {{id: integer | key}}}}
pipelines:
  visits: {{when: [{{object: landing/visits.json}}], steps: [{{read: {{format: json}}}}, {{load: {{table: visits}}}}]}}
  rooms: {{when: [{{object: landing/rooms.json}}], steps: [{{read: {{format: json}}}}, {{load: {{table: rooms, mode: replace}}}}]}}
  employees:
    when: [{{object: landing/employees.json}}]
    steps: [{{read: {{format: json}}}}, {{load: {{table: employees, mode: merge}}}}]
  own: {{when: [{{object: landing/own.json}}], steps: [{{read: {{format: json}}}}, {{load: {{table: own, mode: merge}}}}]}}
'''
OTHERS_TABLES = '''
CREATE SCHEMA hr;
CREATE TABLE hr.departments (id integer PRIMARY KEY, name text);
CREATE TABLE hr.visits (id integer, at timestamptz);
CREATE TABLE hr.rooms (id integer PRIMARY KEY);
CREATE TABLE hr.employees (id integer PRIMARY KEY, name varchar(50), department integer REFERENCES hr.departments);
INSERT INTO hr.departments VALUES (1, 'one')
'''


@pytest.fixture
def server() -> Iterator[Postgres]:
    """One for each test: roles are the server's, not a database's."""
    with Postgres() as postgres:
        postgres.create('people')
        postgres.query('REVOKE ALL ON DATABASE people FROM PUBLIC')
        postgres.query(OTHERS_TABLES, 'people')
        yield postgres


@pytest.fixture
def project(server: Postgres, tmp_path: pathlib.Path) -> Project:
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML.format(url=server.url('people').replace('owner@', 'weir@')))
    made = Project(tmp_path)
    made.write('landing/visits.json', '{"id": 1, "at": "2026-01-01T00:00:00Z"}\n')
    made.write('landing/rooms.json', '{"id": 1}\n')
    made.write('landing/employees.json', '{"id": 1, "name": "ann", "department": 1}\n')
    made.write('landing/own.json', '{"id": 1}\n')
    return made


def of_database(project: Project) -> list[dict]:
    return [each for each in project.verb('doctor', '--format', 'json').json() if each['check'] == 'database db']


def troubles(project: Project) -> list[dict]:
    return [each for each in of_database(project) if each['verdict'] != 'ok']


def load_twice(project: Project) -> None:
    for pipeline in ('visits', 'rooms', 'employees', 'own'):
        assert [receipt['status'] for receipt in project.run(pipeline)] == ['succeeded']
    project.write('landing/employees.json', '{"id": 1, "name": "bob", "department": 1}\n{"id": 2, "name": "x", "department": 9}\n')
    [receipt] = project.run('employees', code=3)
    assert receipt['rows']['updated'] == 1 and receipt['rows']['rejected'] == 1, receipt
    project.write('landing/rooms.json', '{"id": 2}\n')
    assert project.run('rooms')[0]['rows']['replaced'] == 1


def test_what_it_advises_mends_what_it_found(server: Postgres, project: Project) -> None:
    server.query('CREATE ROLE weir LOGIN')
    found = of_database(project)
    assert [each['verdict'] for each in found] == ['problem'] and 'permission denied for database' in found[0]['found']
    server.query('GRANT CONNECT ON DATABASE people TO weir')
    advised = []
    for _ in range(20):
        bad = troubles(project)
        if not bad:
            break
        for each in bad:
            assert each['verdict'] == 'problem', each
            server.query(each['fix'], 'people')
            advised.append(each['fix'])
    assert not bad
    assert 'GRANT TEMPORARY ON DATABASE "people" TO "weir"' in advised
    assert 'GRANT USAGE ON SCHEMA "hr" TO "weir"' in advised
    assert 'GRANT SELECT, INSERT, UPDATE ON "hr"."employees" TO "weir"' in advised
    assert 'GRANT SELECT, INSERT, DELETE ON "hr"."rooms" TO "weir"' in advised
    assert 'GRANT SELECT ON "hr"."departments" TO "weir"' in advised
    load_twice(project)
    assert 'loads in its ledger' in of_database(project)[0]['found']


def test_the_rights_of_the_guide_are_enough(server: Postgres, project: Project) -> None:
    rights = GUIDE.read_text().split('\n## Rights\n')[1].split('\n## ')[0]
    blocks = re.findall(r'```sql\n(.*?)```', rights, re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        server.query(block, 'people')
    assert troubles(project) == []
    load_twice(project)
    # The ledger stays usable for a user who may make nothing any more.
    server.query('REVOKE CREATE ON SCHEMA weir FROM weir; ALTER SCHEMA weir OWNER TO owner; GRANT USAGE ON SCHEMA weir TO weir',
                 'people')
    assert troubles(project) == []
    project.write('landing/visits.json', '{"id": 2, "at": null}\n')
    assert project.run('visits')[0]['status'] == 'succeeded'


@pytest.mark.parametrize('harm, verdict, words', [
    ('REVOKE UPDATE ON hr.employees FROM weir', 'problem', 'GRANT UPDATE ON "hr"."employees" TO "weir"'),
    ('ALTER TABLE hr.visits ENABLE ROW LEVEL SECURITY', 'problem', 'ALTER ROLE "weir" BYPASSRLS'),
    ('ALTER ROLE weir SET default_transaction_read_only = on', 'problem', 'SET default_transaction_read_only = off'),
    ('ALTER ROLE weir CONNECTION LIMIT 4', 'warning', 'CONNECTION LIMIT'),
    ('ALTER DATABASE people CONNECTION LIMIT 4', 'warning', 'CONNECTION LIMIT'),
])
def test_each_trouble_is_told(harm: str, verdict: str, words: str, server: Postgres, project: Project) -> None:
    for block in re.findall(r'```sql\n(.*?)```', GUIDE.read_text().split('\n## Rights\n')[1], re.DOTALL)[:2]:
        server.query(block, 'people')
    server.query(harm, 'people')
    [trouble] = troubles(project)
    assert trouble['verdict'] == verdict and words in trouble['fix'], trouble


def test_a_server_that_is_away(server: Postgres, project: Project) -> None:
    server.stop()
    [trouble] = troubles(project)
    assert trouble['verdict'] == 'problem' and "database 'db': cannot connect to Postgres" in trouble['found']
    assert trouble['fix'] == 'check the address, and that the server runs'
    server.start()
