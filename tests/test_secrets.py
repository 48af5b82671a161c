"""`weir secret` from outside: values that nobody sees, files that no crash harms."""
import os
import pathlib
import pty
import re
import select
import signal
import stat
import subprocess
import termios

import pytest

from weir_project import Project, wait_until

WEIR_YAML = '''
project: secrets
databases:
  db: duckdb://db.duckdb
  pg: postgres://weir:${secret:pg}@localhost/db
'''
VALUE = 'canary-7f3a/"x\\y é'


def make(root: pathlib.Path) -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / 'weir.yaml').write_text(WEIR_YAML)
    return Project(root)


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    return make(tmp_path)


def set_secret(project: Project, name: str, value: str, *arguments: str):
    result = project.verb('secret', 'set', name, *arguments, stdin=value)
    assert result.code == 0, result
    assert value.strip() not in result.out + result.err
    return result


def listed(project: Project, *arguments: str) -> dict[str, dict]:
    result = project.verb('secret', 'list', '--format', 'json', *arguments)
    assert result.code == 0, result
    return {row['name']: row for row in result.json()}


def opens(project: Project) -> bool:
    """Whether the secret that the project names can be had: validate looks for it."""
    result = project.verb('validate')
    assert result.code == 0, result
    return 'warning' not in result.out


def key_file(project: Project) -> pathlib.Path:
    return project.root / '.weir' / 'default' / 'secret.key'


def test_set_list_and_remove(project):
    missing = project.verb('validate')
    assert missing.code == 0
    assert "weir.yaml:5:23: warning: the secret 'pg' is not set; run `weir secret set pg`" in missing.out
    assert listed(project)['pg']['source'] == 'missing'
    set_secret(project, 'pg', VALUE + '\n')
    assert opens(project)
    row = listed(project)['pg']
    assert row['bytes'] == len(VALUE.encode())  # the newline is dropped, once
    assert row['source'] == 'weir.secrets' and row['used'] == 'weir.yaml:5:23' and row['set_at']
    set_secret(project, 'pg', 'other\n\n')
    assert listed(project)['pg']['bytes'] == 6
    removed = project.verb('secret', 'rm', 'pg')
    assert removed.code == 0 and 'weir.yaml:5:23 still uses it' in removed.err
    assert not opens(project)
    assert project.verb('secret', 'rm', 'pg').code == 1


def test_the_environment_comes_first(project):
    set_secret(project, 'pg', VALUE)
    project.environment['WEIR_SECRET_PG'] = 'from outside'
    assert listed(project)['pg']['source'] == 'WEIR_SECRET_PG'
    assert 'WEIR_SECRET_PG is set here' in set_secret(project, 'pg', VALUE).err
    project.environment['WEIR_SECRET_PG'] = ''
    assert 'is empty: WEIR_SECRET_PG is set to nothing' in project.verb('validate').out


@pytest.mark.parametrize('arguments', [
    ('set', 'pg', VALUE), ('set', 'pg', '--value', VALUE), ('set', 'pg', '--', VALUE), ('list', VALUE),
    ('rm', 'pg', VALUE), ('rotate', VALUE), (f'pg={VALUE}',), ('set', f'pg={VALUE}'), ('rm', VALUE)])
def test_a_value_on_the_command_line_is_refused_and_not_repeated(project, arguments):
    result = project.verb('secret', *arguments, stdin='x')
    assert result.code == 2, result
    assert 'canary' not in result.out + result.err
    assert not (project.root / 'weir.secrets').exists()


def test_rights(project):
    os.umask(0)
    try:
        set_secret(project, 'pg', VALUE)
    finally:
        os.umask(0o022)
    for path in (project.root / '.weir').rglob('*'):
        if path.is_dir() or path.name == 'secret.key':
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    key_file(project).chmod(0o640)
    shown = project.verb('validate').out
    assert 'has the mode 0640: others may use the key; chmod 600' in shown
    assert project.verb('secret', 'set', 'x', stdin='y').code == 1
    assert project.verb('secret', 'rotate').code == 1


def test_the_file_holds_no_value_and_the_key_is_ignored_by_version_control(project):
    set_secret(project, 'pg', VALUE)
    written = b''.join(path.read_bytes() for path in project.root.rglob('*') if path.is_file())
    assert b'canary' not in written
    subprocess.run(['git', 'init', '-q'], cwd=project.root, check=True)
    seen = subprocess.run(['git', 'status', '--porcelain', '-uall'], cwd=project.root, check=True,
                          capture_output=True, text=True).stdout
    assert 'weir.secrets' in seen and 'secret.key' not in seen and '.weir' not in seen


CRASHES = ['secret-next-key-written', 'secret-file-sealed', 'secret-key-placed']


@pytest.mark.parametrize('point', CRASHES)
def test_rotate_killed_at_each_step_loses_nothing(project, point):
    set_secret(project, 'pg', VALUE)
    set_secret(project, 'other', 'other value')
    first_key = key_file(project).read_text()
    project.environment['WEIR_FAULTS'] = f'crash@{point}:1'
    assert project.verb('secret', 'rotate').code == -signal.SIGKILL
    del project.environment['WEIR_FAULTS']
    assert opens(project)  # before anything mends it
    assert listed(project)['other']['bytes'] == 11
    set_secret(project, 'third', 'third value')  # mends it
    assert not key_file(project).with_name('secret.key.next').exists()
    assert opens(project)
    # The key changed when the file was sealed, not before.
    assert (key_file(project).read_text() == first_key) == (point == CRASHES[0])
    assert project.verb('secret', 'rotate').code == 0
    assert opens(project) and len(listed(project)) == 3


