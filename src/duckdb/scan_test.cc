#include "duckdb/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/dice_for_test.h"
#include "duckdb/scan_for_test.h"
#include "io/faulty_stream.h"

namespace weir::duckdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Inputs and, told while they were made, what is in them.
struct Generated {
  ScanRequest request;
  uint64_t records = 0;
  uint64_t good = 0;
  __int128 sum = 0;
  uint64_t text_bytes = 0;
  uint64_t elements = 0;
};

void add_record(Generated& made, std::string& text, std::mt19937_64& random) {
  const bool csv = made.request.format == Format::csv;
  const int64_t number = static_cast<int64_t>(random() >> 20) - (int64_t{1} << 42);
  const std::string word(random() % 40, static_cast<char>('a' + random() % 26));
  const size_t elements = random() % 5;
  const bool bad = random() % 10 == 0;
  ++made.records;
  if (csv) {
    text += (bad ? "x" : std::to_string(number)) + "," +
            (random() % 2 == 0 ? "\"" + word + "\"" : word) + "\n";
  } else {
    text += "{\"n\": " + std::to_string(number) + ", \"l\": [";
    for (size_t i = 0; i < elements; ++i) text += (i > 0 ? "," : "") + std::to_string(i);
    text += std::string(bad ? "," : "") + "], \"t\": \"" + word + "\"}\n";
  }
  if (bad) return;
  ++made.good;
  made.sum += number;
  made.text_bytes += word.size();
  made.elements += csv ? 0 : elements;
}

Generated generate(Format format, std::mt19937_64& random) {
  Generated made;
  made.request.format = format;
  made.request.columns = {{"n", "bigint"}, {"t", "varchar"}};
  if (format == Format::json) made.request.columns.emplace_back("l", "integer[]");
  made.request.csv.header = false;
  made.request.threads = 1 + static_cast<int>(random() % 4);
  made.request.chunk_bytes = size_t{64} << (random() % 15);
  const size_t inputs = 1 + random() % 6;
  for (size_t i = 0; i < inputs; ++i) {
    std::string text;
    for (size_t records = random() % 40'000; records > 0; --records) {
      add_record(made, text, random);
    }
    made.request.inputs.push_back(std::move(text));
  }
  return made;
}

TEST(ScanTest, ManyThreadsOverManyInputsGiveWhatIsThere) {
  const uint64_t seed = Dice().seed();
  std::mt19937_64 random(seed);
  const auto database = open_in_memory(4);
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE("WEIR_SEED=" + std::to_string(seed) + " round " + std::to_string(round));
    const Generated made = generate(round % 2 == 0 ? Format::json : Format::csv, random);
    const bool json = made.request.format == Format::json;
    const Scanned seen = scan_with(
        *database, made.request,
        std::string("SELECT count(*), coalesce(sum(n), 0), coalesce(sum(length(t)), 0), ") +
            (json ? "coalesce(sum(len(l)), 0)" : "0") + ", count(DISTINCT weir_row) FROM {scan}");
    const std::string good = std::to_string(made.good);
    const auto sum = static_cast<int64_t>(made.sum);
    EXPECT_EQ(seen.error, "");
    EXPECT_THAT(seen.rows, ElementsAre(good + "|" + std::to_string(sum) + "|" +
                                       std::to_string(made.text_bytes) + "|" +
                                       std::to_string(made.elements) + "|" + good));
    EXPECT_EQ(seen.records, made.records);
    EXPECT_EQ(seen.rejected_rows, made.records - made.good);
  }
}

