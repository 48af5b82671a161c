#include "cases/compare_case.h"

#include <fmt/format.h>

#include <algorithm>

#include "cases/compare_notices.h"
#include "cases/compare_rejects.h"
#include "cases/compare_rows.h"
#include "duckdb/database.h"

namespace weir::cases {
namespace {

/// The receipts that an expectation is about.
std::vector<const Receipt*> receipts_of(const CaseResult& result, const std::string& name) {
  std::vector<const Receipt*> found;
  for (const Receipt& receipt : result.receipts) {
    if (name.empty() || receipt_name(receipt) == name) found.push_back(&receipt);
  }
  return found;
}

void compare_receipt(const ExpectedReceipt& expected, const Receipt& found, CaseResult& result) {
  const std::string name = receipt_name(found);
  if (expected.status && *expected.status != found.status) {
    result.values.push_back({name, "status", std::string(to_string(*expected.status)),
                             std::string(to_string(found.status)), expected.location});
  }
  for (const ExpectedCount& count : expected.counts) {
    const uint64_t rows = counter_value(found.rows, count.counter);
    if (rows == count.rows) continue;
    result.values.push_back({name, "rows." + count.counter, std::to_string(count.rows),
                             std::to_string(rows), count.location});
  }
}

/// Whether the test says of this receipt that its run fails.
bool expects_failure(const CaseResult& result, const Receipt& receipt) {
  if (result.test->error) return true;
  for (const ExpectedReceipts& expected : result.test->receipts) {
    const auto found = receipts_of(result, expected.of);
    for (size_t i = 0; i < found.size() && i < expected.receipts.size(); ++i) {
      if (found[i] == &receipt) return expected.receipts[i].status == RunState::failed;
    }
  }
  return false;
}

void compare_errors(CaseResult& result) {
  std::string errors;
  for (const Receipt& receipt : result.receipts) {
    if (!receipt.error) continue;
    errors += (errors.empty() ? "" : "; ") + receipt.error->to_string();
    if (expects_failure(result, receipt) || result.error) continue;
    result.error = receipt.error;
    result.error->message =
        "the run of " + receipt_name(receipt) + " failed: " + receipt.error->message;
  }
  const auto& expected = result.test->error;
  if (!expected || errors.find(expected->text) != std::string::npos) return;
  result.values.push_back({"", "error", expected->text, errors, expected->location});
}

/// SQL; rows that are equal in it go by all their columns, so that they have one order.
std::string order_of(const ExpectedTable& expected, const std::vector<const Column*>& columns) {
  std::string sql;
  for (const CaseOrder& order : expected.order_by) {
    sql += (sql.empty() ? "" : ", ") + std::string("r.") + duckdb::quote_identifier(order.column) +
           (order.descending ? " DESC" : "");
  }
  for (const Column* column : columns) {
    sql += (sql.empty() ? "" : ", ") + std::string("r.") + duckdb::quote_identifier(column->name);
  }
  return sql;
}

/// Leaves the columns that are to be compared.
void keep_only(const std::vector<std::string>& only, TextRows& rows) {
  if (only.empty()) return;
  TextRows kept;
  kept.places = rows.places;
  kept.rows.resize(rows.rows.size());
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    if (std::find(only.begin(), only.end(), rows.columns[i]->name) == only.end()) continue;
    kept.columns.push_back(rows.columns[i]);
    for (size_t row = 0; row < rows.rows.size(); ++row) {
      kept.rows[row].push_back(rows.rows[row][i]);
    }
  }
  rows = std::move(kept);
}

/// An empty list says which rows, but not which columns.
void name_columns(const ExpectedTable& expected, const Table& table, TextRows& rows) {
  if (!rows.columns.empty()) return;
  for (const Column& column : table.columns) {
    const bool wanted =
        expected.only.empty() ||
        std::find(expected.only.begin(), expected.only.end(), column.name) != expected.only.end();
    if (wanted) rows.columns.push_back(&column);
  }
}

Result<void> compare_table(const ExpectedTable& expected, const Project& scratch,
                           pipeline::Resources& resources, const std::filesystem::path& root,
                           CaseResult& result) {
  const Table& table = *scratch.find_table(expected.table);
  const auto opened = WEIR_TRY(resources.databases->open_with_tables(table.database));
  duckdb::Database& database = *opened;
  TextRows rows = WEIR_TRY(text_rows(expected.rows, table, root));
  keep_only(expected.only, rows);
  name_columns(expected, table, rows);
  RowsDifference difference;
  difference.of = "table " + table.name.value();
  difference.location = expected.location;
  difference.null_text = "NULL";
  const auto has = [&](const std::string& name) {
    return std::any_of(rows.columns.begin(), rows.columns.end(),
                       [&](const Column* column) { return column->name == name; });
  };
  const bool keyed = !table.key.empty() && std::all_of(table.key.begin(), table.key.end(), has);
  for (const Column* column : rows.columns) {
    difference.columns.push_back(column->name);
    difference.is_key.push_back(
        keyed && std::find(table.key.begin(), table.key.end(), column->name) != table.key.end());
  }
  const auto settled = WEIR_TRY(settled_rows(rows, database));
  const auto stored =
      WEIR_TRY(stored_rows(table, rows.columns, order_of(expected, rows.columns), database));
  compare_rows(settled, stored, expected.order_by.empty() ? RowOrder::any : RowOrder::as_listed,
               difference);
  result.tables.push_back(std::move(difference));
  return {};
}

}  // namespace

Result<void> compare_case(const Project& scratch, pipeline::Resources& resources,
                          const std::vector<runlog::Notice>& notices,
                          const std::filesystem::path& root, CaseResult& result) {
  for (const ExpectedReceipts& expected : result.test->receipts) {
    const auto found = receipts_of(result, expected.of);
    if (found.size() != expected.receipts.size()) {
      result.values.push_back({expected.of, "receipts", std::to_string(expected.receipts.size()),
                               std::to_string(found.size()), expected.location});
      continue;
    }
    for (size_t i = 0; i < found.size(); ++i) {
      compare_receipt(expected.receipts[i], *found[i], result);
    }
  }
  compare_errors(result);
  for (const ExpectedTable& expected : result.test->expected_tables) {
    WEIR_TRY(compare_table(expected, scratch, resources, root, result));
  }
  if (result.test->rejects) WEIR_TRY(compare_rejects(scratch, resources, result));
  if (result.test->notices) WEIR_TRY(compare_notices(notices, result));
  const bool rows_differ =
      std::any_of(result.tables.begin(), result.tables.end(),
                  [](const RowsDifference& table) { return !table.rows.empty(); });
  const auto differ = [](const auto& list) { return list && !list->rows.empty(); };
  if (result.error || !result.values.empty() || rows_differ || differ(result.rejects) ||
      differ(result.notices)) {
    result.status = CaseStatus::failed;
  }
  return {};
}

}  // namespace weir::cases
