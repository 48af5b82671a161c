#include "mysql/bulk_load.h"

#include <mysqld_error.h>

#include <future>
#include <optional>
#include <thread>

#include "mysql/load_target.h"

namespace weir::mysql {
namespace {

constexpr size_t chunk_size = 1024 * 1024;
constexpr size_t chunks_waiting = 4;
/// The packet of an INSERT has a byte before its text; the server counts a little more.
constexpr size_t packet_margin = 1024;

/// What came of the sending.
struct Sent {
  std::optional<ServerError> error;
  uint64_t rows = 0;
  unsigned warnings = 0;
};

/// SHOW WARNINGS does not tell the SQLSTATE.
std::string state_of(unsigned number) {
  switch (number) {
    case 1048:
    case 1062:
    case 1451:
    case 1452:
    case 4025: return "23000";
    case 1263: return "22004";
    case 1264: return "22003";
    case 1292:
    case 1366: return "22007";
    case 1406: return "22001";
    case 1265: return "01000";
    default: return "HY000";
  }
}

bool forbids_local_infile(unsigned number) {
  return number == 1148 || number == 3948 || number == 4166;
}

class Load final : public server::BulkLoad {
 public:
  Load(Session& session, LoadTarget target, RowForm form, std::string way, bool own_transaction)
      : session_(session),
        target_(std::move(target)),
        form_(form),
        way_(std::move(way)),
        text_(target_.columns, form, form == RowForm::tuples ? target_.insert : std::string{}),
        own_transaction_(own_transaction) {
    const size_t packet = session.largest_packet();
    limit_.most = form == RowForm::lines ? SIZE_MAX : packet - std::min(packet, packet_margin);
    limit_.enough = std::min(chunk_size, limit_.most);
  }
  ~Load() override {
    if (over_) return;
    stop();
    session_.rollback();
  }

  /// Gives the error with which the server refused the statement before it took a row.
  std::optional<ServerError> start();
  /// Ends what start() began, when it gave an error; the transaction stays as it was.
  Error give_up(const ServerError& error);
  /// Leaves the transaction as it is to another load.
  void leave() { over_ = true; }

  Result<void> append(const server::RowBatch& batch) override;
  Result<uint64_t> finish() override;
  std::string way() const override { return way_; }

 private:
  void stop();
  void join();
  void send_lines(std::promise<void>& accepted);
  void send_tuples();
  void send_statement(std::string_view sql);
  Error failed();
  Error undo(Error error);
  Error not_all_taken();
  Error not_sent(Error error);

