#include "scheduler/watcher.h"

#include <gmock/gmock.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "scheduler/fake_executor_for_test.h"

namespace weir::scheduler::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class WatcherTest : public ::testing::Test {
 protected:
  WatcherTest() {
    BucketConfig bucket;
    bucket.name = BucketName("landing");
    bucket.path = folder_.path("landing");
    bucket.settle_ms = 0;
    project_.buckets.push_back(bucket);
  }
  ~WatcherTest() override { stop(); }

  void add_pipeline(const std::string& name, const std::vector<std::string>& patterns) {
    Pipeline pipeline;
    pipeline.name = PipelineName(name);
    pipeline.steps.emplace_back(ReadStep{});
    for (const auto& pattern : patterns) {
      pipeline.triggers.emplace_back(ObjectTrigger{BucketName("landing"), pattern, {}});
    }
    project_.pipelines.push_back(pipeline);
  }
  void start(WatcherOptions options = {}) {
    if (project_.pipelines.empty()) add_pipeline("p", {"**/*.json"});
    log_ = value(runlog::open_sqlite_run_log(folder_.path("runs.sqlite")));
    for (const BucketConfig& bucket : project_.buckets) {
      resources_.buckets[bucket.name] = value(objects::open_bucket(bucket));
    }
    dispatcher_ = make_dispatcher(*log_, executor_, clock_, {});
    dispatcher_->start();
    watcher_ = make_watcher(project_, resources_, *log_, *dispatcher_, clock_, options);
    expect_ok(watcher_->start());
  }
  void stop() {
    if (watcher_) watcher_->stop();
    watcher_.reset();
    if (dispatcher_) dispatcher_->wait_idle();
    dispatcher_.reset();
    log_.reset();
  }

  std::string path(const std::string& key) const { return folder_.path("landing/" + key); }
  void write(const std::string& key, const std::string& text = "x") {
    fs::create_directories(fs::path(path(key)).parent_path());
    std::ofstream(path(key)) << text;
  }

  io::TemporaryFolder folder_;
  SystemClock clock_;
  Project project_;
  pipeline::Resources resources_;
  std::unique_ptr<runlog::RunLog> log_;
  FakeExecutor executor_;
  std::unique_ptr<Dispatcher> dispatcher_;
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(WatcherTest, runs_what_arrives) {
  start();
  write("x.json");
  executor_.wait_for("p:x.json");
  const auto runs = value(log_->list({}));
  ASSERT_EQ(runs.size(), 1u);
  EXPECT_EQ(runs[0].trigger, "watch");
  EXPECT_EQ(runs[0].object->to_string(), "landing/x.json");
}

TEST_F(WatcherTest, runs_what_was_there_when_it_started) {
  write("x.json");
  write("in/y.json");
  write("z.txt");
  start();
  executor_.wait_for("p:x.json");
  executor_.wait_for("p:in/y.json");
  stop();
  EXPECT_THAT(executor_.executed(),
              UnorderedElementsAre(Pair("p:x.json", 1), Pair("p:in/y.json", 1)));
}

TEST_F(WatcherTest, queues_the_first_scan_before_start_returns_oldest_first) {
  write("b.json");
  write("c.json");
  write("a.json");
  const auto now = fs::last_write_time(path("a.json"));
  fs::last_write_time(path("c.json"), now - std::chrono::hours(2));
  fs::last_write_time(path("b.json"), now - std::chrono::hours(1));
  executor_.hold();
  start();
  std::vector<std::string> keys;
  for (const weir::Run& run : value(log_->list({}))) keys.push_back(run.object->key.value());
  EXPECT_THAT(keys, ElementsAre("a.json", "b.json", "c.json"));  // listed newest first
  executor_.release();
}

TEST_F(WatcherTest, a_restart_runs_what_arrived_or_changed_while_it_was_down_and_no_more) {
  start();
  write("old.json");
  write("rewritten.json");
  executor_.wait_for("p:old.json");
  executor_.wait_for("p:rewritten.json");
  stop();
  write("new.json");
  write("rewritten.json", "longer");
  start();
  executor_.wait_for("p:new.json");
  executor_.wait_for("p:rewritten.json", 2);
  stop();
  EXPECT_THAT(executor_.executed(), Contains(Pair("p:old.json", 1)));
}

TEST_F(WatcherTest, runs_a_rewritten_file_again) {
  start();
  write("x.json");
  executor_.wait_for("p:x.json");
  write("x.json", "y");
  executor_.wait_for("p:x.json", 2);
}

TEST_F(WatcherTest, does_not_run_a_half_written_file) {
  std::ofstream before;
  fs::create_directories(path(""));
  before.open(path("before.json"));
  before << "[1, " << std::flush;
  start();
  std::ofstream half(path("half.json"));
  half << "[1, " << std::flush;
  write("whole.json");
  executor_.wait_for("p:whole.json");
  // Found by the scan, and its rest is over at once: only that it is open for writing holds it
  // back.
  if (resources_.buckets[BucketName("landing")]->is_being_written(ObjectKey("before.json"))) {
    EXPECT_THAT(executor_.executed(), Not(Contains(Key("p:before.json"))));
  }
  EXPECT_THAT(executor_.executed(), Not(Contains(Key("p:half.json"))));
  half.close();
  executor_.wait_for("p:half.json");
  before.close();
  executor_.wait_for("p:before.json");
}

TEST_F(WatcherTest, runs_what_is_renamed_or_linked_into_place) {
  start();
  write("a.json.part");
  fs::rename(path("a.json.part"), path("a.json"));
  write("b");
  fs::create_hard_link(path("b"), path("b.json"));
  executor_.wait_for("p:a.json");
  executor_.wait_for("p:b.json");
  stop();
  EXPECT_EQ(executor_.executed().size(), 2u);
}

TEST_F(WatcherTest, runs_the_files_of_new_folders) {
  start();
  for (int i = 0; i < 10; ++i) write("new" + std::to_string(i) + "/deep/x.json");
  fs::create_directory(folder_.path("outside"));
  std::ofstream(folder_.path("outside/y.json")) << "y";
  fs::rename(folder_.path("outside"), path("moved"));
  executor_.wait_for("p:moved/y.json");
  executor_.wait_for_count(11);
}

TEST_F(WatcherTest, two_pipelines_share_a_bucket) {
  add_pipeline("json", {"*.json", "in/*.json"});
  add_pipeline("all", {"**"});
  write("before.json");
  start();
  write("x.json");
  write("in/y.json");
  write("z.txt");
  executor_.wait_for_count(7);
  stop();
  EXPECT_THAT(
      executor_.executed(),
      UnorderedElementsAre(Pair("json:before.json", 1), Pair("all:before.json", 1),
                           Pair("json:x.json", 1), Pair("all:x.json", 1), Pair("json:in/y.json", 1),
                           Pair("all:in/y.json", 1), Pair("all:z.txt", 1)));
  add_pipeline("late", {"*.txt"});
  start();  // a pipeline added later has not had what the others had
  executor_.wait_for("late:z.txt");
  stop();
  EXPECT_EQ(executor_.executed().size(), 8u);
}

TEST_F(WatcherTest, runs_two_thousand_files_that_come_at_once) {
  start();
  for (int i = 0; i < 2000; ++i) write(std::to_string(i) + ".json");
  executor_.wait_for_count(2000);
  stop();
  for (const auto& [key, times] : executor_.executed()) EXPECT_EQ(times, 1) << key;
}

/// Gives the watcher an overflow in the place of the next events.
struct LosingReader {
  std::atomic<bool> losing{false};

