#include <gtest/gtest.h>

#include "config/diagnostics_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;

/// Ten lines; the pipelines begin in line 11, indented by two.
const std::string head =
    "project: p\n"
    "databases: {w: duckdb://w.duckdb}\n"
    "buckets: {in: file://in}\n"
    "tables:\n"
    "  t: {in: w, columns: {id: bigint | key, day: date | required, note: varchar}}\n"
    "  plain:\n"
    "    in: w\n"
    "    columns: {id: bigint}\n"
    "\n"
    "pipelines:\n";

/// A pipeline with a bit of everything.
const std::string whole =
    "  a:\n"
    "    when: [{object: 'in/x/**/y-?.csv'}]\n"
    "    steps:\n"
    "      - read:\n"
    "          format: ${env:FORMAT}\n"
    "          header: false\n"
    "          delimiter: tab\n"
    "          quote: \"'\"\n"
    "          null: NA\n"
    "          skip: 2\n"
    "          compression: gzip\n"
    "          max_record: 1MiB\n"
    "          columns: {Id: bigint, 'the day': varchar}\n"
    "      - where: Id > ${run.day}\n"
    "      - select:\n"
    "          id: Id\n"
    "          day: 'strptime(\"the day\", ''%Y'')'\n"
    "          note: null\n"
    "      - load: {table: t, mode: merge}\n"
    "    retry: {times: 7, backoff: 1s, longest: 10m}\n"
    "    priority: -3\n";

TEST(Pipelines, BecomeTheModel) {
  const LoadedProject loaded = load_text(head + whole);
  EXPECT_THAT(lines_of(loaded), ElementsAre());
  ASSERT_EQ(loaded.project.pipelines.size(), 1u);
  const Pipeline& a = loaded.project.pipelines[0];
  EXPECT_EQ(a.priority, -3);
  EXPECT_EQ(a.retry, (RetryPolicy{7, std::chrono::seconds(1), std::chrono::minutes(10)}));
  EXPECT_EQ(a.concurrency, 1);
  const auto& object = std::get<ObjectTrigger>(a.triggers[0]);
  EXPECT_EQ(object.bucket, BucketName("in"));
  EXPECT_EQ(object.pattern, "x/**/y-?.csv");
  ASSERT_EQ(a.steps.size(), 4u);
  const auto& read = std::get<ReadStep>(a.steps[0]);
  EXPECT_EQ(read.format, Format::csv);
  EXPECT_FALSE(read.csv.header);
  EXPECT_EQ(read.csv.delimiter, '\t');
  EXPECT_EQ(read.csv.quote, '\'');
  EXPECT_EQ(read.csv.escape, '\'') << "follows the quote";
  EXPECT_EQ(read.csv.null_text, "NA");
  EXPECT_EQ(read.csv.skip_lines, 2);
  EXPECT_EQ(read.compression, Compression::gzip);
  EXPECT_EQ(read.max_record_bytes, 1u << 20);
  ASSERT_EQ(read.columns.size(), 2u);
  EXPECT_EQ(read.columns[1].name, "the day");
}

TEST(Pipelines, SqlKeepsItsPlace) {
  const LoadedProject loaded = load_text(head + whole);
  ASSERT_EQ(loaded.project.pipelines.size(), 1u);
  const Pipeline& a = loaded.project.pipelines[0];
  const auto& where = std::get<WhereStep>(a.steps[1]);
  EXPECT_EQ(where.predicate.text, "Id > ${run.day}");
  EXPECT_TRUE(where.predicate.exact);
  EXPECT_EQ(where.predicate.location, (Location{"weir.yaml", 24, 16}));
  EXPECT_EQ(where.location, (Location{"weir.yaml", 24, 9}));
  const auto& select = std::get<SelectStep>(a.steps[2]);
  ASSERT_EQ(select.items.size(), 3u);
  EXPECT_EQ(select.items[1].expression.text, "strptime(\"the day\", '%Y')");
  EXPECT_FALSE(select.items[1].expression.exact) << "the file doubles the quotes";
  EXPECT_EQ(select.items[2].expression.text, "NULL");
  const auto& load = std::get<LoadStep>(a.steps[3]);
  EXPECT_EQ(load.table, TableName("t"));
  EXPECT_EQ(load.mode, LoadMode::merge);
}

