#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duckdb/scan_for_test.h"

namespace weir::duckdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CsvDecoderTest : public testing::Test {
 protected:
  CsvDecoderTest() : database_(open_in_memory()) { request_.format = Format::csv; }

  Scanned read(std::vector<std::pair<std::string, std::string>> columns, const std::string& text) {
    request_.columns = std::move(columns);
    request_.inputs = {text};
    return scan(*database_, request_);
  }

  std::unique_ptr<Database> database_;
  ScanRequest request_;
};

TEST_F(CsvDecoderTest, NullIsTheUnquotedNullTextOnly) {
  const Scanned empty = read({{"a", "varchar"}, {"b", "integer"}}, "a,b\n,\n\"\",1\nNULL,2\n");
  EXPECT_THAT(empty.rows, ElementsAre("NULL|NULL", "|1", "NULL|2"));
  request_.csv.null_text = "NULL";
  const Scanned word =
      read({{"a", "varchar"}, {"b", "integer"}}, "a,b\n,1\nNULL,NULL\n\"NULL\",2\nnull,3\n x,\n");
  EXPECT_THAT(word.rows, ElementsAre("|1", "NULL|NULL", "NULL|2", "null|3"));
  EXPECT_THAT(word.problems(), ElementsAre("6: "));
  // The word itself is text, not NULL, where it was quoted.
  EXPECT_THAT(scan_with(*database_, request_, "SELECT count(*) FROM {scan} WHERE a IS NULL").rows,
              ElementsAre("1"));
}

TEST_F(CsvDecoderTest, AQuotedEmptyFieldIsNoNumber) {
  EXPECT_THAT(read({{"a", "integer"}}, "a\n\"\"\n\"7\"\n").problems(), ElementsAre("5: "));
}

TEST_F(CsvDecoderTest, TheHeaderDecidesWhichFieldIsWhich) {
  const Scanned seen = read({{"a", "integer"}, {"b", "varchar"}}, "x,b,\"a\",y\n1,two,3,4\n");
  EXPECT_THAT(seen.rows, ElementsAre("3|two"));
  EXPECT_THAT(read({{"a", "integer"}, {"b", "varchar"}}, "a,B\n1,2\n").error,
              HasSubstr("the header has no column 'b'; it has: a, B; did the file mean 'B'?"));
  EXPECT_THAT(read({{"a", "integer"}}, "a,b,a\n1,2,3\n").error, HasSubstr("'a' twice"));
  EXPECT_THAT(read({{"a", "integer"}}, "b,a,b\n1,2,3\n").rows, ElementsAre("2"));
  EXPECT_THAT(read({{"a\"b", "integer"}}, "\"a\"\"b\"\n1\n").rows, ElementsAre("1"));
}

TEST_F(CsvDecoderTest, AHeaderIsJudgedWithoutRowsToo) {
  EXPECT_THAT(read({{"a", "integer"}, {"b", "varchar"}}, "a,B\n").error,
              HasSubstr("the header has no column 'b'"));
  EXPECT_THAT(read({{"a", "integer"}}, "x").error, HasSubstr("the header has no column 'a'"));
  EXPECT_THAT(read({{"a", "integer"}}, "a,a\n").error, HasSubstr("'a' twice"));
  for (const char* good : {"", "b,a\n", "b,a"}) {
    const Scanned seen = read({{"a", "integer"}, {"b", "varchar"}}, good);
    EXPECT_EQ(seen.error, "") << good;
    EXPECT_EQ(seen.records, 0u) << good;
  }
  request_.columns = {{"a", "integer"}};
  request_.inputs = {"a\n1\n", "b\n", "a\n2\n"};
  EXPECT_THAT(scan(*database_, request_).error, HasSubstr("the header has no column 'a'"));
}

TEST_F(CsvDecoderTest, WithoutAHeaderTheOrderIsTheDeclaredOne) {
  request_.csv.header = false;
  const Scanned seen = read({{"a", "integer"}, {"b", "varchar"}}, "1,x\n2\n3,y,z\n4,w\n");
  EXPECT_THAT(seen.rows, ElementsAre("1|x", "4|w"));
  EXPECT_THAT(seen.problems(), ElementsAre("3: 1 instead of 2", "3: 3 instead of 2"));
}

TEST_F(CsvDecoderTest, EveryInputHasItsOwnHeader) {
  request_.columns = {{"a", "integer"}, {"b", "integer"}};
  request_.inputs = {"a,b\n1,2\n", "b,a\n1,2\n", "", "a,b,c\n5,6,7\n", "a,b\n"};
  for (const int threads : {1, 4}) {
    request_.threads = threads;
    const Scanned seen = scan(*database_, request_);
    EXPECT_EQ(seen.error, "");
    EXPECT_THAT(seen.rows, ElementsAre("1|2", "2|1", "5|6"));
  }
}

