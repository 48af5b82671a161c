"""What is MySQL's own: collations, engines without transactions, LOCAL INFILE, warnings, settings, and values that a
server does not have."""
import pathlib
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import Project

PROJECT = '''
project: mine
memory: 512MB
databases: {{db: "{url}"}}
buckets: {{landing: {{url: "file://landing", settle: 100ms}}}}
tables:
  words:
    in: db
    columns: {columns}
pipelines:
  load:
    when: [{{object: "landing/*.json"}}]
    steps:
      - read: {{format: json{read}}}
{select}      - load: {{table: words, mode: {mode}}}
'''
# As far from what weir needs as a server's own settings can be.
HOSTILE = ('--sql-mode=', '--default-time-zone=+05:30', '--transaction-isolation=SERIALIZABLE', '--autocommit=0',
           '--character-set-server=latin1', '--collation-server=latin1_swedish_ci', '--innodb-strict-mode=OFF',
           '--default-storage-engine=MyISAM')


@pytest.fixture(scope='module')
def server() -> Iterator[MariaDB]:
    with MariaDB() as started:
        yield started


@pytest.fixture
def database(server: MariaDB, tmp_path: pathlib.Path) -> str:
    name = f'test_{abs(hash(tmp_path)) % 10**9}'
    server.create(name)
    return name


def project(root: pathlib.Path, url: str, columns: str, mode: str = 'merge', read: str = '', select: str = '') -> Project:
    (root / 'landing').mkdir(parents=True)
    text = PROJECT.format(url=url, columns=columns, mode=mode, read=read, select=select)
    (root / 'weir.yaml').write_text(text)
    return Project(root)


def load(project: Project, text: str, code: int | None = 0) -> dict:
    project.write('landing/a.json', text)
    (receipt,) = project.run('load', '--object', 'landing/a.json', code=code)
    return receipt


WORDS = ''.join(f'{{"word": "{word}", "n": {n}}}\n' for n, word in enumerate(['a', 'A', 'a ', 'á', 'ａ', 'ß', 'ss', '']))


def test_case_blanks_and_accents_make_different_keys(server: MariaDB, database: str, tmp_path: pathlib.Path) -> None:
    mine = project(tmp_path, server.url(database), '{word: "varchar(20) | key", n: integer}')
    receipt = load(mine, WORDS)
    assert receipt['rows']['inserted'] == 8 and 'way' not in receipt, receipt
    receipt = load(mine, WORDS.replace('"n": 2', '"n": 20'))  # of 'a '
    assert (receipt['rows']['updated'], receipt['rows']['unchanged']) == (1, 7), receipt
    assert server.query("SELECT HEX(word), n FROM words WHERE n IN (0, 20) ORDER BY n", database) == [
        ['61', '0'], ['6120', '20']]


def mend(mine: Project, server: MariaDB, database: str) -> None:
    """Does what `weir drift` says of the table."""
    for difference in mine.verb('drift', 'words', '--format', 'json').json():
        server.query(difference['ddl'] or difference['fix'], database)


@pytest.mark.parametrize('engine', ['MyISAM', 'Aria'])
def test_a_table_without_transactions_is_refused(engine: str, server: MariaDB, database: str,
                                                 tmp_path: pathlib.Path) -> None:
    server.query(f'CREATE TABLE words (word VARCHAR(20) COLLATE utf8mb4_nopad_bin PRIMARY KEY, n INT) ENGINE={engine} '
                 'CHARSET utf8mb4', database)
    mine = project(tmp_path, server.url(database), '{word: "varchar(20) | key", n: integer}')
    receipt = load(mine, WORDS, 1)
    assert receipt['rows']['read'] == 0 and receipt['error']['code'] == 'sql', receipt
    assert f'is kept by {engine}' in receipt['error']['message']
    mend(mine, server, database)
    receipt = load(mine, WORDS)
    assert receipt['rows']['inserted'] == 8, receipt


def test_a_key_that_is_not_told_apart_is_refused(server: MariaDB, database: str, tmp_path: pathlib.Path) -> None:
    server.query('CREATE TABLE words (word VARCHAR(20) PRIMARY KEY, n INT) CHARSET utf8mb4 COLLATE utf8mb4_general_ci',
                 database)
    mine = project(tmp_path, server.url(database), '{word: "varchar(20) | key", n: integer}')
    receipt = load(mine, WORDS, 1)
    assert receipt['rows']['read'] == 0 and 'utf8mb4_general_ci' in receipt['error']['message'], receipt
    mend(mine, server, database)
    assert load(mine, WORDS)['rows']['inserted'] == 8


