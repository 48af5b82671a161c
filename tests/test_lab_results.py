"""The lab-results job: what a schedule fetches, the arrival loads; checked by an independent script."""
import importlib.util
import os
import pathlib
import shutil
import subprocess

import pytest

from database_servers import MariaDB
from http_server import Asked, serving
from weir_project import REPOSITORY, Project, balances, binary, wait_until

EXAMPLE = REPOSITORY / 'examples' / 'lab-results'
TOKEN = 'geheimnis-des-labors'


def module(name: str):
    spec = importlib.util.spec_from_file_location(name, EXAMPLE / f'{name}.py')
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


check = module('check')


def generate(path: pathlib.Path, *arguments: str) -> bytes:
    subprocess.run(['/usr/bin/python3', EXAMPLE / 'generate.py', path, *arguments], check=True)
    return path.read_bytes()


@pytest.fixture
def project(tmp_path) -> Project:
    root = tmp_path / 'project'
    root.mkdir()
    for name in ('weir.yaml', 'weir.mysql.yaml'):
        shutil.copy(EXAMPLE / name, root)
    made = Project(root)
    made.environment = {'WEIR_SECRET_LAB': TOKEN}
    return made


def laboratory(export: list):
    """Gives export[0] with the tag export[1] to who knows the token."""
    def script(asked: Asked) -> None:
        if asked.headers.get('authorization') != f'Bearer {TOKEN}':
            asked.answer(401)
        else:
            content, tag = export  # at once: it is exchanged meanwhile
            asked.file(content, f'"{tag}"')
    return script


def load_three_exports(project: Project, tmp_path: pathlib.Path, *environment: str) -> list[str]:
    exports = [tmp_path / f'export-{number}.csv' for number in range(3)]
    contents = [generate(path, '--rows', '3000', '--seed', str(number), '--dirt', '0.01')
                for number, path in enumerate(exports)]
    _, counts = check.expected([str(path) for path in exports])
    assert all(count['rejected'] and count['deduplicated'] for count in counts), 'nothing would be tested'
    served = [contents[0], 0]
    with serving(laboratory(served)) as server:
        project.environment['LAB_URL'] = server.url('/results.csv')
        for number, count in enumerate(counts):
            served[:] = [contents[number], number]
            receipt, = project.run('fetch-results', *environment)
            assert (receipt['status'], receipt['object']) == ('succeeded', 'landing/results.csv')
            receipt, = project.run('load-results', *environment, code=3)
            assert balances(receipt) and {name: receipt['rows'][name] for name in count} == count
            assert project.run('fetch-results', *environment)[0]['status'] == 'skipped'
    return [str(path) for path in exports]


def test_the_last_one_wins_in_a_file_and_between_files(project: Project, tmp_path: pathlib.Path) -> None:
    exports = load_three_exports(project, tmp_path)
    table = project.query('SELECT * FROM resultados')
    assert check.differences(exports, table) == []
    broken = [{**table[0], 'VALOR': 'x'}, *table[1:-1]]
    assert len(check.differences(exports, broken)) == 3, 'the checker sees what is wrong'


def test_the_same_in_mysql(project: Project, tmp_path: pathlib.Path) -> None:
    with MariaDB() as server:
        server.create('lab')
        project.environment |= {'WEIR_SECRET_LAB_MYSQL': server.password, 'LAB_MYSQL': f'/lab?host={server.socket}'}
        exports = load_three_exports(project, tmp_path, '--env', 'mysql')
        columns = [column[0] for column in server.query('SHOW COLUMNS FROM resultados', 'lab')]
        table = [dict(zip(columns, ['' if cell == 'NULL' else cell for cell in row]))
                 for row in server.query('SELECT * FROM resultados', 'lab')]
    assert check.differences(exports, table) == []


def test_the_schedule_fetches_and_the_arrival_loads(project: Project, tmp_path) -> None:
    exports = [tmp_path / 'export-1.csv', tmp_path / 'export-2.csv']
    served = [generate(exports[0], '--seed', '1'), 1]

    def loaded(times: int) -> bool:
        runs = project.runs('--pipeline', 'load-results', '--limit', '100')
        return sum(run['state'] == 'succeeded' for run in runs) == times
    with serving(laboratory(served)) as server:
        project.environment |= {'LAB_URL': server.url('/results.csv'), 'LAB_SCHEDULE': '* * * * * *'}
        with project.up() as owner:
            wait_until(lambda: loaded(1), 'the first export is loaded')
            wait_until(lambda: any(run['state'] == 'skipped' for run in
                                   project.runs('--pipeline', 'fetch-results')), 'not modified')
            second = generate(exports[1], '--seed', '2')
            served[:] = [second, 2]
            wait_until(lambda: loaded(2), 'the second export is loaded')
            assert owner.stop() == 0
    states = [run['state'] for run in project.runs('--pipeline', 'fetch-results', '--limit', '1000')]
    assert states.count('succeeded') == 2, 'each export is fetched once'
    assert check.differences([str(path) for path in exports], project.query('SELECT * FROM resultados')) == []


def test_the_demonstration_runs() -> None:
    done = subprocess.run([EXAMPLE / 'demo.sh', binary()], capture_output=True, timeout=300, text=True,
                          env={**os.environ, 'LC_ALL': 'C.UTF-8'})
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert 'the table holds exactly what it must' in done.stdout
