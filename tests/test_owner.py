"""One owner per project: every other verb goes through it, and nobody ever sees a lock error."""
import concurrent.futures
import os
import signal
import stat

from small_project import count, lines, make, wait_for_rows
from weir_project import EXAMPLE, wait_until


def test_verbs_beside_a_running_owner(tmp_path) -> None:
    project = make(tmp_path)
    with project.up() as owner:
        project.write('landing/a.json', lines(1, 2, 3))
        wait_for_rows(project, 3)
        socket = tmp_path / '.weir' / 'default' / 'sock'
        assert stat.S_ISSOCK(socket.stat().st_mode) and stat.S_IMODE(socket.stat().st_mode) == 0o600
        runs = project.runs()
        assert len(runs) == 1 and runs[0]['state'] == 'succeeded'
        assert owner.alive()


def test_twenty_verbs_at_once(tmp_path) -> None:
    project = make(tmp_path)
    for number in range(10):
        project.write(f'landing/{number}.json', lines(number))

    def one(number: int):
        kind = number % 4
        if kind == 0:
            return project.verb('query', 'SELECT count(*) AS n FROM numbers', '--format', 'csv')
        if kind == 1:
            return project.verb('runs', '--format', 'json')
        if kind == 2:
            return project.verb('run', 'load', '--format', 'json')
        return project.verb('run', 'load', '--object', f'landing/{number % 10}.json', '--format', 'json')

    with project.up():
        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            results = list(pool.map(one, range(60)))
        assert [result for result in results if result.code != 0] == []
        wait_for_rows(project, 10)


def test_verbs_at_once_without_an_owner(tmp_path) -> None:
    """Each becomes the owner for a moment, or goes through whoever is."""
    project = make(tmp_path)
    project.write('landing/a.json', lines(*range(5)))
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        runs = [pool.submit(project.verb, 'run', 'load', '--format', 'json') for _ in range(5)]
        queries = [pool.submit(project.verb, 'query', 'SELECT 1 AS one', '--format', 'csv') for _ in range(15)]
    results = [future.result() for future in runs + queries]
    assert [result for result in results if result.code != 0] == []
    assert count(project) == 5


def test_second_up_is_refused_plainly(tmp_path) -> None:
    project = make(tmp_path)
    with project.up() as owner:
        second = project.verb('up', seconds=30)
        assert second.code != 0 and 'weir up' in second.err + second.out
        assert owner.alive()


def test_sigterm_drains_and_leaves_nothing_behind(tmp_path) -> None:
    project = make(tmp_path)
    with project.up() as owner:
        for number in range(50):
            project.write(f'landing/{number}.json', lines(*range(number * 10, number * 10 + 10)))
        wait_until(lambda: count(project) > 0, 'a first row')
        assert owner.stop() == 0
    assert not (tmp_path / '.weir' / 'default' / 'sock').exists()
    assert [run for run in project.runs('--limit', '1000') if run['state'] == 'running'] == []
    with project.up():
        wait_for_rows(project, 500)
    assert project.value('SELECT count(DISTINCT n) FROM numbers') == '500'


def test_sigint_ends_like_sigterm(tmp_path) -> None:
    project = make(tmp_path)
    with project.up() as owner:
        os.kill(owner.pid, signal.SIGINT)
        assert owner.process.wait(timeout=60) == 0


def test_stale_socket_of_a_killed_owner_is_no_obstacle(tmp_path) -> None:
    project = make(tmp_path)
    owner = project.start()
    project.write('landing/a.json', lines(1))
    wait_for_rows(project, 1)
    owner.kill()
    assert count(project) == 1
    with project.up():
        project.write('landing/b.json', lines(2))
        wait_for_rows(project, 2)


def test_long_project_path(tmp_path) -> None:
    """A socket's path may have 107 bytes; a project's may have more."""
    project = make(tmp_path / ('long-' * 20) / ('name-' * 20))
    with project.up():
        project.write('landing/a.json', lines(1))
        wait_for_rows(project, 1)


def test_day_close_beside_the_owner(tmp_path) -> None:
    (tmp_path / 'weir.yaml').write_text((EXAMPLE / 'weir.yaml').read_text())
    from weir_project import Project
    project = Project(tmp_path)
    session = ('[{"userId": "00123456789012345678", "visitId": 1, "date": "20170701", "device": "d", "city": "c", '
               '"hit": [{}, {}, {}]}]')
    with project.up():
        project.write('landing/day.json', session)
        wait_until(lambda: project.value('SELECT count(*) FROM monks.hits') == '1', 'the session')
        [receipt] = project.run('daily-totals')
        assert receipt['rows']['inserted'] == 1
        assert project.query('SELECT * FROM monks.daily_totals') == [{'date': '2017-07-01', 'hits': '3', 'users': '1'}]
