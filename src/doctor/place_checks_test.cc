#include "doctor/place_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "doctor/database_checks.h"
#include "duckdb/connection.h"
#include "io/atomic_file.h"
#include "io/temporary_folder_for_test.h"
#include "owner/lock_file.h"
#include "secrets/secret_vault.h"

namespace weir::doctor {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class PlaceChecks : public testing::Test {
 protected:
  PlaceChecks() {
    project_.name = "p";
    project_.root = folder_.path();
  }
  secrets::SecretPlaces places() {
    return {project_.root, "default", [this](const std::string& name) {
              const auto at = variables_.find(name);
              return at == variables_.end() ? std::nullopt : std::optional(at->second);
            }};
  }
  void use_secret(const std::string& name) {
    project_.secrets.push_back({name, {"weir.yaml", 3, 5}});
  }
  void add_bucket(const std::string& name) {
    project_.buckets.push_back({BucketName(name),
                                BucketKind::file,
                                "file://" + name,
                                project_.root / name,
                                1000,
                                {"weir.yaml", 7, 3}});
  }

  io::TemporaryFolder folder_;
  std::map<std::string, std::string> variables_;
  const SystemClock clock_;
  Project project_;
};

TEST_F(PlaceChecks, StateFolderThereNotThereOpenToOthersOrNoFolder) {
  EXPECT_EQ(check_state_folder(project_)[0].verdict, Verdict::ok);
  fs::create_directories(project_.state_dir());
  ::chmod(project_.state_dir().c_str(), 0755);
  Finding finding = check_state_folder(project_)[0];
  EXPECT_EQ(finding.verdict, Verdict::warning);
  EXPECT_THAT(finding.found, HasSubstr("has the mode 0755"));
  EXPECT_THAT(finding.fix, HasSubstr("chmod 700"));
  ::chmod(project_.state_dir().c_str(), 0700);
  EXPECT_EQ(check_state_folder(project_)[0].verdict, Verdict::ok);
  EXPECT_TRUE(fs::is_empty(project_.state_dir()));  // nothing stays
  fs::remove(project_.state_dir());
  ASSERT_TRUE(io::write_file_atomically(project_.state_dir().string(), "x"));
  finding = check_state_folder(project_)[0];
  EXPECT_EQ(finding.verdict, Verdict::problem);
  EXPECT_THAT(finding.found, HasSubstr("is no folder"));
}

TEST_F(PlaceChecks, Owner) {
  EXPECT_EQ(check_owner(project_)[0].found, "no weir has run here yet");
  const auto directory = owner::StateDirectory::open(project_.state_dir()).value();
  auto lock = owner::LockFile::open(directory).value();
  EXPECT_THAT(check_owner(project_)[0].found, HasSubstr("no weir runs"));
  ASSERT_TRUE(lock.try_lock().value());
  ASSERT_TRUE(lock.describe({::getpid(), "up", WEIR_VERSION}));
  EXPECT_THAT(check_owner(project_)[0].found, HasSubstr("weir up, pid "));
  ASSERT_TRUE(lock.describe({::getpid(), "up", "0.0.1"}));
  const Finding finding = check_owner(project_)[0];
  EXPECT_EQ(finding.verdict, Verdict::problem);
  EXPECT_THAT(finding.found, HasSubstr("is version 0.0.1"));
}

TEST_F(PlaceChecks, SecretsThatAreNotSetOrWhoseKeyOthersMayRead) {
  EXPECT_EQ(check_secrets(project_, places())[0].verdict, Verdict::ok);
  use_secret("pg");
  use_secret("pg");
  Findings findings = check_secrets(project_, places());
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].verdict, Verdict::problem);
  EXPECT_THAT(findings[0].found, HasSubstr("weir.yaml:3:5: the secret 'pg' is not set"));
  EXPECT_THAT(findings[0].fix, HasSubstr("weir secret set pg"));

  ASSERT_TRUE(secrets::SecretVault(places(), clock_).set("pg", "doctor-canary"));
  findings = check_secrets(project_, places());
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].found, "all 1 can be had");
  ::chmod(places().key_file().c_str(), 0644);
  findings = check_secrets(project_, places());
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].verdict, Verdict::problem);
  EXPECT_THAT(findings[0].fix, HasSubstr("chmod 600"));
  // A bad key is told although the environment has what the project names.
  variables_["WEIR_SECRET_PG"] = "doctor-canary";
  findings = check_secrets(project_, places());
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_THAT(findings[0].fix, HasSubstr("chmod 600"));
}

