"""What those need who leave `weir up` alone: monitoring, logs, top, the service manager."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import termios
import time
import urllib.error
import urllib.request
from typing import Iterator

import pytest

from small_project import WEIR_YAML, lines, make, wait_for_rows
from weir_project import binary, wait_until


def url(project) -> str:
    return (project.root / '.weir' / 'default' / 'admin').read_text().strip()


def ask(project, path: str, method: str = 'GET') -> tuple[int, str, str]:
    request = urllib.request.Request(url(project) + path, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers['content-type'], answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.headers['content-type'], answer.read().decode()


def metric(project, series: str) -> float:
    found = re.search('^' + re.escape(series) + r' (\S+)$', ask(project, '/metrics')[2], re.MULTILINE)
    assert found, series
    return float(found.group(1))


def test_metrics_health_and_readiness(tmp_path) -> None:
    project = make(tmp_path)
    with project.up('--admin-port', '0') as owner:
        assert url(project) in owner.log.read_text(), 'the ready line tells the port'
        assert url(project).startswith('http://127.0.0.1:')
        assert metric(project, 'weir_runs_total{pipeline="load",state="succeeded"}') == 0
        project.write('landing/a.json', lines(1, 2) + '{"n": "x"}\n{"n": 1.5}\n{}\n')
        wait_for_rows(project, 2)
        wait_until(lambda: metric(project, 'weir_runs_total{pipeline="load",state="partial"}') == 1, 'counted')
        assert metric(project, 'weir_rows_total{counter="inserted",pipeline="load"}') == 2
        wait_until(lambda: f'weir_rejected_rows_total{{pipeline="load",rule="required"}} 1' in ask(project, '/metrics')[2],
                   'the rejects counted, which are after the run')
        assert metric(project, 'weir_rejected_rows_total{pipeline="load",rule="bigint"}') == 2
        assert metric(project, 'weir_arrival_to_commit_seconds_count{pipeline="load"}') == 1
        assert metric(project, 'process_resident_memory_bytes') > 1e6
        wait_until(lambda: metric(project, 'weir_ready') == 1, 'a look since the triggers are watched')
        status, kind, body = ask(project, '/healthz')
        assert status == 200 and json.loads(body) == {'status': 'ok'}
        status, kind, body = ask(project, '/readyz')
        assert status == 200 and kind == 'application/json' and json.loads(body)['status'] == 'ready', body
        assert ask(project, '/metrics', 'HEAD')[2] == ''
        assert ask(project, '/else')[:2] == (404, 'application/problem+json')
        assert ask(project, '/metrics', 'POST')[:2] == (405, 'application/problem+json')
        assert owner.stop() == 0
    assert not (project.root / '.weir' / 'default' / 'admin').exists()


def test_there_is_no_listener_unless_asked_for(tmp_path) -> None:
    project = make(tmp_path)
    with project.up() as owner:
        assert 'monitoring' not in owner.log.read_text()
        assert not (project.root / '.weir' / 'default' / 'admin').exists()


def test_a_taken_port_is_wrong_usage(tmp_path) -> None:
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = str(taken.getsockname()[1])
        result = make(tmp_path).verb('up', '--admin-port', port)
        assert result.code == 2 and f'127.0.0.1:{port}' in result.err, result


def test_log_settings(tmp_path) -> None:
    project = make(tmp_path)
    (project.root / 'weir.yaml').write_text(WEIR_YAML + 'log: {format: json, file: log.jsonl}\nadmin: 0\n')
    with project.up() as owner:
        project.write('landing/a.json', lines(1))
        wait_for_rows(project, 1)
        assert owner.stop() == 0
    file = project.root / 'log.jsonl'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = [json.loads(line) for line in file.read_text().splitlines()]
    assert any('; monitoring at http://127.0.0.1:' in line['message'] for line in written)
    assert all(re.fullmatch(r'\d{4}-\d\d-\d\dT[\d:.]+Z', line['time']) for line in written)


def test_logs_of_a_run_tell_its_story(tmp_path) -> None:
    project = make(tmp_path)
    project.write('landing/a.json', lines(1) + '{"n": "x"}\n')
    receipt = project.run('load', code=3)[0]
    result = project.verb('logs', receipt['run'], '--format', 'json')
    told = [json.loads(line) for line in result.out.splitlines()]
    assert [line['message'] for line in told][:2] == ['queued by manual: landing/a.json', 'started']
    assert told[-1]['message'] == 'partial: 2 rows read, 1 loaded, 1 rejected' or '1 rows were rejected' in told[-1]['message']
    assert all(line['run'] == receipt['run'] and line['pipeline'] == 'load' for line in told)
    warnings = project.verb('logs', receipt['run'], '--level', 'warning')
    assert 'queued' not in warnings.out and 'partial' in warnings.out, warnings
    newest = project.verb('logs')
    assert receipt['run'] in newest.out and ' load ' in newest.out, newest
    assert project.verb('logs', '--level', 'loud').code == 2
    assert project.verb('logs', 'nobody').code == 2


def test_logs_are_followed_to_the_runs_end(tmp_path) -> None:
    project = make(tmp_path)
    project.write('landing/a.json', lines(1))
    receipt = project.run('load')[0]
    followed = project.verb('logs', receipt['run'], '-f')
    assert followed.code == 0 and 'succeeded' in followed.out.splitlines()[-1], 'a run that is over ends it'


def test_all_logs_are_followed_across_owners(tmp_path) -> None:
    project = make(tmp_path)
    follower = subprocess.Popen(
        [str(binary()), 'logs', '-f', '--format', 'json', '--project', str(project.root)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        for number in range(2):
            with project.up() as owner:
                project.write(f'landing/{number}.json', lines(number) + '{"n": "x"}\n')
                assert select.select([follower.stdout], [], [], 60)[0], 'a line for each rejected row'
                line = json.loads(follower.stdout.readline())
                assert line['level'] == 'warning' and line['pipeline'] == 'load', line
                assert owner.stop() == 0
    finally:
        follower.send_signal(signal.SIGINT)
        assert follower.wait(timeout=60) == 0, follower.stderr.read()


def test_top_once(tmp_path) -> None:
    project = make(tmp_path)
    with project.up():
        project.write('landing/a.json', lines(1, 2, 3))
        wait_for_rows(project, 3)
        frame = wait_until(lambda: (shown := json.loads(project.verb('top', '--once', '--format', 'json').out))
                           and shown['pipelines'] and shown, 'the last minute')
        assert frame['project'] == 'numbers' and frame['queued'] == 0
        assert frame['pipelines'][0]['pipeline'] == 'load' and frame['pipelines'][0]['rows_last_minute'] == 3
        text = project.verb('top', '--once').out
        assert 'weir numbers (default)' in text and 'load' in text and '\x1b' not in text


@contextlib.contextmanager
def top(project) -> Iterator[tuple[subprocess.Popen, int, list]]:
    """`weir top` in a terminal of its own: the process, the terminal, its settings before."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack('HHHH', 10, 60, 0, 0))
    before = termios.tcgetattr(its)
    process = subprocess.Popen([str(binary()), 'top', '--project', str(project.root)], stdin=its, stdout=its, stderr=its)
    try:
        yield process, ours, before
        assert termios.tcgetattr(its) == before, 'the terminal is as it was'
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
        os.close(its)


