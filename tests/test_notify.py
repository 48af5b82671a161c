"""The notify step: what is told, signed, told again and given up, whatever the receiver does."""
import base64
import collections
import hashlib
import hmac
import json
import pathlib
import re
import signal
import threading

import pytest

from http_server import Asked, serving
from weir_project import Project, wait_until

KEY = 'geheimnis-der-unterschrift'


def make(root: pathlib.Path, *steps: str) -> Project:
    root.mkdir(parents=True, exist_ok=True)
    told = ''.join(f'      - notify: {{{step}}}\n' for step in steps)
    (root / 'weir.yaml').write_text(f'''
project: told
databases: {{db: "duckdb://db.duckdb"}}
buckets: {{landing: "file://landing"}}
tables:
  t: {{in: db, columns: {{id: bigint, note: varchar(3)}}, on_bad_row: quarantine}}
pipelines:
  load:
    retry: {{times: 0}}
    when: [{{object: "landing/*.csv"}}]
    steps:
      - read: {{format: csv}}
      - load: {{table: t, mode: append}}
{told}''')
    project = Project(root)
    project.environment = {'WEIR_SECRET_HOOK': KEY, 'WEIR_SECRET_WHSEC': 'whsec_' + base64.b64encode(b'k' * 32).decode()}
    return project


def body(asked: Asked) -> dict:
    return json.loads(asked.body)


def verified(asked: Asked, key: bytes) -> bool:
    """The recipe of docs/guide/notify.md."""
    signed = f'{asked.headers["webhook-id"]}.{asked.headers["webhook-timestamp"]}.'.encode() + asked.body
    wanted = 'v1,' + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return hmac.compare_digest(wanted, asked.headers['webhook-signature'])


def test_each_step_tells_what_it_was_asked_to(tmp_path) -> None:
    with serving(lambda asked: asked.answer(204)) as server:
        project = make(tmp_path / 'p', f'url: "{server.url("/all")}", sign: "${{secret:hook}}"',
                       f'url: "{server.url("/failure")}", on: [failure], sign: "${{secret:whsec}}"',
                       f'url: "{server.url("/rejects")}", on: [rejects], rejects_over: 1',
                       f'url: "{server.url("/share")}", on: [rejects], rejects_over: 60%')

        def told() -> list[tuple[str, str]]:
            found = sorted((asked.path, body(asked)['type']) for asked in server.asked)
            server.asked.clear()
            return found
        project.write('landing/good.csv', 'id,note\n1,a\n2,b\n')
        project.run('load')
        asked = server.asked[0]
        message = body(asked)
        assert told() == [('/all', 'run.success')]
        assert asked.method == 'POST' and asked.headers['content-type'] == 'application/json'
        assert verified(asked, KEY.encode()) and not verified(asked, b'other')
        assert re.fullmatch(r'[0-9a-z]{26}\.3\.[0-9]+', message['id']) and asked.headers['webhook-id'] == message['id']
        assert (message['project'], message['environment'], message['pipeline']) == ('told', 'default', 'load')
        assert message['state'] == 'succeeded' and message['receipt']['rows']['inserted'] == 2
        assert message['run'] == message['receipt']['run'] == message['id'].split('.')[0]

        project.run('load')
        assert told() == [], 'what is skipped is no news'

        project.write('landing/one.csv', 'id,note\n3,geheimnisvoll\n4,c\n')
        project.run('load', code=3)
        assert 'geheimnisvoll' not in server.asked[0].body.decode(), 'no values leave the project'
        assert body(server.asked[0])['receipt']['rejects'] == [{'element': 1, 'line': 2, 'field': 'note',
                                                                'rule': 'varchar(3)'}]
        assert told() == [('/all', 'run.rejects')]
        project.write('landing/two.csv', 'id,note\n5,dddd\n6,eeee\n7,x\n')
        project.run('load', code=3)
        assert told() == [('/all', 'run.rejects'), ('/rejects', 'run.rejects'), ('/share', 'run.rejects')]

        project.write('landing/broken.csv', 'nothing\n1\n')
        project.run('load', code=1)
        failures = {asked.path: asked for asked in server.asked}
        assert verified(failures['/failure'], b'k' * 32)
        assert body(failures['/all'])['receipt']['error']['message']
        assert body(failures['/all'])['state'] in ('parked', 'failed')
        assert told() == [('/all', 'run.failure'), ('/failure', 'run.failure')]


