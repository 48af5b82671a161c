#include <algorithm>

#include "pipeline/mend_cell.h"
#include "pipeline/mend_file.h"
#include "text/json.h"
#include "text/spelling.h"

namespace weir::pipeline {
namespace {

using Kind = SourceValue::Kind;

/// An empty cell without quotes is none; one with quotes is an empty text.
void add_cell(std::string& line, const std::optional<std::string>& cell) {
  if (!line.empty()) line += ',';
  if (!cell) return;
  if (!cell->empty() && cell->find_first_of(",\"\r\n") == std::string::npos) {
    line += *cell;
    return;
  }
  line += '"';
  for (const char c : *cell) {
    if (c == '"') line += '"';
    line += c;
  }
  line += '"';
}

std::string json_value(const SourceValue& value) {
  switch (value.kind) {
    case Kind::json:
      if (text::is_valid_json(value.text)) return value.text;
      break;
    case Kind::text: break;
    case Kind::absent:
    case Kind::null: return "null";
  }
  return text::Json(value.text).to_string();
}

}  // namespace

std::string MendWriter::csv_row(const MendRow& row) const {
  std::string line = std::to_string(row.reject);
  add_cell(line, std::to_string(row.line));
  add_cell(line, guarded(row.problem, false));
  for (size_t i = 0; i < columns_.size(); ++i) {
    add_cell(line, mend_cell(row.record.values[i], columns_[i].type));
  }
  return line + "\n";
}

std::string MendWriter::json_row(const MendRow& row) const {
  const auto member = [](const std::string& name) { return text::Json(name).to_string() + ":"; };
  std::string line = (first_ ? "\n{" : ",\n{") + member(reject_column) + std::to_string(row.reject);
  line += "," + member(line_column) + std::to_string(row.line);
  line += "," + member(problem_column) + text::Json(row.problem).to_string();
  for (size_t i = 0; i < columns_.size(); ++i) {
    const SourceValue& value = row.record.values[i];
    if (value.kind == Kind::absent) continue;
    line += "," + member(columns_[i].name) + json_value(value);
  }
  return line + "}";
}

bool MendWriter::begin() {
  if (format_ == MendFormat::json) return write_("[");
  std::string line = reject_column;
  add_cell(line, line_column);
  add_cell(line, problem_column);
  for (const ReadColumn& column : columns_) add_cell(line, column.name);
  return write_(line + "\n");
}

bool MendWriter::add(const MendRow& row) {
  const bool read = write_(format_ == MendFormat::csv ? csv_row(row) : json_row(row));
  first_ = false;
  return read;
}

bool MendWriter::end() {
  if (format_ == MendFormat::csv) return true;
  return write_(first_ ? "]\n" : "\n]\n");
}

}  // namespace weir::pipeline
