"""weir plan: what it says is what a run does, and it leaves nothing behind."""
import concurrent.futures
import json
import pathlib
import random

import pytest

import small_project
from weir_project import Project

MODES = ['append', 'ignore', 'merge', 'replace']

WEIR_YAML = '''
project: plans
databases: {{db: duckdb://db.duckdb}}
buckets: {{landing: file://landing}}
tables:
  cities:
    in: db
    columns: {{name: varchar | key}}
  people:
    in: db
    schema: crm
    lineage: true
    columns:
      id: integer | key
      email: varchar(12) | unique
      city: varchar | references cities
      boss: integer | references people(id)
      score: decimal(4,1) | required | >= 0
pipelines:
  load:
    when: [{{object: "landing/*.csv"}}]
    steps:
      - read: {{format: csv}}
      - where: score IS NULL OR score <> 5.0
      - load: {{table: people, mode: {mode}}}
'''


def make(root: pathlib.Path, mode: str) -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / 'weir.yaml').write_text(WEIR_YAML.format(mode=mode))
    (root / 'landing').mkdir()
    return Project(root)


def dirty_file(chance: random.Random) -> str:
    rows = ['id,email,city,boss,score']
    for _ in range(chance.randrange(1, 60)):
        rows.append(','.join([
            chance.choice(['x', '', '1.5'] + [str(chance.randrange(40))] * 20),
            chance.choice(['', f'e{chance.randrange(50)}', f'e{chance.randrange(50)}', 'much too long for it']),
            chance.choice(['', 'Rome', 'Oslo', 'Atlantis']),
            chance.choice(['', '', str(chance.randrange(40))]),
            chance.choice(['1', '2.5', '5', '-1', '', '0.25', '3']),
        ]))
    return '\n'.join(rows) + '\n'


def dump(project: Project) -> dict[str, list]:
    """Every table's definition and rows, and the runs."""
    tables = project.verb('query', "SELECT schema_name || '.' || table_name AS name, sql FROM duckdb_tables() "
                          "ORDER BY ALL", '--format', 'csv').rows()
    found = {'tables': tables, 'runs': project.runs()}
    for table in tables:
        found[table['name']] = project.verb('query', f'SELECT * FROM {table["name"]} ORDER BY ALL', '--format',
                                            'csv').rows()
    return found


def plan(project: Project, *arguments: str) -> dict:
    result = project.verb('plan', 'load', *arguments, '--format', 'json')
    assert result.code in (0, 1, 3), result
    return result.json()


def told(receipt: dict) -> dict:
    """What a plan and a receipt must say alike."""
    error = receipt['error'] and receipt['error']['code']
    rows = receipt['rows'] if receipt['status'] != 'failed' else None  # a failing run stops somewhere
    return {'object': receipt['object'], 'version': receipt['version'], 'status': receipt['status'], 'rows': rows,
            'error': error, 'rejects': receipt['rejects'] if receipt['status'] != 'failed' else None}


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('seed', [1, 2])
def test_plan_and_no_write_say_what_the_run_does(tmp_path, mode, seed) -> None:
    chance = random.Random(f'{mode} {seed}')
    project = make(tmp_path / 'project', mode)
    project.verb('query', "INSERT INTO cities VALUES ('Rome'), ('Oslo')", '--write')
    for round_number in range(2):
        for number in range(3):
            project.write(f'landing/{round_number}-{number}.csv', dirty_file(chance))
        before = dump(project)
        planned = plan(project)
        examined = plan(project, '--no-write')
        assert dump(project) == before, 'a plan keeps nothing'
        did = project.run('load', code=None)
        expected = sorted((told(receipt) for receipt in did), key=lambda each: each['object'])
        for name, plan_said in (('plan', planned), ('plan --no-write', examined)):
            said = sorted((told(receipt) for receipt in plan_said['inputs']), key=lambda each: each['object'])
            assert said == expected, f'{name}, mode {mode}, seed {seed}, round {round_number}'
        for receipt in planned['inputs']:
            assert sum(rule['rows'] for rule in receipt['broken']) >= receipt['rows']['rejected']


STEPS_YAML = '''
project: plans
databases: {db: duckdb://db.duckdb}
buckets: {landing: file://landing}
tables:
  hits:
    in: db
    columns:
      visit: bigint | key
      page: varchar(8) | key
      seconds: decimal(6,1) | required
  pages:
    in: db
    columns: {page: varchar | key, hits: bigint | required | < 6}
pipelines:
  load:
    when: [{object: "landing/*.json"}]
    steps:
      - read: {format: json, columns: {visit: bigint, seen: timestamp, hit: "json[]"}}
      - check: {late: "seen >= TIMESTAMP '2020-01-01'"}
      - unnest: hit
      - select: {visit: visit, seen: seen, page: "hit ->> 'page'", seconds: "hit ->> 'seconds'"}
      - dedupe: {by: [visit, page], keep: newest, order_by: seen}
      - select: {visit: visit, page: page, seconds: seconds}
      - load: {table: hits, mode: merge}
  count:
    when: [{object: "landing/*.json"}]
    steps:
      - read: {format: json, columns: {visit: bigint, seen: timestamp, hit: "json[]"}}
      - unnest: hit
      - select: {page: "hit ->> 'page'"}
      - aggregate: {by: [page], columns: {hits: count(*)}}
      - load: {table: pages, mode: replace}
  all:
    steps:
      - sql: SELECT page, count(*) AS hits FROM hits GROUP BY page
        in: db
      - load: {table: pages, mode: merge}
'''


