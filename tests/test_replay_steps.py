"""Replay of rows that steps had made: one record, several rows, each of which may be good or bad."""
import csv
import io
import json
import pathlib

import pytest

from database_targets import Target
from weir_project import Project, balances

HEAD = '''
project: steps
databases: {db: "TARGET"}
buckets: {landing: "file://landing"}
tables:
  items:
    in: db
    columns:
      order_id: bigint | required
      day: date | required
      item: varchar(10) | required
      price: decimal(6,2) | >= 0
    key: [order_id, item]
    lineage: true
'''
UNNEST = '''
pipelines:
  load:
    when: [{object: "landing/*"}]
    steps:
      - read: {format: json, columns: {id: bigint, day: date, items: "json[]"}}
      - unnest: items
      - select: {order_id: id, day: day, item: "items->>'name'", price: "CAST(items->>'price' AS decimal(8,3))"}
      - load: {table: items, mode: merge}
'''


def make(target: Target, root: pathlib.Path, pipelines: str) -> Project:
    (root / 'weir.yaml').write_text((HEAD + pipelines).replace('TARGET', target.url))
    (root / 'landing').mkdir()
    return target.project(root)


def order(id_, day: str, *items: tuple) -> str:
    return json.dumps({'id': id_, 'day': day, 'items': [{'name': name, 'price': price} for name, price in items]}) + '\n'


def items(project: Project) -> list[list[str]]:
    return [list(row.values()) for row in project.query('SELECT order_id, item, price FROM items ORDER BY order_id, item')]


def mend(project: Project, *changes: tuple[str, str], format_: str = 'csv') -> dict:
    file = project.verb('rejects', 'last', '--format', format_)
    assert file.code == 0, file
    text = file.out
    for before, after in changes:
        assert before in text, text
        text = text.replace(before, after)
    (project.root / 'mended').write_text(text)
    result = project.verb('replay', 'last', '--with', 'mended', '--format', 'json')
    [receipt] = result.json()
    assert balances(receipt), receipt
    return receipt


def unresolved(project: Project) -> int:
    return int(project.value('SELECT count(*) FROM weir_rejects WHERE resolution IS NULL'))


def test_rows_behind_an_unnest_go_in_where_they_were(target, tmp_path) -> None:
    project = make(target, tmp_path, UNNEST)
    project.write('landing/a', order(1, '2021-01-31', ('tea', '1.50'), ('a long name', '2'), ('jam', '-3'))
                  + order(2, '2021-02-01', ('tea', '1.125')))
    [receipt] = project.run('load', code=3)
    assert receipt['rows']['read'] == 2 and receipt['rows']['rejected'] == 3 and receipt['rows']['inserted'] == 1
    file = project.verb('rejects', 'last', '--format', 'csv').out
    [first, second, third] = csv.DictReader(io.StringIO(file))
    assert list(first) == ['weir_reject', 'weir_line', 'weir_problem', 'id', 'day', 'items']
    assert (first['id'], json.loads(first['items'])) == ('1', {'name': 'a long name', 'price': '2'})
    assert (second['weir_line'], third['weir_line']) == ('1', '2')
    receipt = mend(project, ('a long name', 'bread'), ('""-3""', '""3""'), ('1.125', '1.25'))
    assert receipt['status'] == 'succeeded' and receipt['rows']['inserted'] == 3, receipt
    assert items(project) == [['1', 'bread', '2.00'], ['1', 'jam', '3.00'], ['1', 'tea', '1.50'], ['2', 'tea', '1.25']]
    assert unresolved(project) == 0
    [origin] = project.verb('why', 'items', '1', 'jam', '--format', 'json').json()
    assert origin['element'] == 1 and origin['line'] == 1 and origin['replayed_by'] == receipt['run']


