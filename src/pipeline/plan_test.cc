#include "pipeline/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/test_project.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class PlanTest : public testing::TestWithParam<PlanWrites> {
 protected:
  Plan plan(const std::string& pipeline, const std::vector<std::string>& keys) {
    std::vector<weir::Run> runs;
    for (const std::string& key : keys) runs.push_back(test.make_run(pipeline, key));
    Progress progress;
    auto planned =
        plan_runs(test.project, test.resources, test.clock,
                  *test.project.find_pipeline(PipelineName(pipeline)), runs, GetParam(), progress);
    EXPECT_TRUE(planned) << planned.error().to_string();
    return planned ? *std::move(planned) : Plan{};
  }

  /// All that the database holds, as text.
  std::vector<std::string> dump() {
    std::vector<std::string> all = test.query(
        "SELECT schema_name, table_name, sql FROM duckdb_tables() WHERE NOT internal ORDER BY ALL");
    for (const std::string& name :
         test.query("SELECT format('{}.{}', schema_name, table_name) FROM duckdb_tables() ORDER BY "
                    "ALL")) {
      all.push_back(name);
      for (std::string& row : test.query("SELECT * FROM " + name + " ORDER BY ALL")) {
        all.push_back(std::move(row));
      }
    }
    return all;
  }

  /// Plans, runs, and compares.
  void expect_same(const std::string& pipeline, const std::vector<std::string>& keys) {
    const auto before = dump();
    const Plan planned = plan(pipeline, keys);
    EXPECT_EQ(dump(), before) << "a plan keeps nothing";
    ASSERT_EQ(planned.inputs.size(), keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      const Receipt did = test.run(pipeline, keys[i]);
      const Receipt& would = planned.inputs[i].receipt;
      SCOPED_TRACE(keys[i] + (would.error ? ": " + would.error->to_string() : ""));
      EXPECT_EQ(would.status, did.status);
      EXPECT_EQ(would.version, did.version);
      EXPECT_TRUE(would.rows == did.rows)
          << would.rows.inserted << " " << would.rows.updated << " " << would.rows.unchanged << " "
          << would.rows.deduplicated << " " << would.rows.rejected << " " << would.rows.replaced;
      ASSERT_EQ(would.rejects.size(), did.rejects.size());
      for (size_t k = 0; k < did.rejects.size(); ++k) {
        EXPECT_EQ(would.rejects[k].raw, did.rejects[k].raw);
        EXPECT_EQ(would.rejects[k].problems.front().rule, did.rejects[k].problems.front().rule);
      }
    }
  }

  void write(const std::string& sql) {
    const auto connection = *test.database().connect();
    const auto done = connection->run(sql);
    ASSERT_TRUE(done) << done.error().to_string();
  }

  void use_mode(LoadMode mode) {
    for (Step& step : test.project.pipelines[3].steps) {
      if (auto* load = std::get_if<LoadStep>(&step)) load->mode = mode;
    }
    test.project.tables[2].stop_at = {};
    test.executor = *make_executor(test.project, test.resources, test.clock);
  }

  TestProject test;
};

INSTANTIATE_TEST_SUITE_P(All, PlanTest, testing::Values(PlanWrites::rolled_back, PlanWrites::none),
                         [](const auto& each) {
                           return each.param == PlanWrites::none ? "NoWrite" : "RolledBack";
                         });

TEST_P(PlanTest, SaysWhatARunDoesInEveryMode) {
  for (const LoadMode mode :
       {LoadMode::append, LoadMode::ignore, LoadMode::merge, LoadMode::replace}) {
    const std::string name(to_string(mode));
    SCOPED_TRACE(name);
    use_mode(mode);
    write("DELETE FROM people");
    test.drop(name + "a.csv", "id,name\n1,a\n2,b\n2,c\n3,\n");
    test.drop(name + "b.csv", "id,name\n2,c\n1,z\n4,d\nx,e\n4,e\n");
    test.drop(name + "c.csv", "id,name\n4,e\n5,toolonganame\n1,z\n");
    expect_same("people", {name + "a.csv", name + "b.csv", name + "c.csv"});
    test.drop(name + "d.csv", "id,name\n1,a\n6," + name + "\n");
    expect_same("people", {name + "d.csv", name + "d.csv"});
  }
}

