#include "runlog/sqlite_connection.h"

#include <sqlite3.h>

#include "base/check.h"

namespace weir::runlog {
namespace {

constexpr int busy_timeout_ms = 5000;

ErrorCode error_code(int status) {
  switch (status & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return ErrorCode::busy;  // the last: a lock that fails without end
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT: return ErrorCode::invalid_input;
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_NOMEM: return ErrorCode::io;
    default: return ErrorCode::internal;
  }
}

std::string mending(ErrorCode code) {
  switch (code) {
    case ErrorCode::busy: return "another process holds the run log; stop it or wait";
    case ErrorCode::invalid_input:
      return "move the file away; the queue is rebuilt from the buckets and the ledgers";
    case ErrorCode::io: return "check free space and rights of the .weir folder";
    default: return {};
  }
}

/// What a file that was opened in good order says of itself while its disk fails passes with the
/// disk's failure; a file that is bad stays so, and says it when it is opened.
int as_disk_failure(int status) {
  return (status & 0xff) == SQLITE_CORRUPT ? SQLITE_IOERR_CORRUPTFS : status;
}

tl::unexpected<Error> failure(sqlite3* handle, int status, std::string_view doing) {
  const ErrorCode code = error_code(status);
  const char* reason = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(status);
  return fail(code, "run log: " + std::string(doing) + ": " + reason, mending(code));
}

}  // namespace

Query::Query(Query&& other) noexcept
    : statement_(other.statement_), parameter_(other.parameter_), bind_status_(other.bind_status_) {
  other.statement_ = nullptr;
}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(int64_t value) {
  const int status = sqlite3_bind_int64(statement_, ++parameter_, value);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Query& Query::bind(std::string_view value) {
  // An empty view may have a null pointer, which SQLite would take for NULL.
  const char* data = value.data() != nullptr ? value.data() : "";
  const int status = sqlite3_bind_text64(statement_, ++parameter_, data, value.size(),
                                         SQLITE_TRANSIENT, SQLITE_UTF8);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Query& Query::bind(std::nullopt_t) {
  const int status = sqlite3_bind_null(statement_, ++parameter_);
  if (status != SQLITE_OK) bind_status_ = status;
  return *this;
}

Query& Query::bind(std::optional<int64_t> value) {
  return value ? bind(*value) : bind(std::nullopt);
}

Result<bool> Query::next() {
  if (bind_status_ != SQLITE_OK) {
    return failure(sqlite3_db_handle(statement_), bind_status_, "cannot bind a value");
  }
  const int status = sqlite3_step(statement_);
  if (status == SQLITE_ROW) return true;
  if (status == SQLITE_DONE) return false;
  return failure(sqlite3_db_handle(statement_), as_disk_failure(status), "cannot run a statement");
}

Result<void> Query::run() {
  while (WEIR_TRY(next())) {
  }
  sqlite3_reset(statement_);
  parameter_ = 0;
  return {};
}

int64_t Query::integer(int column) const { return sqlite3_column_int64(statement_, column); }

std::string_view Query::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (data == nullptr) return {};
  return {data, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

bool Query::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& path,
                                                                 AccessMode mode) {
  sqlite3* handle = nullptr;
  const int flags =
      (mode == AccessMode::read_write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int status = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(handle));
  if (status != SQLITE_OK) return failure(handle, status, "cannot open " + path);
  sqlite3_busy_timeout(handle, busy_timeout_ms);
  if (mode == AccessMode::read_write) {
    WEIR_TRY(connection->execute(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864;"
        "PRAGMA foreign_keys=ON;"));
  }
  return connection;
}

SqliteConnection::~SqliteConnection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Result<Query> SqliteConnection::query(std::string_view sql) {
  std::string text(sql);
  auto found = statements_.find(text);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    const int status = sqlite3_prepare_v3(handle_, text.data(), static_cast<int>(text.size()),
                                          SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (status != SQLITE_OK) return failure(handle_, status, "cannot prepare '" + text + "'");
    found = statements_.emplace(std::move(text), statement).first;
  }
  WEIR_CHECK(sqlite3_stmt_busy(found->second) == 0, "a statement is in use twice");
  return Query(found->second);
}

Result<void> SqliteConnection::execute(const std::string& sql) {
  const int status = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) return failure(handle_, status, "cannot run a statement");
  return {};
}

int64_t SqliteConnection::changes() const { return sqlite3_changes64(handle_); }

uint64_t SqliteConnection::steps() const {
  uint64_t steps = 0;
  for (const auto& [sql, statement] : statements_) {
    steps += static_cast<uint32_t>(sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, 0));
  }
  return steps;
}

Result<void> SqliteConnection::begin(Durability durability) {
  if (durability != durability_) {
    WEIR_TRY(run(durability == Durability::power_cut ? "PRAGMA synchronous=FULL"
                                                     : "PRAGMA synchronous=NORMAL"));
    durability_ = durability;
  }
  return run("BEGIN IMMEDIATE");
}

Result<void> SqliteConnection::commit() { return run("COMMIT"); }

void SqliteConnection::roll_back() {
  // Nothing to do when it fails: SQLite has rolled back already (disk full, I/O error).
  sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace weir::runlog
