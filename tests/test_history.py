"""What the run log keeps, and how it is searched, from outside."""
import datetime
import pathlib

import small_project
from weir_project import wait_until

RUNS = 1100  # a few more than the least number of runs that a history may be limited to


def test_runs_are_found_by_object_state_and_time(tmp_path: pathlib.Path) -> None:
    project = small_project.make(tmp_path)
    for name in ['a', 'b']:
        (tmp_path / 'landing' / f'{name}.json').write_text(small_project.lines(1))
    project.verb('run', 'load')
    assert [run['object'] for run in project.runs('--object', 'landing/a.json')] == ['landing/a.json']
    assert project.runs('--object', 'landing/c.json') == []
    assert len(project.runs('--state', 'succeeded', '--since', '1h')) == 2
    assert project.runs('--parked') == []
    today = datetime.datetime.now(datetime.timezone.utc)
    tomorrow = (today + datetime.timedelta(days=1)).strftime('%Y-%m-%d')
    assert project.runs('--since', tomorrow) == []
    assert len(project.runs('--until', tomorrow, '--since', '2020-01-01T00:00:00+01:00')) == 2
    refused = project.verb('runs', '--since', 'lately')
    assert refused.code == 2
    assert "--since 'lately' is no moment" in refused.err


def test_the_oldest_runs_go_when_there_are_too_many(tmp_path: pathlib.Path) -> None:
    project = small_project.make(tmp_path)
    config = tmp_path / 'weir.yaml'
    config.write_text(config.read_text() + 'history: {runs: 1000}\n')
    for i in range(RUNS):
        (tmp_path / 'landing' / f'{i:05}.json').write_text(small_project.lines(i))
    with project.up():
        wait_until(lambda: small_project.count(project) == RUNS, f'{RUNS} rows')
    with project.up():  # looks at its history as it starts
        wait_until(lambda: len(project.runs('--limit', '5000')) == 1000, '1000 runs')
        assert small_project.count(project) == RUNS
        assert project.verb('run', 'load').code == 0  # what is loaded is known without its run
        assert small_project.count(project) == RUNS
