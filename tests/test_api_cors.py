"""Pages of other origins at the API (CORS), and what every answer tells browsers."""
import pathlib
import subprocess
from typing import Iterator

import pytest

from api_client import Answer, Api, make_key
from weir_project import Project

APP = 'https://app.example.org'
OTHER = 'https://evil.example'
ROWS = '/api/tables/log/rows'
WEIR_YAML = '''
project: p
databases: {db: duckdb://db.duckdb}
tables:
  log: {in: db, columns: {n: integer | required}}
api:
  plans: {few: {rate: 1/h, burst: 1}}
'''


@pytest.fixture(scope='module', params=['none', 'listed', 'all'])
def api(request, tmp_path_factory) -> Iterator[Api]:
    root = tmp_path_factory.mktemp(request.param)
    origins = {'none': '', 'listed': f'  origins: ["http://localhost:5173", "{APP}"]\n', 'all': '  origins: ["*"]\n'}
    (root / 'weir.yaml').write_text(WEIR_YAML + origins[request.param])
    project = Project(root)
    with project.up('--port', '0'):
        api = Api(project, make_key(project, 'all', '--scope', 'admin'))
        api.origins = request.param
        api.few = make_key(project, 'few', '--plan', 'few')
        api.rows_key = make_key(project, 'rows')
        yield api


def ask_first(api: Api, path: str, origin: str, method: str = 'POST') -> Answer:
    return api.with_key(None).ask('OPTIONS', path, origin=origin, Access_Control_Request_Method=method,
                                  Access_Control_Request_Headers='content-type,x-api-key')


def words(answer: Answer, header: str) -> set[str]:
    return {word.strip() for word in (answer.headers[header] or '').split(',')}


def cors_headers(answer: Answer) -> list[str]:
    return [name for name in answer.headers if name.lower().startswith('access-control-')]


def test_a_page_asks_first(api: Api) -> None:
    answer = ask_first(api, ROWS, APP)
    if api.origins == 'none':
        assert answer.status == 405 and answer.headers['allow'] == 'POST' and not cors_headers(answer), answer
        return
    assert answer.status == 204 and answer.body == b'' and answer.headers['content-length'] is None, answer
    assert answer.headers['access-control-allow-origin'] == (APP if api.origins == 'listed' else '*')
    assert (answer.headers['vary'] == 'Origin') == (api.origins == 'listed')
    assert answer.headers['access-control-allow-methods'] == 'POST'
    assert words(answer, 'access-control-allow-headers') >= {
        'content-type', 'x-api-key', 'authorization', 'idempotency-key', 'prefer', 'x-request-id'}
    assert answer.headers['access-control-max-age'] == '7200'
    assert answer.headers['access-control-allow-credentials'] is None
    assert ask_first(api, '/api/runs', APP, 'GET').headers['access-control-allow-methods'] == 'GET, HEAD'
    assert ask_first(api, '/nowhere', APP).status == 404


def test_pages_of_other_origins(api: Api) -> None:
    for origin in (OTHER, APP + '.evil.example', APP.upper(), APP + ':444', 'http://app.example.org', 'null'):
        first = ask_first(api, ROWS, origin)
        answer = api.with_key(api.rows_key).post(ROWS, '{"n": 1}', content_type='application/json', origin=origin)
        assert answer.status == 200, 'who has a key is answered; the browser keeps the answer from the page'
        if api.origins == 'all':
            assert first.status == 204 and answer.headers['access-control-allow-origin'] == '*'
        else:
            assert first.status == (405 if api.origins == 'none' else 403), first
            assert not cors_headers(first) and not cors_headers(answer), (origin, first, answer)
        if api.origins == 'listed':
            assert first.code == 'foreign_origin' and answer.headers['vary'] == 'Origin'


