"""Database servers of the tests' own: started in a temporary folder, on a socket, stopped by pid."""
import csv
import io
import os
import pathlib
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import xml.etree.ElementTree

from weir_project import wait_until

STARTED_WITHIN_SECONDS = 60
SERVER_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


def find_postgres(program: str) -> str:
    found = sorted(pathlib.Path('/usr/lib/postgresql').glob(f'*/bin/{program}'), key=lambda path: float(path.parts[4]))
    return str(found[-1]) if found else program


class Postgres:
    """A PostgreSQL server; as a context it is stopped, and its folder removed, at the end."""

    engine = 'postgres'
    database = 'postgres'

    def __init__(self, *arguments: str) -> None:
        self.arguments = arguments
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='weir-postgres-'))
        self.user: str | None = None
        if os.geteuid() == 0:  # it refuses to run as root
            self.user = 'postgres' if any(entry.pw_name == 'postgres' for entry in pwd.getpwall()) else 'nobody'
            shutil.chown(self.root, self.user)
        self.command(['initdb', '-D', str(self.root / 'data'), '-U', 'owner', '--auth=trust', '--no-sync', '-E', 'UTF8',
                      '--locale=C.UTF-8'])
        self.process: subprocess.Popen | None = None
        self.start()

    def command(self, words: list[str]) -> None:
        done = subprocess.run([find_postgres(words[0]), *words[1:]], capture_output=True, text=True, user=self.user,
                              cwd='/', env={'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'})
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        words = [find_postgres('postgres'), '-D', str(self.root / 'data'), '-k', str(self.root), '-c',
                 'listen_addresses=', '-c', 'shared_buffers=64MB', '-c', 'log_destination=stderr', '-c', 'fsync=off',
                 *self.arguments]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, user=self.user, cwd='/',
                                        env={'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8'})
        said = b''
        while b'ready to accept connections' not in said:
            ready, _, _ = select.select([self.process.stderr], [], [], STARTED_WITHIN_SECONDS)
            part = os.read(self.process.stderr.fileno(), 4096) if ready else b''
            assert part, f'Postgres does not start: {said.decode()}'
            said += part
        # Whatever it says from here on goes to nobody, but must go somewhere.
        self.drain = subprocess.Popen(['cat'], stdin=self.process.stderr, stdout=subprocess.DEVNULL)
        self.process.stderr.close()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: its sessions end at once; SIGQUIT: as if the machine's power went."""
        assert self.process
        self.process.send_signal(how)
        self.process.wait(STARTED_WITHIN_SECONDS)
        self.drain.wait(STARTED_WITHIN_SECONDS)

    def crash(self) -> None:
        self.stop(signal.SIGQUIT)

    def last_words(self) -> str:
        return 'Postgres keeps no log here'

    def create(self, database: str) -> None:
        self.query(f'CREATE DATABASE {database}')

    def drop(self, database: str) -> None:
        self.query(f'DROP DATABASE {database} WITH (FORCE)')

    @property
    def socket(self) -> pathlib.Path:
        return self.root / '.s.PGSQL.5432'

    def url(self, database: str = 'postgres', folder: pathlib.Path | None = None) -> str:
        """`folder`: of another socket that leads here."""
        return f'postgres://owner@/{database}?host={folder or self.root}'

    def query(self, sql: str, database: str = 'postgres') -> list[list[str]]:
        return [line.split('\t') for line in self.psql(sql, database, '-A', '-t', '-F', '\t').splitlines()]

    def rows(self, sql: str, database: str = 'postgres') -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.psql(sql, database, '--csv'))))

    def psql(self, sql: str, database: str, *form: str) -> str:
        done = subprocess.run(['psql', '-X', '-q', *form, '-v', 'ON_ERROR_STOP=1', '-h', str(self.root), '-U', 'owner',
                               '-d', database, '-c', sql], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def answers(self) -> bool:
        try:
            return self.query('SELECT 1') == [['1']]
        except AssertionError:
            return False

    def sessions(self, database: str) -> list[int]:
        """The processes at work in it."""
        return [int(pid) for (pid,) in self.query(
            f"SELECT pid FROM pg_stat_activity WHERE datname = '{database}' AND pid <> pg_backend_pid()")]

    def __enter__(self) -> 'Postgres':
        return self

    def __exit__(self, *_) -> None:
        if self.process and self.process.poll() is None:
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.root, ignore_errors=True)


