#include "scheduler/pending.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "scheduler/fake_executor_for_test.h"
#include "scheduler/known_cursor.h"

namespace weir::scheduler::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PendingTest : public ::testing::Test {
 protected:
  PendingTest() {
    log_ = value(runlog::open_sqlite_run_log(folder_.path("runs.sqlite")));
    BucketConfig bucket;
    bucket.name = BucketName("landing");
    bucket.path = folder_.path("landing");
    resources_.buckets[bucket.name] = value(objects::open_bucket(bucket));
    pipeline_.name = PipelineName("p");
    pipeline_.priority = 3;
    pipeline_.steps.emplace_back(ReadStep{});
    pipeline_.triggers.emplace_back(ObjectTrigger{bucket.name, "*.json", {}});
  }

  void write(const std::string& key, int hours_ago = 0) {
    const std::string path = folder_.path("landing/" + key);
    std::ofstream(path) << "x";
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }
  std::vector<weir::Run> pending(bool force = false) {
    return value(pending_runs(pipeline_, resources_, *log_, clock_, force));
  }
  std::vector<std::string> keys(bool force = false) {
    std::vector<std::string> keys;
    for (const weir::Run& run : pending(force)) keys.push_back(run.object->key.value());
    return keys;
  }
  void remember(const std::string& key) {
    const BucketName landing("landing");
    const auto stat = value(resources_.buckets[landing]->stat(ObjectKey(key)));
    expect_ok(log_->remember(pipeline_.name, std::vector{to_known(landing, stat)}));
  }
  void finish(const std::string& key, RunState state) {
    weir::Run run = make_run("p", key);
    value(log_->enqueue(std::span(&run, 1)));
    value(log_->lease(1, clock_.now()));
    const runlog::FinishedRun finished{run.id, state, "", "", {}};
    expect_ok(log_->finish(std::span(&finished, 1), clock_.now()));
  }

  io::TemporaryFolder folder_;
  SystemClock clock_;
  std::unique_ptr<runlog::RunLog> log_;
  pipeline::Resources resources_;
  Pipeline pipeline_;
};

TEST_F(PendingTest, gives_unknown_objects_oldest_first) {
  write("b.json", 1);
  write("c.json", 3);
  write("a.json", 2);
  write("other.txt");
  const auto runs = pending();
  EXPECT_THAT(keys(), ElementsAre("c.json", "a.json", "b.json"));
  EXPECT_EQ(runs[0].pipeline.value(), "p");
  EXPECT_EQ(runs[0].object->bucket.value(), "landing");
  EXPECT_EQ(runs[0].trigger, "manual");
  EXPECT_EQ(runs[0].priority, 3);
  EXPECT_FALSE(runs[0].force);
  EXPECT_LT(runs[0].id, runs[1].id);
}

TEST_F(PendingTest, leaves_out_what_is_known_unless_it_changed_or_failed) {
  for (const char* key : {"done.json", "changed.json", "failed.json", "mended.json"}) {
    write(key);
    remember(key);
  }
  write("changed.json", 5);
  finish("failed.json", RunState::parked);
  finish("mended.json", RunState::parked);
  finish("mended.json", RunState::succeeded);
  EXPECT_THAT(keys(), ElementsAre("changed.json", "failed.json"));
}

TEST_F(PendingTest, gives_everything_by_force) {
  write("a.json");
  remember("a.json");
  EXPECT_THAT(keys(), IsEmpty());
  EXPECT_THAT(keys(true), ElementsAre("a.json"));
  EXPECT_TRUE(pending(true)[0].force);
}

TEST_F(PendingTest, knows_more_objects_than_fit_into_a_page) {
  for (int i = 0; i < 2300; ++i) {
    write(std::to_string(i) + ".json");
    remember(std::to_string(i) + ".json");
  }
  write("new.json");
  fs::remove(folder_.path("landing/1.json"));
  EXPECT_THAT(keys(), ElementsAre("new.json"));
}

TEST_F(PendingTest, leaves_out_what_is_still_being_written) {
  write("whole.json");
  std::ofstream half(folder_.path("landing/half.json"));
  half << "[" << std::flush;
  if (!resources_.buckets[BucketName("landing")]->is_being_written(ObjectKey("half.json"))) {
    GTEST_SKIP() << "no leases here";
  }
  EXPECT_THAT(keys(), ElementsAre("whole.json"));
}

TEST_F(PendingTest, a_pipeline_that_begins_with_sql_has_one_run_without_object) {
  pipeline_.steps = {SqlStep{}};
  const auto runs = pending();
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_FALSE(runs[0].object);
}

TEST_F(PendingTest, reading_without_a_trigger_needs_an_object) {
  pipeline_.triggers = {CronTrigger{}};
  EXPECT_EQ(pending_runs(pipeline_, resources_, *log_, clock_, false).error().code,
            ErrorCode::usage);
}

TEST_F(PendingTest, a_bucket_that_is_not_open_is_an_error) {
  resources_.buckets.clear();
  EXPECT_EQ(pending_runs(pipeline_, resources_, *log_, clock_, false).error().code,
            ErrorCode::not_found);
}

}  // namespace
}  // namespace weir::scheduler::testing
