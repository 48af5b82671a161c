#include "objects/file_bucket.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "io/atomic_file.h"
#include "io/descriptor.h"
#include "io/faulty_stream.h"
#include "io/memory_stream.h"
#include "io/temporary_folder_for_test.h"
#include "objects/file_watch.h"
#include "objects/file_writers.h"

namespace weir::objects {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
namespace fs = std::filesystem;

class FileBucketTest : public ::testing::Test {
 protected:
  FileBucketTest() {
    BucketConfig config;
    config.name = BucketName("landing");
    config.path = folder_.path("landing");
    auto opened = open_bucket(config);
    EXPECT_TRUE(opened) << opened.error().to_string();
    bucket_ = *std::move(opened);
  }

  std::string path(const std::string& key) const { return folder_.path("landing/" + key); }
  void write(const std::string& key, const std::string& text = "x") {
    fs::create_directories(fs::path(path(key)).parent_path());
    std::ofstream(path(key)) << text;
  }
  std::vector<std::string> keys(const std::string& pattern) {
    std::vector<std::string> found;
    const auto listed = bucket_->list(pattern, [&](const ObjectStat& object) {
      found.push_back(object.key.value());
      return true;
    });
    EXPECT_TRUE(listed) << listed.error().to_string();
    return found;
  }

