"""The HTTP API: rows in, each answered for; who may ask; what each status means."""
import json
import pathlib
import re
import subprocess
import threading
from typing import Iterator

import pytest

from api_client import Api, make_key
from weir_project import REPOSITORY, Project, balances, wait_until

WEIR_YAML = '''
project: people
databases: {db: duckdb://db.duckdb}
buckets: {landing: file://landing}
tables:
  departments:
    in: db
    columns: {id: integer | key, name: varchar(20) | required | unique}
  people:
    in: db
    columns:
      id: bigint | key
      name: varchar(20) | required
      age: smallint | >= 0
      department_id: integer | references departments
      note: varchar | default 'none'
  strict:
    in: db
    columns: {n: integer | required}
    on_bad_row: fail
  log:
    in: db
    columns: {n: integer | required, at: timestamp}
pipelines:
  load:
    when: [{object: "landing/*.json"}]
    steps:
      - read: {format: json}
      - load: {table: log}
api:
  plans:
    few: {rate: 1/h, burst: 3}
    daily: {quota: 2/d}
  rows:
    people: {max_rows: 100, max_bytes: 20kB}
    departments: {mode: merge}
'''


@pytest.fixture(scope='module')
def project(tmp_path_factory) -> Iterator[Project]:
    root = tmp_path_factory.mktemp('api')
    (root / 'landing').mkdir()
    (root / 'weir.yaml').write_text(WEIR_YAML)
    project = Project(root)
    with project.up('--port', '0'):
        yield project


@pytest.fixture(scope='module')
def api(project: Project) -> Api:
    api = Api(project, make_key(project, 'all'))
    answer = api.rows('departments', [{'id': 1, 'name': 'one'}, {'id': 2, 'name': 'two'}])
    assert answer.status == 200, answer
    return api


