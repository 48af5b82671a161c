#include "duckdb/database.h"

#include <fmt/format.h>

#include "duckdb/connection.h"
#include "duckdb/native.h"
#include "duckdb/new_database_file.h"

namespace weir::duckdb {
namespace {

class Config {
 public:
  Config() { duckdb_create_config(&config_); }
  ~Config() { duckdb_destroy_config(&config_); }
  Config(const Config&) = delete;
  Config& operator=(const Config&) = delete;

  void set(const char* name, const std::string& value) {
    duckdb_set_config(config_, name, value.c_str());
  }
  duckdb_config get() const { return config_; }

 private:
  duckdb_config config_ = nullptr;
};

/// Who has the file, in DuckDB's words: "…Conflicting lock is held in /usr/bin/x (PID 7). See…"
std::string holder_in(const std::string& message) {
  constexpr std::string_view before = "lock is held in ";
  const size_t begin = message.find(before);
  if (begin == std::string::npos) return {};
  const size_t end = message.find(')', begin);
  if (end == std::string::npos || message.find("(PID", begin) > end) return {};
  return ": " + message.substr(begin + before.size(), end + 1 - begin - before.size());
}

Error open_error(const std::string& path, std::string message) {
  if (message.find("Could not set lock") != std::string::npos) {
    return {ErrorCode::busy, "another program has '" + path + "' open" + holder_in(message),
            "close it; while weir runs, query the file through `weir query`"};
  }
  if (message.find("not a valid DuckDB database file") != std::string::npos) {
    return {ErrorCode::invalid_input, "'" + path + "' is not a DuckDB file",
            "point the database's URL at another file"};
  }
  return {ErrorCode::io, "cannot open the database '" + path + "': " + std::move(message),
          "check that the folder exists and can be written"};
}

std::string type_name(TypeKind kind) {
  switch (kind) {
    case TypeKind::boolean: return "BOOLEAN";
    case TypeKind::tinyint: return "TINYINT";
    case TypeKind::smallint: return "SMALLINT";
    case TypeKind::integer: return "INTEGER";
    case TypeKind::bigint: return "BIGINT";
    case TypeKind::hugeint: return "HUGEINT";
    case TypeKind::real: return "FLOAT";
    case TypeKind::double_: return "DOUBLE";
    case TypeKind::decimal: return "DECIMAL";
    case TypeKind::varchar: return "VARCHAR";
    case TypeKind::bytes: return "BLOB";
    case TypeKind::date: return "DATE";
    case TypeKind::time: return "TIME";
    case TypeKind::timestamp: return "TIMESTAMP";
    case TypeKind::timestamptz: return "TIMESTAMP WITH TIME ZONE";
    case TypeKind::uuid: return "UUID";
    case TypeKind::json: return "JSON";
    case TypeKind::list: break;
  }
  return "VARCHAR";
}

duckdb_type type_id(TypeKind kind) {
  switch (kind) {
    case TypeKind::boolean: return DUCKDB_TYPE_BOOLEAN;
    case TypeKind::tinyint: return DUCKDB_TYPE_TINYINT;
    case TypeKind::smallint: return DUCKDB_TYPE_SMALLINT;
    case TypeKind::integer: return DUCKDB_TYPE_INTEGER;
    case TypeKind::bigint: return DUCKDB_TYPE_BIGINT;
    case TypeKind::hugeint: return DUCKDB_TYPE_HUGEINT;
    case TypeKind::real: return DUCKDB_TYPE_FLOAT;
    case TypeKind::double_: return DUCKDB_TYPE_DOUBLE;
    case TypeKind::bytes: return DUCKDB_TYPE_BLOB;
    case TypeKind::date: return DUCKDB_TYPE_DATE;
    case TypeKind::time: return DUCKDB_TYPE_TIME;
    case TypeKind::timestamp: return DUCKDB_TYPE_TIMESTAMP;
    case TypeKind::timestamptz: return DUCKDB_TYPE_TIMESTAMP_TZ;
    case TypeKind::uuid: return DUCKDB_TYPE_UUID;
    default: return DUCKDB_TYPE_VARCHAR;
  }
}

std::string memory_limit(uint64_t bytes) { return fmt::format("{}KiB", bytes / 1024); }

/// Databases with more memory than this are not swept: their cache is worth more than what is won.
constexpr uint64_t largest_swept_bytes = 1u << 30;

}  // namespace

Database::State::~State() {
  if (sweeper != nullptr) duckdb_disconnect(&sweeper);
  if (registrar != nullptr) duckdb_disconnect(&registrar);
  if (database != nullptr) duckdb_close(&database);
}

Database::Database(std::unique_ptr<State> state) : state_(std::move(state)) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const DatabaseOptions& options) {
  Config config;
  config.set("threads", std::to_string(options.threads));
  config.set("memory_limit", memory_limit(options.memory_bytes));
  if (!options.temp_directory.empty()) config.set("temp_directory", options.temp_directory);
  // What an operator that spills gives back goes back to the system at once: as DuckDB comes, up to
  // 512 MiB more than its limit stay with the process.
  config.set("allocator_bulk_deallocation_flush_threshold", "16MiB");
  config.set("preserve_insertion_order", "false");
  config.set("autoinstall_known_extensions", "false");
  config.set("autoload_known_extensions", "false");

  if (!options.path.empty()) WEIR_TRY(make_database_file(options.path));
  auto state = std::make_unique<State>();
  state->memory_bytes = options.memory_bytes;
  char* message = nullptr;
  const char* path = options.path.empty() ? nullptr : options.path.c_str();
  if (duckdb_open_ext(path, &state->database, config.get(), &message) != DuckDBSuccess) {
    std::string text = message == nullptr ? "unknown error" : message;
    duckdb_free(message);
    return fail(open_error(options.path, std::move(text)));
  }
  if (duckdb_connect(state->database, &state->registrar) != DuckDBSuccess) {
    return fail(ErrorCode::internal, "DuckDB gave no connection");
  }
  // The machine's own zone must not decide what a timestamp with time zone looks like.
  duckdb_result zone{};
  const duckdb_state zoned = duckdb_query(state->registrar, "SET GLOBAL TimeZone = 'UTC'", &zone);
  duckdb_destroy_result(&zone);
  if (zoned != DuckDBSuccess) return fail(ErrorCode::internal, "DuckDB does not know UTC");
  WEIR_TRY(register_scan_function(state->registrar, state->slots));
  WEIR_TRY(register_verdict_functions(state->registrar, state->slots));
  return std::unique_ptr<Database>(new Database(std::move(state)));
}

