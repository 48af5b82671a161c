#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/values.h"
#include "model/project.h"

namespace weir::config {

/// `sql: SELECT …`, or one text per engine.
struct SqlEntry {
  std::optional<SqlText> any, duckdb, postgres, mysql;
  Location location;

  /// The text for this engine; null: there is none.
  const SqlText* find(Engine engine) const;
};
/// `type`: what a text is, in messages and the reference.
Value<SqlEntry> sql_entry_value(std::string type);

/// As URLs and `sql` spell it: "duckdb", "postgres", "mysql".
std::string_view engine_word(Engine engine);

}  // namespace weir::config
