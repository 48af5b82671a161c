"""Secrets that go out to servers: whatever those answer, no value gets to where weir writes or shows things."""
import base64
import json
import pathlib
import urllib.parse

import pytest

from http_server import Asked, serving
from weir_project import FINISHED, Project, wait_until

# Each has characters that some encoding changes.
SECRETS = {
    'PLACE': 'canaryPlace7f3a-~x1',          # in the URL of a download
    'BEARER': 'canaryBearer7f3a/"x\\y+z==',  # in its header
    'HOOK': 'canaryHook7f3a-~x2',            # in the URL of a notice
    'SIGN': 'canarySign7f3a/"x\\y+z==',      # its signature
    'TELL': 'canaryTell7f3a/"x\\y+z==',      # in its header
}


def forms(value: str) -> set[bytes]:
    """The value, and what is left of it when it is encoded, alone or amid other text."""
    raw = value.encode()
    made = {raw, urllib.parse.quote(value, safe='').encode(), urllib.parse.quote(value).encode(),
            urllib.parse.quote_plus(value).encode(), json.dumps(value)[1:-1].encode(),
            json.dumps(value)[1:-1].replace('/', '\\/').encode(), raw.hex().encode(), raw.hex().upper().encode()}
    made |= {json.dumps(form.decode())[1:-1].encode() for form in set(made)}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):  # where a group of three bytes may begin; its neighbours' bits are cut off
            code = encode(b'\0' * before + raw)
            made.add(code[(0, 2, 3)[before]:len(code) - len(code) % 4 - 4])
    return made


FORMS = {name: forms(value) for name, value in SECRETS.items()}


def found(data: bytes) -> list[str]:
    return [f'{name}: {form!r} amid {data[max(0, data.index(form) - 80):][:200]!r}'
            for name, wanted in FORMS.items() for form in wanted if form in data]


def echo(asked: Asked) -> str:
    """What was asked, as a careless server shows it: the path, and each header."""
    return ' '.join([asked.path, *asked.headers.values()])


def answer(asked: Asked) -> None:
    kind = asked.path.split('/')[1]
    said = echo(asked)
    body = json.dumps({'error': said, 'encoded': base64.b64encode(said.encode()).decode(),
                       'quoted': urllib.parse.quote(said, safe='')}).encode() + said.encode()
    shown = {'X_Echo': said, 'WWW_Authenticate': f'Bearer error="{said}"', 'Retry_After': said}
    if kind.isdigit():
        asked.answer(int(kind), body, **shown)
    elif kind == 'reason':
        asked.send(f'HTTP/1.1 403 {said}\r\nContent-Length: 0\r\n\r\n'.encode())
    elif kind == 'redirect':
        asked.answer(302, body, Location='/403' + asked.path, **shown)
    elif kind == 'outside':  # where the fence lets nobody
        asked.answer(302, body, Location='http://169.254.169.254/' + urllib.parse.quote(said))
    elif kind == 'scheme':
        asked.answer(302, body, Location='file:///' + said)
    elif kind == 'cut':
        asked.answer(200, b'id\n1\n', Content_Length='4000', ETag=f'"{asked.path}"', **shown)
    elif kind == 'garbage':
        asked.send(said.encode() + b'\r\n\r\n')
    elif kind == 'etag':  # it gets remembered
        asked.answer(200, b'id\n1\n', ETag=f'"{asked.path}"', Last_Modified=said, **shown)
    else:
        asked.answer(200, b'id\n1\n', Content_Disposition=f'attachment; filename="{said}"', **shown)


KINDS = ['403', '404', '429', '500', 'reason', 'redirect', 'outside', 'scheme', 'cut', 'garbage', 'etag', 'well']


