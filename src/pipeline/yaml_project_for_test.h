#pragma once

// For tests: a project written as weir.yaml, in a temporary folder, with a way to run its
// pipelines.

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "config/load_project.h"
#include "duckdb/connection.h"
#include "io/temporary_folder_for_test.h"
#include "pipeline/executor.h"
#include "pipeline/sql_checker.h"

namespace weir::pipeline {

/// `tables`: YAML under `tables:`, indented by two. Per table `t` and mode there is the pipeline
/// `t-append`, `t-merge`, …, which reads CSV with a header; other pipelines can be added.
class YamlProject {
  io::TemporaryFolder folder_;
  config::LoadedProject loaded_;
  std::atomic<int> serial_{0};

 public:
  explicit YamlProject(const std::string& tables, const std::string& pipelines = "") {
    const std::string head =
        "project: test\ndatabases: {w: duckdb://w.duckdb}\nbuckets: {in: file://in}\ntables:\n" +
        tables + "\n";
    std::filesystem::create_directories(folder_.path("in"));
    load(head);
    std::string all = "pipelines:\n" + pipelines;
    for (const Table& table : loaded_.project.tables) {
      for (const char* mode : {"append", "merge", "replace", "ignore"}) {
        const bool by_key = std::string(mode) == "merge" || std::string(mode) == "ignore";
        if (by_key && table.key.empty()) continue;
        all += "  " + table.name.value() + "-" + mode +
               ": {steps: [{read: {format: csv}}, {load: {table: " + table.name.value() +
               ", mode: " + mode + "}}]}\n";
      }
    }
    load(head + all);
    auto opened = open_resources(loaded_.project);
    WEIR_CHECK(opened.has_value(), opened ? "" : opened.error().to_string().c_str());
    resources = std::move(*opened);
    const auto made = resources.databases->open_with_tables(DatabaseName("w"));
    WEIR_CHECK(made.has_value(), "cannot create the tables");
    executor = *make_executor(loaded_.project, resources, clock);
  }

  /// May be changed as long as nothing has run.
  Project& project() { return loaded_.project; }
  duckdb::Database& database() {
    return **resources.databases->open_with_tables(DatabaseName("w"));
  }

  /// Writes objects and loads them in one call. A text is a CSV file, header first. Thread-safe.
  std::vector<Receipt> load_all(const std::string& pipeline,
                                const std::vector<std::string>& texts) {
    std::vector<Run> runs;
    for (const std::string& text : texts) {
      const std::string key = std::to_string(++serial_) + ".csv";
      std::ofstream(folder_.path("in/" + key), std::ios::binary) << text;
      Run run;
      run.pipeline = PipelineName(pipeline);
      run.scheduled_for = clock.now();
      run.id = new_run_id(run.scheduled_for);
      run.object = ObjectRef{BucketName("in"), ObjectKey(key)};
      runs.push_back(std::move(run));
    }
    return execute(runs);
  }

  Receipt load_one(const std::string& pipeline, const std::string& text) {
    return load_all(pipeline, {text}).front();
  }

  /// Of a pipeline that begins with sql.
  Receipt run_query(const std::string& pipeline) {
    Run run;
    run.pipeline = PipelineName(pipeline);
    run.scheduled_for = clock.now();
    run.id = new_run_id(run.scheduled_for);
    return execute({run}).front();
  }

  /// Rows as "a|b|c", NULL as "NULL"; an error as its text.
  std::vector<std::string> query(const std::string& sql) {
    std::vector<std::string> lines;
    const duckdb::RowSink sink{nullptr, [&](const auto& cells) {
                                 std::string line;
                                 for (size_t i = 0; i < cells.size(); ++i) {
                                   line += (i > 0 ? "|" : "") + cells[i].value_or("NULL");
                                 }
                                 lines.push_back(line);
                                 return true;
                               }};
    const auto done = duckdb::query_text(database(), sql, true, sink);
    if (!done) lines.push_back(done.error().to_string());
    return lines;
  }

  SystemClock clock;
  Resources resources;
  std::unique_ptr<Executor> executor;

 private:
  void load(const std::string& text) {
    std::ofstream(folder_.path("weir.yaml"), std::ios::binary) << text;
    const auto checker = make_sql_checker();
    loaded_ = config::load_project({folder_.path(), ""}, checker.get());
    for (const auto& diagnostic : loaded_.diagnostics) {
      WEIR_CHECK(diagnostic.severity == config::Severity::note, diagnostic.to_string().c_str());
    }
  }

  std::vector<Receipt> execute(const std::vector<Run>& runs) {
    Progress progress;
    std::vector<Receipt> receipts;
    for (RunOutcome& outcome : executor->execute(runs, progress)) {
      receipts.push_back(std::move(outcome.receipt));
    }
    return receipts;
  }
};

/// "read 4 inserted 2 rejected 2": the counters that are not 0, or the error.
inline std::string summary(const Receipt& receipt) {
  if (receipt.error) return receipt.error->to_string();
  const RowCounts& rows = receipt.rows;
  std::string text;
  for (const auto& [name, count] :
       std::initializer_list<std::pair<const char*, uint64_t>>{{"read", rows.read},
                                                               {"expanded", rows.expanded},
                                                               {"folded", rows.folded},
                                                               {"inserted", rows.inserted},
                                                               {"updated", rows.updated},
                                                               {"unchanged", rows.unchanged},
                                                               {"deduplicated", rows.deduplicated},
                                                               {"filtered", rows.filtered},
                                                               {"rejected", rows.rejected},
                                                               {"replaced", rows.replaced}}) {
    if (count > 0)
      text += (text.empty() ? "" : " ") + std::string(name) + " " + std::to_string(count);
  }
  return rows.balances() ? text : text + " (does not balance)";
}

/// "element: field rule 'value' message; …" per reject.
inline std::vector<std::string> rejects_of(const Receipt& receipt) {
  std::vector<std::string> lines;
  for (const Reject& reject : receipt.rejects) {
    std::string line = std::to_string(reject.element) + ":";
    for (const Problem& problem : reject.problems) {
      line += (line.back() == ':' ? " " : "; ") + problem.field + " " + problem.rule + " (" +
              problem.message + ")";
    }
    lines.push_back(line);
  }
  return lines;
}

}  // namespace weir::pipeline
