"""What the API counts: by route, table and outcome, in Prometheus' format to the letter, and nothing a client can widen."""
import pathlib
import re
import socket
import urllib.request
from typing import Iterator

import pytest

import prometheus_text
from api_client import Api, make_key
from weir_project import REPOSITORY, Project, wait_until

WEIR_YAML = '''
project: people
databases: {db: duckdb://db.duckdb}
tables:
  people:
    in: db
    columns:
      id: bigint | key
      name: varchar(20) | required
      age: smallint | >= 0
  strict:
    in: db
    columns: {n: integer | required}
    on_bad_row: fail
api:
  plans: {few: {rate: 1/h, burst: 2}}
'''


class Watched:
    def __init__(self, project: Project):
        self.api = Api(project, make_key(project, 'all'))
        self.admin = (project.root / '.weir' / 'default' / 'admin').read_text().strip()
        self.project = project

    def text(self) -> str:
        with urllib.request.urlopen(self.admin + '/metrics', timeout=60) as answer:
            return answer.read().decode()

    def families(self) -> dict[str, prometheus_text.Family]:
        return prometheus_text.parse(self.text())


@pytest.fixture
def watched(tmp_path: pathlib.Path) -> Iterator[Watched]:
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML)
    project = Project(tmp_path)
    with project.up('--port', '0', '--admin-port', '0'):
        yield Watched(project)


def test_requests_rows_and_rejects(watched: Watched) -> None:
    api = watched.api
    good = [{'id': n, 'name': 'n'} for n in range(3)]
    assert api.rows('people', good).status == 200
    assert api.rows('people', [{'id': 0, 'name': 'other'}, {'id': 7, 'name': 'n'}], '?mode=merge').status == 200
    assert api.rows('people', [{'id': 8, 'name': 'n'}, {'id': 9}, {'id': 10, 'name': 'n', 'age': -1}]).status == 200
    assert api.rows('people', [{'id': 11, 'name': 'n'}], Prefer='tx=rollback').status == 200
    assert api.rows('strict', [{'n': 1}, {'n': None}]).status == 422
    again = {'Idempotency_Key': 'once'}
    for _ in range(2):
        assert api.rows('people', [{'id': 12, 'name': 'n'}], **again).status == 200
    assert api.get('/api/tables/people/rows').status == 405
    assert api.with_key(None).rows('people', good).status == 401
    assert api.get('/nowhere/at-all').status == 404

    families = watched.families()
    rows = families['weir_api_rows_total']
    assert rows.value(table='people', outcome='inserted') == 3 + 1 + 1 + 1, 'neither dry runs nor repetitions'
    assert rows.value(table='people', outcome='updated') == 1
    assert rows.value(table='people', outcome='rejected') == 2
    assert rows.value(table='strict', outcome='inserted') == 0
    assert rows.value(table='strict', outcome='rejected') == 1
    rejected = families['weir_api_rejected_rows_total']
    assert rejected.value(table='people', rule='required') == 1
    assert rejected.value(table='people', rule='>= 0') == 1
    assert rejected.total(table='people') == rows.value(table='people', outcome='rejected')

    requests, durations = families['weir_api_requests_total'], families['weir_api_request_duration_seconds']
    route = '/api/tables/{table}/rows'
    assert requests.value(route=route, method='POST', status='2xx') == 6
    assert requests.value(route=route, method='POST', status='4xx') == 2
    assert requests.value(route=route, method='GET', status='4xx') == 1
    assert requests.value(route='(other)', method='GET', status='4xx') == 1
    for each in requests.label_values('route'):
        assert durations.value('_count', route=each) == requests.total(route=each), each
    assert durations.value('_sum', route=route) > 0
    commits = families['weir_api_commit_requests']
    assert commits.value('_sum') == 4, 'requests that were committed: neither the dry one nor what was refused'
    for name in ('weir_api_waiting_requests', 'weir_api_waiting_bytes'):
        assert families[name].total() == 0 and families[name].label_values('table') == {'people', 'strict'}


