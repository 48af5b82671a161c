#include "cli/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/frames.h"
#include "cli/services_for_test.h"

namespace weir::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using text::Json;

class VectorSink final : public owner::FrameSink {
 public:
  bool send(const Json& frame) override {
    if (frames.size() >= limit) return false;
    frames.push_back(frame);
    return true;
  }
  std::vector<std::string> kinds() const {
    std::vector<std::string> out;
    for (const Json& frame : frames) out.push_back(frame["frame"].as_string());
    return out;
  }
  std::vector<Json> frames;
  size_t limit = SIZE_MAX;
};

class AnswerTest : public ::testing::Test {
 protected:
  Result<void> ask(std::string verb, Json args) {
    return answer({"1", std::move(verb), std::move(args)}, services, sink);
  }
  Error refused(std::string verb, Json args) {
    const auto result = ask(std::move(verb), std::move(args));
    if (!result) return result.error();
    ADD_FAILURE() << "it was answered";
    return {};
  }
  static Json run_args(std::string pipeline, std::vector<std::string> objects = {}) {
    Json list = Json::array();
    for (const std::string& object : objects) list.push(object);
    return Json::object().set("pipeline", std::move(pipeline)).set("objects", std::move(list));
  }
  weir::Run stored(const std::string& id, RunState state, const std::string& receipt = "") {
    weir::Run run;
    run.id = RunId(id);
    run.pipeline = PipelineName("load");
    run.object = ObjectRef{BucketName("landing"), ObjectKey(id + ".json")};
    run.trigger = "watch";
    runlog::RunLog& log = *services.run_log().value();
    EXPECT_TRUE(log.enqueue({&run, 1}));
    if (state != RunState::queued) {
      EXPECT_EQ(log.lease(1, {}).value().size(), 1u);
      runlog::FinishedRun finished;
      finished.id = run.id;
      finished.state = state;
      finished.receipt = receipt;
      finished.log = {{{}, "info", "read 1 row"}};
      EXPECT_TRUE(log.finish({&finished, 1}, {}));
    }
    return run;
  }

  io::TemporaryFolder folder;
  FakeDispatcher dispatcher;
  FakeServices services{project_for_test(folder.path()), dispatcher};
  VectorSink sink;
};

TEST_F(AnswerTest, RunWithObjectsGivesAReceiptEach) {
  ASSERT_TRUE(
      ask("run", run_args("load", {"landing/a.json", "landing/x/b.json"}).set("force", true)));
  EXPECT_THAT(sink.kinds(), ElementsAre("accepted", "progress", "receipt", "receipt"));
  ASSERT_EQ(dispatcher.known.size(), 2u);
  const weir::Run& run = dispatcher.known.begin()->second;
  EXPECT_EQ(run.object->to_string(), "landing/a.json");
  EXPECT_TRUE(run.force);
  EXPECT_EQ(run.trigger, "manual");
  EXPECT_EQ(run.priority, 3);
  EXPECT_EQ(receipt_of(sink.frames[3])->object->to_string(), "landing/x/b.json");
  EXPECT_EQ(progress_of(sink.frames[1]).total, 2u);
  EXPECT_EQ(progress_of(sink.frames[1]).bytes_total, 10u);
}

TEST_F(AnswerTest, RunsFoldedIntoOneGiveOneReceipt) {
  dispatcher.fold_into = RunId("one");
  ASSERT_TRUE(ask("run", run_args("load", {"landing/a.json", "landing/a.json"})));
  EXPECT_THAT(sink.kinds(), ElementsAre("accepted", "progress", "receipt"));
}

TEST_F(AnswerTest, RunWithoutObjectsTakesWhatIsPending) {
  ASSERT_TRUE(ask("run", run_args("load")));
  EXPECT_THAT(sink.kinds(), ElementsAre("accepted"));
  EXPECT_TRUE(accepted_runs(sink.frames[0]).empty());
  weir::Run run;
  run.id = RunId("p1");
  services.pending.push_back(run);
  sink.frames.clear();
  ASSERT_TRUE(ask("run", run_args("load")));
  EXPECT_EQ(receipt_of(sink.frames.back())->run, RunId("p1"));
}

TEST_F(AnswerTest, RunCanBeResumed) {
  ASSERT_TRUE(ask("run", Json::object().set("runs", Json::array().push("r2").push("r3"))));
  EXPECT_THAT(dispatcher.waited, ElementsAre(RunId("r2"), RunId("r3")));
  EXPECT_TRUE(dispatcher.known.size() == 2) << "nothing was submitted anew";
}