TEST(Pipelines, SqlStepsRunInTheirDatabase) {
  const LoadedProject loaded =
      load_text(head +
                "  b:\n"
                "    steps:\n"
                "      - sql: >\n"
                "          SELECT 1\n"
                "          AS id\n"
                "        in: w\n"
                "      - load: {table: plain}\n"
                "  c:\n"
                "    steps:\n"
                "      - {sql: {duckdb: SELECT 2 AS id, postgres: SELECT 3 AS id}, in: w}\n"
                "      - load: {table: plain}\n");
  EXPECT_THAT(lines_of(loaded), ElementsAre());
  ASSERT_EQ(loaded.project.pipelines.size(), 2u);
  const auto& sql = std::get<SqlStep>(loaded.project.pipelines[0].steps[0]);
  EXPECT_EQ(sql.sql.text, "SELECT 1 AS id");
  EXPECT_FALSE(sql.sql.exact);
  EXPECT_EQ(sql.sql.location, (Location{"weir.yaml", 14, 11}));
  EXPECT_EQ(std::get<SqlStep>(loaded.project.pipelines[1].steps[0]).sql.text, "SELECT 2 AS id");
}

TEST(Pipelines, UnknownNames) {
  expect_diagnostics(
      {{"  a:\n    when: [{object: inn/*.csv}]\n    steps: [{read: {format: cvs}}, {load: {table: "
        "plan, mode: apend}}]\n",
        {"12:21: error: unknown bucket 'inn' in the trigger of pipeline 'a'; did you mean 'in'?",
         "13:29: error: 'format' of pipeline 'a' must be json, csv or parquet, not 'cvs'; did you "
         "mean 'csv'?",
         "13:51: error: unknown table 'plan' in pipeline 'a'; did you mean 'plain'?",
         "13:63: error: 'mode' of pipeline 'a' must be append, merge, replace or ignore, not "
         "'apend'; did you mean 'append'?"}},
       {"  a:\n    steps: [{sql: SELECT 1 AS id, in: ww}, {load: {table: plain}}]\n",
        {"12:39: error: unknown database 'ww' in pipeline 'a'; did you mean 'w'?"}},
       {"  a:\n    stepps: []\n",
        {"12:5: error: unknown key 'stepps' in pipeline 'a'; did you mean 'steps'?"}},
       {"  a:\n    steps:\n      - reed: {format: csv}\n      - load: {table: plain}\n",
        {"13:9: error: unknown key 'reed' in 'steps' of pipeline 'a'; did you mean 'read'?"}},
       {"  a:\n    when: [{object: in}, {object: in/../x}, {object: in//x}, {}]\n    steps: "
        "[{read: {format: csv}}, {load: {table: plain}}]\n",
        {"12:21: error: 'in' in the trigger of pipeline 'a' has no pattern; write bucket, '/', "
         "pattern: in/*.json",
         "12:35: error: the pattern '../x' in the trigger of pipeline 'a' matches no object; keys "
         "have no '//', '.' or '..' in them, and at most 1024 bytes",
         "12:54: error: the pattern '/x' in the trigger of pipeline 'a' matches no object; keys "
         "have no '//', '.' or '..' in them, and at most 1024 bytes",
         "12:62: error: a trigger in 'when' of pipeline 'a' needs one of object or cron"}}},
      head);
}

TEST(Pipelines, WhatIsMissingIsToldOnce) {
  expect_diagnostics(
      {{"  a:\n    steps: [{read: {format: csv}}, {load: {mode: append}}]\n",
        {"12:37: error: 'table' is missing in 'load' of pipeline 'a'; add e.g. table: "
         "hits"}},
       {"  a:\n    steps: [{read: {header: true}}, {load: {table: plain}}]\n",
        {"12:14: error: 'format' is missing in 'read' of pipeline 'a'; add e.g. "
         "format: csv"}}},
      head);
}

