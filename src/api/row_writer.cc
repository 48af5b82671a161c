#include "api/row_writer.h"

#include <algorithm>

#include "text/json.h"
#include "text/spelling.h"

namespace weir::api {
namespace {

using duckdb::ResultColumn;
using server::ColumnView;
using server::RowBatch;

/// So many significant digits every double keeps.
constexpr size_t safe_digits = 15;

/// How a column's values become JSON.
enum class JsonKind { text, number, floating, boolean, json };

JsonKind json_kind(std::string_view type) {
  if (type == "BOOLEAN") return JsonKind::boolean;
  if (type == "DOUBLE" || type == "FLOAT") return JsonKind::floating;
  if (type == "JSON" || type.ends_with(']') || type.starts_with("STRUCT(") ||
      type.starts_with("MAP(") || type.starts_with("UNION(")) {
    return JsonKind::json;
  }
  if (type.ends_with("INT") || type.ends_with("INTEGER") || type.starts_with("DECIMAL(")) {
    return JsonKind::number;
  }
  return JsonKind::text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Whether it is a number in JSON's grammar; exponents are for `floating` alone.
bool is_json_number(std::string_view text, bool floating) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto digits = [&] {
    size_t count = 0;
    while (count < text.size() && is_digit(text[count])) ++count;
    text.remove_prefix(count);
    return count;
  };
  const bool zero = text.starts_with('0');
  const size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  if (floating && !text.empty() && (text[0] | 32) == 'e') {
    text.remove_prefix(1);
    if (!text.empty() && (text[0] == '+' || text[0] == '-')) text.remove_prefix(1);
    if (digits() == 0) return false;
  }
  return text.empty();
}

/// Whether a reader's double keeps all digits of an integer or decimal.
bool is_safe(std::string_view number) {
  const size_t first = number.find_first_of("123456789");
  if (first == std::string_view::npos) return true;
  return std::ranges::count_if(number.substr(first), is_digit) <=
         static_cast<std::ptrdiff_t>(safe_digits);
}

void append_string(std::string_view text, std::string& out) {
  const bool plain =
      std::ranges::none_of(text, [](unsigned char c) { return c < 0x20 || c == '"' || c == '\\'; });
  if (!plain || !text::is_valid_utf8(text)) {
    out += text::Json(text).to_string();
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

/// JSON inside JSON: on one line, whatever its own breaks, which can only stand between its values.
void append_json(std::string_view text, std::string& out) {
  if (!text::is_valid_json(text)) return append_string(text, out);
  const size_t begin = out.size();
  out += text;
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(),
      [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

void append_cell(JsonKind kind, std::string_view text, std::string& out) {
  bool bare = false;
  switch (kind) {
    case JsonKind::json: return append_json(text, out);
    case JsonKind::text: break;
    case JsonKind::boolean: bare = text == "true" || text == "false"; break;
    case JsonKind::floating: bare = is_json_number(text, true); break;
    case JsonKind::number: bare = is_json_number(text, false) && is_safe(text); break;
  }
  if (bare) {
    out += text;
  } else {
    append_string(text, out);
  }
}

/// Objects: in a list, or one on each line.
class JsonWriter final : public RowWriter {
 public:
  explicit JsonWriter(RowsForm form) : list_(form == RowsForm::json) {}

  void begin(const std::vector<ResultColumn>& columns, std::string& out) override {
    for (const ResultColumn& column : columns) {
      std::string name = names_.empty() ? "{" : ",";
      append_string(column.name, name);
      names_.push_back(name + ":");
      kinds_.push_back(json_kind(column.type));
    }
    if (list_) out += '[';
  }
  void add(const RowBatch& rows, std::string& out) override {
    for (size_t row = 0; row < rows.rows; ++row) {
      if (list_) out += first_ ? "\n" : ",\n";
      first_ = false;
      for (size_t i = 0; i < names_.size(); ++i) {
        const ColumnView& column = rows.columns[i];
        out += names_[i];
        if (column.is_null(row)) {
          out += "null";
        } else {
          append_cell(kinds_[i], column.text(row), out);
        }
      }
      out += list_ ? "}" : "}\n";
    }
  }
  void end(std::string& out) override {
    if (list_) out += first_ ? "]\n" : "\n]\n";
  }

 private:
  const bool list_;
  std::vector<std::string> names_;  // as JSON, with what stands before and behind
  std::vector<JsonKind> kinds_;
  bool first_ = true;
};

/// RFC 4180, with a header. NULL is an empty field, an empty text is `""`, as in `weir query`.
class CsvWriter final : public RowWriter {
 public:
  void begin(const std::vector<ResultColumn>& columns, std::string& out) override {
    for (size_t i = 0; i < columns.size(); ++i) {
      if (i > 0) out += ',';
      append_field(columns[i].name, out);
    }
    out += "\r\n";
  }
  void add(const RowBatch& rows, std::string& out) override {
    for (size_t row = 0; row < rows.rows; ++row) {
      for (size_t i = 0; i < rows.columns.size(); ++i) {
        if (i > 0) out += ',';
        if (!rows.columns[i].is_null(row)) append_field(rows.columns[i].text(row), out);
      }
      // A lone NULL would be an empty line, which readers skip.
      if (rows.columns.size() == 1 && rows.columns[0].is_null(row)) out += "\"\"";
      out += "\r\n";
    }
  }
  void end(std::string&) override {}

 private:
  static void append_field(std::string_view text, std::string& out) {
    if (!text.empty() && text.find_first_of(",\"\r\n") == std::string_view::npos) {
      out += text;
      return;
    }
    out += '"';
    for (const char c : text) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
};

}  // namespace

std::unique_ptr<RowWriter> make_row_writer(RowsForm form) {
  if (form == RowsForm::csv) return std::make_unique<CsvWriter>();
  return std::make_unique<JsonWriter>(form);
}

}  // namespace weir::api