TEST_F(CsvDecoderTest, AllProblemsOfARowAreTold) {
  const Scanned seen = read({{"a", "integer"}, {"b", "date"}, {"c", "decimal(4,2)"}, {"d", "json"}},
                            "a,b,c,d\n1.7,2017-02-30,\"12,5\",{\n1,2017-02-28,12.5,{}\n");
  EXPECT_THAT(seen.rows, ElementsAre("1|2017-02-28|12.50|{}"));
  EXPECT_THAT(seen.problems(), ElementsAre("5: 1.7", "6: 2017-02-30", "7: 12,5", "8: {"));
  EXPECT_EQ(seen.rejected_rows, 1u);
}

TEST_F(CsvDecoderTest, MissingValuesOfARejectedRowAreToldWithTheRest) {
  request_.columns = {{"a", "integer"}, {"b", "varchar"}};
  request_.inputs = {"a,b\nx,\n,\n1,y\n"};
  const OpenInputs inputs(request_);
  RecordingObserver observer;
  ScanSlot slot(*database_, Format::csv, read_columns(request_), {});
  slot.set_required({1});
  slot.set_inputs(inputs.pointers(), observer, 1);
  const auto connection = *database_->connect();
  const auto rows = connection->run("FROM weir_scan(" + std::to_string(slot.id()) + ")");
  ASSERT_TRUE(rows);
  EXPECT_EQ(rows->size(), 2u);  // what is only missing is for the contract to say
  const auto rejects = observer.rejects();
  ASSERT_EQ(rejects.size(), 2u);
  EXPECT_EQ(rejects[0].rule, slot.column_rule(0));
  EXPECT_EQ(rejects[1].rule, slot.column_rule(1, ColumnRule::required));
}

TEST_F(CsvDecoderTest, StructuralDirtIsRejectedAndReadingGoesOn) {
  const Scanned seen =
      read({{"a", "integer"}, {"b", "varchar"}},
           "a,b\n1,caf\xe9\n2,\"x\"y\n3,ok\n4,\"a\nb\"\n5\n6,\"never closed\n7,z\n");
  EXPECT_THAT(seen.rows, ElementsAre("3|ok", "4|a\nb", "7|z"));
  EXPECT_EQ(seen.records, 7u);
  EXPECT_THAT(seen.problems(), ElementsAre("4: ", "0: text after a closing quote",
                                           "3: 1 instead of 2", "0: quote is never closed"));
}

TEST_F(CsvDecoderTest, TextKeepsItsTextAlsoWhenItIsLongOrEscaped) {
  std::string text = "i,t\n";
  for (int i = 0; i < 30'000; ++i) {
    const std::string n = std::to_string(i);
    text += n + (i % 3 == 0   ? ",\"a \"\"quoted\"\" long text " + n + "\"\n"
                 : i % 3 == 1 ? ",a plain but long text " + n + "\n"
                              : ",s" + n + "\r\n");
  }
  request_.columns = {{"i", "integer"}, {"t", "varchar"}};
  request_.inputs = {text};
  for (const size_t chunk_bytes : {size_t{100}, size_t{10'000}, size_t{1u << 20}}) {
    request_.chunk_bytes = chunk_bytes;
    const Scanned seen = scan_with(
        *database_, request_,
        "SELECT count(*), count(*) FILTER (t = CASE i % 3 WHEN 0 THEN 'a \"quoted\" long text ' || "
        "i WHEN 1 THEN 'a plain but long text ' || i ELSE 's' || i END) FROM {scan}");
    EXPECT_THAT(seen.rows, ElementsAre("30000|30000"));
    EXPECT_THAT(seen.problems(), IsEmpty());
  }
}

TEST_F(CsvDecoderTest, AnEmptyTextIsNoList) {
  EXPECT_THAT(read({{"a", "integer[]"}}, "a\n[1]\n\"\"\n").rejected_rows, 1u);
}

TEST_F(CsvDecoderTest, NulBytesAreText) {
  const Scanned seen =
      read({{"a", "varchar"}, {"b", "integer"}}, std::string("a,b\nx\0y,1\nz,2\0\n", 15));
  EXPECT_THAT(seen.rows, ElementsAre(std::string("x\0y|1", 5)));
  EXPECT_EQ(seen.rejected_rows, 1u);
}

}  // namespace
}  // namespace weir::duckdb