def test_a_mended_record_may_make_rows_that_are_bad(target, tmp_path) -> None:
    project = make(target, tmp_path, UNNEST)
    project.write('landing/a', order('x', '2021-01-31', ('tea', '1'), ('a long name', '2'), ('jam', '3')))
    [first] = project.run('load', code=3)
    assert first['rows']['rejected'] == 1
    receipt = mend(project, (',x,', ',7,'))
    assert receipt['status'] == 'partial'
    assert {name: receipt['rows'][name] for name in ('read', 'expanded', 'inserted', 'rejected')} == {
        'read': 1, 'expanded': 2, 'inserted': 2, 'rejected': 1}
    rows = project.query('SELECT run_id, element, line, resolution, CASE WHEN produced IS NULL THEN 0 ELSE 1 END AS made FROM weir_rejects ORDER BY reject_id')
    assert [(row['resolution'], row['made']) for row in rows] == [('replayed', '0'), ('', '1')]
    assert {(row['run_id'], row['element'], row['line']) for row in rows} == {(first['run'], '1', '1')}
    receipt = mend(project, ('a long name', 'bread'), format_='json')
    assert receipt['status'] == 'succeeded' and unresolved(project) == 0
    assert items(project) == [['7', 'bread', '2.00'], ['7', 'jam', '3.00'], ['7', 'tea', '1.00']]


def test_records_and_rows_of_one_run_in_one_file(target, tmp_path) -> None:
    project = make(target, tmp_path, UNNEST.replace('unnest: items', 'unnest: {column: items, as: item}').replace('items->>', 'item->>'))
    project.write('landing/a', order('x', '2021-01-31', ('tea', '1')) + order(2, '2021-01-31', ('a long name', '2')))
    project.run('load', code=3)
    file = project.verb('rejects', 'last', '--format', 'csv').out
    assert file.splitlines()[0] == 'weir_reject,weir_line,weir_problem,id,day,items,item'
    receipt = mend(project, (',x,', ',1,'), ('a long name', 'jam'))
    assert receipt['rows']['read'] == 2 and receipt['rows']['inserted'] == 2, receipt
    assert items(project) == [['1', 'tea', '1.00'], ['2', 'jam', '2.00']] and unresolved(project) == 0


def test_rows_are_not_replayed_through_steps_that_changed(target, tmp_path) -> None:
    project = make(target, tmp_path, UNNEST)
    project.write('landing/a', order(1, '2021-01-31', ('a long name', '2')))
    project.run('load', code=3)
    (tmp_path / 'weir.yaml').write_text((tmp_path / 'weir.yaml').read_text().replace("'name'", "'title'"))
    result = project.verb('replay', 'last', '--format', 'json')
    assert result.code == 3
    assert 'the steps have changed' in result.json()[0]['rejects'][0]['message'] and '--force' in result.out
    assert unresolved(project) == 1


def test_values_of_every_type_come_back_behind_a_select(target, tmp_path) -> None:
    columns = ('i: hugeint, d: "decimal(38,10)", f: double, b: bytes, t: time, m: timestamp, z: timestamptz, u: uuid, '
               'j: json, l: "varchar[]", y: boolean, n: varchar')
    (tmp_path / 'weir.yaml').write_text(('''
project: types
databases: {db: "TARGET"}
buckets: {landing: "file://landing"}
tables:
  all_types:
    in: db
    columns: {i: hugeint, d: "decimal(38,10)", f: double, b: bytes, t: time, m: timestamp, z: timestamptz, u: uuid, j: json,
              l: "varchar[]", y: boolean, n: varchar, s: bigint, e: "varchar(3)"}
pipelines:
  load:
    when: [{object: "landing/*"}]
    steps:
      - read: {format: json, columns: {''' + columns + ''', e: "varchar[]"}}
      - select: {i: i, d: d, f: f, b: b, t: t, m: m, z: z, u: u, j: j, l: l, y: y, n: n, e: e, w: "{'a': i, 'b': m}"}
      - unnest: e
      - select: {i: i, d: d, f: f, b: b, t: t, m: m, z: z, u: u, j: j, l: l, y: y, n: n, s: "w.a % 1000 + year(w.b)", e: e}
      - load: {table: all_types}
''').replace('TARGET', target.url))
    (tmp_path / 'landing').mkdir()
    project = target.project(tmp_path)
    record = {'i': 170141183460469231731687303715884105727, 'd': '1234567890123456789012345678.0123456789', 'f': 0.1,
              'b': '\\x00ff', 't': '23:59:59.999999', 'm': '2021-01-31T01:02:03.000004', 'z': '2021-01-31T00:00:00+05:30',
              'u': '00000000-0000-0000-0000-00000000000a', 'j': {'x': [1.50, '"']}, 'l': ['a', None, 'b,"c'], 'y': True,
              'n': None, 'e': ['ok', 'long']}
    project.write('landing/a', json.dumps(record))
    project.run('load', code=3)
    receipt = mend(project, (',long,', ',yes,'))
    assert receipt['rows']['inserted'] == 1, receipt
    bytes_ = 'HEX(b) AS b' if target.name == 'mysql' else 'b'
    rows = project.query(f'SELECT i, d, f, {bytes_}, t, m, z, u, j, l, y, n, s, e FROM all_types ORDER BY e')
    [loaded, replayed] = [{**row, 'j': row['j'].replace(' ', '')} for row in rows]
    assert (loaded.pop('e'), replayed.pop('e')) == ('ok', 'yes')
    assert loaded == replayed and loaded['s'] == '2748' and loaded['i'] == str(record['i'])


