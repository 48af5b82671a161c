"""Rows over HTTP that are plainly good, and what sends them to be judged: every receipt is the same either way."""
import concurrent.futures
import contextlib
import json
import pathlib
import time
from typing import Iterator

import pytest

from api_client import Answer, Api, make_key
from database_servers import Postgres
from weir_project import Project
from wire_proxy import BEFORE_COMMIT, COMMIT_DONE, COMMIT_SENT, ROWS, WireProxy

WEIR_YAML = '''
project: plain
databases: {{db: "{url}"}}
tables:
  people:
    in: db
    columns:
      id: bigint | key
      name: varchar(20) | required
      age: smallint | >= 0
  events:
    in: db
    columns: {{n: bigint | required | >= 0, word: "varchar(10) | in (a, b)", at: timestamp, price: "decimal(9,2)"}}
api: {{}}
'''
ROW = {'n': 1, 'word': 'a', 'at': '2024-01-31T10:00:00', 'price': 1.5}


@pytest.fixture(scope='module')
def server() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@contextlib.contextmanager
def project_at(root: pathlib.Path, url: str) -> Iterator[Api]:
    (root / 'weir.yaml').write_text(WEIR_YAML.format(url=url))
    project = Project(root)
    with project.up('--port', '0'):
        yield Api(project, make_key(project, 'all'))


@pytest.fixture(params=['duckdb', 'postgres'])
def api(request, server: Postgres, tmp_path: pathlib.Path) -> Iterator[Api]:
    if request.param == 'duckdb':
        with project_at(tmp_path, 'duckdb://db.duckdb') as api:
            yield api
        return
    name = f'plain_{tmp_path.name.lower()}'.replace('-', '_')[:60]
    server.create(name)
    with project_at(tmp_path, server.url(name)) as api:
        yield api


def at_once(calls) -> list[Answer]:
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_good_and_bad_requests_of_one_moment(api: Api) -> None:
    bodies = [[{**ROW, 'n': i}, {**ROW, 'n': i if i % 3 else -1}] for i in range(60)]
    answers = at_once(lambda body=body: api.rows('events', body) for body in bodies)
    for i, answer in enumerate(answers):
        rows = answer.json()['rows']
        assert answer.status == 200 and rows['read'] == 2, answer
        assert (rows['inserted'], rows['rejected']) == ((2, 0) if i % 3 else (1, 1)), answer
    assert api.project.value('SELECT count(*) FROM events') == '100'
    assert api.project.query("SELECT n, word, price FROM events WHERE n = 1 LIMIT 1") == [
        {'n': '1', 'word': 'a', 'price': '1.50'}]


def test_receipts_are_the_same_either_way(api: Api) -> None:
    plain = api.rows('events', ROW).json()
    # A blank before the object: the plain reader leaves it to the other.
    judged = api.post('/api/tables/events/rows', ' ' + json.dumps(ROW), content_type='application/json').json()
    own = ('run', 'object', 'version', 'duration_ms')
    assert {k: v for k, v in plain.items() if k not in own} == {k: v for k, v in judged.items() if k not in own}
    assert set(plain) == set(judged) and plain['version'].startswith('sha256:')
    assert plain['object'] == f'api:requests/{plain["run"]}'


def test_limits_and_preferences(api: Api) -> None:
    many = [{**ROW, 'n': i} for i in range(1001)]
    assert api.rows('events', many).status == 413
    assert api.rows('events', many[:1000]).json()['rows']['inserted'] == 1000
    assert api.rows('events', [ROW], Prefer='handling=strict').json()['rows']['inserted'] == 1
    assert api.rows('events', [ROW, {'n': -1}], Prefer='handling=strict').status == 422
    assert api.rows('events', [ROW], Prefer='tx=rollback').json()['rows']['inserted'] == 1
    assert api.project.value('SELECT count(*) FROM events') == '1001'


@pytest.mark.parametrize('mode', ['append', 'merge', 'ignore'])
def test_keys_that_meet(api: Api, mode: str) -> None:
    """Many clients, few ids: of each one there is one, and the receipts add up."""
    bodies = [[{'id': (i * 7 + j) % 90, 'name': f'{i}'} for j in range(3)] for i in range(100)]
    answers = at_once(lambda body=body: api.rows('people', body, f'?mode={mode}') for body in bodies)
    inserted = 0
    for answer in answers:
        receipt = answer.json()
        receipt = receipt.get('receipt', receipt)
        rows = receipt['rows']
        assert answer.status in (200, 422) and rows['read'] == 3, answer
        inserted += rows['inserted']
        others = {'append': 'rejected', 'merge': 'updated', 'ignore': 'deduplicated'}[mode]
        assert rows['inserted'] + rows[others] + rows['unchanged'] == 3, answer
    assert inserted == 90
    assert api.project.query('SELECT count(*) AS c, count(DISTINCT id) AS d FROM people') == [{'c': '90', 'd': '90'}]


