#include <gmock/gmock.h>

#include "base/redaction.h"
#include "runlog/run_log_for_test.h"

namespace weir::runlog::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class HistoryTest : public RunLogTest {
 protected:
  RunId finish(const std::string& key, RunState state, int64_t second,
               std::vector<Notice> notices = {}) {
    const RunId id = add(make_run("p", key, second));
    value(log_->lease(1, at(second)));
    FinishedRun finished{id, state, "{}", "", {{at(second), "info", key}}};
    finished.notices = std::move(notices);
    expect_ok(log_->finish(std::span(&finished, 1), at(second)));
    return id;
  }
  std::vector<std::string> keys(const RunFilter& filter = {}) {
    std::vector<std::string> found;
    for (const weir::Run& run : value(log_->list(filter))) {
      found.push_back(run.object ? run.object->key.value() : "");
    }
    return found;
  }
  static std::vector<std::string> messages(const std::vector<LogLine>& lines) {
    std::vector<std::string> found;
    for (const LogLine& line : lines) found.push_back(line.message);
    return found;
  }
  size_t prune(int64_t keep_seconds, uint64_t runs, int64_t now, size_t at_most = 100) {
    return value(log_->prune({std::chrono::seconds(keep_seconds), runs}, at(now), at_most));
  }
};

TEST_F(HistoryTest, lists_what_was_created_in_a_span_of_time) {
  for (int i = 1; i <= 5; ++i) finish("k" + std::to_string(i), RunState::succeeded, i * 10);
  EXPECT_THAT(keys({.since = at(30)}), ElementsAre("k5", "k4", "k3"));
  EXPECT_THAT(keys({.until = at(30)}), ElementsAre("k2", "k1"));
  EXPECT_THAT(keys({.since = at(20), .until = at(41), .limit = 2}), ElementsAre("k4", "k3"));
  EXPECT_THAT(keys({.pipeline = PipelineName("p"), .state = RunState::succeeded, .since = at(50)}),
              ElementsAre("k5"));
  EXPECT_THAT(keys({.object = ObjectRef{BucketName("landing"), ObjectKey("k2")}, .until = at(20)}),
              IsEmpty());
}

TEST_F(HistoryTest, keeps_no_secret_in_its_lines) {
  keep_secret("line-canary");
  const RunId id = finish("k1", RunState::succeeded, 10);
  expect_ok(log_->append_log(id, {at(11), "error", "refused https://u:line%2Dcanary@h",
                                  R"({"url":"line-canary","line-canary":12})"}));
  const LogLine line = value(log_->log_lines(id)).back();
  EXPECT_EQ(line.message, "refused https://u:[secret]@h");
  EXPECT_EQ(line.fields, R"({"url":"[secret]","line-canary":12})");
}

TEST_F(HistoryTest, prunes_the_oldest_beyond_a_number) {
  for (int i = 1; i <= 5; ++i) finish("k" + std::to_string(i), RunState::succeeded, i * 10);
  EXPECT_EQ(prune(1000, 3, 50, 1), 1u);
  EXPECT_THAT(keys(), ElementsAre("k5", "k4", "k3", "k2"));
  EXPECT_EQ(prune(1000, 3, 50), 1u);
  EXPECT_EQ(prune(1000, 3, 50), 0u);
  EXPECT_THAT(keys(), ElementsAre("k5", "k4", "k3"));
  EXPECT_EQ(value(log_->count(RunState::succeeded)), 3u);
  EXPECT_THAT(messages(value(log_->newest_log_lines(9))), ElementsAre("k3", "k4", "k5"));
}

TEST_F(HistoryTest, prunes_what_is_too_old) {
  for (int i = 1; i <= 5; ++i) finish("k" + std::to_string(i), RunState::partial, i * 10);
  EXPECT_EQ(prune(15, 100, 50), 3u);
  EXPECT_THAT(keys(), ElementsAre("k5", "k4"));
  EXPECT_EQ(prune(15, 100, 50), 0u);
}

