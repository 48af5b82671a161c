#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/project.h"
#include "server/connection.h"

namespace weir::pipeline {

/// The key of a Postgres table that weir made a moment ago, taken off while its first rows go in:
/// an index over all of them is made in a fraction of the time that it takes row by row. Taken off
/// and put back in one transaction, in which nobody else reads or writes the table: others see it
/// empty with its key, or filled with its key.
class DeferredKey {
 public:
  /// Locks the table. None where that would not be right: it has rows, no key, or something refers
  /// to its key. Errors: as of Connection::run.
  static Result<std::optional<DeferredKey>> take_off(server::Connection& connection,
                                                     const Table& table);

  /// Errors: as of Connection::run; rows with one key are by_row of the connection's refusal().
  Result<void> put_back();

 private:
  struct Constraint {
    std::string name;        ///< quoted
    std::string definition;  ///< e.g. "PRIMARY KEY (id)"
  };

  DeferredKey(server::Connection& connection, std::string table,
              std::vector<Constraint> constraints)
      : connection_(&connection), table_(std::move(table)), constraints_(std::move(constraints)) {}

  Result<void> alter(bool back);

  server::Connection* connection_;
  std::string table_;  // quoted
  std::vector<Constraint> constraints_;
};

}  // namespace weir::pipeline
