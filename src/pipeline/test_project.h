#pragma once

// For tests: a project in a temporary folder with a few tables and pipelines.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "duckdb/connection.h"
#include "pipeline/executor.h"

namespace weir::pipeline {

class TestProject {
 public:
  TestProject() : TestProject(Engine::duckdb, "duckdb://w.duckdb") {}
  /// The tables are where the URL says.
  TestProject(Engine engine, const std::string& url) {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-XXXXXX").string();
    WEIR_CHECK(::mkdtemp(pattern.data()) != nullptr, "no temporary folder");
    project.root = pattern;
    project.name = "test";
    const bool file = engine == Engine::duckdb;
    project.databases.push_back({DatabaseName("warehouse"),
                                 engine,
                                 url,
                                 file ? project.root / "w.duckdb" : std::filesystem::path(),
                                 {}});
    project.buckets.push_back({BucketName("landing"),
                               BucketKind::file,
                               "file://landing",
                               project.root / "landing",
                               0,
                               {}});
    std::filesystem::create_directories(project.root / "landing");
    add_tables();
    add_pipelines();
    auto opened = open_resources(project);
    WEIR_CHECK(opened.has_value(), opened ? "" : opened.error().to_string().c_str());
    resources = std::move(*opened);
    if (file) database();
    executor = *make_executor(project, resources, clock);
  }
  ~TestProject() {
    executor.reset();
    resources.databases.reset();
    std::filesystem::remove_all(project.root);
  }

  /// Open, with the dictionary's tables.
  duckdb::Database& database() {
    auto opened = resources.databases->open_with_tables(DatabaseName("warehouse"));
    WEIR_CHECK(opened.has_value(), opened ? "" : opened.error().to_string().c_str());
    return **opened;
  }

  void drop(const std::string& key, const std::string& content) {
    const auto path = project.root / "landing" / key;
    std::ofstream(path.string() + ".new", std::ios::binary) << content;
    std::filesystem::rename(path.string() + ".new", path);
  }

  Run make_run(const std::string& pipeline, const std::string& key) const {
    Run run;
    run.pipeline = PipelineName(pipeline);
    run.scheduled_for = clock.now();
    run.id = new_run_id(run.scheduled_for);
    if (!key.empty()) run.object = ObjectRef{BucketName("landing"), ObjectKey(key)};
    return run;
  }

  std::vector<Receipt> run_all(const std::string& pipeline, const std::vector<std::string>& keys) {
    std::vector<Run> runs;
    for (const std::string& key : keys) runs.push_back(make_run(pipeline, key));
    Progress progress;
    std::vector<Receipt> receipts;
    for (RunOutcome& outcome : executor->execute(runs, progress)) {
      receipts.push_back(std::move(outcome.receipt));
    }
    return receipts;
  }

  Receipt run(const std::string& pipeline, const std::string& key) {
    return run_all(pipeline, {key}).front();
  }

  /// Rows as "a|b|c", NULL as "NULL"; an error as its text.
  std::vector<std::string> query(const std::string& sql) {
    std::vector<std::string> lines;
    const duckdb::RowSink sink{nullptr, [&](const auto& cells) {
                                 std::string line;
                                 for (const auto& cell : cells) {
                                   line += (line.empty() && &cell == &cells.front() ? "" : "|") +
                                           cell.value_or("NULL");
                                 }
                                 lines.push_back(line);
                                 return true;
                               }};
    const auto done = duckdb::query_text(database(), sql, false, sink);
    if (!done) lines.push_back(done.error().to_string());
    return lines;
  }

  Project project;
  SystemClock clock;
  Resources resources;
  std::unique_ptr<Executor> executor;

 private:
  static Column column(const std::string& name, const std::string& type, bool required = false) {
    Column made{name, *parse_data_type(type), {}, {}};
    if (required) made.rules.push_back({RuleKind::required, "required", "", "", "", {}});
    return made;
  }

  void add_tables() {
    Table hits;
    hits.name = TableName("hits");
    hits.database = DatabaseName("warehouse");
    hits.columns = {column("user_id", "decimal(20,0)", true), column("visit_id", "bigint", true),
                    column("date", "date", true), column("device", "varchar(20)"),
                    column("hit_count", "integer", true)};
    hits.columns[4].rules.push_back({RuleKind::compare, ">= 0", "\"hit_count\" >= 0", "", "", {}});
    hits.key = {"user_id", "visit_id", "date"};
    Table totals;
    totals.name = TableName("daily_totals");
    totals.database = DatabaseName("warehouse");
    totals.columns = {column("date", "date", true), column("hits", "bigint", true),
                      column("users", "bigint", true)};
    totals.key = {"date"};
    Table people;
    people.name = TableName("people");
    people.database = DatabaseName("warehouse");
    people.columns = {column("id", "integer", true), column("name", "varchar(10)")};
    people.key = {"id"};
    people.stop_at.rejected = 2;
    project.tables = {hits, totals, people};
  }

  void add_pipelines() {
    ReadStep sessions;
    const std::pair<const char*, const char*> columns[] = {{"userId", "varchar"},
                                                           {"visitId", "bigint"},
                                                           {"date", "varchar"},
                                                           {"device", "varchar"},
                                                           {"hit", "json[]"}};
    for (const auto& [name, type] : columns) {
      sessions.columns.push_back({name, *parse_data_type(type), {}});
    }
    SelectStep select;
    select.items = {{"user_id", {"userId", {}, true}},
                    {"visit_id", {"visitId", {}, true}},
                    {"date", {"strptime(date, '%Y%m%d')", {}, true}},
                    {"device", {"device", {}, true}},
                    {"hit_count", {"len(hit)", {}, true}}};
    const LoadStep merge{TableName("hits"), LoadMode::merge, {}};
    Pipeline load;
    load.name = PipelineName("load");
    load.steps = {sessions, select, merge};
    Pipeline mobile = load;
    mobile.name = PipelineName("mobile");
    mobile.steps = {sessions, WhereStep{{"device = 'mobile'", {}, true}, {}}, select, merge};
    Pipeline daily;
    daily.name = PipelineName("daily");
    daily.triggers = {CronTrigger{"5 0 * * *", "America/Argentina/Buenos_Aires"}};
    daily.steps = {SqlStep{{"SELECT date, sum(hit_count) AS hits, count(DISTINCT user_id) AS users "
                            "FROM hits WHERE date <= ${run.day} GROUP BY date",
                            {},
                            true},
                           std::nullopt,
                           DatabaseName("warehouse"),
                           {}},
                   LoadStep{TableName("daily_totals"), LoadMode::merge, {}}};
    ReadStep csv;
    csv.format = Format::csv;
    Pipeline people;
    people.name = PipelineName("people");
    people.steps = {csv, LoadStep{TableName("people"), LoadMode::append, {}}};
    project.pipelines = {load, mobile, daily, people};
  }
};

}  // namespace weir::pipeline
