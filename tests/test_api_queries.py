"""Named queries over HTTP: parameters that are bound, every form on every engine, and bounds on all a client may do."""
import contextlib
import csv
import http.client
import io
import json
import pathlib
import socket
import threading
import urllib.parse
from typing import Iterator

import pytest

from api_client import Answer, Api, make_key
from database_targets import DuckdbFile, ServerDatabase, Target
from weir_project import Project, wait_until

JSON, CSV, NDJSON, PARQUET = 'application/json', 'text/csv', 'application/x-ndjson', 'application/vnd.apache.parquet'

WEIR_YAML = '''
project: asked
memory: 256MB
databases: {{db: "{url}"}}
tables:
  people:
    in: db
    columns:
      id: bigint | key
      name: varchar(40)
      born: date
      score: decimal(20,4)
      weight: double
      active: boolean
      noted: timestamp
api:
  max_queries: 3
  plans:
    few: {{rate: 1/h, burst: 2}}
  queries:
    all: {{sql: "SELECT id, name, born, score, weight, active, noted FROM people ORDER BY id", in: db}}
    born:
      sql: SELECT id, born FROM people WHERE born >= $since ORDER BY id LIMIT $most
      in: db
      parameters: {{since: date, most: {{type: integer, default: 10}}}}
    named:
      sql: |
        SELECT id, name, '$name' AS text -- not $name, nor $other
          FROM people WHERE name = $name OR ($name = 'any' AND "id" > 0) ORDER BY id
      in: db
      parameters: {{name: varchar(60)}}
    typed:
      sql: SELECT count(*) AS n FROM people WHERE score = $score AND weight > $weight AND noted <= $noted
      in: db
      parameters: {{score: "decimal(20,4)", weight: double, noted: timestamp}}
    none: {{sql: SELECT id FROM people WHERE id < 0, in: db}}
    twice: {{sql: "SELECT 1 AS a, 2 AS b", in: db, plan: few}}
    many:
      sql: {many}
      in: db
      parameters: {{n: bigint}}
      timeout: 10m
    who: {{sql: "{who}", in: db}}
    slow: {{sql: "{slow}", in: db}}
    short: {{sql: "{slow}", in: db, timeout: 1s}}
    breaks:
      sql: {breaks}
      in: db
      parameters: {{at: bigint}}
'''

PEOPLE = [
    {'id': 1, 'name': 'Ada', 'born': '1815-12-10', 'score': '0.5', 'weight': 0.1, 'active': True,
     'noted': '2021-11-07T02:48:42'},
    {'id': 2, 'name': '', 'born': '1906-12-09', 'score': '-12.3456', 'weight': 1e100, 'active': False,
     'noted': '2021-11-07T02:48:42.000001'},
    {'id': 9007199254740993, 'name': 'say "é", ok\n', 'born': '2000-02-29', 'score': '9007199254740993.1234'},
    {'id': 3}]
# Numbers that a double keeps are numbers, others are texts with all their digits.
ROWS = [
    {'id': 1, 'name': 'Ada', 'born': '1815-12-10', 'score': 0.5, 'weight': 0.1, 'active': True,
     'noted': '2021-11-07T02:48:42'},
    {'id': 2, 'name': '', 'born': '1906-12-09', 'score': -12.3456, 'weight': 1e100, 'active': False,
     'noted': '2021-11-07T02:48:42.000001'},
    {'id': 3, 'name': None, 'born': None, 'score': None, 'weight': None, 'active': None, 'noted': None},
    {'id': '9007199254740993', 'name': 'say "é", ok\n', 'born': '2000-02-29', 'score': '9007199254740993.1234',
     'weight': None, 'active': None, 'noted': None}]

