#include "config/project_texts.h"

#include <gtest/gtest.h>

#include "config/diagnostics_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;

TEST(ProjectTexts, TopLevelKeys) {
  expect_diagnostics({
      {"", {"weir.yaml: error: the file is empty; begin with project: NAME, or run `weir init`"}},
      {"just text\n", {"1:1: error: the file must be a map, not 'just text'"}},
      {"- a\n", {"1:1: error: the file must be a map, not a list"}},
      {"memory: 1GB\n", {"1:1: error: 'project' is missing; add e.g. project: web-analytics"}},
      {"project:\n",
       {"1:1: error: 'project' must be a name, not empty; give a value, or remove the "
        "key"}},
      {"project: [a]\n", {"1:10: error: 'project' must be a name, not a list"}},
      {"project: ' '\n", {"1:10: error: the project's name is blank; give it a name"}},
      {"project: p\nproject: q\n",
       {"2:1: error: the key 'project' is there twice, first in line 1; keep one of the two"}},
      {"project: p\ntabels: {}\n", {"2:1: error: unknown key 'tabels'; did you mean 'tables'?"}},
      {"project: p\nxyzzyx: 1\n",
       {"2:1: error: unknown key 'xyzzyx'; there are project, memory, history, network, databases, "
        "buckets, "
        "tables, "
        "pipelines, log, admin, api, traces, reports, tests"}},
      {"project: p\nreports: {a: [1, {b: c}]}\n",
       {"2:1: note: 'reports' is not there yet: nothing acts on it"}},
      {"project: p\n  memory: 1GB\n",
       {"2:9: error: this ': ' does not fit here: the value before it goes on, or the indentation "
        "is off; quote a value that holds ': ', and align keys that belong together"}},
      {"project: !x p\n",
       {"1:10: error: the tag '!x' has no meaning here; remove it, or quote a text that begins "
        "with "
        "'!'"}},
  });
}

TEST(ProjectTexts, History) {
  const LoadedProject loaded = load_text("project: p\nhistory: {keep: 7d, runs: 5000}\n");
  EXPECT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.project.history.keep_ms, 7 * 24 * 3600 * 1000);
  EXPECT_EQ(loaded.project.history.runs, 5000);
  EXPECT_EQ(load_text("project: p\n").project.history.runs, 100'000);
  expect_diagnostics({
      {"project: p\nhistory: {runs: 999}\n",
       {"2:17: error: 'runs' must be a whole number from 1000 to 1000000000, not '999'"}},
      {"project: p\nhistory: {keep: 59s}\n",
       {"2:17: error: 'keep' must be a duration such as 500ms, 2s, 5m or 24h, at least 1m, at "
        "most 36500d, not '59s'"}},
      {"project: p\nhistory: {keeps: 1d}\n",
       {"2:11: error: unknown key 'keeps' in 'history'; did you mean 'keep'?"}},
  });
}

