#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "runlog/run_log_for_test.h"
#include "runlog/run_log_schema.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(RunLogTest, keeps_every_field_of_a_run_over_a_reopening) {
  weir::Run run = make_run("p", "2017/ñ x.json", 7);
  run.trigger = "manual";
  run.force = true;
  run.priority = -3;
  run.tries = 2;
  run.scheduled_for = at(5) + std::chrono::microseconds(1);
  add(run);
  reopen();
  const auto found = value(log_->find(run.id));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pipeline, run.pipeline);
  EXPECT_EQ(found->object, run.object);
  EXPECT_EQ(found->trigger, "manual");
  EXPECT_TRUE(found->force);
  EXPECT_EQ(found->state, RunState::queued);
  EXPECT_EQ(found->priority, -3);
  EXPECT_EQ(found->tries, 2);
  EXPECT_EQ(found->scheduled_for, run.scheduled_for);
  EXPECT_EQ(found->created, run.created);
  EXPECT_FALSE(found->started);
  EXPECT_FALSE(found->finished);
  EXPECT_EQ(found->receipt, "");
}

TEST_F(RunLogTest, a_run_without_object_has_none_when_read_back) {
  const RunId id = add(make_run("daily", ""));
  EXPECT_FALSE(value(log_->find(id))->object);
}

TEST_F(RunLogTest, finds_nothing_for_an_unknown_id) {
  EXPECT_FALSE(value(log_->find(RunId("nope"))));
  EXPECT_THAT(value(log_->log_lines(RunId("nope"))), IsEmpty());
  EXPECT_EQ(log_->append_log(RunId("nope"), {at(1), "info", "x"}).error().code,
            ErrorCode::not_found);
}

TEST_F(RunLogTest, a_finished_run_keeps_state_receipt_error_and_log) {
  const RunId id = add(make_run("p", "a"));
  value(log_->lease(1, at(10)));
  const FinishedRun finished{id, RunState::partial, R"({"x":1})", "two rows", {{at(11), "w", "m"}}};
  expect_ok(log_->append_log(id, {at(10), "info", "first"}));
  expect_ok(log_->finish(std::span(&finished, 1), at(12)));
  reopen();
  const auto run = value(log_->find(id));
  ASSERT_TRUE(run);
  EXPECT_EQ(run->state, RunState::partial);
  EXPECT_EQ(run->receipt, R"({"x":1})");
  EXPECT_EQ(run->error, "two rows");
  EXPECT_EQ(run->started, at(10));
  EXPECT_EQ(run->finished, at(12));
  EXPECT_EQ(run->tries, 1);
  const auto lines = value(log_->log_lines(id));
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0].message, "first");
  EXPECT_EQ(lines[1].message, "m");
  EXPECT_EQ(lines[1].level, "w");
  EXPECT_EQ(lines[1].time, at(11));
}

TEST_F(RunLogTest, finishing_is_all_or_nothing) {
  const RunId good = add(make_run("p", "a"));
  value(log_->lease(1, at(10)));
  const std::vector<FinishedRun> runs = {{good, RunState::succeeded, "{}", "", {}},
                                         {RunId("nope"), RunState::succeeded, "{}", "", {}}};
  const auto result = log_->finish(runs, at(11));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::not_found);
  EXPECT_EQ(value(log_->find(good))->state, RunState::running);
  EXPECT_EQ(value(log_->count(RunState::succeeded)), 0u);
  EXPECT_EQ(value(log_->count(RunState::running)), 1u);
}

TEST_F(RunLogTest, a_failed_transaction_does_not_leave_a_pipeline_half_known) {
  const weir::Run run = make_run("new", "a");
  const std::vector<weir::Run> twice = {run, make_run("new", "b"), run};
  ASSERT_TRUE(log_->enqueue(std::span(&run, 1)));
  weir::Run clash = make_run("other", "c");
  clash.id = run.id;
  ASSERT_FALSE(log_->enqueue(std::span(&clash, 1)));  // the id is taken: rolled back
  add(make_run("other", "d"));
  EXPECT_THAT(lease_keys(10), ElementsAre("a"));
  EXPECT_THAT(lease_keys(10), ElementsAre("d"));
}

