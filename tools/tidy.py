#!/usr/bin/env python3
"""The house's habits, as a test. Prints every finding and fails when there is one.

    tools/tidy.py [--root FOLDER] [--weir BINARY]

With --weir, the generated reference pages are compared with what the binary prints. Each rule is
one function that yields findings; tools/tidy_test.py makes each of them fail.
"""
import argparse
import ast
import os
import pathlib
import re
import subprocess
import sys
from typing import Callable, Iterator

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cpp_functions  # noqa: E402

HEADER_LINES = 300
SOURCE_LINES = 600
TEST_LINES = 800
FUNCTION_LINES = 70
README_LINES = range(3, 26)

SKIPPED_FOLDERS = {'.git', 'build', 'node_modules', '.weir', '__pycache__', '.pytest_cache', 'corpus'}
TEXT_ENDINGS = {'.cc', '.h', '.py', '.md', '.txt', '.sh', '.cmake', '.yaml', '.json', '.ts', '.tsx'}
BANNED_WORDS = {'common', 'util', 'utils', 'helper', 'helpers', 'misc', 'manager'}
BANNED_TYPE = re.compile(r'\b(?:class|struct)\s+(\w*(?:Manager|Helper|Helpers|Utils?))\b')
INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
FAULT_POINT = re.compile(r'\bfault_point\("([^"]+)"\)')
LINK = re.compile(r'\[[^\]]*\]\(([^)\s]+)\)')
MENTION = re.compile(r'`((?:src|tests|tools|bench|docs|examples|cmake|\.ci)/[\w./-]*\w)`')
# Split, so that this list does not find itself.
REGISTRY_HOSTS = ['registry.' + 'npmjs', 'npm' + 'mirror', 'pypi' + '.org', 'deb.' + 'debian.org',
                  'crates' + '.io', 'proxy.' + 'golang', 'files.' + 'pythonhosted']


class Tree:
    """The files under a root, read once."""

    def __init__(self, root: pathlib.Path, weir: pathlib.Path | None = None):
        self.root = root
        self.weir = weir
        self.paths: list[str] = []
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
            self.paths += [os.path.relpath(os.path.join(folder, name), root) for name in sorted(names)]
        self._text: dict[str, str] = {}

    def text(self, path: str) -> str:
        if path not in self._text:
            self._text[path] = (self.root / path).read_text(encoding='utf-8', errors='replace')
        return self._text[path]

    def under(self, folder: str, *endings: str) -> list[str]:
        return [path for path in self.paths if path.startswith(folder) and path.endswith(endings or ('',))]

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()


def line_of(text: str, offset: int) -> int:
    return text.count('\n', 0, offset) + 1


class Layers:
    """tools/layers.txt: which folder stands on which floor, and what only some may include."""

    def __init__(self, text: str):
        self.floor: dict[str, int] = {}
        self.allowed: dict[str, set[str]] = {}
        self.only: list[tuple[str, str]] = []
        self.source_only: list[str] = []
        floors = 0
        for line in text.splitlines():
            words = line.split('#')[0].split()
            if not words:
                continue
            if words[0] == 'floor':
                self.floor.update({folder: floors for folder in words[1:]})
                floors += 1
            elif words[0] == 'allow':
                self.allowed.setdefault(words[1], set()).update(words[2:])
            elif words[0] == 'only':
                self.only.append((words[1], words[2]))
            elif words[0] == 'source_only':
                self.source_only.append(words[1])
            else:
                raise SystemExit(f'tools/layers.txt: unknown word {words[0]}')

    def may_include(self, folder: str, other: str) -> bool:
        return (folder == other or self.floor[other] < self.floor[folder]
                or other in self.allowed.get(folder, ()))


def source_folder(path: str) -> str:
    """'pipeline' for src/pipeline/x.cc, '.' for src/main.cc."""
    parts = path.split('/')
    return parts[1] if len(parts) > 2 else '.'


