"""Rows that only the server refuses: each is a reject, with the server's reason, and the others load."""
import json
import pathlib
from typing import Iterator

import pytest

from database_servers import MariaDB, Postgres
from weir_project import Project


@pytest.fixture(scope='module')
def server() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
def database(server: Postgres, tmp_path: pathlib.Path) -> str:
    name = f'test_{abs(hash(tmp_path)) % 10**9}'
    server.query(f'CREATE DATABASE {name}')
    return name


PROJECT = '''
project: refusals
memory: 512MB
databases: {{db: "{url}"}}
buckets: {{landing: file://landing}}
tables:
  hits:
    in: db
    columns:
      id: bigint{key}
      device: varchar
      email: varchar
      parent: bigint
      amount: integer
    {limits}
pipelines:
  load:
    when: [{{object: "landing/*.json"}}]
    steps:
      - read: {{format: json}}
      - load: {{table: hits, mode: {mode}}}
'''

TABLE = '''
CREATE TABLE parents (id bigint PRIMARY KEY);
INSERT INTO parents VALUES (1), (2);
CREATE DOMAIN device AS text CONSTRAINT known_device CHECK (value <> 'toaster');
CREATE TABLE hits (
  id bigint PRIMARY KEY, device device, email text CONSTRAINT hits_email UNIQUE,
  parent bigint CONSTRAINT hits_parent REFERENCES parents, amount integer,
  CONSTRAINT hits_amount CHECK (amount < 1000 OR id < 0));
CREATE FUNCTION refuse_odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF new.amount % 100 = 77 THEN RAISE EXCEPTION 'an amount like {} is odd'; END IF;
  RETURN new; END $$;
CREATE TRIGGER odd BEFORE INSERT OR UPDATE ON hits FOR EACH ROW EXECUTE FUNCTION refuse_odd();
'''


def project(root: pathlib.Path, url: str, mode: str = 'append', key: str = ' | key', limits: str = '') -> Project:
    (root / 'landing').mkdir(parents=True)
    (root / 'weir.yaml').write_text(PROJECT.format(url=url, mode=mode, key=key, limits=limits))
    return Project(root)


def lines(*rows: dict) -> str:
    return ''.join(json.dumps(row) + '\n' for row in rows)


def row(number: int, **changed: object) -> dict:
    return {'id': number, 'device': 'phone', 'email': f'{number}@x', 'parent': 1, 'amount': number, **changed}


def load(mine: Project, name: str, *rows: dict, code: int | None = None) -> dict:
    mine.write(f'landing/{name}.json', lines(*rows))
    (receipt,) = mine.run('load', '--object', f'landing/{name}.json', code=code)
    return receipt


def shown(receipt: dict) -> list[tuple]:
    return [(reject['line'], reject.get('field', ''), reject['rule'], reject.get('value', ''))
            for reject in receipt['rejects']]


BAD = [
    (row(3, amount=5000), 'amount, id', 'constraint hits_amount (server)', '5000, 3'),
    (row(5, device='toaster'), 'device', 'constraint known_device (server)', 'toaster'),
    (row(6, email='1@x'), 'email', 'constraint hits_email (server)', '1@x'),
    (row(8, parent=9), 'parent', 'constraint hits_parent (server)', '9'),
    (row(9, amount=77), '', 'function refuse_odd() (server)', ''),
    (row(11, email='a\0b'), 'email', 'varchar on Postgres', 'a\0b'),
]


@pytest.mark.parametrize('mode', ['append', 'merge', 'ignore', 'replace'])
def test_each_refused_row_is_a_reject_with_its_reason(mode: str, server: Postgres, database: str,
                                                      tmp_path: pathlib.Path) -> None:
    server.query(TABLE, database)
    mine = project(tmp_path, server.url(database), mode)
    good = [row(1), row(2), row(4), row(7), row(10), row(12)]
    bad = {each[0]['id']: each for each in BAD}
    receipt = load(mine, 'a', *sorted(good + [each[0] for each in BAD], key=lambda one: one['id']), code=3)
    assert receipt['status'] == 'partial'
    counts = receipt['rows']
    assert (counts['read'], counts['inserted'], counts['rejected']) == (12, 6, 6), receipt
    assert {line: rest for line, *rest in shown(receipt)} == {
        number: [field, rule, value if '\0' not in value else shown_nul(receipt, number)]
        for number, (_, field, rule, value) in bad.items()}
    assert server.query('SELECT id FROM hits ORDER BY id', database) == [[str(one['id'])] for one in good]
    # The quarantine has them, with what the server said.
    kept = server.query("SELECT line, rule, message FROM weir_rejects ORDER BY line", database)
    assert [int(line) for line, _, _ in kept] == sorted(bad)
    said = {int(line): message for line, _, message in kept}
    assert 'violates check constraint "hits_amount"' in said[3] and said[9] == 'an amount like {} is odd', said


