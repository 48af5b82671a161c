#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "pipeline/rewritten_sql.h"

namespace weir::pipeline {

/// A sql step's text as its server takes it: run variables are parameters, never part of the text.
class ServerSql {
 public:
  /// Errors: sql, at their place: a run variable in quotes, where it is only text; a parameter of
  /// the text's own.
  static Result<ServerSql> make(const SqlText& text, Engine engine);

  /// With $1, $2, … in casts to their types.
  const std::string& sql() const { return text_.sql(); }
  size_t parameter_count() const { return variables_.size(); }
  /// Their values in a run scheduled for this moment. Errors: invalid_project (no such zone).
  Result<std::vector<server::Cell>> parameters(const Pipeline& pipeline,
                                               Timestamp scheduled_for) const;

  /// What a server says of the statement, with the place in the project file where the text is
  /// written as it stands, else with the words at that place.
  Error explain(Error error, const server::Refusal& refusal) const {
    return text_.explain(std::move(error), refusal);
  }

 private:
  enum class Variable { day, scheduled_for };

  ServerSql(const SqlText& text, Engine engine) : text_(text, engine), engine_(engine) {}
  void put_in(Variable variable, size_t bytes);
  Error misplaced(std::string message, std::string fix) const;

  RewrittenSql text_;
  Engine engine_;
  std::vector<Variable> variables_;  // by number of the parameter, from 0
};

}  // namespace weir::pipeline
