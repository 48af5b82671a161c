#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/mend_export.h"
#include "pipeline/test_project.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ReplayTest : public testing::Test {
 protected:
  RejectedRun rejected(const RunId& run) {
    auto found = find_rejected_run(test_.resources, run.value());
    EXPECT_TRUE(found) << found.error().to_string();
    return *found;
  }
  std::string mend_file(const RunId& run, MendFormat format = MendFormat::csv) {
    std::string text;
    const auto done = export_rejects(test_.project, test_.resources, rejected(run), format,
                                     [&](const auto& part) {
                                       text += part;
                                       return true;
                                     });
    EXPECT_TRUE(done) << done.error().to_string();
    return text;
  }
  Receipt replay(const RunId& run, const std::string& file = {}, bool others = false) {
    weir::Run again = test_.make_run(rejected(run).pipeline.value(),
                                     rejected(run).object ? rejected(run).object->key.value() : "");
    again.trigger = replay_trigger;
    ReplayOrder order{rejected(run), {}, "mended.csv", others};
    if (!file.empty()) {
      order.file = test_.project.root / "mended";
      std::ofstream(order.file, std::ios::binary) << file;
    }
    test_.executor->order_replay(again.id, std::move(order));
    Progress progress;
    return test_.executor->execute({&again, 1}, progress).front().receipt;
  }
  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from << " is not in " << text;
    return text.replace(at, from.size(), to);
  }
  std::vector<std::string> quarantine(const std::string& columns) {
    return test_.query("SELECT " + columns + " FROM weir_rejects ORDER BY reject_id");
  }
  void reopen() { test_.executor = *make_executor(test_.project, test_.resources, test_.clock); }
  Pipeline& pipeline(const std::string& name) {
    for (Pipeline& pipeline : test_.project.pipelines) {
      if (pipeline.name.value() == name) return pipeline;
    }
    return test_.project.pipelines.front();
  }
  TestProject test_;
};

TEST_F(ReplayTest, MendedRowsLoadAndAreResolvedInOneRun) {
  test_.drop("a.csv", "name,id\nann,1\nbob,x\n\"a name, too long\",3\n");
  const Receipt first = test_.run("people", "a.csv");
  ASSERT_EQ(first.rows.rejected, 2u);
  std::string file = mend_file(first.run);
  EXPECT_EQ(file,
            "weir_reject,weir_line,weir_problem,id,name\n"
            "1,3,id: 'x' does not fit integer,x,bob\n"
            "2,4,name: the text has more than 10 characters,3,\"a name, too long\"\n");
  file = replaced(replaced(file, ",x,", ",2,"), "\"a name, too long\"", "cyd");
  const Receipt receipt = replay(first.run, file);
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_EQ(receipt.status, RunState::succeeded);
  EXPECT_EQ(receipt.rows.read, 2u);
  EXPECT_EQ(receipt.rows.inserted, 2u);
  EXPECT_TRUE(receipt.rows.balances());
  EXPECT_EQ(receipt.object->key.value(), "a.csv");
  EXPECT_EQ(receipt.version, first.version);
  EXPECT_THAT(test_.query("SELECT id, name FROM people ORDER BY id"),
              ElementsAre("1|ann", "2|bob", "3|cyd"));
  const std::string by = "'" + receipt.run.value() + "'";
  EXPECT_THAT(quarantine("resolution, resolved_by = " + by + ", resolved_at IS NOT NULL, mended"),
              ElementsAre(R"(replayed|true|true|{"id":"2","name":"bob"})",
                          R"(replayed|true|true|{"id":"3","name":"cyd"})"));
  EXPECT_THAT(
      test_.query("SELECT replay_of, status, rows_loaded FROM weir_loads WHERE run_id = " + by),
      ElementsAre(first.run.value() + "|succeeded|2"));
  EXPECT_EQ(rejected(first.run).unresolved, 0u);
  // The object counts as loaded as before, and its replay as none of its loads.
  EXPECT_EQ(test_.run("people", "a.csv").status, RunState::skipped);
}

