#include "pipeline/load_transaction.h"

#include <utility>

namespace weir::pipeline {
namespace {

class FileTransaction final : public LoadTransaction {
 public:
  explicit FileTransaction(duckdb::Transaction transaction)
      : transaction_(std::move(transaction)) {}
  Result<void> commit() override { return transaction_.commit(); }

 private:
  duckdb::Transaction transaction_;
};

class ServerTransaction final : public LoadTransaction {
 public:
  explicit ServerTransaction(server::Connection& connection) : connection_(&connection) {}
  ~ServerTransaction() override {
    if (connection_ != nullptr) connection_->rollback();
  }
  ServerTransaction(const ServerTransaction&) = delete;
  ServerTransaction& operator=(const ServerTransaction&) = delete;
  Result<void> commit() override { return std::exchange(connection_, nullptr)->commit(); }

 private:
  server::Connection* connection_;
};

class Savepoint final : public LoadTransaction {
 public:
  Savepoint(server::Connection& connection, bool& lost) : connection_(connection), lost_(lost) {}
  ~Savepoint() override {
    if (kept_) return;
    // A deadlock, or a connection that is gone, took the whole of it.
    if (!connection_.run("ROLLBACK TO SAVEPOINT weir_input")) lost_ = true;
  }
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;

  Result<void> commit() override {
    WEIR_TRY(connection_.check_deferred());
    WEIR_TRY(connection_.run("RELEASE SAVEPOINT weir_input"));
    kept_ = true;
    return {};
  }

 private:
  server::Connection& connection_;
  bool& lost_;
  bool kept_ = false;
};

}  // namespace

Result<std::unique_ptr<LoadTransaction>> begin_in_file(duckdb::Connection& connection) {
  return std::make_unique<FileTransaction>(WEIR_TRY(duckdb::Transaction::begin(connection)));
}

Result<std::unique_ptr<LoadTransaction>> begin_on_server(server::Connection& connection) {
  WEIR_TRY(connection.begin());
  return std::make_unique<ServerTransaction>(connection);
}

Result<std::unique_ptr<LoadTransaction>> begin_within(server::Connection& connection, bool& lost) {
  WEIR_TRY(connection.run("SAVEPOINT weir_input"));
  return std::make_unique<Savepoint>(connection, lost);
}

}  // namespace weir::pipeline
