// What happens to loads when inputs, tables or the process misbehave.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/ledger.h"
#include "pipeline/test_project.h"

namespace weir::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A bucket in which something happens whenever an object is opened.
class MeddlingBucket final : public objects::Bucket {
 public:
  using Meddle = std::function<void(const ObjectKey& key, int times_opened)>;
  MeddlingBucket(std::unique_ptr<objects::Bucket> inner, Meddle meddle)
      : inner_(std::move(inner)), meddle_(std::move(meddle)) {}

  Result<void> list_any(const std::vector<std::string>& patterns,
                        const std::function<bool(const objects::ObjectStat&)>& visit) override {
    return inner_->list_any(patterns, visit);
  }
  Result<objects::ObjectStat> stat(const ObjectKey& key) override { return inner_->stat(key); }
  Result<std::unique_ptr<io::ByteStream>> open(const ObjectKey& key) override {
    auto stream = inner_->open(key);
    meddle_(key, ++opened_[key]);
    return stream;
  }

 private:
  std::unique_ptr<objects::Bucket> inner_;
  Meddle meddle_;
  std::map<ObjectKey, int> opened_;
};

std::string session(int id, const std::string& device = "d") {
  return R"({"userId":"1","visitId":)" + std::to_string(id) + R"(,"date":"20170701","device":")" +
         device + "\",\"hit\":[]}\n";
}

class ExecutorFaultsTest : public testing::Test {
 protected:
  void meddle(MeddlingBucket::Meddle what) {
    auto& bucket = test_.resources.buckets.at(BucketName("landing"));
    bucket = std::make_unique<MeddlingBucket>(std::move(bucket), std::move(what));
  }
  std::vector<RunOutcome> execute(const std::vector<weir::Run>& runs) {
    return test_.executor->execute(runs, progress_);
  }
  void run_sql(const std::string& sql) {
    const auto connection = *test_.database().connect();
    const auto done = connection->run(sql);
    ASSERT_TRUE(done) << done.error().message;
  }
  std::string count(const std::string& table) {
    return test_.query("SELECT count(*) FROM " + table).front();
  }
  void reopen() { test_.executor = *make_executor(test_.project, test_.resources, test_.clock); }
  Table& people() { return test_.project.tables[2]; }

  TestProject test_;
  Progress progress_;
};

TEST_F(ExecutorFaultsTest, AThousandInputsWithBadOnesAmongThem) {
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) {
    keys.push_back("in" + std::to_string(i) + (i == 613 ? ".json.gz" : ".json"));
    test_.drop(keys.back(), i == 613   ? "no gzip at all"
                            : i == 700 ? ""
                                       : session(i) + (i == 5 ? "{" : ""));
  }
  keys[800] = "never-there.json";
  const auto receipts = test_.run_all("load", keys);
  for (size_t i = 0; i < receipts.size(); ++i) {
    const Receipt& receipt = receipts[i];
    EXPECT_TRUE(receipt.rows.balances());
    EXPECT_EQ(receipt.object->key.value(), keys[i]);
    EXPECT_EQ(receipt.error.has_value(), i == 613 || i == 800) << i;
    EXPECT_EQ(receipt.rows.inserted, receipt.error || i == 700 ? 0u : 1u) << i;
  }
  EXPECT_EQ(receipts[613].error->code, ErrorCode::invalid_input);
  EXPECT_EQ(receipts[5].rows.rejected, 1u);
  EXPECT_EQ(count("hits"), "997");
  EXPECT_EQ(count("weir_loads"), "998");
}

