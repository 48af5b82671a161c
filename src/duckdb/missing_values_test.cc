#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "duckdb/scan_for_test.h"

namespace weir::duckdb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What is asked of the scan so that the flags are seen too.
Scanned scan_flags(const ScanRequest& request, const std::string& columns) {
  const auto database = open_in_memory();
  return scan_with(*database, request,
                   "SELECT " + columns + " FROM (SELECT * FROM {scan} ORDER BY weir_row)");
}

std::string rule_text(size_t column, ColumnRule rule, size_t columns) {
  return std::to_string(static_cast<size_t>(ScanRule::count) + static_cast<size_t>(rule) * columns +
                        column) +
         ": ";
}

const std::string json_lines = R"({"id": 1, "v": "x"}
{"id": 2, "v": ""}
{"id": 3, "v": null}
{"id": 4}
)";

ScanRequest json_request(MissingValues missing) {
  ScanRequest request;
  request.columns = {{"id", "integer"}, {"v", "varchar"}};
  request.inputs = {json_lines};
  request.missing = {{"v", missing}};
  return request;
}

TEST(MissingValues, JsonUsually) {
  const Scanned seen = scan_flags(json_request({}), "id, v");
  EXPECT_THAT(seen.rows, ElementsAre("1|x", "2|", "3|NULL", "4|NULL"));
  EXPECT_THAT(seen.problems(), IsEmpty());
}

TEST(MissingValues, JsonRejectsEachKind) {
  const auto problem = [](ColumnRule rule) { return rule_text(1, rule, 2); };
  Scanned seen =
      scan_flags(json_request({AbsentMeans::reject, NullMeans::null, EmptyMeans::text}), "id, v");
  EXPECT_THAT(seen.rows, ElementsAre("1|x", "2|", "3|NULL"));
  EXPECT_THAT(seen.problems(), ElementsAre(problem(ColumnRule::absent)));
  seen =
      scan_flags(json_request({AbsentMeans::null, NullMeans::reject, EmptyMeans::text}), "id, v");
  EXPECT_THAT(seen.rows, ElementsAre("1|x", "2|", "4|NULL"));
  EXPECT_THAT(seen.problems(), ElementsAre(problem(ColumnRule::null)));
  seen =
      scan_flags(json_request({AbsentMeans::null, NullMeans::null, EmptyMeans::reject}), "id, v");
  EXPECT_THAT(seen.rows, ElementsAre("1|x", "3|NULL", "4|NULL"));
  EXPECT_THAT(seen.problems(), ElementsAre(problem(ColumnRule::empty)));
}

TEST(MissingValues, JsonFlagsWhereADefaultStandsIn) {
  ScanRequest request =
      json_request({AbsentMeans::use_default, NullMeans::null, EmptyMeans::use_default});
  request.defaults = {1};
  EXPECT_THAT(scan_flags(request, "id, v, weir_default_1").rows,
              ElementsAre("1|x|false", "2|NULL|true", "3|NULL|false", "4|NULL|true"));
  // Nobody wants the value, or nobody wants the flag.
  EXPECT_THAT(scan_flags(request, "weir_default_1").rows,
              ElementsAre("false", "true", "false", "true"));
  EXPECT_THAT(scan_flags(request, "v").rows, ElementsAre("x", "NULL", "NULL", "NULL"));
}

TEST(MissingValues, AFlagOfARejectedRowIsForgotten) {
  ScanRequest request = json_request({});
  request.inputs = {"{\"id\": \"no\"}\n{\"id\": 2, \"v\": \"y\"}\n"};
  request.defaults = {1};
  EXPECT_THAT(scan_flags(request, "id, v, weir_default_1").rows, ElementsAre("2|y|false"));
}

TEST(MissingValues, EmptyTextOfATypeThatHasNone) {
  ScanRequest request;
  request.columns = {{"id", "integer"}, {"day", "date"}};
  request.inputs = {R"([{"id": 1, "day": ""}, {"id": "", "day": "2024-02-29"}])"};
  EXPECT_THAT(scan_flags(request, "id, day").rows, IsEmpty());
  MissingValues null;
  null.empty = EmptyMeans::null;
  request.missing = {{"id", null}, {"day", null}};
  EXPECT_THAT(scan_flags(request, "id, day").rows, ElementsAre("1|NULL", "NULL|2024-02-29"));
}

ScanRequest csv_request(MissingValues missing) {
  ScanRequest request;
  request.format = Format::csv;
  request.columns = {{"id", "integer"}, {"v", "varchar"}};
  request.inputs = {"id,v\n1,x\n2,\"\"\n3,\n"};
  request.missing = {{"v", missing}};
  return request;
}

