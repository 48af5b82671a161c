"""`weir test`: what passes, what a failing test prints, and that nothing else is touched."""
import os
import pathlib
import re
import signal
import subprocess
import xml.etree.ElementTree

from weir_project import Project

WEIR_YAML = '''project: shop
databases: {db: duckdb://db.duckdb}
buckets: {landing: file://landing, out: file://out}
tables:
  orders:
    in: db
    columns:
      id: integer | key
      customer: varchar(20) | required
      amount: decimal(10,2) | >= 0
      ordered: date
      tags: json
  lines:
    in: db
    columns: {order_id: integer | required | references orders, article: varchar, pieces: integer}
  totals:
    in: db
    columns: {day: date | key, orders: bigint, total: double, seen: timestamptz}
pipelines:
  load:
    when: [{object: landing/*.csv}, {object: landing/*.csv.gz}]
    steps: [{read: {format: csv}}, {load: {table: orders, mode: merge}}]
  swap:
    when: [{object: landing/*.txt}]
    steps: [{read: {format: csv, header: false, delimiter: "|"}}, {load: {table: orders, mode: replace}}]
  load-lines:
    when: [{object: out/**/*.json}]
    steps:
      - read: {format: json, columns: {order: integer, lines: "json[]"}}
      - unnest: {column: lines, as: line}
      - aggregate:
          by: [order, line]
          columns: {pieces: count(*)}
      - select: {order_id: order, article: "line ->> '$'", pieces: pieces}
      - load: {table: lines}
  close-day:
    when: [{cron: "5 0 * * *", timezone: America/New_York}]
    steps:
      - sql: SELECT ${run.day} AS day, count(*) AS orders, sum(amount) AS total, ${run.scheduled_for} AS seen
             FROM orders WHERE ordered <= ${run.day}
        in: db
      - load: {table: totals, mode: merge}
tests:
'''

PASSING = '''
  rows as csv, values by type:
    pipeline: load
    given:
      objects:
        landing/a.csv:
          rows:
            - {id: 1, customer: "Ada, Countess", amount: 1.5, ordered: 2024-01-03, tags: {b: 1, a: [x]}}
            - {id: 2, customer: "says \\"hi\\"", amount: null}
            - {id: 3, customer: ""}
      tables:
        orders: [{id: 2, customer: Old, amount: 7}, {id: 4, customer: Stays}]
    expect:
      receipt: {status: succeeded, rows: {read: 3, inserted: 2, updated: 1, loaded: 3, rejected: 0}}
      tables:
        orders:
          - {id: 4.0, customer: Stays, amount: null, tags: null}
          - {id: 1, customer: "Ada, Countess", amount: 1.50, tags: {a: [x], b: 1}}
          - {id: 2, customer: "says \\"hi\\"", amount: null, tags: null}
          - {id: 3, customer: "", amount: null, tags: null}
      rejects: []

  text and files, packed by their names:
    pipeline: load
    given:
      objects:
        landing/1.csv: {file: fixtures/orders.csv}
        landing/2.csv.gz: {text: "id,customer,amount,ordered,tags\\n2,Emmy,1,,\\n"}
    expect:
      receipt: {landing/1.csv: {rows: {inserted: 1}}, landing/2.csv.gz: {status: succeeded}}
      tables:
        orders: {file: fixtures/expected.csv}

  replace onto rows that are there:
    pipeline: swap
    given:
      objects: {landing/all.txt: {rows: [{id: 9, customer: "a|b", ordered: 2024-02-29}]}}
      tables: {orders: {file: fixtures/orders.json}}
    expect:
      receipt: {status: succeeded, rows: {replaced: 2, inserted: 1}}
      tables: {orders: {rows: [{id: 9, customer: "a|b", amount: null}], only: [id, customer]}}

  nested lines refer to orders:
    pipeline: load-lines
    given:
      objects:
        out/2024/x.json:
          rows:
            - {order: 1, lines: [tea, cup, tea]}
            - {order: 5, lines: [tea]}
      tables: {orders: [{id: 1, customer: Ada}]}
    expect:
      receipt: {status: partial, rows: {read: 2, expanded: 2, folded: 1, inserted: 2, rejected: 1}}
      tables:
        lines:
          rows: [{article: tea, pieces: 2, order_id: 1}, {article: cup, pieces: 1, order_id: 1}]
          order_by: [pieces desc]
      rejects: [{object: out/2024/x.json, field: order_id, rule: references orders, value: 5}]

  the day that closed, from the load to the total:
    pipeline: [load, close-day, close-day]
    at: 2026-11-20T05:05:00Z
    given:
      objects:
        landing/a.csv: {rows: [{id: 1, customer: A, amount: 0.1, ordered: 2026-11-19},
                               {id: 2, customer: B, amount: 0.2, ordered: 2026-11-20}]}
    expect:
      receipt: {close-day: [{rows: {inserted: 1}}, {rows: {unchanged: 1}}], landing/a.csv: {status: succeeded}}
      tables: {totals: [{day: 2026-11-19, orders: 1, total: 0.1, seen: "2026-11-20T00:05:00-05:00"}]}

  a broken header fails:
    pipeline: load
    given: {objects: {landing/a.csv: {text: "nothing\\n1\\n"}}}
    expect: {receipt: {status: failed}, error: "nothing"}
'''