TEST(Pipelines, OrderOfSteps) {
  const std::string read = "      - read: {format: csv}\n";
  const std::string load = "      - load: {table: plain}\n";
  expect_diagnostics(
      {{"",
        {"12:5: error: 'steps' of pipeline 'a' must be a list, not empty; begin each item with '- "
         "', or write [ ]"}},
       {"      []\n",
        {"11:3: error: pipeline 'a' has no steps; begin with read or sql, end with load"}},
       {"      - where: id > 0\n" + load,
        {"13:9: error: pipeline 'a' begins with where, which has no rows yet; begin with read or "
         "sql"}},
       {load,
        {"13:9: error: pipeline 'a' begins with load, which has no rows yet; begin with read "
         "or sql"}},
       {read,
        {"13:9: error: pipeline 'a' ends with read, so its rows go nowhere; end it with load: "
         "{table: …}"}},
       {read + "      - write: out/\n",
        {"13:9: error: 'columns' is missing in 'read' of pipeline 'a', and there is no load whose "
         "table could name them; add columns: {name: type}",
         "14:9: note: 'write' of pipeline 'a' is not there yet: a run of the pipeline refuses"}},
       {read + read + load,
        {"14:9: error: read in pipeline 'a' is not the first step; a pipeline has one source: move "
         "it to the front, or into its own pipeline"}},
       {read + load + "      - where: id > 0\n",
        {"15:9: error: where in pipeline 'a' stands behind the load; a pipeline ends with its "
         "load: "
         "move it up, or into its own pipeline"}},
       {read + load + load,
        {"15:9: error: load in pipeline 'a' stands behind the load; a pipeline ends with its load: "
         "move it up, or into its own pipeline"}},
       {"      - read: {format: csv}\n        load: {table: plain}\n",
        {"13:9: error: a step in 'steps' of pipeline 'a' has one of read, select, where, unnest, "
         "dedupe, aggregate, check, sql, load, download, notify, write, crawl, backup, restore or "
         "run, "
         "not 2; begin a new list item with '- ' for each"}},
       {"      - sql: SELECT 1 AS id\n" + load,
        {"13:9: error: 'in' is missing beside 'sql' in 'steps' of pipeline 'a'; name the database "
         "it "
         "runs in, e.g. in: warehouse"}},
       {read + "      - where: id > 0\n        in: w\n" + load,
        {"15:13: error: 'in' goes with 'sql'; remove it"}},
       {read + "      - select: {}\n" + load,
        {"14:9: error: the select in pipeline 'a' has no columns; write `column: expression` below "
         "it"}},
       {read + "      - select: {id: '', x: [1]}\n" + load,
        {"14:22: error: output column 'id' of pipeline 'a' must be an SQL expression, not ''",
         "14:29: error: output column 'x' of pipeline 'a' must be an SQL expression, not a list"}}},
      head + "  a:\n    steps:\n");
}

TEST(Pipelines, ClocksBecomeTheModel) {
  const LoadedProject loaded = load_text(
      head +
      "  a:\n    when:\n      - {cron: '5 0 * * *', timezone: Europe/Madrid, missed: all}\n"
      "      - cron: '@daily'\n      - {cron: rate(5 minutes), missed: skip}\n"
      "    steps: [{sql: SELECT 1 AS id, in: w}, {load: {table: plain}}]\n");
  EXPECT_THAT(lines_of(loaded), ElementsAre());
  ASSERT_EQ(loaded.project.pipelines.size(), 1u);
  const auto& triggers = loaded.project.pipelines[0].triggers;
  ASSERT_EQ(triggers.size(), 3u);
  const auto& first = std::get<CronTrigger>(triggers[0]);
  EXPECT_EQ(first.expression, "5 0 * * *");
  EXPECT_EQ(first.timezone, "Europe/Madrid");
  EXPECT_EQ(first.missed, MissedFires::all);
  EXPECT_EQ(schedule_name(first), "5 0 * * * Europe/Madrid");
  const auto& second = std::get<CronTrigger>(triggers[1]);
  EXPECT_EQ(second.missed, MissedFires::last);
  EXPECT_EQ(schedule_name(second), "@daily UTC");
  EXPECT_EQ(std::get<CronTrigger>(triggers[2]).missed, MissedFires::skip);
}

TEST(Pipelines, ClocksAreChecked) {
  const std::string steps = "\n    steps: [{sql: SELECT 1 AS id, in: w}, {load: {table: plain}}]\n";
  expect_diagnostics(
      {{"    when: [{cron: 5 0 *}]" + steps,
        {"12:24: error: 'cron' of pipeline 'a': it has 3 fields, not five or six; minute, hour, "
         "day "
         "of month, month, day of week: \"5 0 * * *\"; a sixth in front is the second"}},
       {"    when: [{cron: '5 0 * * MONDAY'}]" + steps,
        {"12:28: error: 'cron' of pipeline 'a': 'MONDAY' is no day of week; did you mean 'MON'?"}},
       {"    when:\n      - cron: \"*/90 * * * *\"" + steps,
        {"13:18: error: 'cron' of pipeline 'a': a step of 90 leaves minute 0 alone; write 0; for "
         "every so often, whatever the hour, rate(90 …)"}},
       {"    when: [{cron: 0 0 30 2 *}]" + steps,
        {"12:23: error: 'cron' of pipeline 'a': no month it names has such a day: it would never "
         "fire; mend the days or the months"}},
       {"    when: [{cron: '${env:SET} * * * *'}]" + steps,
        {"12:19: error: 'cron' of pipeline 'a': 'from' is no minute; minute is 0 to 59"}},
       {"    when: [{cron: '@daily', timezone: Europe/Madird}]" + steps,
        {"12:39: error: 'timezone' of pipeline 'a': there is no time zone 'Europe/Madird'; did you "
         "mean 'Europe/Madrid'?"}},
       {"    when: [{cron: '@daily', missed: lats}]" + steps,
        {"12:37: error: 'missed' of pipeline 'a' must be skip, last or all, not 'lats'; did you "
         "mean 'last'?"}},
       {"    when: [{cron: '@daily'}, {cron: '@daily', timezone: UTC}]" + steps,
        {"12:37: error: the schedule '@daily' is there twice in pipeline 'a'; remove one"}},
       {"    when: [{cron: '@daily'}]\n    steps: [{read: {format: csv}}, {load: {table: "
        "plain}}]\n",
        {"12:19: error: pipeline 'a' reads objects, and a clock brings none; cron goes with sql or "
         "download; let the objects start this one: object: bucket/*"}},
       {"    when: [{object: in/*, missed: all}]\n    steps: [{read: {format: csv}}, {load: "
        "{table: "
        "plain}}]\n",
        {"12:35: error: 'missed' goes with 'cron', not with 'object'; remove it"}}},
      head + "  a:\n");
}

