#include "config/load_project.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "config/diagnostics_for_test.h"
#include "io/temporary_folder_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void write(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  ASSERT_TRUE(out.good());
}

std::vector<std::string> all_lines(const LoadedProject& loaded) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : loaded.diagnostics) lines.push_back(diagnostic.to_string());
  return lines;
}

constexpr const char* base =
    "project: p\n"
    "memory: 1GB\n"
    "databases: {w: duckdb://w.duckdb}\n"
    "buckets: {in: file://in, old: file://old}\n"
    "tables:\n"
    "  t:\n"
    "    in: w\n"
    "    columns: {id: bigint | key, n: integer}\n"
    "    stop_at: {rejected: 10, ratio: 5%}\n"
    "pipelines:\n"
    "  a:\n"
    "    when: [{object: in/*.csv}, {object: old/*.csv}]\n"
    "    steps: [{read: {format: csv}}, {load: {table: t, mode: merge}}]\n";

TEST(LoadProject, ReadsTheFolder) {
  const io::TemporaryFolder folder;
  write(folder.path("weir.yaml"), base);
  const LoadedProject loaded = load_project({folder.path() + "/.", ""}, nullptr);
  EXPECT_THAT(all_lines(loaded), ElementsAre());
  EXPECT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.project.root, folder.path());
  EXPECT_EQ(loaded.project.environment, "default");
  EXPECT_EQ(loaded.project.state_dir(), folder.path(".weir/default"));
  EXPECT_EQ(loaded.project.databases[0].path, folder.path("w.duckdb"));
  EXPECT_TRUE(load_project({folder.path(), "default"}, nullptr).ok());
}

/// The project file of the design page, word for word.
TEST(LoadProject, TheDesignPagesProjectIsValid) {
  const std::filesystem::path root =
      std::filesystem::path(__FILE__).parent_path() / "../../tests/cases/design_page";
  const LoadedProject loaded = load_project({root, ""}, nullptr);
  for (const Diagnostic& diagnostic : loaded.diagnostics) {
    EXPECT_EQ(diagnostic.severity, Severity::note) << diagnostic.to_string();
  }
  const Project& project = loaded.project;
  EXPECT_EQ(project.name, "web-analytics");
  ASSERT_EQ(project.tables.size(), 2u);
  EXPECT_THAT(project.tables[0].key, ElementsAre("user_id", "visit_id", "date"));
  EXPECT_THAT(project.tables[1].key, ElementsAre("date"));
  EXPECT_EQ(project.tables[0].stop_at.rejected, 1000u);
  ASSERT_EQ(project.pipelines.size(), 2u);
  EXPECT_EQ(project.pipelines[0].steps.size(), 3u);
  const auto& sql = std::get<SqlStep>(project.pipelines[1].steps.at(0));
  EXPECT_EQ(sql.sql.text,
            "SELECT date, sum(hit_count) AS hits, count(DISTINCT user_id) AS users FROM monks.hits "
            "WHERE date <= ${run.day} GROUP BY date");
}

TEST(LoadProject, MissingFilesAreDiagnostics) {
  const io::TemporaryFolder folder;
  EXPECT_THAT(all_lines(load_project({folder.path(), ""}, nullptr)),
              ElementsAre("weir.yaml: error: there is no weir.yaml in " + folder.path() +
                          "; run `weir init`, or name the project's folder with --project"));
  EXPECT_FALSE(load_project({folder.path("no-such-folder"), ""}, nullptr).ok());
  std::filesystem::create_directory(folder.path("weir.yaml"));
  EXPECT_THAT(all_lines(load_project({folder.path(), ""}, nullptr)),
              ElementsAre(HasSubstr("weir.yaml: error: ")));
}

