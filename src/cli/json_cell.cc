#include "cli/json_cell.h"

#include <algorithm>
#include <array>

#include "text/json.h"

namespace weir::cli {
namespace {

bool is_integer(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// JSON's grammar of numbers, which has no nan and no inf.
bool is_number(std::string_view text) {
  const auto json = text::Json::parse(text);
  return json && (json->is_double() || json->is_int());
}

}  // namespace

CellKind cell_kind(std::string_view type) {
  static constexpr std::array<std::string_view, 8> integers = {
      "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"};
  if (std::find(integers.begin(), integers.end(), type) != integers.end()) {
    return CellKind::integer;
  }
  if (type == "DOUBLE" || type == "FLOAT") return CellKind::floating;
  if (type == "BOOLEAN") return CellKind::boolean;
  return CellKind::text;
}

std::string json_cell(CellKind kind, const std::optional<std::string>& cell) {
  if (!cell) return "null";
  const bool bare = (kind == CellKind::integer && is_integer(*cell)) ||
                    (kind == CellKind::floating && is_number(*cell)) ||
                    (kind == CellKind::boolean && (*cell == "true" || *cell == "false"));
  return bare ? *cell : text::Json(*cell).to_string();
}

}  // namespace weir::cli
