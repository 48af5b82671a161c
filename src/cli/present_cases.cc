#include "cli/present_cases.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/csv_text.h"
#include "cli/display_text.h"

namespace weir::cli {
namespace {

using cases::CaseResult;
using cases::CaseStatus;
using cases::RowDifference;
using cases::RowsDifference;
using cases::TextRow;
using text::Json;

constexpr size_t most_rows = 20;
constexpr size_t most_cell = 60;
constexpr size_t name_width = 52;

constexpr const char* red = "\x1b[31m";
constexpr const char* green = "\x1b[32m";
constexpr const char* yellow = "\x1b[33m";
constexpr const char* plain = "\x1b[0m";

std::string painted(const std::string& text, const char* color, Color wanted) {
  return wanted == Color::yes ? color + text + plain : text;
}

std::string padded(const std::string& text, size_t width) {
  const size_t shown = display_width(text);
  return shown >= width ? text : text + std::string(width - shown, ' ');
}

std::string cell_text(const std::optional<std::string>& cell, const std::string& null_text) {
  if (!cell) return null_text;
  // An empty text must be seen, and a text that says NULL is none.
  if (cell->empty() || (!null_text.empty() && *cell == null_text)) return "'" + *cell + "'";
  return cut_to_width(visible(*cell, LineBreaks::escape), most_cell);
}

struct DiffLine {
  char mark;  // '-', '+' or '~'
  std::vector<std::string> cells;
};

DiffLine diff_line(const RowDifference& row, const RowsDifference& rows) {
  const bool changed = row.expected && row.found;
  DiffLine line{changed ? '~' : row.expected ? '-' : '+', {}};
  const TextRow& shown = row.expected ? *row.expected : *row.found;
  for (size_t i = 0; i < shown.size(); ++i) {
    std::string cell = cell_text(shown[i], rows.null_text);
    if (changed && (*row.expected)[i] != (*row.found)[i]) {
      cell += " → " + cell_text((*row.found)[i], rows.null_text);
    }
    line.cells.push_back(std::move(cell));
  }
  return line;
}

std::string counted(size_t number, const std::string& what) {
  return fmt::format("{} {}", number, what);
}

/// "table hired: 1 row missing, 2 unexpected (3 expected, 4 found)"
std::string heading(const RowsDifference& rows) {
  std::string text;
  const auto add = [&](size_t number, const char* what) {
    if (number > 0) text += (text.empty() ? "" : ", ") + counted(number, what);
  };
  add(rows.missing(), "missing");
  add(rows.unexpected(), "unexpected");
  add(rows.changed(), "changed");
  return fmt::format("{}: {} ({} expected, {} found)", rows.of, text, rows.expected, rows.found);
}

std::string rows_text(const RowsDifference& rows, Color color) {
  std::vector<DiffLine> lines;
  for (const RowDifference& row : rows.rows) {
    if (lines.size() < most_rows) lines.push_back(diff_line(row, rows));
  }
  std::vector<size_t> widths;
  for (size_t i = 0; i < rows.columns.size(); ++i) {
    widths.push_back(display_width(rows.columns[i]));
    for (const DiffLine& line : lines) {
      widths[i] = std::max(widths[i], display_width(line.cells[i]));
    }
  }
  const auto joined = [&](char mark, const std::vector<std::string>& cells) {
    std::string text = std::string("      ") + mark;
    for (size_t i = 0; i < cells.size(); ++i) text += "  " + padded(cells[i], widths[i]);
    while (text.ends_with(' ')) text.pop_back();
    return text;
  };
  std::string text = "    " + heading(rows) + "\n";
  if (!rows.columns.empty()) text += joined(' ', rows.columns) + "\n";
  for (const DiffLine& line : lines) {
    const char* paint = line.mark == '-' ? red : line.mark == '+' ? green : yellow;
    text += painted(joined(line.mark, line.cells), paint, color) + "\n";
  }
  if (rows.rows.size() > most_rows) {
    text += fmt::format("      … and {} more\n", rows.rows.size() - most_rows);
  }
  return text;
}

std::string values_text(const CaseResult& result, Color color) {
  std::string text;
  for (const auto& value : result.values) {
    const std::string of = value.of.empty() ? "" : " of " + value.of;
    if (value.field == "error") {
      text += fmt::format("    error: expected '{}', {}\n", painted(value.expected, red, color),
                          value.found.empty() ? "but no run failed" : "got: " + value.found);
      continue;
    }
    const bool receipt = value.field != "receipts";
    text +=
        fmt::format("    {}{}{}: expected {}, got {}\n", receipt ? "receipt " : "", value.field, of,
                    painted(value.expected, red, color), painted(value.found, green, color));
  }
  return text;
}

Json cells_json(const RowsDifference& rows, const TextRow& row) {
  Json json = Json::object();
  for (size_t i = 0; i < row.size(); ++i) {
    json.set(rows.columns[i], row[i] ? Json(*row[i]) : Json());
  }
  return json;
}

Json rows_json(const RowsDifference& rows) {
  Json list = Json::array();
  for (const RowDifference& row : rows.rows) {
    Json json = Json::object();
    json.set("kind", row.expected && row.found ? "changed"
                     : row.expected            ? "missing"
                                               : "unexpected");
    json.set("expected", row.expected ? cells_json(rows, *row.expected) : Json());
    json.set("found", row.found ? cells_json(rows, *row.found) : Json());
    list.push(std::move(json));
  }
  Json json = Json::object();
  json.set("of", rows.of).set("expected", rows.expected).set("found", rows.found);
  return json.set("rows", std::move(list));
}

Json differences_json(const CaseResult& result) {
  Json list = Json::array();
  for (const auto& value : result.values) {
    Json json = Json::object();
    json.set("of", value.of).set("field", value.field);
    list.push(json.set("expected", value.expected).set("found", value.found));
  }
  for (const RowsDifference& table : result.tables) {
    if (!table.rows.empty()) list.push(rows_json(table));
  }
  for (const auto* each : {&result.rejects, &result.notices}) {
    if (*each && !(*each)->rows.empty()) list.push(rows_json(**each));
  }
  return list;
}

size_t count(const std::vector<CaseResult>& results, CaseStatus status) {
  return static_cast<size_t>(
      std::count_if(results.begin(), results.end(),
                    [&](const CaseResult& result) { return result.status == status; }));
}

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : visible(text, LineBreaks::keep)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\n': out += "&#10;"; break;
      default: out += c;
    }
  }
  return out;
}