def test_a_first_set_that_is_killed_leaves_a_usable_key(project):
    project.environment['WEIR_FAULTS'] = 'crash@secret-key-made:1'
    assert project.verb('secret', 'set', 'pg', stdin=VALUE).code == -signal.SIGKILL
    del project.environment['WEIR_FAULTS']
    key = key_file(project).read_text()
    set_secret(project, 'pg', VALUE)
    assert key_file(project).read_text() == key
    assert opens(project)


def test_the_key_may_come_from_the_environment(project, tmp_path):
    set_secret(project, 'pg', VALUE)
    elsewhere = make(tmp_path / 'elsewhere')
    (elsewhere.root / 'weir.secrets').write_text((project.root / 'weir.secrets').read_text())
    shown = elsewhere.verb('validate').out
    assert 'the key that opens weir.secrets is not here; put it into' in shown
    elsewhere.environment['WEIR_SECRET_KEY'] = key_file(project).read_text().strip()
    assert opens(elsewhere)
    refused = elsewhere.verb('secret', 'rotate')
    assert refused.code == 2 and 'WEIR_NEW_SECRET_KEY' in refused.err
    elsewhere.environment['WEIR_NEW_SECRET_KEY'] = 'ab' * 32
    assert elsewhere.verb('secret', 'rotate').code == 0
    assert not opens(elsewhere)
    elsewhere.environment['WEIR_SECRET_KEY'] = 'ab' * 32
    assert opens(elsewhere)
    elsewhere.environment['WEIR_SECRET_KEY'] = 'no-key-canary'
    shown = elsewhere.verb('validate').out
    assert 'WEIR_SECRET_KEY: a key is 64 hexadecimal digits' in shown and 'canary' not in shown


def test_damage_is_named_with_its_place_and_no_value_comes_of_it(project):
    set_secret(project, 'pg', VALUE)
    path = project.root / 'weir.secrets'
    text = path.read_text()
    for damaged, told in [
            ('', 'weir.secrets is damaged: it is empty'),
            (text[:-10], 'it ends too early'),
            (text.replace('secret pg', 'secret xx'), "the secret 'pg' is not set"),
            (text.replace('environment default', 'environment prod'), 'was changed by something else'),
            (text.replace('\n', '\r\n'), 'its line ends were changed'),
            (text.replace('secret pg', '<<<<<<< ours\nsecret pg'), 'take one side whole')]:
        path.write_text(damaged, newline='')
        shown = project.verb('validate').out
        assert told in shown, shown
        assert project.verb('secret', 'set', 'x', stdin='y').code != 0
        assert path.read_text().count('secret ') <= 2


def shows_keys(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


def type_at(project: Project, keys: list[bytes], *arguments: str) -> tuple[int, str, bool]:
    """Runs weir at a terminal: its exit code, what was shown, and whether keys are shown afterwards."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(project.weir, [str(project.weir), *arguments, '--project', str(project.root)])
    shown = b''

    def show(seconds: float) -> bool:
        nonlocal shown
        if not select.select([terminal], [], [], seconds)[0]:
            return False
        try:
            got = os.read(terminal, 4096)
        except OSError:
            return False
        shown += got
        return bool(got)

    wait_until(lambda: (show(0.1), b'not shown' in shown)[1], 'the question')
    wait_until(lambda: not shows_keys(terminal), 'a terminal that shows nothing')
    for key in keys:
        os.write(terminal, key)
    status = []

    def ended() -> bool:
        show(0.02)
        done, code = os.waitpid(pid, os.WNOHANG)
        if done:
            status.append(code)
        return bool(done)
    wait_until(ended, 'the end of weir')
    while show(0.05):
        pass
    shows = shows_keys(terminal)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status[0]), shown.decode(), shows


def test_a_terminal_is_asked_and_shows_nothing(project):
    code, shown, shows = type_at(project, [b'typed-canary\n'], 'secret', 'set', 'pg')
    assert code == 0 and shows and 'Value of pg (not shown): ' in shown and 'canary' not in shown
    assert listed(project)['pg']['bytes'] == len('typed-canary')


def test_an_interrupted_question_sets_nothing(project):
    code, shown, shows = type_at(project, [b'typed-can', b'\x03'], 'secret', 'set', 'pg')
    assert code == -signal.SIGINT and shows, shown
    assert 'can' not in re.sub(r'cannot|cancel', '', shown)
    assert not (project.root / 'weir.secrets').exists()


def test_after_damage_to_file_and_key(tmp_path):
    project = make(tmp_path)
    assert project.verb('secret', 'set', 'pg', stdin=VALUE).code == 0
    sealed = project.root / 'weir.secrets'
    key = project.root / '.weir' / 'default' / 'secret.key'
    key_text = key.read_text().strip()
    text = sealed.read_text()
    for damage in [lambda: sealed.write_text(text[:-5]), lambda: sealed.write_text(text.replace('pg', 'gp')),
                   lambda: sealed.write_text(VALUE), lambda: key.write_text(key_text[::-1]),
                   lambda: key.write_text(VALUE), lambda: key.chmod(0o644)]:
        sealed.write_text(text)
        key.write_text(key_text)
        key.chmod(0o600)
        damage()
        for verb in [('validate',), ('doctor',), ('secret', 'list'), ('secret', 'rotate'), ('secret', 'rm', 'pg')]:
            result = project.verb(*verb)
            assert 'canary' not in result.out + result.err, result
            assert key_text not in result.out + result.err, result