def shown_nul(receipt: dict, line: int) -> str:
    (value,) = [value for at, _, _, value in shown(receipt) if at == line]
    assert value.startswith('a') and value.endswith('b'), value
    return value


def test_a_refused_update_leaves_the_old_row(server: Postgres, database: str, tmp_path: pathlib.Path) -> None:
    server.query(TABLE, database)
    mine = project(tmp_path, server.url(database), 'merge')
    load(mine, 'a', row(1), row(2), row(3), row(4), code=0)
    receipt = load(mine, 'b', row(1, amount=100), row(2, amount=5000), row(3), row(4, email='1@x'), row(5), row(6, parent=7))
    counts = receipt['rows']
    assert (counts['updated'], counts['unchanged'], counts['inserted'], counts['rejected']) == (1, 1, 1, 3), receipt
    assert [line for line, *_ in shown(receipt)] == [2, 4, 6]
    assert server.query('SELECT id, email, amount FROM hits ORDER BY id', database) == [
        ['1', '1@x', '100'], ['2', '2@x', '2'], ['3', '3@x', '3'], ['4', '4@x', '4'], ['5', '5@x', '5']]


def test_what_is_checked_at_the_end_of_the_transaction(server: Postgres, database: str, tmp_path: pathlib.Path) -> None:
    server.query('''
        CREATE TABLE hits (id bigint, device text, email text UNIQUE DEFERRABLE INITIALLY DEFERRED, parent bigint, amount int);
        ALTER TABLE hits ADD CONSTRAINT hits_id UNIQUE (id);
        ALTER TABLE hits ADD CONSTRAINT hits_parent FOREIGN KEY (parent) REFERENCES hits (id) DEFERRABLE INITIALLY DEFERRED;
        CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF new.amount > 1000 THEN RAISE EXCEPTION 'too late' USING ERRCODE = 'U0815'; END IF; RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON hits DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
          EXECUTE FUNCTION late();''', database)
    mine = project(tmp_path, server.url(database), key='')
    clean = load(mine, 'a', row(1, parent=3), row(2, parent=2), row(3, parent=1), code=0)
    assert clean['rows']['inserted'] == 3
    # A child before its parent is no reject: neither with a bad row behind it, nor with one between.
    receipt = load(mine, 'b', row(10, parent=13), row(11, parent=12), row(12, parent=99), row(13, parent=1),
                   row(14, parent=1, amount=2000), row(15, parent=1, email='1@x'), row(16, parent=16))
    assert receipt['rows']['inserted'] == 3 and receipt['rows']['rejected'] == 4, receipt
    assert [(line, field, rule) for line, field, rule, _ in shown(receipt)] == [
        (2, 'parent', 'constraint hits_parent (server)'), (3, 'parent', 'constraint hits_parent (server)'),
        (5, '', 'function late() (server)'), (6, 'email', 'constraint hits_email_key (server)')]
    assert [one for (one,) in server.query('SELECT id FROM hits WHERE id >= 10 ORDER BY id', database)] == ['10', '13', '16']


def test_of_rows_that_do_not_go_together_the_first_loads(server: Postgres, database: str, tmp_path: pathlib.Path) -> None:
    server.query(TABLE, database)
    mine = project(tmp_path, server.url(database), 'merge')
    load(mine, 'a', row(1), row(2), code=0)
    # Line 1 is new, line 2 an update: the update is written first, and still the first line wins.
    receipt = load(mine, 'b', row(10, email='same'), row(2, email='same'), row(11, email='same'), row(12))
    assert [line for line, *_ in shown(receipt)] == [2, 3]
    assert server.query("SELECT id FROM hits WHERE email = 'same'", database) == [['10']]
    # An update that gives a value away makes room for a row before it.
    receipt = load(mine, 'c', row(20, email='1@x'), row(1, email='other'), row(21, amount=5000))
    assert [line for line, *_ in shown(receipt)] == [3]
    assert server.query("SELECT id FROM hits WHERE email = '1@x'", database) == [['20']]


def test_a_row_that_a_trigger_leaves_out_is_a_reject(server: Postgres, database: str, tmp_path: pathlib.Path) -> None:
    server.query(TABLE + '''
        CREATE FUNCTION leave_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF new.amount = 13 THEN RETURN NULL; END IF; RETURN new; END $$;
        CREATE TRIGGER leave_out BEFORE INSERT OR UPDATE ON hits FOR EACH ROW EXECUTE FUNCTION leave_out();''', database)
    mine = project(tmp_path, server.url(database), 'merge')
    receipt = load(mine, 'a', row(1), row(2, amount=13), row(3))
    assert shown(receipt) == [(2, '', 'left out (server)', '')], receipt
    receipt = load(mine, 'b', row(1, amount=13), row(2), row(3, amount=4))
    assert shown(receipt) == [(1, '', 'left out (server)', '')], receipt
    assert server.query('SELECT id, amount FROM hits ORDER BY id', database) == [['1', '1'], ['2', '2'], ['3', '4']]


