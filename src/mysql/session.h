#pragma once

#include <mysql.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "mysql/infile.h"
#include "mysql/refusal.h"
#include "server/connection.h"
#include "server/options.h"

namespace weir::mysql {

class Prepared;

/// A session; see connection.h.
///
/// READ COMMITTED, not the servers' REPEATABLE READ: without gap locks loads into neighbouring keys
/// do not deadlock, a statement sees what others committed before it (a ledger read again after a
/// wait is no old snapshot), and it is what Postgres does.
class Session final : public server::Connection {
 public:
  explicit Session(server::Options options);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Result<void> connect();

  Result<server::Rows> run(const std::string& sql,
                           std::span<const server::Cell> parameters) override;
  Result<std::vector<server::QueryColumn>> describe(const std::string& sql,
                                                    size_t parameters) override;
  Result<void> stream(const std::string& sql, std::span<const server::Cell> parameters,
                      const RowReader& row, const ColumnsReader& columns) override;
  Result<void> begin() override;
  Result<void> begin_snapshot() override;
  Result<void> commit() override;
  /// It defers nothing.
  Result<void> check_deferred() override { return {}; }
  void rollback() override;
  Result<std::unique_ptr<server::BulkLoad>> bulk_load(const server::BulkTarget& target) override;
  const server::Refusal& refusal() const override { return refusal_; }
  bool works() const override { return works_; }
  void interrupt() override;
  std::string version() const override { return product_ + " " + release_; }
  std::string quote_identifier(std::string_view name) const override;
  std::string quote_literal(std::string_view text) const override;

  // For a bulk load, which has the session to itself from claim_for_load() to release_load().
  MYSQL* native() { return mysql_; }
  Infile& infile() { return infile_; }
  /// Why the server takes no LOAD DATA LOCAL; empty when it does.
  const std::string& no_local_infile() const { return no_local_infile_; }
  size_t largest_packet() const { return largest_packet_; }
  bool in_transaction() const { return in_transaction_; }
  void claim_for_load(ChunkQueue& queue);
  void release_load();
  /// A statement that gives no rows, even while a load has the session.
  Result<void> command(const std::string& sql);
  /// What `run` does, without asking who has the session.
  Result<server::Rows> query(const std::string& sql, std::span<const server::Cell> parameters);
  /// Remembers what the server refused.
  tl::unexpected<Error> refused(const ServerError& error);
  tl::unexpected<Error> refused_rows(server::Refusal refusal, std::string message);
  void restore_refusal(server::Refusal refusal) { refusal_ = std::move(refusal); }
  /// Nothing but rollback() goes on from here.
  void lose_transaction() { transaction_lost_ = in_transaction_; }

 private:
  class Work;
  Result<void> may_work() const;
  Result<void> start_transaction(const std::string& statement);
  void set_options(MYSQL* session) const;
  MYSQL* open(ServerError& error, bool with_infile);
  Result<void> check_release();
  Result<void> set_session();
  Result<void> fetch_all(const std::string& sql, std::span<const server::Cell> parameters,
                         uint64_t* changed,
                         const std::function<bool(std::vector<server::Cell>&)>& row,
                         const ColumnsReader& columns);
  /// The rest of the rows would come whether it is wanted or not.
  Result<void> stop_fetching(Prepared& statement);
  Result<void> leave_snapshot();
  Result<void> still_in_transaction(bool changes);
  Result<server::Rows> run_as_text(const std::string& sql);
  void kill_query();

  const server::Options options_;
  MYSQL* mysql_ = nullptr;
  Infile infile_;
  std::string product_;
  std::string release_;
  std::string no_local_infile_;
  size_t largest_packet_ = 0;
  unsigned long id_ = 0;
  std::atomic<bool> works_{false};
  bool in_transaction_ = false;
  bool reads_only_ = false;        ///< the session, as long as it is in a snapshot
  bool transaction_lost_ = false;  ///< the server ended it; what follows must not commit
  bool loading_ = false;
  server::Refusal refusal_;

  std::atomic<bool> interrupted_{false};  ///< the statement at work, or the last one
  std::mutex interrupt_mutex_;
  bool at_work_ = false;  ///< under interrupt_mutex_, as the next one
  ChunkQueue* load_queue_ = nullptr;
};

}  // namespace weir::mysql