def test_what_is_turned_away_and_cut(watched: Watched) -> None:
    few = watched.api.with_key(make_key(watched.project, 'few', '--plan', 'few'))
    statuses = [few.rows('people', {'id': n, 'name': 'n'}).status for n in range(4)]
    assert statuses == [200, 200, 429, 429]
    watched.api.raw(b'GET /docs HTTP/1.1\r\nHost : x\r\n\r\n')
    watched.api.raw(b'GET /docs HTTP/1.1\r\nHost: x\r\nx: ' + b'x' * 20_000 + b'\r\n\r\n')
    with socket.create_connection(watched.api.address, timeout=30):
        # The levels are at most a second old.
        wait_until(lambda: watched.families()['weir_api_connections'].value() >= 1, 'the connection is seen')
    wait_until(lambda: watched.families()['weir_api_connections'].value() == 0, 'it is gone')
    families = watched.families()
    refused = families['weir_api_refused_total']
    assert refused.value(reason='too_many_requests') == 2
    assert refused.label_values('reason') >= {'quota_used_up', 'too_much_waits', 'database_unavailable', 'stopping'}
    cut = families['weir_api_connections_cut_total']
    assert cut.value(reason='malformed') == 1 and cut.value(reason='too_long') == 1
    assert cut.label_values('reason') == {'head_time', 'body_time', 'idle_time', 'write_time', 'too_long', 'malformed', 'crowded'}


def test_what_clients_send_makes_no_series(watched: Watched) -> None:
    def series() -> set[tuple[str, prometheus_text.Labels]]:
        return {sample for family in watched.families().values() for sample in family.samples}

    def ask(number: int) -> None:
        name = f'made-up-{number}'
        api = watched.api
        api.rows(name, [{}])
        api.rows('people', [{name: 1}])
        api.get(f'/api/runs/{name}')
        api.get(f'/api/queries/{name}')
        api.get(f'/{name}')
        api.ask(f'BREW{number}', '/api/runs')
        api.with_key(name).get('/api/runs', x_request_id=name, origin=f'https://{name}.example', traceparent=name)

    ask(0)
    # Levels are there from the first look on.
    wait_until(lambda: 'weir_api_connections_cut_total' in watched.families(), 'weir has looked')
    before = series()
    for number in range(1, 20):
        ask(number)
    assert series() == before
    assert 'made-up' not in watched.text()


def test_every_metric_is_on_the_reference_page(watched: Watched) -> None:
    page = (REPOSITORY / 'docs' / 'reference' / 'metrics.md').read_text()
    described = {name: (kind, re.findall('`([a-z]+)`', labels)) for name, kind, labels in
                 re.findall(r'^\| `(\w+)` \| (\w+) \| ([^|]*) \|', page, re.MULTILINE)}
    assert watched.api.rows('people', [{'id': 1}]).status == 422
    families = watched.families()
    assert {'weir_api_requests_total', 'weir_api_commit_requests', 'process_threads'} <= families.keys()
    for family in families.values():
        kind, labels = described[family.name]
        assert kind == family.kind
        for _, has in family.samples:
            assert sorted(label for label, _ in has if label != 'le') == sorted(labels), family.name


def test_the_reader_is_strict() -> None:
    head = '# HELP a_total A.\n# TYPE a_total counter\n'
    prometheus_text.parse(head + 'a_total{x="\\"\\\\\\n"} 1\n')
    histogram = '# HELP h H.\n# TYPE h histogram\n'
    buckets = 'h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\n'
    prometheus_text.parse(histogram + 'h_count 2\nh_sum 5\n' + buckets)
    for text in (
            head + 'a_total 1', head + 'a_total 1\na_total 2\n', head + 'b_total 1\n', head + 'a_total{x="1",x="2"} 1\n',
            head + 'a_total{x=1} 1\n', head + 'a_total -1\n', head + 'a_total one\n', 'a_total 1\n', head + 'a_total\t1\n',
            head + 'a_total 1\n# HELP b B.\n# TYPE b gauge\nb 1\n' + head + 'a_total 2\n',
            histogram + 'h_count 2\nh_sum 5\nh_bucket{le="1"} 3\nh_bucket{le="+Inf"} 2\n',
            histogram + 'h_count 2\nh_sum 5\nh_bucket{le="1"} 2\n',
            histogram + 'h_count 3\nh_sum 5\n' + buckets,
            histogram + 'h_count 2\nh_sum 0.5\n' + buckets,
            histogram + 'h_count 2\nh_sum 5\n'):
        with pytest.raises((AssertionError, KeyError, IndexError)):
            prometheus_text.parse(text)