def test_what_pages_may_read(api: Api) -> None:
    """Of answers of every kind: good, refused before and behind the body, streamed, not found."""
    rows = api.with_key(api.rows_key)
    few = api.with_key(api.few)
    answers = [
        rows.post(ROWS, '{"n": 1}', content_type='application/json', origin=APP, Prefer='tx=rollback'),
        rows.post(ROWS, 'no json', content_type='application/json', origin=APP),
        api.with_key(None).post(ROWS, '{}', origin=APP),
        api.get('/api/runs', origin=APP),
        api.get('/nowhere', origin=APP),
        *(few.post(ROWS, '{"n": 1}', content_type='application/json', origin=APP) for _ in range(2)),
    ]
    assert {answer.status for answer in answers} >= {200, 400, 401, 404, 429}
    for answer in answers:
        assert answer.headers['access-control-allow-credentials'] is None
        if api.origins == 'none':
            assert not cors_headers(answer) and answer.headers['vary'] is None, answer
            continue
        assert answer.headers['access-control-allow-origin'] == (APP if api.origins == 'listed' else '*'), answer
        assert words(answer, 'access-control-expose-headers') >= {
            'x-request-id', 'retry-after', 'preference-applied', 'location'}
        assert answer.headers['x-request-id']
    silent = rows.post(ROWS, '{"n": 1}', content_type='application/json')
    assert not cors_headers(silent) and (silent.headers['vary'] == 'Origin') == (api.origins == 'listed')


def test_options_that_is_no_pages_question(api: Api) -> None:
    for headers in ({}, {'origin': APP}, {'Access_Control_Request_Method': 'POST'}):
        answer = api.ask('OPTIONS', ROWS, **headers)
        assert answer.status == 405 and answer.headers['allow'] == 'POST', answer
    assert b'HTTP/1.1 400' in api.raw(b'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n')


def test_what_every_answer_tells_browsers(api: Api) -> None:
    rows = api.with_key(api.rows_key)
    bad = api.raw(b'GET / HTTP/1.1\r\nbad\r\n\r\n').decode('latin-1').lower()
    for line in ('x-content-type-options: nosniff', 'x-frame-options: deny', 'referrer-policy: no-referrer',
                 "frame-ancestors 'none'", 'cache-control: no-store'):
        assert line in bad, bad
    for answer in (rows.post(ROWS, '{"n": 1}', content_type='application/json'), api.get('/docs'), api.get('/openapi.json'),
                   api.get('/nowhere'), api.with_key(None).get('/api/runs'), api.get('/api/runs'), api.get('/healthz'),
                   api.get('/metrics'), api.ask('HEAD', '/api/runs'), ask_first(api, ROWS, APP)):
        headers = answer.headers
        assert headers['x-content-type-options'] == 'nosniff', answer
        assert headers['x-frame-options'] == 'DENY' and "frame-ancestors 'none'" in headers['content-security-policy']
        assert headers['referrer-policy'] == 'no-referrer' and headers['cache-control'] == 'no-store'
        assert headers['strict-transport-security'] is None, 'not through TLS'
        assert headers['server'] is None


def test_through_tls_browsers_are_told_to_stay_there(tmp_path: pathlib.Path) -> None:
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', '/CN=weir', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', str(tmp_path / 'api.key'),
                    '-out', str(tmp_path / 'api.pem')], check=True, capture_output=True)
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML + '  tls: {certificate: api.pem, key: api.key}\n')
    project = Project(tmp_path)
    with project.up('--port', '0'):
        api = Api(project, make_key(project, 'all'), tmp_path / 'api.pem')
        for answer in (api.get('/docs'), api.get('/nowhere'), api.rows('log', {'n': 1})):
            assert answer.headers['strict-transport-security'] == 'max-age=31536000', answer


@pytest.mark.parametrize('origins,line', [
    ('["https://app.example.org/"]', "7:13: error: 'https://app.example.org/' is not how browsers send that origin; "
                                     "write https://app.example.org"),
    ('["https://App.example.org"]', "write https://app.example.org"),
    ('["app.example.org"]', "7:13: error: 'app.example.org' is no origin; write scheme, host and port, e.g. "),
    ('["https://*.example.org"]', "is a pattern, and an origin is compared as a whole"),
    ('["*", "https://app.example.org"]', "7:13: error: '*' means all origins, so the others mean nothing"),
])
def test_a_malformed_origin_is_found(tmp_path: pathlib.Path, origins: str, line: str) -> None:
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML.strip() + f'\n  origins: {origins}\n')
    result = Project(tmp_path).verb('validate')
    assert result.code != 0 and line in result.out + result.err, result
