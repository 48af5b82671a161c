"""Traces: what a collector gets is OTLP's JSON, parents and links hold together, and a collector that is away costs nobody anything."""
import concurrent.futures
import contextlib
import json
import pathlib
import re
import socket
import urllib.request
from typing import Any, Callable, Iterator

import pytest

import prometheus_text
from api_client import Api, make_key
from http_server import Asked, serving
from weir_project import Project, wait_until

SECRET = 'swordfish-0451-token'
WEIR_YAML = '''
project: traced
databases: {db: duckdb://db.duckdb}
buckets: {landing: "file://landing"}
tables:
  log: {in: db, columns: {n: bigint | required, x: varchar}}
pipelines:
  load:
    when: [{object: "landing/*.json"}]
    steps:
      - read: {format: json}
      - where: n >= 0
      - load: {table: log}
admin: 127.0.0.1:0
log: {format: json}
traces:
  url: COLLECTOR
  headers: {Authorization: "Bearer ${secret:otlp}"}
'''
SERVER, INTERNAL, CLIENT = 2, 1, 3

Span = dict[str, Any]


class Collector:
    """Takes OTLP/HTTP, and looks at each body as strictly as the specification is."""

    def __init__(self, service_namespace: str = 'traced') -> None:
        self.service_namespace = service_namespace
        self.bodies: list[str] = []
        self.wrong: list[str] = []

    def take(self, asked: Asked) -> None:
        try:
            assert asked.method == 'POST' and asked.path == '/v1/traces', asked
            assert asked.headers['content-type'] == 'application/json'
            assert asked.headers['authorization'] == f'Bearer {SECRET}'
            body = asked.body.decode()
            check_request(json.loads(body), self.service_namespace)
            self.bodies.append(body)
        except (AssertionError, KeyError, ValueError) as problem:
            self.wrong.append(repr(problem))
        asked.answer(200, b'{}', Content_Type='application/json')

    def spans(self) -> list[Span]:
        assert self.wrong == []
        return [span for body in list(self.bodies) for resource in json.loads(body)['resourceSpans']
                for scope in resource['scopeSpans'] for span in scope['spans']]

    def find(self, name: str, **attributes: Any) -> list[Span]:
        return [span for span in self.spans() if span['name'] == name
                and all(attribute(span, key) == value or span.get(key) == value for key, value in attributes.items())]

    def wait(self, name: str, count: int = 1, **attributes: Any) -> list[Span]:
        return wait_until(lambda: found if len(found := self.find(name, **attributes)) >= count else None,
                          f'{count} spans {name} {attributes}')


def attributes_of(has: dict[str, Any]) -> dict[str, Any]:
    return {each['key']: next(iter(each['value'].values())) for each in has['attributes']}


def attribute(span: Span, key: str) -> Any:
    return attributes_of(span).get(key.replace('__', '.'))


def check_value(value: dict[str, Any]) -> None:
    (kind, held), = value.items()
    kinds = {'stringValue': str, 'boolValue': bool, 'intValue': str, 'doubleValue': (int, float), 'arrayValue': dict}
    assert isinstance(held, kinds[kind]), value
    if kind == 'intValue':
        assert re.fullmatch(r'-?\d+', held), value
    for each in held['values'] if kind == 'arrayValue' else []:
        check_value(each)


def check_request(body: dict[str, Any], namespace: str) -> None:
    assert body.keys() == {'resourceSpans'}
    for resource in body['resourceSpans']:
        of = attributes_of(resource['resource'])
        assert of['service.name'] == 'weir' and of['service.namespace'] == namespace and of['service.version']
        for scope in resource['scopeSpans']:
            assert scope['scope']['name'] == 'weir'
            for span in scope['spans']:
                check_span(span)