TEST_P(PlanTest, SaysWhatARunDoesWithoutAKey) {
  test.project.tables[2].key.clear();
  test.project.tables[2].columns[0].rules.clear();
  test.project.tables[2].columns[1].rules.push_back({RuleKind::unique, "unique", "", "", "", {}});
  use_mode(LoadMode::append);
  test.drop("a.csv", "id,name\n1,a\n1,b\n2,b\n");
  test.drop("b.csv", "id,name\n1,b\n1,c\n");
  expect_same("people", {"a.csv", "b.csv"});
}

TEST_P(PlanTest, DescribesTheTablesItWouldMake) {
  test.drop("a.csv", "id,name\n1,a\n");
  write("DROP TABLE people");
  test.project.tables[2].schema = "crm";
  const Plan planned = plan("people", {"a.csv"});
  EXPECT_THAT(planned.ddl, ElementsAre("CREATE SCHEMA IF NOT EXISTS \"crm\"",
                                       "CREATE TABLE IF NOT EXISTS \"crm\".\"people\" (\"id\" "
                                       "INTEGER NOT NULL, \"name\" VARCHAR)"));
  EXPECT_EQ(planned.inputs.front().receipt.rows.inserted, 1u);
  EXPECT_THAT(test.query("SELECT schema_name FROM duckdb_schemas() WHERE schema_name = 'crm'"),
              IsEmpty());
  expect_same("people", {"a.csv"});
}

TEST_P(PlanTest, CountsRejectsByRuleWithAnExample) {
  test.project.tables[2].stop_at = {};
  test.drop("a.csv", "id,name\n1,a\nx,b\n,c\ny,d\n1,e\n");
  const Plan planned = plan("people", {"a.csv"});
  const auto& broken = planned.inputs.front().broken;
  ASSERT_EQ(broken.size(), 3u);
  EXPECT_EQ(broken[0].rule, "integer");
  EXPECT_EQ(broken[0].field, "id");
  EXPECT_EQ(broken[0].rows, 2u);
  EXPECT_EQ(broken[0].example.line, 3u);
  EXPECT_EQ(broken[0].example.problems.front().value, "x");
  EXPECT_EQ(broken[1].rule, "required");
  EXPECT_EQ(broken[2].rule, "key");
  EXPECT_EQ(broken[2].example.line, 6u);
  EXPECT_GT(planned.peak_memory_bytes, 1u << 20);
}

TEST_P(PlanTest, AnInputThatWouldFailLeavesNothingToThoseBehindIt) {
  test.drop("bad.csv", "id,name\n7,a\nx,b\ny,c\nz,d\n");  // stop_at: 2
  test.drop("good.csv", "id,name\n7,b\n8,c\n");
  const Plan planned = plan("people", {"bad.csv", "good.csv"});
  const Receipt& bad = planned.inputs[0].receipt;
  EXPECT_EQ(bad.status, RunState::failed);
  ASSERT_TRUE(bad.error);
  EXPECT_EQ(bad.error->code, ErrorCode::too_many_rejects);
  EXPECT_THAT(bad.error->message, HasSubstr("4 rows had been read and 3 rejected"));
  EXPECT_EQ(bad.rejects.size(), 3u);
  ASSERT_EQ(planned.inputs[0].broken.size(), 1u);
  EXPECT_EQ(planned.inputs[0].broken[0].rows, 3u);
  EXPECT_EQ(planned.inputs[1].receipt.rows.inserted, 2u);
}