FAILING = '''
  rows differ:
    pipeline: load
    given:
      objects:
        landing/a.csv: {text: "id,customer,amount,ordered,tags\\n1,Ada,1.5,,\\nx,Bob,1,,\\n3,,-1,,\\n"}
      tables: {orders: [{id: 7, customer: Seven}]}
    expect:
      receipt: {status: succeeded, rows: {rejected: 0}}
      tables:
        orders:
          - {id: 1, customer: Ada, amount: 1.25}
          - {id: 2, customer: "NULL", amount: null}
      rejects:
        - {line: 3, field: id, rule: integer, value: x}
        - {line: 4, field: customer, rule: unique}
  a run fails:
    pipeline: load
    given: {objects: {landing/a.csv: {text: "nothing\\n1\\n"}}}
    expect: {tables: {orders: []}}
  another error:
    pipeline: load
    given: {objects: {landing/a.csv: {text: "id,customer,amount,ordered,tags\\n"}}}
    expect: {error: too many}
  a file is not there:
    pipeline: load
    given: {objects: {landing/a.csv: {file: fixtures/nowhere.csv}}}
    expect: {receipt: {status: succeeded}}
  two rows with one key:
    pipeline: load
    given:
      objects: {landing/a.csv: {text: "id,customer,amount,ordered,tags\\n"}}
      tables:
        orders:
          - {id: 1, customer: a}
          - {id: 1, customer: b}
    expect: {receipt: {status: succeeded}}
'''

FIXTURES = {
    'fixtures/orders.csv': 'id,customer,amount,ordered,tags\n1,Ada,1.5,2024-01-03,"{""a"": 1}"\n',
    'fixtures/expected.csv': 'ID,customer,amount,tags\n2,Emmy,1.00,\n1,Ada,1.5,"{""a"":1}"\n',
    'fixtures/orders.json': '{"id": 1, "customer": "Ada"}\n{"id": 2, "customer": "Emmy", "amount": 3}\n',
}


def make(root: pathlib.Path, tests: str) -> Project:
    project = Project(root)
    (root / 'weir.yaml').write_text(WEIR_YAML + tests)
    for name, text in FIXTURES.items():
        project.write(name, text)
    return project


def test_what_passes(tmp_path):
    project = make(tmp_path, PASSING)
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob('*'))
    result = project.verb('test')
    assert result.code == 0, result
    assert result.out.count(' ok ') == 6 and '6 tests: 6 passed' in result.out, result
    assert result.err == ''
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob('*')) == before


FAILURES = '''
 FAILED  rows differ  MS  weir.yaml:45:3
    receipt status of landing/a.csv: expected succeeded, got partial
    receipt rows.rejected of landing/a.csv: expected 0, got 2
    table orders: 1 missing, 1 unexpected, 1 changed (2 expected, 2 found)
         id  customer  amount
      ~  1   Ada       1.25 → 1.50
      -  2   'NULL'    NULL
      +  7   Seven     NULL
    rejects: 1 missing, 2 unexpected (2 expected, 3 found)
         line  field     rule      value
      -  4     customer  unique
      +  4     customer  required  ''
      +  4     amount    >= 0      -1.00
 FAILED  a run fails  MS  weir.yaml:60:3
    the run of landing/a.csv failed: the header has no column 'id'; it has: nothing; declare what the file holds in \
read.columns; a column that may be missing says absent: default or absent: null
 FAILED  another error  MS  weir.yaml:64:3
    error: expected 'too many', but no run failed
 BROKEN  a file is not there  MS  weir.yaml:68:3
    weir.yaml:70:45: there is no file fixtures/nowhere.csv; paths are relative to the project's folder
 BROKEN  two rows with one key  MS  weir.yaml:72:3
    weir.yaml:79:13: two rows given to table 'orders' have the same key; leave one out
5 tests: 0 passed, 3 failed, 2 broken (TIME)
'''


