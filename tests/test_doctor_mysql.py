"""`weir doctor` looks at a MariaDB: what it advises mends what it found."""
import pathlib
from typing import Iterator

import pytest

from database_servers import MariaDB
from weir_project import Project

WEIR_YAML = '''
project: rights
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  departments: {{in: db, columns: {{id: integer | key, name: varchar(50)}}}}
  rooms: {{in: db, columns: {{id: integer | key}}}}
  employees: {{in: db, columns: {{id: integer | key, name: varchar(50), department: integer | references departments}}}}
  own: {{in: db, columns: {{id: integer | key}}}}
pipelines:
  rooms: {{when: [{{object: landing/rooms.json}}], steps: [{{read: {{format: json}}}}, {{load: {{table: rooms, mode: replace}}}}]}}
  employees:
    when: [{{object: landing/employees.json}}]
    steps: [{{read: {{format: json}}}}, {{load: {{table: employees, mode: merge}}}}]
  own: {{when: [{{object: landing/own.json}}], steps: [{{read: {{format: json}}}}, {{load: {{table: own, mode: merge}}}}]}}
'''
OTHERS_TABLES = '''
CREATE TABLE departments (id integer PRIMARY KEY, name varchar(50));
CREATE TABLE rooms (id integer PRIMARY KEY);
CREATE TABLE employees (id integer PRIMARY KEY, name varchar(50), department integer);
INSERT INTO departments VALUES (1, 'one')
'''


@pytest.fixture(scope='module')
def server() -> Iterator[MariaDB]:
    with MariaDB() as started:
        yield started


@pytest.fixture
def project(server: MariaDB, tmp_path: pathlib.Path) -> Iterator[Project]:
    server.create('people')
    server.query(OTHERS_TABLES, 'people')
    server.query("CREATE USER loader@'%'; GRANT SELECT ON people.departments TO loader@'%'")
    url = f'mysql://loader@/people?host={server.socket}'
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML.format(url=url))
    made = Project(tmp_path)
    made.write('landing/rooms.json', '{"id": 1}\n')
    made.write('landing/employees.json', '{"id": 1, "name": "ann", "department": 1}\n')
    made.write('landing/own.json', '{"id": 1}\n')
    yield made
    server.query("DROP USER loader@'%'")
    server.drop('people')


def troubles(project: Project) -> list[dict]:
    return [each for each in project.verb('doctor', '--format', 'json').json()
            if each['check'] == 'database db' and each['verdict'] != 'ok']


def mend(server: MariaDB, project: Project) -> list[str]:
    advised: list[str] = []
    for _ in range(10):
        bad = troubles(project)
        if not bad:
            return advised
        for each in bad:
            assert each['verdict'] == 'problem', each
            server.query(each['fix'].replace('`', '"'), 'people')
            advised.append(each['fix'])
    raise AssertionError(bad)


def test_what_it_advises_mends_what_it_found(server: MariaDB, project: Project) -> None:
    advised = mend(server, project)
    assert "GRANT CREATE TEMPORARY TABLES ON `people`.* TO 'loader'@'%'" in advised
    assert "GRANT SELECT, INSERT, UPDATE ON `people`.`employees` TO 'loader'@'%'" in advised
    assert "GRANT SELECT, INSERT, DELETE ON `people`.`rooms` TO 'loader'@'%'" in advised
    assert "GRANT CREATE ON `people`.* TO 'loader'@'%'" in advised
    # What it made is not its own: MySQL knows no owners.
    project.verb('run', 'own')
    mend(server, project)
    for pipeline in ('rooms', 'employees', 'own'):
        assert {receipt['status'] for receipt in project.run(pipeline, '--force')} == {'succeeded'}
    project.write('landing/employees.json', '{"id": 1, "name": "bob", "department": 1}\n{"id": 2, "name": "x", "department": 9}\n')
    [receipt] = project.run('employees', code=3)
    assert receipt['rows']['updated'] == 1 and receipt['rows']['rejected'] == 1, receipt


@pytest.mark.parametrize('harm, verdict, words', [
    ('ALTER TABLE people.rooms ENGINE=MyISAM', 'problem', 'ENGINE=InnoDB'),
    ('SET GLOBAL local_infile = OFF', 'warning', 'SET GLOBAL local_infile = ON'),
    ("ALTER USER loader@'%' WITH MAX_USER_CONNECTIONS 4", 'warning', 'MAX_USER_CONNECTIONS'),
])
def test_each_trouble_is_told(harm: str, verdict: str, words: str, server: MariaDB, project: Project) -> None:
    server.query("GRANT ALL ON people.* TO loader@'%'")
    assert troubles(project) == []
    server.query(harm)
    [trouble] = troubles(project)
    server.query('SET GLOBAL local_infile = ON')
    assert trouble['verdict'] == verdict and words in trouble['fix'], trouble
