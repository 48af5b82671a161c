"""The other side of faulty_files.cc: the page that says which calls of the running binary fail, and what
its wall clock shows. What is written takes effect at once, in processes that run already."""
import errno
import mmap
import os
import pathlib
import struct

MAGIC, LAYOUT = 0x57464C54, 1
RULES_AT, RULE_BYTES, MOST_RULES, PATH_BYTES = 64, 256, 32, 184
PAGE_BYTES = RULES_AT + MOST_RULES * RULE_BYTES

OPERATIONS = {name: 1 << bit for bit, name in enumerate(
    ['open', 'read', 'write', 'sync', 'rename', 'unlink', 'resize', 'mkdir', 'lock', 'stat'])}
ACTIONS = {name: number for number, name in enumerate(['count', 'fail', 'short', 'torn', 'kill'])}


class Rule:
    """One rule about calls on paths; its counters are read from the page."""

    def __init__(self, page: 'FaultyFiles', index: int):
        self.page = page
        self.at = RULES_AT + index * RULE_BYTES

    def disarm(self) -> None:
        self.page.put('<I', self.at, 0)

    def counter(self, offset: int) -> int:
        return self.page.get('<Q', self.at + offset)

    @property
    def matched(self) -> int:
        """Calls the rule was about."""
        return self.counter(40)

    @property
    def struck(self) -> int:
        return self.counter(48)

    @property
    def bytes(self) -> int:
        """Read or written by the calls that went through."""
        return self.counter(56)

    @property
    def end(self) -> int:
        """The end of the farthest byte that was written."""
        return self.counter(64)


class FaultyFiles:
    """A page in the file `path`, for processes started with `environment()`."""

    def __init__(self, path: pathlib.Path, module: pathlib.Path, seed: int = 0):
        self.path = path
        self.module = module
        self.used = 0
        with path.open('w+b') as file:
            file.truncate(PAGE_BYTES)
            self.memory = mmap.mmap(file.fileno(), PAGE_BYTES)
        self.put('<II', 0, MAGIC, LAYOUT)
        self.put('<Q', 24, seed)

    def environment(self) -> dict[str, str]:
        return {'LD_PRELOAD': str(self.module), 'WEIR_FAULTY_FILES': str(self.path)}

    def put(self, form: str, at: int, *values: int | bytes) -> None:
        struct.pack_into(form, self.memory, at, *values)

    def get(self, form: str, at: int) -> int:
        return struct.unpack_from(form, self.memory, at)[0]

    def rule(self, path: str, operations: str, action: str = 'fail', error: int = errno.EIO, *,
             chance: float = 1.0, skip: int = 0, limit: int = 0) -> Rule:
        """About calls of `operations` (words) on paths that match `path` (fnmatch, of the full path).
        `skip` of them pass, then each is struck with that chance, at most `limit` in all (0: any number)."""
        if self.used == MOST_RULES:
            raise RuntimeError('no room for one more rule')
        if len(os.fsencode(path)) >= PATH_BYTES:
            raise ValueError(f'too long a pattern: {path}')
        rule = Rule(self, self.used)
        self.used += 1
        mask = sum(OPERATIONS[word] for word in operations.split())
        self.put('<IiiIIQQQQQQ', rule.at + 4, mask, ACTIONS[action], error, round(chance * 1_000_000), 0,
                 skip, limit, 0, 0, 0, 0)
        self.put(f'{PATH_BYTES}s', rule.at + 72, os.fsencode(path))
        self.put('<I', rule.at, 1)
        return rule

    def heal(self) -> None:
        """Every rule is forgotten; the clock stays where it is."""
        for index in range(self.used):
            Rule(self, index).disarm()
        self.used = 0

    def set_clock(self, offset_seconds: float) -> None:
        """From now on the wall clock shows the true time plus this; timers learn of the jump."""
        self.put('<q', 8, round(offset_seconds * 1_000_000_000))
        self.put('<Q', 16, self.get('<Q', 16) + 1)

    @property
    def clock_offset(self) -> float:
        return self.get('<q', 8) / 1_000_000_000

    @property
    def processes(self) -> int:
        """How many processes have looked at the page."""
        return self.get('<Q', 32)

    @property
    def timers_woken(self) -> int:
        """Timers that were cancelled because the clock was set."""
        return self.get('<Q', 40)