def dirty_visits(chance: random.Random) -> str:
    visits = []
    for _ in range(chance.randrange(1, 30)):
        hits = [{'page': chance.choice(['a', 'b', 'c', 'far too long']), 'seconds': chance.choice(['1', '2.5', 'x', None])}
                for _ in range(chance.randrange(4))]
        visits.append({'visit': chance.choice([None, 'v'] + list(range(10)) * 3), 'hit': hits,
                       'seen': f'20{chance.choice(["19", "20", "21"])}-01-{chance.randrange(10, 30)} 00:00:00'})
    return '\n'.join(json.dumps(visit) for visit in visits) + '\n'


@pytest.mark.parametrize('seed', [1, 2])
def test_steps_that_unfold_and_fold_are_planned_alike(tmp_path, seed) -> None:
    chance = random.Random(seed)
    root = tmp_path / 'project'
    (root / 'landing').mkdir(parents=True)
    (root / 'weir.yaml').write_text(STEPS_YAML)
    project = Project(root)
    for number in range(3):
        project.write(f'landing/{number}.json', dirty_visits(chance))
    for pipeline in ('load', 'count', 'all'):
        before = dump(project)
        said = {}
        for arguments in ((), ('--no-write',)):
            result = project.verb('plan', pipeline, *arguments, '--format', 'json')
            assert result.code in (0, 3), result
            said[arguments] = sorted((told(receipt) for receipt in result.json()['inputs']),
                                     key=lambda each: each['object'] or '')
        assert dump(project) == before, 'a plan keeps nothing'
        did = sorted((told(receipt) for receipt in project.run(pipeline, code=None)), key=lambda each: each['object'] or '')
        for arguments, plan_said in said.items():
            if pipeline == 'all':  # the version of a query's rows is their run
                for receipt in plan_said + did:
                    receipt['version'] = ''
            assert plan_said == did, f'plan {pipeline} {arguments}, seed {seed}'


def test_the_rules_are_counted_over_all_rejects_not_only_the_listed(tmp_path) -> None:
    project = make(tmp_path / 'project', 'merge')
    project.write('landing/a.csv', 'id,email,city,boss,score\n' + ''.join(f'{n},,,,-1\n' for n in range(1000)))
    planned = plan(project, '--no-write')
    [receipt] = planned['inputs']
    assert len(receipt['rejects']) == 100
    assert [(rule['field'], rule['rule'], rule['rows'], rule['example']['line'], rule['example']['value'])
            for rule in receipt['broken']] == [('score', '>= 0', 1000, 2, '-1.0')]


def test_a_plan_goes_through_a_running_owner_and_its_loads_go_on(tmp_path) -> None:
    project = make(tmp_path / 'project', 'merge')
    with project.up():
        project.write('landing/a.csv', 'id,email,city,boss,score\n1,,,,1\n')
        result = project.verb('plan', 'load', '--object', 'landing/a.csv', '--force', '--format', 'json')
        assert result.code == 0, result
        assert json.loads(result.out)['inputs'][0]['rows']['loaded'] == 1
        project.run('load', '--object', 'landing/a.csv', '--force')
        assert project.value('SELECT count(*) FROM crm.people') == '1'


def test_plans_and_loads_at_the_same_time_do_each_other_no_harm(tmp_path) -> None:
    project = small_project.make(tmp_path / 'project')
    with project.up():
        for number in range(30):
            project.write(f'landing/{number}.json', small_project.lines(number))
            if number % 5 == 0:
                arguments = ('--no-write',) if number % 10 == 0 else ()
                result = project.verb('plan', 'load', '--object', 'landing/0.json', '--force', *arguments)
                assert result.code == 0, result
        small_project.wait_for_rows(project, 30)
        assert {run['state'] for run in project.runs('--limit', '100')} == {'succeeded'}


def test_the_first_plan_and_the_first_load_meet(tmp_path) -> None:
    """The table is missing: both make it, one of them for good."""
    project = small_project.make(tmp_path / 'project')
    project.write('landing/a.json', small_project.lines(*range(20_000)))
    with concurrent.futures.ThreadPoolExecutor() as both:
        planning = both.submit(project.verb, 'plan', 'load', '--format', 'json')
        loading = both.submit(project.verb, 'run', 'load', '--format', 'json')
        planned, loaded = planning.result(), loading.result()
    assert loaded.code == 0, loaded
    assert planned.code == 0, planned
    assert loaded.json()[0]['rows']['inserted'] == 20_000
    assert planned.json()['inputs'] == [] or planned.json()['inputs'][0]['rows']['inserted'] in (0, 20_000)
    assert small_project.count(project) == 20_000
