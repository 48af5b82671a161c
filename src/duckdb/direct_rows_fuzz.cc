// Any bytes as the rows of any columns, read without a statement: what is taken is what weir_scan
// gives for the same bytes, row by row and value by value, with nothing rejected.
#include <algorithm>

#include "base/check.h"
#include "duckdb/direct_rows.h"
#include "duckdb/scan_for_test.h"
#include "text/fuzz_input.h"

namespace weir::duckdb {
namespace {

constexpr const char* types[] = {"varchar",       "bigint",       "json",         "boolean",
                                 "decimal(20,0)", "date",         "timestamp",    "timestamptz",
                                 "uuid",          "bytes",        "double",       "real",
                                 "time",          "tinyint",      "hugeint",      "integer",
                                 "smallint",      "decimal(4,2)", "decimal(9,3)", "decimal(18,3)"};

Database& database() {
  static const std::unique_ptr<Database> only = open_in_memory(1);
  return *only;
}

std::string definitions(const ScanRequest& request) {
  std::string list;
  for (const ReadColumn& column : read_columns(request)) {
    list +=
        (list.empty() ? "" : ", ") + quote_identifier(column.name) + " " + sql_type(column.type);
  }
  return list;
}

uint64_t count(Connection& connection, const std::string& relation) {
  return static_cast<uint64_t>(connection.run("SELECT count(*) FROM " + relation)->int64(0, 0));
}

/// Behind some rows that stay, so that what is not taken has something to spoil.
void check(const ScanRequest& request, std::string body) {
  const std::string text = body;
  body.reserve(body.size() + DirectRows::padding);
  const auto connection = *database().connect();
  WEIR_CHECK(connection->run("CREATE OR REPLACE TEMP TABLE direct (" + definitions(request) + ")"),
             "the table is made");
  ScanSlot slot(database(), request.format, read_columns(request), request.csv);
  slot.set_defaults(request.defaults);
  size_t rows = 0;
  {
    DirectRows direct(slot);
    direct.append(body);
    const size_t first = direct.rows();
    const bool again = direct.append(body);
    WEIR_CHECK(again == (first > 0) && direct.rows() == 2 * first, "a text is taken or not");
    direct.drop_to(first);
    rows = direct.rows();
    WEIR_CHECK(direct.append_to(*connection, "temp", "", "direct"), "the rows fit the columns");
  }
  if (rows == 0) return;
  const Scanned seen = scan(database(), request);
  WEIR_CHECK(seen.error.empty() && seen.rejected_rows == 0, "what is taken is good");
  WEIR_CHECK(seen.records == rows, "rows are records");
  std::vector<std::string> there;
  const RowSink sink{nullptr, [&](const auto& cells) {
                       there.push_back(joined(cells));
                       return true;
                     }};
  WEIR_CHECK(connection->stream("SELECT * FROM temp.direct", sink), "the rows are read");
  WEIR_CHECK(count(*connection, "temp.direct") == rows && there == seen.rows,
             "the values are the scan's");
}

}  // namespace
}  // namespace weir::duckdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  using namespace weir::duckdb;
  text::FuzzInput input(data, size);
  ScanRequest request;
  const char* names[] = {"a", "b", "c"};
  for (size_t i = 0, columns = 1 + input.choose(3); i < columns; ++i) {
    request.columns.emplace_back(names[i], types[input.choose(std::size(types))]);
  }
  if (input.choose(2) == 1) request.defaults = {0};
  request.select = "COLUMNS(c -> NOT starts_with(c, 'weir_'))";
  request.inputs = {std::string(input.rest())};
  check(request, request.inputs.front());
  return 0;
}