def test_what_is_folded_is_mended_in_the_object(target, tmp_path) -> None:
    project = make(target, tmp_path, UNNEST.replace('- select', '''- select: {id: id, day: day, name: "items->>'name'", price: "CAST(items->>'price' AS integer)"}
      - aggregate: {by: [id, day, name], columns: {price: sum(price)}}
      - select''').replace('''item: "items->>'name'", price: "CAST(items->>'price' AS decimal(8,3))"''', 'item: name, price: price'))
    project.write('landing/a', order(1, '2021-01-31', ('tea', 'x'), ('tea', '1'), ('a long name', '5')))
    [receipt] = project.run('load', code=3)
    assert receipt['rows']['rejected'] == 2 and items(project) == [['1', 'tea', '1.00']]
    result = project.verb('replay', 'last', '--format', 'json')
    [receipt] = result.json()
    assert result.code == 3 and receipt['rows']['rejected'] == 2
    assert any('folds rows' in reject['message'] and 'weir run load --object landing/a --force' in reject['message']
               for reject in receipt['rejects']), receipt
    # A group is a row: it goes in behind the fold.
    receipt = mend(project, ('a long name', 'bread'))
    assert receipt['rows']['inserted'] == 1 and items(project) == [['1', 'bread', '5.00'], ['1', 'tea', '1.00']]
    assert unresolved(project) == 1


def test_rows_of_a_query_are_not_kept(target, tmp_path) -> None:
    project = make(target, tmp_path, '''
pipelines:
  load:
    steps:
      - sql: SELECT 1 AS order_id, DATE '2021-01-31' AS day, 'a long name' AS item, 1.0 AS price
        in: db
      - load: {table: items, mode: merge}
''')
    project.run('load', code=3)
    result = project.verb('replay', 'last', '--format', 'json')
    [receipt] = result.json()
    if target.name == 'duckdb':
        assert result.code == 3 and 'a row of a query is not kept' in receipt['rejects'][0]['message']
    else:  # the query's columns are the server's to tell: it is refused as a whole
        assert result.code == 1 and 'run the pipeline again: it asks anew' in receipt['error']['fix'], receipt
    assert unresolved(project) == 1


def test_a_row_that_the_load_rejects_goes_in_as_it_would_have_loaded(target, tmp_path) -> None:
    # Its day is a timestamp until the table makes a date of it.
    project = make(target, tmp_path, UNNEST.replace('day: day,', 'day: "CAST(day AS TIMESTAMP)",')
                   .replace('merge', 'append'))
    project.write('landing/a', order(1, '2021-01-31', ('tea', '1'), ('tea', '2')))
    [receipt] = project.run('load', code=3)
    assert receipt['rows']['inserted'] == 1 and receipt['rejects'][0]['rule'] == 'key', receipt
    receipt = mend(project, (',tea,', ',bread,'))
    assert receipt['rows']['inserted'] == 1, receipt
    assert items(project) == [['1', 'bread', '2.00'], ['1', 'tea', '1.00']] and unresolved(project) == 0