TEST_F(AnswerTest, RunRefusesWhatItDoesNotKnow) {
  EXPECT_EQ(refused("run", run_args("laod")).to_string(),
            "there is no pipeline 'laod'; did you mean 'load'?");
  EXPECT_EQ(refused("run", run_args("quite-another")).fix, "the project has: load, totals");
  EXPECT_THAT(refused("run", run_args("load", {"nowhere/a.json"})).message,
              HasSubstr("no bucket 'nowhere'"));
  EXPECT_EQ(refused("run", run_args("load", {"a.json"})).code, ErrorCode::usage);
  EXPECT_THAT(refused("run", run_args("load", {"landing/../weir.yaml"})).message,
              HasSubstr("leaves its bucket"));
  EXPECT_THAT(refused("run", run_args("totals", {"landing/a.json"})).message,
              HasSubstr("reads no object"));
  EXPECT_TRUE(dispatcher.known.empty()) << "all inputs are checked before any is queued";
}

TEST_F(AnswerTest, PlanAndDriftRefuseWhatTheyDoNotKnow) {
  EXPECT_EQ(refused("plan", run_args("laod")).fix, "did you mean 'load'?");
  EXPECT_EQ(refused("plan", run_args("load", {"a.json"})).code, ErrorCode::usage);
  EXPECT_EQ(refused("drift", Json::object().set("table", "t")).code, ErrorCode::usage);
  EXPECT_TRUE(dispatcher.known.empty()) << "a plan queues nothing";
}

TEST_F(AnswerTest, DriftOfNoTablesIsNone) {
  ASSERT_TRUE(ask("drift", Json::object()));
  EXPECT_THAT(sink.kinds(), ElementsAre("columns", "drift"));
  EXPECT_EQ(sink.frames.back()["drifted"].as_int(-1), 0);
}

TEST_F(AnswerTest, AReaderThatLeavesEndsTheAnswerNotTheRuns) {
  sink.limit = 2;
  ASSERT_TRUE(ask("run", run_args("load", {"landing/a.json", "landing/b.json"})));
  EXPECT_EQ(dispatcher.known.size(), 2u);
  EXPECT_EQ(sink.frames.size(), 2u);
}

TEST_F(AnswerTest, RunsAreListedNewestFirst) {
  Receipt receipt;
  receipt.run = RunId("a1");
  receipt.pipeline = PipelineName("load");
  receipt.status = RunState::partial;
  receipt.rows.read = 3;
  receipt.rows.inserted = 2;
  receipt.rows.rejected = 1;
  stored("a1", RunState::partial, text::to_json(receipt).to_string());
  stored("a2", RunState::queued);
  ASSERT_TRUE(ask("runs", Json::object()));
  const auto columns = columns_of(sink.frames[0]);
  EXPECT_EQ(columns[0].name, "id");
  const auto rows = rows_of(sink.frames[1]);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0][0], "a2");
  EXPECT_EQ(rows[0][3], "queued");
  EXPECT_EQ(rows[0][8], std::nullopt) << "not read yet";
  EXPECT_EQ(rows[1][2], "landing/a1.json");
  EXPECT_EQ(rows[1][8], "3");
  EXPECT_EQ(rows[1][9], "2");
  EXPECT_EQ(rows[1][10], "1");

  sink.frames.clear();
  ASSERT_TRUE(ask("runs", Json::object().set("state", "partial").set("pipeline", "load")));
  EXPECT_EQ(rows_of(sink.frames[1]).size(), 1u);
  sink.frames.clear();
  ASSERT_TRUE(ask("runs", Json::object().set("object", "landing/a2.json").set("until", "1d")));
  EXPECT_EQ(rows_of(sink.frames[1]).at(0)[0], "a2");
  sink.frames.clear();
  ASSERT_TRUE(ask("runs", Json::object().set("run", "a1")));
  EXPECT_EQ(receipt_of(sink.frames[0])->rows.read, 3u);
  sink.frames.clear();
  ASSERT_TRUE(ask("runs", Json::object().set("run", "a2")));
  EXPECT_EQ(receipt_of(sink.frames[0])->status, RunState::queued);
}

TEST_F(AnswerTest, RunsRefusesWhatItDoesNotKnow) {
  EXPECT_THAT(refused("runs", Json::object().set("state", "done")).fix, HasSubstr("succeeded"));
  EXPECT_EQ(refused("runs", Json::object().set("since", "soon")).code, ErrorCode::usage);
  EXPECT_EQ(refused("runs", Json::object().set("run", "zz")).code, ErrorCode::usage);
  EXPECT_EQ(refused("logs", Json::object().set("run", "zz")).code, ErrorCode::usage);
  EXPECT_EQ(refused("dance", Json()).code, ErrorCode::usage);
}

std::vector<std::string> messages_of(const std::vector<Json>& frames) {
  std::vector<std::string> messages;
  for (const Json& frame : frames) {
    if (frame["frame"].as_string() != "rows") continue;
    for (const TableRow& row : rows_of(frame)) messages.push_back(row[4].value_or(""));
  }
  return messages;
}