@pytest.mark.parametrize('limits, most', [('stop_at: {rejected: 3}', 3), ('on_bad_row: fail', 0)])
def test_too_many_refused_rows_fail_the_load(limits: str, most: int, server: Postgres, database: str,
                                             tmp_path: pathlib.Path) -> None:
    server.query(TABLE, database)
    mine = project(tmp_path, server.url(database), limits=limits)
    within = load(mine, 'a', *(row(number, amount=5000 if number <= most else 1) for number in range(1, 10)))
    assert within['rows']['rejected'] == most and within['rows']['inserted'] == 9 - most, within
    beyond = load(mine, 'b', *(row(number, amount=5000) for number in range(100, 5000)), code=1)
    assert beyond['status'] == 'failed' and 'no more rejects' in beyond['error']['message'], beyond
    assert beyond['rows']['rejected'] == most + 1, beyond
    assert server.query('SELECT count(*) FROM hits WHERE id >= 100', database) == [['0']]
    kept = server.query('SELECT count(*), min(line) FROM weir_rejects WHERE rolled_back', database)
    assert kept == [[str(most + 1), '1']]


def test_what_all_rows_would_meet_is_no_reject(server: Postgres, database: str, tmp_path: pathlib.Path) -> None:
    server.query(TABLE + 'CREATE ROLE reader LOGIN; GRANT SELECT ON hits TO reader; GRANT ALL ON SCHEMA public TO reader',
                 database)
    mine = project(tmp_path, server.url(database).replace('owner@', 'reader@'))
    failed = load(mine, 'a', row(1), row(2), code=1)
    assert failed['rows']['rejected'] == 0
    assert "table 'hits' takes no rows, whatever they hold: permission denied" in failed['error']['message'], failed
    server.query('''DROP TRIGGER odd ON hits; CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO nowhere VALUES (1); RETURN new; END $$;
        CREATE TRIGGER broken BEFORE INSERT ON hits FOR EACH ROW EXECUTE FUNCTION broken()''', database)
    (tmp_path / 'second').mkdir()
    failed = load(project(tmp_path / 'second' / 'p', server.url(database)), 'b', row(1), row(2), code=1)
    assert failed['rows']['rejected'] == 0 and 'whatever they hold' in failed['error']['message'], failed


def test_a_bad_row_of_one_input_harms_no_other(server: Postgres, database: str, tmp_path: pathlib.Path) -> None:
    inputs = {name: [row(base + number, amount=5000 if number == bad else 1,
                         email='shared' if number == 7 else f'{base + number}@x') for number in range(20)]
              for name, base, bad in (('a', 100, 3), ('b', 200, -1), ('c', 300, 19), ('d', 400, 7))}
    receipts = []
    for together in (True, False):
        name = f'{database}_{together}'.lower()
        server.query(f'CREATE DATABASE {name}')
        server.query(TABLE, name)
        mine = project(tmp_path / str(together), server.url(name))
        for key, rows in inputs.items():
            mine.write(f'landing/{key}.json', lines(*rows))
        found = mine.run('load', code=None) if together else [
            mine.run('load', '--object', f'landing/{key}.json', code=None)[0] for key in sorted(inputs)]
        receipts.append({one['object']: {key: value for key, value in one.items()
                                               if key not in ('run', 'duration_ms')} for one in found})
    assert receipts[0] == receipts[1]
    assert [receipts[0][f'landing/{key}.json']['rows']['rejected'] for key in 'abcd'] == [1, 1, 2, 1], receipts[0]


@pytest.mark.parametrize('mode', ['append', 'merge', 'ignore', 'replace'])
def test_a_nul_in_a_key_or_a_reference_rejects_its_row(mode: str, server: Postgres, database: str,
                                                       tmp_path: pathlib.Path) -> None:
    (tmp_path / 'landing').mkdir()
    (tmp_path / 'weir.yaml').write_text(f'''
project: nul
databases: {{db: "{server.url(database)}"}}
buckets: {{landing: file://landing}}
tables:
  hits: {{in: db, columns: {{code: varchar | key, parent: varchar | references hits}}}}
pipelines:
  load:
    when: [{{object: "landing/*.json"}}]
    steps: [{{read: {{format: json}}}}, {{load: {{table: hits, mode: {mode}}}}}]
''')
    mine = Project(tmp_path)
    load(mine, 'a', {'code': 'a'}, code=0)
    receipt = load(mine, 'b', {'code': 'b'}, {'code': 'c\0'}, {'code': 'd', 'parent': 'b\0'}, {'code': 'e', 'parent': 'b'})
    assert [(line, field, rule) for line, field, rule, _ in shown(receipt)] == [
        (2, 'code', 'varchar on Postgres'), (3, 'parent', 'varchar on Postgres')], receipt
    kept = [] if mode == 'replace' else [['a']]
    assert server.query('SELECT code FROM hits ORDER BY code', database) == kept + [['b'], ['e']]