  objects::ReadEvents reader() {
    return [this](int descriptor, char* buffer, size_t capacity) -> ssize_t {
      const ssize_t size = ::read(descriptor, buffer, capacity);
      if (size <= 0 || !losing.exchange(false)) return size;
      inotify_event overflow{};
      overflow.wd = -1;
      overflow.mask = IN_Q_OVERFLOW;
      std::memcpy(buffer, &overflow, sizeof overflow);
      return sizeof overflow;
    };
  }
};

TEST_F(WatcherTest, finds_what_was_lost_in_an_overflow) {
  LosingReader losing;
  write("before.json");
  start({.rescan = std::chrono::hours(1), .read_events = losing.reader()});
  executor_.wait_for("p:before.json");
  losing.losing = true;
  write("lost.json");
  executor_.wait_for("p:lost.json");
  stop();
  EXPECT_EQ(executor_.executed()["p:before.json"], 1);
}

TEST_F(WatcherTest, rescans_find_what_no_event_told) {
  const auto deaf = [](int descriptor, char* buffer, size_t capacity) -> ssize_t {
    while (::read(descriptor, buffer, capacity) > 0) {
    }
    return 0;
  };
  start({.rescan = milliseconds(20), .read_events = deaf});
  write("x.json");
  executor_.wait_for("p:x.json");
  write("x.json", "again");
  executor_.wait_for("p:x.json", 2);
}

TEST_F(WatcherTest, a_file_found_by_a_scan_has_to_rest) {
  project_.buckets[0].settle_ms = 300;
  const auto written = std::chrono::system_clock::now();
  write("x.json");
  start();
  executor_.wait_for("p:x.json");
  const auto run = value(log_->list({})).at(0);
  EXPECT_GE(run.created - written, milliseconds(290));
}

TEST_F(WatcherTest, a_file_dated_in_the_future_is_run_all_the_same) {
  write("x.json");
  fs::last_write_time(path("x.json"), fs::file_time_type::clock::now() + std::chrono::hours(9));
  start();
  executor_.wait_for("p:x.json");
}

TEST_F(WatcherTest, remembers_what_it_queued_and_forgets_what_is_gone) {
  write("kept.json");
  write("gone.json");
  start();
  executor_.wait_for_count(2);
  stop();
  fs::remove(path("gone.json"));
  start();
  const auto known =
      value(log_->known_after(PipelineName("p"), BucketName("landing"), ObjectKey(), 9));
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].object.key.value(), "kept.json");
  write("gone.json");
  executor_.wait_for("p:gone.json", 2);
}

TEST_F(WatcherTest, passes_over_hidden_and_unfinished_files) {
  start();
  write(".x.json");
  write("x.json.tmp");
  write("last.json");
  executor_.wait_for("p:last.json");
  stop();
  EXPECT_THAT(executor_.executed(), ElementsAre(Pair("p:last.json", 1)));
}

TEST_F(WatcherTest, a_bucket_that_cannot_be_listed_is_an_error_of_the_start) {
  add_pipeline("p", {"*"});
  log_ = value(runlog::open_sqlite_run_log(folder_.path("runs.sqlite")));
  resources_.buckets[BucketName("landing")] = value(objects::open_bucket(project_.buckets[0]));
  fs::remove_all(path(""));
  dispatcher_ = make_dispatcher(*log_, executor_, clock_, {});
  watcher_ = make_watcher(project_, resources_, *log_, *dispatcher_, clock_, {});
  const auto started = watcher_->start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace weir::scheduler::testing