  io::TemporaryFolder folder_;
  std::unique_ptr<Bucket> bucket_;
};

TEST_F(FileBucketTest, lists_in_byte_order_of_the_keys) {
  for (const char* key : {"b", "a/x", "a-b", "a.b", "a/b/c", "a0", "ñ"}) write(key);
  EXPECT_THAT(keys("**"), ElementsAre("a-b", "a.b", "a/b/c", "a/x", "a0", "b", "ñ"));
  EXPECT_THAT(keys("*"), ElementsAre("a-b", "a.b", "a0", "b", "ñ"));
  EXPECT_THAT(keys("a/*"), ElementsAre("a/x"));
  EXPECT_THAT(keys("nowhere/*"), IsEmpty());
}

TEST_F(FileBucketTest, lists_once_what_several_patterns_match) {
  for (const char* key : {"x.json", "y.csv", "z.txt"}) write(key);
  std::vector<std::string> found;
  ASSERT_TRUE(bucket_->list_any({"*.json", "x*", "*.csv"}, [&](const ObjectStat& object) {
    found.push_back(object.key.value());
    return true;
  }));
  EXPECT_THAT(found, ElementsAre("x.json", "y.csv"));
}

TEST_F(FileBucketTest, stops_when_told) {
  for (const char* key : {"a/1", "a/2", "b/3"}) write(key);
  int seen = 0;
  ASSERT_TRUE(bucket_->list("**", [&](const ObjectStat&) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2);
}

TEST_F(FileBucketTest, does_not_read_folders_the_pattern_cannot_reach) {
  write("in/x.json");
  write("out/x.json");
  ASSERT_EQ(::chmod(path("out").c_str(), 0), 0);
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(keys("in/*.json"), ElementsAre("in/x.json"));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");  // else: that it may not read it
  ::chmod(path("out").c_str(), 0700);
}

TEST_F(FileBucketTest, tells_size_and_times_and_notices_a_rewrite) {
  write("x", "12345");
  const auto before = bucket_->stat(ObjectKey("x"));
  ASSERT_TRUE(before);
  EXPECT_EQ(before->size_bytes, 5u);
  EXPECT_GT(before->mtime_ns, 1'600'000'000'000'000'000);
  ObjectStat listed;
  ASSERT_TRUE(bucket_->list("x", [&](const ObjectStat& object) {
    listed = object;
    return true;
  }));
  EXPECT_EQ(listed, *before);
  write("y", "12345");
  fs::rename(path("y"), path("x"));
  EXPECT_NE(*bucket_->stat(ObjectKey("x")), *before);
}

/// Takes all descriptors the process may still have.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(FileBucketTest, does_not_take_a_failing_system_for_a_missing_object) {
  write("in/x.json");
  ErrorCode code{};
  {
    const NoDescriptorsLeft none;
    const auto found = bucket_->stat(ObjectKey("in/x.json"));
    code = found ? ErrorCode::internal : found.error().code;
  }
  EXPECT_EQ(code, ErrorCode::io);  // transient: the run is tried again
  EXPECT_TRUE(bucket_->stat(ObjectKey("in/x.json")));
}

TEST_F(FileBucketTest, follows_links_to_files_but_not_to_folders) {
  std::ofstream(folder_.path("outside.json")) << "x";
  fs::create_directory(folder_.path("elsewhere"));
  std::ofstream(folder_.path("elsewhere/y.json")) << "y";
  write("real/x.json");
  fs::create_symlink(folder_.path("outside.json"), path("link.json"));
  fs::create_directory_symlink(folder_.path("elsewhere"), path("folder"));
  fs::create_directory_symlink("..", path("real/loop"));
  fs::create_symlink("dangling", path("nothing.json"));
  fs::create_symlink("self.json", path("self.json"));
  EXPECT_THAT(keys("**/*.json"), ElementsAre("link.json", "real/x.json"));
  EXPECT_TRUE(bucket_->open(ObjectKey("link.json")));
  EXPECT_EQ(bucket_->stat(ObjectKey("folder/y.json")).error().code, ErrorCode::not_found);
  EXPECT_EQ(bucket_->open(ObjectKey("folder/y.json")).error().code, ErrorCode::not_found);
  EXPECT_EQ(bucket_->stat(ObjectKey("nothing.json")).error().code, ErrorCode::not_found);
}

TEST_F(FileBucketTest, folders_and_pipes_are_no_objects) {
  fs::create_directory(path("folder.json"));
  ASSERT_EQ(::mkfifo(path("pipe.json").c_str(), 0600), 0);
  EXPECT_THAT(keys("*.json"), IsEmpty());
  EXPECT_EQ(bucket_->open(ObjectKey("folder.json")).error().code, ErrorCode::not_found);
  EXPECT_EQ(bucket_->open(ObjectKey("pipe.json")).error().code, ErrorCode::not_found);
}

TEST_F(FileBucketTest, refuses_keys_that_leave_the_bucket) {
  std::ofstream(folder_.path("outside.json")) << "x";
  for (const std::string& key : {std::string("../outside.json"), folder_.path("outside.json"),
                                 std::string("a\0b", 3), std::string()}) {
    EXPECT_EQ(bucket_->stat(ObjectKey(key)).error().code, ErrorCode::invalid_input) << key;
    EXPECT_EQ(bucket_->open(ObjectKey(key)).error().code, ErrorCode::invalid_input) << key;
    EXPECT_FALSE(bucket_->is_being_written(ObjectKey(key))) << key;
  }
}

TEST_F(FileBucketTest, warns_once_of_a_name_that_is_no_text) {
  write("good.json");
  write("bad\xff.json");
  ::testing::internal::CaptureStderr();
  EXPECT_THAT(keys("*.json"), ElementsAre("good.json"));
  const std::string first = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(first, ::testing::HasSubstr("bad?.json"));
  ::testing::internal::CaptureStderr();
  keys("*.json");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(FileBucketTest, opens_what_it_lists) {
  write("a/b.txt", "hello");
  auto stream = bucket_->open(ObjectKey("a/b.txt"));
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->size_bytes(), 5u);
  char buffer[16];
  const auto size = (*stream)->read(buffer, sizeof buffer);
  ASSERT_TRUE(size);
  EXPECT_EQ(std::string(buffer, *size), "hello");
  EXPECT_EQ(bucket_->open(ObjectKey("a/c.txt")).error().code, ErrorCode::not_found);
}

TEST_F(FileBucketTest, knows_a_file_that_is_still_written) {
  write("x");
  EXPECT_EQ(find_writers(path("x")), Writers::none);
  {
    const io::Descriptor writer(::open(path("x").c_str(), O_WRONLY));
    if (find_writers(path("x")) == Writers::unknown) GTEST_SKIP() << "no leases here";
    EXPECT_EQ(find_writers(path("x")), Writers::some);
    EXPECT_TRUE(bucket_->is_being_written(ObjectKey("x")));
  }
  EXPECT_FALSE(bucket_->is_being_written(ObjectKey("x")));
  const io::Descriptor reader(::open(path("x").c_str(), O_RDONLY));
  EXPECT_EQ(find_writers(path("x")), Writers::none);
  EXPECT_EQ(find_writers(path("gone")), Writers::not_file);
  EXPECT_EQ(find_writers(folder_.path()), Writers::not_file);
}

TEST_F(FileBucketTest, a_missing_folder_is_an_error_of_the_listing) {
  fs::remove_all(path(""));
  const auto listed = bucket_->list("*", [](const ObjectStat&) { return true; });
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().code, ErrorCode::not_found);
}

