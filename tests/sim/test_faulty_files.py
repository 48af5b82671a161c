"""The faulty files themselves, with a small Python program as the victim; and that weir, DuckDB and SQLite
really go through them: a simulation whose faults pass by finds nothing."""
import errno
import os
import pathlib
import signal
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent), str(pathlib.Path(__file__).resolve().parent)]
import pytest  # noqa: E402
from faulty_files import FaultyFiles  # noqa: E402
from small_project import lines, make, wait_for_rows  # noqa: E402
from weir_project import wait_until  # noqa: E402

MODULE = pathlib.Path(os.environ['WEIR_FAULTY_FILES_MODULE']).resolve()


@pytest.fixture
def files(tmp_path: pathlib.Path) -> FaultyFiles:
    return FaultyFiles(tmp_path / 'faults', MODULE, seed=5)


def victim(files: FaultyFiles, program: str, code: int = 0) -> str:
    """What a program prints that runs on the faulty files, in the folder of their page."""
    done = subprocess.run([sys.executable, '-c', f'import ctypes, os, time\n{program}'], capture_output=True, text=True,
                          cwd=files.path.parent, env={**os.environ, **files.environment()}, timeout=60)
    assert done.returncode == code, done.stderr
    return done.stdout.strip()


def attempt(call: str) -> str:
    return f'try: print({call})\nexcept OSError as error: print(-error.errno)\n'


NEW_FILE = "file = os.open('x', os.O_RDWR | os.O_CREAT)\n"


def test_without_rules_nothing_changes(files: FaultyFiles) -> None:
    assert victim(files, NEW_FILE + "print(os.write(file, b'abcd'), os.pread(file, 9, 1))") == "4 b'bcd'"
    assert files.processes == 1


@pytest.mark.parametrize('operation, call', [
    ('open', "os.open('x', os.O_RDONLY)"), ('read', 'os.read(file, 1)'), ('read', 'os.pread(file, 1, 0)'),
    ('write', "os.write(file, b'ab')"), ('write', "os.pwrite(file, b'ab', 0)"), ('write', "os.writev(file, [b'ab'])"),
    ('sync', 'os.fsync(file)'), ('sync', 'os.fdatasync(file)'), ('rename', "os.rename('x', 'y')"),
    ('rename', "os.replace('x', 'y')"), ('unlink', "os.unlink('x')"), ('resize', 'os.ftruncate(file, 9)'),
    ('resize', 'os.posix_fallocate(file, 0, 9)'), ('lock', 'fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)'),
])
def test_calls_on_the_path_fail(files: FaultyFiles, operation: str, call: str) -> None:
    (files.path.parent / 'x').write_text('there')
    rule = files.rule('*/x', operation, 'fail', errno.ENOSPC)
    elsewhere = files.rule('*/z', operation, 'fail', errno.EIO)
    opening = '' if operation == 'open' else NEW_FILE
    assert victim(files, 'import fcntl\n' + opening + attempt(call)) == str(-errno.ENOSPC)
    assert (rule.struck, elsewhere.matched) == (1, 0)


def test_a_short_write_writes_a_part_and_says_so(files: FaultyFiles) -> None:
    rule = files.rule('*/x', 'write', 'short', limit=1)
    assert victim(files, NEW_FILE + "print(os.write(file, b'abcd'), os.write(file, b'cd'))") == '2 2'
    assert (files.path.parent / 'x').read_text() == 'abcd'
    assert (rule.struck, rule.matched, rule.bytes, rule.end) == (1, 2, 4, 4)


def test_a_torn_write_writes_a_part_and_fails(files: FaultyFiles) -> None:
    files.rule('*/x', 'write', 'torn', errno.EIO, skip=1)
    assert victim(files, NEW_FILE + "os.write(file, b'abcd')\n" + attempt("os.write(file, b'efgh')")) == str(-errno.EIO)
    assert (files.path.parent / 'x').read_text() == 'abcdef'


def test_a_kill_comes_amid_a_write(files: FaultyFiles) -> None:
    files.rule('*/x', 'write', 'kill')
    victim(files, NEW_FILE + "os.write(file, b'abcd')", code=-signal.SIGKILL)
    assert (files.path.parent / 'x').read_text() == 'ab'


def test_chance_follows_the_seed(tmp_path: pathlib.Path) -> None:
    def struck(seed: int) -> str:
        files = FaultyFiles(tmp_path / 'faults', MODULE, seed)
        files.rule('*/x', 'sync', 'fail', chance=0.3)
        return victim(files, NEW_FILE + 'for _ in range(200):\n  try: os.fsync(file); print(end=".")\n'
                                        '  except OSError: print(end="x")\n')
    first = struck(1)
    assert 30 <= first.count('x') <= 90
    assert struck(1) == first and struck(2) != first


