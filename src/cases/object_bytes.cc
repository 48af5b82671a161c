#include "cases/object_bytes.h"

#include <algorithm>

#include "cases/fixture_file.h"
#include "io/pack.h"
#include "text/json.h"
#include "text/record_options.h"
#include "text/spelling.h"

namespace weir::cases {
namespace {

/// Writes cells in a read step's dialect.
class CsvText {
 public:
  explicit CsvText(const CsvDialect& dialect) : dialect_(dialect) {}

  Result<void> row(const std::vector<std::optional<std::string>>& cells, const Location& at) {
    for (size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) text_ += dialect_.delimiter;
      if (!cells[i]) {
        text_ += dialect_.null_text;
      } else if (!needs_quotes(*cells[i])) {
        text_ += *cells[i];
      } else {
        WEIR_TRY(quoted(*cells[i], at));
      }
    }
    text_ += '\n';
    return {};
  }
  void blank_line() { text_ += '\n'; }
  std::string take() { return std::move(text_); }

 private:
  bool needs_quotes(const std::string& cell) const {
    if (cell == dialect_.null_text) return true;
    return std::any_of(cell.begin(), cell.end(), [&](char c) {
      return c == dialect_.delimiter || c == '\n' || c == '\r' ||
             (dialect_.quote != '\0' && c == dialect_.quote);
    });
  }
  Result<void> quoted(const std::string& cell, const Location& at) {
    if (dialect_.quote == '\0') {
      return fail(ErrorCode::invalid_input,
                  "'" + cell + "' cannot be written without quotes, and the read step has none",
                  "give the object as text", at);
    }
    text_ += dialect_.quote;
    for (const char c : cell) {
      if (c == dialect_.quote || (c == dialect_.escape && dialect_.escape != '\0')) {
        text_ += dialect_.escape == '\0' ? dialect_.quote : dialect_.escape;
      }
      text_ += c;
    }
    text_ += dialect_.quote;
    return {};
  }

  const CsvDialect& dialect_;
  std::string text_;
};

Result<std::string> csv_bytes(const std::vector<CaseRow>& rows, const CsvDialect& dialect,
                              const std::vector<ReadColumn>& columns) {
  CsvText text(dialect);
  for (int i = 0; i < dialect.skip_lines; ++i) text.blank_line();
  std::vector<std::optional<std::string>> cells;
  if (dialect.header) {
    for (const ReadColumn& column : columns) cells.emplace_back(column.name);
    WEIR_TRY(text.row(cells, {}));
  }
  for (const CaseRow& row : rows) {
    cells.clear();
    for (const ReadColumn& column : columns) {
      const CaseCell* cell = row.find(column.name);
      const bool null = cell == nullptr || cell->value.kind == CaseValue::Kind::null;
      cells.push_back(null ? std::nullopt : std::optional(cell->value.text));
    }
    WEIR_TRY(text.row(cells, row.location));
  }
  return text.take();
}

std::string json_value(const CaseValue& value, const DataType& type) {
  if (value.kind == CaseValue::Kind::null) return "null";
  if (value.kind == CaseValue::Kind::json) return value.text;
  const bool holds_json = type.kind == TypeKind::json || type.kind == TypeKind::list;
  const bool bare = value.bare && (is_number(type.kind) || type.kind == TypeKind::boolean);
  if ((holds_json || bare) && text::is_valid_json(value.text)) return value.text;
  return text::Json(value.text).to_string();
}

std::string json_bytes(const std::vector<CaseRow>& rows, JsonLayout layout,
                       const std::vector<ReadColumn>& columns) {
  const bool array = layout == JsonLayout::array;
  std::string out = array ? "[" : "";
  for (size_t i = 0; i < rows.size(); ++i) {
    if (array) out += i == 0 ? "\n" : ",\n";
    std::string members;
    for (const CaseCell& cell : rows[i].cells) {  // one that is not named is absent
      const auto column = std::find_if(columns.begin(), columns.end(), [&](const ReadColumn& each) {
        return each.name == cell.column;
      });
      if (column == columns.end()) continue;
      members += (members.empty() ? "" : ", ") + text::Json(cell.column).to_string() + ": " +
                 json_value(cell.value, column->type);
    }
    out += "{" + members + "}";
    if (!array) out += '\n';
  }
  return array ? out + "\n]\n" : out;
}

}  // namespace

Result<std::string> object_bytes(const GivenObject& object, const ReadStep& read,
                                 const std::vector<ReadColumn>& columns,
                                 const std::filesystem::path& root) {
  if (object.file) return read_fixture(*object.file, root);
  std::string bytes;
  if (object.text) {
    bytes = *object.text;
  } else if (read.format == Format::csv) {
    bytes = WEIR_TRY(csv_bytes(*object.rows, read.csv, columns));
  } else {
    bytes = json_bytes(*object.rows, read.layout, columns);
  }
  switch (text::resolve_compression(read.compression, object.object.key.value())) {
    case Compression::gzip: return io::gzip_packed(bytes);
    case Compression::zstd: return io::zstd_packed(bytes);
    default: return bytes;
  }
}

}  // namespace weir::cases