class MariaDB:
    """A MariaDB server on a port and a socket of its own; as a context it is stopped, and its folder removed."""

    engine = 'mysql'
    database = 'weir'
    password = 's3cret'

    def __init__(self, *arguments: str) -> None:
        self.root = pathlib.Path(tempfile.mkdtemp(prefix='weir-mariadb-'))
        self.arguments = arguments
        self.user: str | None = None
        if os.geteuid() == 0:  # it refuses to run as root
            self.user = 'mysql' if any(entry.pw_name == 'mysql' for entry in pwd.getpwall()) else 'nobody'
            shutil.chown(self.root, self.user)
        self.socket = self.root / 'socket'
        # Not /tmp: a server that starts removes the temporary tables it finds there, another's too.
        self.environment = {'PATH': SERVER_PATH, 'LC_ALL': 'C.UTF-8', 'TMPDIR': str(self.root)}
        self.command(['mariadb-install-db', '--no-defaults', f'--datadir={self.root}/data', '--skip-test-db',
                      '--auth-root-authentication-method=normal', '--skip-name-resolve'])
        self.process: subprocess.Popen | None = None
        self.start()
        self.query('CREATE DATABASE weir')
        self.query(f"CREATE USER weir@'%' IDENTIFIED BY '{self.password}'")
        self.query("GRANT ALL ON *.* TO weir@'%'")

    def command(self, words: list[str]) -> None:
        done = subprocess.run(words, capture_output=True, text=True, user=self.user, cwd='/',
                              env=self.environment)
        assert done.returncode == 0, done.stdout + done.stderr

    def start(self) -> None:
        log = (self.root / 'log').open('ab')
        self.process = subprocess.Popen(
            ['mariadbd', '--no-defaults', f'--datadir={self.root}/data', f'--socket={self.socket}', '--skip-networking',
             f'--pid-file={self.root}/pid', f'--tmpdir={self.root}', '--skip-name-resolve', '--skip-log-bin', '--innodb-buffer-pool-size=64M',
             '--innodb-log-file-size=64M', '--innodb-flush-log-at-trx-commit=2', '--performance-schema=OFF',
             *self.arguments],
            stdout=log, stderr=log, user=self.user, cwd='/', env=self.environment)
        log.close()
        wait_until(self.answers, 'MariaDB answers', STARTED_WITHIN_SECONDS)

    def answers(self) -> bool:
        assert self.process and self.process.poll() is None, (self.root / 'log').read_text()[-3000:]
        return self.client('SELECT 1', '').returncode == 0

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """SIGTERM: in order; SIGKILL: as if the machine's power went."""
        assert self.process
        self.process.send_signal(how)
        self.process.wait(STARTED_WITHIN_SECONDS)

    def crash(self) -> None:
        self.stop(signal.SIGKILL)

    def last_words(self) -> str:
        return (self.root / 'log').read_text(errors='replace')[-6000:]

    def url(self, database: str = 'weir', folder: pathlib.Path | None = None) -> str:
        """`folder`: of another socket that leads here."""
        return f'mysql://weir:{self.password}@/{database}?host={(folder or self.root) / self.socket.name}'

    def create(self, database: str) -> None:
        self.query(f'CREATE DATABASE {database}')

    def drop(self, database: str) -> None:
        self.query(f'DROP DATABASE {database}')

    def client(self, sql: str, database: str, *form: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            ['mariadb', '--no-defaults', f'--socket={self.socket}', '-u', 'root', '-B', '--default-character-set=utf8mb4',
             *form, *([database] if database else []), '-e', f"SET sql_mode='ANSI_QUOTES'; {sql}"], capture_output=True,
            text=True)

    def rows(self, sql: str, database: str = 'weir') -> list[dict[str, str]]:
        """NULL and an empty text are both nothing."""
        done = self.client(sql, database, '--xml')
        assert done.returncode == 0, done.stderr
        return [{field.get('name', ''): field.text or '' for field in row}
                for row in xml.etree.ElementTree.fromstring(done.stdout)]

    def query(self, sql: str, database: str = '') -> list[list[str]]:
        done = self.client(sql, database, '-N')
        assert done.returncode == 0, done.stderr
        return [line.split('\t') for line in done.stdout.splitlines()]

    def __enter__(self) -> 'MariaDB':
        return self

    def __exit__(self, *_) -> None:
        if self.process and self.process.poll() is None:
            self.stop(signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)