def test_without_local_infile_rows_go_by_insert_and_the_receipt_says_so(tmp_path: pathlib.Path) -> None:
    with MariaDB('--local-infile=0', *HOSTILE) as own:
        mine = project(tmp_path, own.url(), '{word: "varchar(20) | key", n: integer, at: timestamptz, raw: bytes}')
        text = ''.join(f'{{"word": "it\'s \\\\ {n}", "n": {n}, "at": "2026-01-01T00:00:00Z", "raw": "\\\\x00ff27"}}\n'
                       for n in range(3000))
        receipt = load(mine, text)
        assert receipt['rows']['inserted'] == 3000, receipt
        assert receipt['way'].startswith('multi-row INSERT') and 'local_infile is OFF' in receipt['way'], receipt
        assert load(mine, text + '\n')['rows']['unchanged'] == 3000
        assert own.query('SELECT count(*), min("at"), hex(min(raw)) FROM words', own.database) == [
            ['3000', '2026-01-01 00:00:00.000000', '00FF27']]
        assert own.query("SELECT engine FROM information_schema.tables WHERE table_schema = 'weir' AND engine <> 'InnoDB'"
                         ) == []


def test_a_value_that_the_table_would_bend_commits_nothing(server: MariaDB, database: str, tmp_path: pathlib.Path) -> None:
    server.query('CREATE TABLE words (word VARCHAR(3) COLLATE utf8mb4_nopad_bin PRIMARY KEY, n TINYINT) CHARSET utf8mb4',
                 database)
    mine = project(tmp_path, server.url(database), '{word: "varchar(20) | key", n: integer}', mode='append')
    receipt = load(mine, '{"word": "abc", "n": 1}\n{"word": "abcd", "n": 2}\n{"word": "abd", "n": 300}\n', None)
    stored = server.query('SELECT word, n FROM words', database)
    if receipt['status'] == 'partial':
        assert receipt['rows']['rejected'] == 2 and stored == [['abc', '1']], receipt
    else:
        assert receipt['status'] == 'failed' and stored == [], receipt
        assert 'row 2' in receipt['error']['message'] and "'word'" in receipt['error']['message'].replace('`', "'"), receipt


COMPUTED = '''      - select:
          id: id
          ratio: CAST(ratio AS DOUBLE)
          day: CAST(day AS DATE)
          moment: CAST(moment AS TIMESTAMP)
          ratios: "[CAST(ratio AS DOUBLE), 0]"
          text: replace(text, '-', chr(0))
'''
COMPUTED_ROWS = [
    '{"id": 1, "ratio": "1.5", "day": "2026-01-01", "moment": "2026-01-01 00:00:00", "text": "fine"}',
    '{"id": 2, "ratio": "nan", "day": "2026-01-01", "moment": "2026-01-01 00:00:00", "text": "fine"}',
    '{"id": 3, "ratio": "-inf", "day": "2026-01-01", "moment": "2026-01-01 00:00:00", "text": "fine"}',
    '{"id": 4, "ratio": "1", "day": "infinity", "moment": "2026-01-01 00:00:00", "text": "fine"}',
    '{"id": 5, "ratio": "1", "day": "10000-01-01", "moment": "2026-01-01 00:00:00", "text": "fine"}',
    '{"id": 6, "ratio": "1", "day": "0001-01-01 (BC)", "moment": "2026-01-01 00:00:00", "text": "fine"}',
    '{"id": 7, "ratio": "1", "day": "2026-01-01", "moment": "-infinity", "text": "fine"}',
    '{"id": 8, "ratio": "1", "day": "2026-01-01", "moment": "10000-01-01 00:00:00", "text": "fine"}',
    '{"id": 9, "ratio": "1", "day": "2026-01-01", "moment": "5000-01-01 (BC) 00:00:00", "text": "fine"}',
    '{"id": 10, "ratio": "1", "day": "2026-01-01", "moment": "2026-01-01 00:00:00", "text": "a-b"}',
    '{"id": 11, "ratio": "1", "day": "5000-01-01 (BC)", "moment": "2026-01-01 00:00:00", "text": "fine"}',
    '{"id": 12, "ratio": "1", "day": "5877641-06-24", "moment": "2026-01-01 00:00:00", "text": "fine"}',
    '{"id": 13, "ratio": "1", "day": "2026-01-01", "moment": "0005-01-01 (BC) 10:00:00.5", "text": "fine"}',
]
# What of them the engines do not have: field and rule.
LIMITS = {
    'mysql': {2: 'ratio', 3: 'ratio', 4: 'day', 5: 'day', 6: 'day', 7: 'moment', 8: 'moment', 9: 'moment', 11: 'day',
              12: 'day', 13: 'moment'},
    'postgres': {9: 'moment', 10: 'text', 11: 'day', 12: 'day'},
}
TYPE_OF = {'ratio': 'double', 'day': 'date', 'moment': 'timestamp', 'text': 'varchar'}