def without_times(text: str) -> str:
    return re.sub(r' +\d+ ms', '  MS', re.sub(r'\([\d.]+ s\)', '(TIME)', text))


def test_what_a_failing_test_prints(tmp_path):
    project = make(tmp_path, FAILING)
    result = project.verb('test')
    assert result.code == 1, result
    assert without_times(result.out) == FAILURES.lstrip('\n'), result
    one = project.verb('test', 'differ', '--jobs', '1')
    assert one.code == 1 and '1 test: 0 passed, 1 failed' in one.out, one


def test_reports(tmp_path):
    project = make(tmp_path, PASSING + FAILING)
    result = project.verb('test', '--format', 'json', '--junit', str(tmp_path / 'report.xml'), '--jobs', '3')
    assert result.code == 1, result
    told = result.json()
    assert (told['passed'], told['failed'], told['broken']) == (6, 3, 2)
    differs = next(test for test in told['tests'] if test['name'] == 'rows differ')
    assert differs['status'] == 'failed' and differs['location']['line'] == 119
    assert differs['differences'][0] == {'of': 'landing/a.csv', 'field': 'status', 'expected': 'succeeded',
                                         'found': 'partial'}
    table = differs['differences'][2]
    assert table['rows'][0] == {'kind': 'changed', 'expected': {'id': '1', 'customer': 'Ada', 'amount': '1.25'},
                                'found': {'id': '1', 'customer': 'Ada', 'amount': '1.50'}}
    suite = xml.etree.ElementTree.parse(tmp_path / 'report.xml').getroot()[0]
    assert suite.attrib['tests'] == '11' and suite.attrib['failures'] == '3' and suite.attrib['errors'] == '2'
    failure = next(case for case in suite if case.attrib['name'] == 'rows differ')[0]
    assert '~  1   Ada       1.25 → 1.50' in failure.text
    rows = project.verb('test', 'rows', '--format', 'csv').rows()
    assert [row['status'] for row in rows] == ['passed', 'passed', 'failed', 'broken']


def test_exit_codes(tmp_path):
    project = make(tmp_path, PASSING)
    missing = project.verb('test', 'no such')
    assert missing.code == 2 and "there is no test 'no such'" in missing.err, missing
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML + PASSING.replace('pipeline: load\n', 'pipeline: laod\n', 1))
    invalid = project.verb('test')
    assert invalid.code == 2 and "unknown pipeline 'laod'" in invalid.err and "did you mean 'load'?" in invalid.err
    (tmp_path / 'weir.yaml').write_text(WEIR_YAML + '  {}\n')
    none = project.verb('test')
    assert none.code == 2 and 'the project has no tests' in none.err, none


def test_validate_warns_of_files_that_are_not_there(tmp_path):
    project = make(tmp_path, PASSING + FAILING)
    found = project.verb('validate', '--format', 'json')
    assert found.code == 0, 'the project runs without them'
    told = [(each['severity'], each['message']) for each in found.json() if 'file' in each['message']]
    assert told == [('warning', "there is no file fixtures/nowhere.csv, which test 'a file is not there' names")]
    for name in ('orders.csv', 'expected.csv', 'orders.json'):
        (tmp_path / 'fixtures' / name).unlink()
    found = project.verb('validate')
    assert found.code == 0 and found.out.count('there is no file fixtures/') == 4, found


def test_beside_a_running_owner(tmp_path):
    project = make(tmp_path, PASSING)
    with project.up():
        project.write('landing/real.csv', 'id,customer,amount,ordered,tags\n100,Real,1,,\n')
        result = project.verb('test')
        assert result.code == 0, result
    assert project.value('SELECT count(*) FROM orders WHERE id <> 100') == '0'


def test_a_stop_signal_ends_it_in_order(tmp_path):
    scratch, root = tmp_path / 'scratch', tmp_path / 'project'
    scratch.mkdir()
    root.mkdir()
    one = PASSING.split('  text and files')[0].split('\n', 2)[2]
    project = make(root, ''.join(f'  test {n}:\n{one}' for n in range(400)))
    process = subprocess.Popen([str(project.weir), 'test', '--jobs', '1', '--project', str(root)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, 'TMPDIR': str(scratch)})
    assert b' ok ' in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1 and b'tests were not run' in err, err
    assert list(scratch.iterdir()) == []


