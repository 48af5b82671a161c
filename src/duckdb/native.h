#pragma once

// Inside src/duckdb only: the C API and what turns its failures into Errors.

#include <duckdb.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>

#include "duckdb/database.h"

namespace weir::duckdb {

class ScanSlot;

/// Finds a slot by the number in the SQL text. Shared by the functions of one database. The numbers
/// cannot be guessed: nobody's query can take records away from a running load or reject its rows.
class SlotRegistry {
 public:
  int64_t add(ScanSlot& slot);
  void remove(int64_t id);
  ScanSlot* find(int64_t id);

 private:
  std::mutex mutex_;
  std::map<int64_t, ScanSlot*> slots_;
  std::random_device random_;
};

struct Database::State {
  duckdb_database database = nullptr;
  duckdb_connection registrar = nullptr;  // registers functions, nothing else
  uint64_t memory_bytes = 0;              // its limit
  SlotRegistry slots;
  std::mutex sweeper_mutex;
  duckdb_connection sweeper = nullptr;  // release_memory's; guarded by sweeper_mutex, as is
  bool sweepable = false;               // whether its table is there
  std::mutex functions_mutex;
  std::set<std::string> parse_functions;

  ~State();
};

/// Classifies DuckDB's message: interrupted → cancelled; a file that could not be read or written →
/// io; a database that answers nothing more until it is opened again → unavailable; a conflict with
/// another transaction → busy; a bug of DuckDB's → internal; all else → sql.
Error make_error(const char* message);

/// DuckDB's logical type of a dictionary type; the caller destroys it.
duckdb_logical_type make_logical_type(const DataType& type);
/// Whether vectors of the two types hold their values in the same way.
bool same_layout(duckdb_logical_type left, duckdb_logical_type right);

Result<void> register_scan_function(duckdb_connection connection, SlotRegistry& slots);
Result<void> register_verdict_functions(duckdb_connection connection, SlotRegistry& slots);
Result<void> register_parse_function(duckdb_connection connection, const std::string& name,
                                     const DataType& type);

}  // namespace weir::duckdb
