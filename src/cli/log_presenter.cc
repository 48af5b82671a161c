#include "cli/log_presenter.h"

#include <fmt/format.h>

#include "cli/csv_text.h"
#include "cli/display_text.h"
#include "cli/frames.h"

namespace weir::cli {
namespace {

using text::Json;

// The columns of an answer to `logs`.
constexpr size_t time_column = 0, level_column = 1, run_column = 2, pipeline_column = 3,
                 message_column = 4, fields_column = 5, columns = 6;

std::string cell(const TableRow& row, size_t column) { return row[column].value_or(""); }

/// Fields that are no JSON object are shown as they are.
std::string fields_text(const std::string& fields) {
  if (fields.empty()) return "";
  const auto parsed = Json::parse(fields);
  if (!parsed || !parsed->is_object()) return " " + fields;
  std::string text;
  for (const auto& [name, value] : parsed->as_object()) {
    text += " " + name + "=" + (value.is_string() ? value.as_string() : value.to_string());
  }
  return text;
}

std::string json_line(const TableRow& row) {
  Json line = Json::object();
  line.set("time", cell(row, time_column)).set("level", cell(row, level_column));
  line.set("run", cell(row, run_column)).set("pipeline", cell(row, pipeline_column));
  line.set("message", cell(row, message_column));
  if (row[fields_column]) {
    const auto fields = Json::parse(*row[fields_column]);
    line.set("fields", fields ? *fields : Json(*row[fields_column]));
  }
  return line.to_string();
}

}  // namespace

std::string LogPresenter::line_of(const TableRow& row) const {
  if (format_ == OutputFormat::json) return json_line(row) + "\n";
  if (format_ == OutputFormat::csv) return csv_line(row);
  constexpr size_t seconds = 19;  // of "2026-11-20T12:00:00.000000Z"
  std::string time = cell(row, time_column).substr(0, seconds);
  if (time.size() == seconds) time[10] = ' ';
  const std::string whose =
      all_runs_ ? fmt::format("{} {} ", cell(row, run_column), cell(row, pipeline_column)) : "";
  return visible(fmt::format("{} {:<7} {}{}{}", time, cell(row, level_column), whose,
                             cell(row, message_column), fields_text(cell(row, fields_column))),
                 LineBreaks::escape) +
         "\n";
}

bool LogPresenter::send(const Json& frame) {
  const std::string& kind = frame["frame"].as_string();
  if (kind == "cursor") {
    cursor_ = frame["cursor"];
    ended_ = frame["ended"].as_bool();
    rows_since_cursor_ = false;
  } else if (kind == "columns" && format_ == OutputFormat::csv && !head_written_) {
    head_written_ = true;
    TableRow names;
    for (const ResultColumn& column : columns_of(frame)) names.emplace_back(column.name);
    open_ = output_.write(csv_line(names)) && open_;
  } else if (kind == "rows") {
    rows_since_cursor_ = true;
    for (const TableRow& row : rows_of(frame)) {
      if (row.size() == columns) open_ = output_.write(line_of(row)) && open_;
    }
  }
  return open_;
}

ExitCode LogPresenter::finish(const Result<void>& result) {
  open_ = output_.flush() && open_;
  return result ? ExitCode::done : exit_code(result.error());
}

std::optional<owner::Request> LogPresenter::resume(const owner::Request& asked) {
  if (rows_since_cursor_) return std::nullopt;  // some of them would be shown twice
  return next(asked);
}

owner::Request LogPresenter::next(owner::Request asked) const {
  if (!cursor_.is_null()) asked.args.set("cursor", cursor_);
  return asked;
}

}  // namespace weir::cli
