#include "pipeline/source_record.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/memory_stream.h"
#include "text/csv_records.h"
#include "text/json.h"
#include "text/json_members.h"
#include "text/record_blocks.h"
#include "text/spelling.h"

namespace weir::pipeline {
namespace {

using Kind = SourceValue::Kind;

/// Before the record, so that it is not the input's beginning, where some bytes mean an encoding.
constexpr std::string_view first_line = "x\n";

text::RecordOptions options_for(const CsvDialect& dialect, size_t bytes, size_t fields) {
  text::RecordOptions options;
  options.format = Format::csv;
  options.csv = dialect;
  options.csv.header = false;
  options.csv.skip_lines = 1;
  options.columns = fields;
  options.chunk_bytes = bytes + 1;
  options.digest = false;
  return options;
}

/// Which field a column is; nothing when the header does not name it.
std::optional<size_t> field_of(const std::string& column, size_t position,
                               const CsvDialect& dialect, const std::vector<std::string>& header) {
  if (!dialect.header) return position;
  const auto at = std::find(header.begin(), header.end(), column);
  if (at == header.end()) return std::nullopt;
  return static_cast<size_t>(at - header.begin());
}

std::string one_line(std::string_view json) {
  std::string line(json);
  // Only blanks between tokens: a valid string holds no line break.
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::replace(line.begin(), line.end(), '\r', ' ');
  return line;
}

}  // namespace

bool holds_json(const DataType& type) {
  return type.kind == TypeKind::json || type.kind == TypeKind::list;
}

SourceRecord record_of_csv(std::string_view raw, const CsvDialect& dialect,
                           const std::vector<std::string>& header,
                           const std::vector<ReadColumn>& columns) {
  SourceRecord record;
  record.values.resize(columns.size());
  const size_t expected = dialect.header ? header.size() : columns.size();
  if (dialect.header && header.empty()) {
    record.broken = "the header of its input was not kept";
    return record;
  }
  const std::string text = std::string(first_line) + std::string(raw) + "\n";
  io::MemoryStream stream(text);
  text::RecordBlocks blocks(stream, options_for(dialect, text.size(), expected));
  text::RecordBlock block;
  const auto more = blocks.next(block);
  text::RecordSlice slice;
  std::optional<text::CsvRecords> records;
  if (more && *more) records.emplace(block);
  if (!records || !records->next(slice) || slice.broken != nullptr) {
    record.broken = "the record cannot be read";
    return record;
  }
  const auto fields = records->fields();
  if (fields.size() != expected) {
    record.broken = fmt::format("the row has {} fields instead of {}", fields.size(), expected);
  }
  std::string scratch;
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto at = field_of(columns[i].name, i, dialect, header);
    if (!at || *at >= fields.size()) continue;
    const text::CsvField& field = fields[*at];
    if (!field.quoted && field.text == dialect.null_text) {
      record.values[i].kind = Kind::null;
      continue;
    }
    record.values[i] = {holds_json(columns[i].type) ? Kind::json : Kind::text,
                        std::string(records->value(field, scratch))};
  }
  return record;
}

SourceRecord record_of_json(std::string_view raw, const std::vector<ReadColumn>& columns) {
  SourceRecord record;
  record.values.resize(columns.size());
  const auto members = text::json_members(raw);
  if (!members) {
    record.broken = members.error().message;
    return record;
  }
  for (const text::JsonMember& member : *members) {
    const auto column =
        std::find_if(columns.begin(), columns.end(),
                     [&](const ReadColumn& declared) { return declared.name == member.name; });
    if (column == columns.end()) continue;
    SourceValue& value = record.values[static_cast<size_t>(column - columns.begin())];
    if (value.kind != Kind::absent) {
      record.broken = fmt::format("the member '{}' is there twice", member.name);
    }
    if (member.value == "null") {
      value = {Kind::null, {}};
    } else if (member.value.front() == '"' && !holds_json(column->type)) {
      value = {Kind::text, text::json_string(member.value)};
    } else {
      value = {Kind::json, one_line(member.value)};
    }
  }
  return record;
}

std::optional<std::string> to_json_line(const SourceRecord& record,
                                        const std::vector<ReadColumn>& columns, size_t& misfit) {
  std::string line = "{";
  for (size_t i = 0; i < columns.size(); ++i) {
    const SourceValue& value = record.values[i];
    if (value.kind == Kind::absent) continue;
    if (line.size() > 1) line += ',';
    line += text::Json(columns[i].name).to_string() + ":";
    switch (value.kind) {
      case Kind::absent:
      case Kind::null: line += "null"; break;
      case Kind::text: line += text::Json(value.text).to_string(); break;
      case Kind::json:
        if (!text::is_valid_json(value.text)) {
          misfit = i;
          return std::nullopt;
        }
        line += one_line(value.text);
        break;
    }
  }
  return line + "}";
}

}  // namespace weir::pipeline