TEST_F(ExecutorFaultsTest, AnInputThatChangesWhileItIsReadIsQueuedAgain) {
  for (const char* key : {"a.json", "b.json", "c.json"}) test_.drop(key, session(key[0]));
  meddle([&](const ObjectKey& key, int) {
    if (key.value() == "b.json") test_.drop("b.json", session(1) + session(2));
  });
  const auto outcomes = execute({test_.make_run("load", "a.json"), test_.make_run("load", "b.json"),
                                 test_.make_run("load", "c.json")});
  EXPECT_EQ(outcomes[0].receipt.status, RunState::succeeded);
  EXPECT_TRUE(outcomes[1].requeue);
  EXPECT_EQ(outcomes[1].receipt.error->code, ErrorCode::input_changed);
  EXPECT_EQ(outcomes[2].receipt.status, RunState::succeeded);
  EXPECT_EQ(count("hits"), "2");
  EXPECT_EQ(count("weir_loads"), "2");
}

TEST_F(ExecutorFaultsTest, AnInputThatVanishesWhileItIsReadLeavesNothing) {
  for (const char* key : {"a.json", "b.json"}) test_.drop(key, session(key[0]));
  meddle([&](const ObjectKey& key, int) {
    if (key.value() == "a.json") std::filesystem::remove(test_.project.root / "landing" / "a.json");
  });
  const auto outcomes =
      execute({test_.make_run("load", "a.json"), test_.make_run("load", "b.json")});
  EXPECT_TRUE(outcomes[0].receipt.error);
  EXPECT_FALSE(outcomes[1].receipt.error);
  EXPECT_EQ(count("hits"), "1");
}

TEST_F(ExecutorFaultsTest, RejectsAreReadFromAnInputThatIsGoneByThen) {
  test_.drop("a.json", session(1) + "{\n");
  meddle([&](const ObjectKey& key, int times) {
    if (times == 2) std::filesystem::remove(test_.project.root / "landing" / key.value());
  });
  const auto outcomes = execute({test_.make_run("load", "a.json")});
  EXPECT_FALSE(outcomes[0].receipt.error);  // it was open already, and is what was read
  EXPECT_EQ(outcomes[0].receipt.rows.rejected, 1u);
}

TEST_F(ExecutorFaultsTest, AFolderIsNoInput) {
  std::filesystem::create_directories(test_.project.root / "landing" / "x.json");
  const Receipt receipt = test_.run("load", "x.json");
  ASSERT_TRUE(receipt.error);
  EXPECT_EQ(receipt.status, RunState::failed);
  EXPECT_TRUE(receipt.rows.balances());
}

TEST_F(ExecutorFaultsTest, ACancelledRunLeavesNothing) {
  test_.drop("a.json", session(1));
  meddle([&](const ObjectKey&, int) { progress_.cancel = true; });
  const auto outcomes = execute({test_.make_run("load", "a.json")});
  ASSERT_TRUE(outcomes[0].receipt.error);
  EXPECT_EQ(outcomes[0].receipt.error->code, ErrorCode::cancelled);
  EXPECT_EQ(count("hits"), "0");
  progress_.cancel = false;
  meddle([](const ObjectKey&, int) {});
  EXPECT_EQ(test_.run("load", "a.json").rows.inserted, 1u);
}

TEST_F(ExecutorFaultsTest, StopAtRatioIsJudgedPerInput) {
  people().stop_at = {{}, 0.5};
  reopen();
  test_.drop("half.csv", "id,name\n1,a\nx,b\n");
  test_.drop("more.csv", "id,name\n2,a\nx,b\ny,c\n");
  test_.drop("none.csv", "id,name\n");
  const auto receipts = test_.run_all("people", {"half.csv", "more.csv", "none.csv"});
  EXPECT_FALSE(receipts[0].error);
  ASSERT_TRUE(receipts[1].error);
  EXPECT_EQ(receipts[1].error->code, ErrorCode::too_many_rejects);
  EXPECT_EQ(receipts[1].rejects.size(), 2u);
  EXPECT_FALSE(receipts[2].error);
  EXPECT_EQ(count("people"), "1");
  EXPECT_EQ(count("weir_rejects WHERE NOT rolled_back"), "1");
  EXPECT_EQ(count("weir_rejects WHERE rolled_back"), "2");
}

