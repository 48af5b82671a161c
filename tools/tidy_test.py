"""Each rule of tools/tidy.py finds what it is there to find, and leaves good trees alone."""
import pathlib
import stat
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cpp_functions  # noqa: E402
import tidy  # noqa: E402

LAYERS = '''
floor base
floor model text
floor duckdb
floor .
allow text model
only duckdb.h src/duckdb/
source_only yaml-cpp/
'''
GOOD = {
    'tools/layers.txt': LAYERS,
    'ARCHITECTURE.md': '# A\n\n## Fault points\n\n| name | where |\n|---|---|\n| `load.commit` | x |\n',
    'src/base/README.md': 'base\n\nwhy\nwhat\n',
    'src/base/error.h': '#pragma once\n',
    'src/base/error.cc': '#include "base/error.h"\nvoid f() { fault_point("load.commit"); }\n',
    'src/main.cc': '#include "base/error.h"\nint main() { return 0; }\n',
}


def findings(tmp_path, rule, changes, weir=None):
    for path, text in {**GOOD, **changes}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return list(rule(tidy.Tree(tmp_path, weir)))


@pytest.mark.parametrize('rule', tidy.RULES, ids=lambda rule: rule.__name__)
def test_good_tree_has_no_findings(tmp_path, rule):
    assert findings(tmp_path, rule, {}) == []


BROKEN = [
    (tidy.check_layers, {'src/base/x.cc': '#include "model/a.h"\n', 'src/model/a.h': ''}, 'src/base/x.cc:1'),
    (tidy.check_layers, {'src/model/x.cc': '\n#include "text/a.h"\n', 'src/text/a.h': ''}, 'src/model/x.cc:2'),
    (tidy.check_layers, {'src/attic/x.cc': ''}, 'stands on no floor'),
    (tidy.check_foreign_headers, {'src/base/x.cc': '#include <duckdb.h>\n'}, 'only src/duckdb/'),
    (tidy.check_foreign_headers, {'src/text/x.h': '#include <yaml-cpp/yaml.h>\n'}, 'belongs in a .cc'),
    (tidy.check_file_sizes, {'src/base/x.h': '\n' * 301}, '301 lines'),
    (tidy.check_file_sizes, {'src/base/x.cc': '\n' * 601}, '601 lines'),
    (tidy.check_file_sizes, {'src/base/x_test.cc': '\n' * 801}, '801 lines'),
    (tidy.check_function_sizes, {'src/base/x.cc': 'void f() {\n' + '\n' * 70 + '}\n'}, 'f has 72 lines'),
    (tidy.check_function_sizes, {'tools/x.py': 'def f():\n' + '    pass\n' * 70}, 'f has 71 lines'),
    (tidy.check_names, {'src/base/string_utils.cc': ''}, '"utils" says nothing'),
    (tidy.check_names, {'src/common/a.cc': ''}, '"common" says nothing'),
    (tidy.check_names, {'src/base/x.h': 'class RunManager {};\n'}, 'RunManager says nothing'),
    (tidy.check_readmes, {'src/model/a.h': ''}, 'src/model/README.md: missing'),
    (tidy.check_readmes, {'src/base/README.md': '\n' * 99}, '99 lines'),
    (tidy.check_links, {'docs/a.md': 'see [b](b.md)\n'}, 'dead link b.md'),
    (tidy.check_links, {'docs/a.md': 'see `src/base/gone.cc`\n'}, 'names src/base/gone.cc'),
    (tidy.check_fault_points, {'src/base/x.cc': 'fault_point("new.one");\n'}, 'new.one is not listed'),
    (tidy.check_fault_points, {'src/base/error.cc': ''}, 'lists the fault point load.commit'),
    (tidy.check_fuzzers, {'src/base/x_fuzz.cc': ''}, 'no seeds in src/base/corpus/x'),
    (tidy.check_hosts, {'a.sh': 'curl https://registry.' + 'npmjs.org\n'}, 'package registry'),
    (tidy.check_whitespace, {'src/base/x.cc': 'int a; \n'}, 'x.cc:1: trailing whitespace'),
    (tidy.check_whitespace, {'src/base/x.cc': 'int a;'}, 'no newline'),
]


@pytest.mark.parametrize('rule, changes, expected', BROKEN)
def test_rule_finds(tmp_path, rule, changes, expected):
    found = findings(tmp_path, rule, changes)
    assert len(found) == 1 and expected in found[0], found


def test_every_rule_is_made_to_fail():
    tested = {rule for rule, _, _ in BROKEN} | {tidy.check_generated_pages}
    assert tested == set(tidy.RULES)


def test_allowed_sibling_and_live_links_pass(tmp_path):
    changes = {'src/text/x.cc': '#include "model/a.h"\n#include <vector>\n', 'src/model/a.h': '',
               'docs/a.md': '[a](../ARCHITECTURE.md#fault-points) [w](https://example.org) `src/main.cc`\n'}
    assert findings(tmp_path, tidy.check_layers, changes) == []
    assert findings(tmp_path, tidy.check_links, changes) == []


def test_generated_pages_are_compared_with_the_binary(tmp_path):
    weir = tmp_path / 'weir'
    weir.write_text('#!/bin/sh\necho "printed $*"\n')
    weir.chmod(weir.stat().st_mode | stat.S_IXUSR)
    pages = {'docs/reference/weir.schema.json': 'printed schema\n',
             'docs/reference/project-file.md': 'printed schema --reference\n'}
    assert findings(tmp_path, tidy.check_generated_pages, pages, weir) == []
    pages['docs/reference/project-file.md'] = 'of last week\n'
    assert 'run `make docs`' in findings(tmp_path, tidy.check_generated_pages, pages, weir)[0]


SOURCE = '''
#define MACRO(x) { \\
  x {
namespace weir {
struct Point { int x = 0; int y{1}; };
enum class Kind { a, b };
const std::map<int, int> table = {{1, 2}, {3, 4}};
class Reader : public Base {
 public:
  explicit Reader(int a) : a_{a}, b_(a) {
    if (a) { b_ = 2; }
  }
  bool operator==(const Reader& other) const { return a_ == other.a_; }
  int a_{0};
};
template <class T>
std::string name(const std::string& text = "}{") {
  const char brace = '{';
  auto lambda = [&] { return R"(
  } not a brace
)"; };
  return text;  // }
}
}  // namespace weir
TEST(A, B) {
  EXPECT_EQ(1'000, 2);
}
'''


def test_functions_are_measured():
    measured = [(f.name, f.line, f.lines) for f in cpp_functions.functions(SOURCE)]
    assert measured == [('Reader', 10, 3), ('operator==', 13, 1), ('name', 17, 7), ('TEST', 25, 3)]