def check_layers(tree: Tree) -> Iterator[str]:
    layers = Layers(tree.text('tools/layers.txt'))
    for path in tree.under('src/', '.h', '.cc'):
        folder = source_folder(path)
        if folder not in layers.floor:
            yield f'{path}: folder {folder} stands on no floor of tools/layers.txt'
            continue
        for match in INCLUDE.finditer(tree.text(path)):
            other = match.group(1).split('/')[0]
            if '/' in match.group(1) and tree.exists(f'src/{match.group(1)}') and other in layers.floor:
                if not layers.may_include(folder, other):
                    yield (f'{path}:{line_of(tree.text(path), match.start(1))}: {folder} must not include '
                           f'{match.group(1)}: {other} is no lower floor')


def check_foreign_headers(tree: Tree) -> Iterator[str]:
    layers = Layers(tree.text('tools/layers.txt'))
    for path in tree.under('src/', '.h', '.cc'):
        for match in INCLUDE.finditer(tree.text(path)):
            header, line = match.group(1), line_of(tree.text(path), match.start(1))
            for prefix, place in layers.only:
                if header.startswith(prefix) and not path.startswith(place):
                    yield f'{path}:{line}: only {place} includes {prefix}'
            for prefix in layers.source_only:
                if header.startswith(prefix) and path.endswith('.h'):
                    yield f'{path}:{line}: {prefix} belongs in a .cc, not in a header'


def line_limit(path: str) -> int:
    name = os.path.basename(path)
    if name.endswith('.h'):
        return HEADER_LINES
    is_test = re.search(r'_test\.(cc|py)$|^test_.*\.py$', name)
    return TEST_LINES if is_test else SOURCE_LINES


def check_file_sizes(tree: Tree) -> Iterator[str]:
    for path in tree.under('', '.h', '.cc', '.py'):
        lines = tree.text(path).count('\n')
        if lines > line_limit(path):
            yield f'{path}: {lines} lines; at most {line_limit(path)}: split it by what it is about'


