#include "pipeline/table_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "pipeline/drift.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

constexpr std::string_view input_of_row = "(weir_row >> 48)";

}  // namespace

std::string target_name(const Table& table) {
  return quote_identifier(table.schema.empty() ? "main" : table.schema) + "." +
         quote_identifier(table.name.value());
}

Result<void> ensure_table(duckdb::Connection& connection, const Table& table) {
  const TableDrift drift = WEIR_TRY(compare_structure(connection, table));
  for (const Difference& difference : drift.differences) {
    if (difference.kind != DriftKind::missing_table) continue;
    for (const std::string& ddl : difference.ddl) WEIR_TRY(connection.run(ddl));
  }
  return refuse_drift(drift);
}

TableLoad::TableLoad(duckdb::Connection& connection, const Table& table, LoadMode mode,
                     RowQuery query, std::string stage_name)
    : connection_(connection),
      table_(table),
      mode_(mode),
      query_(std::move(query)),
      stage_("temp." + quote_identifier(stage_name)),
      target_(target_name(table)) {}

std::string TableLoad::key_list(std::string_view prefix) const {
  std::string list;
  for (const std::string& name : table_.key) {
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", prefix, quote_identifier(name));
  }
  return list;
}

std::string TableLoad::column_list(std::string_view prefix) const {
  std::string list;
  for (const Column& column : table_.columns) {
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", prefix, quote_identifier(column.name));
  }
  return list;
}

std::string TableLoad::keys_equal() const {
  std::string all;
  for (const std::string& name : table_.key) {
    all += fmt::format("{}t.{} = s.{}", all.empty() ? "" : " AND ", quote_identifier(name),
                       quote_identifier(name));
  }
  return all;
}

std::string TableLoad::values_differ() const {
  std::string any;
  for (const Column& column : table_.columns) {
    if (contains(table_.key, column.name)) continue;
    const std::string name = quote_identifier(column.name);
    any += fmt::format("{}t.{} IS DISTINCT FROM s.{}", any.empty() ? "" : " OR ", name, name);
  }
  return any.empty() ? "FALSE" : any;
}

/// Planned anew each time: DuckDB plans with the statistics a table has at that moment (how narrow
/// a key may be packed, for one), and a plan kept from an emptier table fails or lies on a fuller
/// one.
Result<duckdb::Rows> TableLoad::run(const std::string& sql) { return connection_.run(sql); }

Result<void> TableLoad::prepare() {
  if (keyed()) {
    std::string columns;
    for (const Column& column : table_.columns) {
      columns += quote_identifier(column.name) + " " + duckdb::sql_type(column.type) + ", ";
    }
    WEIR_TRY(connection_.run(
        fmt::format("CREATE OR REPLACE TEMP TABLE {} ({}weir_row BIGINT)", stage_, columns)));
  }
  return plan();
}

Result<void> TableLoad::plan() {
  if (keyed()) {
    fill_ = WEIR_TRY(connection_.prepare(fmt::format("INSERT INTO {} {}", stage_, query_.sql)));
  } else {
    fill_ =
        WEIR_TRY(connection_.prepare(fmt::format("INSERT INTO {} ({}) SELECT {} FROM ({})", target_,
                                                 column_list(""), column_list(""), query_.sql)));
  }
  return {};
}

size_t TableLoad::parameter_index(const std::string& name) const {
  return fill_->parameter_index(name);
}

size_t TableLoad::parameter_count() const { return fill_->parameter_count(); }

Result<void> TableLoad::stage(std::span<const duckdb::Parameter> parameters) {
  if (!keyed()) return {};
  if (query_.reads_tables) WEIR_TRY(plan());
  WEIR_TRY(run("TRUNCATE " + stage_));
  WEIR_TRY(fill_->run(parameters));
  return {};
}

Result<std::vector<LoadCounts>> TableLoad::staged_counts(size_t inputs) {
  std::vector<LoadCounts> counts(inputs);
  if (inputs == 1) {
    counts[0].staged = static_cast<uint64_t>(
        WEIR_TRY(run(fmt::format("SELECT count(*) FROM {}", stage_))).int64(0, 0));
    return counts;
  }
  const auto rows =
      WEIR_TRY(run(fmt::format("SELECT {}, count(*) FROM {} GROUP BY ALL", input_of_row, stage_)));
  for (size_t i = 0; i < rows.size(); ++i) {
    counts.at(static_cast<size_t>(rows.int64(i, 0))).staged =
        static_cast<uint64_t>(rows.int64(i, 1));
  }
  return counts;
}

Result<std::vector<LoadCounts>> TableLoad::apply(size_t inputs,
                                                 std::span<const duckdb::Parameter> parameters,
                                                 const RejectRow& reject_row) {
  if (!keyed()) {
    std::vector<LoadCounts> counts(inputs);
    if (query_.reads_tables) WEIR_TRY(plan());
    counts[0].inserted = static_cast<uint64_t>(WEIR_TRY(fill_->run(parameters)).changed());
    return counts;
  }
  auto counts = WEIR_TRY(staged_counts(inputs));
  const auto repeated = WEIR_TRY(run(fmt::format(
      "SELECT count(*), count(*) FILTER (inputs > 1) FROM (SELECT max({1}) - min({1}) + 1 "
      "AS inputs FROM {2} GROUP BY {0} HAVING count(*) > 1)",
      key_list(""), input_of_row, stage_)));
  if (repeated.int64(0, 0) > 0) {
    if (mode_ == LoadMode::merge && repeated.int64(0, 1) > 0) {
      return fail(ErrorCode::busy, "two inputs of one batch share a key");
    }
    if (mode_ == LoadMode::merge) {
      WEIR_TRY(keep_last(counts));
    }
  }
  if (mode_ == LoadMode::merge) {
    WEIR_TRY(merge(counts));
    return counts;
  }
  if (repeated.int64(0, 0) > 0 ||
      WEIR_TRY(run("SELECT 1 FROM " + target_ + " LIMIT 1")).size() > 0) {
    WEIR_TRY(reject_duplicates(reject_row));
    counts = WEIR_TRY(staged_counts(inputs));
  }
  WEIR_TRY(append(counts));
  return counts;
}