TEST(ScanTest, RowKeysGrowInInputOrder) {
  const auto database = open_in_memory(4);
  ScanRequest request{Format::json, {{"n", "bigint"}}, {"", "", ""}};
  int n = 0;
  for (std::string& input : request.inputs) {
    for (int i = 0; i < 10'000; ++i) input += "{\"n\":" + std::to_string(n++) + "}\n";
  }
  request.threads = 4;
  request.chunk_bytes = 1000;
  const Scanned seen = scan_with(
      *database, request,
      "SELECT count(*) FROM (SELECT n, row_number() OVER (ORDER BY weir_row) - 1 AS r FROM {scan}) "
      "WHERE n = r");
  EXPECT_THAT(seen.rows, ElementsAre("30000"));
}

class SlotTest : public testing::Test {
 protected:
  SlotTest() : database_(open_in_memory(2)), connection_(*database_->connect()) {}

  std::string error_of(const std::string& sql) {
    const auto done = connection_->run(sql);
    return done ? "none" : done.error().message;
  }

  std::unique_ptr<Database> database_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(SlotTest, FunctionsRefuseNumbersThatAreNoSlot) {
  const char* refusal = "weir's own functions work inside pipelines only";
  const RecordingObserver observer;
  ScanSlot slot(*database_, Format::json, {{"n", *parse_data_type("bigint"), {}}}, {});
  for (const char* id : {"0", "1", "2", "-1", "9223372036854775807", "-9223372036854775808"}) {
    const std::string number = std::string("(") + id;
    EXPECT_THAT(error_of("SELECT * FROM weir_scan" + number + ")"), HasSubstr(refusal));
    EXPECT_THAT(error_of("SELECT weir_reject" + number + ", 1, 1::INTEGER, 'x')"),
                HasSubstr(refusal));
    EXPECT_THAT(error_of("SELECT weir_filtered" + number + ", 1) FROM range(5000)"),
                HasSubstr(refusal));
    EXPECT_THAT(error_of("SELECT weir_seen" + number + ", range) FROM range(5000)"),
                HasSubstr(refusal));
  }
  EXPECT_THAT(error_of("SELECT weir_seen(NULL, NULL)"), HasSubstr(refusal));
  EXPECT_THAT(error_of("SELECT * FROM weir_scan(NULL)"), testing::Not("none"));
  EXPECT_THAT(error_of("SELECT * FROM weir_scan('x')"), testing::Not("none"));
}

TEST_F(SlotTest, ASlotThatIsGoneIsNotFound) {
  std::string id;
  {
    const ScanSlot slot(*database_, Format::json, {{"n", *parse_data_type("bigint"), {}}}, {});
    id = std::to_string(slot.id());
    EXPECT_EQ(error_of("DESCRIBE SELECT * FROM weir_scan(" + id + ")"), "none");
  }
  EXPECT_THAT(error_of("SELECT * FROM weir_scan(" + id + ")"), HasSubstr("inside pipelines only"));
  EXPECT_THAT(error_of("SELECT weir_seen(" + id + ", 1)"), HasSubstr("inside pipelines only"));
}

TEST_F(SlotTest, ASlotWithoutInputsRefusesToRun) {
  const ScanSlot slot(*database_, Format::json, {{"n", *parse_data_type("bigint"), {}}}, {});
  const std::string id = std::to_string(slot.id());
  EXPECT_THAT(error_of("SELECT * FROM weir_scan(" + id + ")"), HasSubstr("inside pipelines only"));
  EXPECT_THAT(error_of("SELECT weir_filtered(" + id + ", 1)"), HasSubstr("inside pipelines only"));
}

TEST_F(SlotTest, NumbersOfSlotsCannotBeGuessed) {
  const ScanSlot first(*database_, Format::json, {}, {});
  const ScanSlot second(*database_, Format::json, {}, {});
  EXPECT_GT(first.id(), int64_t{1} << 32);
  EXPECT_GT(second.id(), int64_t{1} << 32);
  EXPECT_NE(first.id() + 1, second.id());
}

TEST_F(SlotTest, StrangersDoNotDisturbARunningScan) {
  ScanRequest request{Format::json, {{"n", "bigint"}}, {""}};
  for (int i = 0; i < 200'000; ++i) request.inputs[0] += "{\"n\":1}\n";
  request.chunk_bytes = 4'000;
  request.threads = 2;
  std::atomic<bool> done{false};
  std::thread stranger([&] {
    const auto own = *database_->connect();
    for (int64_t id = 0; !done; ++id) {
      const std::string number = std::to_string(id % 50);
      EXPECT_FALSE(own->run("SELECT * FROM weir_scan(" + number + ")"));
      EXPECT_FALSE(own->run("SELECT weir_reject(" + number + ", -1, 99::INTEGER, 'x')"));
    }
  });
  for (int i = 0; i < 3; ++i) {
    const Scanned seen = scan_with(*database_, request, "SELECT sum(n) FROM {scan}");
    EXPECT_THAT(seen.rows, ElementsAre("200000"));
    EXPECT_EQ(seen.rejected_rows, 0u);
  }
  done = true;
  stranger.join();
}

TEST_F(SlotTest, AStoppedScanIsAnError) {
  ScanRequest request{Format::json, {{"n", "bigint"}}, {"{\"n\":1}\n"}};
  const OpenInputs inputs(request);
  RecordingObserver observer;
  observer.stop = true;
  ScanSlot slot(*database_, Format::json, read_columns(request), {});
  slot.set_inputs(inputs.pointers(), observer, 2);
  EXPECT_THAT(error_of("SELECT * FROM weir_scan(" + std::to_string(slot.id()) + ")"),
              HasSubstr("the scan was stopped"));
}

TEST_F(SlotTest, AnInputThatFailsNamesItselfAndEndsTheScan) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "{\"n\":1}\n";
  io::MemoryStream good(text), inner(text);
  io::FaultyStream faulty(inner, {.seed = 1, .fail_at = 5'000});
  text::RecordOptions options;
  options.chunk_bytes = 1000;
  for (const int threads : {1, 2}) {
    text::RecordBlocks first(good, options), second(faulty, options);
    RecordingObserver observer;
    ScanSlot slot(*database_, Format::json, {{"n", *parse_data_type("bigint"), {}}}, {});
    slot.set_inputs({&first, &second}, observer, threads);
    EXPECT_NE(error_of("SELECT * FROM weir_scan(" + std::to_string(slot.id()) + ")"), "none");
    ASSERT_EQ(observer.failed_.size(), 1u);
    EXPECT_EQ(observer.failed_.begin()->first, 1u);
    EXPECT_EQ(observer.failed_.begin()->second.code, ErrorCode::io);
  }
}

TEST_F(SlotTest, ASlotIsReadAgainWithOtherInputs) {
  ScanRequest request{Format::csv, {{"a", "integer"}, {"b", "integer"}}, {}};
  ScanSlot slot(*database_, Format::csv, read_columns(request), {});
  const auto statement =
      *connection_->prepare("SELECT a, b FROM weir_scan(" + std::to_string(slot.id()) + ")");
  for (const char* input : {"a,b\n1,2\n", "b,a\n1,2\n", "a,b\n1,2\n"}) {
    request.inputs = {input};
    const OpenInputs inputs(request);
    RecordingObserver observer;
    slot.set_inputs(inputs.pointers(), observer, 1);
    const auto rows = statement->run();
    ASSERT_TRUE(rows);
    EXPECT_EQ(rows->int64(0, 0), input[0] == 'a' ? 1 : 2);
    EXPECT_EQ(observer.records(), 1u);
  }
}

}  // namespace
}  // namespace weir::duckdb