def read_until(terminal: int, mark: str) -> str:
    seen = ''
    deadline = time.monotonic() + 60
    while mark not in seen:
        assert select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0], seen
        seen += os.read(terminal, 65536).decode(errors='replace')
    return seen


@pytest.mark.parametrize('leave', ['q', signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_top_gives_the_terminal_back(tmp_path, leave) -> None:
    project = make(tmp_path)
    with project.up(), top(project) as (process, terminal, _):
        assert '\x1b[?1049h' in read_until(terminal, 'weir numbers')
        if leave == 'q':
            os.write(terminal, b'q')
        else:
            process.send_signal(leave)
        read_until(terminal, '\x1b[?1049l')
        assert process.wait(timeout=60) == 0


def test_top_gives_the_terminal_back_when_it_crashes(tmp_path) -> None:
    project = make(tmp_path)
    with project.up(), top(project) as (process, terminal, _):
        read_until(terminal, 'weir numbers')
        process.send_signal(signal.SIGABRT)
        read_until(terminal, '\x1b[?1049l')
        assert process.wait(timeout=60) == -signal.SIGABRT


def test_top_follows_the_terminals_size(tmp_path) -> None:
    project = make(tmp_path)
    with project.up(), top(project) as (process, terminal, _):
        read_until(terminal, 'weir numbers')
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', 2, 20, 0, 0))
        process.send_signal(signal.SIGWINCH)
        read_until(terminal, '…')
        os.write(terminal, b'q')
        assert process.wait(timeout=60) == 0


def test_the_service_manager_is_told(tmp_path) -> None:
    project = make(tmp_path)
    path = str(tmp_path / 'notify')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(60)
        project.environment = {'NOTIFY_SOCKET': path, 'WATCHDOG_USEC': '3000000'}
        with project.up() as owner:
            told = [manager.recv(1000).decode()]
            while 'READY=1' not in told:
                told.append(manager.recv(1000).decode())
            while told.count('WATCHDOG=1') < 3:
                told.append(manager.recv(1000).decode())
            owner.process.send_signal(signal.SIGTERM)
            while 'STOPPING=1' not in told:
                told.append(manager.recv(1000).decode())
            assert owner.process.wait(timeout=60) == 0