TEST_F(AnswerTest, LogsTellTheRunsStoryOnce) {
  stored("a1", RunState::succeeded);
  Json args = Json::object().set("run", "a1");
  ASSERT_TRUE(ask("logs", args));
  const auto first = messages_of(sink.frames);
  ASSERT_GE(first.size(), 2u);
  EXPECT_THAT(first, testing::Contains("read 1 row"));
  EXPECT_THAT(first, testing::Contains(testing::StartsWith("queued by ")));
  EXPECT_THAT(first, testing::Contains(testing::StartsWith("succeeded")));
  const Json end = sink.frames.back();
  EXPECT_TRUE(end["ended"].as_bool());
  sink.frames.clear();
  ASSERT_TRUE(ask("logs", args.set("cursor", end["cursor"])));
  EXPECT_THAT(messages_of(sink.frames), testing::IsEmpty()) << "what was told is not told again";
}

TEST_F(AnswerTest, LogsOfAllRunsAreFollowedByLine) {
  runlog::RunLog& log = *services.run_log().value();
  stored("a1", RunState::succeeded);
  Json args = Json::object().set("run", "").set("limit", 1);
  ASSERT_TRUE(ask("logs", args));
  EXPECT_EQ(messages_of(sink.frames).size(), 1u);
  const Json end = sink.frames.back();
  EXPECT_FALSE(end["ended"].as_bool());
  for (const char* level : {"info", "error", "debug"}) {
    ASSERT_TRUE(log.append_log(RunId("a1"), {services.clock().now(), level, level}));
  }
  sink.frames.clear();
  ASSERT_TRUE(ask("logs", args.set("cursor", end["cursor"]).set("level", "warning")));
  EXPECT_THAT(messages_of(sink.frames), testing::ElementsAre("error"));
  EXPECT_EQ(refused("logs", Json::object().set("level", "loud")).code, ErrorCode::usage);
}

TEST_F(AnswerTest, TopShowsWhatIsThere) {
  stored("a1", RunState::parked);
  ASSERT_TRUE(ask("top", Json()));
  const Json& frame = sink.frames.back();
  EXPECT_EQ(frame["project"].as_string(), "test");
  EXPECT_EQ(frame["parked"].as_int(), 1);
  EXPECT_GT(frame["memory_bytes"].as_int(), 0);
}

TEST_F(AnswerTest, TopShowsHowFarRunsHaveCome) {
  stored("a1", RunState::queued);
  stored("b2", RunState::queued);
  ASSERT_EQ(services.run_log().value()->lease(2, {}).value().size(), 2u);
  dispatcher.at_work.push_back({PipelineName("load"), {RunId("a1"), 5, 10, 2}});
  ASSERT_TRUE(ask("top", Json()));
  for (const Json& run : sink.frames.back()["runs"].as_array()) {
    const bool known = run["run"].as_string() == "a1";
    EXPECT_EQ(run["bytes_read"].is_null(), !known);
    if (!known) continue;
    EXPECT_EQ(run["bytes_read"].as_int(), 5);
    EXPECT_EQ(run["bytes_total"].as_int(), 10);
    EXPECT_EQ(run["rows_read"].as_int(), 2);
  }
  EXPECT_EQ(sink.frames.back()["runs"].as_array().size(), 2u);
}

TEST_F(AnswerTest, QueryStreamsRows) {
  ASSERT_TRUE(ask("query", Json::object().set(
                               "sql", "SELECT range AS n, NULL AS x FROM range(1200) ORDER BY 1")));
  EXPECT_EQ(columns_of(sink.frames[0])[0].type, "BIGINT");
  size_t rows = 0;
  for (size_t i = 1; i < sink.frames.size(); ++i) rows += rows_of(sink.frames[i]).size();
  EXPECT_EQ(rows, 1200u);
  EXPECT_GT(sink.frames.size(), 2u);
  EXPECT_EQ(rows_of(sink.frames[1])[1], (TableRow{"1", std::nullopt}));
}

TEST_F(AnswerTest, QueryStopsWhenNobodyReads) {
  sink.limit = 2;
  EXPECT_TRUE(ask("query", Json::object().set("sql", "SELECT * FROM range(100000000)")));
  EXPECT_EQ(sink.frames.size(), 2u);
}

TEST_F(AnswerTest, QueryErrors) {
  EXPECT_EQ(refused("query", Json::object().set("sql", "SELEC 1")).code, ErrorCode::sql);
  EXPECT_EQ(refused("query", Json::object().set("sql", "CREATE TABLE t (a INT)")).code,
            ErrorCode::usage);
  EXPECT_TRUE(ask("query", Json::object().set("sql", "CREATE TABLE t (a INT)").set("write", true)));
  EXPECT_EQ(refused("query", Json::object().set("sql", "SELECT 1").set("in", "dw")).fix,
            "the project has: db");
}

}  // namespace
}  // namespace weir::cli