def test_what_is_healed_works_again_in_the_same_process(files: FaultyFiles) -> None:
    files.rule('*/x', 'sync')
    program = NEW_FILE + attempt('os.fsync(file)') + "input()\n" + attempt('os.fsync(file)')
    with subprocess.Popen([sys.executable, '-uc', f'import os\n{program}'], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          cwd=files.path.parent, env={**os.environ, **files.environment()}) as process:
        assert process.stdout.readline() == b'-5\n'
        files.heal()
        assert process.communicate(b'\n', timeout=60)[0] == b'None\n'


def test_the_clock_is_moved_and_only_the_wall_clock(files: FaultyFiles) -> None:
    program = ("print(time.time(), time.clock_gettime(time.CLOCK_REALTIME), ctypes.CDLL(None).time(None), "
               "time.monotonic())")
    before = [float(word) for word in victim(files, program).split()]
    files.set_clock(-86_400)
    after = [float(word) for word in victim(files, program).split()]
    assert all(-86_400 <= moved - was < -86_000 for was, moved in zip(before[:3], after[:3]))
    assert 0 <= after[3] - before[3] < 400


TIMER = '''
libc = ctypes.CDLL(None, use_errno=True)
class Spec(ctypes.Structure): _fields_ = [(name, ctypes.c_long) for name in ('every', 'every_ns', 'at', 'at_ns')]
timer = libc.timerfd_create(time.CLOCK_REALTIME, 0)
spec = Spec(0, 0, int(time.time()) + {seconds}, 0)
assert libc.timerfd_settime(timer, {flags}, ctypes.byref(spec), None) == 0
print('armed', flush=True)
buffer = ctypes.create_string_buffer(8)
got = libc.read(timer, buffer, 8)
print(got if got == 8 else -ctypes.get_errno())
'''


@pytest.mark.parametrize('flags, printed', [(1, b'8\n'), (3, f'-{errno.ECANCELED}\n'.encode())])
def test_timers_learn_of_a_jump(files: FaultyFiles, flags: int, printed: bytes) -> None:
    """One set for in an hour (1: of the wall clock; 2: cancelled when it is set), while the clock jumps past it."""
    program = 'import ctypes, time\n' + TIMER.format(seconds=3600, flags=flags)
    with subprocess.Popen([sys.executable, '-c', program], stdout=subprocess.PIPE,
                          env={**os.environ, **files.environment()}) as process:
        assert process.stdout.readline() == b'armed\n'
        files.set_clock(3601)
        assert process.communicate(timeout=60)[0] == printed


def test_a_timer_set_after_a_jump_goes_by_the_moved_clock(files: FaultyFiles) -> None:
    files.set_clock(-3600)
    assert victim(files, TIMER.format(seconds=1, flags=3)).splitlines() == ['armed', '8']


def test_every_byte_weir_writes_passes_through(tmp_path: pathlib.Path, files: FaultyFiles) -> None:
    """Of files that only grow, the farthest byte written is the size: no write went another way."""
    project = make(tmp_path)
    grown = {tmp_path / 'db.duckdb': None, tmp_path / 'db.duckdb.wal': None,
             tmp_path / '.weir/default/runs.sqlite': None, tmp_path / '.weir/default/runs.sqlite-wal': None}
    for path in grown:
        grown[path] = [files.rule(str(path), 'write', 'count')]
    # A new database is written under another name, and gets its own when it is whole.
    grown[tmp_path / 'db.duckdb'].append(files.rule(f'{tmp_path}/db.duckdb.new', 'write', 'count'))
    synced = [files.rule(pattern, 'sync', 'count') for pattern in ('*/db.duckdb*', '*/runs.sqlite*')]
    locked = [files.rule(pattern, 'lock', 'count') for pattern in ('*/db.duckdb', '*/runs.sqlite*')]
    read = files.rule('*/landing/*.json', 'read', 'count')
    opened = files.rule('*/landing/*.json', 'open', 'count')
    project.environment = files.environment()
    owner = project.start()
    project.environment = {}
    try:
        texts = [lines(*range(number * 10, number * 10 + 10)) for number in range(20)]
        for number, text in enumerate(texts):
            project.write(f'landing/{number}.json', text)
        wait_for_rows(project, 200)
        wait_until(lambda: all(max(rule.end for rule in rules) == path.stat().st_size > 0
                               for path, rules in grown.items()), 'sizes as counted')
        assert all(rule.matched > 0 for rule in synced + locked)
        assert read.bytes >= sum(len(text) for text in texts) and opened.matched >= len(texts)
        log = (tmp_path / 'up.log').read_text()
        files.set_clock(400 * 86_400)
        project.write('landing/later.json', lines(1000))
        wait_for_rows(project, 201)
        assert project.runs()[0]['created'] > project.runs()[1]['created'][:4] + '-12-31', log
    finally:
        owner.kill()
