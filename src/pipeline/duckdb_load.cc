#include "pipeline/duckdb_load.h"

#include <fmt/format.h>

#include <algorithm>

#include "pipeline/drift.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

tl::unexpected<Error> repeated_key(const Table& table) {
  return fail(ErrorCode::invalid_input,
              "table '" + table.name.value() + "' holds a key of this input more than once",
              "remove the duplicates from the table");
}

}  // namespace

Result<std::unique_ptr<TableLoad>> DuckdbLoad::make(duckdb::Connection& connection,
                                                    const Project& project, const Table& table,
                                                    LoadMode mode, RowQuery query,
                                                    const std::string& stage_name,
                                                    TableLoadOptions options,
                                                    RelationOf relation_of) {
  auto references = WEIR_TRY(find_references(project, table));
  if (!relation_of) {
    relation_of = [missing = options.missing](const Table& of) {
      return missing.contains(of.name) ? empty_relation(of) : target_name(of);
    };
  }
  if (options.over) {
    relation_of = [there = std::move(relation_of), over = options.over](const Table& of) {
      return over(of, there(of));
    };
  }
  return std::unique_ptr<TableLoad>(new DuckdbLoad(connection, table, mode, std::move(query),
                                                   stage_name, options, std::move(relation_of),
                                                   std::move(references)));
}

DuckdbLoad::DuckdbLoad(duckdb::Connection& connection, const Table& table, LoadMode mode,
                       RowQuery query, const std::string& stage_name,
                       const TableLoadOptions& options, RelationOf relation_of,
                       std::vector<Reference> references)
    : connection_(connection),
      table_(table),
      mode_(mode),
      query_(std::move(query)),
      relation_of_(std::move(relation_of)),
      locked_tables_{table.name},
      stage_("temp." + quote_identifier(stage_name)),
      lineage_name_(stage_name + "_lineage"),
      target_(target_name(table)),
      rules_(connection, table, mode, references, relation_of_, stage_name, query_) {
  for (const Reference& reference : references) locked_tables_.push_back(reference.parent->name);
  std::sort(locked_tables_.begin(), locked_tables_.end());
  locked_tables_.erase(std::unique(locked_tables_.begin(), locked_tables_.end()),
                       locked_tables_.end());
  // A query over the very table that is emptied first has to be read before.
  const bool reads_replaced = mode == LoadMode::replace && query_.reads_tables;
  staged_ = rules_.any() || table.lineage || reads_replaced || options.always_stage;
}

std::string DuckdbLoad::column_list(std::string_view prefix) const {
  std::string list;
  for (const Column& column : table_.columns) {
    list += fmt::format("{}{}{}", list.empty() ? "" : ", ", prefix, quote_identifier(column.name));
  }
  return list;
}

/// With lineage.
std::string DuckdbLoad::written_columns(std::string_view prefix) const {
  std::string list = column_list(prefix);
  if (!table_.lineage) return list;
  for (const LineageColumn& column : lineage_columns) {
    list += fmt::format(", {}{}", prefix, column.name);
  }
  return list;
}

std::string DuckdbLoad::keys_equal() const {
  std::string all;
  for (const std::string& name : table_.key) {
    all += fmt::format("{}t.{} = s.{}", all.empty() ? "" : " AND ", quote_identifier(name),
                       quote_identifier(name));
  }
  return all;
}

std::string DuckdbLoad::values_differ() const {
  std::string any;
  for (const Column& column : table_.columns) {
    if (contains(table_.key, column.name)) continue;
    const std::string name = quote_identifier(column.name);
    any += fmt::format("{}t.{} IS DISTINCT FROM s.{}", any.empty() ? "" : " OR ", name, name);
  }
  return any.empty() ? "FALSE" : any;
}

Result<void> DuckdbLoad::prepare() {
  if (staged_) {
    std::string columns;
    for (const Column& column : table_.columns) {
      columns += quote_identifier(column.name) + " " + duckdb::sql_type(column.type) + ", ";
    }
    WEIR_TRY(connection_.run(fmt::format("CREATE OR REPLACE TEMP TABLE {} ({}weir_row {})", stage_,
                                         columns, row_sql_type(query_.identity))));
    WEIR_TRY(rules_.prepare());
    if (table_.lineage) {
      WEIR_TRY(connection_.run(fmt::format(
          "CREATE OR REPLACE TEMP TABLE temp.{} (weir_stretch BIGINT, weir_run VARCHAR, "
          "weir_before BIGINT)",
          quote_identifier(lineage_name_))));
    }
  }
  return plan();
}

/// Planned anew each time: DuckDB plans with the statistics a table has at that moment (how narrow
/// a key may be packed, for one), and a plan kept from an emptier table fails or lies on a fuller
/// one. The other statements are not kept at all.
Result<void> DuckdbLoad::plan() {
  if (staged_) {
    fill_ = WEIR_TRY(connection_.prepare(fmt::format("INSERT INTO {} {}", stage_, query_.sql)));
  } else {
    fill_ =
        WEIR_TRY(connection_.prepare(fmt::format("INSERT INTO {} ({}) SELECT {} FROM ({})", target_,
                                                 column_list(""), column_list(""), query_.sql)));
  }
  return {};
}

