"""What is in stays in when the pipeline is edited: an object is told by its pipeline, not by where the load stands."""
import pathlib

from database_targets import Target
from weir_project import wait_until

WEIR_YAML = '''
project: edited
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  t: {{in: db, columns: {{id: integer | required}}}}
pipelines:
  load:
    when: [{{object: "landing/*"}}]
    steps:
      - read: {{format: json}}
{steps}      - load: {{table: t, mode: append}}
'''


def test_a_step_more_makes_no_object_a_new_one(target: Target, tmp_path: pathlib.Path) -> None:
    project = target.project(tmp_path)

    def steps(*names: str) -> None:
        text = WEIR_YAML.format(url=target.url, steps=''.join(f'      - {name}\n' for name in names))
        (tmp_path / 'weir.yaml').write_text(text)

    def load(text: str) -> list[dict]:
        """Written anew each time: the watcher's memory of the file says nothing."""
        project.write('landing/a.json', text)
        return project.verb('run', 'load', '--format', 'json').json()

    def is_loaded(receipts: list[dict], inserted: int) -> bool:
        return [(each['status'], each['rows']['inserted']) for each in receipts] == [('succeeded', inserted)]

    one, two = '[{"id": 1}]', '[{"id": 1}, {"id": "x"}]'
    steps()
    assert is_loaded(load(one), 1)
    steps('where: id > 0', 'where: id < 10')
    assert [each['status'] for each in load(one)] == ['skipped']
    assert project.verb('plan', 'load', '--format', 'json').json()['inputs'] == []
    # A version that was in before, with rejects that are superseded when it is loaded again.
    steps('where: id > 0')
    assert [each['status'] for each in load(two)] == ['partial']
    steps()
    assert is_loaded(load(one), 1)
    steps('where: id > 0')
    project.verb('run', 'load', '--object', 'landing/a.json', '--force')
    assert project.value('SELECT count(*) FROM weir_loads') == '4'
    assert project.value('SELECT max(attempt) FROM weir_loads') == '4'
    assert project.value('SELECT count(*) FROM t') == '4'


def test_what_a_weir_wrote_whose_key_had_the_step_is_found(target: Target, tmp_path: pathlib.Path) -> None:
    project = target.project(tmp_path)
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML.format(url=target.url, steps=''))
    project.write('landing/a.json', '[{"id": 1}]')
    assert project.verb('run', 'load').code == 0
    # FNV-1a of "load", "1", "landing", "a.json", each with 0xFF behind it.
    key = 14695981039346656037
    for byte in b''.join(part + b'\xff' for part in (b'load', b'1', b'landing', b'a.json')):
        key = (key ^ byte) * 1099511628211 % 2**64
    former = key - 2**64 if key >= 2**63 else key
    change = f'UPDATE weir_loads SET key_hash = {former}'
    assert project.verb('query', change, '--write').code == 0
    project.write('landing/a.json', '[{"id": 1}]')
    assert [each['status'] for each in project.verb('run', 'load', '--format', 'json').json()] == ['skipped']


def test_a_replay_that_changed_nothing_is_no_sign_of_a_loss(target: Target, tmp_path: pathlib.Path) -> None:
    project = target.project(tmp_path)
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML.format(url=target.url, steps=''))
    project.write('landing/a.json', '[{"id": 1}, {"id": "x"}]')
    receipt, = project.verb('run', 'load', '--format', 'json').json()
    assert receipt['status'] == 'partial'
    project.verb('replay', receipt['run'])
    assert project.value('SELECT count(*) FROM weir_rejects WHERE resolution IS NULL') == '1'
    for _ in range(2):
        assert 'nothing to do' in project.verb('run', 'load').out


def test_a_database_that_was_put_back_gets_what_it_lacks(target: Target, tmp_path: pathlib.Path) -> None:
    project = target.project(tmp_path)
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML.format(url=target.url, steps=''))
    for number in (1, 2, 3):
        project.write(f'landing/{number}.json', f'[{{"id": {number}}}]')
        assert project.verb('run', 'load').code == 0
    assert 'nothing to do' in project.verb('run', 'load').out

    # As it was after the first load.
    for change in ('DELETE FROM t WHERE id > 1', 'DELETE FROM weir_loads WHERE attempt = 1 AND key > \'1.json\''):
        change = change.replace('key >', '`key` >' if target.name == 'mysql' else '"key" >')
        assert project.verb('query', change, '--write').code == 0
    again = project.verb('run', 'load', '--format', 'json')
    assert sorted((each['object'], each['status']) for each in again.json()) == [
        ('landing/1.json', 'skipped'), ('landing/2.json', 'succeeded'), ('landing/3.json', 'succeeded')]
    assert project.query('SELECT id FROM t ORDER BY id') == [{'id': '1'}, {'id': '2'}, {'id': '3'}]
    assert 'nothing to do' in project.verb('run', 'load').out

    # What was loaded last is neither in the database nor in the folder: that is noticed once.
    project.write('landing/4.json', '[{"id": 4}]')
    assert project.verb('run', 'load').code == 0
    quoted = '`key`' if target.name == 'mysql' else '"key"'
    for change in ('DELETE FROM t WHERE id = 4', f"DELETE FROM weir_loads WHERE {quoted} = '4.json'"):
        assert project.verb('query', change, '--write').code == 0
    (tmp_path / 'landing/4.json').unlink()
    assert [each['status'] for each in project.verb('run', 'load', '--format', 'json').json()] == ['skipped'] * 3
    assert 'nothing to do' in project.verb('run', 'load').out

    # Gone while nobody looked: `weir up` notices too.
    for change in ('DROP TABLE t', 'DROP TABLE weir_loads', 'DROP TABLE weir_rejects'):
        assert project.verb('query', change, '--write').code == 0
    with project.up() as owner:
        wait_until(lambda: project.verb('query', 'SELECT count(*) AS n FROM t').out.split()[-1:] == ['3'], 'all are loaded')
        assert 'put back to an earlier state' in owner.log.read_text()