TEST(LoadProject, EnvironmentsNeedTheirOverlay) {
  const io::TemporaryFolder folder;
  write(folder.path("weir.yaml"), base);
  EXPECT_THAT(
      all_lines(load_project({folder.path(), "prod"}, nullptr)),
      ElementsAre("weir.prod.yaml: error: the environment 'prod' has no overlay file; create "
                  "the file"));
  write(folder.path("weir.prod.yaml"), "");
  write(folder.path("weir.test.yaml"), "memory: 2GB\n");
  EXPECT_THAT(all_lines(load_project({folder.path(), "prodd"}, nullptr)),
              ElementsAre("weir.prodd.yaml: error: the environment 'prodd' has no overlay file; "
                          "create the file; did you mean 'prod'?"));
  EXPECT_THAT(all_lines(load_project({folder.path(), "../x"}, nullptr)),
              ElementsAre("error: '../x' cannot be the name of an environment; names are made of "
                          "letters, digits, '_' and '-'"));
  EXPECT_TRUE(load_project({folder.path(), "prod"}, nullptr).ok())
      << "an empty overlay changes nothing";
  const LoadedProject test = load_project({folder.path(), "test"}, nullptr);
  EXPECT_TRUE(test.ok());
  EXPECT_EQ(test.project.environment, "test");
  EXPECT_EQ(test.project.memory_bytes, 2'000'000'000u);
}

TEST(LoadProject, TheProcessEnvironmentIsPutIn) {
  const io::TemporaryFolder folder;
  write(folder.path("weir.yaml"), "project: ${env:WEIR_CONFIG_TEST_NAME}\n");
  ::unsetenv("WEIR_CONFIG_TEST_NAME");
  EXPECT_THAT(all_lines(load_project({folder.path(), ""}, nullptr)),
              ElementsAre(HasSubstr("'WEIR_CONFIG_TEST_NAME' is not set")));
  ::setenv("WEIR_CONFIG_TEST_NAME", "named", 1);
  EXPECT_EQ(load_project({folder.path(), ""}, nullptr).project.name, "named");
}

LoadedProject load_over(const std::string& overlay, SqlChecker* checker = nullptr) {
  ProjectTexts texts;
  texts.base = {"weir.yaml", base};
  texts.overlay = {"weir.prod.yaml", overlay};
  texts.root = "/project";
  texts.environment = "prod";
  return load_project_texts(texts, checker);
}

TEST(Overlay, MapsMergeListsReplaceNullDeletes) {
  const LoadedProject loaded = load_over(
      "memory: 2GB\n"
      "buckets: {old: null, in: {url: file://prod, settle: 5s}}\n"
      "tables: {t: {stop_at: {ratio: ~}, columns: {m: date}}}\n"
      "pipelines:\n"
      "  a:\n"
      "    when: [{object: in/*.gz}]\n");
  EXPECT_THAT(all_lines(loaded), ElementsAre());
  const Project& project = loaded.project;
  EXPECT_EQ(project.memory_bytes, 2'000'000'000u);
  ASSERT_EQ(project.buckets.size(), 1u);
  EXPECT_EQ(project.buckets[0].path, "/project/prod");
  EXPECT_EQ(project.buckets[0].settle_ms, 5000);
  EXPECT_EQ(project.tables[0].columns.size(), 3u);
  EXPECT_EQ(project.tables[0].stop_at.rejected, 10u);
  EXPECT_FALSE(project.tables[0].stop_at.ratio.has_value());
  ASSERT_EQ(project.pipelines[0].triggers.size(), 1u);
  EXPECT_EQ(std::get<ObjectTrigger>(project.pipelines[0].triggers[0]).pattern, "*.gz");
}

TEST(Overlay, FindingsPointAtTheFileTheValueCameFrom) {
  EXPECT_THAT(
      all_lines(load_over("memory: 1MB\nbuckets: {old: null}\ntables: {t: {colums: {}}}\n")),
      ElementsAre("weir.yaml:12:41: error: unknown bucket 'old' in the trigger of pipeline "
                  "'a'; there is in",
                  "weir.prod.yaml:1:9: error: 'memory' must be a size such as 512MB or 1GiB, "
                  "at least 128MB, not '1MB'",
                  "weir.prod.yaml:3:14: error: unknown key 'colums' in table 't'; did you "
                  "mean 'columns'?"));
  EXPECT_THAT(all_lines(load_over("buckets: {ol: null}\nproject: p\nproject: q\n")),
              ElementsAre("weir.prod.yaml:1:11: warning: 'ol' is deleted here, but was not there; "
                          "remove the line",
                          "weir.prod.yaml:3:1: error: the key 'project' is there twice, first in "
                          "line 2; keep one of the two"));
  EXPECT_THAT(
      all_lines(load_over("- a\n")),
      ElementsAre("weir.prod.yaml:1:1: error: an overlay must be a map, like the file it is "
                  "laid over; write the keys that differ"));
  EXPECT_THAT(all_lines(load_over("a: [\n")), ElementsAre(HasSubstr("weir.prod.yaml:")));
}

/// Says of everything it is given that it was called.
class RecordingChecker : public SqlChecker {
 public:
  std::vector<std::string> calls;

  std::vector<Diagnostic> check_pipeline(const Project& project,
                                         const Pipeline& pipeline) override {
    calls.push_back("pipeline " + pipeline.name.value() + " of " + project.name);
    return {{Severity::error, "seen", "", pipeline.location}};
  }
  std::vector<Diagnostic> check_table(const Project&, const Table& table) override {
    calls.push_back("table " + table.name.value());
    return {};
  }
  std::vector<Diagnostic> check_query(const Project&, const NamedQuery& query) override {
    calls.push_back("query " + query.name);
    return {};
  }
};

TEST(SqlChecking, OnlyWhatIsValidIsChecked) {
  RecordingChecker checker;
  const LoadedProject loaded = load_text(
      "project: p\n"
      "databases: {w: duckdb://w.duckdb}\n"
      "tables:\n"
      "  good: {in: w, columns: {id: bigint}}\n"
      "  bad: {in: w, columns: {id: bigit}}\n"
      "pipelines:\n"
      "  fine: {steps: [{sql: SELECT 1 AS id, in: w}, {load: {table: good}}]}\n"
      "  into-bad: {steps: [{sql: SELECT 1 AS id, in: w}, {load: {table: bad}}]}\n"
      "  broken: {steps: [{sql: SELECT 1 AS id, in: w}]}\n"
      "  later: {steps: [{sql: SELECT 1 AS id, in: w}, {write: x}, {load: {table: good}}]}\n",
      &checker);
  EXPECT_THAT(checker.calls, ElementsAre("table good", "pipeline fine of p"));
  EXPECT_THAT(lines_of(loaded),
              ElementsAre(HasSubstr("5:30: error: unknown type 'bigit'"), "7:3: error: seen",
                          HasSubstr("9:20: error: pipeline 'broken' ends with sql"),
                          HasSubstr("10:50: note: 'write'")));
}

TEST(Diagnostic, SaysItsSeverity) {
  EXPECT_EQ((Diagnostic{Severity::note, "what", "", {"f", 1, 2}}).to_string(), "f:1:2: note: what");
  EXPECT_EQ((Diagnostic{Severity::warning, "what", "fix", {"f", 1, 0}}).to_string(),
            "f:1: warning: what; fix");
  EXPECT_EQ((Diagnostic{Severity::error, "what", "", {}}).to_string(), "error: what");
}

}  // namespace
}  // namespace weir::config
