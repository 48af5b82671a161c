#include "postgres/session.h"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "base/log.h"
#include "postgres/bulk_load.h"
#include "postgres/failure.h"
#include "postgres/types.h"

namespace weir::postgres {

using server::Cell;
using server::Rows;

namespace {

void log_notice(void*, const PGresult* result) {
  if (!log::enabled(log::Level::debug)) return;
  std::string_view text = PQresultErrorMessage(result);
  while (text.ends_with('\n')) text.remove_suffix(1);
  log::debug("postgres: {}", text);
}

/// Parameters as libpq takes them. Borrows the cells.
std::vector<const char*> pointers(std::span<const Cell> parameters) {
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const Cell& cell : parameters) values.push_back(cell ? cell->c_str() : nullptr);
  return values;
}

void take_row(const PGresult* result, int row, std::vector<Cell>& cells) {
  const int columns = PQnfields(result);
  cells.resize(columns);
  for (int column = 0; column < columns; ++column) {
    if (PQgetisnull(result, row, column) != 0) {
      cells[column].reset();
      continue;
    }
    const std::string_view text(PQgetvalue(result, row, column),
                                static_cast<size_t>(PQgetlength(result, row, column)));
    if (cells[column]) {
      cells[column]->assign(text);
    } else {
      cells[column].emplace(text);
    }
  }
}

std::vector<server::QueryColumn> columns_of(const PGresult* result) {
  std::vector<server::QueryColumn> columns;
  for (int i = 0; i < PQnfields(result); ++i) {
    columns.push_back({PQfname(result, i), query_type(PQftype(result, i), PQfmod(result, i))});
  }
  return columns;
}

bool succeeded(const PGresult* result) {
  switch (PQresultStatus(result)) {
    case PGRES_EMPTY_QUERY:
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_SINGLE_TUPLE: return true;
    default: return false;
  }
}

bool is_copy(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

uint64_t changed_rows(PGresult* result) {
  const std::string_view command = PQcmdStatus(result);
  if (command.starts_with("SELECT") || command.starts_with("FETCH")) return 0;
  return std::strtoull(PQcmdTuples(result), nullptr, 10);
}

}  // namespace

Session::Session(PGconn* connection, std::chrono::milliseconds answer_timeout)
    : connection_(connection), cancel_(PQgetCancel(connection)), answer_timeout_(answer_timeout) {
  PQsetNoticeReceiver(connection, log_notice, nullptr);
}

Session::~Session() = default;

Error Session::failure(const PGresult* result) {
  // What could not be sent is told before the connection counts as lost: reading shows it.
  const bool told_by_server =
      result != nullptr && PQresultErrorField(result, PG_DIAG_SQLSTATE) != nullptr;
  if (!told_by_server && PQstatus(native()) == CONNECTION_OK) {
    static_cast<void>(PQconsumeInput(native()));
  }
  Error error = failure_of(native(), result, refusal_);
  if (gave_up_) {
    error.message = fmt::format("the server did not answer within {} s (answer_timeout)",
                                answer_timeout_.count() / 1000);
  }
  return error;
}

ResultPointer Session::next_result() {
  const auto limit = static_cast<int>(std::min<int64_t>(answer_timeout_.count(), INT32_MAX));
  while (limit > 0 && !gave_up_ && PQisBusy(native()) != 0) {
    pollfd entry{PQsocket(native()), POLLIN, 0};
    const int ready = ::poll(&entry, 1, limit);
    if (ready < 0 && errno == EINTR) continue;
    gave_up_ = ready == 0;
    if (gave_up_) ::shutdown(PQsocket(native()), SHUT_RDWR);
    if (ready <= 0 || PQconsumeInput(native()) == 0) break;
  }
  return ResultPointer{PQgetResult(native())};
}

Result<void> Session::ready(const std::string& sql, std::span<const Cell> parameters) {
  refusal_ = {};
  if (load_ != nullptr) {
    return fail(ErrorCode::internal, "a statement came while the session's bulk load is at work");
  }
  if (sql.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid_input, "the statement holds a NUL character");
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i] && parameters[i]->find('\0') != std::string::npos) {
      return fail(
          ErrorCode::invalid_input,
          fmt::format("parameter ${} holds a NUL character, which Postgres cannot store", i + 1));
    }
  }
  return {};
}