def test_nothing_is_left_behind(tmp_path):
    scratch, root = tmp_path / 'scratch', tmp_path / 'project'
    scratch.mkdir()
    root.mkdir()
    project = make(root, PASSING + FAILING)
    project.environment['TMPDIR'] = str(scratch)
    assert project.verb('test').code == 1
    assert list(scratch.iterdir()) == []


NASTY = '''
  # what comes before stays
  one:   # a comment behind a name
    pipeline:   "load"
    given: &given
      objects:
        landing/a.csv:
          text: |
            id,customer,amount,ordered,tags
            1,Ada,1.5,2024-01-03,
            x,Bob,1,,
            3,Emmy,2,,
      tables: {orders: [{id: 7, customer: Seven}]}

    expect:   # the receipt first
      receipt: {status: succeeded, rows: {read: 3,   inserted: 9}}   # counted by hand
      tables:
        orders:
          # the first row
          - {ID: 1.0, customer: 'Ada L.', amount: "1.50"}   # was wrong
          - id: 7
            customer: >-
              Seven
            amount: null
          # nobody knows this one
          - {id: 99, customer: Nobody, amount: 1}
      rejects: [{line: 4, field: id}]
  two:
    pipeline: load
    given: *given
    expect: {receipt: {rows: {rejected: 1}}, tables: {orders: {only: [id], rows: [{id: 8},
      {id: 1}, {id: 7}]}}, rejects: []}
  in a file: {pipeline: load, given: *given, expect: {tables: {orders: {file: fixtures/rows.csv}}}}
  an alias:
    pipeline: load
    given: *given
    expect: &expect {receipt: {status: skipped}}
  repeats it:
    pipeline: load
    given: *given
    expect: *expect
  a run fails:
    pipeline: load
    given: {objects: {landing/a.csv: {text: "nothing\\n1\\n"}}}
    expect: {receipt: {status: succeeded}}
# the end'''

UPDATED = [
    ('rows: {read: 3,   inserted: 9}', 'rows: {read: 3,   inserted: 2}'),
    ('''      receipt: {status: succeeded, rows: {read: 3''', '''      receipt: {status: partial, rows: {read: 3'''),
    ("{ID: 1.0, customer: 'Ada L.', amount", "{ID: 1.0, customer: 'Ada', amount"),
    ('''          # nobody knows this one
          - {id: 99, customer: Nobody, amount: 1}
''', '''          - {id: 3, customer: Emmy, amount: 2.00}
          # nobody knows this one
'''),
    ('[{line: 4, field: id}]', '[{line: 3, field: id}]'),
    ('''rows: [{id: 8},
      {id: 1}, {id: 7}]''', '''rows: [{id: 1}, {id: 7}, {id: 3}]'''),
    ('rejects: []', 'rejects: [{line: 3, field: id, rule: integer, value: x}]'),
]


def test_update_changes_expectations_and_nothing_else(tmp_path):
    project = make(tmp_path, NASTY)
    project.write('fixtures/rows.csv', 'customer,id\nBob,1\nSeven,7\n')
    expected = (tmp_path / 'weir.yaml').read_text()
    for old, new in UPDATED:
        assert old in expected, old
        expected = expected.replace(old, new, 1)
    result = project.verb('test', '--update')
    assert (tmp_path / 'weir.yaml').read_text() == expected, result
    assert (tmp_path / 'fixtures/rows.csv').read_text() == 'customer,id\nAda,1\nSeven,7\nEmmy,3\n'
    assert result.code == 1
    assert result.err.splitlines() == [
        "weir: updated 'one'", "weir: updated 'two'", "weir: updated 'in a file'",
        "weir: left alone 'an alias': it cannot be rewritten without changing more of the file",
        "weir: left alone 'repeats it': it is an alias of a value that stands elsewhere",
        "weir: left alone 'a run fails': a run failed that was not expected to"]
    again = project.verb('test')
    assert '6 tests: 3 passed, 3 failed' in again.out, again
    assert project.verb('test', 'one', 'two', 'in a file').code == 0


