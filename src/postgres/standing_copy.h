#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "server/connection.h"

namespace weir::postgres {

class RowEncoder;
class Session;
struct ColumnPlan;

/// Small loads into one table, transaction after transaction, with as few round trips as COPY
/// allows: one begins the transaction, takes locks, looks whether the table is the one it was, and
/// begins the COPY; another one sends the rows. What a bulk load asks the catalog for each time is
/// asked once.
class StandingCopy {
 public:
  /// `connection` must be one of this folder's, and outlive it. `first`: statements without
  /// parameters that each transaction begins with, such as locks; may be empty. Errors: as of
  /// Connection::run; invalid_input: a column that does not take its values by COPY BINARY.
  static Result<std::unique_ptr<StandingCopy>> make(server::Connection& connection,
                                                    const server::BulkTarget& target,
                                                    const std::string& first);
  ~StandingCopy();
  StandingCopy(const StandingCopy&) = delete;
  StandingCopy& operator=(const StandingCopy&) = delete;

  /// Begins a transaction with these rows in it: the caller commits it, or rolls it back, also
  /// after an error. Errors: as of Connection::run; invalid_input: a value that the column cannot
  /// hold, and nothing was begun; busy: the table is not what it was (this object is of no use any
  /// more), or left a row out.
  Result<void> write(std::span<const server::RowBatch> batches);

 private:
  StandingCopy(Session& session, std::vector<ColumnPlan> plans);
  Result<void> check_values(std::span<const server::RowBatch> batches) const;
  Result<void> begin();
  Result<void> send(std::span<const server::RowBatch> batches);
  Result<uint64_t> end();

  Session& session_;
  const std::vector<ColumnPlan> plans_;
  const std::unique_ptr<RowEncoder> encoder_;
  std::string begin_;  // SQL
  std::string shape_;  // what the catalog said of the table
};

}  // namespace weir::postgres