TEST(OpenBucket, s3_and_gcs_are_not_there_yet) {
  for (const BucketKind kind : {BucketKind::s3, BucketKind::gcs}) {
    BucketConfig config;
    config.kind = kind;
    EXPECT_EQ(open_bucket(config).error().code, ErrorCode::not_yet);
  }
}

TEST(OpenBucket, a_file_in_the_place_of_the_folder_is_an_error) {
  io::TemporaryFolder folder;
  std::ofstream(folder.path("file")) << "x";
  BucketConfig config;
  config.path = folder.path("file");
  EXPECT_EQ(open_bucket(config).error().code, ErrorCode::io);
}

TEST_F(FileBucketTest, puts_whole_objects_and_makes_their_folders) {
  for (const char* key : {"x.csv", "a/b/c.csv", "a/b/c.csv"}) {
    io::MemoryStream content("id\n1\n");
    const auto put = bucket_->put(ObjectKey(key), content);
    ASSERT_TRUE(put) << put.error().to_string();
    EXPECT_EQ(put->size_bytes, 5u);
    EXPECT_EQ(*io::read_small_file(path(key), 100), "id\n1\n");
  }
  EXPECT_THAT(keys("**"), ElementsAre("a/b/c.csv", "x.csv"));
  size_t names = 0;
  for ([[maybe_unused]] const auto& each : fs::recursive_directory_iterator(path(""))) ++names;
  EXPECT_EQ(names, 4u) << "two folders, two files, and nothing hidden";
}

TEST_F(FileBucketTest, a_put_that_fails_leaves_what_was_there) {
  write("x.csv", "old");
  io::MemoryStream content("new content");
  io::FaultyStream breaks(content, {.fail_at = 4});
  const auto put = bucket_->put(ObjectKey("x.csv"), breaks);
  ASSERT_FALSE(put);
  EXPECT_EQ(*io::read_small_file(path("x.csv"), 100), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(path("")), fs::directory_iterator()), 1);
}

TEST_F(FileBucketTest, a_put_leads_through_no_link_and_no_file) {
  fs::create_directory_symlink(folder_.path(), path("link"));
  write("file");
  for (const char* key : {"link/x", "file/x"}) {
    io::MemoryStream content("x");
    const auto put = bucket_->put(ObjectKey(key), content);
    ASSERT_FALSE(put) << key;
    EXPECT_EQ(put.error().code, ErrorCode::invalid_input);
  }
  for (const char* key : {"", "/x", "../x", "a/../x", "a//x"}) {
    io::MemoryStream content("x");
    EXPECT_FALSE(bucket_->put(ObjectKey(key), content)) << key;
  }
  EXPECT_FALSE(fs::exists(folder_.path("x")));
}

TEST_F(FileBucketTest, an_object_that_is_put_arrives_once) {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> arrived;
  FileWatchEvents events;
  events.arrived = [&](const std::vector<ObjectKey>& found) {
    const std::lock_guard lock(mutex);
    for (const ObjectKey& key : found) {
      if (bucket_->stat(key)) arrived.push_back(key.value());
    }
    changed.notify_all();
  };
  events.unsettled = [](const std::vector<ObjectKey>&) {};
  events.lost = [] {};
  const auto watch = FileWatch::start(path(""), {"**"}, events);
  ASSERT_TRUE(watch);
  const std::string large(1 << 20, 'x');
  for (const char* key : {"a.csv", "b.csv"}) {
    io::MemoryStream content(large);
    ASSERT_TRUE(bucket_->put(ObjectKey(key), content));
  }
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return !arrived.empty() && arrived.back() == "b.csv"; });
  EXPECT_THAT(arrived, ElementsAre("a.csv", "b.csv"));
}

}  // namespace
}  // namespace weir::objects