TELLING = '''pipelines:
  tell:
    when: [{object: landing/*.csv}]
    steps:
      - read: {format: csv}
      - load: {table: orders, mode: merge}
      - notify: {url: "http://127.0.0.1:9/all"}
      - notify: {url: "http://127.0.0.1:9/failure", on: [failure]}
      - notify: {url: "http://127.0.0.1:9/rejects", on: [rejects], rejects_over: 1}
'''
NOTICES = '''
  one good and one bad:
    pipeline: tell
    given:
      objects:
        landing/a.csv: {rows: [{id: 1, customer: Ada, amount: 1}]}
        landing/b.csv: {text: "nothing\\n1\\n"}
    expect:
      error: no column
      notices:
        - {type: failure, object: landing/b.csv, step: 4}
        - {type: failure, object: landing/b.csv, step: 3, status: failed}
        - {type: success, pipeline: tell, object: landing/a.csv, read: 1, inserted: 1, rejected: 0}
  of a pipeline that tells nothing:
    pipeline: load
    given: {objects: {landing/a.csv: {rows: [{id: 1, customer: Ada, amount: 1}]}}}
    expect: {notices: []}
  another was expected:
    pipeline: tell
    given: {objects: {landing/a.csv: {text: "id,customer,amount,ordered,tags\\n1,,1,,\\n2,,1,,\\n"}}}
    expect: {notices: [{type: success}, {type: rejects, rejected: 2, step: 3}]}
'''


def test_what_notify_steps_would_say(tmp_path):
    project = make(tmp_path, NOTICES)
    config = tmp_path / 'weir.yaml'
    config.write_text(config.read_text().replace('pipelines:\n', TELLING, 1))
    result = project.verb('test')
    assert result.code == 1 and '3 tests: 2 passed, 1 failed' in result.out, result
    shown = [line.split() for line in result.out.splitlines()]
    assert '    notices: 1 missing, 1 unexpected (2 expected, 2 found)' in result.out.splitlines(), result
    assert ['type', 'step', 'rejected'] in shown and ['+', 'rejects', '5', '2'] in shown, result

    updated = project.verb('test', '--update')
    assert '{type: rejects, rejected: 2, step: 3}' in config.read_text() and 'success}, {' not in config.read_text(), updated
    assert project.verb('test').code == 0, config.read_text()

    config.write_text(config.read_text().replace('type: failure', 'type: failed'))
    wrong = project.verb('validate')
    assert wrong.code == 2 and "unknown type 'failed' of a notice in test 'one good and one bad'" in wrong.out, wrong


ON_A_SERVER = '''project: shop
databases: {db: "postgres://nobody@127.0.0.1:1/shop"}
tables:
  orders: {in: db, schema: sales, columns: {id: integer | key, day: date, amount: "decimal(10,2)"}}
  totals: {in: db, columns: {month: varchar | key, amount: "decimal(12,2)"}}
pipelines:
  months:
    steps:
      - sql: %s
        in: db
      - load: {table: totals, mode: merge}
tests:
  a month is summed:
    pipeline: months
    given: {tables: {orders: [{id: 1, day: 2024-01-02, amount: 1.5}, {id: 2, day: 2024-01-31, amount: 2}]}}
    expect: {tables: {totals: [{month: "2024-01", amount: 3.50}]}}
'''


def test_a_duckdb_stands_in_for_a_server(tmp_path: pathlib.Path) -> None:
    of_both = "SELECT substr(CAST(day AS varchar), 1, 7) AS month, sum(amount) AS amount FROM sales.orders GROUP BY 1"
    of_postgres = "SELECT to_char(day, 'YYYY-MM') AS month, sum(amount) AS amount FROM sales.orders GROUP BY 1"
    project = Project(tmp_path)
    for text in (of_both, f'{{postgres: "{of_postgres}", duckdb: "{of_both}"}}'):
        (tmp_path / 'weir.yaml').write_text(ON_A_SERVER % text)
        assert project.verb('validate').code == 0
        assert project.verb('test').code == 0, text
    (tmp_path / 'weir.yaml').write_text(ON_A_SERVER % of_postgres)
    result = project.verb('test')
    assert result.code == 1 and "a DuckDB that stands in for database 'db'" in result.out + result.err, result
    assert 'sql: {duckdb: …, postgres: …}' in result.out + result.err, result
    wrong = of_both.replace('amount) AS', 'amoun) AS')
    (tmp_path / 'weir.yaml').write_text(ON_A_SERVER % f'{{postgres: "{of_postgres}", duckdb: "{wrong}"}}')
    result = project.verb('validate')
    assert result.code == 2 and 'amoun' in result.out + result.err, result
