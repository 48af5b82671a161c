#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "duckdb/connection.h"
#include "model/project.h"
#include "pipeline/refusal_search.h"
#include "pipeline/row_query.h"
#include "pipeline/server_dialect.h"
#include "pipeline/table_load.h"
#include "server/connection.h"

namespace weir::pipeline {

/// Why a server did not take rows, where rows are to blame; none: it took all of them.
using RowsRefusal = std::optional<server::Refusal>;

/// The refusal behind an error of a write; none: the statement, the server or the connection is at
/// fault, whatever its rows.
RowsRefusal rows_refusal(const Error& error, const server::Connection& server);

/// Rows on their way from the workshop into the server's table: SELECTs of the table's written
/// columns, and how many rows these give.
struct RowsToWrite {
  std::string changed;  ///< rows of the table that are to be updated
  uint64_t changed_count = 0;
  std::string added;
  uint64_t added_count = 0;
};

/// Writes them, with all that the server checks at the end of a transaction. A refusal's row counts
/// the changed ones first.
using PutRows = std::function<Result<RowsRefusal>(const RowsToWrite&)>;

/// What a load does when the server refuses its rows for a reason that weir does not know: finds
/// the rows (refusal_search.h), each try inside a savepoint, writes the others and rejects these.
///
/// A row is rejected when the server refuses it alone, behind those written before it, in the order
/// of the input; and still does at the end. So of two rows that do not go together the first one is
/// written, and a row that needs another one is not lost because it came first. Inside the caller's
/// transaction; one thread at a time.
class ServerRefusals {
 public:
  /// Everything must outlive it. `rules` grows by those that the server names.
  ServerRefusals(duckdb::Connection& workshop, server::Connection& server, Engine engine,
                 const Table& table, const RowQuery& query, const std::string& stage_name,
                 std::vector<RowRule>& rules);

  /// `rows`: DuckdbLoad::rows_to_write. `columns`: those to be written. `first`: the refusal of all
  /// of them. Takes the refused rows out of `decision` and tells `rejects` of them. Ends early when
  /// these are more than there is room for. Errors: those of `put` and of the server; cancelled;
  /// sql when the server refuses what was written before any row.
  Result<void> write(const std::string& rows, const std::vector<Column>& columns,
                     const server::Refusal& first, const PutRows& put, const WriteRejects& rejects,
                     LoadDecision& decision);

 private:
  /// A refused row, not in the workshop's table of them yet.
  struct Refused {
    uint64_t row = 0;  // its number in the round
    size_t rule = 0;
    std::string message;
    bool certain = false;  // whatever other rows are there
  };
  /// What the server says was broken; the rules_ from first_rule_ on.
  struct Broken {
    std::string text;
    std::string column;                // as the server tells
    std::vector<std::string> columns;  // whose values are shown
  };

  bool has_room() const;
  Result<uint64_t> number(const std::string& rows, const std::string& table);
  Result<void> check_before_rows();
  Result<uint64_t> search(uint64_t rows, uint64_t first, const PutRows& put);
  Result<OfferAnswer> offer(uint64_t begin, uint64_t end, const PutRows& put);
  Result<std::optional<uint64_t>> row_named(uint64_t begin, uint64_t end);
  Result<bool> refuse(uint64_t row);
  Result<void> flush();
  Result<size_t> rule_of(const server::Refusal& refusal);
  Result<void> take_out(LoadDecision& decision);
  Result<void> tell(const SetRules::RejectRow& reject_row);

  duckdb::Connection& workshop_;
  server::Connection& server_;
  const Engine engine_;
  const std::unique_ptr<const ServerDialect> dialect_;
  const Table& table_;
  const RowQuery& query_;
  std::vector<RowRule>& rules_;
  const size_t first_rule_;  // of those that the server names
  std::vector<Broken> broken_;
  const std::string offers_;   // quoted: all rows
  const std::string again_;    // quoted: those of them that are offered once more
  const std::string refused_;  // quoted
  std::string round_;          // quoted: which of the first two is offered now
  std::string columns_;        // quoted, in order
  server::Refusal last_;       // why the last offer was not taken
  std::vector<Refused> fresh_;
  std::optional<uint64_t> room_;
  const std::atomic<bool>* cancel_ = nullptr;
  uint64_t certain_ = 0;  // refused for good
  uint64_t open_ = 0;     // refused, and offered again at the end
};

}  // namespace weir::pipeline