# Queries that no standard spells: many rows, much work before the first row, a failure in mid-stream.
OWN_SQL = {
    'duckdb': {
        'many': "SELECT range AS n, 'row ' || range AS text, range * 1.5 AS half FROM range($n)",
        'who': 'SELECT 0 AS id',
        'slow': 'SELECT count(*) AS n FROM range(100000000) a, range(100000) b WHERE a.range * b.range % 7 = 3',
        'breaks': "SELECT range AS n, repeat('x', 100) AS x, CASE WHEN range = $at THEN error('on purpose') END AS e "
                  'FROM range(1000000)'},
    'postgres': {
        'many': "SELECT n, 'row ' || n AS text, CAST(n * 1.5 AS numeric(20,1)) AS half FROM generate_series(0, $n - 1) AS n",
        'who': 'SELECT pg_backend_pid() AS id',
        'slow': 'SELECT pg_sleep(600)',
        'breaks': "SELECT n, repeat('x', 100) AS x, 1 / ($at - n) AS e FROM generate_series(0, 999999) AS n"},
    'mysql': {
        'many': "SELECT seq AS n, concat('row ', seq) AS text, CAST(seq * 1.5 AS DECIMAL(20,1)) AS half FROM seq_0_to_9999999 "
                'WHERE seq < $n',
        'who': 'SELECT connection_id() AS id',
        'slow': 'SELECT sleep(600) AS n',
        'breaks': "SELECT seq AS n, repeat('x', 100) AS x, (SELECT 1 UNION SELECT seq * 0 + 1 + (seq = $at)) AS e "
                  'FROM seq_0_to_999999'}}


@contextlib.contextmanager
def asked(root: pathlib.Path, target: Target) -> Iterator[Api]:
    root.mkdir(parents=True)
    (root / 'weir.yaml').write_text(WEIR_YAML.format(url=target.url, **OWN_SQL[target.name]))
    project = Project(root)
    with project.up('--port', '0') as owner:
        api = Api(project, make_key(project, 'all'))
        api.owner = owner
        answer = api.rows('people', PEOPLE)
        assert answer.status == 200 and answer.json()['rows']['inserted'] == len(PEOPLE), answer
        yield api


@pytest.fixture(scope='module', params=['duckdb', 'postgres', 'mysql'])
def api(request, tmp_path_factory) -> Iterator[Api]:
    """The queries on each engine."""
    target: Target = DuckdbFile() if request.param == 'duckdb' else ServerDatabase(
        request.getfixturevalue(f'{request.param}_server'))
    with asked(tmp_path_factory.mktemp('asked') / 'project', target) as running:
        running.target = target
        yield running


@pytest.fixture(scope='module')
def embedded(tmp_path_factory) -> Iterator[Api]:
    with asked(tmp_path_factory.mktemp('embedded') / 'project', DuckdbFile()) as running:
        yield running


def get(api: Api, path: str, accept: str = JSON, **headers: str) -> Answer:
    return api.get(f'/api/queries/{path}', accept=accept, **headers)


def parquet_rows(body: bytes, folder: pathlib.Path) -> list[dict]:
    """Read back by weir's own DuckDB, from another project."""
    folder.mkdir()
    (folder / 'rows.parquet').write_bytes(body)
    (folder / 'weir.yaml').write_text('project: reader\ndatabases: {db: duckdb://db.duckdb}\n')
    result = Project(folder).verb('query', f"SELECT * FROM read_parquet('{folder}/rows.parquet')", '--format', 'json')
    assert result.code == 0, result
    return result.json()


