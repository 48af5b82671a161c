"""Runs every folder under tests/cases: a project, its inputs, and what must come out.

A case is a folder with a `weir.yaml`, its input files and a `case.yaml`; adding one needs no code.
"""
import pathlib

import pytest

from case_steps import FOLDERS, Place, differences, run_case


@pytest.mark.parametrize('folder', FOLDERS, ids=lambda folder: folder.name)
def test_case(folder: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run_case(folder, tmp_path / 'project', Place())


def test_there_are_cases() -> None:
    assert len(FOLDERS) >= 30


def test_differences_are_seen() -> None:
    assert differences({'a': 1}, {'a': 1, 'b': 2}, '') == []
    assert differences({'a': 1}, {'a': 2}, '') and differences({'a': [1]}, {'a': [1, 2]}, '')
    assert differences({'a': {'b': 1}}, {'a': None}, '') and differences([1, 2], [1], '')
    assert differences({'error': None}, {}, '') == []
