#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/api.h"
#include "pipeline/rewritten_sql.h"

namespace weir::pipeline {

/// A named query's text as its engine takes it: each `$name` outside of strings, quoted names and
/// comments is a parameter, in a cast to its type; no value ever becomes part of the text.
class NamedSql {
 public:
  /// Errors: sql, at their place: a parameter that is not declared, a declared one that does not
  /// stand in the text, one without a name ($1), a run variable.
  static Result<NamedSql> make(const NamedQuery& query, Engine engine);
  /// All of these; none: the text is sound.
  static std::vector<Error> problems(const NamedQuery& query, Engine engine);

  /// With $1, $2, …, in the order in which the query declares its parameters.
  const RewrittenSql& text() const { return text_; }
  /// The same with NULL in place of each parameter: DuckDB describes no statement that has some.
  const RewrittenSql& without_parameters() const { return without_parameters_; }

 private:
  enum class Arguments { numbered, null };
  class Rewriting;

  NamedSql(const NamedQuery& query, Engine engine)
      : text_(query.sql, engine), without_parameters_(query.sql, engine) {}

  RewrittenSql text_, without_parameters_;
};

}  // namespace weir::pipeline
