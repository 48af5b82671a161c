"""docs/benchmarks.md can be refreshed part by part (bench/page.py)."""
import pathlib
import sys

from weir_project import REPOSITORY

sys.path.insert(0, str(REPOSITORY / 'bench'))
from figures import Figure, at_most  # noqa: E402
from page import Page  # noqa: E402

PARTS = ['start', 'idle', 'queue']


def fill(path: pathlib.Path, *parts: str, value: float) -> str:
    page = Page(path, PARTS)
    for part in parts:
        page.put(part, f'on a machine, {value}', [at_most(f'{part} takes', value, 5, 'ms'), Figure('beside', '', 'x', None)])
        page.write()
    return path.read_text()


def test_one_part_is_refreshed_and_the_others_stay(tmp_path):
    path = tmp_path / 'benchmarks.md'
    before = fill(path, *PARTS, value=3)
    after = fill(path, 'idle', value=7)
    assert after == before.replace('on a machine, 3\n\n| what | target | measured | |\n|---|---|---|---|\n| idle takes | ≤ 5 ms | 3.0 ms | met |',
                                   'on a machine, 7\n\n| what | target | measured | |\n|---|---|---|---|\n| idle takes | ≤ 5 ms | 7.0 ms | **not met** |')
    assert after != before


def test_parts_stand_in_their_order_however_they_came(tmp_path):
    text = fill(tmp_path / 'benchmarks.md', 'queue', 'start', value=1)
    assert text.index('## start') < text.index('## queue')
    assert '## idle' not in text


def test_a_part_that_is_no_more_leaves_the_page(tmp_path):
    path = tmp_path / 'benchmarks.md'
    fill(path, *PARTS, value=1)
    page = Page(path, ['start', 'queue'])
    page.write()
    assert '## idle' not in path.read_text() and '## queue' in path.read_text()


def test_the_page_in_the_repository_is_written_back_as_it_is(tmp_path):
    """So that refreshing one part changes nothing else in it."""
    text = (REPOSITORY / 'docs' / 'benchmarks.md').read_text()
    path = tmp_path / 'benchmarks.md'
    path.write_text(text)
    page = Page(path, [line.removeprefix('## ') for line in text.splitlines() if line.startswith('## ')])
    assert page.sections
    page.write()
    assert path.read_text() == text