TEST_F(HistoryTest, never_prunes_work_nor_parked_runs_nor_unsent_notices) {
  finish("parked", RunState::parked, 1);
  const RunId telling = finish("telling", RunState::succeeded, 2, {{.id = "n"}});
  finish("gone", RunState::skipped, 3);
  add(make_run("p", "running", 4));
  value(log_->lease(1, at(4)));
  add(make_run("p", "queued", 5));
  EXPECT_EQ(prune(1, 0, 1000), 1u);
  EXPECT_THAT(keys(), ElementsAre("queued", "running", "telling", "parked"));
  expect_ok(log_->notice_delivered("n"));
  EXPECT_EQ(prune(1, 0, 1000), 1u);
  EXPECT_FALSE(value(log_->find(telling)));
  EXPECT_THAT(value(log_->last_failed(PipelineName("p"))), ::testing::SizeIs(1));
}

TEST_F(HistoryTest, a_log_is_followed_by_line) {
  const RunId a = add(make_run("p", "a"));
  const RunId b = add(make_run("p", "b"));
  for (int i = 0; i < 3; ++i) {
    expect_ok(log_->append_log(a, {at(i), "info", "a" + std::to_string(i), R"({"n":1})"}));
    expect_ok(log_->append_log(b, {at(i), "info", "b" + std::to_string(i)}));
  }
  const auto first = value(log_->log_lines(a, 0, 2));
  EXPECT_THAT(messages(first), ElementsAre("a0", "a1"));
  EXPECT_EQ(first[0].fields, R"({"n":1})");
  EXPECT_EQ(first[0].run, a);
  EXPECT_THAT(messages(value(log_->log_lines(a, first.back().line))), ElementsAre("a2"));
  EXPECT_THAT(messages(value(log_->all_log_lines(first.back().line, 2))), ElementsAre("b1", "a2"));
  const auto newest = value(log_->newest_log_lines(3));
  EXPECT_THAT(messages(newest), ElementsAre("b1", "a2", "b2"));
  EXPECT_THAT(value(log_->all_log_lines(newest.back().line, 9)), IsEmpty());
}

TEST_F(HistoryTest, counts_the_unfinished_and_parked_runs_of_each_pipeline) {
  finish("x", RunState::parked, 1);
  finish("y", RunState::succeeded, 1);
  add(make_run("p", "running", 2));
  value(log_->lease(1, at(4)));
  add(make_run("p", "queued"));
  add(make_run("a", "queued"));
  const auto lengths = value(log_->queue_lengths());
  ASSERT_EQ(lengths.size(), 2u);
  EXPECT_EQ(lengths[0].pipeline.value(), "a");
  EXPECT_EQ(lengths[0].queued, 1u);
  EXPECT_EQ(lengths[1].queued, 1u);
  EXPECT_EQ(lengths[1].running, 1u);
  EXPECT_EQ(lengths[1].parked, 1u);
}

TEST_F(HistoryTest, counts_what_waits) {
  Notice notice;
  notice.id = "n.1";
  notice.body = "{}";
  finish("x", RunState::succeeded, 1, {notice});
  add(make_run("p", "later", 2));
  add(make_run("p", "now", 3));
  const RunId later = value(log_->lease(1, at(4))).front().id;
  expect_ok(log_->retry_later(later, at(4), at(9), {at(4), "warning", "again"}));
  const Waiting waiting = value(log_->waiting());
  EXPECT_EQ(waiting.held, 1u);
  EXPECT_EQ(waiting.notices, 1u);
}

TEST_F(HistoryTest, remembers_downloads_per_step_and_target) {
  const PipelineName p("p");
  const ObjectRef target{BucketName("landing"), ObjectKey("x.csv")};
  EXPECT_EQ(value(log_->find_download(p, 0, target)), std::nullopt);
  const DownloadMemory memory{"sha256:u", "\"e\"", "Fri", 12, "sha256:d"};
  expect_ok(log_->remember_download(p, 0, target, memory));
  reopen();
  EXPECT_EQ(value(log_->find_download(p, 0, target)), memory);
  EXPECT_EQ(value(log_->find_download(p, 1, target)), std::nullopt);
  EXPECT_EQ(value(log_->find_download(PipelineName("q"), 0, target)), std::nullopt);
}

}  // namespace
}  // namespace weir::runlog::testing
