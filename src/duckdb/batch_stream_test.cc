#include "duckdb/batch_stream.h"

#include <gtest/gtest.h>

#include "duckdb/scan_for_test.h"

namespace weir::duckdb {
namespace {

using server::Int128;
using server::ListEntry;

class BatchStreamTest : public testing::Test {
 protected:
  BatchStreamTest() : database_(open_in_memory(1)), connection_(*database_->connect()) {}

  Result<std::unique_ptr<BatchStream>> open(const std::string& select,
                                            const std::vector<std::string>& types) {
    std::vector<DataType> parsed;
    for (const std::string& type : types) parsed.push_back(*parse_data_type(type));
    statement_ = *connection_->prepare(select);
    return BatchStream::open(*statement_, {}, std::move(parsed));
  }

  std::unique_ptr<Database> database_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Statement> statement_;
};

TEST_F(BatchStreamTest, EveryTypeHasTheLayoutThatIsPromised) {
  const std::string select =
      "SELECT true, (-8)::TINYINT, (-9)::SMALLINT, (-10)::INTEGER, (-11)::BIGINT, "
      "(-12)::HUGEINT, 1.5::REAL, 2.5::DOUBLE, 12.34::DECIMAL(4,2), -1.5::DECIMAL(9,1), "
      "3.25::DECIMAL(18,2), 18446744073709551617::DECIMAL(38,0), 'short', repeat('long', 100), "
      "'\\xFF\\x00'::BLOB, DATE '1970-01-03', TIME '00:00:01', TIMESTAMP '1969-12-31 23:59:59', "
      "TIMESTAMPTZ '1970-01-01 00:00:00+01', '80000000-0000-0000-0000-000000000001'::UUID, "
      "'{\"a\": 1}'::JSON, [1, NULL, 3]::INTEGER[]";
  const auto stream =
      open(select, {"boolean",       "tinyint",       "smallint",  "integer",      "bigint",
                    "hugeint",       "real",          "double",    "decimal(4,2)", "decimal(9,1)",
                    "decimal(18,2)", "decimal(38,0)", "varchar",   "varchar",      "bytes",
                    "date",          "time",          "timestamp", "timestamptz",  "uuid",
                    "json",          "integer[]"});
  ASSERT_TRUE(stream) << stream.error().to_string();
  const auto batch = (*stream)->next();
  ASSERT_TRUE(batch);
  ASSERT_EQ(batch->rows, 1u);
  const auto& columns = batch->columns;
  EXPECT_EQ(columns[0].at<uint8_t>(0), 1);
  EXPECT_EQ(columns[1].at<int8_t>(0), -8);
  EXPECT_EQ(columns[2].at<int16_t>(0), -9);
  EXPECT_EQ(columns[3].at<int32_t>(0), -10);
  EXPECT_EQ(columns[4].at<int64_t>(0), -11);
  EXPECT_EQ(columns[5].at<Int128>(0).high, -1);
  EXPECT_EQ(static_cast<int64_t>(columns[5].at<Int128>(0).low), -12);
  EXPECT_EQ(columns[6].at<float>(0), 1.5f);
  EXPECT_EQ(columns[7].at<double>(0), 2.5);
  EXPECT_EQ(columns[8].at<int16_t>(0), 1234);
  EXPECT_EQ(columns[9].at<int32_t>(0), -15);
  EXPECT_EQ(columns[10].at<int64_t>(0), 325);
  EXPECT_EQ(columns[11].at<Int128>(0).high, 1);
  EXPECT_EQ(columns[11].at<Int128>(0).low, 1u);
  EXPECT_EQ(columns[12].text(0), "short");
  EXPECT_EQ(columns[13].text(0).size(), 400u);
  EXPECT_EQ(columns[13].text(0).substr(396), "long");
  EXPECT_EQ(columns[14].text(0), std::string_view("\xFF\0", 2));
  EXPECT_EQ(columns[15].at<int32_t>(0), 2);
  EXPECT_EQ(columns[16].at<int64_t>(0), 1'000'000);
  EXPECT_EQ(columns[17].at<int64_t>(0), -1'000'000);
  EXPECT_EQ(columns[18].at<int64_t>(0), -3'600'000'000);
  EXPECT_EQ(columns[19].at<Int128>(0).high, 0) << "its top bit is flipped";
  EXPECT_EQ(columns[19].at<Int128>(0).low, 1u);
  EXPECT_EQ(columns[20].text(0), "{\"a\": 1}");
  const ListEntry list = columns[21].at<ListEntry>(0);
  ASSERT_EQ(list.length, 3u);
  EXPECT_EQ(columns[21].elements->at<int32_t>(list.offset), 1);
  EXPECT_TRUE(columns[21].elements->is_null(list.offset + 1));
  EXPECT_EQ(columns[21].elements->at<int32_t>(list.offset + 2), 3);
  const auto end = (*stream)->next();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->rows, 0u);
}

TEST_F(BatchStreamTest, ManyRowsComeInOrderWithTheirNulls) {
  const auto stream =
      open("SELECT CASE WHEN i % 7 > 0 THEN i END, [i, i + 1] FROM range(100000) r(i)",
           {"bigint", "bigint[]"});
  ASSERT_TRUE(stream) << stream.error().to_string();
  int64_t next = 0;
  for (auto batch = (*stream)->next(); batch && batch->rows > 0; batch = (*stream)->next()) {
    for (size_t row = 0; row < batch->rows; ++row, ++next) {
      ASSERT_EQ(batch->columns[0].is_null(row), next % 7 == 0) << next;
      if (next % 7 != 0) {
        ASSERT_EQ(batch->columns[0].at<int64_t>(row), next);
      }
      const ListEntry list = batch->columns[1].at<ListEntry>(row);
      ASSERT_EQ(batch->columns[1].elements->at<int64_t>(list.offset + 1), next + 1);
    }
  }
  EXPECT_EQ(next, 100'000);
}

TEST_F(BatchStreamTest, AColumnOfAnotherTypeIsRefused) {
  EXPECT_FALSE(open("SELECT 1::INTEGER", {"bigint"}));
  EXPECT_FALSE(open("SELECT 1::DECIMAL(5,2)", {"decimal(5,1)"}));
  EXPECT_FALSE(open("SELECT [1]::INTEGER[]", {"bigint[]"}));
  EXPECT_FALSE(open("SELECT 1, 2", {"integer"}));
}

TEST_F(BatchStreamTest, AnErrorInTheMiddleEndsTheStreamWithIt) {
  const auto stream = open(
      "SELECT CASE WHEN i = 90000 THEN error('it broke')::BIGINT ELSE i END FROM "
      "range(100000) r(i)",
      {"bigint"});
  std::string message = stream ? "" : stream.error().message;
  while (stream && message.empty()) {
    const auto batch = (*stream)->next();
    if (!batch) message = batch.error().message;
    if (batch) {
      ASSERT_GT(batch->rows, 0u) << "the error was lost";
    }
  }
  EXPECT_NE(message.find("it broke"), std::string::npos) << message;
}

}  // namespace
}  // namespace weir::duckdb