def check_span(span: Span) -> None:
    known = {'traceId', 'spanId', 'parentSpanId', 'flags', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano', 'attributes',
             'links', 'status'}
    assert span.keys() <= known, span
    for holder in (span, *span.get('links', [])):
        assert re.fullmatch('[0-9a-f]{32}', holder['traceId']) and set(holder['traceId']) != {'0'}, span
        assert re.fullmatch('[0-9a-f]{16}', holder['spanId']) and set(holder['spanId']) != {'0'}, span
    assert 'parentSpanId' not in span or re.fullmatch('[0-9a-f]{16}', span['parentSpanId']), span
    begun, ended = span['startTimeUnixNano'], span['endTimeUnixNano']
    assert isinstance(begun, str) and isinstance(ended, str) and re.fullmatch(r'1\d{18}', begun), span
    assert int(begun) <= int(ended), span
    assert span['name'] and span['kind'] in (SERVER, INTERNAL, CLIENT), span
    for each in span['attributes']:
        assert each.keys() == {'key', 'value'}
        check_value(each['value'])
    assert span.get('status', {}).get('code', 2) == 2, span


@contextlib.contextmanager
def traced(root: pathlib.Path, more: str = '', change: Callable[[str], str] = lambda text: text,
           script: Callable[[Asked], None] | None = None) -> Iterator[tuple[Api, Collector]]:
    collector = Collector()
    with serving(script or collector.take) as server:
        (root / 'landing').mkdir(exist_ok=True)
        text = WEIR_YAML.replace('COLLECTOR', server.url('/v1/traces'))
        (root / 'weir.yaml').write_text(change(text) + more)
        project = Project(root)
        project.environment = {'WEIR_SECRET_OTLP': SECRET}
        with project.up('--port', '0') as owner:
            api = Api(project, make_key(project, 'all'))
            api.owner = owner
            yield api, collector


def counts(api: Api) -> dict[str, float]:
    admin = (api.project.root / '.weir' / 'default' / 'admin').read_text().strip()
    with urllib.request.urlopen(admin + '/metrics', timeout=60) as answer:
        spans = prometheus_text.parse(answer.read().decode()).get('weir_trace_spans_total')
    return {} if spans is None else {outcome: spans.value(outcome=outcome) for outcome in ('sent', 'dropped', 'failed')}


def test_a_request_its_commit_and_a_run(tmp_path: pathlib.Path) -> None:
    with traced(tmp_path) as (api, collector):
        answer = api.rows('log', [{'n': 1}, {'n': 'x'}], x_request_id='mine')
        assert answer.status == 200
        api.project.write('landing/a.json', '{"n": 5}\n{"n": -5}\n{"n": "x"}\n')
        request, = collector.wait('POST /api/tables/{table}/rows')
        assert request['kind'] == SERVER and 'parentSpanId' not in request
        assert attributes_of(request).items() >= {
            'http.request.method': 'POST', 'http.route': '/api/tables/{table}/rows', 'url.path': '/api/tables/log/rows',
            'http.response.status_code': '200', 'client.address': '127.0.0.1', 'weir.request': 'mine'}.items()
        commit, = collector.wait('commit rows')
        assert commit['traceId'] == request['traceId'] and commit['parentSpanId'] == request['spanId'], 'it was alone'
        assert attribute(commit, 'weir.requests') == '1' and attribute(commit, 'weir.rows.loaded') == '1'
        run, = collector.wait('run load')
        assert 'parentSpanId' not in run and run['traceId'] != request['traceId']
        assert attributes_of(run).items() >= {'weir.pipeline': 'load', 'weir.object': 'landing/a.json', 'weir.state': 'partial',
                                              'weir.rows.read': '3', 'weir.rows.filtered': '1', 'weir.try': '1'}.items()
        for parent in (commit, run):
            phases = [span for span in collector.spans() if span.get('parentSpanId') == parent['spanId']]
            assert [span['name'] for span in phases] == ['read', 'decide', 'write', 'commit']
            assert all(span['traceId'] == parent['traceId'] for span in phases)
            times = [int(span[key]) for span in phases for key in ('startTimeUnixNano', 'endTimeUnixNano')]
            assert times == sorted(times), 'one after the other'
            assert int(parent['startTimeUnixNano']) <= times[0] and times[-1] <= int(parent['endTimeUnixNano'])
        read = next(span for span in collector.spans() if span.get('parentSpanId') == run['spanId'])
        steps = attribute(read, 'weir.steps')
        assert [each['stringValue'] for each in steps['values']] == ['read', 'where']
        assert SECRET not in ''.join(collector.bodies) and api.key not in ''.join(collector.bodies)
        wait_until(lambda: counts(api)['sent'] >= 7, 'counted')
        assert counts(api)['dropped'] == counts(api)['failed'] == 0
        lines = [json.loads(line) for line in api.owner.log.read_text().splitlines() if line.startswith('{')]
        assert [line['request'] for line in lines if line.get('trace') == request['traceId']] == ['mine'], 'the access log names it'