def check_function_sizes(tree: Tree) -> Iterator[str]:
    for path in tree.under('', '.h', '.cc'):
        for function in cpp_functions.functions(tree.text(path)):
            if function.lines > FUNCTION_LINES:
                yield (f'{path}:{function.line}: {function.name} has {function.lines} lines; '
                       f'at most {FUNCTION_LINES}')
    for path in tree.under('', '.py'):
        for node in ast.walk(ast.parse(tree.text(path))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f'{path}:{node.lineno}: {node.name} has {lines} lines; at most {FUNCTION_LINES}'


def check_names(tree: Tree) -> Iterator[str]:
    for path in tree.paths:
        for part in path.split('/'):
            for word in set(re.split(r'[_.\-]', part.lower())) & BANNED_WORDS:
                yield f'{path}: "{word}" says nothing; name what it is about'
    for path in tree.under('src/', '.h', '.cc'):
        for match in BANNED_TYPE.finditer(tree.text(path)):
            yield f'{path}:{line_of(tree.text(path), match.start())}: {match.group(1)} says nothing'


def check_readmes(tree: Tree) -> Iterator[str]:
    folders = {source_folder(path) for path in tree.under('src/', '.h', '.cc')} - {'.'}
    for folder in sorted(folders):
        path = f'src/{folder}/README.md'
        if not tree.exists(path):
            yield f'{path}: missing; about ten lines: why, what belongs here, what does not'
        elif tree.text(path).count('\n') not in README_LINES:
            yield f'{path}: {tree.text(path).count(chr(10))} lines; about ten'


def check_links(tree: Tree) -> Iterator[str]:
    for path in tree.under('', '.md'):
        text = tree.text(path)
        for match in LINK.finditer(text):
            target = match.group(1).split('#')[0]
            if not target or re.match(r'[a-z]+:', target):
                continue
            if not tree.exists(os.path.normpath(os.path.join(os.path.dirname(path), target))):
                yield f'{path}:{line_of(text, match.start())}: dead link {target}'
        for match in MENTION.finditer(text):
            if not tree.exists(match.group(1)):
                yield f'{path}:{line_of(text, match.start())}: names {match.group(1)}, which does not exist'


def check_fault_points(tree: Tree) -> Iterator[str]:
    in_code: dict[str, str] = {}
    for path in tree.under('src/', '.cc'):
        if not path.endswith('_test.cc'):
            in_code.update({name: path for name in FAULT_POINT.findall(tree.text(path))})
    page = 'ARCHITECTURE.md'
    section = re.search(r'^## Fault points\n(.*?)(?=^## |\Z)', tree.text(page) if tree.exists(page) else '',
                        re.MULTILINE | re.DOTALL)
    listed = set(re.findall(r'^\| `([^`]+)`', section.group(1), re.MULTILINE)) if section else set()
    for name in sorted(set(in_code) - listed):
        yield f'{in_code[name]}: fault point {name} is not listed in {page}, section "Fault points"'
    for name in sorted(listed - set(in_code)):
        yield f'{page}: lists the fault point {name}, which the code does not have'


def check_fuzzers(tree: Tree) -> Iterator[str]:
    for path in tree.under('src/', '_fuzz.cc'):
        name = os.path.basename(path)[:-len('_fuzz.cc')]
        corpus = tree.root / os.path.dirname(path) / 'corpus' / name
        if not corpus.is_dir() or not any(corpus.iterdir()):
            yield f'{path}: no seeds in {corpus.relative_to(tree.root)}'


def check_hosts(tree: Tree) -> Iterator[str]:
    for path in tree.paths:
        if pathlib.Path(path).suffix in TEXT_ENDINGS or os.path.basename(path) in ('Makefile', '.npmrc'):
            for host in REGISTRY_HOSTS:
                if host in tree.text(path):
                    yield f'{path}: names the package registry {host}; the machine decides that'


def check_whitespace(tree: Tree) -> Iterator[str]:
    for path in tree.paths:
        if path.startswith('tests/cases/') and not path.endswith(('weir.yaml', 'case.yaml')):
            continue  # inputs are what they are
        if pathlib.Path(path).suffix not in TEXT_ENDINGS and os.path.basename(path) != 'Makefile':
            continue
        for number, line in enumerate(tree.text(path).split('\n'), 1):
            if line != line.rstrip():
                yield f'{path}:{number}: trailing whitespace'
        if tree.text(path) and not tree.text(path).endswith('\n'):
            yield f'{path}: no newline at the end'


def check_generated_pages(tree: Tree) -> Iterator[str]:
    if tree.weir is None:
        return
    for page, arguments in (('docs/reference/weir.schema.json', ['schema']),
                            ('docs/reference/project-file.md', ['schema', '--reference'])):
        printed = subprocess.run([tree.weir, *arguments], capture_output=True, text=True, check=True).stdout
        if not tree.exists(page) or tree.text(page) != printed:
            yield f'{page}: is not what `weir {" ".join(arguments)}` prints; run `make docs`'


RULES: list[Callable[[Tree], Iterator[str]]] = [
    check_layers, check_foreign_headers, check_file_sizes, check_function_sizes, check_names,
    check_readmes, check_links, check_fault_points, check_fuzzers, check_hosts, check_whitespace,
    check_generated_pages,
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--root', type=pathlib.Path, default=pathlib.Path(__file__).parent.parent)
    parser.add_argument('--weir', type=pathlib.Path)
    arguments = parser.parse_args()
    tree = Tree(arguments.root, arguments.weir.resolve() if arguments.weir else None)
    findings = [finding for rule in RULES for finding in rule(tree)]
    for finding in findings:
        print(finding)
    print(f'{len(RULES)} rules, {len(tree.paths)} files, {len(findings)} findings')
    return 1 if findings else 0


if __name__ == '__main__':
    sys.exit(main())