TEST(Pipelines, TriggersAndReading) {
  expect_diagnostics(
      {{"    when: [{object: in/*}]\n    steps: [{sql: SELECT 1 AS id, in: w}, {load: {table: "
        "plain}}]\n",
        {"12:21: error: pipeline 'a' is triggered by objects but has no read step; begin its steps "
         "with read: {format: …}"}},
       {"    when: [{object: in/*, timezone: UTC}]\n    steps: [{read: {format: csv}}, {load: "
        "{table: "
        "plain}}]\n",
        {"12:37: error: 'timezone' goes with 'cron', not with 'object'; remove it"}},
       {"    steps: [{read: {format: json, header: true, layout: lines}}, {load: {table: "
        "plain}}]\n",
        {"12:43: error: 'header' goes with format csv, not with json; remove it"}},
       {"    steps: [{read: {format: csv, delimiter: '\"'}}, {load: {table: plain}}]\n",
        {"12:45: error: 'delimiter' and 'quote' are the same character; change one of them"}},
       {"    steps: [{read: {format: csv, delimiter: '::', skip: x}}, {load: {table: plain}}]\n",
        {"12:45: error: 'delimiter' of pipeline 'a' must be one character, or tab, not '::'",
         "12:57: error: 'skip' of pipeline 'a' must be a whole number from 0 to 1000000, not 'x'"}},
       {"    steps: [{read: {format: csv, columns: {id: bigint | required}}}, {load: {table: "
        "plain}}]\n",
        {"12:48: error: source column 'id' of pipeline 'a' takes a type alone, without rules; "
         "rules belong to a column under tables:, as in bigint | required"}},
       {"    steps: [{read: {format: csv, columns: {id: bigint, ID: bigint}}}, {load: {table: "
        "plain}}]\n",
        {"12:56: error: source column 'ID' in pipeline 'a' differs from 'id' in case only; SQL "
         "sees "
         "one name: leave one out"}}},
      head + "  a:\n");
}

TEST(Pipelines, ColumnsMustFitTheTable) {
  expect_diagnostics(
      {{"      - read: {format: csv}\n      - load: {table: t, mode: merge}\n", {}},
       {"      - read: {format: csv}\n      - select: {ID: id, nope: 1}\n      - load: {table: "
        "t}\n",
        {"14:9: error: the required column 'day' of table 't' is missing in the select of pipeline "
         "'a'; add day: …",
         "14:26: error: column 'nope' in pipeline 'a' is not in table 't'; did you mean 'note'?"}},
       {"      - read: {format: csv, columns: {id: bigint, dai: date}}\n      - load: {table: t}\n",
        {"13:9: error: the required column 'day' of table 't' is missing in the columns read of "
         "pipeline 'a'; add day: …",
         "13:51: error: column 'dai' in pipeline 'a' is not in table 't'; did you mean 'day'?"}},
       {"      - read: {format: csv, columns: {x: bigint}}\n      - select: {zzz: x}\n      - "
        "select: "
        "{id: zzz, day: now()}\n      - load: {table: t}\n",
        {}},
       {"      - read: {format: csv}\n      - select: {id: id, ID: id}\n      - load: {table: "
        "plain}\n",
        {"14:26: error: output column 'ID' in pipeline 'a' differs from 'id' in case only; SQL "
         "sees "
         "one name: leave one out"}},
       {"      - read: {format: csv}\n      - load: {table: plain, mode: merge}\n",
        {"14:36: error: mode merge in pipeline 'a' needs a key, and table 'plain' has none; give "
         "the "
         "table a key, e.g. key: [id]"}}},
      head + "  a:\n    steps:\n");
}