def make(root: pathlib.Path, port: int) -> Project:
    root.mkdir(parents=True)
    server = f'http://127.0.0.1:{port}'
    pipelines = ''.join(f'''
  fetch_{kind}:
    retry: {{times: 1, backoff: 5ms, longest: 10ms}}
    steps:
      - download:
          url: "{server}/{kind}/file?token=${{secret:place}}"
          headers: {{Authorization: "Bearer ${{secret:bearer}}"}}
          to: landing/{kind}.csv
      - notify:
          url: "{server}/{kind}/hook?key=${{secret:hook}}"
          headers: {{X-Tell: "${{secret:tell}}"}}
          sign: "${{secret:sign}}"
          retry: {{times: 1, backoff: 5ms, longest: 10ms}}
''' for kind in KINDS)
    (root / 'weir.yaml').write_text(f'''
project: canaries
log: {{level: debug, format: json, file: weir.log}}
databases: {{db: "duckdb://db.duckdb"}}
buckets: {{landing: "file://landing"}}
tables: {{t: {{in: db, columns: {{id: bigint}}}}}}
pipelines:{pipelines}
  load:
    when: [{{object: "landing/*.csv"}}]
    steps:
      - read: {{format: csv}}
      - load: {{table: t, mode: append}}
''')
    return Project(root)


def test_the_search_finds_what_it_should() -> None:
    for name, value in SECRETS.items():
        for shown in (value, urllib.parse.quote(value, safe=''), json.dumps(f'"{value}"'),
                      *(base64.b64encode(f'{before}{value} and more'.encode()).decode() for before in ('', 'a', 'ab'))):
            assert any(name in each for each in found(f'... {shown} ...'.encode())), shown


@pytest.mark.parametrize('owner', ['up', 'run'])
def test_no_answer_brings_a_secret_to_light(tmp_path, owner: str) -> None:
    with serving(answer) as server:
        project = make(tmp_path / 'p', server.port)
        project.environment = {f'WEIR_SECRET_{name}': value for name, value in SECRETS.items()}
        said: list[str] = []

        def say(*arguments: str) -> str:
            result = project.verb(*arguments)
            said.extend((result.out, result.err))
            return result.out

        def run_all() -> None:
            for kind in KINDS:
                for form in ('json', 'table'):
                    say('run', f'fetch_{kind}', '--format', form)
            for kind in KINDS:
                say('plan', f'fetch_{kind}')

        if owner == 'up':
            with project.up() as up:
                run_all()
                wait_until(lambda: {asked.path.split('/')[1] for asked in server.asked if '/hook' in asked.path}
                           >= set(KINDS), 'each receiver is told')
                wait_until(lambda: all(run['state'] in FINISHED for run in project.runs('--limit', '1000')), 'all ended')
                say('top', '--once', '--format', 'json')
                assert up.stop() == 0
        else:
            run_all()

        asked = b''.join(' '.join([each.path, *each.headers.values()]).encode() for each in server.asked)
        for name in ('PLACE', 'BEARER', 'HOOK', 'TELL'):
            assert SECRETS[name].encode() in asked, f'{name} was sent, else this shows nothing'
        for run in project.runs('--limit', '1000'):
            say('runs', run['id'], '--format', 'json')
            say('logs', run['id'], '--format', 'json')
            say('why', run['object'] or 'landing/well.csv', '--format', 'json')
        say('runs', '--format', 'json', '--limit', '1000')
        say('runs', '--limit', '1000')
        say('doctor', '--format', 'json')
        say('query', 'SELECT * FROM weir.loads', '--format', 'json')

    assert any('403' in each for each in said), 'the answers were seen'
    leaks = [f'said: {leak}' for each in said for leak in found(each.encode())]
    for path in project.root.rglob('*'):
        if path.is_file():
            leaks += [f'{path.relative_to(project.root)}: {leak}' for leak in found(path.read_bytes())]
    assert not leaks, '\n'.join(leaks[:20])
    state = project.root / '.weir' / 'default'
    assert (state / 'runs.sqlite').stat().st_size > 0 and (project.root / 'landing' / 'well.csv').exists()