TEST_F(RunLogTest, recovers_what_was_running_when_the_owner_died) {
  const RunId running = add(make_run("p", "a"));
  value(log_->lease(1, at(10)));
  add(make_run("p", "b"));
  reopen();
  EXPECT_EQ(value(log_->recover()), 1u);
  EXPECT_EQ(value(log_->find(running))->state, RunState::queued);
  EXPECT_EQ(value(log_->count(RunState::queued)), 2u);
  EXPECT_EQ(value(log_->count(RunState::running)), 0u);
  EXPECT_THAT(lease_keys(10), ElementsAre("a", "b"));
  EXPECT_EQ(value(log_->find(running))->tries, 2);
}

TEST_F(RunLogTest, lists_newest_first_by_every_filter) {
  add(make_run("p", "a", 1));
  add(make_run("q", "a", 2));
  add(make_run("p", "b", 3));
  add(make_run("p", "", 4));
  value(log_->lease(1, at(10)));  // p's "a"
  const auto keys = [&](const RunFilter& filter) {
    std::vector<std::string> found;
    for (const weir::Run& run : value(log_->list(filter))) {
      found.push_back(run.pipeline.value() + ":" + (run.object ? run.object->key.value() : ""));
    }
    return found;
  };
  const ObjectRef object{BucketName("landing"), ObjectKey("a")};
  const PipelineName p("p");
  EXPECT_THAT(keys({}), ElementsAre("p:", "p:b", "q:a", "p:a"));
  EXPECT_THAT(keys({.limit = 2}), ElementsAre("p:", "p:b"));
  EXPECT_THAT(keys({.pipeline = p}), ElementsAre("p:", "p:b", "p:a"));
  EXPECT_THAT(keys({.state = RunState::queued}), ElementsAre("p:", "p:b", "q:a"));
  EXPECT_THAT(keys({.pipeline = p, .state = RunState::running}), ElementsAre("p:a"));
  EXPECT_THAT(keys({.object = object}), ElementsAre("q:a", "p:a"));
  EXPECT_THAT(keys({.pipeline = p, .object = object}), ElementsAre("p:a"));
  EXPECT_THAT(keys({.state = RunState::queued, .object = object}), ElementsAre("q:a"));
  EXPECT_THAT(keys({.pipeline = p, .state = RunState::queued, .object = object}), IsEmpty());
  EXPECT_THAT(keys({.pipeline = PipelineName("unknown")}), IsEmpty());
}

KnownObject known(const std::string& key, uint64_t size) {
  return {{BucketName("landing"), ObjectKey(key)}, size, -5, 1'700'000'000'123'456'789, ~0ull};
}

std::vector<std::string> known_keys(RunLog& log, const char* pipeline, const char* bucket) {
  std::vector<std::string> keys;
  expect_ok(log.for_each_known(
      PipelineName(pipeline), BucketName(bucket),
      [&](const KnownObject& object) { keys.push_back(object.object.key.value()); }));
  return keys;
}

TEST_F(RunLogTest, remembers_objects_per_pipeline_and_bucket_in_key_order) {
  const std::vector<KnownObject> objects = {known("b", 1), known("a/x", 2), known("a-x", 3)};
  expect_ok(log_->remember(PipelineName("p"), objects));
  const KnownObject changed = known("b", ~0ull);
  expect_ok(log_->remember(PipelineName("p"), std::span(&changed, 1)));
  reopen();
  EXPECT_THAT(known_keys(*log_, "p", "landing"), ElementsAre("a-x", "a/x", "b"));
  EXPECT_THAT(known_keys(*log_, "p", "other"), IsEmpty());
  EXPECT_THAT(known_keys(*log_, "q", "landing"), IsEmpty());
  const auto page =
      value(log_->known_after(PipelineName("p"), BucketName("landing"), ObjectKey("a/x"), 5));
  ASSERT_THAT(page, SizeIs(1));
  EXPECT_EQ(page[0].size_bytes, ~0ull);
  EXPECT_EQ(page[0].mtime_ns, -5);
  EXPECT_EQ(page[0].ctime_ns, 1'700'000'000'123'456'789);
  EXPECT_EQ(page[0].inode, ~0ull);
}