def test_one_idempotency_key_in_two_modes_at_once(api: Api) -> None:
    """Two lanes, one key: one of the two is loaded, and nothing twice."""
    for round in range(20):
        answers = at_once(
            lambda mode=mode: api.rows('events', [{**ROW, 'n': round}], f'?mode={mode}', Idempotency_Key=f'k{round}')
            for mode in ('append',) * 4 + ('replace',) * 1)
        said = sorted(answer.status for answer in answers)
        assert said in ([200, 200, 200, 200, 422], [200, 422, 422, 422, 422]), answers
    answers = at_once(lambda: api.rows('events', [{**ROW, 'n': 1000}], Idempotency_Key='one') for _ in range(16))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json()['run'] for answer in answers}) == 1
    assert sum('idempotency-replayed' in answer.headers for answer in answers) == 15
    assert api.project.value('SELECT count(*) FROM events WHERE n = 1000') == '1'
    other = api.rows('events', [{**ROW, 'n': 1001}], Idempotency_Key='one')
    assert other.status == 422 and other.code == 'key_reused', other


@pytest.fixture
def database(server: Postgres, tmp_path: pathlib.Path) -> str:
    name = f'server_{tmp_path.name.lower()}'.replace('-', '_')[:60]
    server.create(name)
    return name


def test_a_table_that_is_changed_meanwhile(server: Postgres, database: str, tmp_path: pathlib.Path) -> None:
    with project_at(tmp_path, server.url(database)) as api:
        assert api.rows('events', ROW).status == 200
        server.query('ALTER TABLE events ALTER word TYPE text, ALTER n TYPE numeric', database)
        assert api.rows('events', ROW).status == 200
        server.query('ALTER TABLE events ALTER price TYPE numeric(9,1)', database)
        refused = api.rows('events', {**ROW, 'price': 1.55})
        assert refused.status != 200, 'a digit would be lost'
        server.query('ALTER TABLE events ALTER price TYPE numeric(9,2)', database)
        assert api.rows('events', {**ROW, 'price': 1.55}).status == 200
        server.query('DROP TABLE events', database)
        assert api.rows('events', ROW).status == 200
        assert server.query('SELECT count(*) FROM events', database) == [['1']]
        assert api.rows('people', {'id': 1, 'name': 'a'}).status == 200
        server.query('ALTER TABLE people DROP CONSTRAINT people_pkey', database)
        again = api.rows('people', [{'id': 1, 'name': 'a'}, {'id': 2, 'name': 'b'}]).json()
        assert (again['rows']['inserted'], again['rows']['rejected']) == (1, 1), 'nobody but weir guards the key now'


def test_what_the_server_has_against_rows(server: Postgres, database: str, tmp_path: pathlib.Path) -> None:
    with project_at(tmp_path, server.url(database)) as api:
        assert api.rows('events', ROW).status == 200
        server.query('ALTER TABLE events ADD CONSTRAINT small CHECK (n < 100)', database)
        mixed = api.rows('events', [{**ROW, 'n': 99}, {**ROW, 'n': 100}]).json()
        assert (mixed['rows']['inserted'], mixed['rows']['rejected']) == (1, 1), mixed
        assert 'small' in json.dumps(mixed['rejects']), mixed
        server.query('''CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.n = 7 THEN RETURN NULL; END IF; RETURN NEW; END $$;
            CREATE TRIGGER leaves_out BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION leave_out()''', database)
        left = api.rows('events', [{**ROW, 'n': 7}, {**ROW, 'n': 8}]).json()
        assert (left['rows']['inserted'], left['rows']['rejected']) == (1, 1), left
        assert server.query('SELECT count(*) FROM events', database) == [['3']]


@pytest.mark.parametrize('moment', [ROWS, BEFORE_COMMIT, COMMIT_SENT, COMMIT_DONE])
def test_a_connection_that_is_cut(server: Postgres, database: str, tmp_path: pathlib.Path, moment: str) -> None:
    """Who asks again under the same key finds the rows in, once."""
    (tmp_path / 'wire').mkdir()
    with WireProxy('postgres', tmp_path / 'wire' / server.socket.name, server.socket) as wire:
        with project_at(tmp_path, server.url(database, tmp_path / 'wire')) as api:
            assert api.rows('events', ROW, Idempotency_Key='before').status == 200
            wire.arm(moment)
            deadline = time.monotonic() + 60
            while (answer := api.rows('events', ROW, Idempotency_Key='cut')).status == 503:
                assert time.monotonic() < deadline, answer
            assert answer.status == 200 and wire.struck.is_set(), answer
            assert answer.json()['rows']['inserted'] == 1
            assert server.query('SELECT count(*) FROM events', database) == [['2']]
