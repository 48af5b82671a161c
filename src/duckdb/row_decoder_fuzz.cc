// Decoding any bytes as the rows of any columns: every record becomes a row or a rejected row, and
// never both; the same whatever the chunks and threads; what comes out is valid text.
#include <algorithm>

#include "base/check.h"
#include "duckdb/scan_for_test.h"
#include "text/fuzz_input.h"

namespace weir::duckdb {
namespace {

constexpr const char* types[] = {
    "varchar",     "bigint",  "integer[]",     "json",          "json[]",
    "bigint[][]",  "boolean", "decimal(20,0)", "date",          "timestamp",
    "timestamptz", "uuid",    "bytes",         "double",        "real",
    "time",        "tinyint", "hugeint",       "varchar[]",     "json[][]",
    "smallint",    "integer", "decimal(4,2)",  "decimal(18,3)", "varchar[][]"};

Database& database() {
  static const std::unique_ptr<Database> only = open_in_memory(2);
  return *only;
}

/// Order does not matter, and casting looks at every element.
constexpr const char* digest_sql =
    "SELECT count(*), coalesce(sum(hash(weir_row, v)::HUGEINT), 0) FROM (SELECT weir_row, "
    "concat_ws('|', {columns}) AS v FROM {scan})";

std::string digest_of(const ScanRequest& request) {
  std::string columns;
  for (const auto& [name, type] : request.columns) {
    columns += (columns.empty() ? "" : ", ") + ("CAST(\"" + name + "\" AS VARCHAR)");
  }
  std::string sql = digest_sql;
  for (const size_t column : request.defaults) {
    columns += ", CAST(" + default_flag(column) + " AS VARCHAR)";
  }
  sql.replace(sql.find("{columns}"), 9, columns);
  return sql;
}

/// 0: the usual ones.
void choose_settings(uint8_t choice, ScanRequest& request) {
  if (choice == 0) return;
  MissingValues missing;
  missing.absent = static_cast<AbsentMeans>(choice % 3);
  missing.null = static_cast<NullMeans>(choice / 3 % 3);
  missing.empty = static_cast<EmptyMeans>(choice / 9 % 4);
  missing.may_lack = choice / 36 % 2 == 1;
  const size_t column = choice / 72 % request.columns.size();
  request.missing = {{request.columns[column].first, missing}};
  if (choice % 2 == 1) request.defaults = {column};
}

void check(const ScanRequest& request) {
  const std::string sql = digest_of(request);
  const Scanned whole = scan_with(database(), request, sql);
  const auto good_rows = [](const Scanned& seen) {
    return std::stoull(seen.rows.front().substr(0, seen.rows.front().find('|')));
  };
  if (whole.error.empty()) {
    WEIR_CHECK(whole.records == good_rows(whole) + whole.rejected_rows,
               "every record is answered for");
  } else {
    WEIR_CHECK(whole.error.find("INTERNAL") == std::string::npos, "errors are about the input");
  }
  ScanRequest pieces = request;
  pieces.threads = 2;
  pieces.inputs.push_back(request.inputs.front());
  const Scanned twice = scan_with(database(), pieces, sql);
  WEIR_CHECK(twice.error.empty() == whole.error.empty(), "threads do not decide about errors");
  if (!whole.error.empty()) return;
  WEIR_CHECK(good_rows(twice) == 2 * good_rows(whole), "each input gives its rows");
  WEIR_CHECK(twice.rejected_rows == 2 * whole.rejected_rows, "each input gives its rejects");
}

}  // namespace
}  // namespace weir::duckdb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir;
  using namespace weir::duckdb;
  text::FuzzInput input(data, size);
  ScanRequest request;
  request.format = input.choose(2) == 0 ? Format::json : Format::csv;
  const char* names[] = {"a", "b", "c"};
  for (size_t i = 0, columns = 1 + input.choose(3); i < columns; ++i) {
    request.columns.emplace_back(names[i], types[input.choose(std::size(types))]);
  }
  request.csv.header = input.choose(2) == 1;
  request.chunk_bytes = size_t{1} << input.choose(23);
  choose_settings(input.choose(255), request);
  request.inputs = {std::string(input.rest())};
  check(request);
  return 0;
}
