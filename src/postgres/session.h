#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <string>

#include "server/connection.h"

namespace weir::postgres {

struct EndResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPointer = std::unique_ptr<PGresult, EndResult>;

class CopyLoad;

/// A session over libpq. Internal to this folder; see server::Connection.
class Session final : public server::Connection {
 public:
  /// Takes the connection over.
  explicit Session(PGconn* connection,
                   std::chrono::milliseconds answer_timeout = std::chrono::milliseconds(0));
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Result<server::Rows> run(const std::string& sql,
                           std::span<const server::Cell> parameters = {}) override;
  Result<std::vector<server::QueryColumn>> describe(const std::string& sql,
                                                    size_t parameters) override;
  Result<void> stream(const std::string& sql, std::span<const server::Cell> parameters,
                      const RowReader& row, const ColumnsReader& columns) override;
  Result<void> begin() override;
  Result<void> begin_snapshot() override;
  Result<void> commit() override;
  Result<void> check_deferred() override;
  void rollback() override;
  Result<std::unique_ptr<server::BulkLoad>> bulk_load(const server::BulkTarget& target) override;

  const server::Refusal& refusal() const override { return refusal_; }
  bool works() const override;
  void interrupt() override;
  std::string version() const override;
  std::string quote_identifier(std::string_view name) const override;
  std::string quote_literal(std::string_view text) const override;

  // For the bulk load at work, which owns the connection until it ends.

  PGconn* native() { return connection_.get(); }
  /// The statement's next result; null behind the last one. A server that says nothing for too long
  /// is not waited for: the connection is lost then.
  ResultPointer next_result();
  /// What went wrong; fills refusal(). `result` may be null.
  Error failure(const PGresult* result);
  void set_refusal(server::Refusal refusal) { refusal_ = std::move(refusal); }
  /// Null when it is over.
  void set_load(CopyLoad* load) { load_ = load; }

 private:
  struct EndConnection {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct EndCancel {
    void operator()(PGcancel* cancel) const { PQfreeCancel(cancel); }
  };

  /// An error unless the session is free for a statement. Forgets the last refusal.
  Result<void> ready(const std::string& sql, std::span<const server::Cell> parameters);
  Result<ResultPointer> execute(const std::string& sql, std::span<const server::Cell> parameters);
  Result<void> send(const std::string& sql, std::span<const server::Cell> parameters);
  /// Nobody wants the rest of the rows.
  Result<void> stop_streaming(bool in_transaction);
  /// Reads until the server is done with the statement. Gives the first failure, or else the last
  /// result; null when no statement is at work.
  ResultPointer drain();
  void leave_copy(const PGresult* result);

  std::unique_ptr<PGconn, EndConnection> connection_;
  std::unique_ptr<PGcancel, EndCancel> cancel_;
  const std::chrono::milliseconds answer_timeout_;  // 0: none
  bool gave_up_ = false;                            // waiting for an answer
  server::Refusal refusal_;
  CopyLoad* load_ = nullptr;
};

}  // namespace weir::postgres
