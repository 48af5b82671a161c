#!/usr/bin/env python3
"""Makes files of the hiring job's shape, dirt included, from a seed.

    ./generate.py FOLDER [--employees 2000] [--seed 1] [--dirt 0.035]

Writes departments.csv, jobs.csv and hired_employees.csv, all without a header. `--dirt` is the share of
employee lines with a field missing (four fields) or empty; complete.csv holds the same lines without dirt.
"""
import argparse
import datetime
import pathlib
import random

DEPARTMENTS = ['Product Management', 'Sales', 'Research and Development', 'Business Development', 'Engineering',
               'Human Resources', 'Services', 'Support', 'Marketing', 'Training', 'Legal', 'Accounting']
GRADES = ['Junior', 'Senior', 'Staff', 'Lead', 'Assistant', 'Chief']
TRADES = ['Accountant', 'Analyst', 'Biostatistician', 'Chemist', 'Developer', 'Editor', 'Engineer', 'Geologist',
          'Lawyer', 'Librarian', 'Nurse', 'Operator', 'Pharmacist', 'Recruiter', 'Statistician', 'Therapist']
FIRST = ['Ada', 'Blas', 'Chloé', 'Dewi', 'Elif', 'Fyodor', 'Grace', 'Hugo', 'Inés', 'Jun', 'Kofi', 'Léa', 'Mei']
LAST = ["O'Hara", 'Müller', 'Nakamura', 'Núñez', 'Okafor', 'Petrov', 'Quispe', 'Rossi', 'Smith', 'Tanaka', 'Ueda']


def employee(number: int, jobs: int, source: random.Random) -> list[str]:
    moment = datetime.datetime(2021, 1, 1) + datetime.timedelta(seconds=source.randrange(400 * 86400))
    return [str(number), f'{source.choice(FIRST)} {source.choice(LAST)}', f'{moment.isoformat()}Z',
            str(source.randint(1, len(DEPARTMENTS))), str(source.randint(1, jobs))]


def soil(fields: list[str], dirt: float, source: random.Random) -> list[str]:
    if source.random() >= dirt:
        return fields
    place = source.randint(1, 4)
    put = [] if source.random() < 0.75 else ['']
    return fields[:place] + put + fields[place + 1:]


def write(path: pathlib.Path, rows: list[list[str]]) -> None:
    path.write_text(''.join(','.join(row) + '\n' for row in rows), encoding='utf-8')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--employees', type=int, default=2000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--dirt', type=float, default=0.035)
    arguments = parser.parse_args()
    source = random.Random(arguments.seed)
    jobs = [f'{grade} {trade}' for trade in TRADES for grade in GRADES]
    arguments.folder.mkdir(parents=True, exist_ok=True)
    write(arguments.folder / 'departments.csv', [[str(i), name] for i, name in enumerate(DEPARTMENTS, 1)])
    write(arguments.folder / 'jobs.csv', [[str(i), name] for i, name in enumerate(jobs, 1)])
    complete = [employee(i, len(jobs), source) for i in range(1, arguments.employees + 1)]
    write(arguments.folder / 'complete.csv', complete)
    write(arguments.folder / 'hired_employees.csv', [soil(row, arguments.dirt, source) for row in complete])


if __name__ == '__main__':
    main()