ResultPointer Session::drain() {
  ResultPointer kept;
  while (ResultPointer result = next_result()) {
    if (is_copy(result.get())) leave_copy(result.get());
    // Of several failures the first one is the server's: it says why it closes the connection
    // before libpq says that it did.
    if (!kept || succeeded(kept.get())) kept = std::move(result);
    if (PQstatus(native()) == CONNECTION_BAD) break;
  }
  return kept;
}

void Session::leave_copy(const PGresult* result) {
  if (PQresultStatus(result) != PGRES_COPY_OUT) {
    PQputCopyEnd(native(), "weir sends rows through bulk loads alone");
    return;
  }
  char* data = nullptr;
  while (PQgetCopyData(native(), &data, 0) > 0) PQfreemem(data);
}

Result<void> Session::send(const std::string& sql, std::span<const Cell> parameters) {
  WEIR_TRY(ready(sql, parameters));
  const auto values = pointers(parameters);
  if (PQsendQueryParams(native(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                        values.data(), nullptr, nullptr, 0) == 0) {
    return fail(failure(nullptr));
  }
  return {};
}

Result<ResultPointer> Session::execute(const std::string& sql, std::span<const Cell> parameters) {
  WEIR_TRY(send(sql, parameters));
  ResultPointer result = drain();
  if (is_copy(result.get())) {
    return fail(ErrorCode::sql, "COPY from and to the client is no statement that gives rows",
                "use a query, or a load step");
  }
  if (!succeeded(result.get())) return fail(failure(result.get()));
  return result;
}

Result<std::vector<server::QueryColumn>> Session::describe(const std::string& sql, size_t) {
  WEIR_TRY(ready(sql, {}));
  if (PQsendPrepare(native(), "", sql.c_str(), 0, nullptr) == 0) return fail(failure(nullptr));
  const ResultPointer prepared = drain();
  if (!succeeded(prepared.get())) return fail(failure(prepared.get()));
  if (PQsendDescribePrepared(native(), "") == 0) return fail(failure(nullptr));
  const ResultPointer described = drain();
  if (!succeeded(described.get())) return fail(failure(described.get()));
  return columns_of(described.get());
}

Result<Rows> Session::run(const std::string& sql, std::span<const Cell> parameters) {
  const ResultPointer result = WEIR_TRY(execute(sql, parameters));
  Rows rows;
  rows.changed = changed_rows(result.get());
  for (int column = 0; column < PQnfields(result.get()); ++column) {
    rows.columns.emplace_back(PQfname(result.get(), column));
  }
  rows.rows.resize(PQntuples(result.get()));
  for (size_t row = 0; row < rows.rows.size(); ++row) {
    take_row(result.get(), static_cast<int>(row), rows.rows[row]);
  }
  return rows;
}

Result<void> Session::stop_streaming(bool in_transaction) {
  // Inside a transaction it would take all of it along.
  if (!in_transaction) interrupt();
  const ResultPointer last = drain();
  // Cancelled by ourselves or not: who asked wanted no more. But a lost connection is told.
  const bool failed = last != nullptr && !succeeded(last.get());
  if (PQstatus(native()) == CONNECTION_BAD || (failed && in_transaction)) {
    return fail(failure(last.get()));
  }
  return {};
}

Result<void> Session::stream(const std::string& sql, std::span<const Cell> parameters,
                             const RowReader& row, const ColumnsReader& columns) {
  const bool in_transaction = PQtransactionStatus(native()) != PQTRANS_IDLE;
  WEIR_TRY(send(sql, parameters));
  PQsetSingleRowMode(native());
  std::vector<Cell> cells;
  bool told = !columns;
  while (ResultPointer result = next_result()) {
    if (!succeeded(result.get())) {
      const bool copy = is_copy(result.get());
      if (copy) leave_copy(result.get());
      Error error = copy ? Error{ErrorCode::sql, "COPY gives no rows to read one by one"}
                         : failure(result.get());
      drain();
      return fail(std::move(error));
    }
    bool wanted = true;
    if (!std::exchange(told, true)) wanted = columns(columns_of(result.get()));
    if (wanted && PQntuples(result.get()) > 0) {
      take_row(result.get(), 0, cells);
      wanted = row(cells);
    }
    if (wanted) continue;
    result.reset();
    return stop_streaming(in_transaction);
  }
  if (PQstatus(native()) == CONNECTION_BAD) return fail(failure(nullptr));
  return {};
}

Result<void> Session::begin() {
  WEIR_TRY(execute("BEGIN", {}));
  return {};
}

Result<void> Session::begin_snapshot() {
  WEIR_TRY(execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", {}));
  return {};
}

Result<void> Session::commit() {
  const ResultPointer result = WEIR_TRY(execute("COMMIT", {}));
  // COMMIT of a transaction in which something failed succeeds, as a rollback.
  if (std::string_view(PQcmdStatus(result.get())) == "ROLLBACK") {
    return fail(ErrorCode::sql, "nothing was committed: a statement of the transaction had failed");
  }
  return {};
}

/// What is deferred only when a transaction asks for it stays as it was.
constexpr const char* deferred_query = R"(
  SELECT string_agg(DISTINCT quote_ident(n.nspname) || '.' || quote_ident(c.conname), ', ')
    FROM pg_catalog.pg_constraint c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.connamespace WHERE c.condeferred)";

Result<void> Session::check_deferred() {
  const Rows deferred = WEIR_TRY(run(deferred_query));
  if (!deferred.rows[0][0]) return {};
  WEIR_TRY(execute("SET CONSTRAINTS ALL IMMEDIATE", {}));
  WEIR_TRY(execute("SET CONSTRAINTS " + *deferred.rows[0][0] + " DEFERRED", {}));
  return {};
}

void Session::rollback() {
  if (load_ != nullptr) load_->abandon();
  if (PQstatus(native()) == CONNECTION_BAD) return;
  drain();
  if (PQtransactionStatus(native()) == PQTRANS_IDLE) return;
  // What was refused before stays known.
  const ResultPointer result{PQexec(native(), "ROLLBACK")};
  if (!succeeded(result.get())) log::debug("postgres: ROLLBACK: {}", PQerrorMessage(native()));
}

Result<std::unique_ptr<server::BulkLoad>> Session::bulk_load(const server::BulkTarget& target) {
  return CopyLoad::start(*this, target);
}

bool Session::works() const { return PQstatus(connection_.get()) == CONNECTION_OK; }

void Session::interrupt() {
  char words[256];
  if (cancel_ == nullptr || PQcancel(cancel_.get(), words, sizeof words) == 0) {
    log::debug("postgres: a statement could not be cancelled: {}", cancel_ ? words : "no session");
  }
}

std::string Session::version() const {
  const char* text = PQparameterStatus(connection_.get(), "server_version");
  const std::string_view version = text == nullptr ? "" : text;
  return fmt::format("PostgreSQL {}", version.substr(0, version.find(' ')));
}

std::string Session::quote_identifier(std::string_view name) const {
  std::string quoted = "\"";
  for (const char byte : name) {
    if (byte == '"') quoted += '"';
    quoted += byte;
  }
  return quoted + '"';
}

std::string Session::quote_literal(std::string_view text) const {
  // With a backslash in it, E'…' means the same whatever standard_conforming_strings says.
  const bool escaped = text.find('\\') != std::string_view::npos;
  std::string quoted = escaped ? " E'" : "'";
  for (const char byte : text) {
    if (byte == '\'' || byte == '\\') quoted += byte;
    quoted += byte;
  }
  return quoted + '\'';
}

}  // namespace weir::postgres