/// merge: of several rows with one key the last by input order stays.
Result<void> TableLoad::keep_last(std::vector<LoadCounts>& counts) {
  const auto rows = WEIR_TRY(
      run(fmt::format("SELECT input, sum(n - 1)::BIGINT FROM (SELECT {1} AS input, count(*) AS n "
                      "FROM {2} GROUP BY {0}, input) GROUP BY input",
                      key_list(""), input_of_row, stage_)));
  for (size_t i = 0; i < rows.size(); ++i) {
    counts.at(static_cast<size_t>(rows.int64(i, 0))).deduplicated =
        static_cast<uint64_t>(rows.int64(i, 1));
  }
  WEIR_TRY(run(fmt::format(
      "DELETE FROM {0} WHERE weir_row NOT IN (SELECT max(weir_row) FROM {0} GROUP BY {1})", stage_,
      key_list(""))));
  return {};
}

/// append: the first row of a key stays unless the table has the key already; the others are told.
Result<void> TableLoad::reject_duplicates(const RejectRow& reject_row) {
  const std::string key_text = fmt::format("left(concat_ws(', ', {}), 200)", key_list("s."));
  const auto reject_and_delete = [&](const std::string& condition, bool in_batch) -> Result<void> {
    uint64_t found = 0;
    const duckdb::RowSink sink{nullptr, [&](const auto& cells) {
                                 reject_row(std::stoll(*cells[0]), cells[1].value_or(""), in_batch);
                                 ++found;
                                 return true;
                               }};
    WEIR_TRY(connection_.stream(
        fmt::format("SELECT s.weir_row, {} FROM {} s WHERE {}", key_text, stage_, condition),
        sink));
    if (found > 0) {
      WEIR_TRY(run(fmt::format("DELETE FROM {} s WHERE {}", stage_, condition)));
    }
    return {};
  };
  WEIR_TRY(
      reject_and_delete(fmt::format("s.weir_row NOT IN (SELECT min(weir_row) FROM {} GROUP BY {})",
                                    stage_, key_list("")),
                        true));
  return reject_and_delete(
      fmt::format("EXISTS (SELECT 1 FROM {} t WHERE {})", target_, keys_equal()), false);
}

Result<void> TableLoad::append(std::vector<LoadCounts>& counts) {
  const auto inserted = WEIR_TRY(run(fmt::format("INSERT INTO {} ({}) SELECT {} FROM {}", target_,
                                                 column_list(""), column_list(""), stage_)));
  uint64_t total = 0;
  for (LoadCounts& count : counts) total += count.inserted = count.staged;
  if (total != static_cast<uint64_t>(inserted.changed())) {
    return fail(ErrorCode::internal, "the rows inserted are not the rows staged");
  }
  return {};
}

Result<void> TableLoad::merge(std::vector<LoadCounts>& counts) {
  uint64_t matched = 0;
  uint64_t changed = 0;
  if (WEIR_TRY(run("SELECT 1 FROM " + target_ + " LIMIT 1")).size() > 0) {
    const auto rows = WEIR_TRY(
        run(fmt::format("SELECT {}, count(*), count(*) FILTER (WHERE {}) FROM {} s JOIN {} t ON {} "
                        "GROUP BY ALL",
                        input_of_row, values_differ(), stage_, target_, keys_equal())));
    for (size_t i = 0; i < rows.size(); ++i) {
      LoadCounts& count = counts.at(static_cast<size_t>(rows.int64(i, 0)));
      count.updated = static_cast<uint64_t>(rows.int64(i, 2));
      count.unchanged = static_cast<uint64_t>(rows.int64(i, 1)) - count.updated;
      matched += count.updated + count.unchanged;
      changed += count.updated;
    }
  }
  if (changed > 0) {
    std::string assignments;
    for (const Column& column : table_.columns) {
      if (contains(table_.key, column.name)) continue;
      const std::string name = quote_identifier(column.name);
      assignments += fmt::format("{}{} = s.{}", assignments.empty() ? "" : ", ", name, name);
    }
    const auto updated =
        WEIR_TRY(run(fmt::format("UPDATE {} t SET {} FROM {} s WHERE {} AND ({})", target_,
                                 assignments, stage_, keys_equal(), values_differ())));
    if (static_cast<uint64_t>(updated.changed()) != changed) {
      return fail(ErrorCode::invalid_input,
                  "table '" + table_.name.value() + "' holds a key of this input more than once",
                  "remove the duplicates from the table");
    }
  }
  std::string source = fmt::format("SELECT {} FROM {} s", column_list("s."), stage_);
  if (matched > 0) {
    source += fmt::format(" WHERE NOT EXISTS (SELECT 1 FROM {} t WHERE {})", target_, keys_equal());
  }
  const auto inserted =
      WEIR_TRY(run(fmt::format("INSERT INTO {} ({}) {}", target_, column_list(""), source)));
  uint64_t expected = 0;
  for (LoadCounts& count : counts) {
    count.inserted = count.staged - count.deduplicated - count.updated - count.unchanged;
    expected += count.inserted;
  }
  if (static_cast<uint64_t>(inserted.changed()) != expected) {
    return fail(ErrorCode::invalid_input,
                "table '" + table_.name.value() + "' holds a key of this input more than once",
                "remove the duplicates from the table");
  }
  return {};
}

}  // namespace weir::pipeline