/// The first thing that differs, in one line.
std::string first_line(const std::string& text) {
  const size_t begin = text.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find('\n') - begin);
}

}  // namespace

std::string difference_text(const CaseResult& result, Color color) {
  std::string text;
  if (result.error) {
    text += "    " + visible(result.error->to_string(), LineBreaks::escape) + "\n";
  }
  text += values_text(result, color);
  for (const RowsDifference& table : result.tables) {
    if (!table.rows.empty()) text += rows_text(table, color);
  }
  for (const auto* each : {&result.rejects, &result.notices}) {
    if (*each && !(*each)->rows.empty()) text += rows_text(**each, color);
  }
  return text;
}

std::string case_text(const CaseResult& result, Color color) {
  const bool passed = result.status == CaseStatus::passed;
  const std::string word = passed                                ? "ok    "
                           : result.status == CaseStatus::failed ? "FAILED"
                                                                 : "BROKEN";
  std::string line = fmt::format(" {}  {}  {:5.0f} ms", painted(word, passed ? green : red, color),
                                 padded(visible(result.test->name, LineBreaks::escape), name_width),
                                 result.duration_ms);
  if (passed) return line + "\n";
  return line + "  " + result.test->location.to_string() + "\n" + difference_text(result, color);
}

std::string summary_text(const std::vector<CaseResult>& results, double seconds) {
  std::string text =
      fmt::format("{} test{}: {} passed", results.size(), results.size() == 1 ? "" : "s",
                  count(results, CaseStatus::passed));
  const size_t failed = count(results, CaseStatus::failed);
  const size_t broken = count(results, CaseStatus::broken);
  if (failed > 0) text += fmt::format(", {} failed", failed);
  if (broken > 0) text += fmt::format(", {} broken", broken);
  return text + fmt::format(" ({:.1f} s)\n", seconds);
}

Json cases_json(const std::vector<CaseResult>& results, double seconds) {
  Json list = Json::array();
  for (const CaseResult& result : results) {
    const Location& at = result.test->location;
    Json location = Json::object();
    location.set("file", at.file).set("line", at.line).set("column", at.column);
    Json json = Json::object();
    json.set("name", result.test->name).set("status", to_string(result.status));
    json.set("location", std::move(location)).set("duration_ms", result.duration_ms);
    json.set("error", result.error ? Json(result.error->to_string()) : Json());
    list.push(json.set("differences", differences_json(result)));
  }
  Json json = Json::object();
  json.set("passed", count(results, CaseStatus::passed));
  json.set("failed", count(results, CaseStatus::failed));
  json.set("broken", count(results, CaseStatus::broken));
  return json.set("duration_ms", seconds * 1000).set("tests", std::move(list));
}

std::string cases_csv(const std::vector<CaseResult>& results) {
  std::string text = csv_line({"name", "status", "duration_ms", "difference"});
  for (const CaseResult& result : results) {
    text += csv_line({result.test->name, std::string(to_string(result.status)),
                      fmt::format("{:.0f}", result.duration_ms),
                      first_line(difference_text(result, Color::no))});
  }
  return text;
}

std::string cases_junit(const std::string& project, const std::vector<CaseResult>& results,
                        double seconds) {
  std::string text = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites>\n"
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3f}\">\n",
      xml(project), results.size(), count(results, CaseStatus::failed),
      count(results, CaseStatus::broken), seconds);
  for (const CaseResult& result : results) {
    text += fmt::format(
        "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" "
        "time=\"{:.3f}\"",
        xml(project), xml(result.test->name), xml(result.test->location.file),
        result.test->location.line, result.duration_ms / 1000);
    if (result.status == CaseStatus::passed) {
      text += "/>\n";
      continue;
    }
    const char* element = result.status == CaseStatus::failed ? "failure" : "error";
    const std::string difference = difference_text(result, Color::no);
    text += fmt::format(">\n      <{} message=\"{}\">{}</{}>\n    </testcase>\n", element,
                        xml(first_line(difference)), xml(difference), element);
  }
  return text + "  </testsuite>\n</testsuites>\n";
}

}  // namespace weir::cli