TEST_F(ReplayTest, WhatIsStillBadStaysWithItsNewProblems) {
  test_.drop("a.csv", "id,name\nx,ann\ny,bob\n");
  const RunId run = test_.run("people", "a.csv").run;
  const std::string file = replaced(replaced(mend_file(run), ",x,", ",1,"), ",y,", ",2.5,");
  const Receipt receipt = replay(run, file);
  EXPECT_EQ(receipt.status, RunState::partial);
  EXPECT_EQ(receipt.rows.inserted, 1u);
  ASSERT_EQ(receipt.rejects.size(), 1u);
  EXPECT_EQ(receipt.rejects[0].element, 2u);
  EXPECT_EQ(receipt.rejects[0].line, 3u);
  EXPECT_EQ(receipt.rejects[0].problems[0].value, "2.5");
  EXPECT_THAT(quarantine("resolution, value, message, raw"),
              ElementsAre("replayed|x|'x' does not fit integer|x,ann",
                          "NULL|2.5|'2.5' does not fit integer|y,bob"));
  // The file to mend goes on from what was tried last.
  EXPECT_THAT(mend_file(run), HasSubstr("2,3,id: '2.5' does not fit integer,2.5,bob\n"));
  EXPECT_EQ(replay(run, replaced(mend_file(run), ",2.5,", ",2,")).status, RunState::succeeded);
  EXPECT_EQ(rejected(run).unresolved, 0u);
  EXPECT_THAT(test_.query("SELECT count(*) FROM people"), ElementsAre("2"));
}

TEST_F(ReplayTest, RelaxedRulesNeedNoFile) {
  test_.drop("a.csv", "id,name\n1,twelve chars\n,nobody\n");
  const RunId run = test_.run("people", "a.csv").run;
  EXPECT_EQ(replay(run).rows.rejected, 2u) << "nothing has changed";
  test_.project.tables[2].columns[1].type = *parse_data_type("varchar(20)");
  reopen();
  const Receipt receipt = replay(run);
  EXPECT_EQ(receipt.rows.inserted, 1u);
  EXPECT_EQ(receipt.rows.rejected, 1u);
  EXPECT_THAT(quarantine("resolution, mended"), ElementsAre("replayed|NULL", "NULL|NULL"));
}

TEST_F(ReplayTest, OnlyTheRowsOfTheFileAreTriedUnlessAllAreWanted) {
  test_.drop("a.csv", "id,name\nx,ann\ny,bob\n");
  const RunId run = test_.run("people", "a.csv").run;
  const std::string file = "weir_reject,id,name\n1,1,ann\n";
  EXPECT_EQ(replay(run, replaced(file, "1,1", "1,one")).rows.read, 1u);
  const Receipt receipt = replay(run, file, true);
  EXPECT_EQ(receipt.rows.read, 2u);
  EXPECT_EQ(receipt.rows.inserted, 1u);
  EXPECT_EQ(receipt.rows.rejected, 1u);
}

TEST_F(ReplayTest, JsonThroughSelectAndWhere) {
  test_.drop(
      "a.json",
      R"([{"userId":"12345678901234567890","visitId":1,"date":"20170732","device":"mobile","hit":[{"a":1},2]},
                 {"userId":"1","visitId":2,"date":"20170701","device":"tablet","hit":[]},
                 {"userId":"1","visitId":"x","date":"20170701","device":"desktop","hit":[]}])");
  const Receipt first = test_.run("mobile", "a.json");
  EXPECT_EQ(first.rows.filtered, 1u);
  ASSERT_EQ(first.rows.rejected, 2u);
  std::string file = mend_file(first.run, MendFormat::json);
  EXPECT_THAT(file, HasSubstr(R"("date":"20170732","device":"mobile","hit":[{"a":1},2]})"));
  file = replaced(replaced(file, R"("date":"20170732")", R"("date":"20170731")"),
                  R"("visitId":"x")", R"("visitId":3)");
  const Receipt receipt = replay(first.run, file);
  EXPECT_EQ(receipt.rows.read, 2u);
  EXPECT_EQ(receipt.rows.inserted, 1u);
  EXPECT_EQ(receipt.rows.filtered, 1u) << "mended, it is no mobile";
  EXPECT_THAT(test_.query("SELECT user_id, visit_id, date, hit_count FROM hits"),
              ElementsAre("12345678901234567890|1|2017-07-31|2"));
  EXPECT_EQ(rejected(first.run).unresolved, 0u);
}

TEST_F(ReplayTest, JsonMendedAsCsv) {
  test_.drop("a.json",
             R"({"userId":9117776942963408674,"visitId":1.5,"date":"20170701","hit":["a, b"]})");
  const RunId run = test_.run("load", "a.json").run;
  const std::string file = mend_file(run);
  EXPECT_THAT(file, HasSubstr(",'9117776942963408674,1.5,20170701,,\"[\"\"a, b\"\"]\"\n"));
  EXPECT_EQ(replay(run, replaced(file, ",1.5,", ",15,")).rows.inserted, 1u);
  EXPECT_THAT(test_.query("SELECT user_id, visit_id, device, hit_count FROM hits"),
              ElementsAre("9117776942963408674|15|NULL|1"));
}