TEST(Pipelines, WhatIsNotThereYetIsANote) {
  expect_diagnostics(
      {{"      - crawl: x\n      - read: {format: parquet, infer: true}\n"
        "      - backup: hit\n      - load: {table: plain, mode: replace}\n      - write: [a]\n   "
        " retry: "
        "{times: 3, backoff: 1m}\n",
        {"13:9: note: 'crawl' of pipeline 'a' is not there yet: a run of the pipeline refuses",
         "14:24: note: format parquet in pipeline 'a' is not there yet: a run refuses",
         "14:40: note: 'infer' in pipeline 'a' is not there yet: a run refuses; declare the "
         "columns; "
         "`weir init --from SAMPLE` writes them",
         "15:9: note: 'backup' of pipeline 'a' is not there yet: a run of the pipeline refuses",
         "17:9: note: 'write' of pipeline 'a' is not there yet: a run of the pipeline refuses"}},
       {"      - crawl:\n",
        {"13:9: note: 'crawl' of pipeline 'a' is not there yet: a run of the "
         "pipeline refuses"}},
       {"      - crawl: x\n    retry: {times: many}\n",
        {"13:9: note: 'crawl' of pipeline 'a' is not there yet: a run of the pipeline refuses",
         "14:20: error: 'times' of pipeline 'a' must be a whole number from 0 to 1000, not "
         "'many'"}}},
      head + "  a:\n    steps:\n");
  const LoadedProject loaded = load_text(
      head + "  a: {steps: [{run: b}, {in: w, backup: x}]}\n  b: {steps: [{crawl: x}]}\n");
  ASSERT_EQ(loaded.project.pipelines.size(), 2u);
  EXPECT_EQ(std::get<LaterStep>(loaded.project.pipelines[0].steps[1]).kind, "backup");
}

TEST(Pipelines, SqlPerEngineNeedsTheEngineAtHand) {
  expect_diagnostics(
      {{"  a: {steps: [{sql: {postgres: SELECT 1 AS id}, in: w}, {load: {table: plain}}]}\n",
        {"11:16: error: no SQL for duckdb, the engine of database 'w', in pipeline "
         "'a'; add duckdb: …"}}},
      head);
}

TEST(Pipelines, CirclesOfTriggers) {
  const auto errors = [](const std::string& pipelines) {
    std::vector<std::string> out;
    for (const std::string& line : lines_of(load_text(head + pipelines))) {
      if (line.find(" note: ") == std::string::npos) out.push_back(line);
    }
    return out;
  };
  const std::string fix = "; let one of them write where no trigger of the circle looks";
  EXPECT_THAT(
      errors("  a: {when: [{object: in/a/*}], steps: [{read: {format: csv, columns: {a: json}}}, "
             "{write: {to: in/b/}}]}\n"
             "  b: {when: [{object: in/b/**.csv}], steps: [{write: 'in/c/x-${run.day}.csv'}]}\n"
             "  c: {when: [{object: in/c/x-*}], steps: [{run: a}]}\n"),
      ElementsAre("11:3: error: pipelines trigger each other in a circle: a → b → c → a" + fix));
  EXPECT_THAT(
      errors("  a: {steps: [{download: {url: 'http://x', to: 'in/${run.day}/y'}}]}\n"
             "  b: {when: [{object: in/**}], steps: [{run: a}]}\n"),
      ElementsAre("11:3: error: pipelines trigger each other in a circle: a → b → a" + fix));
  EXPECT_THAT(errors("  a: {when: [{object: in/**}], steps: [{write: {to: in/y}}]}\n"
                     "  b: {steps: [{run: {pipeline: b}}]}\n"),
              ElementsAre("11:3: error: pipeline 'a' triggers itself" + fix,
                          "12:3: error: pipeline 'b' triggers itself" + fix));
  EXPECT_THAT(errors("  a: {when: [{object: in/a/*.json}], steps: [{write: {to: in/b/x.json}}]}\n"
                     "  b: {when: [{object: in/b/*.csv}], steps: [{write: {to: in/a/}}]}\n"
                     "  c: {when: [{object: in/a/*}], steps: [{crawl: in/a/x}]}\n"),
              ElementsAre());
}

}  // namespace
}  // namespace weir::config
