#include "config/tests_entry.h"

#include <gtest/gtest.h>

#include "config/diagnostics_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;

/// Twelve lines; what follows begins in line 13, indented by four.
const std::string head =
    "project: p\n"
    "databases: {w: duckdb://w.duckdb}\n"
    "buckets: {in: file://in}\n"
    "tables:\n"
    "  t: {in: w, columns: {id: integer | key, day: date, note: varchar(5), more: json}}\n"
    "pipelines:\n"
    "  load: {when: [{object: in/*.csv}], steps: [{read: {format: csv}}, {load: {table: t}}]}\n"
    "  any: {steps: [{read: {format: json, columns: {a: bigint}}}, {select: {id: a}},\n"
    "               {load: {table: t, mode: merge}}]}\n"
    "  fill: {steps: [{sql: SELECT 1 AS id, in: w}, {load: {table: t}}]}\n"
    "tests:\n"
    "  c:\n";

TEST(TestsEntry, BecomesTheModel) {
  const LoadedProject loaded = load_text(
      head +
      "    pipeline: [load, fill]\n"
      "    at: 2026-11-20T02:05:00+02:00\n"
      "    given:\n"
      "      objects:\n"
      "        in/a.csv: {rows: [{id: 1, DAY: null, more: {x: [1, two, true, null]}}]}\n"
      "        in/b.csv: {text: \"id\\n\"}\n"
      "      tables:\n"
      "        t: [{id: 1.0, day: 2024-01-03, note: '007'}]\n"
      "    expect:\n"
      "      receipt: {in/a.csv: {status: partial, rows: {read: 3}}, in/b.csv: {rows: {loaded: "
      "0}},\n"
      "                fill: {status: succeeded}}\n"
      "      tables: {t: {rows: [{id: 1, more: [1]}], only: [ID], order_by: [id desc, day]}}\n"
      "      rejects: [{line: 2, field: id, value: 1.7}]\n"
      "      error: nothing\n");
  EXPECT_THAT(lines_of(loaded), ElementsAre());
  ASSERT_EQ(loaded.project.tests.size(), 1u);
  const TestCase& test = loaded.project.tests[0];
  EXPECT_EQ(test.name, "c");
  EXPECT_THAT(test.pipelines, ElementsAre(PipelineName("load"), PipelineName("fill")));
  EXPECT_EQ(format_timestamp(*test.at), "2026-11-20T00:05:00.000000Z");
  ASSERT_EQ(test.objects.size(), 2u);
  EXPECT_EQ(test.objects[0].object.to_string(), "in/a.csv");
  const CaseRow& row = test.objects[0].rows->front();
  ASSERT_EQ(row.cells.size(), 3u);
  EXPECT_EQ(row.cells[1].column, "day");
  EXPECT_EQ(row.cells[1].value.kind, CaseValue::Kind::null);
  EXPECT_EQ(row.cells[2].value.text, R"({"x":[1,"two",true,null]})");
  EXPECT_EQ(*test.objects[1].text, "id\n");
  ASSERT_EQ(test.tables.size(), 1u);
  EXPECT_EQ(test.tables[0].rows.rows[0].find("id")->value.text, "1");
  EXPECT_FALSE(test.tables[0].rows.rows[0].find("note")->value.bare);
  ASSERT_EQ(test.receipts.size(), 3u);
  EXPECT_EQ(test.receipts[0].of, "in/a.csv");
  EXPECT_EQ(*test.receipts[0].receipts[0].status, RunState::partial);
  EXPECT_EQ(test.receipts[1].receipts[0].counts[0].counter, "loaded");
  EXPECT_EQ(test.receipts[2].of, "fill");
  ASSERT_EQ(test.expected_tables.size(), 1u);
  EXPECT_THAT(test.expected_tables[0].only, ElementsAre("id"));
  EXPECT_TRUE(test.expected_tables[0].order_by[0].descending);
  EXPECT_EQ(test.expected_tables[0].order_by[1].column, "day");
  ASSERT_EQ(test.rejects->size(), 1u);
  EXPECT_EQ(test.rejects->front().members[2].second, "1.7");
  EXPECT_EQ(test.error->text, "nothing");
}

