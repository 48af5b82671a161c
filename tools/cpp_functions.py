"""Finds the functions of a C++ source by its braces, without compiling it.

Good enough for a length ratchet on clang-formatted code: namespaces, classes, constructors with
brace initialisers, operators, macros such as TEST(), raw strings. Lambdas count as part of the
function they stand in.
"""
import re
from typing import Iterator, NamedTuple


class Function(NamedTuple):
    name: str
    line: int  # of its opening brace, from 1
    lines: int  # opening to closing brace, both counted


_LITERAL = re.compile(
    r'//[^\n]*'
    r'|/\*.*?\*/'
    r'|R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)
_DIRECTIVE = re.compile(r'^[ \t]*#(?:[^\n]*\\\n)*[^\n]*', re.MULTILINE)
_TYPE = re.compile(r'^\s*(?:template\s*<.*>\s*)?(?:typedef\s+)?(class|struct|union|enum)\b', re.DOTALL)
_OUTER = re.compile(r'\bnamespace\b|\bextern\s*$')
_NAME = re.compile(r'([~\w:]+|operator\s*\S+)\s*\(')


def _blank(match: re.Match) -> str:
    """The same number of lines, and nothing else."""
    return '\n' * match.group(0).count('\n') or ' '


def _kind(header: str, in_type: bool) -> str:
    if _OUTER.search(header):
        return 'outer'
    type_match = _TYPE.match(header)
    if type_match and '(' not in re.sub(r'alignas\s*\([^)]*\)', '', header):
        return 'inner' if type_match.group(1) == 'enum' else 'outer'
    if re.search(r'\)\s*(?:noexcept\s*)?:[^:]', header) and re.search(r'[\w>]\s*$', header):
        return 'initializer'
    if '(' not in header:
        return 'initializer' if in_type or '=' in header else 'inner'
    flat = re.sub(r'\([^()]*\)', '', re.sub(r'\([^()]*\)', '', re.sub(r'<[^<>]*>', '', header)))
    if '=' in flat and 'operator' not in flat:
        return 'inner'
    return 'function'


def functions(source: str) -> Iterator[Function]:
    text = _DIRECTIVE.sub(_blank, _LITERAL.sub(_blank, source))
    stack: list[tuple[str, str, int]] = []  # kind, name, line of the brace
    header = ''
    line = 1
    for char in text:
        if char == '\n':
            line += 1
        outside = all(kind == 'outer' for kind, _, _ in stack)
        if char == '{':
            kind = _kind(header, bool(stack)) if outside else 'inner'
            name = _NAME.search(header)
            stack.append((kind, name.group(1) if name else header.strip()[-40:], line))
            if outside and kind != 'initializer':
                header = ''
        elif char == '}':
            kind, name, begin = stack.pop() if stack else ('inner', '', line)
            if kind == 'function':
                yield Function(name, begin, line - begin + 1)
            if kind == 'initializer':
                header += '}'
            elif all(k == 'outer' for k, _, _ in stack):
                header = ''
        elif outside:
            header = '' if char == ';' else header + char
            if header.strip() in ('public:', 'private:', 'protected:'):
                header = ''
