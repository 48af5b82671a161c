#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "duckdb/direct_rows.h"
#include "pipeline/plain_rules.h"
#include "pipeline/session.h"

namespace weir::pipeline {

/// Where plain rows go: a table whose rows nothing of weir's has to be looked up for.
class PlainTarget {
 public:
  virtual ~PlainTarget() = default;
  /// Begins a transaction with these rows in it. It is the session's: what else is written through
  /// that belongs to it. Errors: whatever keeps rows out, this very row or not; the caller rolls
  /// back, and lets the rows be judged.
  virtual Result<void> write(duckdb::DirectRows& rows) = 0;
  /// Errors: as LoadTransaction::commit.
  virtual Result<void> commit() = 0;
  /// Also when there is nothing to roll back.
  virtual void rollback() = 0;
};

/// Rows of JSON texts that are plainly good, from the text to the table without a query: decoded by
/// DirectRows, judged by PlainRules, written by the target in one go. What it does not take, or
/// what the target refuses, is for load_objects, whose verdict would be the same on what is taken:
/// every row inserted.
///
/// It qualifies where nothing has to be known of other rows: no `unique`, no `references`, and a
/// key that a server guards; and where modes make no difference until a row meets another. One
/// thread at a time.
class PlainLoad {
 public:
  /// Of a session that is for nothing else, and must outlive it. Null: loads of this pipeline have
  /// to be judged. Errors: those of the session's server.
  static Result<std::unique_ptr<PlainLoad>> make(Session& session);

  /// Takes a text's rows, if it takes all of them; `text` as DirectRows::append has it. Gives how
  /// many they are; 0: none was taken.
  size_t take(std::string_view text);
  /// Forgets the rows that were taken last.
  void forget_last(size_t rows) { rows_.drop_to(rows_.rows() - rows); }
  size_t rows() const { return rows_.rows(); }
  void clear() { rows_.clear(); }

  Result<void> write() { return target_->write(rows_); }
  Result<void> commit() { return target_->commit(); }
  void rollback() { target_->rollback(); }

 private:
  PlainLoad(Session& session, PlainRules rules, std::unique_ptr<PlainTarget> target);

  const PlainRules rules_;
  const size_t most_bytes_;
  std::unique_ptr<PlainTarget> target_;
  duckdb::DirectRows rows_;
};

}  // namespace weir::pipeline
