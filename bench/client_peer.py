#!/usr/bin/env python3
"""What people load a CSV into Postgres with from Python; bench/servers.py measures it beside weir.

    bench/client_peer.py execute_values DSN FILE     psycopg2, a thousand rows a statement
    bench/client_peer.py to_sql DSN FILE             pandas, as it comes
"""
import csv
import sys

COLUMNS = ['id', 'name', 'hired_at', 'department_id', 'job_id']


def execute_values(dsn: str, file: str) -> None:
    import psycopg2
    import psycopg2.extras
    with psycopg2.connect(dsn) as connection, connection.cursor() as cursor, open(file, newline='') as rows:
        psycopg2.extras.execute_values(cursor, f'INSERT INTO people ({", ".join(COLUMNS)}) VALUES %s', csv.reader(rows),
                                       page_size=1000)


def to_sql(dsn: str, file: str) -> None:
    import pandas
    import sqlalchemy
    host, user, database = (dict(pair.split('=') for pair in dsn.split())[name] for name in ('host', 'user', 'dbname'))
    engine = sqlalchemy.create_engine(f'postgresql+psycopg2://{user}@/{database}?host={host}')
    rows = pandas.read_csv(file, names=COLUMNS, parse_dates=['hired_at'])
    rows.to_sql('people', engine, if_exists='append', index=False)


if __name__ == '__main__':
    {'execute_values': execute_values, 'to_sql': to_sql}[sys.argv[1]](*sys.argv[2:])
