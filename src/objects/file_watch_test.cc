#include "objects/file_watch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <set>

#include "io/descriptor.h"
#include "io/temporary_folder_for_test.h"

namespace weir::objects {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

/// Collects what a watch reports; waiting gives up, and fails the test, after half a minute.
class Reports {
 public:
  FileWatchEvents events() {
    FileWatchEvents events;
    events.arrived = [this](const std::vector<ObjectKey>& keys) {
      update([&] {
        for (const ObjectKey& key : keys) ++arrived_[key.value()];
      });
    };
    events.unsettled = [this](const std::vector<ObjectKey>& keys) {
      update([&] {
        for (const ObjectKey& key : keys) unsettled_.insert(key.value());
      });
    };
    events.lost = [this] { update([&] { ++lost_; }); };
    return events;
  }

  void wait_for(const std::string& key) {
    wait([&] { return arrived_.contains(key); }, key + " to arrive");
  }
  void wait_for_unsettled(const std::string& key) {
    wait([&] { return unsettled_.contains(key); }, key + " to be called unsettled");
  }
  void wait_for_loss() {
    wait([&] { return lost_ > 0; }, "a loss");
  }
  void wait_for_count(size_t count) {
    wait([&] { return arrived_.size() >= count; }, std::to_string(count) + " arrivals");
  }
  std::map<std::string, int> arrived() {
    const std::lock_guard lock(mutex_);
    return arrived_;
  }

 private:
  template <class Change>
  void update(Change change) {
    const std::lock_guard lock(mutex_);
    change();
    changed_.notify_all();
  }
  template <class Condition>
  void wait(Condition condition, const std::string& what) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(30), condition))
        << "waited for " << what;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> arrived_;
  std::set<std::string> unsettled_;
  int lost_ = 0;
};

class FileWatchTest : public ::testing::Test {
 protected:
  FileWatchTest() { fs::create_directory(folder_.path("in")); }

  void start(const std::vector<std::string>& patterns, FileWatchOptions options = {}) {
    auto started = FileWatch::start(folder_.path("in"), patterns, reports_.events(), options);
    ASSERT_TRUE(started) << started.error().to_string();
    watch_ = *std::move(started);
  }
  std::string path(const std::string& key) const { return folder_.path("in/" + key); }
  void write(const std::string& key) { std::ofstream(path(key)) << "x"; }
  /// Everything done before is reported once this returns.
  void write_last(const std::string& key = "last.json") {
    write(key);
    reports_.wait_for(key);
  }

  io::TemporaryFolder folder_;
  Reports reports_;
  std::unique_ptr<FileWatch> watch_;
};

TEST_F(FileWatchTest, reports_a_closed_file_once_and_nothing_else) {
  write("before.json");
  start({"*.json"});
  EXPECT_TRUE(watch_->complete());
  write("x.json");
  write("x.txt");
  write(".hidden.json");
  write("x.json.part");
  write_last();
  EXPECT_THAT(reports_.arrived(), UnorderedElementsAre(Pair("x.json", 1), Pair("last.json", 1)));
}

TEST_F(FileWatchTest, does_not_report_a_half_written_file) {
  start({"*.json"});
  std::ofstream half(path("half.json"));
  half << "[1, " << std::flush;
  write_last("other.json");
  EXPECT_THAT(reports_.arrived(), ElementsAre(Pair("other.json", 1)));
  half << "2]";
  half.close();
  reports_.wait_for("half.json");
}

TEST_F(FileWatchTest, reports_what_was_renamed_linked_or_moved_into_place) {
  write("a.part");
  std::ofstream(folder_.path("b")) << "b";
  std::ofstream(folder_.path("c")) << "c";
  std::ofstream(folder_.path("d")) << "d";
  start({"*.json"});
  fs::rename(path("a.part"), path("a.json"));
  fs::rename(folder_.path("b"), path("b.json"));
  fs::create_hard_link(folder_.path("c"), path("c.json"));
  fs::create_symlink(folder_.path("d"), path("d.json"));
  fs::create_symlink("nowhere", path("dangling.json"));
  write_last();
  reports_.wait_for_count(5);
  EXPECT_THAT(reports_.arrived(),
              UnorderedElementsAre(Pair("a.json", 1), Pair("b.json", 1), Pair("c.json", 1),
                                   Pair("d.json", 1), Pair("last.json", 1)));
}

TEST_F(FileWatchTest, reports_a_file_that_got_its_name_when_it_was_complete) {
  start({"*.json"});
  io::Descriptor file(::open(path("").c_str(), O_TMPFILE | O_RDWR, 0600));
  if (!file) GTEST_SKIP() << "no O_TMPFILE here";
  ASSERT_EQ(::write(file.get(), "x", 1), 1);
  const io::Descriptor reader(
      ::open(("/proc/self/fd/" + std::to_string(file.get())).c_str(), O_RDONLY));
  file.close();
  const std::string source = "/proc/self/fd/" + std::to_string(reader.get());
  ASSERT_EQ(::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, path("x.json").c_str(), AT_SYMLINK_FOLLOW),
            0);
  reports_.wait_for("x.json");
}

TEST_F(FileWatchTest, calls_an_empty_file_without_a_closing_unsettled) {
  start({"*.json"});
  ASSERT_EQ(::mknod(path("made.json").c_str(), S_IFREG | 0600, 0), 0);
  reports_.wait_for_unsettled("made.json");
}