TEST(MissingValues, CsvRejectsAndFlags) {
  Scanned seen =
      scan_flags(csv_request({AbsentMeans::null, NullMeans::reject, EmptyMeans::null}), "id, v");
  EXPECT_THAT(seen.rows, ElementsAre("1|x", "2|NULL"));
  EXPECT_THAT(seen.problems(), ElementsAre(rule_text(1, ColumnRule::null, 2)));
  seen = scan_flags(csv_request({AbsentMeans::null, NullMeans::null, EmptyMeans::reject}), "id, v");
  EXPECT_THAT(seen.rows, ElementsAre("1|x", "3|NULL"));
  EXPECT_THAT(seen.problems(), ElementsAre(rule_text(1, ColumnRule::empty, 2)));
  ScanRequest request = csv_request({AbsentMeans::null, NullMeans::use_default, EmptyMeans::text});
  request.defaults = {1};
  EXPECT_THAT(scan_flags(request, "id, v, weir_default_1").rows,
              ElementsAre("1|x|false", "2||false", "3|NULL|true"));
}

TEST(MissingValues, WithAnotherNullTextAnUnquotedEmptyFieldIsEmpty) {
  ScanRequest request = csv_request({AbsentMeans::null, NullMeans::null, EmptyMeans::reject});
  request.csv.null_text = "NA";
  request.inputs = {"id,v\n1,NA\n2,\n3,\"\"\n4,\"NA\"\n"};
  const Scanned seen = scan_flags(request, "id, v");
  EXPECT_THAT(seen.rows, ElementsAre("1|NULL", "4|NA"));
  EXPECT_EQ(seen.rejected_rows, 2u);
}

TEST(MissingValues, AHeaderLacksAColumnOnlyWhereThatWasSaid) {
  ScanRequest request = csv_request({});
  request.inputs = {"id\n1\n2\n"};
  EXPECT_THAT(scan_flags(request, "id, v").error, HasSubstr("no column 'v'"));
  request.missing["v"] = {AbsentMeans::null, NullMeans::reject, EmptyMeans::reject, true};
  EXPECT_THAT(scan_flags(request, "id, v").rows, ElementsAre("1|NULL", "2|NULL"));
  request.missing["v"].absent = AbsentMeans::use_default;
  request.defaults = {1};
  EXPECT_THAT(scan_flags(request, "id, v, weir_default_1").rows,
              ElementsAre("1|NULL|true", "2|NULL|true"));
}

TEST(MissingValues, ARequiredColumnThatHasItsDefaultIsNotMissing) {
  const auto database = open_in_memory();
  ScanRequest request = json_request({});
  request.inputs = {R"([{"id": "no"}])"};
  const OpenInputs inputs(request);
  RecordingObserver observer;
  ScanSlot slot(*database, request.format, read_columns(request), request.csv);
  slot.set_required({1});
  slot.set_inputs(inputs.pointers(), observer, 1);
  const auto connection = *database->connect();
  const std::string sql = "SELECT count(id) FROM weir_scan(" + std::to_string(slot.id()) + ")";
  ASSERT_TRUE(connection->run(sql));
  EXPECT_EQ(observer.rejects().size(), 2u);  // id, and v which is required
  const OpenInputs again(request);
  RecordingObserver second;
  slot.set_defaults({1});
  slot.set_inputs(again.pointers(), second, 1);
  ASSERT_TRUE(connection->run(sql));
  EXPECT_EQ(second.rejects().size(), 1u);
}

TEST(CsvLists, AreJsonTexts) {
  ScanRequest request;
  request.format = Format::csv;
  request.columns = {{"n", "integer[]"}, {"t", "varchar[]"}};
  request.inputs = {
      "n,t\n"
      "\"[1, 2]\",\"[\"\"a\"\", \"\"a text longer than twelve bytes\"\"]\"\n"
      "[],[\"x\\u00e9\"]\n"
      ",\"[null]\"\n"
      "\" [7] \",\"[\"\"say \\\"\"hi\\\"\" to them all\"\"]\"\n"};
  EXPECT_THAT(scan_flags(request, "n, t").rows,
              ElementsAre("[1, 2]|[a, a text longer than twelve bytes]", "[]|[xé]", "NULL|[NULL]",
                          "[7]|['say \"hi\" to them all']"));
}

TEST(CsvLists, AnythingElseIsRejected) {
  for (const std::string bad :
       {"1", "null", "[1", "[1]x", "[1.5]", "\"[\"\"a\"\"]\"", "{}", "x", "\"[1,]\""}) {
    ScanRequest request;
    request.format = Format::csv;
    request.columns = {{"n", "integer[]"}};
    request.inputs = {"n\n[3]\n" + bad + "\n[4]\n"};
    const Scanned seen = scan_flags(request, "n");
    EXPECT_THAT(seen.rows, ElementsAre("[3]", "[4]")) << bad;
    EXPECT_EQ(seen.rejected_rows, 1u) << bad;
  }
}

}  // namespace
}  // namespace weir::duckdb