def test_every_form_on_every_engine(api: Api, tmp_path: pathlib.Path) -> None:
    answer = get(api, 'all')
    assert answer.status == 200 and answer.headers['content-type'] == JSON and answer.json() == ROWS, answer
    lines = get(api, 'all', NDJSON)
    assert lines.headers['content-type'] == NDJSON and [json.loads(line) for line in lines.body.splitlines()] == ROWS
    table = get(api, 'all', CSV)
    assert table.headers['content-type'].startswith(CSV)
    text = table.body.decode()
    assert text.startswith('id,name,born,score,weight,active,noted\r\n') and text.count('\r\n') == 5, text
    assert '\r\n2,"",1906-12-09,-12.3456,' in text and '\r\n3,,,,,,\r\n' in text, 'NULL and empty are told apart'
    rows = list(csv.DictReader(io.StringIO(text, newline='')))
    assert rows[3]['id'] == '9007199254740993' and rows[3]['name'] == PEOPLE[2]['name']
    file = get(api, 'all', PARQUET)
    assert file.status == 200 and file.headers['content-type'] == PARQUET and file.body[:4] == file.body[-4:] == b'PAR1'
    read = parquet_rows(file.body, tmp_path / 'reader')
    assert [row['id'] for row in read] == [1, 2, 3, 9007199254740993]
    assert [row['score'] for row in read] == ['0.5000', '-12.3456', None, '9007199254740993.1234']
    assert read[2]['name'] is None and read[1]['name'] == ''
    assert not list((api.project.root / '.weir' / 'default' / 'spool').glob('**/*.parquet'))


def test_no_rows(api: Api, tmp_path: pathlib.Path) -> None:
    assert get(api, 'none').body == b'[]\n'
    assert get(api, 'none', CSV).body == b'id\r\n'
    assert get(api, 'none', NDJSON).body == b''
    assert parquet_rows(get(api, 'none', PARQUET).body, tmp_path / 'reader') == []


def test_parameters_have_types_and_defaults(api: Api) -> None:
    assert [row['id'] for row in get(api, 'born?since=1900-01-01').json()] == [2, '9007199254740993']
    assert [row['id'] for row in get(api, 'born?since=1900-01-01&most=1').json()] == [2]
    assert get(api, 'born?most=0&since=0001-01-01').json() == []
    one = get(api, 'typed?score=%2B0.50&weight=1e-3&noted=2021-11-07').json()
    assert one == [{'n': 0}], 'the day has only begun'
    assert get(api, 'typed?score=0.5&weight=0.05&noted=2021-11-07T02:48:42').json() == [{'n': 1}]


@pytest.mark.parametrize('path,code,words', [
    ('born', 'missing_parameter', ["'since'", 'date']),
    ('born?since=soon', 'invalid_parameter', ["'since'", 'date', "'soon'"]),
    ('born?since=2021-02-29', 'invalid_parameter', ["'2021-02-29'"]),
    ('born?since=2021-01-01&most=1.5', 'invalid_parameter', ["'most'", 'integer', "'1.5'"]),
    ('born?since=2021-01-01&most=', 'invalid_parameter', ["'most'", 'integer']),
    ('born?since=2021-01-01&most=9999999999', 'invalid_parameter', ['integer']),
    ('born?since=2021-01-01&until=2022-01-01', 'unknown_parameter', ["'until'", 'since', 'most']),
    ('born?since=2021-01-01&since=2022-01-01', 'unknown_parameter', ["'since'", 'twice']),
    ('born?since=%zz', 'malformed', ['decode']),
    ('all?x=1', 'unknown_parameter', ['none']),
    ('named?name=' + 'x' * 61, 'invalid_parameter', ['varchar(60)']),
    ('named?name=%ff', 'invalid_parameter', ["'name'"]),
])
def test_what_is_no_value_is_told(embedded: Api, path: str, code: str, words: list[str]) -> None:
    answer = get(embedded, path)
    assert answer.status == 400 and answer.code == code, answer
    said = answer.json()['detail'] + ' ' + answer.json().get('fix', '')
    assert all(word in said for word in words), answer


@pytest.mark.parametrize('value', [
    "x' OR '1'='1", "x'; DROP TABLE people; --", 'x" OR ""="', "\\' OR 1=1 -- ", '$name', '$1', '?', '${run.day}', 'any\\',
    "') UNION SELECT 1, 'x', 'y' --", '%', '/* */', "x\n'", "'"])
