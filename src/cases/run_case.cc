#include "cases/run_case.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "cases/compare_case.h"
#include "cases/object_bytes.h"
#include "cases/scratch_project.h"
#include "cases/text_rows.h"
#include "io/atomic_file.h"
#include "objects/bucket.h"
#include "pipeline/executor.h"
#include "pipeline/notices.h"
#include "pipeline/pipeline_parts.h"
#include "pipeline/resources.h"

namespace weir::cases {
namespace {

/// Stands still.
class CaseClock final : public Clock {
 public:
  explicit CaseClock(Timestamp time) : time_(time) {}
  Timestamp now() const override { return time_; }

 private:
  const Timestamp time_;
};

bool is_triggered(const Pipeline& pipeline, const ObjectRef& object) {
  bool any_pattern = false;
  for (const Trigger& trigger : pipeline.triggers) {
    const auto* pattern = std::get_if<ObjectTrigger>(&trigger);
    if (pattern == nullptr) continue;
    any_pattern = true;
    if (pattern->bucket == object.bucket &&
        objects::key_matches(pattern->pattern, object.key.value())) {
      return true;
    }
  }
  return !any_pattern;
}

/// A server's sql step without a text for the DuckDB that stands in for the server.
const SqlStep* foreign_sql(const Project& project, const Pipeline& pipeline) {
  for (const Step& step : pipeline.steps) {
    const auto* sql = std::get_if<SqlStep>(&step);
    if (sql == nullptr || sql->duckdb) continue;
    const DatabaseConfig* database = project.find_database(sql->database);
    if (database != nullptr && database->engine != Engine::duckdb) return sql;
  }
  return nullptr;
}

/// DuckDB's words alone would puzzle whoever wrote the step for a server.
void explain_stand_in(const SqlStep& step, Error& error) {
  error.message = "the sql step is run in a DuckDB that stands in for database '" +
                  step.database.value() + "', which refuses it: " + error.message;
  error.fix = "give the step a text for each engine: sql: {duckdb: …, postgres: …}" +
              (error.fix.empty() ? "" : "; " + error.fix);
  if (error.location.line == 0) error.location = step.sql.location;
}

class CaseRun {
 public:
  CaseRun(const Project& project, const TestCase& test, const CaseOptions& options)
      : project_(project),
        test_(test),
        clock_(test.at.value_or(SystemClock().now())),
        scratch_(scratch_project(project, options.folder, options.memory_bytes)) {}

  Result<void> run(CaseResult& result) {
    resources_ = WEIR_TRY(pipeline::open_resources(scratch_));
    for (const DatabaseName& name : resources_.databases->names()) {
      WEIR_TRY(resources_.databases->open_with_tables(name));
    }
    for (const GivenTable& given : test_.tables) WEIR_TRY(fill(given));
    for (const GivenObject& given : test_.objects) WEIR_TRY(put(given));
    const auto executor = WEIR_TRY(pipeline::make_executor(scratch_, resources_, clock_));
    for (const PipelineName& name : test_.pipelines) {
      execute(*scratch_.find_pipeline(name), *executor, result);
    }
    return compare_case(scratch_, resources_, notices_, project_.root, result);
  }

 private:
  Result<void> fill(const GivenTable& given) {
    const Table& table = *scratch_.find_table(given.table);
    const TextRows rows = WEIR_TRY(text_rows(given.rows, table, project_.root));
    const auto database = WEIR_TRY(resources_.databases->open_with_tables(table.database));
    auto inserted = insert_rows(rows, table, *database);
    if (inserted || inserted.error().location.line > 0) return inserted;
    Error error = inserted.error();
    error.message =
        "the rows given to table '" + given.table.value() + "' do not fit: " + error.message;
    error.location = given.location;
    return fail(std::move(error));
  }

  Result<void> put(const GivenObject& given) {
    for (const PipelineName& name : test_.pipelines) {
      const Pipeline& pipeline = *scratch_.find_pipeline(name);
      const auto parts = WEIR_TRY(pipeline::take_apart(scratch_, pipeline));
      if (parts.read == nullptr || !is_triggered(pipeline, given.object)) continue;
      return write(given,
                   WEIR_TRY(object_bytes(given, *parts.read, parts.source_columns, project_.root)));
    }
    return fail(ErrorCode::invalid_project,
                "no pipeline of the test reads '" + given.object.to_string() + "'", "",
                given.location);
  }

  Result<void> write(const GivenObject& given, const std::string& bytes) {
    const auto path = scratch_.find_bucket(given.object.bucket)->path / given.object.key.value();
    std::error_code problem;
    std::filesystem::create_directories(path.parent_path(), problem);
    if (problem) {
      return fail(ErrorCode::io,
                  "cannot make '" + path.parent_path().string() + "': " + problem.message());
    }
    return io::write_file_atomically(path.string(), bytes);
  }

  Run make_run(const Pipeline& pipeline) const {
    Run run;
    run.id = new_run_id(clock_.now());
    run.pipeline = pipeline.name;
    run.trigger = "test";
    run.scheduled_for = run.created = clock_.now();
    return run;
  }

  void execute(const Pipeline& pipeline, pipeline::Executor& executor, CaseResult& result) {
    const bool reads =
        std::any_of(pipeline.steps.begin(), pipeline.steps.end(),
                    [](const Step& step) { return std::holds_alternative<ReadStep>(step); });
    std::vector<Run> runs;
    if (!reads) runs.push_back(make_run(pipeline));
    for (const GivenObject& given : test_.objects) {
      if (!reads || !is_triggered(pipeline, given.object)) continue;
      runs.push_back(make_run(pipeline));
      runs.back().object = given.object;
    }
    pipeline::Progress progress;
    auto outcomes = executor.execute(runs, progress);
    for (size_t i = 0; i < outcomes.size(); ++i) {
      Receipt& receipt = outcomes[i].receipt;
      const SqlStep* foreign = foreign_sql(project_, *project_.find_pipeline(pipeline.name));
      if (foreign != nullptr && receipt.error && receipt.error->code == ErrorCode::sql) {
        explain_stand_in(*foreign, *receipt.error);
      }
      // Of the project itself: the scratch one has no notify steps.
      auto notices =
          pipeline::notices_for(project_, runs[i], receipt, receipt.status, clock_.now());
      std::move(notices.begin(), notices.end(), std::back_inserter(notices_));
      result.receipts.push_back(std::move(receipt));
    }
  }

  const Project& project_;
  const TestCase& test_;
  const CaseClock clock_;
  const Project scratch_;
  pipeline::Resources resources_;
  std::vector<runlog::Notice> notices_;  // what would be sent
};

}  // namespace

CaseResult run_case(const Project& project, const TestCase& test, const CaseOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  CaseResult result;
  result.test = &test;
  if (auto done = CaseRun(project, test, options).run(result); !done) {
    result.status = CaseStatus::broken;
    result.error = done.error();
  }
  result.duration_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

}  // namespace weir::cases
