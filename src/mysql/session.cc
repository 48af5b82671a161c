#include "mysql/session.h"

#include <mysqld_error.h>

#include <utility>

#include "mysql/bulk_load.h"
#include "mysql/connection.h"
#include "mysql/placeholders.h"
#include "mysql/prepared.h"

namespace weir::mysql {
namespace {

using server::Cell;
using server::Rows;

ServerError last_error(MYSQL* session) {
  return {mysql_errno(session), mysql_sqlstate(session), mysql_error(session)};
}

tl::unexpected<Error> foreign_parameter() {
  return fail(ErrorCode::sql, "the statement has a ? that is no parameter here",
              "write parameters as $1, $2, …");
}

}  // namespace

/// A statement at work: what `interrupt` may end. It waits for an interrupt that is on its way, so
/// that it cannot hit the next statement.
class Session::Work {
 public:
  explicit Work(Session& session) : session_(session) { set(true); }
  ~Work() { set(false); }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  void set(bool at_work) {
    const std::lock_guard lock(session_.interrupt_mutex_);
    session_.at_work_ = at_work;
    if (at_work) session_.interrupted_ = false;
  }
  Session& session_;
};

Session::Session(server::Options options) : options_(std::move(options)) {}

Session::~Session() {
  if (mysql_ != nullptr) mysql_close(mysql_);
}

tl::unexpected<Error> Session::refused(const ServerError& error) {
  if (loses_connection(error.number)) works_ = false;
  if (loses_transaction(error.number)) transaction_lost_ = in_transaction_;
  Error result = to_error(error, product_.empty() ? "MySQL" : product_);
  if (result.code == ErrorCode::sql) refusal_ = to_refusal(error);
  return fail(std::move(result));
}

tl::unexpected<Error> Session::refused_rows(server::Refusal refusal, std::string message) {
  refusal_ = std::move(refusal);
  return fail(ErrorCode::sql, std::move(message));
}

Result<void> Session::may_work() const {
  if (!works_) {
    return fail(ErrorCode::unavailable, "the connection to " + product_ + " is lost",
                "open a new one");
  }
  if (loading_) return fail(ErrorCode::internal, "a bulk load has the session to itself");
  if (transaction_lost_) {
    return fail(ErrorCode::busy, "the server has ended the transaction",
                "roll back, and do its work again");
  }
  return {};
}

Result<Rows> Session::run(const std::string& sql, std::span<const Cell> parameters) {
  WEIR_TRY(may_work());
  refusal_ = {};
  return query(sql, parameters);
}

Result<Rows> Session::query(const std::string& sql, std::span<const Cell> parameters) {
  Rows rows;
  const auto take_row = [&](auto& row) {
    rows.rows.push_back(std::move(row));
    row = {};
    return true;
  };
  auto done = fetch_all(sql, parameters, &rows.changed, take_row, [&](const auto& columns) {
    for (const server::QueryColumn& column : columns) rows.columns.push_back(column.name);
    return true;
  });
  if (done) return rows;
  // Some statements cannot be prepared.
  if (parameters.empty() && mysql_errno(mysql_) == ER_UNSUPPORTED_PS) return run_as_text(sql);
  return fail(std::move(done).error());
}

Result<Rows> Session::run_as_text(const std::string& sql) {
  refusal_ = {};
  const Work work(*this);
  if (mysql_real_query(mysql_, sql.data(), sql.size()) != 0) return refused(last_error(mysql_));
  Rows rows;
  if (mysql_field_count(mysql_) == 0) {
    rows.changed = mysql_affected_rows(mysql_);
    return rows;
  }
  MYSQL_RES* result = mysql_store_result(mysql_);
  if (result == nullptr) return refused(last_error(mysql_));
  const unsigned count = mysql_num_fields(result);
  for (unsigned i = 0; i < count; ++i)
    rows.columns.emplace_back(mysql_fetch_fields(result)[i].name);
  while (const MYSQL_ROW row = mysql_fetch_row(result)) {
    const unsigned long* lengths = mysql_fetch_lengths(result);
    auto& cells = rows.rows.emplace_back(count);
    for (unsigned i = 0; i < count; ++i) {
      if (row[i] != nullptr) cells[i].emplace(row[i], lengths[i]);
    }
  }
  mysql_free_result(result);
  return rows;
}

Result<void> Session::stop_fetching(Prepared& statement) {
  kill_query();
  if (!statement.drain() && loses_connection(statement.error().number)) {
    return refused(statement.error());
  }
  return {};
}

Result<void> Session::fetch_all(const std::string& sql, std::span<const Cell> parameters,
                                uint64_t* changed,
                                const std::function<bool(std::vector<Cell>&)>& row,
                                const ColumnsReader& columns) {
  const PreparedText text = WEIR_TRY(prepared_text(sql, parameters.size()));
  std::vector<const Cell*> arguments;
  for (const size_t argument : text.arguments) arguments.push_back(&parameters[argument]);

  const Work work(*this);
  Prepared statement(mysql_);
  if (!statement.prepare(text.sql)) return refused(statement.error());
  if (statement.parameters() != arguments.size()) return foreign_parameter();
  if (!statement.execute(arguments)) return refused(statement.error());
  if (columns && !columns(statement.columns())) return stop_fetching(statement);
  if (changed != nullptr) *changed = statement.changed();
  std::vector<Cell> cells;
  auto step = Prepared::Step::row;
  while ((step = statement.next(cells)) == Prepared::Step::row) {
    if (!row(cells)) return stop_fetching(statement);
  }
  if (step == Prepared::Step::failed || !statement.drain()) return refused(statement.error());
  // Some functions end early when the query is killed, and the query with a wrong result.
  if (interrupted_ && !statement.columns().empty()) {
    return fail(ErrorCode::cancelled, "the query was interrupted");
  }
  return still_in_transaction(statement.columns().empty());
}

Result<void> Session::still_in_transaction(bool changes) {
  if (!in_transaction_ || !changes) return {};
  if ((mysql_->server_status & SERVER_STATUS_IN_TRANS) != 0) return {};
  // What follows would commit statement by statement, its ledger row or not.
  transaction_lost_ = true;
  return fail(ErrorCode::sql,
              product_ + " committed the transaction with this statement, as it does with most DDL",
              "run DDL before the transaction begins");
}

Result<void> Session::stream(const std::string& sql, std::span<const Cell> parameters,
                             const RowReader& row, const ColumnsReader& columns) {
  WEIR_TRY(may_work());
  refusal_ = {};
  return fetch_all(
      sql, parameters, nullptr, [&](std::vector<Cell>& cells) { return row(cells); }, columns);
}

Result<std::vector<server::QueryColumn>> Session::describe(const std::string& sql,
                                                           size_t parameters) {
  WEIR_TRY(may_work());
  refusal_ = {};
  const PreparedText text = WEIR_TRY(prepared_text(sql, parameters));
  const Work work(*this);
  Prepared statement(mysql_);
  if (!statement.prepare(text.sql)) return refused(statement.error());
  if (statement.parameters() != text.arguments.size()) return foreign_parameter();
  return statement.described();
}

Result<void> Session::command(const std::string& sql) {
  const Work work(*this);
  if (mysql_real_query(mysql_, sql.data(), sql.size()) != 0) return refused(last_error(mysql_));
  return {};
}

Result<void> Session::start_transaction(const std::string& statement) {
  WEIR_TRY(may_work());
  refusal_ = {};
  // It would commit the other one.
  if (in_transaction_) return fail(ErrorCode::internal, "a transaction is open already");
  WEIR_TRY(command(statement));
  in_transaction_ = true;
  return {};
}

Result<void> Session::begin() { return start_transaction("START TRANSACTION"); }

Result<void> Session::begin_snapshot() {
  WEIR_TRY(may_work());
  if (in_transaction_) return fail(ErrorCode::internal, "a transaction is open already");
  // Of the session: DDL ends the transaction first, and would be let through behind it.
  WEIR_TRY(command("SET SESSION TRANSACTION READ ONLY"));
  reads_only_ = true;
  // Of the next transaction alone.
  WEIR_TRY(command("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"));
  return start_transaction("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
}

Result<void> Session::commit() {
  WEIR_TRY(may_work());
  refusal_ = {};
  WEIR_TRY(command("COMMIT"));
  in_transaction_ = false;
  return leave_snapshot();
}

void Session::rollback() {
  in_transaction_ = false;
  transaction_lost_ = false;
  if (!works_ || loading_) return;
  const server::Refusal kept = refusal_;
  // A session whose transaction cannot be ended must not be used for another.
  if (!command("ROLLBACK") || !leave_snapshot()) works_ = false;
  refusal_ = kept;
}

Result<void> Session::leave_snapshot() {
  if (!std::exchange(reads_only_, false)) return {};
  return command("SET SESSION TRANSACTION READ WRITE");
}

Result<std::unique_ptr<server::BulkLoad>> Session::bulk_load(const server::BulkTarget& target) {
  WEIR_TRY(may_work());
  refusal_ = {};
  return start_bulk_load(*this, target);
}

void Session::claim_for_load(ChunkQueue& queue) {
  loading_ = true;
  const std::lock_guard lock(interrupt_mutex_);
  at_work_ = true;
  load_queue_ = &queue;
}

void Session::release_load() {
  loading_ = false;
  const std::lock_guard lock(interrupt_mutex_);
  at_work_ = false;
  load_queue_ = nullptr;
}

void Session::interrupt() {
  const std::lock_guard lock(interrupt_mutex_);
  if (!at_work_ || !works_) return;
  // A load may be waiting for rows, where the server cannot see that it is killed.
  if (load_queue_ != nullptr) load_queue_->stop();
  interrupted_ = true;
  kill_query();
}

void Session::kill_query() {
  ServerError ignored;
  MYSQL* other = open(ignored, false);
  if (other == nullptr) return;
  mysql_query(other, ("KILL QUERY " + std::to_string(id_)).c_str());
  mysql_close(other);
}

std::string Session::quote_identifier(std::string_view name) const {
  std::string quoted = "`";
  for (const char c : name) {
    if (c == '`') quoted += '`';
    quoted += c;
  }
  return quoted + '`';
}

std::string Session::quote_literal(std::string_view text) const {
  std::string quoted(2 * text.size() + 1, '\0');
  quoted.resize(mysql_real_escape_string(mysql_, quoted.data(), text.data(), text.size()));
  return "'" + quoted + "'";
}

Result<std::unique_ptr<server::Connection>> connect(const server::Options& options) {
  auto session = std::make_unique<Session>(options);
  WEIR_TRY(session->connect());
  return session;
}

}  // namespace weir::mysql
