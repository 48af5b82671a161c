#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "io/atomic_file.h"
#include "io/spool_file.h"
#include "io/system_error.h"
#include "io/temporary_folder_for_test.h"

namespace weir::io {
namespace {

std::string read_all(ByteStream& stream) {
  std::string all(1 << 20, '\0');
  const auto got = stream.read(all.data(), all.size());
  EXPECT_TRUE(got);
  all.resize(got.value_or(0));
  return all;
}

// Makes writes beyond `bytes` of any file fail with EFBIG, as a full disk does with ENOSPC.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  void (*old_handler_)(int);
};

size_t names_in(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(WriteFileAtomically, ReplacesTheWholeFileAndLeavesNothingElse) {
  TemporaryFolder folder;
  const std::string path = folder.path("x");
  ASSERT_TRUE(write_file_atomically(path, "first, longer"));
  ASSERT_TRUE(write_file_atomically(path, "second"));
  EXPECT_EQ(read_small_file(path, 100), "second");
  EXPECT_EQ(names_in(folder.path()), 1u);
}

TEST(WriteFileAtomically, KeepsTheOldFileWhenTheNewOneDoesNotFit) {
  TemporaryFolder folder;
  const std::string path = folder.path("x");
  ASSERT_TRUE(write_file_atomically(path, "old"));
  {
    const FileSizeLimit limit(4'096);
    const auto written = write_file_atomically(path, std::string(10'000, 'n'));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::io);
  }
  EXPECT_EQ(read_small_file(path, 100), "old");
  EXPECT_EQ(names_in(folder.path()), 1u);
}

TEST(WriteFileAtomically, GivesTheAccessItWasAskedFor) {
  TemporaryFolder folder;
  const mode_t old = ::umask(027);
  ASSERT_TRUE(write_file_atomically(folder.path("secret"), "x", FileAccess::owner_only));
  ASSERT_TRUE(write_file_atomically(folder.path("open"), "x"));
  ::umask(old);
  struct stat status;
  ASSERT_EQ(::stat(folder.path("secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  ASSERT_EQ(::stat(folder.path("open").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(WriteFileAtomically, NamesTheMissingFolder) {
  TemporaryFolder folder;
  const auto written = write_file_atomically(folder.path("none/x"), "x");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::not_found);
  EXPECT_NE(written.error().message.find("none/x"), std::string::npos);
}

TEST(ReadSmallFile, TakesUpToTheLimitAndNoByteMore) {
  TemporaryFolder folder;
  for (size_t size : {0u, 1u, 4'095u, 4'096u, 10'000u}) {
    const std::string content(size, 'x');
    std::ofstream(folder.path("x")) << content;
    EXPECT_EQ(read_small_file(folder.path("x"), 10'000), content);
    EXPECT_EQ(read_small_file(folder.path("x"), size), content);
    if (size > 0) {
      EXPECT_EQ(read_small_file(folder.path("x"), size - 1).error().code, ErrorCode::invalid_input);
    }
  }
}

TEST(SpoolFile, ReadersSeeWhatWasAppendedAndTheFolderStaysEmpty) {
  TemporaryFolder folder;
  auto spool = SpoolFile::create(folder.path());
  ASSERT_TRUE(spool) << spool.error().to_string();
  EXPECT_EQ(names_in(folder.path()), 0u);
  ASSERT_TRUE((*spool)->append("one"));
  const auto early = (*spool)->open();
  EXPECT_EQ(read_all(*early), "one");
  ASSERT_TRUE((*spool)->append("two"));
  EXPECT_EQ(read_all(*early), "two");
  EXPECT_EQ(read_all(*early), "");
  EXPECT_EQ(read_all(*(*spool)->open()), "onetwo");
  EXPECT_EQ((*spool)->size_bytes(), 6u);
}

TEST(SpoolFile, IsFilledByWhoOpensFilesByName) {
  TemporaryFolder folder;
  const auto spool = SpoolFile::create(folder.path());
  ASSERT_TRUE(spool);
  ASSERT_TRUE((*spool)->fill([](const std::string& path) -> Result<void> {
    std::ofstream(path, std::ios::binary) << "by name";
    return {};
  }));
  EXPECT_EQ((*spool)->size_bytes(), 7u);
  EXPECT_EQ(read_all(*(*spool)->open()), "by name");
  EXPECT_EQ(names_in(folder.path()), 0u);
  const auto failed = (*spool)->fill(
      [](const std::string&) -> Result<void> { return fail(ErrorCode::io, "the disk is full"); });
  EXPECT_EQ(failed.error().message, "the disk is full");
}

TEST(SpoolFile, EndsWhereItEndedWhenTheDiskIsFull) {
  TemporaryFolder folder;
  auto spool = SpoolFile::create(folder.path());
  ASSERT_TRUE(spool);
  ASSERT_TRUE((*spool)->append("one"));
  {
    const FileSizeLimit limit(1'000);
    EXPECT_EQ((*spool)->append(std::string(5'000, 'x')).error().code, ErrorCode::io);
  }
  ASSERT_TRUE((*spool)->append("two"));
  EXPECT_EQ(read_all(*(*spool)->open()), "onetwo");
}

TEST(SpoolFile, NamesTheMissingFolder) {
  TemporaryFolder folder;
  EXPECT_EQ(SpoolFile::create(folder.path("none")).error().code, ErrorCode::not_found);
}

TEST(SystemError, TellsWhatMendsIt) {
  EXPECT_EQ(system_error("open", "x", ENOENT).code, ErrorCode::not_found);
  EXPECT_EQ(system_error("write", "x", ENOSPC).code, ErrorCode::io);
  EXPECT_EQ(system_error("write", "x", ENOSPC).fix, "make room on that disk");
  EXPECT_EQ(system_error("open", "x", EACCES).message, "cannot open x: Permission denied");
}

}  // namespace
}  // namespace weir::io
