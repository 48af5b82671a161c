"""A small project for tests about the owner and the watcher: numbered rows that must be there once."""
import pathlib

from weir_project import FINISHED, Project, wait_until

WEIR_YAML = '''
project: numbers
databases: {db: duckdb://db.duckdb}
buckets:
  landing: {url: "file://landing", settle: 1s}
tables:
  numbers:
    in: db
    columns:
      n: bigint | required
      source: varchar
pipelines:
  load:
    when: [{object: "landing/**/*.json"}]
    steps:
      - read: {format: json}
      - load: {table: numbers, mode: append}
'''


def make(root: pathlib.Path) -> Project:
    root.mkdir(parents=True, exist_ok=True)
    (root / 'weir.yaml').write_text(WEIR_YAML)
    (root / 'landing').mkdir(exist_ok=True)
    return Project(root)


def lines(*numbers: int, source: str = 'x') -> str:
    return ''.join(f'{{"n": {number}, "source": "{source}"}}\n' for number in numbers)


def count(project: Project, where: str = 'true') -> int:
    return int(project.value(f'SELECT count(*) FROM numbers WHERE {where}'))


def wait_for_rows(project: Project, rows: int, where: str = 'true') -> None:
    """Until so many rows are there and nothing is under way any more."""
    def there() -> bool:
        return count(project, where) >= rows and all(run['state'] in FINISHED for run in project.runs('--limit', '1000'))
    wait_until(there, f'{rows} rows where {where}')
    assert count(project, where) == rows