  Session& session_;
  LoadTarget target_;
  const RowForm form_;
  const std::string way_;
  RowText text_;
  RowText::Limit limit_;
  ChunkQueue queue_{chunks_waiting};
  std::thread sender_;
  Sent sent_;  ///< the sender's until it is joined
  TextBuffer chunk_;
  uint64_t rows_ = 0;
  const bool own_transaction_;
  bool over_ = false;
};

std::optional<ServerError> Load::start() {
  session_.claim_for_load(queue_);
  if (form_ == RowForm::tuples) {
    sender_ = std::thread([this] { send_tuples(); });
    return std::nullopt;
  }
  std::promise<void> accepted;
  std::future<void> is_accepted = accepted.get_future();
  sender_ = std::thread([this, promise = std::move(accepted)]() mutable { send_lines(promise); });
  is_accepted.wait();
  if (!queue_.stopped()) return std::nullopt;
  join();
  return sent_.error;
}

void Load::send_statement(std::string_view sql) {
  MYSQL* session = session_.native();
  if (mysql_real_query(session, sql.data(), sql.size()) != 0) {
    sent_.error = ServerError{mysql_errno(session), mysql_sqlstate(session), mysql_error(session)};
    return;
  }
  const auto affected = mysql_affected_rows(session);
  if (affected != MYSQL_COUNT_ERROR) sent_.rows += affected;
  sent_.warnings += mysql_warning_count(session);
}

void Load::send_lines(std::promise<void>& accepted) {
  bool asked = false;
  const std::string name = session_.infile().offer(queue_, [&] {
    asked = true;
    accepted.set_value();
  });
  send_statement("LOAD DATA LOCAL INFILE '" + name + "' INTO TABLE " + target_.table +
                 " CHARACTER SET utf8mb4 FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES "
                 "TERMINATED BY '\\n' " +
                 target_.column_list + target_.assignments);
  session_.infile().withdraw();
  if (sent_.error || !asked) queue_.stop();
  if (!asked) accepted.set_value();
}

void Load::send_tuples() {
  while (auto chunk = queue_.pop()) {
    send_statement(chunk->view());
    // The warnings are those of the last statement: there must be no further one.
    if (sent_.error || sent_.warnings > 0) {
      queue_.stop();
      return;
    }
    chunk->clear();
    queue_.recycle(std::move(*chunk));
  }
}

void Load::join() {
  if (sender_.joinable()) sender_.join();
  session_.release_load();
}

void Load::stop() {
  queue_.stop();
  join();
  over_ = true;
}

Error Load::undo(Error error) {
  over_ = true;
  const server::Refusal refusal = session_.refusal();
  if (own_transaction_) {
    session_.rollback();
  } else if (session_.works()) {
    // After a deadlock the savepoint is gone with the transaction, which the session knows.
    if (!session_.command("ROLLBACK TO SAVEPOINT weir_bulk_load")) session_.lose_transaction();
  }
  session_.restore_refusal(refusal);
  return error;
}

Error Load::give_up(const ServerError& error) { return undo(session_.refused(error).value()); }

Error Load::failed() {
  const bool interrupted = queue_.stopped() && !sent_.error && sent_.warnings == 0;
  join();
  if (interrupted || (sent_.error && sent_.error->number == given_up)) {
    return undo({ErrorCode::cancelled, "the load was interrupted"});
  }
  if (!sent_.error) return undo(not_all_taken());
  Error error = session_.refused(*sent_.error).value();
  // It counts the rows of one statement, behind those of the statements before.
  server::Refusal refusal = session_.refusal();
  if (refusal.row > 0 && form_ == RowForm::tuples) refusal.row += sent_.rows;
  session_.restore_refusal(std::move(refusal));
  return undo(std::move(error));
}

/// LOCAL makes the server skip rows and bend values with no more than a warning, in strict mode
/// too.
Error Load::not_all_taken() {
  server::Refusal refusal;
  refusal.by_row = true;
  std::string message = session_.version() + " did not take all rows as they are";
  if (form_ == RowForm::lines) {
    message += " (" + std::to_string(sent_.rows) + " of " + std::to_string(rows_) + ")";
  }
  const auto warnings = session_.query("SHOW WARNINGS LIMIT 3", {});
  if (!warnings) return warnings.error();
  for (size_t i = 0; i < warnings->size(); ++i) {
    const auto number = static_cast<unsigned>(warnings->int64(i, 1));
    message += (i == 0 ? ": " : "; ") + std::to_string(number) + " " + warnings->text(i, 2);
    if (i > 0) continue;
    refusal = to_refusal({number, state_of(number), warnings->text(i, 2)});
    refusal.by_row = true;
    if (form_ == RowForm::tuples)
      refusal.row = 0;  // of the last statement, whose rows are in sent_
  }
  return session_.refused_rows(std::move(refusal), std::move(message)).value();
}

/// A value that the server would bend without a word refuses its row, as if the server had.
Error Load::not_sent(Error error) {
  stop();
  server::Refusal refusal;
  if (const auto& fault = text_.fault()) {
    refusal.by_row = true;
    refusal.state = fault->state;
    refusal.column = fault->column;
    refusal.message = fault->reason;
    refusal.row = rows_ + fault->row + 1;
    error.message = "row " + std::to_string(refusal.row) + ": " + error.message;
  }
  session_.restore_refusal(std::move(refusal));
  return undo(std::move(error));
}

Result<void> Load::append(const server::RowBatch& batch) {
  if (over_) return fail(ErrorCode::internal, "the load is over");
  for (size_t row = 0; row < batch.rows;) {
    auto next = text_.append(batch, row, limit_, chunk_);
    if (!next) return fail(not_sent(std::move(next).error()));
    const bool full = *next == row || chunk_.size() >= limit_.enough;
    row = *next;
    if (full && !queue_.push(std::exchange(chunk_, queue_.spare()))) return fail(failed());
  }
  rows_ += batch.rows;
  return {};
}

Result<uint64_t> Load::finish() {
  if (over_) return fail(ErrorCode::internal, "the load is over");
  if (!chunk_.empty() && !queue_.push(std::move(chunk_))) return fail(failed());
  queue_.close();
  sender_.join();
  if (sent_.error || queue_.stopped() || sent_.warnings > 0 || sent_.rows != rows_) {
    return fail(failed());
  }
  session_.release_load();
  over_ = true;
  if (own_transaction_) WEIR_TRY(session_.commit());
  return rows_;
}

}  // namespace

Result<std::unique_ptr<server::BulkLoad>> start_bulk_load(Session& session,
                                                          const server::BulkTarget& target) {
  const LoadTarget known = WEIR_TRY(load_target(session, target));
  const bool own = !session.in_transaction();
  WEIR_TRY(own ? session.begin() : session.command("SAVEPOINT weir_bulk_load"));
  std::string forbidden = session.no_local_infile();
  if (forbidden.empty()) {
    auto load = std::make_unique<Load>(session, known, RowForm::lines, "", own);
    const auto refused = load->start();
    if (!refused) return load;
    if (!forbids_local_infile(refused->number)) return fail(load->give_up(*refused));
    load->leave();
    forbidden = refused->message;
  }
  auto load = std::make_unique<Load>(
      session, known, RowForm::tuples,
      "multi-row INSERT, because LOAD DATA LOCAL INFILE is not allowed: " + forbidden, own);
  load->start();
  return load;
}

}  // namespace weir::mysql
