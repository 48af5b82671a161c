#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/pipeline.h"
#include "model/project.h"
#include "server/connection.h"

namespace weir::pipeline {

/// A sql step's text as its server takes it: run variables are parameters, never part of the text.
class ServerSql {
 public:
  /// Errors: sql, at their place: a run variable in quotes, where it is only text; a parameter of
  /// the text's own.
  static Result<ServerSql> make(const SqlText& text, Engine engine);

  /// With $1, $2, … in casts to their types.
  const std::string& sql() const { return sql_; }
  size_t parameter_count() const { return variables_.size(); }
  /// Their values in a run scheduled for this moment. Errors: invalid_project (no such zone).
  Result<std::vector<server::Cell>> parameters(const Pipeline& pipeline,
                                               Timestamp scheduled_for) const;

  /// What a server says of the statement, with the place in the project file where the text is
  /// written as it stands, else with the words at that place.
  Error explain(Error error, const server::Refusal& refusal) const;

 private:
  enum class Variable { day, scheduled_for };
  /// Where a piece that was put in begins and ends in `sql_`, and where it stood in the text.
  struct Replaced {
    size_t begin = 0, end = 0;
    size_t source = 0, source_end = 0;
  };

  ServerSql(const SqlText& text, Engine engine) : text_(text), engine_(engine) {}
  void put_in(Variable variable, size_t& at, size_t length);
  Error misplaced(std::string message, std::string fix, size_t source) const;
  Location place(size_t source) const;
  size_t source_of(size_t place) const;

  SqlText text_;
  Engine engine_;
  std::string sql_;
  std::vector<Variable> variables_;  // by number of the parameter, from 0
  std::vector<Replaced> replaced_;
};

/// Where a character of a text stands, from 1: "line 2, character 7".
std::string place_in_text(std::string_view text, uint64_t character);

}  // namespace weir::pipeline
