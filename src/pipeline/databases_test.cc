#include "pipeline/databases.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "duckdb/connection.h"
#include "pipeline/test_project.h"

namespace weir::pipeline {
namespace {

using testing::HasSubstr;

/// Another process that holds the lock DuckDB takes on a file; lets go when destroyed.
class OtherProgram {
 public:
  explicit OtherProgram(const std::string& path) {
    int ready[2];
    WEIR_CHECK(::pipe(ready) == 0, "no pipe");
    pid_ = ::fork();
    WEIR_CHECK(pid_ >= 0, "no process");
    if (pid_ == 0) {
      const int file = ::open(path.c_str(), O_RDWR);
      struct flock lock {};
      lock.l_type = F_WRLCK;
      const char held = ::fcntl(file, F_SETLK, &lock) == 0 ? 'y' : 'n';
      if (::write(ready[1], &held, 1) == 1) ::pause();
      ::_exit(0);
    }
    char held = 'n';
    WEIR_CHECK(::read(ready[0], &held, 1) == 1 && held == 'y', "the lock was not to be had");
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~OtherProgram() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

class DatabasesTest : public testing::Test {
 protected:
  DatabasesTest() {
    DatabaseConfig config;
    config.name = name_;
    config.path = test_.project.root / "deep" / "folder" / "x.duckdb";
    test_.project.databases.push_back(config);
    DatabaseConfig later;
    later.name = DatabaseName("later");
    later.engine = Engine::postgres;
    test_.project.databases.push_back(later);
  }
  std::filesystem::path path() const { return test_.project.root / "deep" / "folder" / "x.duckdb"; }

  const DatabaseName name_{"x"};
  TestProject test_;
  TableLocks locks_;
  std::unique_ptr<secrets::SecretStore> secrets_ =
      secrets::open_secret_store({test_.project.root, test_.project.environment});
  Databases databases_{test_.project, locks_, *secrets_};
};

TEST_F(DatabasesTest, OpensAtTheFirstUseAndOnce) {
  EXPECT_FALSE(std::filesystem::exists(path()));
  const auto opened = databases_.open(name_);
  ASSERT_TRUE(opened) << opened.error().to_string();
  EXPECT_TRUE(std::filesystem::exists(path()));
  EXPECT_EQ(*databases_.open_to_load(name_), *opened);
  const auto connection = *(*opened)->connect();
  EXPECT_TRUE(connection->run("SELECT * FROM weir_loads"));
}

TEST_F(DatabasesTest, SaysWhatItCannotOpen) {
  EXPECT_EQ(databases_.open(DatabaseName("y")).error().code, ErrorCode::not_found);
  EXPECT_EQ(databases_.open(DatabaseName("later")).error().code, ErrorCode::not_yet);
  std::ofstream(test_.project.root / "deep") << "in the way";
  const auto refused = databases_.open(name_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::io);
  EXPECT_THAT(refused.error().to_string(), HasSubstr("cannot make the folder"));
  std::filesystem::remove(test_.project.root / "deep");
  EXPECT_TRUE(databases_.open(name_));
}

TEST_F(DatabasesTest, NamesTheProgramThatHasTheFileAndOpensItLater) {
  std::filesystem::create_directories(path().parent_path());
  std::ofstream(path()) << "";
  {
    const OtherProgram other(path());
    const auto refused = databases_.open(name_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::busy);
    EXPECT_THAT(refused.error().message, HasSubstr("(PID " + std::to_string(other.pid()) + ")"));
    EXPECT_FALSE(refused.error().fix.empty());
  }
  const auto opened = databases_.open(name_);
  EXPECT_TRUE(opened) << opened.error().to_string();
}

TEST_F(DatabasesTest, WhatWasLostIsOpenedAnewWhenNobodyHoldsIt) {
  auto held = *databases_.open(name_);
  ASSERT_TRUE(held->works());
  {
    const auto connection = *held->connect();
    ASSERT_TRUE(connection->run("CREATE TABLE kept AS SELECT 7 AS n"));
  }
  databases_.lost(held);
  EXPECT_FALSE(databases_.is_open(held));
  const auto refused = databases_.open(name_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  held.reset();
  const auto opened = databases_.open(name_);
  ASSERT_TRUE(opened) << opened.error().to_string();
  const auto connection = *(*opened)->connect();
  EXPECT_EQ(connection->run("SELECT n FROM kept")->int64(0, 0), 7);
}

TEST_F(DatabasesTest, RunsGoOnAfterTheirDatabaseWasLost) {
  const auto session = [](int id) {
    return R"({"userId":"1","visitId":)" + std::to_string(id) +
           R"(,"date":"20170701","device":"d","hit":[]})" + "\n";
  };
  test_.drop("a.json", session(1));
  test_.drop("b.json", session(2));
  EXPECT_EQ(test_.run("load", "a.json").status, RunState::succeeded);
  Databases& databases = *test_.resources.databases;
  databases.lost(*databases.open(DatabaseName("warehouse")));  // while a session is kept in it
  EXPECT_EQ(test_.run("load", "b.json").status, RunState::succeeded);
  EXPECT_EQ(test_.query("SELECT count(*) FROM hits"), std::vector<std::string>{"2"});
}

TEST_F(DatabasesTest, RunsOfADatabaseThatCannotBeOpenedSaySo) {
  Databases& databases = *test_.resources.databases;
  const DatabaseName warehouse("warehouse");
  const auto path = test_.project.root / "w.duckdb";
  test_.drop("a.json", "{}\n");
  Progress progress;
  const auto execute = [&] {
    const std::vector<weir::Run> runs = {test_.make_run("load", "a.json")};
    return std::move(test_.executor->execute(runs, progress).front());
  };
  databases.lost(*databases.open(warehouse));
  {
    const OtherProgram other(path);
    const RunOutcome outcome = execute();
    EXPECT_EQ(outcome.down, warehouse);
    ASSERT_TRUE(outcome.receipt.error);
    EXPECT_EQ(outcome.receipt.error->code, ErrorCode::busy);
    EXPECT_FALSE(test_.executor->reach(warehouse));
  }
  EXPECT_TRUE(test_.executor->reach(warehouse));
  EXPECT_FALSE(execute().down);
}

}  // namespace
}  // namespace weir::pipeline