TEST(ProjectTexts, MemorySizes) {
  const std::pair<std::string, uint64_t> good[] = {
      {"1GB", 1'000'000'000},    {"512MB", 512'000'000},  {"1GiB", 1u << 30},
      {"1.5GB", 1'500'000'000},  {"128MB", 128'000'000},  {"'2 GiB'", 2ull << 30},
      {"200000kB", 200'000'000}, {"134217728", 1u << 27}, {"${env:NONE:-1GB}", 1'000'000'000}};
  for (const auto& [text, bytes] : good) {
    const LoadedProject loaded = load_text("project: p\nmemory: " + text + "\n");
    EXPECT_TRUE(loaded.ok()) << text;
    EXPECT_EQ(loaded.project.memory_bytes, bytes) << text;
  }
  for (const std::string text :
       {"127MB", "1", "-1GB", "GB", "1 G B", "1e400GB", "9999999999TB", "nan", "1gb", "0x10GB"}) {
    EXPECT_THAT(lines_of(load_text("project: p\nmemory: " + text + "\n")),
                ElementsAre("2:9: error: 'memory' must be a size such as 512MB or 1GiB, at least "
                            "128MB, not '" +
                            text + "'"));
  }
}

TEST(ProjectTexts, Databases) {
  const LoadedProject loaded = load_text(
      "project: p\n"
      "databases:\n"
      "  a: duckdb://sub/../w.duckdb\n"
      "  b: duckdb:///abs/w.duckdb\n"
      "  c: 'duckdb://:memory:'\n"
      "  d: postgres://u:${secret:pg}@db/x\n"
      "  e: mysql://db/x\n");
  EXPECT_THAT(lines_of(loaded), testing::IsEmpty());
  ASSERT_EQ(loaded.project.databases.size(), 5u);
  EXPECT_EQ(loaded.project.databases[0].path, "/project/w.duckdb");
  EXPECT_EQ(loaded.project.databases[1].path, "/abs/w.duckdb");
  EXPECT_EQ(loaded.project.databases[2].path, "");
  EXPECT_EQ(loaded.project.databases[3].engine, Engine::postgres);
  EXPECT_EQ(loaded.project.databases[3].url, "postgres://u:${secret:pg}@db/x");
  EXPECT_EQ(loaded.project.databases[4].engine, Engine::mysql);
  ASSERT_EQ(loaded.project.secrets.size(), 1u);
  EXPECT_EQ(loaded.project.secrets[0].name, "pg");
  EXPECT_EQ(loaded.project.secrets[0].location.to_string(), "weir.yaml:6:19");

  expect_diagnostics(
      {{"  a: w.duckdb\n",
        {"3:6: error: the URL of database 'a' is not known; write duckdb://PATH, "
         "postgres://… or mysql://…"}},
       {"  a: oracle://u:password@x\n",
        {"3:6: error: the scheme 'oracle' of database 'a' is not known; write duckdb://PATH, "
         "postgres://… or mysql://…"}},
       {"  a: duckdb://\n",
        {"3:6: error: the URL of database 'a' names no file; write duckdb://warehouse.duckdb, or "
         "\"duckdb://:memory:\""}},
       {"  a: duckdb://${secret:x}\n",
        {"3:6: error: the path of a duckdb:// database can hold no secret; write the path itself"}},
       {"  a: postgres://u:pass/word@h/d\n",
        {"3:6: error: database 'a': the port of the URL is no number from 1 to 65535; escape ':', "
         "'@' and '/' in a password as %3A, %40 and %2F"}},
       {"  a: mysql://u@h\n",
        {"3:6: error: database 'a': the URL names no database; write SCHEME://USER@HOST/DATABASE"}},
       {"  a: postgres://u:${secret:a b}@h/d\n",
        {"3:19: error: this cannot be the name of a secret; names begin with a letter and go on "
         "with letters, digits, '_' and '-', at most 100 of them"}},
       {"  a: postgres://u:${secret:key}@h/d\n",
        {"3:19: error: no secret can be named 'key'; its variable, WEIR_SECRET_KEY, holds the key "
         "that seals the others; choose another name"}},
       {"  a: duckdb://w.duckdb\n  b: duckdb://./w.duckdb\n",
        {"4:3: error: database 'b' is the same file as 'a'; use one name for it"}},
       {"  a b: duckdb://w\n",
        {"3:3: error: 'a b' cannot be the name of a database; names are made of letters, digits, "
         "'_' and '-'"}},
       {"  a:\n",
        {"3:3: error: database 'a' must be a URL: duckdb://PATH, postgres://… "
         "or "
         "mysql://… or a map, not empty; give a value, or remove the key"}}},
      "project: p\ndatabases:\n");
}

TEST(ProjectTexts, Buckets) {
  const LoadedProject loaded = load_text(
      "project: p\n"
      "buckets:\n"
      "  a: file://landing/\n"
      "  b: {url: file:///data/in, settle: 250ms}\n"
      "  c: s3://acme\n"
      "  d: {url: gs://acme}\n");
  EXPECT_THAT(lines_of(loaded),
              ElementsAre("5:6: note: s3 buckets are not there yet: a run refuses",
                          "6:12: note: gs buckets are not there yet: a run refuses"));
  ASSERT_EQ(loaded.project.buckets.size(), 4u);
  EXPECT_EQ(loaded.project.buckets[0].path, "/project/landing");
  EXPECT_EQ(loaded.project.buckets[0].settle_ms, 1000);
  EXPECT_EQ(loaded.project.buckets[1].path, "/data/in");
  EXPECT_EQ(loaded.project.buckets[1].settle_ms, 250);
  EXPECT_EQ(loaded.project.buckets[2].kind, BucketKind::s3);
  EXPECT_EQ(loaded.project.buckets[3].kind, BucketKind::gcs);

  expect_diagnostics(
      {{"  a: landing\n",
        {"3:6: error: the URL of bucket 'a' is not known; write file://FOLDER, s3://NAME or "
         "gs://NAME"}},
       {"  a: file://\n",
        {"3:6: error: the URL of bucket 'a' names no folder; write e.g. file://landing"}},
       {"  a: file://.\n  b: file://..\n  c: file:///project-x\n  d: file:///\n",
        {"3:3: warning: bucket 'a' holds the project's own folder; give it a folder of its own, or "
         "weir may read its own files",
         "4:3: warning: bucket 'b' holds the project's own folder; give it a folder of its own, or "
         "weir may read its own files",
         "6:3: warning: bucket 'd' holds the project's own folder; give it a folder of its own, or "
         "weir may read its own files"}},
       {"  a: [x]\n",
        {"3:6: error: bucket 'a' must be a URL: file://FOLDER, s3://… or gs://… or a map, not a "
         "list"}},
       {"  a: {settle: 2 weeks}\n",
        {"3:3: error: 'url' is missing in bucket 'a'; add e.g. url: file://landing",
         "3:15: error: 'settle' of bucket 'a' must be a duration such as 500ms, 2s, 5m or 24h, at "
         "most 1d, not '2 weeks'"}}},
      "project: p\nbuckets:\n");
}

TEST(ProjectTexts, EnvironmentVariables) {
  const LoadedProject loaded = load_text(
      "project: ${env:SET}\n"
      "buckets: {a: 'file://${env:SET}/${env:MISSING:-x}/${run.day}'}\n");
  EXPECT_THAT(lines_of(loaded), ElementsAre());
  EXPECT_EQ(loaded.project.name, "from-variable");
  EXPECT_EQ(loaded.project.buckets[0].path, "/project/from-variable/x/${run.day}");

  expect_diagnostics({
      {"project: a-${env:MISSING}\n",
       {"1:12: error: the environment variable 'MISSING' is not set; set it, or give a default: "
        "${env:MISSING:-default}"}},
      {"project: ${enf:SET}\n",
       {"1:10: error: unknown reference '${enf:SET}'; there are ${env:NAME}, ${secret:name}, "
        "${run.day} and ${run.scheduled_for}"}},
      {"project: p$ ${ ${x ${} {SET}\n", {}},
      {"project: p\nmemory: ${env:SET}\n",
       {"2:9: error: 'memory' must be a size such as 512MB or 1GiB, at least 128MB, not "
        "'${env:SET}'"}},
      {"project: p\nreports: {x: \"${env:MISSING}\"}\n",
       {"2:1: note: 'reports' is not there yet: nothing acts on it"}},
      {"project: ${secret:x}\nbuckets: {a: 'file://${secret:x}'}\n",
       {"1:10: error: a secret cannot be used here: this value is shown and written down; secrets "
        "go into the URL of a database, and into URLs, headers and signatures of download, "
        "notify and traces",
        "2:22: error: a secret cannot be used here: this value is shown and written down; secrets "
        "go into the URL of a database, and into URLs, headers and signatures of download, "
        "notify and traces"}},
  });
}

TEST(ProjectTexts, CommasInsideBrackets) {
  const std::string table =
      "project: p\ndatabases: {w: duckdb://w}\ntables:\n  t:\n    in: w\n    columns:\n";
  const std::string said = " and the rest something of its own; quote the whole value: ";
  expect_diagnostics(
      {{"      a: {type: decimal(20,0), required: true}\n",
        {"7:17: error: YAML ends this value at the comma, inside { }: it became 'decimal(20'" +
         said + "type: \"decimal(20,0)\""}},
       {"      a: {type: varchar, matches: 'x', check: coalesce(a, 'b', c) = 'x'}\n",
        {"7:47: error: YAML ends this value at the comma, inside { }: it became 'coalesce(a'" +
         said + "check: \"coalesce(a, 'b', c) = 'x'\""}},
       // The commas of two columns make the same second key: still no talk of duplicates.
       {"      a: {type: decimal(20,0)}\n      b: {type: decimal(20,0)}\n",
        {"7:17: error: YAML ends this value at the comma, inside { }: it became 'decimal(20'" +
             said + "type: \"decimal(20,0)\"",
         "8:17: error: YAML ends this value at the comma, inside { }: it became 'decimal(20'" +
             said + "type: \"decimal(20,0)\""}},
       {"      {a: varchar | in (x, y), b: \"varchar | in (x, y)\"}\n",
        {"7:11: error: YAML ends this value at the comma, inside { }: it became 'varchar | in (x'" +
         said + "a: \"varchar | in (x, y)\""}},
       {"      a: bigint | key\n    key: [f(a, b)]\n",
        {"8:11: error: YAML ends this value at the comma, inside [ ]: it became 'f(a'" + said +
             "\"f(a, b)\"",
         "8:11: error: unknown column 'f(a, b)' in the key of table 't'; there is a"}},
       {"      a: {type: varchar, matches: 'it, b'}\n", {}},
       {"      a: bigint\npipelines:\n  q:\n    when: [{cron: 5,10 0 * * *}]\n    steps: "
        "[{sql: SELECT 1 AS a, in: w}, {load: {table: t}}]\n",
        {"10:21: error: inside { } a comma ends the value: 'cron' became '5', and '10 0 * * *' a "
         "key "
         "of its own; quote the whole value: cron: \"5, 10 0 * * *\""}},
       {"      a: {type: json[]}\n",
        {"7:21: error: the bracket { or [ is not closed where YAML expects it; close it; inside "
         "brackets quote a value that holds , ? [ ] { or }"}}},
      table);
}

TEST(ProjectTexts, TooMuchIsRefused) {
  EXPECT_THAT(lines_of(load_text("project: " + std::string(2'000'000, 'x'))),
              ElementsAre("weir.yaml: error: the file is larger than 1048576 bytes; a project file "
                          "is written by hand; keep data out of it"));
}

TEST(ProjectTexts, AliasesAreCheckedWhereTheyStand) {
  EXPECT_THAT(
      lines_of(load_text("project: p\nbuckets:\n  a: &x {url: file://a, setle: 1s}\n  b: *x\n")),
      ElementsAre("3:25: error: unknown key 'setle' in bucket 'a'; did you mean 'settle'?",
                  "3:25: error: unknown key 'setle' in bucket 'b'; did you mean 'settle'?"));
}

}  // namespace
}  // namespace weir::config
