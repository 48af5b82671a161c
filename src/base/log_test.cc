#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "base/json_text.h"

namespace weir::log {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
namespace fs = std::filesystem;

class LogTest : public ::testing::Test {
 protected:
  LogTest() {
    std::string name = (fs::temp_directory_path() / "weir-log-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder = name;
  }
  ~LogTest() override {
    EXPECT_TRUE(start(Settings{.level = Level::warning}));
    fs::remove_all(folder);
  }
  std::string file(const std::string& name = "weir.log") const { return (folder / name).string(); }
  std::string text(const std::string& name = "weir.log") const {
    std::ostringstream out;
    out << std::ifstream(file(name)).rdbuf();
    return out.str();
  }
  fs::path folder;
};

TEST_F(LogTest, JsonLinesCarryTheFieldsOfTheirThread) {
  EXPECT_TRUE(start(Settings{.level = Level::info, .format = Format::json, .file = file()}));
  {
    const With run("run", "01k");
    const With pipeline("pipeline", "load \"x\"");
    info("one\ntwo {}", 3);
    std::thread([] { warning("elsewhere"); }).join();
  }
  debug("not wanted");
  error("after");
  std::istringstream lines(text());
  std::string line;
  std::getline(lines, line);
  EXPECT_THAT(line, MatchesRegex(R"(\{"time":"[-0-9]+T[:0-9]+\.[0-9]{6}Z","level":"info",)"
                                 R"("message":"one\\ntwo 3","run":"01k",)"
                                 R"("pipeline":"load \\"x\\""\})"));
  std::getline(lines, line);
  EXPECT_THAT(line, HasSubstr(R"("level":"warning","message":"elsewhere"})"));
  std::getline(lines, line);
  EXPECT_THAT(line, HasSubstr(R"("level":"error","message":"after"})"));
  EXPECT_FALSE(std::getline(lines, line));
}

TEST_F(LogTest, TextStaysOneLineAndSteersNoTerminal) {
  ASSERT_TRUE(start(Settings{.file = file()}));
  const With run("run", "01k");
  info("a\nb\x1b[2J");
  EXPECT_THAT(text(), MatchesRegex("[-0-9]+T[:.0-9]+Z info a b\\\\x1b\\[2J run=01k\n"));
}

TEST_F(LogTest, FilesRotateAndOnlyTheirOwnerReadsThem) {
  const mode_t before = ::umask(0);
  ASSERT_TRUE(start(Settings{.file = file(), .rotate_bytes = 2000, .keep = 2}));
  for (int i = 0; i < 200; ++i) info("line {:04}", i);
  ::umask(before);
  EXPECT_THAT(text(), HasSubstr("line 0199"));
  EXPECT_THAT(text(), Not(HasSubstr("line 0000")));
  size_t files = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    ++files;
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write)
        << entry.path();
    EXPECT_LE(entry.file_size(), 2000u);
  }
  EXPECT_EQ(files, 3u);
}

TEST_F(LogTest, AFileOthersCouldReadIsTakenFromThem) {
  std::ofstream(file()) << "old\n";
  fs::permissions(file(), fs::perms(0644));
  ASSERT_TRUE(start(Settings{.file = file()}));
  info("new");
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms(0600));
  EXPECT_THAT(text(), ::testing::StartsWith("old\n"));
}

TEST_F(LogTest, AMissingFolderIsMadeAndTheFileIsStillPrivate) {
  ASSERT_TRUE(start(Settings{.file = file("a/b/weir.log")}));
  info("line");
  EXPECT_EQ(fs::status(file("a/b/weir.log")).permissions(), fs::perms(0600));
}

TEST_F(LogTest, AFileThatCannotBeOpenedIsAnError) {
  std::ofstream(file("blocked")) << "a file, not a folder";
  const auto started = start(Settings{.file = file("blocked/weir.log")});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, ErrorCode::io);
  EXPECT_THAT(started.error().message, HasSubstr("blocked/weir.log"));
}

TEST(JsonQuoted, EscapesAndReplacesWhatIsNoText) {
  EXPECT_EQ(json_quoted("a\"\\\n\r\t\x01\x7F"), R"("a\"\\\n\r\t\u0001\u007f")");
  EXPECT_EQ(json_quoted("ñ€😀"), "\"ñ€😀\"");
  // Cut short, a lone continuation, overlong, a surrogate, beyond the last character.
  EXPECT_EQ(json_quoted("\xC3"), "\"\uFFFD\"");
  EXPECT_EQ(json_quoted("\x80x"), "\"\uFFFDx\"");
  EXPECT_EQ(json_quoted("\xC0\xAF"), "\"\uFFFD\uFFFD\"");
  EXPECT_EQ(json_quoted("\xED\xA0\x80"), "\"\uFFFD\uFFFD\uFFFD\"");
  EXPECT_EQ(json_quoted("\xF4\x90\x80\x80"), "\"\uFFFD\uFFFD\uFFFD\uFFFD\"");
}

}  // namespace
}  // namespace weir::log