def test_a_value_never_becomes_sql(api: Api, value: str) -> None:
    answer = get(api, 'named?name=' + urllib.parse.quote(value))
    assert answer.status == 200 and answer.json() == [], answer
    ada = get(api, 'named?name=Ada').json()
    assert ada == [{'id': 1, 'name': 'Ada', 'text': '$name'}]
    assert len(get(api, 'all').json()) == len(PEOPLE)


def test_a_nul_in_a_value_harms_nobody(api: Api) -> None:
    answer = get(api, 'named?name=a%00b')
    if api.target.name == 'postgres':
        assert answer.status == 400 and answer.code == 'invalid_parameter', answer
    else:
        assert answer.status == 200 and answer.json() == [], answer


def test_who_may_ask(embedded: Api) -> None:
    project = embedded.project
    assert get(embedded.with_key(None), 'all').status == 401
    only = embedded.with_key(make_key(project, 'only', '--query', 'none'))
    assert get(only, 'none').status == 200
    refused = get(only, 'all')
    assert refused.status == 403 and refused.code == 'out_of_scope', refused
    rows_only = embedded.with_key(make_key(project, 'rows-only', '--table', 'people'))
    assert get(rows_only, 'all').status == 403
    answer = get(embedded, 'al')
    assert answer.status == 404 and answer.code == 'not_found' and "'all'" in answer.json()['fix'], answer
    assert embedded.post('/api/queries/all').status == 405
    head = embedded.ask('HEAD', '/api/queries/all', accept=CSV)
    assert head.status == 200 and head.headers['content-type'].startswith(CSV) and head.body == b''