TEST_F(ExecutorFaultsTest, HundredsOfThousandsOfRejectsAreAllInQuarantineWithTheirLines) {
  people().stop_at.rejected.reset();
  reopen();
  std::string text = "id,name\n";
  for (int line = 2; line <= 320'001; ++line) {
    text += line % 16 == 0 ? std::to_string(line) + ",ok\n"
                           : "x" + std::to_string(line) + ",too long a name\n";
  }
  test_.drop("a.csv", text);
  const Receipt receipt = test_.run("people", "a.csv");
  ASSERT_FALSE(receipt.error) << receipt.error->to_string();
  EXPECT_EQ(receipt.rows.read, 320'000u);
  EXPECT_EQ(receipt.rows.inserted, 20'000u);
  EXPECT_EQ(receipt.rows.rejected, 300'000u);
  EXPECT_EQ(receipt.rejects.size(), Receipt::listed_rejects);
  EXPECT_THAT(
      test_.query("SELECT count(*), count(DISTINCT line), count(*) FILTER (value = 'x' || line "
                  "AND element = line - 1 AND raw = value || ',too long a name' AND byte_end - "
                  "byte_begin = length(raw)) FROM weir_rejects"),
      ElementsAre("300000|300000|300000"));
}

TEST_F(ExecutorFaultsTest, ARunThatHadCommittedGivesItsReceiptAgain) {
  test_.drop("a.json", session(1) + "{\n");
  const weir::Run run = test_.make_run("load", "a.json");
  const Receipt first = execute({run})[0].receipt;
  for (const bool force : {false, true}) {
    weir::Run again = run;
    again.force = force;
    reopen();
    const Receipt second = execute({again})[0].receipt;
    EXPECT_EQ(second.status, RunState::partial);
    EXPECT_EQ(second.rows, first.rows);
    EXPECT_EQ(second.rejects.size(), 1u);
  }
  EXPECT_EQ(count("weir_loads"), "1");
  weir::Run forced = test_.make_run("load", "a.json");
  forced.force = true;
  EXPECT_EQ(execute({forced})[0].receipt.rows.unchanged, 1u);
  EXPECT_EQ(count("weir_loads"), "2");
}

TEST_F(ExecutorFaultsTest, AQuerysRunThatHadCommittedIsNotRunAgain) {
  auto& totals = test_.project.tables[1];
  totals.key.clear();
  std::get<LoadStep>(test_.project.pipelines[2].steps[1]).mode = LoadMode::append;
  reopen();
  test_.drop("a.json", session(1));
  test_.run("load", "a.json");
  const weir::Run run = test_.make_run("daily", "");
  const weir::Run other = test_.make_run("daily", "");
  EXPECT_EQ(execute({run})[0].receipt.rows.inserted, 1u);
  EXPECT_EQ(execute({other})[0].receipt.rows.inserted, 1u);
  reopen();
  const Receipt again = execute({run})[0].receipt;
  EXPECT_EQ(again.rows.inserted, 1u);
  EXPECT_EQ(again.run, run.id);
  EXPECT_EQ(count("daily_totals"), "2");
}

TEST_F(ExecutorFaultsTest, KeysThatShareAHashAreToldApart) {
  test_.drop("a.json", session(1));
  test_.run("load", "a.json");
  const LedgerKey other{PipelineName("load"), 2,
                        ObjectRef{BucketName("landing"), ObjectKey("b.json")}};
  run_sql("UPDATE weir_loads SET key_hash = " + std::to_string(other.hash()));
  test_.drop("b.json", session(1));  // the same content
  EXPECT_EQ(test_.run("load", "b.json").status, RunState::succeeded);
  EXPECT_THAT(test_.query("SELECT key, attempt FROM weir_loads ORDER BY load_id"),
              ElementsAre("a.json|1", "b.json|1"));
  EXPECT_EQ(test_.run("load", "b.json").status, RunState::skipped);
}

TEST_F(ExecutorFaultsTest, AMergeOfKeysAloneFindsEveryRowUnchanged) {
  test_.project.tables[0].key = {"user_id", "visit_id", "date", "device", "hit_count"};
  reopen();
  test_.drop("a.json", session(1) + session(2) + session(1));
  const Receipt first = test_.run("load", "a.json");
  ASSERT_FALSE(first.error) << first.error->to_string();
  EXPECT_EQ(first.rows.inserted, 2u);
  EXPECT_EQ(first.rows.deduplicated, 1u);
  test_.drop("b.json", session(2) + session(3));
  const Receipt second = test_.run("load", "b.json");
  EXPECT_EQ(second.rows.unchanged, 1u);
  EXPECT_EQ(second.rows.inserted, 1u);
}

TEST_F(ExecutorFaultsTest, AppendKeepsTheFirstOfABatchWhicheverInputHasIt) {
  people().stop_at.rejected.reset();
  reopen();
  test_.drop("a.csv", "id,name\n1,a\n2,a\n");
  test_.drop("b.csv", "id,name\n2,b\n3,b\n3,bb\n,nobody\n");
  test_.drop("c.csv", "id,name\n1,c\n4,c\n");
  const auto receipts = test_.run_all("people", {"a.csv", "b.csv", "c.csv"});
  EXPECT_EQ(receipts[0].rows.inserted, 2u);
  EXPECT_EQ(receipts[1].rows.inserted, 1u);
  EXPECT_EQ(receipts[1].rows.rejected, 3u);
  EXPECT_EQ(receipts[2].rows.rejected, 1u);
  EXPECT_THAT(test_.query("SELECT id, name FROM people ORDER BY id"),
              ElementsAre("1|a", "2|a", "3|b", "4|c"));
}

TEST_F(ExecutorFaultsTest, ATableMayHaveMoreColumnsThanTheDictionary) {
  run_sql("ALTER TABLE people ADD COLUMN noted VARCHAR DEFAULT 'by hand'");
  test_.drop("a.csv", "id,name\n1,a\n");
  EXPECT_EQ(test_.run("people", "a.csv").rows.inserted, 1u);
  EXPECT_THAT(test_.query("SELECT * FROM people"), ElementsAre("1|a|by hand"));
}

TEST_F(ExecutorFaultsTest, ATargetWithRepeatedKeysIsNotMadeWorse) {
  test_.drop("a.json", session(1, "x"));
  test_.run("load", "a.json");
  run_sql("INSERT INTO hits SELECT * FROM hits");
  for (const char* device : {"x", "y"}) {
    test_.drop("b.json", session(1, device) + session(2));
    const Receipt receipt = test_.run("load", "b.json");
    ASSERT_TRUE(receipt.error);
    EXPECT_THAT(receipt.error->message, HasSubstr("more than once"));
  }
  EXPECT_THAT(test_.query("SELECT device FROM hits"), ElementsAre("x", "x"));
}

TEST_F(ExecutorFaultsTest, ATableOfThatNameInAnotherSchemaIsAnotherTable) {
  run_sql("CREATE SCHEMA other; CREATE TABLE other.people (nothing INTEGER)");
  Table there = people();
  there.name = TableName("animals");
  there.schema = "other";
  test_.project.tables.reserve(10);
  test_.project.tables.push_back(there);
  Pipeline pipeline = test_.project.pipelines[3];
  pipeline.name = PipelineName("animals");
  std::get<LoadStep>(pipeline.steps[1]).table = TableName("animals");
  test_.project.pipelines.push_back(pipeline);
  reopen();
  test_.drop("a.csv", "id,name\n1,a\n");
  const auto here = test_.run("people", "a.csv");
  const auto animals = test_.run("animals", "a.csv");
  EXPECT_EQ(here.rows.inserted, 1u);
  EXPECT_EQ(animals.rows.inserted, 1u);
  EXPECT_EQ(count("main.people"), "1");
  EXPECT_EQ(count("other.animals"), "1");
  EXPECT_EQ(count("other.people"), "0");
}

}  // namespace
}  // namespace weir::pipeline
