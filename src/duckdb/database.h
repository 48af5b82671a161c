#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/data_type.h"

namespace weir::duckdb {

struct DatabaseOptions {
  std::string path;            ///< empty = in memory
  std::string temp_directory;  ///< where it spills; empty = beside the file
  uint64_t memory_bytes = 512u << 20;
  int threads = 2;
};

class Connection;
class ScanSlot;

/// One open DuckDB with weir's own functions registered: the table function `weir_scan(slot)` and
/// the scalar functions `weir_reject`, `weir_filtered` (see scan.h) and `weir_parse_…`. No second
/// process can open the file meanwhile. Thread-safe. Must outlive its connections and slots.
class Database {
 public:
  /// Errors: busy (another process has the file), io, invalid_input (not a DuckDB file).
  static Result<std::unique_ptr<Database>> open(const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Result<std::unique_ptr<Connection>> connect();

  /// Whether it still answers: after some errors (a disk that failed at a checkpoint, a bug) DuckDB
  /// refuses everything until the file is opened anew.
  bool works();

  /// Gives back what DuckDB holds of buffers that are long gone, which its memory limit does not
  /// count: for many small statements up to some 60 MB. Where that is little beside the limit
  /// nothing is done. Drops what is cached; disturbs nobody's statement. Any thread.
  void release_memory();

  /// The SQL name of a function varchar → `type` that accepts weir's spelling only
  /// (text/spelling.h) and gives NULL for anything else. Registers it at first use.
  Result<std::string> parse_function(const DataType& type);

 private:
  friend class ScanSlot;
  struct State;
  explicit Database(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
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

/// DuckDB's spelling of a type: "DECIMAL(20,0)", "JSON[]". A varchar's length is weir's own rule
/// and is left out.
std::string sql_type(const DataType& type);

/// "name" with quotes doubled; 'text' with quotes doubled.
std::string quote_identifier(std::string_view name);
std::string quote_literal(std::string_view text);

}  // namespace weir::duckdb
