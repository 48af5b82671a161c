#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/plan.h"
#include "pipeline/server_for_test.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ServerPlan : public testing::TestWithParam<PlanWrites> {
 protected:
  ServerPlan() : test(Engine::postgres, database.url()) { people().stop_at = {}; }

  Table& people() { return test.project.tables[2]; }
  bool writes() const { return GetParam() == PlanWrites::rolled_back; }

  Plan plan(const std::vector<std::string>& keys) {
    std::vector<weir::Run> runs;
    for (const std::string& key : keys) runs.push_back(test.make_run("people", key));
    Progress progress;
    auto planned = plan_runs(test.project, test.resources, test.clock, test.project.pipelines[3],
                             runs, GetParam(), progress);
    EXPECT_TRUE(planned) << planned.error().to_string();
    return planned ? *std::move(planned) : Plan{};
  }

  /// All that the database holds, as text.
  std::vector<std::string> dump() {
    std::vector<std::string> all = database.query(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE "
        "schemaname NOT IN ('pg_catalog', 'information_schema') AND schemaname NOT LIKE 'pg_temp%' "
        "ORDER BY 1");
    for (const std::string& name : std::vector(all)) {
      for (std::string& row :
           database.query("SELECT t::text FROM " + name + " t ORDER BY t::text COLLATE \"C\"")) {
        all.push_back(std::move(row));
      }
    }
    return all;
  }

  /// Plans, runs, and compares.
  void expect_same(const std::vector<std::string>& keys) {
    const auto before = dump();
    const Plan planned = plan(keys);
    EXPECT_EQ(dump(), before) << "a plan keeps nothing";
    ASSERT_EQ(planned.inputs.size(), keys.size());
    EXPECT_EQ(planned.writes, GetParam());
    for (size_t i = 0; i < keys.size(); ++i) {
      const Receipt did = test.run("people", keys[i]);
      const Receipt& would = planned.inputs[i].receipt;
      SCOPED_TRACE(keys[i] + (would.error ? ": " + would.error->to_string() : ""));
      EXPECT_EQ(would.status, did.status) << (did.error ? did.error->to_string() : "");
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

  void use_mode(LoadMode mode) {
    for (Step& step : test.project.pipelines[3].steps) {
      if (auto* load = std::get_if<LoadStep>(&step)) load->mode = mode;
    }
    test.executor = *make_executor(test.project, test.resources, test.clock);
  }

  PostgresDatabase database;
  TestProject test;
};

INSTANTIATE_TEST_SUITE_P(Postgres, ServerPlan,
                         testing::Values(PlanWrites::rolled_back, PlanWrites::none),
                         [](const auto& each) {
                           return each.param == PlanWrites::none ? "NoWrite" : "RolledBack";
                         });

/// With a parent, a unique column, a column that names the table itself, and nothing there at all.
TEST_P(ServerPlan, SaysWhatARunDoesInEveryMode) {
  people().columns.push_back({"boss", *parse_data_type("integer"), {}, {}});
  people().columns[2].rules.push_back(
      {RuleKind::references, "references people(id)", "", "people", "id", {}});
  for (const LoadMode mode :
       {LoadMode::append, LoadMode::ignore, LoadMode::merge, LoadMode::replace}) {
    const std::string name(to_string(mode));
    SCOPED_TRACE(name);
    use_mode(mode);
    if (mode != LoadMode::append) database.write({"DELETE FROM people"});
    test.drop(name + "a.csv", "id,name,boss\n1,a,\n2,b,1\n2,c,\n3,,9\n");
    test.drop(name + "b.csv", "id,name,boss\n2,c,1\n1,z,\n4,d,2\nx,e,\n4,e,\n");
    test.drop(name + "c.csv", "id,name,boss\n4,e,5\n5,toolonganame,1\n1,z,4\n");
    expect_same({name + "a.csv", name + "b.csv", name + "c.csv"});
    test.drop(name + "d.csv", "id,name,boss\n1,a,\n6," + name + ",6\n");
    expect_same({name + "d.csv", name + "d.csv"});
  }
}

TEST_P(ServerPlan, NothingIsThereAfterAPlan) {
  people().schema = "crm";
  people().columns[1].rules.push_back(
      {RuleKind::references, "references daily_totals(users)", "", "daily_totals", "users", {}});
  test.drop("a.csv", "id,name\n1,a\n2,\n");
  test.drop("b.csv", "id,name\n2,\n3,\n");
  people().columns[1].type = *parse_data_type("bigint");
  const Plan planned = plan({"a.csv", "b.csv"});
  EXPECT_THAT(dump(), IsEmpty());
  EXPECT_THAT(database.query("SELECT 1 FROM pg_namespace WHERE nspname = 'crm'"), IsEmpty());
  EXPECT_THAT(planned.ddl,
              testing::Contains("CREATE TABLE IF NOT EXISTS \"crm\".\"people\" (\"id\" "
                                "integer NOT NULL, \"name\" bigint, PRIMARY KEY "
                                "(\"id\"))"));
  EXPECT_THAT(planned.ddl, testing::Contains(HasSubstr("weir_loads (")));
  EXPECT_THAT(planned.ddl, testing::Contains(HasSubstr("\"daily_totals\"")));
  EXPECT_EQ(planned.inputs[0].receipt.rows.inserted, 1u);
  EXPECT_EQ(planned.inputs[0].receipt.rows.rejected, 1u);
  EXPECT_EQ(planned.inputs[1].receipt.rows.rejected, 1u);
  expect_same({"a.csv", "b.csv"});
}

/// Immediate, deferred, and a trigger's: each takes its row out, as in a run.
TEST_P(ServerPlan, WhatTheServerRefusesIsRejectedAsInARun) {
  database.write(
      {"CREATE TABLE names (name text PRIMARY KEY)", "INSERT INTO names VALUES ('a'), ('c')",
       "CREATE TABLE people (id integer PRIMARY KEY CHECK (id < 9), name varchar(10) REFERENCES "
       "names DEFERRABLE INITIALLY DEFERRED)",
       "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id = 5 THEN RAISE "
       "'no fives'; END IF; RETURN NEW; END $$",
       "CREATE TRIGGER tr BEFORE INSERT ON people FOR EACH ROW EXECUTE FUNCTION f()"});
  test.drop("a.csv", "id,name\n1,a\n");
  test.drop("check.csv", "id,name\n2,a\n9,a\n");
  test.drop("deferred.csv", "id,name\n3,nobody\n");
  test.drop("trigger.csv", "id,name\n4,a\n5,a\n");
  test.drop("c.csv", "id,name\n1,c\n2,c\n3,c\n4,c\n");
  const auto before = dump();
  const Plan planned = plan({"a.csv", "check.csv", "deferred.csv", "trigger.csv", "c.csv"});
  EXPECT_EQ(dump(), before);
  EXPECT_EQ(planned.inputs[0].receipt.rows.inserted, 1u);
  const RunState refused = writes() ? RunState::partial : RunState::succeeded;
  for (size_t i : {1, 2, 3}) EXPECT_EQ(planned.inputs[i].receipt.status, refused) << i;
  EXPECT_EQ(planned.inputs[4].receipt.rows.rejected, writes() ? 3u : 4u);
  if (!writes()) return;
  for (size_t i : {1, 2, 3}) EXPECT_EQ(planned.inputs[i].receipt.rows.rejected, 1u) << i;
  expect_same({"a.csv", "check.csv", "deferred.csv", "trigger.csv", "c.csv"});
}

TEST_P(ServerPlan, AnInputThatWouldFailLeavesNothingToThoseBehindIt) {
  people().stop_at.rejected = 2;
  test.drop("bad.csv", "id,name\n7,a\nx,b\ny,c\nz,d\n");
  test.drop("good.csv", "id,name\n7,b\n8,c\n");
  test.drop("broken.csv.gz", "this is no gzip");
  const Plan planned = plan({"bad.csv", "broken.csv.gz", "missing.csv", "good.csv"});
  const Receipt& bad = planned.inputs[0].receipt;
  ASSERT_TRUE(bad.error);
  EXPECT_EQ(bad.error->code, ErrorCode::too_many_rejects);
  EXPECT_THAT(bad.error->message, HasSubstr("4 rows had been read and 3 rejected"));
  ASSERT_EQ(planned.inputs[0].broken.size(), 1u);
  EXPECT_EQ(planned.inputs[0].broken[0].rows, 3u);
  EXPECT_EQ(planned.inputs[1].receipt.status, RunState::failed);
  EXPECT_EQ(planned.inputs[2].receipt.error->code, ErrorCode::not_found);
  EXPECT_EQ(planned.inputs[3].receipt.rows.inserted, 2u);
  EXPECT_THAT(dump(), IsEmpty());
}

TEST_P(ServerPlan, ADriftedTableIsSaidBeforeAnythingIsRead) {
  database.write({"CREATE TABLE people (id integer PRIMARY KEY, name integer)"});
  test.drop("a.csv", "id,name\n1,a\n");
  const Plan planned = plan({"a.csv"});
  ASSERT_TRUE(planned.error);
  EXPECT_THAT(planned.error->fix, HasSubstr("weir drift"));
  EXPECT_EQ(planned.inputs.front().receipt.status, RunState::failed);
}

TEST_P(ServerPlan, WhatIsLoadedIsSkipped) {
  test.drop("a.csv", "id,name\n1,a\n");
  test.run("people", "a.csv");
  EXPECT_EQ(plan({"a.csv"}).inputs.front().receipt.status, RunState::skipped);
}

}  // namespace
}  // namespace weir::pipeline
