"""What a folder under tests/cases says: its steps done, and compared with what must come of them.

tests/cases/README.md describes the words of case.yaml. Where the case's databases are is a Place: as the
project file has them, or on a server.
"""
import csv
import io
import pathlib
import shutil
from typing import Any

import yaml

from weir_project import Project, balances

CASES = pathlib.Path(__file__).parent / 'cases'
FOLDERS = sorted(path.parent for path in CASES.glob('*/case.yaml'))
ENGINES = {'duckdb', 'postgres', 'mysql'}
STEP_WORDS = {
    'run': {'run', 'code', 'receipts', 'out', 'err'},
    'query': {'query', 'rows', 'code', 'err', 'in'},
    'weir': {'weir', 'code', 'out', 'err', 'out_lacks'},
    'write': {'write'},
    'copy': {'copy'},
    'remove': {'remove'},
    'environment': {'environment'},
}


class Place:
    """Where a case's databases are: in files, as its project file says."""

    engine = 'duckdb'

    def moved(self, weir_yaml: str) -> str:
        """The project file, with its databases here."""
        return weir_yaml

    def ask(self, project: Project, sql: str, *words: str) -> Any:
        return project.verb('query', sql, *words, '--format', 'csv')

    def same(self, expected: str, actual: str) -> bool:
        """Whether a cell of a query's answer is what the case expects."""
        return expected == actual


def differences(expected: Any, actual: Any, where: str) -> list[str]:
    """Where `actual` lacks what `expected` says. A mapping may have more members; a list may not
    have more or fewer elements; null in a mapping means "absent or null"."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict):
            return [f'{where}: expected a mapping, got {actual!r}']
        found = []
        for name, value in expected.items():
            found += differences(value, actual.get(name), f'{where}.{name}')
        return found
    if isinstance(expected, list):
        if not isinstance(actual, list) or len(actual) != len(expected):
            return [f'{where}: expected {len(expected)} elements, got {actual!r}']
        found = []
        for index, value in enumerate(expected):
            found += differences(value, actual[index], f'{where}[{index}]')
        return found
    return [] if expected == actual else [f'{where}: expected {expected!r}, got {actual!r}']


def check_texts(step: dict, result: Any, where: str) -> None:
    for stream, text in (('out', result.out), ('err', result.err)):
        expected = step.get(stream, [])
        for part in [expected] if isinstance(expected, str) else expected:
            assert part in text, f'{where}: {stream} lacks {part!r}\n{result}'
    for part in step.get('out_lacks', []):
        assert part not in result.out, f'{where}: out has {part!r}\n{result}'


def run_pipeline(project: Project, step: dict, where: str) -> None:
    words = step['run'].split() if isinstance(step['run'], str) else step['run']
    result = project.verb('run', *words, '--format', 'json')
    assert result.code == step.get('code', 0), f'{where}\n{result}'
    check_texts(step, result, where)
    if 'receipts' in step:
        receipts = sorted(result.json(), key=lambda receipt: receipt['object'] or '')
        expected = sorted(step['receipts'], key=lambda receipt: receipt.get('object') or '')
        found = differences(expected, receipts, 'receipts')
        assert not found, f'{where}\n' + '\n'.join(found) + f'\n{result}'
        unbalanced = [receipt for receipt in receipts if not balances(receipt)]
        assert not unbalanced, f'{where}: {unbalanced}'


def run_query(project: Project, step: dict, place: Place, where: str) -> None:
    sql = step['query']
    if isinstance(sql, dict):
        assert set(sql) <= ENGINES, f'{where}: unknown engines in {set(sql)}'
        sql = sql[place.engine if place.engine in sql else 'duckdb']
    database = ['--in', step['in']] if 'in' in step else []
    result = place.ask(project, sql, *database)
    assert result.code == step.get('code', 0), f'{where}\n{result}'
    check_texts(step, result, where)
    if 'rows' in step:
        expected = list(csv.reader(io.StringIO(step['rows'])))
        actual = list(csv.reader(io.StringIO(result.out)))
        same = len(actual or [expected[0]]) == len(expected) and all(
            len(a) == len(b) and all(map(place.same, a, b)) for a, b in zip(expected, actual))
        assert same, f'{where}\n{result}'


def write_object(project: Project, place: Place, key: str, content: str | bytes) -> None:
    if isinstance(content, str) and key.endswith('.yaml'):
        content = place.moved(content)
    project.write(key, content)


def run_step(project: Project, step: dict, place: Place, where: str) -> None:
    kinds = [kind for kind in STEP_WORDS if kind in step]
    assert len(kinds) == 1 and set(step) <= STEP_WORDS[kinds[0]], f'{where}: do not understand {step}'
    kind = kinds[0]
    if kind == 'run':
        run_pipeline(project, step, where)
    elif kind == 'query':
        run_query(project, step, place, where)
    elif kind == 'weir':
        result = project.verb(*(step['weir'] if isinstance(step['weir'], list) else step['weir'].split()))
        assert result.code == step.get('code', 0), f'{where}\n{result}'
        check_texts(step, result, where)
    elif kind == 'write':
        for key, text in step['write'].items():
            write_object(project, place, key, text)
    elif kind == 'copy':
        for target, source in step['copy'].items():
            project.write(target, (project.root / source).read_bytes())
    elif kind == 'remove':
        (project.root / step['remove']).unlink()
    elif kind == 'environment':
        project.environment = {name: str(value) for name, value in step['environment'].items()}


def read_case(folder: pathlib.Path) -> dict:
    case = yaml.safe_load((folder / 'case.yaml').read_text())
    assert set(case) == {'about', 'steps'} and case['steps'], 'case.yaml: `about` and `steps`, no more'
    return case


def touches_a_database(folder: pathlib.Path) -> bool:
    return any('run' in step or 'query' in step for step in read_case(folder)['steps'])


def run_case(folder: pathlib.Path, root: pathlib.Path, place: Place) -> None:
    """Does the steps in `root`, a copy of the folder with its databases at `place`."""
    case = read_case(folder)
    shutil.copytree(folder, root)
    (root / 'case.yaml').unlink()
    for file in root.glob('weir*.yaml'):
        file.write_bytes(place.moved(file.read_bytes().decode()).encode())
    project = Project(root)
    for number, step in enumerate(case['steps'], 1):
        run_step(project, step, place, f'{folder.name} on {place.engine}, step {number}: {case["about"]}')
