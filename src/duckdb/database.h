#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace weir::duckdb {

struct DatabaseOptions {
  std::string path;             ///< empty = in memory
  std::string temp_directory;   ///< where it spills; empty = beside the file
  uint64_t memory_bytes = 512u << 20;
  int threads = 2;
};

class Connection;

/// One open DuckDB. No second process can open the file meanwhile. Thread-safe.
class Database {
 public:
  /// Errors: busy (another process has the file), io, invalid_input (not a DuckDB file).
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
  virtual ~Database() = default;
  virtual Result<std::unique_ptr<Connection>> connect() = 0;
};

struct ResultColumn {
  std::string name;
  std::string type;  ///< DuckDB's spelling, e.g. "BIGINT", "DECIMAL(20,0)"
};

/// Cells as text (nullopt = NULL); the sink returns false to stop.
struct RowSink {
  std::function<void(const std::vector<ResultColumn>&)> columns;
  std::function<bool(const std::vector<std::optional<std::string>>&)> row;
};

/// Runs one statement for a person (`weir query`) and streams its rows as text, in bounded memory.
/// Refuses statements that write unless `allow_write`. Errors: sql, usage.
Result<void> query_text(Database& database, const std::string& sql, bool allow_write,
                        const RowSink& sink);

}  // namespace weir::duckdb