def test_a_client_s_trace_goes_on(tmp_path: pathlib.Path) -> None:
    trace, parent = '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'
    with traced(tmp_path, '  sample: 0\n') as (api, collector):
        for header in (f'00-{trace}-{parent}-00', f'00-{trace.upper()}-{parent}-01', f'00-{trace}-{parent}', 'x', ''):
            assert api.rows('log', {'n': 1}, traceparent=header).status == 200
        assert api.rows('log', {'n': 2}, traceparent=f'00-{trace}-{parent}-01').status == 200
        request, = collector.wait('POST /api/tables/{table}/rows')
        assert (request['traceId'], request['parentSpanId']) == (trace, parent)
        collector.wait('commit')
        assert {span['traceId'] for span in collector.spans()} == {trace}, 'the others said no, or nothing'
        refused = api.with_key(None).rows('log', {'n': 2}, traceparent=f'00-{trace}-{parent}-01')
        assert refused.status == 401
        assert api.rows('log', {'n': 3}, traceparent=f'00-{trace}-{parent}-01').status == 200
        collector.wait('POST /api/tables/{table}/rows', 2)
        assert not collector.find('POST /api/tables/{table}/rows', http__response__status_code='401'), 'who has no key makes no traces'


def test_requests_that_share_a_commit_are_linked_with_it(tmp_path: pathlib.Path) -> None:
    with traced(tmp_path) as (api, collector):
        def send(number: int) -> int:
            return api.rows('log', {'n': number}).status

        def shared() -> list[Span]:
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                assert set(pool.map(send, range(64))) == {200}
            return [span for span in collector.find('commit rows') if 'links' in span]

        commits = wait_until(shared, 'a commit that is shared')
        linked = {link['spanId'] for commit in commits for link in commit['links']}

        def told() -> dict[str, Span] | None:
            spans = {span['spanId']: span for span in collector.find('POST /api/tables/{table}/rows')}
            return spans if linked <= spans.keys() else None

        requests = wait_until(told, 'the requests that shared a commit')
        for commit in commits:
            assert 'parentSpanId' not in commit and int(attribute(commit, 'weir.requests')) == len(commit['links']) > 1
            for link in commit['links']:
                request = requests[link['spanId']]
                assert request['traceId'] == link['traceId'] != commit['traceId']
                back, = request['links']
                assert (back['traceId'], back['spanId']) == (commit['traceId'], commit['spanId'])


def test_a_run_that_was_asked_for_downloads_and_tells(tmp_path: pathlib.Path) -> None:
    """Traces lead from the request to the run, and from the run to others' servers."""
    asked: dict[str, Asked] = {}

    def other(request: Asked) -> None:
        asked[request.path] = request
        request.answer(200, b'{"n": 1}\n')

    with serving(other) as server:
        def add_pipelines(text: str) -> str:
            return text.replace('admin:', f'''  fetch:
    steps:
      - download: {{url: "{server.url('/file')}", to: landing/fetched.json}}
      - notify: {{url: "{server.url('/hook')}"}}
admin:''')

        with traced(tmp_path, change=add_pipelines) as (api, collector):
            admin = api.with_key(make_key(api.project, 'admin', '--scope', 'admin'))
            answer = admin.post('/api/pipelines/fetch/runs')
            assert answer.status == 202, answer
            request, = collector.wait('POST /api/pipelines/{pipeline}/runs')
            run, = collector.wait('run fetch', weir__run=answer.json()['runs'][0])
            link, = request['links']
            assert (link['traceId'], link['spanId']) == (run['traceId'], run['spanId'])
            download, = collector.wait('download')
            assert download['kind'] == CLIENT and download['parentSpanId'] == run['spanId']
            wait_until(lambda: '/hook' in asked, 'told')
            for path in ('/file', '/hook'):
                assert asked[path].headers['traceparent'] == f"00-{run['traceId']}-{run['spanId']}-01", path