TEST_F(FileWatchTest, calls_a_linked_file_unsettled_while_it_is_written_under_its_other_name) {
  start({"*.json"});
  std::ofstream half(folder_.path("half"));
  half << "[1, " << std::flush;
  fs::create_hard_link(folder_.path("half"), path("half.json"));
  reports_.wait_for_unsettled("half.json");
}

TEST_F(FileWatchTest, reports_a_rewritten_file_again) {
  start({"*.json"});
  write_last("x.json");
  std::ofstream(path("x.json"), std::ios::app) << "more";
  write_last();
  EXPECT_THAT(reports_.arrived(), Contains(Pair("x.json", 2)));
}

TEST_F(FileWatchTest, sees_new_folders_with_files_in_them_at_once) {
  start({"**/*.json"});
  for (int i = 0; i < 20; ++i) {
    const std::string folder = "f" + std::to_string(i) + "/a/b";
    fs::create_directories(path(folder));
    write(folder + "/x.json");
    write("f" + std::to_string(i) + "/y.json");
  }
  reports_.wait_for_count(40);
  write_last();
  EXPECT_EQ(reports_.arrived().size(), 41u);
}

TEST_F(FileWatchTest, reports_the_files_of_a_folder_that_was_moved_in) {
  fs::create_directories(folder_.path("outside/deep"));
  std::ofstream(folder_.path("outside/deep/x.json")) << "x";
  start({"**/*.json"});
  fs::rename(folder_.path("outside"), path("moved"));
  reports_.wait_for("moved/deep/x.json");
  write("moved/deep/later.json");
  reports_.wait_for("moved/deep/later.json");
}

TEST_F(FileWatchTest, follows_a_folder_that_is_renamed_or_moved_out) {
  fs::create_directories(path("a/sub"));
  fs::create_directories(path("a-b"));
  fs::create_directories(path("gone"));
  start({"**/*.json"});
  fs::rename(path("a"), path("b"));
  fs::rename(path("gone"), folder_.path("gone"));
  write("b/sub/x.json");
  std::ofstream(folder_.path("gone/x.json")) << "x";
  write("a-b/z.json");
  write_last();
  EXPECT_THAT(
      reports_.arrived(),
      UnorderedElementsAre(Pair("b/sub/x.json", 1), Pair("a-b/z.json", 1), Pair("last.json", 1)));
}

TEST_F(FileWatchTest, reports_from_several_deep_patterns) {
  fs::create_directories(path("2017/08"));
  fs::create_directories(path("csv"));
  fs::create_directories(path("other"));
  start({"20*/**/*.json", "csv/*.csv"});
  write("2017/08/x.json");
  write("2017/y.json");
  write("csv/x.csv");
  write("csv/x.json");
  write("other/x.json");
  write_last("csv/last.csv");
  EXPECT_THAT(reports_.arrived(),
              UnorderedElementsAre(Pair("2017/08/x.json", 1), Pair("2017/y.json", 1),
                                   Pair("csv/x.csv", 1), Pair("csv/last.csv", 1)));
}

TEST_F(FileWatchTest, reports_two_thousand_files_at_once) {
  start({"*.json"});
  for (int i = 0; i < 2000; ++i) write(std::to_string(i) + ".json");
  reports_.wait_for_count(2000);
  for (const auto& [key, times] : reports_.arrived()) EXPECT_EQ(times, 1) << key;
}

TEST_F(FileWatchTest, tells_of_lost_events_and_sees_folders_it_missed) {
  std::atomic<bool> losing{false};
  FileWatchOptions options;
  options.read_events = [&](int descriptor, char* buffer, size_t capacity) -> ssize_t {
    const ssize_t size = ::read(descriptor, buffer, capacity);
    if (size <= 0 || !losing.exchange(false)) return size;
    inotify_event overflow{};
    overflow.wd = -1;
    overflow.mask = IN_Q_OVERFLOW;
    std::memcpy(buffer, &overflow, sizeof overflow);
    return sizeof overflow;
  };
  start({"**/*.json"}, options);
  losing = true;
  fs::create_directory(path("missed"));
  reports_.wait_for_loss();
  write_last("missed/x.json");
}

TEST_F(FileWatchTest, outlives_the_removal_of_its_folder) {
  start({"*.json"});
  fs::remove_all(path(""));
  fs::create_directory(path(""));
  reports_.wait_for_loss();
  write_last("x.json");
}

TEST_F(FileWatchTest, a_missing_folder_is_an_error) {
  const auto started = FileWatch::start(folder_.path("nowhere"), {"*"}, {});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::not_found);
}

/// In a user namespace of its own, where the limit of watches is its own too.
[[noreturn]] void start_with_two_watches(const std::string& folder) {
  if (::unshare(CLONE_NEWUSER) != 0) ::_exit(77);
  std::ofstream("/proc/sys/user/max_inotify_watches") << 2 << std::flush;
  const auto started = FileWatch::start(folder, {"**"}, {});
  ::_exit(!started ? 3 : (*started)->complete() ? 77 : 0);
}

TEST_F(FileWatchTest, says_so_when_the_limit_of_watches_is_reached) {
  for (const char* name : {"a", "b", "c"}) fs::create_directory(path(name));
  const auto allowed = [](int status) {
    return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77);
  };
  EXPECT_EXIT(start_with_two_watches(path("")), allowed, "fs.inotify.max_user_watches|^$");
}

}  // namespace
}  // namespace weir::objects