size_t DuckdbLoad::parameter_index(const std::string& name) const {
  return fill_->parameter_index(name);
}

size_t DuckdbLoad::parameter_count() const { return fill_->parameter_count(); }

Result<void> DuckdbLoad::stage(size_t, std::span<const duckdb::Parameter> parameters) {
  if (!staged_) return {};
  if (query_.reads_tables) WEIR_TRY(plan());
  WEIR_TRY(connection_.run("TRUNCATE " + stage_));
  WEIR_TRY(rules_.clear());
  WEIR_TRY(fill_->run(parameters));
  return {};
}

Result<LoadDecision> DuckdbLoad::decide(size_t inputs, const SetRules::RejectRow& reject_row) {
  LoadDecision decision;
  decision.inputs.resize(inputs);
  if (mode_ == LoadMode::replace) {
    const auto rows = WEIR_TRY(connection_.run("SELECT count(*) FROM " + relation_of_(table_)));
    decision.replaced = static_cast<uint64_t>(rows.int64(0, 0));
  }
  if (!staged_) return decision;
  WEIR_TRY(count_staged(decision));
  const auto taken = WEIR_TRY(rules_.judge(inputs, reject_row));
  for (size_t i = 0; i < inputs; ++i) {
    decision.inputs[i].rejected = taken[i].rejected;
    decision.inputs[i].deduplicated = taken[i].deduplicated;
  }
  WEIR_TRY(count_again(decision));
  return decision;
}

Result<void> DuckdbLoad::count_again(LoadDecision& decision) {
  for (LoadCounts& count : decision.inputs) count.updated = count.unchanged = 0;
  if (mode_ == LoadMode::merge) WEIR_TRY(count_matches(decision));
  for (LoadCounts& count : decision.inputs) {
    count.inserted =
        count.staged - count.rejected - count.deduplicated - count.updated - count.unchanged;
  }
  return {};
}

Result<void> DuckdbLoad::count_staged(LoadDecision& decision) {
  if (decision.inputs.size() == 1) {
    const auto rows = WEIR_TRY(connection_.run("SELECT count(*) FROM " + stage_));
    decision.inputs[0].staged = static_cast<uint64_t>(rows.int64(0, 0));
    return {};
  }
  const auto rows = WEIR_TRY(connection_.run(
      fmt::format("SELECT {}, count(*) FROM {} GROUP BY ALL", input_sql(query_.identity), stage_)));
  for (size_t i = 0; i < rows.size(); ++i) {
    decision.inputs.at(static_cast<size_t>(rows.int64(i, 0))).staged =
        static_cast<uint64_t>(rows.int64(i, 1));
  }
  return {};
}

Result<void> DuckdbLoad::count_matches(LoadDecision& decision) {
  const std::string target = relation_of_(table_);
  if (WEIR_TRY(connection_.run("SELECT 1 FROM " + target + " LIMIT 1")).size() == 0) return {};
  const auto rows = WEIR_TRY(connection_.run(
      fmt::format("SELECT {}, count(*), count(*) FILTER (WHERE {}) FROM {} s JOIN {} t ON {} "
                  "GROUP BY ALL",
                  input_sql(query_.identity, "s.weir_row"), values_differ(), rules_.remaining(),
                  target, keys_equal())));
  for (size_t i = 0; i < rows.size(); ++i) {
    LoadCounts& count = decision.inputs.at(static_cast<size_t>(rows.int64(i, 0)));
    count.updated = static_cast<uint64_t>(rows.int64(i, 2));
    count.unchanged = static_cast<uint64_t>(rows.int64(i, 1)) - count.updated;
    const uint64_t left = count.staged - count.rejected - count.deduplicated;
    if (count.updated + count.unchanged > left) return repeated_key(table_);
  }
  return {};
}

Result<uint64_t> DuckdbLoad::write(LoadDecision& decision,
                                   std::span<const duckdb::Parameter> parameters,
                                   std::span<const LineageStretch> lineage,
                                   const WriteRejects& /*rejects*/) {
  if (mode_ == LoadMode::replace) WEIR_TRY(remove_replaced(decision.replaced));
  if (!staged_) {
    if (query_.reads_tables) WEIR_TRY(plan());
    return static_cast<uint64_t>(WEIR_TRY(fill_->run(parameters)).changed());
  }
  if (table_.lineage) WEIR_TRY(write_lineage(lineage));
  LoadCounts sum;
  for (const LoadCounts& count : decision.inputs) {
    sum.inserted += count.inserted;
    sum.updated += count.updated;
    sum.unchanged += count.unchanged;
  }
  if (sum.updated > 0) WEIR_TRY(update(sum.updated));
  return insert(sum.inserted, sum.updated + sum.unchanged > 0);
}