TEST_F(ReplayTest, BrokenRecordsNeedTheFile) {
  test_.drop("a.csv", "id,name\n1,ann,more\n2\n\"3\"x,cyd\n4,b\xE9\n");
  test_.project.tables[2].stop_at.rejected.reset();
  reopen();
  const RunId run = test_.run("people", "a.csv").run;
  const std::string file = mend_file(run);
  EXPECT_EQ(file,
            "weir_reject,weir_line,weir_problem,id,name\n"
            "1,2,\"the row has 3 instead of 2 fields; the record: 1,ann,more\",1,ann\n"
            "2,3,the row has 1 instead of 2 fields; the record: 2,2,\n"
            "3,4,\"the record cannot be read: text after a closing quote; the record: "
            "\"\"3\"\"x,cyd\",,\n"
            "4,5,\"the bytes are not UTF-8; the record: 4,b\\xe9\",4,b\\xe9\n");
  // As they are they cannot be tried, with or without a file that does not change them.
  EXPECT_EQ(replay(run).rows.rejected, 4u);
  const Receipt untouched = replay(run, file);
  EXPECT_EQ(untouched.rows.rejected, 4u);
  EXPECT_THAT(untouched.rejects[0].problems[0].message,
              HasSubstr("give the mended record with --with"));
  const Receipt receipt =
      replay(run, "weir_reject,id,name\n1,1,ann m\n2,2,bob\n3,3,cyd\n4,4,b\xC3\xA9\n");
  EXPECT_EQ(receipt.rows.inserted, 4u);
  EXPECT_THAT(test_.query("SELECT id, name FROM people ORDER BY id"),
              ElementsAre("1|ann m", "2|bob", "3|cyd", "4|bé"));
}

TEST_F(ReplayTest, RecordsLongerThanWhatIsKeptAreFetchedAgain) {
  const std::string filler(6000, 'f');
  test_.drop("a.json", "{\"userId\":\"1\",\"visitId\":\"x\",\"date\":\"20170701\",\"hit\":[\"" +
                           filler + "\"]}\n" +
                           "{\"userId\":\"2\",\"visitId\":\"y\",\"date\":\"20170701\",\"hit\":[\"" +
                           filler + "\"]}\n");
  const RunId run = test_.run("load", "a.json").run;
  std::string file = mend_file(run, MendFormat::json);
  EXPECT_THAT(file, HasSubstr(filler));
  EXPECT_EQ(replay(run, replaced(file, "\"x\"", "1")).rows.inserted, 1u);
  // Another version: its bytes say nothing about the row any more.
  test_.drop("a.json", "{}");
  const Receipt refused = replay(run);
  EXPECT_EQ(refused.rows.rejected, 1u);
  EXPECT_THAT(refused.rejects[0].problems[0].message,
              HasSubstr("'a.json' is not in the version any more in which the row was rejected"));
  EXPECT_EQ(rejected(run).unresolved, 1u);
}

TEST_F(ReplayTest, AMendedFileThatDoesNotFitSaysWhereAndChangesNothing) {
  test_.drop("a.csv", "id,name\nx,ann\ny,bob\n");
  const RunId run = test_.run("people", "a.csv").run;
  test_.drop("b.csv", "id,name\nz,cyd\n");
  const RunId other = test_.run("people", "b.csv").run;
  const auto error = [&](const std::string& file) {
    const Receipt receipt = replay(run, file);
    return receipt.error ? receipt.error->to_string() : "no error";
  };
  EXPECT_EQ(error("weir_reject,id,name\n1,1,ann\n99,2,bob\n"),
            "mended.csv:3:1: there is no reject 99; take the row out; `weir rejects RUN` lists the "
            "ids");
  EXPECT_EQ(error("weir_reject,id,name\n3,1,ann\n"),
            "mended.csv:2:1: reject 3 is of run " + other.value() + ", not of " + run.value() +
                "; give its row to `weir replay " + other.value() + "`");
  EXPECT_EQ(error("id,weir_reject,name\n1,1,ann\n2,2,bob\n7,1,ann\n"),
            "mended.csv:4:3: reject 1 is there twice; keep one of the rows");
  EXPECT_EQ(error("weir_reject,id\n1,1\n"),
            "mended.csv:1:1: the file has no column 'name'; leave the columns as `weir rejects` "
            "wrote them");
  EXPECT_THAT(test_.query("SELECT count(*) FROM people"), ElementsAre("0"));
  const Receipt good = replay(run, "weir_reject,id,name\n1,1,ann\n");
  EXPECT_EQ(error("weir_reject,id,name\n1,1,ann\n"),
            "mended.csv:2:1: reject 1 is resolved already (replayed by run " + good.run.value() +
                "); take its row out");
}