Result<std::unique_ptr<Connection>> Database::connect() {
  duckdb_connection native = nullptr;
  if (duckdb_connect(state_->database, &native) != DuckDBSuccess) {
    return fail(ErrorCode::unavailable, "DuckDB gave no connection");
  }
  return std::make_unique<Connection>(native);
}

/// DuckDB keeps a node for each buffer it may have to evict, and drops those of buffers that are
/// gone only when there are 32,768 of a kind (EvictionQueue::Purge in its buffer_pool.cpp). Looking
/// for memory to evict it drops them as well. Asked for a limit that no eviction reaches it looks
/// at all of them, and refuses: the limit in force stays so all the while, whatever the setting
/// shows.
void Database::release_memory() {
  if (state_->memory_bytes > largest_swept_bytes) return;
  const std::lock_guard lock(state_->sweeper_mutex);
  const auto run = [&](const std::string& sql) {
    duckdb_result result{};
    const bool done = duckdb_query(state_->sweeper, sql.c_str(), &result) == DuckDBSuccess;
    duckdb_destroy_result(&result);
    return done;
  };
  if (state_->sweeper == nullptr) {
    if (duckdb_connect(state_->database, &state_->sweeper) != DuckDBSuccess) return;
    // A limit of one byte must be refused, or others would find no memory until it is taken back.
    // An index is never evicted, and this one, of more than a MiB, is more than the 256 KiB by
    // which DuckDB's count of what is used may be behind (MEMORY_USAGE_CACHE_THRESHOLD).
    state_->sweepable = run("CREATE TEMP TABLE weir_unevictable (x INTEGER PRIMARY KEY)") &&
                        run("INSERT INTO weir_unevictable SELECT range FROM range(5000)");
  }
  if (!state_->sweepable) return;
  run("SET GLOBAL memory_limit = '1B'");
  run("SET GLOBAL memory_limit = '" + memory_limit(state_->memory_bytes) + "'");
}

bool Database::works() {
  duckdb_connection connection = nullptr;
  if (duckdb_connect(state_->database, &connection) != DuckDBSuccess) return false;
  duckdb_result result{};
  const bool answered =
      duckdb_query(connection, "SELECT 1 FROM duckdb_tables() LIMIT 1", &result) == DuckDBSuccess;
  duckdb_destroy_result(&result);
  duckdb_disconnect(&connection);
  return answered;
}

Result<std::string> Database::parse_function(const DataType& type) {
  std::string name = "weir_parse_";
  for (const char c : type.to_string()) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name += word ? c : '_';
  }
  const std::lock_guard lock(state_->functions_mutex);
  if (!state_->parse_functions.contains(name)) {
    WEIR_TRY(register_parse_function(state_->registrar, name, type));
    state_->parse_functions.insert(name);
  }
  return name;
}

int64_t SlotRegistry::add(ScanSlot& slot) {
  const std::lock_guard lock(mutex_);
  while (true) {
    const uint64_t bits = uint64_t{random_()} << 32 | random_();
    const auto id = static_cast<int64_t>(bits >> 1);
    if (slots_.emplace(id, &slot).second) return id;
  }
}

void SlotRegistry::remove(int64_t id) {
  const std::lock_guard lock(mutex_);
  slots_.erase(id);
}

ScanSlot* SlotRegistry::find(int64_t id) {
  const std::lock_guard lock(mutex_);
  const auto at = slots_.find(id);
  return at == slots_.end() ? nullptr : at->second;
}

duckdb_logical_type make_logical_type(const DataType& type) {
  if (type.kind == TypeKind::list) {
    duckdb_logical_type element = make_logical_type(*type.element);
    duckdb_logical_type list = duckdb_create_list_type(element);
    duckdb_destroy_logical_type(&element);
    return list;
  }
  if (type.kind == TypeKind::decimal) {
    return duckdb_create_decimal_type(static_cast<uint8_t>(type.precision),
                                      static_cast<uint8_t>(type.scale));
  }
  duckdb_logical_type made = duckdb_create_logical_type(type_id(type.kind));
  if (type.kind == TypeKind::json) duckdb_logical_type_set_alias(made, "JSON");
  return made;
}

std::string sql_type(const DataType& type) {
  if (type.kind == TypeKind::list) return sql_type(*type.element) + "[]";
  if (type.kind == TypeKind::decimal) {
    return fmt::format("DECIMAL({},{})", type.precision, type.scale);
  }
  return type_name(type.kind);
}

std::string quote_identifier(std::string_view name) {
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + "\"";
}

std::string quote_literal(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

}  // namespace weir::duckdb
