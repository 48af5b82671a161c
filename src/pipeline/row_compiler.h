#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "duckdb/connection.h"
#include "duckdb/database.h"
#include "model/pipeline.h"
#include "model/table.h"
#include "pipeline/aggregate_split.h"
#include "pipeline/conversion.h"
#include "pipeline/default_value.h"
#include "pipeline/row_query.h"

namespace weir::pipeline {

/// Grows a statement level by level. Helper columns begin with weir_; flags of earlier levels are
/// carried along so that the one WHERE at the end can judge all of them in step order. A fold ends
/// the statement: its good rows go into a temporary table, and the next statement begins there.
class RowCompiler {
 public:
  RowCompiler(const PipelineParts& parts, duckdb::Database& database,
              duckdb::Connection& connection, std::string source, int64_t slot, int first_rule,
              std::vector<SqlProblem>* problems);

  Result<void> begin();

  Result<void> select(const SelectStep& step);
  Result<void> where(const WhereStep& step);
  Result<void> check(const CheckStep& step);
  /// `next_step`: index in the pipeline of the step behind.
  Result<void> unnest(const UnnestStep& step, int next_step);
  Result<void> dedupe(const Step& step);
  Result<void> aggregate(const Step& step, int next_step);
  /// A table's column for which a default may stand in, and the scan's flag that says when.
  using DefaultFlags = std::map<std::string, std::string>;
  /// `dialect` as compile_rows has it.
  Result<void> contract(const Table& table, const DefaultFlags& flags,
                        const ServerDialect* dialect);
  Result<RowQuery> finish(const Table& table) &&;

  /// Of the rows as they are now.
  const std::vector<duckdb::ResultColumn>& columns() const { return columns_; }

  /// A step could not be understood so far that the columns behind it were known.
  bool blind() const { return blind_; }

 private:
  /// How one column of the table is made, and what is wrong with its value.
  struct Made {
    std::string sql;
    std::string helpers;  // ", … AS weir_…" beside it
    std::string cases;    // " WHEN … THEN …"
  };
  Result<Conversion> conversion(const Column& column, Result<Conversion> made);
  Result<Made> make_column(const Table& table, size_t index, const DefaultFlags& flags,
                           const ServerDialect* dialect);
  Result<void> make_given(const Column& column, size_t index, Made& made);
  Result<void> make_default(const Column& column, size_t index, const std::string& flag,
                            Made& made);
  Result<void> add_defaults(const Table& table);
  /// One column of an aggregate step: SQL over the groups' aggregates.
  struct FoldedItem {
    std::string name;
    std::string value;
    SplitExpression::Named aggregates;
    int rule = 0;  ///< of a group on which the value fails
  };

  /// The flags of one step that reject a row, each with its reject: all problems are told at once.
  class StepFlags {
   public:
    void add(const std::string& flag, const std::string& reject);
    bool empty() const { return flags_.empty(); }
    const std::string& flags() const { return flags_; }        ///< "flag OR flag…"
    const std::string& verdicts() const { return verdicts_; }  ///< "(CASE …) & (CASE …)"

   private:
    std::string flags_;
    std::string verdicts_;
  };

  /// A dedupe whose rows are judged further before it is done, as far as the steps behind it work
  /// on each row by itself: a row that is rejected later must not take another one's place.
  struct PendingDedupe {
    const Step* step = nullptr;
    std::vector<std::string> by;  // hidden columns
    std::string key;              // hidden column of order_by
    std::string filter;           // "flag OR flag…" of the wheres behind it
  };

  /// What a step's expressions must be.
  enum class Shape { value, predicate };

  void judge(const std::string& cases);
  void judge_predicates(const std::vector<std::pair<std::string, std::string>>& predicates);
  const duckdb::ResultColumn* find(const std::string& name) const;
  std::string wrapped(const std::string& expression) { return wrapped(expression, level_); }
  std::string wrapped(const std::string& expression, const std::string& relation);
  std::optional<Error> refusal(const std::string& written, const std::string& expression,
                               Shape shape);
  std::optional<Error> aggregate_refusal(const std::string& written, const std::string& expression,
                                         const std::string& groups);
  Result<bool> binds(const SqlText& text, const std::string& expression, Shape shape);
  Result<bool> note(const SqlText& text, std::optional<Error> error, size_t prefix_bytes);
  Result<const duckdb::ResultColumn*> known(const NamedColumn& column, const char* step);
  Result<void> note_at(const Location& location, Error error);
  int add_rule(std::string field, std::string rule, std::string message);
  std::string reject(int rule, const std::string& value) const;
  std::string filtered() const;
  std::string value_of(const std::string& expression) const;
  void carry(std::string column) { carried_ += ", " + column; }
  /// Rows for which `condition` holds do not reach the steps behind.
  void leave(const std::string& condition, const std::string& verdict);
  void leave(const StepFlags& flags);
  /// Computes a value per row, beside the columns, and flags the row where that fails. Gives the
  /// value's SQL.
  std::string attempt(const std::string& expression, int rule, StepFlags& flags);
  Result<void> refresh_columns();
  Result<std::string> list_to_unnest(const UnnestStep& step);
  void remember_produced(int next_step, const std::string& only_if);
  std::string column_names() const;
  std::string where_clause() const;
  std::string judged(const std::string& columns) const;
  Result<std::string> make_table(const std::string& select);
  std::string sort_out(const PendingDedupe& pending, const std::string& source);
  Result<std::string> fold_pending(const std::string& columns);
  Result<void> settle_pending(int next_step);
  Result<void> go_on_from(const std::string& source, int next_step);
  Result<std::optional<std::vector<std::string>>> group_columns(const std::vector<NamedColumn>& by,
                                                                const char* step);
  Result<std::vector<FoldedItem>> split_items(const AggregateStep& step, const std::string& groups,
                                              std::string& arguments);
  bool binds_split(const SplitExpression& split, const std::string& groups);
  Result<void> fold_groups(const std::vector<FoldedItem>& items, const std::string& by,
                           const std::string& rows, RowFold& fold, int next_step);

  const PipelineParts& parts_;
  duckdb::Database& database_;
  duckdb::Connection& connection_;
  std::string level_;  // SQL of the relation so far
  std::vector<duckdb::ResultColumn> columns_;
  std::string carried_;        // ", flag, flag…"
  std::string verdicts_;       // "WHEN … THEN …" of the steps, in order
  std::string leaving_;        // "flag OR flag…": rows that do not reach the next step
  std::string contract_;       // "(CASE …) & (CASE …)"
  std::string tell_produced_;  // SQL that tells a rejected row as the steps had made it
  std::vector<std::optional<DefaultValue>> defaults_;  // by column of the table
  std::vector<RowRule> rules_;
  std::vector<RowFold> folds_;
  std::vector<PendingDedupe> pending_;
  std::string default_flags_;  // ", weir_default_…" that the columns still have
  RowIdentity identity_ = RowIdentity::record;
  int64_t slot_;
  int first_rule_;
  bool count_rows_;
  std::string more_;       // flag of rows that are not the first of their record; empty: no unnest
  bool produced_ = false;  // rows are not records any more
  bool blind_ = false;
  size_t unnests_ = 0;  // so far
  size_t all_unnests_ = 0;
  std::vector<SqlProblem>* problems_;
  int serial_ = 0;
};

}  // namespace weir::pipeline