def test_what_is_written_and_undone_is_little(server: Postgres, database: str, tmp_path: pathlib.Path) -> None:
    """The server names no row that breaks a foreign key: halves of the input show which it is."""
    server.query(TABLE, database)
    count = 20_000
    bad = {7, 1234, 1235, 19_999}
    receipt = load(project(tmp_path, server.url(database)), 'a', *(
        row(number, parent=9 if number in bad else 1, amount=1) for number in range(1, count + 1)))
    assert shown(receipt) == [(number, 'parent', 'constraint hits_parent (server)', '9') for number in sorted(bad)]
    assert receipt['rows']['inserted'] == count - len(bad)
    ((written,),) = server.query("SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'hits'", database)
    assert count <= int(written) <= 10 * count, written


@pytest.fixture(scope='module')
def mariadb() -> Iterator[MariaDB]:
    with MariaDB() as started:
        yield started


MARIADB_TABLE = '''
CREATE TABLE parents (id bigint PRIMARY KEY) ENGINE=InnoDB;
INSERT INTO parents VALUES (1), (2);
CREATE TABLE hits (
  id bigint PRIMARY KEY, device varchar(10), email varchar(50) CHARACTER SET utf8mb4 NOT NULL, parent bigint,
  amount integer, CONSTRAINT hits_email UNIQUE (email), CONSTRAINT hits_amount CHECK (amount < 1000),
  CONSTRAINT hits_parent FOREIGN KEY (parent) REFERENCES parents (id)) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4;
DELIMITER //
CREATE TRIGGER odd_new BEFORE INSERT ON hits FOR EACH ROW
  IF new.amount = 77 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an amount like {} is odd'; END IF //
CREATE TRIGGER odd_old BEFORE UPDATE ON hits FOR EACH ROW
  IF new.amount = 77 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'an amount like {} is odd'; END IF //
DELIMITER ;
'''

MARIADB_BAD = [
    (row(3, amount=5000), '', 'constraint hits_amount (server)', ''),
    (row(5, device='refrigerator'), 'device', 'value (server)', 'refrigerator'),
    (row(6, email='1@x'), 'email', 'constraint hits_email (server)', '1@x'),
    (row(8, parent=9), 'parent', 'constraint hits_parent (server)', '9'),
    (row(9, amount=77), '', 'SQLSTATE 45000 (server)', ''),
    (row(11, email=None), 'email', 'not null (server)', ''),
]


@pytest.mark.parametrize('local_infile', ['ON', 'OFF'])
@pytest.mark.parametrize('mode', ['append', 'merge', 'ignore', 'replace'])
def test_mariadb_refuses_rows_one_by_one(mode: str, local_infile: str, mariadb: MariaDB, tmp_path: pathlib.Path) -> None:
    database = f'refusals_{mode}_{local_infile}'.lower()
    mariadb.create(database)
    mariadb.query(MARIADB_TABLE, database)
    mariadb.query(f'SET GLOBAL local_infile = {local_infile}')
    mine = project(tmp_path, mariadb.url(database), mode)
    good = [row(1), row(2), row(4), row(7), row(10), row(12)]
    receipt = load(mine, 'a', *sorted(good + [each[0] for each in MARIADB_BAD], key=lambda one: one['id']), code=3)
    counts = receipt['rows']
    assert (counts['read'], counts['inserted'], counts['rejected']) == (12, 6, 6), receipt
    assert shown(receipt) == [(one['id'], *rest) for one, *rest in MARIADB_BAD]
    assert mariadb.query('SELECT id FROM hits ORDER BY id', database) == [[str(one['id'])] for one in good]
    said = dict(mariadb.query('SELECT line, message FROM weir_rejects', database))
    assert said['9'] == 'an amount like {} is odd', said
    if mode != 'merge':
        return
    receipt = load(mine, 'b', row(1, amount=100), row(2, amount=77), row(4), row(7, email='1@x'), row(10, parent=7), row(13))
    counts = receipt['rows']
    assert (counts['updated'], counts['unchanged'], counts['inserted'], counts['rejected']) == (1, 1, 1, 3), receipt
    assert mariadb.query('SELECT id, amount FROM hits WHERE id < 11 ORDER BY id', database) == [
        ['1', '100'], ['2', '2'], ['4', '4'], ['7', '7'], ['10', '10']]
