#include "pipeline/mend_cell.h"

#include <algorithm>

namespace weir::pipeline {
namespace {

using Kind = SourceValue::Kind;

/// More digits than this and a spreadsheet makes zeros of the last ones.
constexpr size_t most_digits = 15;

constexpr std::string_view formula_starts = "=+-@\t\r";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Behind an apostrophe these say that it is ours.
bool is_guarded_start(char c) {
  return is_digit(c) || c == '.' || c == '\'' || formula_starts.find(c) != std::string_view::npos;
}

/// Digits and what stands between them in numbers, dates and times: a spreadsheet may read it as
/// one of these, and write it as it likes. A blank does so between a date and a time only.
bool looks_like_number(std::string_view text) {
  if (text.empty()) return false;
  if (text.find(' ') != std::string_view::npos && text.find(':') == std::string_view::npos) {
    return false;
  }
  return (is_digit(text.front()) || text.front() == '.' || text.front() == '-' ||
          text.front() == '+') &&
         text.find_first_not_of("0123456789.eE+-:/ ") == std::string_view::npos &&
         std::any_of(text.begin(), text.end(), is_digit);
}

/// [-]digits[.digits], few enough digits: no spreadsheet changes what it is worth. `exactly`: nor
/// how it is spelled.
bool survives(std::string_view text, bool exactly) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const size_t point = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, point);
  const std::string_view fraction = text.substr(std::min(point + 1, text.size()));
  if (whole.empty() || (point < text.size() && fraction.empty())) return false;
  const auto all_digits = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(), is_digit);
  };
  if (!all_digits(whole) || !all_digits(fraction)) return false;
  if (whole.size() + fraction.size() > most_digits) return false;
  if (!exactly) return true;
  return (whole == "0" || whole.front() != '0') && !fraction.ends_with('0');
}

/// Line ends as a spreadsheet keeps them.
std::string without_returns(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    out += text[i] == '\r' ? '\n' : text[i];
  }
  return out;
}

}  // namespace

std::string guarded(std::string_view text, bool number) {
  if (text.empty()) return {};
  bool guard = formula_starts.find(text.front()) != std::string_view::npos;
  if (looks_like_number(text)) guard = !survives(text, !number);
  if (text.front() == '\'') guard = text.size() > 1 && is_guarded_start(text[1]);
  return guard ? "'" + std::string(text) : std::string(text);
}

std::string_view unguarded(std::string_view cell) {
  const bool ours = cell.size() > 1 && cell.front() == '\'' && is_guarded_start(cell[1]);
  return ours ? cell.substr(1) : cell;
}

std::optional<std::string> mend_cell(const SourceValue& value, const DataType& type) {
  if (value.kind == Kind::absent || value.kind == Kind::null) return std::nullopt;
  return guarded(value.text, is_number(type.kind));
}

SourceValue mended_value(const std::optional<std::string>& cell, const SourceValue& before,
                         const DataType& type) {
  const bool had_nothing = before.kind == Kind::absent || before.kind == Kind::null;
  if (!cell || cell->empty()) {
    // Spreadsheets make one of an empty text and no text at all.
    if (had_nothing || before.text.empty()) return before;
    return cell ? SourceValue{holds_json(type) ? Kind::json : Kind::text, ""}
                : SourceValue{Kind::null, {}};
  }
  const std::string_view text = unguarded(*cell);
  if (!had_nothing) {
    // As it stands, too: some spreadsheets take the apostrophe in front for their own.
    const std::string was = without_returns(before.text);
    if (without_returns(text) == was || without_returns(*cell) == was) return before;
  }
  return {holds_json(type) ? Kind::json : Kind::text, std::string(text)};
}

}  // namespace weir::pipeline
