"""`weir doctor`: each trouble, provoked for real where that can be done, and what it advises."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

import small_project
from weir_project import Project

NOBODY = 65534


@pytest.fixture
def project(tmp_path: pathlib.Path) -> Project:
    return small_project.make(tmp_path / 'p')


def findings(project: Project, code: int, *arguments: str, **more) -> list[dict]:
    result = project.verb('doctor', '--format', 'json', *arguments, **more)
    assert result.code == code, result
    return result.json()


def finding(project: Project, check: str, verdict: str, *arguments: str) -> dict:
    """The finding about `check`, which is as bad as told; a problem is what the exit code says, too."""
    found = [each for each in findings(project, 1 if verdict == 'problem' else 0, *arguments)
             if each['check'] == check and each['verdict'] == verdict]
    assert found, findings(project, 1 if verdict == 'problem' else 0, *arguments)
    assert verdict == 'ok' or found[0]['fix']
    return found[0]


def test_a_project_that_is_well(project):
    checks = {each['check'] for each in findings(project, 0)}
    assert {'project', 'state folder', 'owner', 'clock', 'bucket landing', 'inotify', 'time zones', 'memory',
            'open files', 'secrets', 'run log', 'database db'} <= checks
    assert any(check.startswith('disk of ') for check in checks)
    assert not (project.root / 'db.duckdb').exists()  # it only looks
    project.write('landing/a.json', small_project.lines(1, 2))
    project.run('load')
    assert 'writable, 1 loads in its ledger' in finding(project, 'database db', 'ok')['found']
    shown = project.verb('doctor')
    assert shown.code == 0 and '0 problems' in shown.out


def test_with_a_running_owner(project):
    project.write('landing/a.json', small_project.lines(1, 2))
    project.run('load')
    with project.up() as owner:
        assert finding(project, 'owner', 'ok')['found'] == f'weir up, pid {owner.pid} runs'
        assert 'writable, 1 loads' in finding(project, 'database db', 'ok')['found']
    assert 'no weir runs' in finding(project, 'owner', 'ok')['found']


def test_a_project_that_is_not_valid(project):
    (project.root / 'weir.yaml').write_text('project: p\ntabels: {}\n')
    found = finding(project, 'project', 'problem')
    assert found['found'].startswith('weir.yaml:2:1: ') and 'tables' in found['fix']


def test_no_project(tmp_path):
    assert finding(Project(tmp_path), 'project', 'problem')


def test_a_database_file_that_another_program_holds(project, tmp_path):
    other = small_project.make(tmp_path / 'other')
    (other.root / 'weir.yaml').write_text(
        small_project.WEIR_YAML.replace('duckdb://db.duckdb', f'duckdb://{project.root}/db.duckdb'))
    project.write('landing/a.json', small_project.lines(1))
    project.run('load')
    with other.up():
        assert 'another program has' in finding(project, 'database db', 'problem')['found']
    finding(project, 'database db', 'ok')


def test_a_database_file_that_is_none(project):
    (project.root / 'db.duckdb').write_text('this is no database, whatever its name says\n' * 1000)
    assert 'db.duckdb' in finding(project, 'database db', 'problem')['found']


def test_a_run_log_that_is_none(project):
    state = project.root / '.weir' / 'default'
    state.mkdir(parents=True, mode=0o700)
    (state / 'runs.sqlite').write_text('this is no database\n' * 1000)
    finding(project, 'run log', 'problem')


def test_a_file_from_the_future(project):
    tomorrow = time.time() + 86_400
    os.utime(project.root / 'weir.yaml', (tomorrow, tomorrow))
    assert 'weir.yaml was changed at' in finding(project, 'clock', 'problem')['found']


def test_few_open_files(project):
    command = f'ulimit -n 200; exec {project.weir} doctor --format csv --project {project.root}'
    shown = subprocess.run(['sh', '-c', command], capture_output=True, text=True)
    assert shown.returncode == 1, shown
    assert 'open files,problem,200 allowed,' in shown.stdout


def test_secrets_are_those_of_the_owner(project):
    yaml = small_project.WEIR_YAML.replace(
        'databases: {db: duckdb://db.duckdb}', 'databases: {db: duckdb://db.duckdb, pg: "postgres://u:${secret:pg}@h/d"}')
    (project.root / 'weir.yaml').write_text(yaml)
    found = finding(project, 'secrets', 'problem')
    assert "the secret 'pg' is not set" in found['found'] and 'weir secret set pg' in found['fix']
    assert project.verb('secret', 'set', 'pg', stdin='doctor-canary').code == 0
    shown = project.verb('doctor')
    assert 'canary' not in shown.out + shown.err and 'all 1 can be had' in shown.out
    assert "database 'pg': cannot connect" in shown.out
    key = project.root / '.weir' / 'default' / 'secret.key'
    key.chmod(0o644)
    assert 'chmod 600' in finding(project, 'secrets', 'problem')['fix']
    shutil.move(key, project.root / 'elsewhere')
    assert 'the key that opens weir.secrets is not here' in finding(project, 'secrets', 'problem')['found']


as_root = pytest.mark.skipif(os.geteuid() != 0, reason='only root can be somebody else')


def as_nobody(project: Project) -> subprocess.CompletedProcess:
    return subprocess.run(
        ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', str(project.weir), 'doctor',
         '--format', 'csv', '--project', str(project.root)], capture_output=True, text=True, cwd='/')


def reachable(path: pathlib.Path) -> bool:
    return all(os.stat(folder).st_mode & 0o001 for folder in [*path.resolve().parents])


def test_the_admin_port(project):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        with (project.root / 'weir.yaml').open('a') as settings:
            settings.write(f'admin: {port}\n')
        found = finding(project, 'admin', 'warning')
        assert f'cannot listen at 127.0.0.1:{port}' in found['found'] and str(port) in found['fix']
    assert finding(project, 'admin', 'ok')['found'] == f'127.0.0.1:{port} is free'
    with project.up():
        assert finding(project, 'admin', 'ok')['found'] == f'the weir that runs answers at 127.0.0.1:{port}'


@as_root
def test_folders_without_rights(project):
    with tempfile.TemporaryDirectory(dir='/tmp') as place:  # pytest's own folders are root's alone
        os.chmod(place, 0o755)
        if not reachable(project.weir):
            pytest.skip('the built weir lies where nobody else can go')
        theirs = small_project.make(pathlib.Path(place) / 'p')
        for path in [theirs.root, *theirs.root.rglob('*')]:
            os.chown(path, NOBODY, NOBODY)
        assert as_nobody(theirs).returncode == 0, as_nobody(theirs)
        landing = theirs.root / 'landing'
        os.chown(landing, 0, 0)
        landing.chmod(0o755)
        shown = as_nobody(theirs)
        assert shown.returncode == 0 and 'bucket landing,warning,cannot write in' in shown.stdout, shown
        settings = theirs.root / 'weir.yaml'
        loads_only = settings.read_text()
        settings.write_text(loads_only + "  fetch: {steps: [{download: {url: 'http://127.0.0.1:9/x', "
                            "to: landing/fetched/x, allow: [127.0.0.1]}}]}\n")
        shown = as_nobody(theirs)
        assert shown.returncode == 1 and 'bucket landing,problem,cannot write in' in shown.stdout, shown
        assert "pipeline 'fetch' downloads into it" in shown.stdout, shown
        settings.write_text(loads_only)
        landing.chmod(0o700)
        shown = as_nobody(theirs)
        assert shown.returncode == 1 and 'bucket landing,problem,cannot list' in shown.stdout, shown
        state = theirs.root / '.weir' / 'default'
        os.chown(state, 0, 0)
        shown = as_nobody(theirs)
        assert shown.returncode == 1, shown
        assert 'state folder,problem,' in shown.stdout and 'belongs to user 0' in shown.stdout
        shutil.rmtree(theirs.root / '.weir')
        os.chown(theirs.root, 0, 0)
        shown = as_nobody(theirs)
        assert 'state folder,problem,cannot make' in shown.stdout, shown


@as_root
def test_a_disk_that_is_full_or_read_only(project, tmp_path):
    place = tmp_path / 'small'
    place.mkdir()
    script = f'''
set -e
mount -t tmpfs -o size=8m none {place}
cp -r {project.root}/. {place}
{project.weir} doctor --format csv --project {place} || true
echo ======
head -c 20m /dev/zero > {place}/filler 2>/dev/null || true
{project.weir} doctor --format csv --project {place} || echo code $?
echo ======
rm {place}/filler
mount -o remount,ro {place}
{project.weir} doctor --format csv --project {place} || echo code $?
'''
    shown = subprocess.run(['unshare', '-m', 'sh', '-c', script], capture_output=True, text=True)
    if shown.returncode != 0:
        pytest.skip('no mount namespaces here: ' + shown.stderr.strip())
    _, full, read_only = shown.stdout.split('======\n')
    assert ',problem,' in full and 'make room' in full and full.endswith('code 1\n')
    assert 'state folder,problem,cannot' in full
    assert 'is mounted read-only' in read_only and read_only.endswith('code 1\n')
