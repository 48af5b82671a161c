#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::cli {

/// How a result column of this type (DuckDB's spelling) is written in JSON, and aligned in a table.
enum class CellKind { text, integer, floating, boolean };
CellKind cell_kind(std::string_view type);

/// The cell as a JSON value: integers, doubles and booleans as such, all else as strings (a decimal
/// or a hugeint would not survive a reader's double; JSON has no nan and no inf), NULL as null.
std::string json_cell(CellKind kind, const std::optional<std::string>& cell);

}  // namespace weir::cli