def test_a_querys_plan_counts(embedded: Api) -> None:
    statuses = [get(embedded, 'twice').status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert get(embedded, 'none').status == 200, 'another plan'


@pytest.mark.parametrize('accept,status,kind', [
    ('*/*', 200, JSON), ('text/*', 200, CSV), ('text/csv;q=0.1, application/json;q=0', 200, CSV),
    ('text/html,application/xhtml+xml,*/*;q=0.8', 200, JSON), ('image/png', 406, None), ('text/csv;q=0', 406, None)])
def test_accept_decides_the_form(embedded: Api, accept: str, status: int, kind: str | None) -> None:
    answer = get(embedded, 'none', accept)
    assert answer.status == status, answer
    assert answer.code == 'not_acceptable' if kind is None else answer.headers['content-type'].startswith(kind)


def test_it_is_described(embedded: Api) -> None:
    description = embedded.with_key(None).get('/openapi.json').json()
    operation = description['paths']['/api/queries/born']['get']
    since, most = operation['parameters']
    assert since['required'] and since['schema']['format'] == 'date' and since['in'] == 'query'
    assert not most['required'] and most['schema']['default'] == '10'
    assert set(operation['responses']['200']['content']) == {JSON, CSV, NDJSON, PARQUET}
    assert {'400', '401', '403', '404', '406', '429', '503', '504'} <= set(operation['responses'])
    assert '/api/queries/born' in embedded.with_key(None).get('/docs').body.decode()


class Streaming:
    """A request whose answer is read as the test likes; `leave` goes without a word."""

    def __init__(self, api: Api, path: str, accept: str = NDJSON, version: str = '1.1', receive_buffer: int | None = None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(120)
        self.socket.connect(api.address)
        self.socket.sendall(f'GET /api/queries/{path} HTTP/{version}\r\nhost: x\r\nx-api-key: {api.key}\r\n'
                            f'accept: {accept}\r\n\r\n'.encode())

    def response(self) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        return response

    def leave(self) -> None:
        self.socket.close()


def resident_bytes(pid: int) -> int:
    status = pathlib.Path(f'/proc/{pid}/status').read_text()
    return int(status.split('VmRSS:')[1].split()[0]) * 1024


def test_five_million_rows_in_little_memory(embedded: Api) -> None:
    response = Streaming(embedded, 'many?n=5000000').response()
    assert response.status == 200 and response.getheader('transfer-encoding') == 'chunked'
    lines, last, highest = 0, b'', 0
    while piece := response.read(1 << 20):
        lines += piece.count(b'\n')
        last = (last + piece)[-200:]
        highest = max(highest, resident_bytes(embedded.owner.pid))
    assert lines == 5_000_000
    assert json.loads(last.splitlines()[-1]) == {'n': 4999999, 'text': 'row 4999999', 'half': 7499998.5}
    assert highest < 256_000_000, f'{highest} bytes'


def test_a_slow_reader_holds_the_rows_back_and_gets_them_all(api: Api) -> None:
    rows = 300_000
    streaming = Streaming(api, f'many?n={rows}', receive_buffer=4096)
    response = streaming.response()
    assert response.status == 200
    body = response.read(100)
    assert len(body) == 100
    # Others are answered meanwhile.
    assert get(api, 'none').status == 200
    body += response.read()
    assert body.count(b'\n') == rows and body.endswith(b'\n')


def test_a_server_s_session_is_used_again_and_replaced_when_it_is_gone(api: Api) -> None:
    def session() -> int:
        answer = get(api, 'who')
        assert answer.status == 200, answer
        return answer.json()[0]['id']
    first = session()
    assert session() == first
    if isinstance(api.target, ServerDatabase):
        postgres = api.target.name == 'postgres'
        api.target.server.query(f'SELECT pg_terminate_backend({first}, 60000)' if postgres else f'KILL {first}')
        after = session()
        assert after != first and session() == after


def test_whoever_leaves_ends_the_query(api: Api) -> None:
    """Amid its rows, or before there are any: the places are free again, and the server works no longer."""
    for path in ('many?n=5000000', 'slow'):
        before = api.owner.log.read_text().count('its client left')
        streaming = [Streaming(api, path, receive_buffer=4096) for _ in range(3)]
        wait_until(lambda: get(api, 'none').status == 503, 'all places are taken')
        for each in streaming:
            each.leave()
        wait_until(lambda: api.owner.log.read_text().count('its client left') == before + 3, f'all are noticed: {path}')
        assert get(api, 'none').status == 200
    if isinstance(api.target, ServerDatabase) and api.target.name == 'postgres':
        at_work = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{api.target.database}' AND state = 'active'"
        wait_until(lambda: api.target.server.query(at_work) == [], 'the server works no longer')


def test_one_more_than_may_be_is_told_to_come_again(embedded: Api) -> None:
    held = [Streaming(embedded, 'slow') for _ in range(3)]
    try:
        refused = wait_until(lambda: (answer := get(embedded, 'none')).status == 503 and answer, 'all places are taken')
        assert refused.code == 'too_much_waits' and refused.headers['retry-after'] == '1', refused
    finally:
        for each in held:
            each.leave()
    wait_until(lambda: get(embedded, 'none').status == 200, 'a place is free again')


def test_time_is_limited(api: Api) -> None:
    answer = get(api, 'short')
    assert answer.status == 504 and answer.code == 'took_too_long' and '1 s' in answer.json()['detail'], answer


def test_what_fails_in_mid_stream_is_no_complete_answer(api: Api) -> None:
    for accept in (JSON, CSV, NDJSON):
        with pytest.raises(http.client.IncompleteRead) as broken:
            Streaming(api, 'breaks?at=100000', accept).response().read()
        assert len(broken.value.partial) > 100_000
    with pytest.raises(ConnectionResetError):
        Streaming(api, 'breaks?at=100000', version='1.0').response().read()


def test_what_fails_before_its_first_row_is_a_problem(api: Api) -> None:
    answer = get(api, 'breaks?at=0')
    assert answer.status == 500 and answer.code == 'query_failed' and 'breaks' in answer.json()['detail'], answer
    whole = get(api, 'breaks?at=100000', PARQUET)
    assert whole.status == 500 and whole.code == 'query_failed', 'a file is sent when all of it is there'


def test_stopping_ends_queries_at_work(tmp_path: pathlib.Path) -> None:
    with asked(tmp_path / 'project', DuckdbFile()) as api:
        held = [Streaming(api, 'slow'), Streaming(api, 'many?n=100000000', receive_buffer=4096)]
        assert held[1].response().status == 200
        assert api.owner.stop() == 0


def test_a_server_that_is_down_is_503(tmp_path: pathlib.Path) -> None:
    class Nowhere:
        name = 'postgres'
        url = f'postgres://nobody@/nothing?host={tmp_path}'
    root = tmp_path / 'project'
    root.mkdir()
    (root / 'weir.yaml').write_text(WEIR_YAML.format(url=Nowhere.url, **OWN_SQL['postgres']))
    project = Project(root)
    with project.up('--port', '0'):
        answer = get(Api(project, make_key(project, 'all')), 'all')
        assert answer.status == 503 and answer.code == 'database_unavailable' and answer.headers['retry-after'], answer


def test_many_at_once_get_their_own_rows(api: Api) -> None:
    answers: list[list[dict]] = []

    def ask(name: str) -> None:
        for _ in range(10):
            answer = wait_until(lambda: (got := get(api, f'named?name={name}')).status == 200 and got, 'an answer')
            answers.append([name, *(row['name'] for row in answer.json())])
    threads = [threading.Thread(target=ask, args=(name,)) for name in ('Ada', 'Bob', 'Ada', 'Bob')]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(tuple, answers)) == [('Ada', 'Ada')] * 20 + [('Bob',)] * 20


VALIDATED = '''project: p
databases: {db: "duckdb://db.duckdb", pg: "postgres://h/d"}
tables:
  t: {in: db, columns: {n: bigint}}
api:
  queries:
    misspelled:
      sql: SELECT n FROM t WHERE n > $leest
      in: db
      parameters: {least: bigint}
    unused:
      sql: SELECT n FROM t
      in: pg
      parameters:
        least: bigint
    wrong: {sql: SELECT m FROM t, in: db}
    writes: {sql: DELETE FROM t, in: db}
    filed: {sql: sql/filed.sql, in: pg, parameters: {n: bigint}}
    fallback:
      sql: SELECT $day AS day
      in: pg
      parameters: {day: {type: date, default: soon}}
    name:
      sql: SELECT 1 AS n
      in: pg
      parameters: {a-b: date}
    two: {sql: "SELECT 1 AS a, 2 AS a", in: db}
    engine: {sql: {duckdb: SELECT 1 AS n}, in: pg}
'''


def test_validate_says_what_is_wrong_and_where(tmp_path: pathlib.Path) -> None:
    (tmp_path / 'sql').mkdir()
    (tmp_path / 'sql' / 'filed.sql').write_text('SELECT $n AS n,\n       $m AS m\n')
    (tmp_path / 'weir.yaml').write_text(VALIDATED)
    result = Project(tmp_path).verb('validate')
    assert result.code != 0
    said = result.out + result.err
    for line in [
            "weir.yaml:8:38: error: query 'misspelled': the parameter $leest is not declared; did you mean $least?",
            "weir.yaml:10:20: error: query 'misspelled': the SQL does not use the parameter 'least'",
            "weir.yaml:15:9: error: query 'unused': the SQL does not use the parameter 'least'",
            "weir.yaml:16:25: error: query 'wrong': ",
            "weir.yaml:17:19: error: query 'writes' is not a query",
            "sql/filed.sql:2:8: error: query 'filed': the parameter $m is not declared",
            "error: the default of parameter 'day': 'soon' does not fit date",
            "error: 'a-b' cannot be the name of a parameter",
            "error: query 'two' gives two columns 'a'",
            "error: query 'engine' has no SQL for postgres"]:
        assert line in said, f'{line}\n--- not in\n{said}'


def test_the_slow_query_is_a_query(embedded: Api) -> None:
    """Its SQL holds in `weir validate`: that what it is tested with is not refused for another reason."""
    result = embedded.project.verb('validate')
    assert result.code == 0, result
