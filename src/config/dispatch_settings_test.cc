#include <gtest/gtest.h>

#include "config/diagnostics_for_test.h"

namespace weir::config {
namespace {

using std::chrono::milliseconds;
using testing::IsEmpty;

const std::string head =
    "project: p\n"
    "databases: {w: {url: duckdb://w.duckdb, max_runs: 3}, v: duckdb://v.duckdb}\n"
    "buckets: {in: file://in}\n"
    "tables:\n"
    "  keyed: {in: w, columns: {id: bigint | key}}\n"
    "  plain: {in: w, columns: {id: bigint}}\n"
    "pipelines:\n";

std::string load_into(const std::string& table, const std::string& mode, const std::string& more) {
  return "  a:\n    steps: [{read: {format: csv}}, {load: {table: " + table + ", mode: " + mode +
         "}}]\n" + more;
}

TEST(DispatchSettings, BecomeTheModel) {
  const LoadedProject loaded = load_text(
      head + load_into("plain", "append", "    concurrency: 4\n    retry: {backoff: 2s}\n"));
  EXPECT_THAT(lines_of(loaded), IsEmpty());
  ASSERT_EQ(loaded.project.databases.size(), 2u);
  EXPECT_EQ(loaded.project.databases[0].max_runs, 3);
  EXPECT_EQ(loaded.project.databases[0].path, "/project/w.duckdb");
  EXPECT_EQ(loaded.project.databases[1].max_runs, 0);
  ASSERT_EQ(loaded.project.pipelines.size(), 1u);
  EXPECT_EQ(loaded.project.pipelines[0].concurrency, 4);
  EXPECT_EQ(loaded.project.pipelines[0].retry.times, RetryPolicy{}.times);
  EXPECT_EQ(loaded.project.pipelines[0].retry.backoff, milliseconds(2000));
}

TEST(DispatchSettings, SaysWhatDoesNotFit) {
  const std::string order =
      "10:18: error: pipeline 'a' cannot load 2 batches at once: what becomes of a row depends on "
      "the inputs before it (a key, unique, references to itself, or mode replace); remove "
      "'concurrency'";
  expect_diagnostics(
      {{load_into("keyed", "append", "    concurrency: 2\n"), {order}},
       {load_into("plain", "replace", "    concurrency: 2\n"), {order}},
       {load_into("keyed", "merge", "    concurrency: 1\n"), {}},
       {load_into("plain", "append", "    concurrency: 0\n"),
        {"10:18: error: 'concurrency' of pipeline 'a' must be a whole number from 1 to 64, not "
         "'0'"}},
       {load_into("plain", "append", "    retry: {times: 3, backoff: 1h}\n"),
        {"10:32: error: 'backoff' is longer than 'longest' in 'retry' of pipeline 'a'; say "
         "'longest' too: it is 5m when left out"}},
       {load_into("plain", "append", "    retry: {backoff: 2s, longest: 1s}\n"),
        {"10:22: error: 'backoff' is longer than 'longest' in 'retry' of pipeline 'a'; make "
         "'longest' at least as long"}}},
      head);
  expect_diagnostics({{"databases: {w: {max_runs: 2}}\n",
                       {"2:13: error: 'url' is missing in database 'w'; add e.g. url: "
                        "duckdb://warehouse.duckdb"}},
                      {"databases: {w: {url: duckdb://w.duckdb, max_run: 2}}\n",
                       {"2:41: error: unknown key 'max_run' in database 'w'; did you mean "
                        "'max_runs'?"}}},
                     "project: p\n");
}

}  // namespace
}  // namespace weir::config
