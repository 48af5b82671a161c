#include "config/init_project.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "config/diagnostics_for_test.h"
#include "io/temporary_folder_for_test.h"

namespace weir::config {
namespace {

using testing::ElementsAre;

ReadColumn column(std::string name, std::string_view type) {
  const Result<DataType> parsed = parse_data_type(type);
  EXPECT_TRUE(parsed) << type;
  return {std::move(name), *parsed, {}};
}

TEST(InitProject, StarterProjectValidates) {
  const io::TemporaryFolder folder;
  const auto written = write_starter_project(folder.path("new/project"));
  ASSERT_TRUE(written) << written.error().to_string();
  for (const auto& path : *written) EXPECT_TRUE(std::filesystem::is_regular_file(path)) << path;
  const LoadedProject loaded = load_project({folder.path("new/project"), ""}, nullptr);
  EXPECT_THAT(lines_of(loaded), ElementsAre());
  EXPECT_EQ(loaded.project.name, "project");
  const Pipeline* pipeline = loaded.project.find_pipeline(PipelineName(starter_project_pipeline));
  ASSERT_TRUE(pipeline);
  const auto& trigger = std::get<ObjectTrigger>(pipeline->triggers.at(0));
  const BucketConfig* bucket = loaded.project.find_bucket(trigger.bucket);
  ASSERT_TRUE(bucket);
  EXPECT_EQ(trigger.pattern, "*.csv");

  // The sample holds the columns the file declares, in every row.
  std::ifstream sample(bucket->path / "orders.csv");
  std::string header;
  ASSERT_TRUE(std::getline(sample, header));
  std::string declared;
  for (const ReadColumn& each : std::get<ReadStep>(pipeline->steps.at(0)).columns) {
    declared += (declared.empty() ? "" : ",") + each.name;
  }
  EXPECT_EQ(header, declared);
}

TEST(InitProject, NothingIsOverwritten) {
  const io::TemporaryFolder folder;
  ASSERT_TRUE(write_starter_project(folder.path()));
  const auto again = write_starter_project(folder.path());
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::already_exists);

  const io::TemporaryFolder other;
  std::ofstream(other.path("weir.yaml")) << "mine";
  ASSERT_FALSE(write_starter_project(other.path()));
  EXPECT_FALSE(std::filesystem::exists(other.path("landing")))
      << "nothing is written before the check";
  std::ostringstream text;
  text << std::ifstream(other.path("weir.yaml")).rdbuf();
  EXPECT_EQ(text.str(), "mine");
}

TEST(InitProject, AFolderThatCannotBeIsAnError) {
  const io::TemporaryFolder folder;
  std::ofstream(folder.path("file")) << "x";
  const auto written = write_starter_project(folder.path("file/project"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::io);
}

TEST(InitProject, FromACsvSample) {
  InferredSource source;
  source.format = Format::csv;
  source.dialect.delimiter = ';';
  source.dialect.header = false;
  source.dialect.null_text = "NA";
  source.columns = {column("id", "bigint"), column("price", "decimal(10,2)"),
                    column("the day", "date")};
  source.sample_file_name = "orders 2024.csv.gz";
  source.table_name = "orders 2024";
  const std::string yaml = starter_project_yaml("shop", source);
  const LoadedProject loaded = load_text(yaml);
  EXPECT_THAT(lines_of(loaded), ElementsAre()) << yaml;
  EXPECT_EQ(loaded.project.name, "shop");
  const Table* table = loaded.project.find_table(TableName("orders_2024"));
  ASSERT_TRUE(table) << yaml;
  EXPECT_EQ(table->columns[1].type.to_string(), "decimal(10,2)");
  EXPECT_EQ(table->columns[2].name, "the day");
  const Pipeline& pipeline = loaded.project.pipelines.at(0);
  EXPECT_EQ(pipeline.name, PipelineName("load-orders_2024"));
  EXPECT_EQ(std::get<ObjectTrigger>(pipeline.triggers[0]).pattern, "*.csv.gz");
  const auto& read = std::get<ReadStep>(pipeline.steps[0]);
  EXPECT_EQ(read.csv.delimiter, ';');
  EXPECT_FALSE(read.csv.header);
  EXPECT_EQ(read.csv.null_text, "NA");
  EXPECT_EQ(read.csv.escape, '"');
}

TEST(InitProject, FromAJsonSample) {
  InferredSource source;
  source.format = Format::json;
  source.layout = JsonLayout::lines;
  source.columns = {column("userId", "varchar"), column("hit", "json[]"),
                    column("USERID", "bigint")};
  source.sample_file_name = "x.ndjson";
  source.table_name = "x";
  const LoadedProject loaded = load_text(starter_project_yaml("p", source));
  EXPECT_THAT(lines_of(loaded), ElementsAre());
  const auto& read = std::get<ReadStep>(loaded.project.pipelines.at(0).steps.at(0));
  EXPECT_EQ(read.layout, JsonLayout::lines);
  ASSERT_EQ(read.columns.size(), 2u) << "SQL could not tell userId from USERID";
  EXPECT_EQ(read.columns[1].type.to_string(), "json[]");
}

TEST(InitProject, WildNamesStillValidate) {
  InferredSource source;
  source.format = Format::csv;
  source.dialect.delimiter = '\t';
  source.dialect.quote = '\0';
  source.dialect.escape = '\0';
  source.dialect.null_text = "\\N # \"x\"";
  for (const std::string name : {"",      "null",        "~",
                                 "yes",   "123",         "a: b",
                                 "#",     "- x",         "{",
                                 "\"q\"", "it's",        "\n\t\x01",
                                 "ü",     "\xff\xfe",    "A",
                                 "a",     "a",           "*",
                                 "&x",    "!y",          "%",
                                 "@",     "`",           "| key",
                                 "?",     ",",           "<<",
                                 "=",     "${env:HOME}", "a\\b",
                                 " lead", "trail ",      "\xEF\xBB\xBFid"}) {
    source.columns.push_back(column(name, "varchar"));
  }
  source.columns.push_back(column(std::string(5000, 'x'), "varchar"));
  for (const std::string sample :
       {"", "no-ending", "*.csv", "a.c v", "x\ny.csv", "...", "\xc3.csv"}) {
    for (const std::string table : {"", "Ünsinn!", "1", "---", "a/b", "null", "yes"}) {
      source.sample_file_name = sample;
      source.table_name = table;
      const std::string yaml = starter_project_yaml("n: {a}\n#", source);
      const LoadedProject loaded = load_text(yaml);
      ASSERT_THAT(lines_of(loaded), ElementsAre()) << yaml;
      EXPECT_EQ(std::get<ReadStep>(loaded.project.pipelines.at(0).steps.at(0)).columns.size(),
                source.columns.size());
      EXPECT_EQ(loaded.project.name, "n: {a}_#");
    }
  }
}

TEST(InitProject, NoColumnsStillValidate) {
  EXPECT_THAT(lines_of(load_text(starter_project_yaml("", {}))), ElementsAre());
}

}  // namespace
}  // namespace weir::config