TEST_F(ReplayTest, KeysAreJudgedAgainstTheTableAsItIsNow) {
  test_.drop("a.csv", "id,name\n1,ann\n1,bob\n2,cyd\nx,dan\n");
  const RunId run = test_.run("people", "a.csv").run;
  const std::string file = mend_file(run);
  EXPECT_THAT(file, HasSubstr("1,bob"));
  const Receipt receipt = replay(run, replaced(file, ",x,", ",2,"));
  EXPECT_EQ(receipt.rows.rejected, 2u);
  EXPECT_EQ(replay(run, replaced(replaced(mend_file(run), ",1,bob", ",3,bob"), ",2,dan", ",4,dan"))
                .rows.inserted,
            2u);
}

TEST_F(ReplayTest, RowsOfAStoppedRunAreNotReplayed) {
  test_.drop("a.csv", "id,name\nx,a\ny,b\nz,c\n1,d\n");
  const RunId run = test_.run("people", "a.csv").run;
  const Receipt receipt = replay(run);
  ASSERT_TRUE(receipt.error);
  EXPECT_THAT(receipt.error->to_string(), HasSubstr("rolled back"));
  EXPECT_THAT(receipt.error->fix, HasSubstr("weir run people --object landing/a.csv --force"));
}

TEST_F(ReplayTest, AReplayWithoutItsOrderGivesTheReceiptItCommitted) {
  test_.drop("a.csv", "id,name\nx,a\n");
  const RunId run = test_.run("people", "a.csv").run;
  const Receipt done = replay(run, "weir_reject,id,name\n1,1,a\n");
  weir::Run again = test_.make_run("people", "a.csv");
  again.trigger = replay_trigger;
  Progress progress;
  const Receipt lost = test_.executor->execute({&again, 1}, progress).front().receipt;
  ASSERT_TRUE(lost.error);
  EXPECT_FALSE(lost.error->retryable());
  again.id = done.run;
  const Receipt found = test_.executor->execute({&again, 1}, progress).front().receipt;
  EXPECT_FALSE(found.error);
  EXPECT_EQ(found.rows, done.rows);
}

TEST_F(ReplayTest, DismissedRejectsAreLeftAlone) {
  test_.drop("a.csv", "id,name\nx,a\n");
  const RunId run = test_.run("people", "a.csv").run;
  EXPECT_EQ(*dismiss_rejects(test_.resources, rejected(run), test_.clock.now()), 1u);
  EXPECT_EQ(*dismiss_rejects(test_.resources, rejected(run), test_.clock.now()), 0u);
  EXPECT_EQ(replay(run).rows.read, 0u);
  EXPECT_EQ(rejected(run).resolved, 1u);
}

TEST_F(ReplayTest, RunsAreFoundByABeginningOrAsTheLastOne) {
  test_.drop("a.csv", "id,name\nx,a\n");
  const RunId first = test_.run("people", "a.csv").run;
  test_.drop("b.csv", "id,name\ny,a\n");
  const RunId second = test_.run("people", "b.csv").run;
  EXPECT_EQ(find_rejected_run(test_.resources, "last")->run, second);
  *dismiss_rejects(test_.resources, rejected(second), test_.clock.now());
  EXPECT_EQ(find_rejected_run(test_.resources, "last")->run, first);
  EXPECT_EQ(find_rejected_run(test_.resources, first.value().substr(0, 25))->run, first);
  const auto many = find_rejected_run(test_.resources, "0");
  ASSERT_FALSE(many);
  EXPECT_THAT(many.error().message, HasSubstr("2 runs"));
  EXPECT_EQ(find_rejected_run(test_.resources, "zz").error().code, ErrorCode::not_found);
  const Receipt receipt = replay(first, "weir_reject,id,name\n1,1,a\n");
  EXPECT_EQ(find_rejected_run(test_.resources, receipt.run.value())->run, first);
}

}  // namespace
}  // namespace weir::pipeline