TEST_F(RunLogTest, forgets_objects) {
  const std::vector<KnownObject> objects = {known("a", 1), known("b", 1)};
  expect_ok(log_->remember(PipelineName("p"), objects));
  expect_ok(log_->forget(PipelineName("p"), std::vector{objects[0].object}));
  EXPECT_THAT(known_keys(*log_, "p", "landing"), ElementsAre("b"));
}

TEST_F(RunLogTest, a_visitor_may_call_the_run_log) {
  std::vector<KnownObject> objects;
  for (int i = 0; i < 2500; ++i) objects.push_back(known("k" + std::to_string(10000 + i), 1));
  expect_ok(log_->remember(PipelineName("p"), objects));
  size_t seen = 0;
  expect_ok(log_->for_each_known(
      PipelineName("p"), BucketName("landing"), [&](const KnownObject& object) {
        if (seen++ % 100 != 0) return;
        expect_ok(log_->forget(PipelineName("p"), std::vector{object.object}));
        EXPECT_EQ(value(log_->count(RunState::queued)), 0u);
      }));
  EXPECT_EQ(seen, 2500u);
  EXPECT_THAT(known_keys(*log_, "p", "landing"), SizeIs(2475));
}

TEST_F(RunLogTest, tells_the_objects_whose_newest_run_is_parked) {
  const auto finish_next = [&](RunState state) {
    const auto runs = value(log_->lease(1, at(10)));
    ASSERT_THAT(runs, SizeIs(1));
    const FinishedRun finished{runs[0].id, state, "", "", {}};
    expect_ok(log_->finish(std::span(&finished, 1), at(11)));
  };
  const auto one = [&](const char* key, RunState state, const char* trigger = "watch") {
    weir::Run run = make_run("p", key);
    run.trigger = trigger;
    add(run);
    finish_next(state);
  };
  one("mended", RunState::parked);
  one("mended", RunState::succeeded);
  one("broke", RunState::succeeded);
  one("broke", RunState::parked);
  one("twice", RunState::parked);
  one("twice", RunState::parked);
  one("good", RunState::succeeded);
  // A replay says nothing about its object.
  one("replayed", RunState::parked);
  one("replayed", RunState::succeeded, replay_trigger);
  one("replay failed", RunState::succeeded);
  one("replay failed", RunState::failed, replay_trigger);
  add(make_run("q", "elsewhere"));
  finish_next(RunState::parked);
  one("queued again", RunState::parked);
  add(make_run("p", "queued again"));
  one("dismissed", RunState::parked);
  const auto newest = value(log_->list({.state = RunState::parked, .limit = 1}));
  EXPECT_EQ(value(log_->dismiss(std::vector{newest.at(0).id})), 1u);
  std::vector<std::string> keys;
  for (const ObjectRef& object : value(log_->last_failed(PipelineName("p")))) {
    keys.push_back(object.key.value());
  }
  EXPECT_THAT(keys, ::testing::UnorderedElementsAre("broke", "twice", "replayed"));
}

TEST_F(RunLogTest, its_files_are_private) {
  add(make_run("p", "a"));
  for (const std::string suffix : {"", "-wal", "-shm"}) {
    struct stat status {};
    ASSERT_EQ(::stat((path() + suffix).c_str(), &status), 0) << suffix;
    EXPECT_EQ(status.st_mode & 0777, 0600u) << suffix;
  }
}

TEST_F(RunLogTest, refuses_a_file_of_a_newer_version_and_one_that_is_no_database) {
  log_.reset();
  {
    auto connection = value(SqliteConnection::open(path(), AccessMode::read_write));
    expect_ok(connection->execute("INSERT INTO migrations VALUES (" +
                                  std::to_string(schema_version() + 1) + ", 'later', 0)"));
  }
  const auto newer = open_sqlite_run_log(path());
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, ErrorCode::invalid_input);

  const std::string garbage = folder_.path("garbage");
  std::ofstream(garbage) << std::string(10000, 'x');
  const auto refused = open_sqlite_run_log(garbage);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_input);

  const auto folder = open_sqlite_run_log(folder_.path());
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, ErrorCode::io);
}

}  // namespace
}  // namespace weir::runlog::testing
