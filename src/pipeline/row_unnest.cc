// RowCompiler's unnest: rows of which one record makes several, and what is told of them.
#include <fmt/format.h>

#include <algorithm>

#include "duckdb/scan.h"
#include "pipeline/produced_row.h"
#include "pipeline/row_compiler.h"

namespace weir::pipeline {
namespace {

using duckdb::quote_identifier;
using duckdb::quote_literal;

/// So many unnest steps share the bits of an ordinal.
constexpr size_t most_unnests = 4;

}  // namespace

/// From here on rows are not records: keeps the row as it is now, to be told when it is rejected.
/// `only_if`: a flag; rows without it were told as they were before.
void RowCompiler::remember_produced(int next_step, const std::string& only_if) {
  const int id = ++serial_;
  std::string members, json;
  for (const auto& column : columns_) {
    const std::string name = quote_literal(column.name);
    members +=
        fmt::format("{}{}: {}", members.empty() ? "" : ", ", name, quote_identifier(column.name));
    json +=
        fmt::format("{}{}, {}", json.empty() ? "" : ", ", name,
                    produced_value(column, fmt::format("struct_extract(weir_p{}, {})", id, name)));
  }
  level_ = fmt::format("SELECT *, {{{}}} AS weir_p{} FROM ({})", members, id, level_);
  carry(fmt::format("weir_p{}", id));
  std::string tell = fmt::format(
      "weir_produced({}::BIGINT, weir_row, {}::INTEGER, CAST(json_object({}) AS VARCHAR))", slot_,
      next_step, json);
  if (!only_if.empty()) {
    tell = fmt::format("CASE WHEN {} THEN {} ELSE {} END", only_if, tell,
                       tell_produced_.empty() ? "0" : tell_produced_);
  }
  tell_produced_ = std::move(tell);
}

/// The list column the step names; empty: the problem has been noted.
Result<std::string> RowCompiler::list_to_unnest(const UnnestStep& step) {
  const auto* column = WEIR_TRY(known(step.column, "unnest"));
  if (column == nullptr) return std::string();
  const auto refuse = [&](std::string message, std::string fix) -> Result<std::string> {
    WEIR_TRY(note_at(step.column.location, {ErrorCode::sql, std::move(message), std::move(fix)}));
    return std::string();
  };
  if (!column->type.ends_with("]")) {
    return refuse(
        fmt::format("unnest needs a list, and the column '{}' is {}", column->name, column->type),
        column->type == "JSON" ? "declare it as json[] in read.columns"
                               : "name a column whose type ends with []");
  }
  const auto* taken = step.as.empty() ? nullptr : find(step.as);
  if (taken != nullptr && taken != column) {
    return refuse(
        fmt::format("unnest names its elements '{}', and there is such a column already", step.as),
        "choose another name for 'as'");
  }
  if (unnests_ == most_unnests) {
    return refuse(fmt::format("a pipeline has at most {} unnest steps", most_unnests),
                  "flatten the lists in a select first");
  }
  return column->name;
}

/// A row that has left already, or whose list is empty, passes as one row, so that it is judged at
/// the end like every other one.
Result<void> RowCompiler::unnest(const UnnestStep& step, int next_step) {
  WEIR_TRY(settle_pending(next_step - 1));
  const std::string column = WEIR_TRY(list_to_unnest(step));
  if (column.empty()) {
    blind_ = true;
    return {};
  }
  const std::string list = quote_identifier(column);
  const std::string element = step.as.empty() ? column : step.as;
  const int id = ++serial_;
  const size_t bits = static_cast<size_t>(duckdb::ordinal_bits) / std::max<size_t>(all_unnests_, 1);
  const size_t shift = bits * (all_unnests_ - ++unnests_);
  const uint64_t longest = bits >= 32 ? UINT32_MAX : (uint64_t{1} << bits) - 1;

  level_ = fmt::format("SELECT *, {0} AS weir_i{1}, COALESCE(len({2}), 0) AS weir_c{1} FROM ({3})",
                       leaving_.empty() ? "TRUE" : "NOT (" + leaving_ + ")", id, list, level_);
  level_ = fmt::format(
      "SELECT *, CASE WHEN weir_i{0} AND weir_c{0} BETWEEN 1 AND {1} THEN {2} ELSE [NULL] END AS "
      "weir_l{0} FROM ({3})",
      id, longest, list, level_);
  level_ = fmt::format(
      "SELECT *, unnest(weir_l{0}) AS weir_v{0}, generate_subscripts(weir_l{0}, 1) AS weir_o{0} "
      "FROM ({1})",
      id, level_);
  std::string outputs;
  for (const auto& each : columns_) {
    outputs += each.name == column ? fmt::format(", weir_v{} AS {}", id, quote_identifier(element))
                                   : ", " + quote_identifier(each.name);
  }
  const std::string ordinal = fmt::format(
      "CASE WHEN weir_i{0} AND weir_c{0} BETWEEN 1 AND {1} THEN weir_o{0} ELSE 0 END", id, longest);
  const std::string record =
      identity_ == RowIdentity::record
          ? fmt::format("(CAST(weir_row AS HUGEINT) << {})", duckdb::ordinal_bits)
          : "weir_row";
  level_ = fmt::format(
      "SELECT {0} | (CAST({1} AS HUGEINT) << {2}) AS weir_row{3}, weir_i{4}, weir_c{4}, "
      "(weir_o{4} > 1{5}) AS weir_m{4}{6} FROM ({7})",
      record, ordinal, shift, carried_, id, more_.empty() ? "" : " OR " + more_, outputs, level_);
  more_ = fmt::format("weir_m{}", id);
  carry(fmt::format("weir_i{0}, weir_c{0}, weir_m{0}", id));
  identity_ = RowIdentity::record_and_ordinal;
  if (longest < UINT32_MAX) {
    const int rule = add_rule(column, "unnest",
                              fmt::format("the list has {{}} elements, and beside the other unnest "
                                          "steps only {} have room",
                                          longest));
    leave(fmt::format("weir_i{0} AND weir_c{0} > {1}", id, longest),
          reject(rule, fmt::format("CAST(weir_c{} AS VARCHAR)", id)));
  }
  if (!step.keep_empty) leave(fmt::format("weir_i{0} AND weir_c{0} = 0", id), filtered());
  WEIR_TRY(refresh_columns());
  produced_ = true;
  remember_produced(next_step, fmt::format("weir_i{}", id));
  return {};
}

}  // namespace weir::pipeline
