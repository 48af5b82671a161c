#include "pipeline/mended_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/file_stream.h"
#include "pipeline/mend_cell.h"
#include "text/json.h"

namespace weir::pipeline {
namespace {

using duckdb::Parameter;
using Kind = SourceValue::Kind;

constexpr const char* create_sql =
    "CREATE OR REPLACE TEMP TABLE weir_mended (reject_id BIGINT, line BIGINT, "
    "column_number BIGINT, cells VARCHAR, object VARCHAR)";

std::string cells_json(const std::vector<std::optional<std::string>>& cells) {
  text::Json list = text::Json::array();
  for (const auto& cell : cells) list.push(cell ? text::Json(*cell) : text::Json());
  return list.to_string();
}

}  // namespace

Result<void> MendedRows::read(const std::string& path, const std::string& name,
                              const RejectedRun& rejected,
                              const std::vector<std::string>& columns) {
  name_ = name;
  WEIR_TRY(connection_.run(create_sql));
  auto opened = io::FileStream::open(path);
  if (!opened) {
    Error error = opened.error();
    if (error.location.file.empty()) error.location.file = name;
    return fail(std::move(error));
  }
  MendReader reader(**opened, name);
  const auto appender = WEIR_TRY(connection_.appender("temp", "main", "weir_mended"));
  WEIR_TRY(reader.read(columns, [&](MendedRow& row) {
    const Parameter values[] = {row.reject, int64_t{row.location.line},
                                int64_t{row.location.column},
                                row.object.empty() ? Parameter(cells_json(row.cells)) : Parameter(),
                                row.object.empty() ? Parameter() : Parameter(row.object)};
    return appender->row(values);
  }));
  WEIR_TRY(appender->close());
  cell_columns_ = reader.cell_columns();
  return check(rejected);
}

/// Why the row of this reject cannot be replayed.
Result<Error> MendedRows::explain(int64_t reject, const RejectedRun& rejected) const {
  const std::string id = std::to_string(reject);
  const server::Rows rows = WEIR_TRY(ledger_.run(
      "SELECT run_id, resolution, resolved_by FROM weir_rejects WHERE reject_id = " + id));
  if (rows.size() == 0) {
    return Error{ErrorCode::invalid_input, "there is no reject " + id,
                 "take the row out; `weir rejects RUN` lists the ids"};
  }
  if (const std::string run = rows.text(0, 0); run != rejected.run.value()) {
    return Error{ErrorCode::invalid_input,
                 "reject " + id + " is of run " + run + ", not of " + rejected.run.value(),
                 "give its row to `weir replay " + run + "`"};
  }
  const std::string by = rows.text(0, 2);
  return Error{ErrorCode::invalid_input,
               "reject " + id + " is resolved already (" + rows.text(0, 1) +
                   (by.empty() ? ")" : " by run " + by + ")"),
               "take its row out"};
}

Result<void> MendedRows::check(const RejectedRun& rejected) const {
  const auto at = [&](const duckdb::Rows& rows, size_t column) {
    return Location{name_, static_cast<int>(rows.int64(0, column)),
                    static_cast<int>(rows.int64(0, column + 1))};
  };
  const auto twice = WEIR_TRY(connection_.run(
      "SELECT reject_id, line, column_number FROM (SELECT *, row_number() OVER "
      "(PARTITION BY reject_id ORDER BY line, column_number) AS nth FROM temp.weir_mended) "
      "WHERE nth = 2 ORDER BY line LIMIT 1"));
  if (twice.size() > 0) {
    return fail(ErrorCode::invalid_input,
                fmt::format("reject {} is there twice", twice.int64(0, 0)), "keep one of the rows",
                at(twice, 1));
  }
  const Parameter run = rejected.run.value();
  const auto strange = WEIR_TRY(connection_.run(
      "SELECT m.reject_id, m.line, m.column_number "
      "FROM temp.weir_mended m LEFT JOIN weir_rejects r USING (reject_id) "
      "WHERE r.run_id IS DISTINCT FROM $1 OR r.resolution IS NOT NULL ORDER BY m.line LIMIT 1",
      {&run, 1}));
  if (strange.size() == 0) return {};
  Error error = WEIR_TRY(explain(strange.int64(0, 0), rejected));
  error.location = at(strange, 1);
  return fail(std::move(error));
}

Result<bool> MendedRows::apply(std::span<const std::optional<std::string>> cells,
                               const std::vector<ReadColumn>& columns, SourceRecord& record) const {
  SourceRecord mended;
  if (cells[1]) {
    mended = record_of_json(*cells[1], columns);
  } else if (cells[0]) {
    const auto row = WEIR_TRY(text::Json::parse(*cells[0]));
    mended.values = record.values;
    for (size_t i = 0; i < cell_columns_.size(); ++i) {
      const text::Json& json = row.as_array()[i];
      const auto cell = json.is_null() ? std::nullopt : std::optional(json.as_string());
      const auto column = std::find_if(columns.begin(), columns.end(), [&](const auto& declared) {
        return declared.name == cell_columns_[i];
      });
      if (column != columns.end()) {
        SourceValue& value = mended.values[static_cast<size_t>(column - columns.begin())];
        SourceValue now = mended_value(cell, value, column->type);
        const bool null = now != value && !null_text_.empty() && now.text == null_text_;
        value = null ? SourceValue{Kind::null, {}} : std::move(now);
      } else if (cell && !cell->empty()) {
        const auto number = [](const std::optional<std::string>& text) {
          return std::stoi(text.value_or("0"));
        };
        return fail(ErrorCode::invalid_input,
                    "this row has no column '" + cell_columns_[i] + "': it is of other rows",
                    "leave the cell empty", Location{name_, number(cells[2]), number(cells[3])});
      }
    }
  } else {
    return false;
  }
  if (mended.broken.empty() && mended.values == record.values) return false;
  if (!record.broken.empty() && cells[0]) {
    // Of a record that could not be taken apart no field is absent: who mended it said all of it.
    for (SourceValue& value : mended.values) {
      if (value.kind == Kind::absent) value.kind = Kind::null;
    }
  }
  record = std::move(mended);
  return true;
}

}  // namespace weir::pipeline