def test_a_receiver_that_is_down_is_told_later(tmp_path) -> None:
    with serving(lambda asked: None) as gone:
        port = gone.port
    project = make(tmp_path / 'p', f'url: "http://127.0.0.1:{port}/hook?key=geheim", retry: {{times: 1000, backoff: 20ms, longest: 200ms}}')
    project.write('landing/a.csv', 'id,note\n1,a\n')
    with project.up():
        wait_until(lambda: project.runs('--state', 'succeeded'), 'the rows are in')
        run = project.runs()[0]['id']
        wait_until(lambda: 'was not delivered' in project.verb('logs', run).out, 'the first try is in the log')
        assert 'geheim' not in project.verb('logs', run).out
        with serving(lambda asked: asked.answer(200), port=port) as server:
            wait_until(lambda: server.asked, 'it is told')
            assert body(server.asked[0])['run'] == run


def test_what_no_one_takes_is_given_up(tmp_path) -> None:
    answers = {'/busy': 503, '/gone': 410, '/moved': 302, '/good': 200}
    with serving(lambda asked: asked.answer(answers[asked.path], Location='/good')) as server:
        project = make(tmp_path / 'p', *(f'url: "{server.url(path)}", retry: {{times: 2, backoff: 5ms, longest: 10ms}}'
                                         for path in answers))
        project.write('landing/a.csv', 'id,note\n1,a\n')
        with project.up() as owner:
            counts = lambda: collections.Counter(asked.path for asked in server.asked)
            wanted = {'/busy': 3, '/gone': 1, '/moved': 3, '/good': 1}
            wait_until(lambda: counts() == wanted, 'each is tried as often as it may be')
            run = project.runs()[0]['id']
            wait_until(lambda: project.verb('logs', run).out.count('is given up after') == 3, 'the log says so')
            assert project.runs()[0]['state'] == 'succeeded', 'that is no failure of the run'
            assert owner.stop() == 0
        ids = {asked.headers['webhook-id'] for asked in server.asked if asked.path == '/busy'}
        assert len(ids) == 1, 'a notice keeps its id'


def test_a_receiver_that_hangs_holds_up_nobody_else(tmp_path) -> None:
    hung = threading.Event()

    def script(asked: Asked) -> None:
        if asked.path == '/hangs':
            hung.set()
            asked.wait_closed()
        else:
            asked.answer(200)
    with serving(script) as server:
        project = make(tmp_path / 'p', f'url: "{server.url("/hangs")}"', f'url: "{server.url("/good")}"')
        with project.up():
            project.write('landing/a.csv', 'id,note\n1,a\n')
            assert hung.wait(60)
            for name in 'bcd':
                project.write(f'landing/{name}.csv', f'id,note\n1,{name}\n')
            wait_until(lambda: len({asked.body for asked in server.asked if asked.path == '/good'}) == 4,
                       'the other receiver knows of all')


@pytest.mark.parametrize('point', ['run-executed', 'run-finished', 'notice-sent'])
def test_told_at_least_once_with_the_same_id(tmp_path, point: str) -> None:
    with serving(lambda asked: asked.answer(200)) as server:
        project = make(tmp_path / 'p', f'url: "{server.url("/hook")}", sign: "${{secret:hook}}"')
        project.write('landing/a.csv', 'id,note\n1,a\n')
        project.environment['WEIR_FAULTS'] = f'crash@{point}:1'
        assert project.verb('run', 'load').code == -signal.SIGKILL
        told = 2 if point == 'notice-sent' else 1  # there the answer came, and was not written down
        del project.environment['WEIR_FAULTS']
        with project.up() as owner:
            wait_until(lambda: len(server.asked) >= told and project.runs('--state', 'succeeded'), 'it is told')
            assert owner.stop() == 0
        ids = {asked.headers['webhook-id'] for asked in server.asked}
        assert len(ids) == 1, 'told twice is told under one id'
        assert all(verified(asked, KEY.encode()) for asked in server.asked)
        told = len(server.asked)
        with project.up() as owner:
            assert owner.stop() == 0
        assert len(server.asked) == told, 'what was delivered is not told again'
