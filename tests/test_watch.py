"""What the watcher must find, and what it must leave alone."""
import os

import pytest

from small_project import count, lines, make, wait_for_rows
from weir_project import FINISHED, wait_until


def settled(project) -> bool:
    return all(run['state'] in FINISHED for run in project.runs('--limit', '1000'))


def test_dropped_renamed_and_deep_files(tmp_path) -> None:
    project = make(tmp_path)
    with project.up():
        project.write('landing/closed.json', lines(1))
        project.move_in('landing/renamed.json', lines(2))
        project.write('landing/2017/07/deep.json', lines(3))
        project.write('landing/notes.txt', 'not mine')
        wait_for_rows(project, 3)
        project.move_in('landing/2017/08/09/deeper.json', lines(4))
        wait_for_rows(project, 4)
        assert sorted(run['object'] for run in project.runs()) == [
            'landing/2017/07/deep.json', 'landing/2017/08/09/deeper.json', 'landing/closed.json',
            'landing/renamed.json']


def test_whole_folder_moved_in(tmp_path) -> None:
    project = make(tmp_path)
    with project.up():
        for number in range(5):
            project.write(f'beside/in/{number}.json', lines(number))
        (tmp_path / 'beside').rename(tmp_path / 'landing' / 'batch')
        wait_for_rows(project, 5)


def test_file_that_arrived_while_down(tmp_path) -> None:
    project = make(tmp_path)
    project.write('landing/before.json', lines(1))
    with project.up() as owner:
        wait_for_rows(project, 1)
        assert owner.stop() == 0
    project.write('landing/while-down.json', lines(2))
    with project.up():
        wait_for_rows(project, 2)
        assert len(project.runs()) == 2, 'what is known and unchanged is not looked at again'


def test_half_written_file_is_not_read(tmp_path) -> None:
    project = make(tmp_path)
    with project.up():
        with (tmp_path / 'landing' / 'slow.json').open('w') as file:
            file.write(lines(1) + '{"n": 2, "sou')
            file.flush()
            project.write('landing/quick.json', lines(10))
            wait_for_rows(project, 1)
            assert [run['object'] for run in project.runs()] == ['landing/quick.json']
            file.write('rce": "x"}\n' + lines(3))
        wait_for_rows(project, 4)
        [run] = [run for run in project.runs() if run['object'] == 'landing/slow.json']
        assert run['state'] == 'succeeded'


def test_rewritten_file_is_a_new_version(tmp_path) -> None:
    project = make(tmp_path)
    with project.up():
        project.write('landing/a.json', lines(1, source='first'))
        wait_for_rows(project, 1)
        project.write('landing/a.json', lines(2, source='second'))
        wait_for_rows(project, 2)
        project.move_in('landing/a.json', lines(3, source='third'))
        wait_for_rows(project, 3)
    assert project.value("SELECT count(DISTINCT version) FROM weir_loads") == '3'


def test_touched_file_is_not_loaded_again(tmp_path) -> None:
    project = make(tmp_path)
    with project.up():
        path = project.write('landing/a.json', lines(1))
        wait_for_rows(project, 1)
        os.utime(path)
        project.write('landing/a.json', lines(1))
        project.write('landing/b.json', lines(2))
        wait_for_rows(project, 1, 'n = 2')
        wait_until(lambda: settled(project), 'an idle owner')
        assert count(project) == 2


def test_removed_file_keeps_its_rows(tmp_path) -> None:
    project = make(tmp_path)
    with project.up() as owner:
        path = project.write('landing/a.json', lines(1))
        wait_for_rows(project, 1)
        path.unlink()
        project.write('landing/b.json', lines(2))
        wait_for_rows(project, 2)
        assert owner.alive()


def test_strange_names(tmp_path) -> None:
    project = make(tmp_path)
    names = ['with space.json', "quote'.json", 'ünï-東京.json', '-dash.json', '#hash?.json', 'semi;colon.json']
    with project.up():
        for number, name in enumerate(names):
            project.write(f'landing/{name}', lines(number))
        wait_for_rows(project, len(names))
        assert {run['object'] for run in project.runs()} == {f'landing/{name}' for name in names}


def test_no_object_holds_up_the_others(tmp_path) -> None:
    """A folder, a dangling link, a loop and an unreadable mess beside a good file."""
    project = make(tmp_path)
    (tmp_path / 'landing' / 'folder.json').mkdir()
    (tmp_path / 'landing' / 'dangling.json').symlink_to('nowhere')
    (tmp_path / 'landing' / 'loop').symlink_to('.')
    os.mkfifo(tmp_path / 'landing' / 'pipe.json')
    project.write('landing/mess.json', b'\xff\xfe\x00[{')
    with project.up() as owner:
        project.write('landing/good.json', lines(1))
        wait_for_rows(project, 1)
        wait_until(lambda: settled(project), 'an idle owner')
        assert owner.alive()
        states = {run['object']: run['state'] for run in project.runs()}
        assert states['landing/good.json'] == 'succeeded' and states.get('landing/mess.json') != 'succeeded'


def test_killed_and_started_again(tmp_path) -> None:
    project = make(tmp_path)
    expected = 0
    for round_number in range(3):
        owner = project.start()
        for number in range(40):
            project.write(f'landing/{round_number}-{number}.json', lines(*range(expected, expected + 5)))
            expected += 5
        wait_until(lambda: count(project) > 0, 'a first row')
        owner.kill()
    with project.up():
        wait_for_rows(project, expected)
    assert project.value('SELECT count(DISTINCT n) FROM numbers') == str(expected)
    assert project.value('SELECT count(*) FROM (SELECT key FROM weir_loads GROUP BY key, version HAVING count(*) > 1)') == '0'


@pytest.mark.parametrize('files', [3000])
def test_many_files_that_were_there_before(tmp_path, files) -> None:
    project = make(tmp_path)
    for number in range(files):
        project.write(f'landing/{number % 50}/{number}.json', lines(number))
    with project.up():
        wait_until(lambda: count(project) == files, f'{files} rows')
    assert project.value('SELECT count(DISTINCT n) FROM numbers') == str(files)
