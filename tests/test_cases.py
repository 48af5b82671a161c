"""Runs every folder under tests/cases: a project, its inputs, and what must come out.

A case is a folder with a `weir.yaml`, its input files and a `case.yaml`; adding one needs no code.
tests/cases/README.md describes the words of case.yaml.
"""
import csv
import io
import pathlib
import shutil
from typing import Any

import pytest
import yaml

from weir_project import Project, balances

CASES = pathlib.Path(__file__).parent / 'cases'
FOLDERS = sorted(path.parent for path in CASES.glob('*/case.yaml'))
STEP_WORDS = {
    'run': {'run', 'code', 'receipts', 'out', 'err'},
    'query': {'query', 'rows', 'code', 'err', 'in'},
    'weir': {'weir', 'code', 'out', 'err', 'out_lacks'},
    'write': {'write'},
    'copy': {'copy'},
    'remove': {'remove'},
    'environment': {'environment'},
}


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


def run_query(project: Project, step: dict, where: str) -> None:
    database = ['--in', step['in']] if 'in' in step else []
    result = project.verb('query', step['query'], *database, '--format', 'csv')
    assert result.code == step.get('code', 0), f'{where}\n{result}'
    check_texts(step, result, where)
    if 'rows' in step:
        expected = list(csv.reader(io.StringIO(step['rows'])))
        actual = list(csv.reader(io.StringIO(result.out)))
        assert actual == expected, f'{where}\n{result}'


def run_step(project: Project, step: dict, where: str) -> None:
    kinds = [kind for kind in STEP_WORDS if kind in step]
    assert len(kinds) == 1 and set(step) <= STEP_WORDS[kinds[0]], f'{where}: do not understand {step}'
    kind = kinds[0]
    if kind == 'run':
        run_pipeline(project, step, where)
    elif kind == 'query':
        run_query(project, step, where)
    elif kind == 'weir':
        result = project.verb(*(step['weir'] if isinstance(step['weir'], list) else step['weir'].split()))
        assert result.code == step.get('code', 0), f'{where}\n{result}'
        check_texts(step, result, where)
    elif kind == 'write':
        for key, text in step['write'].items():
            project.write(key, text)
    elif kind == 'copy':
        for target, source in step['copy'].items():
            project.write(target, (project.root / source).read_bytes())
    elif kind == 'remove':
        (project.root / step['remove']).unlink()
    elif kind == 'environment':
        project.environment = {name: str(value) for name, value in step['environment'].items()}


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda folder: folder.name)
def test_case(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    case = yaml.safe_load((folder / 'case.yaml').read_text())
    assert set(case) == {'about', 'steps'} and case['steps'], 'case.yaml: `about` and `steps`, no more'
    root = tmp_path / 'project'
    shutil.copytree(folder, root)
    (root / 'case.yaml').unlink()
    project = Project(root)
    for number, step in enumerate(case['steps'], 1):
        run_step(project, step, f'{folder.name}, step {number}: {case["about"]}')


def test_there_are_cases() -> None:
    assert len(FOLDERS) >= 30


def test_differences_are_seen() -> None:
    assert differences({'a': 1}, {'a': 1, 'b': 2}, '') == []
    assert differences({'a': 1}, {'a': 2}, '') and differences({'a': [1]}, {'a': [1, 2]}, '')
    assert differences({'a': {'b': 1}}, {'a': None}, '') and differences([1, 2], [1], '')
    assert differences({'error': None}, {}, '') == []