TEST(TestsEntry, OneReceiptOrAListOfAll) {
  const std::string given =
      "    pipeline: load\n    given: {objects: {in/a.csv: {text: x}, in/b.csv: {text: x}}}\n";
  const auto all = load_text(head + given + "    expect: {receipt: [{status: failed}, {}]}\n");
  EXPECT_THAT(lines_of(all), ElementsAre());
  EXPECT_EQ(all.project.tests[0].receipts[0].of, "");
  EXPECT_EQ(all.project.tests[0].receipts[0].receipts.size(), 2u);
  expect_diagnostics(
      {{"    expect: {receipt: {status: failed}}\n",
        {"15:14: error: test 'c' makes 2 receipts, and expects 1; expect each by its name "
         "(in/a.csv, in/b.csv), or a list of all in this order"}},
       {"    expect: {receipt: {in/b.cvs: {status: failed}}}\n",
        {"15:24: error: test 'c' makes no receipt of 'in/b.cvs'; did you mean 'in/b.csv'?"}},
       {"    expect: {receipt: {in/b.csv: [{}, {}]}}\n",
        {"15:24: error: test 'c' makes 1 receipt of 'in/b.csv', and expects 2; write one"}},
       {"    expect: {receipt: {statsu: failed}}\n",
        {"15:24: error: unknown key 'statsu' in 'receipt' of test 'c'; did you mean 'status'?"}},
       {"    expect: {receipt: {rows: {raed: 1}}}\n",
        {"15:31: error: unknown key 'raed' in 'rows' of test 'c'; did you mean 'read'?"}},
       {"    expect: {receipt: {rwos: {read: 1}}}\n",
        {"15:24: error: unknown key 'rwos' in 'receipt' of test 'c'; did you mean 'rows'?"}}},
      head + given);
}

TEST(TestsEntry, NamesAreChecked) {
  expect_diagnostics(
      {{"    pipeline: laod\n    expect: {error: x}\n",
        {"13:15: error: unknown pipeline 'laod' in test 'c'; did you mean 'load'?"}},
       {"    pipeline: []\n    expect: {error: x}\n",
        {"12:3: error: test 'c' runs no pipeline; name one: pipeline: NAME"}},
       {"    pipeline: fill\n    expect: {}\n",
        {"14:5: error: test 'c' expects nothing; name a receipt, tables, rejects, notices or an "
         "error, e.g. receipt: {status: succeeded}"}},
       {"    pipeline: fill\n    expcet: {error: x}\n",
        {"14:5: error: unknown key 'expcet' in test 'c'; did you mean 'expect'?"}},
       {"    pipeline: fill\n    at: today\n    expect: {error: x}\n",
        {"14:9: error: 'at' of test 'c' must be a moment such as 2026-11-20T00:05:00Z, not "
         "'today'; date, T, time, and Z or an offset"}},
       {"    pipeline: load\n    expect: {error: x}\n",
        {"12:3: error: pipeline 'load' in test 'c' reads objects, and none is given; add given: "
         "{objects: {in/a.csv: {rows: […]}}}"}},
       {"    pipeline: load\n    given: {objects: {in/a.json: {text: x}}}\n    expect: {error: "
        "x}\n",
        {"14:23: error: no pipeline of test 'c' reads 'in/a.json'; its pipelines read in/*.csv"}},
       {"    pipeline: load\n    given: {objects: {out/a.csv: {text: x}, in: {text: x}}}\n"
        "    expect: {error: x}\n",
        {"14:23: error: unknown bucket 'out' in test 'c'; there is in",
         "14:45: error: 'in' in test 'c' is no object; write bucket, '/', key: in/a.csv"}},
       {"    pipeline: load\n    given: {objects: {in/a.csv: {file: ../x}}}\n"
        "    expect: {error: x}\n",
        {"14:40: error: the file '../x' of object 'in/a.csv' in test 'c' is not below the "
         "project's folder; write a path like fixtures/rows.csv"}},
       {"    pipeline: load\n    given: {objects: {in/a.csv: {file: x, text: y}}}\n"
        "    expect: {error: x}\n",
        {"14:33: error: given object 'in/a.csv' of test 'c' has one of file, text or rows, "
         "not 2; keep one of them"}}},
      head);
}