TEST_F(PlaceChecks, Buckets) {
  for (const char* name : {"gone", "file", "fine"}) add_bucket(name);
  ASSERT_TRUE(io::write_file_atomically(folder_.path("file"), "x"));
  fs::create_directory(folder_.path("fine"));
  const Findings findings = check_buckets(project_);
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_EQ(findings[0].verdict, Verdict::warning);
  EXPECT_THAT(findings[0].fix, HasSubstr("weir.yaml:7:3"));
  EXPECT_EQ(findings[1].verdict, Verdict::problem);
  EXPECT_THAT(findings[1].found, HasSubstr("is no folder"));
  EXPECT_EQ(findings[2].verdict, Verdict::ok);
}

TEST_F(PlaceChecks, TimeZones) {
  Pipeline pipeline;
  const auto add = [&](const std::string& zone) {
    CronTrigger cron;
    cron.expression = "5 0 * * *";
    cron.timezone = zone;
    cron.location = {"weir.yaml", 9, 12};
    pipeline.triggers.push_back(cron);
    project_.pipelines = {pipeline};
  };
  add("");
  EXPECT_EQ(check_time_zones(project_)[0].found, "no schedule names one");
  add("Europe/Madrid");
  EXPECT_EQ(check_time_zones(project_)[0].found, "all 1 are known");
  add("Europe/Madrit");
  const Findings findings = check_time_zones(project_);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].verdict, Verdict::problem);
  EXPECT_THAT(findings[0].found, HasSubstr("weir.yaml:9:12: "));
  EXPECT_THAT(findings[0].fix, HasSubstr("Europe/Madrid"));
}

TEST_F(PlaceChecks, Databases) {
  const auto add = [&](const std::string& name, Engine engine, const fs::path& path) {
    project_.databases.push_back({DatabaseName(name), engine, name, path, {}});
  };
  add("new", Engine::duckdb, folder_.path("new.duckdb"));
  add("server", Engine::postgres, {});
  add("locked", Engine::duckdb, folder_.path("locked.duckdb"));
  ASSERT_TRUE(io::write_file_atomically(folder_.path("locked.duckdb"), "x"));
  const auto open = [](const DatabaseName& name) -> Result<duckdb::Database*> {
    EXPECT_EQ(name, DatabaseName("locked"));
    return fail(ErrorCode::busy, "another program holds it: pid 4711", "end it");
  };
  const auto connect = [](const DatabaseName& name) -> Result<std::unique_ptr<server::Connection>> {
    EXPECT_EQ(name, DatabaseName("server"));
    return fail(ErrorCode::unavailable, "it is away", "start it");
  };
  const Findings findings = check_databases(project_, open, connect);
  ASSERT_EQ(findings.size(), 3u);
  EXPECT_EQ(findings[0].verdict, Verdict::ok);
  EXPECT_FALSE(fs::exists(folder_.path("new.duckdb")));
  EXPECT_EQ(findings[1].verdict, Verdict::problem);
  EXPECT_EQ(findings[1].fix, "start it");
  EXPECT_EQ(findings[2].verdict, Verdict::problem);
  EXPECT_THAT(findings[2].found, HasSubstr("pid 4711"));
  EXPECT_EQ(findings[2].fix, "end it");
}

TEST_F(PlaceChecks, ADatabaseThatAnswers) {
  project_.databases.push_back({DatabaseName("db"), Engine::duckdb, "db", {}, {}});
  const auto database = duckdb::Database::open({}).value();
  const auto open = [&](const DatabaseName&) -> Result<duckdb::Database*> {
    return database.get();
  };
  const auto connect = [](const DatabaseName&) -> Result<std::unique_ptr<server::Connection>> {
    return fail(ErrorCode::internal, "it is on no server");
  };
  EXPECT_EQ(check_databases(project_, open, connect)[0].verdict, Verdict::problem);  // no ledger
  ASSERT_TRUE(database->connect().value()->run("CREATE TABLE weir_loads (run VARCHAR)"));
  const Finding finding = check_databases(project_, open, connect)[0];
  EXPECT_EQ(finding.verdict, Verdict::ok) << finding.found;
  EXPECT_THAT(finding.found, HasSubstr("writable, 0 loads in its ledger"));
  const auto left = database->connect().value()->run(
      "SELECT count(*) FROM information_schema.tables WHERE table_name LIKE '%probe%'");
  EXPECT_EQ(left->int64(0, 0), 0);
}

TEST_F(PlaceChecks, RunLogThatDoesNotOpen) {
  const Findings findings = check_run_log([]() -> Result<runlog::RunLog*> {
    return fail(ErrorCode::invalid_input, "a newer weir wrote it", "use that one");
  });
  EXPECT_EQ(findings[0].verdict, Verdict::problem);
  EXPECT_EQ(findings[0].fix, "use that one");
}

}  // namespace
}  // namespace weir::doctor