@pytest.fixture
def first(api: Api) -> Iterator[int]:
    """An id that nobody has, and a thousand behind it."""
    highest = api.project.value('SELECT coalesce(max(id), 0) FROM people')
    yield (int(highest) // 1000 + 1) * 1000


def test_good_rows_are_there_and_bad_ones_are_named(api: Api, first: int) -> None:
    answer = api.rows('people', [
        {'id': first, 'name': 'Ada', 'age': 36, 'department_id': 1},
        {'id': first + 1, 'name': 'x' * 21, 'age': -1},
        {'id': first + 2, 'name': 'Bob', 'department_id': 99},
        {'id': first, 'name': 'again'}])
    assert answer.status == 200, answer
    receipt = answer.json()
    assert balances(receipt) and receipt['status'] == 'partial'
    assert receipt['rows']['read'] == 4 and receipt['rows']['inserted'] == 1
    named = [(reject['element'], reject['field'], reject['rule']) for reject in receipt['rejects']]
    assert named[0][:2] == (2, 'name') and named[1][:2] == (3, 'department_id') and named[2][0] == 4, named
    assert receipt['rejects'][0]['also'][0]['field'] == 'age'
    assert api.project.query(f'SELECT name, note FROM people WHERE id = {first}') == [{'name': 'Ada', 'note': 'none'}]
    rejects = api.project.query(f"SELECT element, field FROM weir_rejects WHERE run_id = '{receipt['run']}' ORDER BY element")
    assert [row['element'] for row in rejects] == ['2', '3', '4']


@pytest.mark.parametrize('kind,body', [
    ('application/json', '{{"id": {0}, "name": "one"}}'),
    ('application/json; charset=UTF-8', '[{{"id": {0}, "name": "one"}}]'),
    ('application/x-ndjson', '{{"id": {0}, "name": "one"}}\n'),
    ('text/csv', 'id,name,age,department_id,note\n{0},one,,,\n'),
])
def test_each_kind_of_body(api: Api, first: int, kind: str, body: str) -> None:
    answer = api.post('/api/tables/people/rows', body.format(first), content_type=kind)
    assert answer.status == 200 and answer.json()['rows']['inserted'] == 1, answer
    assert api.project.value(f'SELECT count(*) FROM people WHERE id = {first}') == '1'


def test_modes(api: Api, first: int) -> None:
    assert api.rows('people', {'id': first, 'name': 'first'}).json()['rows']['inserted'] == 1
    again = api.rows('people', {'id': first, 'name': 'second'})
    assert again.status == 422 and again.code == 'rejected', again
    assert again.json()['receipt']['rows']['rejected'] == 1
    assert api.rows('people', {'id': first, 'name': 'second'}, '?mode=ignore').json()['rows']['deduplicated'] == 1
    assert api.rows('people', {'id': first, 'name': 'second'}, '?mode=merge').json()['rows']['updated'] == 1
    assert api.project.value(f'SELECT name FROM people WHERE id = {first}') == 'second'
    assert api.rows('log', [{'n': 1}, {'n': 2}], '?mode=replace').json()['rows']['inserted'] == 2
    replaced = api.rows('log', {'n': 3}, '?mode=replace').json()['rows']
    assert replaced['replaced'] == 2 and replaced['inserted'] == 1
    assert api.rows('departments', {'id': 1, 'name': 'one'}).json()['rows']['unchanged'] == 1, 'merge is its mode'


def test_what_is_not_a_request_is_told_apart(api: Api) -> None:
    people = '/api/tables/people/rows'
    json_type = {'content_type': 'application/json'}
    cases = [
        (api.post(people, '', **json_type), 400, 'malformed'),
        (api.post(people, '[]', **json_type), 400, 'malformed'),
        (api.post(people, 'not json', **json_type), 400, 'malformed'),
        (api.post(people, '"a"', **json_type), 400, 'malformed'),
        (api.post(people, b'\xff\xfe{\x00}\x00', **json_type), 400, 'malformed'),
        (api.post(people, 'id;name\n1;a\n', content_type='text/csv'), 400, 'malformed'),
        (api.post(people + '?mode=upsert', '{}', **json_type), 400, 'invalid_parameter'),
        (api.post(people + '?made=append', '{}', **json_type), 400, 'invalid_parameter'),
        (api.post(people + '?mode=append&mode=merge', '{}', **json_type), 400, 'invalid_parameter'),
        (api.post(people + '?mode=%zz', '{}', **json_type), 400, 'malformed'),
        (api.post('/api/tables/log/rows?mode=merge', '{}', **json_type), 400, 'invalid_parameter'),
        (api.post(people, '{}', **json_type, Idempotency_Key='a b'), 400, 'malformed'),
        (api.with_key(None).post(people, '{}', **json_type), 401, 'no_key'),
        (api.with_key('weir_nonsense').post(people, '{}', **json_type), 401, 'unknown_key'),
        (api.post('/api/tables/peple/rows', '{}', **json_type), 404, 'not_found'),
        (api.post('/api/tables/people', '{}', **json_type), 404, 'not_found'),
        (api.get(people), 405, 'method_not_allowed'),
        (api.post(people, '{"id": 1, "name": "' + 'x' * 20_000 + '"}', **json_type), None, None),
        (api.rows('people', [{'id': 10**9 + n, 'name': 'n'} for n in range(101)]), 413, 'too_many_rows'),
        (api.post(people, '{}'), 415, 'unsupported_media_type'),
        (api.post(people, '{}', content_type='application/x-www-form-urlencoded'), 415, 'unsupported_media_type'),
        (api.post(people, '{}', content_type='application/json; charset=latin1'), 415, 'unsupported_media_type'),
        (api.post(people, '{}', **json_type, content_encoding='gzip'), 415, 'unsupported_media_type'),
        (api.post(people, '{"id": 1}', **json_type), 422, 'rejected'),
    ]
    for number, (answer, status, code) in enumerate(cases):
        if status is None:
            assert answer.status == 413, (number, answer)
            continue
        assert (answer.status, answer.code) == (status, code), (number, answer)
        assert answer.json()['type'] == f'urn:weir:problem:{code}' and answer.json()['status'] == status
    assert cases[16][0].headers['allow'] == 'POST'
    assert 'people' in cases[14][0].json()['fix']
    assert api.project.value('SELECT count(*) FROM people WHERE id >= 1000000000') == '0'


def test_the_access_log_has_who_was_let_in_and_who_was_not(api: Api, first: int) -> None:
    path = '/api/tables/people/rows'
    assert api.rows('people', {'id': first, 'name': 'in'}, x_request_id=f'in-{first}').status == 200
    assert api.with_key(None).rows('people', {}, x_request_id=f'out-{first}').status == 401
    assert api.with_key('weir_secret').rows('people', {}, x_request_id=f'wrong-{first}').status == 401
    assert api.get('/nowhere?token=hidden', x_request_id=f'lost-{first}').status == 404
    log = api.project.root.joinpath('up.log').read_text()
    for id, line in (('in', f'POST {path} 200'), ('out', f'POST {path} 401'), ('wrong', f'POST {path} 401'),
                     ('lost', 'GET /nowhere 404')):
        found = [entry for entry in log.splitlines() if f'request={id}-{first}' in entry]
        assert len(found) == 1 and f'info {line} ' in found[0] and 'peer=127.0.0.1' in found[0], (id, found)
    assert 'hidden' not in log and 'weir_secret' not in log


def test_prefer(api: Api, first: int) -> None:
    rows = [{'id': first, 'name': 'good'}, {'id': first + 1}]
    dry = api.rows('people', rows, Prefer='tx=rollback')
    assert dry.status == 200 and dry.headers['preference-applied'] == 'tx=rollback', dry
    assert dry.json()['rows']['inserted'] == 1 and dry.json()['rows']['rejected'] == 1
    strict = api.rows('people', rows, Prefer='handling=strict')
    assert strict.status == 422 and strict.code == 'rejected', strict
    assert [reject['element'] for reject in strict.json()['receipt']['rejects']] == [2]
    assert api.project.value(f'SELECT count(*) FROM people WHERE id >= {first}') == '0', 'nothing was kept'
    assert api.rows('people', rows[:1], Prefer='handling=strict').status == 200
    refused = api.rows('strict', [{'n': 1}, {'n': 'x'}])
    assert refused.status == 422 and api.project.value('SELECT count(*) FROM strict') == '0', 'on_bad_row: fail'


def test_a_repeated_request_gets_the_first_answer(api: Api, first: int) -> None:
    rows = [{'id': first, 'name': 'Ada'}, {'id': first + 1, 'name': None}]
    key = {'Idempotency_Key': f'key-{first}'}
    one = api.rows('people', rows, **key)
    two = api.rows('people', rows, **key)
    assert one.status == two.status == 200
    assert two.json() == one.json() and two.headers['idempotency-replayed'] == 'true'
    assert 'idempotency-replayed' not in one.headers
    other = api.rows('people', rows[:1], **key)
    assert other.status == 422 and other.code == 'key_reused', other
    another = api.with_key(make_key(api.project, 'another')).rows('people', rows, **key)
    assert another.status == 422 and another.code == 'rejected', 'somebody else\'s key is another key'
    assert api.project.value(f'SELECT count(*) FROM people WHERE id >= {first}') == '1'


def test_keys_end_and_have_scopes(api: Api, first: int) -> None:
    project = api.project
    some = api.with_key(make_key(project, 'some', '--table', 'log'))
    assert some.rows('log', {'n': 1}).status == 200
    refused = some.rows('people', {'id': first, 'name': 'a'})
    assert refused.status == 403 and refused.code == 'out_of_scope', refused
    assert some.get('/api/runs').status == 403, 'it is no admin'
    bearer = api.with_key(None).post('/api/tables/log/rows', '{"n": 2}', content_type='application/json',
                                     Authorization=f'Bearer {some.key}')
    assert bearer.status == 200, bearer
    listed = json.loads(project.verb('key', 'list', '--format', 'json').out)
    mine = next(key for key in listed if key['name'] == 'some')
    assert mine['scope'] == 'rows of log' and mine['revoked'] is None
    assert some.key not in json.dumps(listed)
    assert project.verb('key', 'revoke', 'some').code == 0
    assert some.rows('log', {'n': 3}).code == 'unknown_key'
    assert project.verb('key', 'revoke', 'some').code == 1
    assert project.verb('key', 'create', 'x', '--table', 'nothing').code == 2
    for file in (project.root / '.weir' / 'default').rglob('*'):
        if file.is_file() and not file.is_socket():
            assert some.key.encode() not in file.read_bytes(), file


def test_plans(api: Api) -> None:
    few = api.with_key(make_key(api.project, 'few', '--plan', 'few'))
    answers = [few.rows('log', {'n': n}) for n in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    assert answers[3].code == 'too_many_requests' and 1000 < int(answers[3].headers['retry-after']) <= 3600
    daily = api.with_key(make_key(api.project, 'daily', '--plan', 'daily'))
    assert [daily.rows('log', {'n': n}).status for n in range(3)] == [200, 200, 429]
    assert daily.rows('log', {'n': 1}).code == 'quota_used_up'


def test_a_csv_file_by_parameters(api: Api) -> None:
    door = '/api/rows?table=log&schema=public&append='
    added = api.post(door + 'true', 'n,at\n7,\n8,2026-01-01 00:00:00\n', content_type='text/csv')
    assert added.status == 200 and added.json()['rows']['inserted'] == 2, added
    before = int(api.project.value('SELECT count(*) FROM log'))
    replaced = api.post(door + 'false', 'n,at\n9,\n')
    assert replaced.json()['rows']['replaced'] == before and api.project.value('SELECT n FROM log') == '9'
    for missing in ('table', 'schema', 'append'):
        query = '&'.join(f'{name}={value}' for name, value in
                         (('table', 'log'), ('schema', 'public'), ('append', 'true')) if name != missing)
        answer = api.post('/api/rows?' + query, 'n,at\n1,\n')
        assert answer.status == 400 and answer.code == 'missing_parameter' and missing in answer.json()['detail'], answer
    assert api.post(door + 'true', '').code == 'malformed', 'no body'
    assert api.post('/api/rows?table=log&schema=other&append=true', 'n,at\n1,\n').status == 404
    assert api.post('/api/rows?table=log&schema=public&append=yes', 'n,at\n1,\n').code == 'invalid_parameter'


def test_runs(api: Api) -> None:
    admin = api.with_key(make_key(api.project, 'admin', '--scope', 'admin'))
    assert admin.rows('log', {'n': 1}).status == 403
    api.project.write('landing/a.json', '{"n": 5}\n{"n": "x"}\n')
    wait_until(lambda: admin.get('/api/runs?state=partial').json(), 'the file is loaded')
    run = admin.get('/api/runs?limit=1').json()[0]
    receipt = admin.get(f"/api/runs/{run['id']}").json()
    assert receipt['object'] == 'landing/a.json' and receipt['rows']['rejected'] == 1 and balances(receipt)
    rejects = admin.get(f"/api/runs/{run['id']}/rejects").json()
    assert len(rejects) == 1 and 'x' in json.dumps(rejects)
    assert any('queued' in line['message'] for line in admin.get(f"/api/runs/{run['id']}/logs").json())
    csv = admin.get('/api/runs', accept='text/csv')
    assert csv.headers['content-type'].startswith('text/csv') and run['id'] in csv.body.decode()
    events = admin.get(f"/api/runs/{run['id']}/logs", accept='text/event-stream')
    assert events.headers['content-type'] == 'text/event-stream'
    assert b'data: {"time":' in events.body and events.body.endswith(b'event: end\ndata: {}\n\n'), events
    started = admin.post('/api/pipelines/load/runs', '{"objects": ["landing/a.json"], "force": true}')
    assert started.status == 202, started
    id = started.json()['runs'][0]
    assert started.headers['location'] == f'/api/runs/{id}'
    wait_until(lambda: admin.get(f'/api/runs/{id}').json()['status'] == 'partial', 'it ran again')
    assert admin.post('/api/pipelines/nothing/runs').status in (400, 404)
    assert admin.post('/api/pipelines/load/runs', '{"object": 1}').status == 400
    assert admin.get('/api/runs/01m00000000000000000000000').status == 404
    replayed = admin.post(f'/api/runs/{id}/replay')
    assert replayed.status == 202 and len(replayed.json()['runs']) == 1, replayed


def test_open_pages(api: Api) -> None:
    open_api = api.with_key(None)
    description = open_api.get('/openapi.json').json()
    assert description['openapi'] == '3.1.0'
    people = description['components']['schemas']['people']
    assert people['required'] == ['id', 'name']
    assert people['properties']['age']['description'] == 'smallint | >= 0'
    assert '/api/tables/people/rows' in description['paths']
    page = (REPOSITORY / 'docs' / 'reference' / 'api.md').read_text()
    codes = description['components']['schemas']['Problem']['properties']['code']['enum']
    assert codes and [code for code in codes if f'| `{code}` |' not in page] == []
    assert open_api.get('/healthz').status == 200
    page = open_api.get('/docs')
    assert page.status == 200 and '<code>/api/tables/people/rows</code>' in page.body.decode()
    assert open_api.get('/metrics').status == 401
    admin = api.with_key(make_key(api.project, 'metrics', '--scope', 'admin'))
    assert 'weir_runs_total' in admin.get('/metrics').body.decode()
    assert open_api.get('/').status == 404


def test_requests_at_the_same_time_do_not_harm_each_other(api: Api, first: int) -> None:
    """Many clients, one of whose rows is bad, and one of whom is not to be read at all."""
    answers: dict[int, object] = {}

    def send(number: int) -> None:
        rows = [{'id': first + number * 10 + n, 'name': 'n'} for n in range(10)]
        if number % 3 == 0:
            rows[5]['name'] = None
        body = json.dumps(rows) if number % 7 else '[{"id": '
        answers[number] = api.post('/api/tables/people/rows', body, content_type='application/json')

    threads = [threading.Thread(target=send, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = 0
    for number in range(40):
        answer = answers[number]
        if number % 7 == 0:
            assert answer.status == 400, answer
            continue
        good = 9 if number % 3 == 0 else 10
        expected += good
        assert answer.status == 200 and answer.json()['rows']['inserted'] == good, answer
    assert api.project.value(f'SELECT count(*) FROM people WHERE id >= {first}') == str(expected)


def test_request_ids(api: Api) -> None:
    own = api.rows('log', {'n': 1}, x_request_id='mine-1')
    assert own.headers['x-request-id'] == 'mine-1'
    given = api.rows('log', {'n': 1}, x_request_id='not sound')
    assert re.fullmatch('[0-9a-z]{26}', given.headers['x-request-id'])


def certificate(folder: pathlib.Path, name: str) -> tuple[pathlib.Path, pathlib.Path]:
    cert, key = folder / f'{name}.pem', folder / f'{name}.key'
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', f'/CN={name}', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', str(key), '-out', str(cert)],
                   check=True, capture_output=True)
    return cert, key


def test_tls_and_a_certificate_that_changes(tmp_path: pathlib.Path) -> None:
    (tmp_path / 'landing').mkdir()
    first, second = certificate(tmp_path, 'first'), certificate(tmp_path, 'second')
    live = tmp_path / 'live.pem', tmp_path / 'live.key'
    for source, target in zip(first, live):
        target.write_bytes(source.read_bytes())
    text = WEIR_YAML.replace('api:\n', 'api:\n  tls: {certificate: live.pem, key: live.key}\n')
    (tmp_path / 'weir.yaml').write_text(text)
    project = Project(tmp_path)
    with project.up('--port', '0'):
        key = make_key(project, 'tls')
        assert Api(project).url.startswith('https://')
        answer = Api(project, key, first[0]).rows('log', [{'n': n} for n in range(500)])
        assert answer.status == 200 and answer.json()['rows']['inserted'] == 500, answer
        for source, target in zip(second, live):
            target.write_bytes(source.read_bytes())

        def new_one_is_used() -> bool:
            try:
                return Api(project, key, second[0]).rows('log', {'n': 1}).status == 200
            except OSError:
                return False

        wait_until(new_one_is_used, 'the new certificate')


def test_idempotency_outlives_the_process(tmp_path: pathlib.Path) -> None:
    (tmp_path / 'landing').mkdir()
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML)
    project = Project(tmp_path)
    with project.up('--port', '0'):
        key = make_key(project, 'k')
        one = Api(project, key).rows('log', {'n': 1}, Idempotency_Key='once')
        assert one.status == 200, one
    with project.up('--port', '0'):
        two = Api(project, key).rows('log', {'n': 1}, Idempotency_Key='once')
        assert two.json() == one.json() and two.headers['idempotency-replayed'] == 'true'
        assert project.value('SELECT count(*) FROM log') == '1'