@pytest.mark.parametrize('kind', [MariaDB, Postgres], ids=lambda kind: kind.engine)
def test_computed_values_that_the_engine_does_not_have_are_rejected_rows(kind: type, tmp_path: pathlib.Path) -> None:
    name = {'mysql': 'MySQL', 'postgres': 'Postgres'}[kind.engine]
    columns = '{id: "integer | key", ratio: double, day: date, moment: timestamp, ratios: "double[]", text: varchar}'
    read = ', columns: {id: integer, ratio: varchar, day: varchar, moment: varchar, text: varchar}'
    with kind() as own:
        mine = project(tmp_path, own.url(), columns, read=read, select=COMPUTED)
        receipt = load(mine, '\n'.join(COMPUTED_ROWS) + '\n', 3)
        limits = LIMITS[kind.engine]
        assert {reject['element']: (reject['field'], reject['rule']) for reject in receipt['rejects']} == {
            element: (field, f'{TYPE_OF[field]} on {name}') for element, field in limits.items()}, receipt['rejects']
        kept = len(COMPUTED_ROWS) - len(limits)
        assert receipt['rows']['inserted'] == kept
        # What went in is read back as it was.
        receipt = load(mine, '\n' + '\n'.join(COMPUTED_ROWS) + '\n', 3)
        assert receipt['rows']['unchanged'] == kept, receipt


def test_what_no_index_takes_is_rejected(server: MariaDB, database: str, tmp_path: pathlib.Path) -> None:
    mine = project(tmp_path, server.url(database), '{word: "varchar | key", n: integer}')
    receipt = load(mine, f'{{"word": "{"é" * 768}", "n": 1}}\n{{"word": "{"é" * 769}", "n": 1}}\n', 3)
    assert receipt['rows']['inserted'] == 1 and receipt['rejects'][0]['rule'] == 'key on MySQL', receipt
    assert receipt['rejects'][0]['field'] == 'word'


def test_a_key_that_no_index_takes_is_refused(server: MariaDB, database: str, tmp_path: pathlib.Path) -> None:
    mine = project(tmp_path, server.url(database), '{a: "varchar(700) | key", b: "varchar(100) | key"}')
    receipt = load(mine, '{"a": "1", "b": "2"}\n', 1)
    assert receipt['error']['code'] == 'invalid_project' and '3200 bytes' in receipt['error']['message'], receipt


BENDING = [  # of the table's column, of the dictionary's; a value that is kept, and one that would not be
    ('CHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin', 'varchar(5)', 'a b', 'ab '),
    ("ENUM('a', 'b') CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin", 'varchar(5)', 'b', 'B'),
    ('BINARY(2)', 'bytes', '\\\\x6162', '\\\\x61'),
    ('DATETIME(0)', 'timestamp', '2026-01-01T12:00:00', '2026-01-01T12:00:00.5'),
    ('DATETIME(3)', 'timestamptz', '2026-01-01T12:00:00.123Z', '2026-01-01T12:00:00.1234Z'),
    ('TIME(0)', 'time', '23:59:59', '23:59:59.999999'),
]


@pytest.mark.parametrize('local_infile', ['ON', 'OFF'])
@pytest.mark.parametrize('mode', ['append', 'merge'])
def test_a_value_that_the_column_would_bend_rejects_its_row(mode: str, local_infile: str, server: MariaDB, database: str,
                                                            tmp_path: pathlib.Path) -> None:
    """Also where the column is the key: what it cannot hold, the table does not have."""
    server.query(f'SET GLOBAL local_infile = {local_infile}')
    for number, (theirs, ours, kept, bent) in enumerate(BENDING):
        server.query(f'DROP TABLE IF EXISTS words, weir_loads, weir_rejects; '
                     f'CREATE TABLE words (word {theirs} PRIMARY KEY, n INT) ENGINE=InnoDB DEFAULT CHARSET utf8mb4', database)
        mine = project(tmp_path / f'{number}', server.url(database), f'{{word: "{ours} | key", n: integer}}', mode=mode)
        receipt = load(mine, f'{{"word": "{kept}", "n": 1}}\n{{"word": "{bent}", "n": 2}}\n', 3)
        assert receipt['rows']['inserted'] == receipt['rows']['rejected'] == 1, (theirs, receipt)
        (reject,) = receipt['rejects']
        assert (reject['element'], reject['field'], reject['rule']) == (2, 'word', 'value (server)'), (theirs, reject)
        assert reject['value'] and reject['message'].startswith('the column '), (theirs, reject)
        # Once more, into a table that has a row.
        receipt = load(mine, f'{{"word": "{bent}", "n": 2}}\n{{"word": "{kept}", "n": 3}}\n', 3)
        assert receipt['rows']['rejected'] == (1 if mode == 'merge' else 2), (theirs, receipt)
        assert server.query('SELECT n FROM words', database) == [['3' if mode == 'merge' else '1']], theirs
    server.query('SET GLOBAL local_infile = ON')