Result<void> DuckdbLoad::write_lineage(std::span<const LineageStretch> lineage) {
  WEIR_TRY(connection_.run("TRUNCATE temp." + quote_identifier(lineage_name_)));
  const auto appender = WEIR_TRY(connection_.appender("temp", "main", lineage_name_));
  for (const LineageStretch& stretch : lineage) {
    const duckdb::Parameter values[] = {stretch.stretch, stretch.run, stretch.records_before};
    WEIR_TRY(appender->row(values));
  }
  return appender->close();
}

/// `rows`: SQL of a relation of rows of the stage.
std::string DuckdbLoad::with_lineage(const std::string& rows) const {
  if (!table_.lineage) return rows;
  const std::string record = "(" + record_sql(query_.identity, "s.weir_row") + ")";
  return fmt::format(
      "(SELECT s.*, l.weir_run, l.weir_before + ({0} & {1}) + 1 AS weir_element FROM {2} s JOIN "
      "temp.{3} l ON l.weir_stretch = ({0} >> {4}))",
      record, (int64_t{1} << LineageStretch::bits) - 1, rows, quote_identifier(lineage_name_),
      LineageStretch::bits);
}

Result<void> DuckdbLoad::remove_replaced(uint64_t expected) {
  const auto deleted = WEIR_TRY(connection_.run("DELETE FROM " + target_));
  if (static_cast<uint64_t>(deleted.changed()) == expected) return {};
  return fail(ErrorCode::internal, "the rows deleted are not the rows that were there");
}

Result<void> DuckdbLoad::update(uint64_t expected) {
  std::string assignments;
  const auto assign = [&](const std::string& name) {
    assignments += fmt::format("{}{} = s.{}", assignments.empty() ? "" : ", ", name, name);
  };
  for (const Column& column : table_.columns) {
    if (!contains(table_.key, column.name)) assign(quote_identifier(column.name));
  }
  for (const LineageColumn& column : lineage_columns) {
    if (table_.lineage) assign(column.name);
  }
  const auto updated = WEIR_TRY(connection_.run(
      fmt::format("UPDATE {} t SET {} FROM {} s WHERE {} AND ({})", target_, assignments,
                  with_lineage(rules_.remaining()), keys_equal(), values_differ())));
  if (static_cast<uint64_t>(updated.changed()) != expected) return repeated_key(table_);
  return {};
}

std::string DuckdbLoad::remaining_rows(bool some_match, const std::string& target,
                                       const std::string& columns) const {
  std::string rows = rules_.remaining();
  if (some_match) {
    // Inside, so that what finds the new rows has no more than the stage's columns to hold.
    rows = fmt::format("(SELECT s.* FROM {} s WHERE NOT EXISTS (SELECT 1 FROM {} t WHERE {}))",
                       rows, target, keys_equal());
  }
  return fmt::format("SELECT {} FROM {} s", columns, with_lineage(rows));
}

std::string DuckdbLoad::differing_rows(const std::string& columns) const {
  return fmt::format("SELECT {} FROM {} s JOIN {} t ON {} WHERE {}", columns,
                     with_lineage(rules_.remaining()), relation_of_(table_), keys_equal(),
                     values_differ());
}

std::string DuckdbLoad::new_rows(bool some_match) const {
  return remaining_rows(some_match, relation_of_(table_), written_columns("s."));
}

std::string DuckdbLoad::changed_rows() const { return differing_rows(written_columns("s.")); }

std::string DuckdbLoad::rows_to_write(bool some_match) const {
  const std::string columns = "s.weir_row, " + written_columns("s.");
  std::string rows =
      remaining_rows(some_match, relation_of_(table_), columns + ", FALSE AS weir_changes");
  if (some_match) rows += " UNION ALL " + differing_rows(columns + ", TRUE AS weir_changes");
  return rows;
}

std::vector<Column> DuckdbLoad::written_columns() const {
  std::vector<Column> columns = table_.columns;
  if (!table_.lineage) return columns;
  for (const LineageColumn& lineage : lineage_columns) {
    Column column;
    column.name = lineage.name;
    column.type = parse_data_type(lineage.type).value();
    columns.push_back(std::move(column));
  }
  return columns;
}

Result<uint64_t> DuckdbLoad::insert(uint64_t expected, bool some_match) {
  const auto inserted = static_cast<uint64_t>(
      WEIR_TRY(
          connection_.run(fmt::format("INSERT INTO {} ({}) {}", target_, written_columns(""),
                                      remaining_rows(some_match, target_, written_columns("s.")))))
          .changed());
  if (inserted == expected) return inserted;
  if (some_match) return repeated_key(table_);
  return fail(ErrorCode::internal, "the rows inserted are not the rows decided");
}

}  // namespace weir::pipeline