TEST_P(PlanTest, AnInputThatCannotBeReadIsLeftOut) {
  test.drop("a.csv", "id,name\n1,a\n");
  test.drop("b.csv.gz", "this is no gzip");
  test.drop("c.csv", "id,name\n1,b\n2,c\n");
  const auto before = dump();
  const Plan planned = plan("people", {"a.csv", "b.csv.gz", "missing.csv", "c.csv"});
  EXPECT_EQ(planned.inputs[0].receipt.rows.inserted, 1u);
  EXPECT_EQ(planned.inputs[1].receipt.status, RunState::failed);
  EXPECT_EQ(planned.inputs[2].receipt.error->code, ErrorCode::not_found);
  EXPECT_EQ(planned.inputs[3].receipt.rows.inserted, 1u);
  EXPECT_EQ(planned.inputs[3].receipt.rows.rejected, 1u);
  EXPECT_EQ(dump(), before);
}

TEST_P(PlanTest, AConstraintOfTheDatabasesOwnIsSeenByWriting) {
  write(
      "DROP TABLE people; CREATE TABLE people (id INTEGER NOT NULL, name VARCHAR, CHECK (id < "
      "9))");
  test.drop("a.csv", "id,name\n1,a\n");
  test.drop("b.csv", "id,name\n2,b\n9,b\n");
  test.drop("c.csv", "id,name\n1,c\n2,c\n");
  const auto before = dump();
  const Plan planned = plan("people", {"a.csv", "b.csv", "c.csv"});
  EXPECT_EQ(dump(), before);
  EXPECT_EQ(planned.inputs[0].receipt.rows.inserted, 1u);
  const bool writes = GetParam() == PlanWrites::rolled_back;
  EXPECT_EQ(planned.inputs[1].receipt.status, writes ? RunState::failed : RunState::succeeded);
  // What failed has left nothing: c finds a's row, and no row of b.
  EXPECT_EQ(planned.inputs[2].receipt.rows.rejected, writes ? 1u : 2u);
  if (writes) expect_same("people", {"a.csv", "c.csv"});
}

TEST_P(PlanTest, ADriftedTableIsSaidBeforeAnythingIsRead) {
  const auto connection = *test.database().connect();
  ASSERT_TRUE(
      connection->run("ALTER TABLE people ADD COLUMN must INTEGER; ALTER TABLE people ALTER "
                      "must SET NOT NULL"));
  test.drop("a.csv", "id,name\n1,a\n");
  const Plan planned = plan("people", {"a.csv"});
  ASSERT_TRUE(planned.error);
  EXPECT_THAT(planned.error->fix, HasSubstr("weir drift"));
  EXPECT_EQ(planned.inputs.front().receipt.status, RunState::failed);
  EXPECT_TRUE(plan("people", {}).error);
}

TEST_P(PlanTest, QueriesArePlannedToo) {
  const auto connection = *test.database().connect();
  ASSERT_TRUE(
      connection->run("INSERT INTO hits VALUES (1, 1, '2020-01-01', 'm', 3), (2, 1, "
                      "'2020-01-01', 'm', 4), (1, 1, '2020-01-02', 'm', 5)"));
  const auto before = dump();
  const Plan planned = plan("daily", {""});
  EXPECT_EQ(planned.inputs.front().receipt.rows.inserted, 2u);
  EXPECT_EQ(dump(), before);
  EXPECT_TRUE(planned.inputs.front().receipt.rows == test.run("daily", "").rows);
  EXPECT_EQ(plan("daily", {""}).inputs.front().receipt.rows.unchanged, 2u);
}

TEST_P(PlanTest, WhatIsLoadedIsSkipped) {
  test.drop("a.csv", "id,name\n1,a\n");
  test.run("people", "a.csv");
  EXPECT_EQ(plan("people", {"a.csv"}).inputs.front().receipt.status, RunState::skipped);
}

TEST_P(PlanTest, IsStoppedBetweenBlocks) {
  test.drop("a.csv", "id,name\n1,a\n");
  const weir::Run run = test.make_run("people", "a.csv");
  Progress progress;
  progress.cancel = true;
  const auto planned = plan_runs(test.project, test.resources, test.clock,
                                 test.project.pipelines[3], {&run, 1}, GetParam(), progress);
  ASSERT_FALSE(planned);
  EXPECT_EQ(planned.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace weir::pipeline