TEST(TestsEntry, RowsAreChecked) {
  const std::string fill = "    pipeline: fill\n";
  expect_diagnostics(
      {{"    expect: {tables: {tt: []}}\n",
        {"14:23: error: unknown table 'tt' in test 'c'; did you mean 't'?"}},
       {"    expect: {tables: {t: [{idd: 1}]}}\n",
        {"14:28: error: unknown column 'idd' of table 't' in test 'c'; did you mean 'id'?"}},
       {"    expect: {tables: {t: [{id: 1.7, note: abcdef, more: word}]}}\n",
        {"14:32: error: '1.7' does not fit integer (column 'id' of table 't' in test 'c'); write a "
         "whole number that the type can hold",
         "14:43: error: 'abcdef' does not fit varchar(5) (column 'note' of table 't' in test 'c'); "
         "shorten it",
         "14:57: error: 'word' does not fit json (column 'more' of table 't' in test 'c'); write a "
         "list or a map, or JSON text in quotes"}},
       {"    expect: {tables: {t: [{id: [1]}]}}\n",
        {"14:32: error: column 'id' of table 't' in test 'c' is integer, and holds no list and no "
         "map; write one value"}},
       {"    expect: {tables: {t: [{id: 1, day: null}, {id: 2}]}}\n",
        {"14:47: error: a row of table 't' in test 'c' lacks the column 'day', which the first row "
         "has; rows that are compared name the same columns: add day: null"}},
       {"    expect: {tables: {t: [{id: 1}, {id: 2, note: x}]}}\n",
        {"14:44: error: a row of table 't' in test 'c' has the column 'note', which the first row "
         "lacks; rows that are compared name the same columns: add it to the others"}},
       {"    expect: {tables: {t: {rows: [], only: [nope], order_by: [dya desc]}}}\n",
        {"14:44: error: unknown column 'nope' of table 't' in test 'c'; did you mean 'note'?",
         "14:62: error: unknown column 'dya' of table 't' in test 'c'; did you mean 'day'?"}},
       {"    expect: {tables: {t: 5}}\n",
        {"14:26: error: expected table 't' of test 'c' must be a list of rows, or a map, not '5'; "
         "write e.g. [{id: 1}], or {file: rows.csv}"}},
       {"    given: {tables: {t: [{note: x}, {id: ~}]}}\n    expect: {error: x}\n",
        {"14:26: error: a row of table 't' in test 'c' has no value for column 'id', which is "
         "required; add id: VALUE",
         "14:38: error: a row of table 't' in test 'c' has no value for column 'id', which is "
         "required; add id: VALUE"}},
       {"    expect: {rejects: [{lien: 2}]}\n",
        {"14:25: error: unknown key 'lien' in 'rejects' of test 'c'; did you mean 'line'?"}}},
      head + fill);
  expect_diagnostics(
      {{"    pipeline: any\n    given: {objects: {in/x: {rows: [{a: 'not judged', b: 1}]}}}\n"
        "    expect: {error: x}\n",
        {"14:55: error: unknown column 'b' of object 'in/x' in test 'c'; there is a"}}},
      head);
}

TEST(TestsEntry, WhatIsBrokenElsewhereIsNotToldAgain) {
  const LoadedProject loaded = load_text(
      "project: p\n"
      "databases: {w: duckdb://w.duckdb}\n"
      "tables: {t: {in: w, columns: {id: bigin}}}\n"
      "pipelines: {fill: {steps: [{sql: SELECT 1 AS id, in: w}, {load: {table: t}}]}}\n"
      "tests: {c: {pipeline: fill, expect: {tables: {t: [{id: 1}]}}}}\n");
  EXPECT_THAT(lines_of(loaded),
              ElementsAre("3:35: error: unknown type 'bigin' (column 'id' of table 't'); did you "
                          "mean 'bigint'?"));
  EXPECT_TRUE(loaded.project.tests.empty());
}

TEST(TestsEntry, NothingIsDownloaded) {
  const LoadedProject loaded = load_text(
      "project: p\n"
      "buckets: {in: file://in}\n"
      "pipelines:\n"
      "  fetch: {steps: [{download: {url: 'https://example.org/a.csv', to: in/a.csv}}]}\n"
      "tests: {c: {pipeline: fetch, expect: {receipt: {status: succeeded}}}}\n");
  EXPECT_THAT(lines_of(loaded),
              testing::Contains("5:23: error: pipeline 'fetch' in test 'c' makes no rows, and a "
                                "test neither downloads nor sends anything; give the objects it "
                                "would bring, and test the pipeline that reads them"));
}

TEST(TestsEntry, WhoAsksForTheDaySaysWhichItIs) {
  const std::string project =
      "project: p\n"
      "databases: {w: duckdb://w.duckdb}\n"
      "tables: {t: {in: w, columns: {day: date}}}\n"
      "pipelines: {fill: {steps: [{sql: 'SELECT ${run.day} AS day', in: w}, {load: {table: t}}]}}\n"
      "tests: {c: {pipeline: fill, expect: {tables: {t: []}}";
  EXPECT_THAT(lines_of(load_text(project + "}}\n")),
              ElementsAre("5:9: warning: test 'c' runs pipeline 'fill', which asks for the day, "
                          "and does not say which it is; add at: 2026-11-20T00:05:00Z, say"));
  EXPECT_THAT(lines_of(load_text(project + ", at: 2026-11-20T00:05:00Z}}\n")), ElementsAre());
}

}  // namespace
}  // namespace weir::config