def test_a_failed_run_says_why(tmp_path: pathlib.Path) -> None:
    with traced(tmp_path) as (api, collector):
        api.project.write('landing/a.json', b'\xff\xfe{\x00}\x00')
        run, = collector.wait('run load')
        assert run['status']['code'] == 2 and run['status']['message'], run


def hang(asked: Asked) -> None:
    asked.wait_closed()


@pytest.mark.parametrize('kind', ['away', 'hangs', 'refuses'])
def test_a_collector_that_does_not_answer_costs_nobody_anything(tmp_path: pathlib.Path, kind: str) -> None:
    def away(text: str) -> str:
        with socket.socket() as unused:
            unused.bind(('127.0.0.1', 0))
            port = unused.getsockname()[1]
        return re.sub('url: http://.*', f'url: http://127.0.0.1:{port}/v1/traces', text)

    script = hang if kind == 'hangs' else lambda asked: asked.answer(400)
    with traced(tmp_path, change=away if kind == 'away' else lambda text: text, script=script) as (api, _):
        for number in range(300):
            assert api.rows('log', {'n': number}).status == 200
        if kind == 'refuses':
            wait_until(lambda: counts(api)['failed'] > 0, 'counted as failed')
            wait_until(lambda: 'the collector of traces does not take them' in api.owner.log.read_text(), 'said once')
        assert counts(api)['sent'] == 0
        assert api.project.value('SELECT count(*) FROM log') == '300'
        assert api.owner.stop() == 0, 'and it stops'
        assert api.owner.log.read_text().count('the collector of traces') <= 1
        assert SECRET not in api.owner.log.read_text()


def test_what_waits_is_sent_at_the_end(tmp_path: pathlib.Path) -> None:
    with traced(tmp_path) as (api, collector):
        for number in range(20):
            assert api.rows('log', {'n': number}).status == 200
        assert api.owner.stop() == 0
        assert len(collector.find('POST /api/tables/{table}/rows')) == 20


def test_without_traces_there_is_nothing_of_them(tmp_path: pathlib.Path) -> None:
    with traced(tmp_path, change=lambda text: text[:text.index('traces:')]) as (api, collector):
        answer = api.rows('log', {'n': 1}, traceparent='00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')
        assert answer.status == 200 and counts(api) == {}
        assert api.owner.stop() == 0
    assert collector.bodies == []


@pytest.mark.parametrize('traces,line', [
    ('{url: "collector:4318"}', "of 'traces'"),
    ('{url: "ftp://collector/v1"}', "of 'traces'"),
    ('{sample: 0.5}', "'url' is missing"),
    ('{url: "http://c/v1/traces", sample: 2}', "'sample' must be a share such as 5% or 0.05"),
    ('{url: "http://c/v1/traces", headers: {traceparent: x}}', "the header 'traceparent' is weir's own to set"),
    ('{url: "http://c/v1/traces", headers: {Authorization: Bearer x}}', "whoever can read the project file can read the header"),
    ('{url: "http://169.254.169.254/v1/traces"}', "the URL of 'traces'"),
    ('{url: "http://c/${run.day}"}', "the URL of 'traces' holds ${run.…}"),
    ('{url: "http://c/v1/traces", smaple: 1}', "'sample'"),
])
def test_what_is_wrong_points(tmp_path: pathlib.Path, traces: str, line: str) -> None:
    (tmp_path / 'weir.yaml').write_text(f'project: p\ntraces: {traces}\n')
    result = Project(tmp_path).verb('validate')
    said = result.out + result.err
    assert line in said and 'weir.yaml:2:' in said, result
