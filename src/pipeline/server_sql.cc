#include "pipeline/server_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "pipeline/run_variables.h"

namespace weir::pipeline {
namespace {

constexpr std::string_view day_name = "${run.day}";
constexpr std::string_view moment_name = "${run.scheduled_for}";
constexpr std::string_view any_variable = "${run.";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "$1", but not the end of a name like a$1.
bool is_parameter(const RewrittenSql& text) {
  const std::string_view rest = text.rest();
  return rest.size() > 1 && rest[0] == '$' && is_digit(rest[1]) && text.begins_word();
}

}  // namespace

Result<ServerSql> ServerSql::make(const SqlText& text, Engine engine) {
  ServerSql made(text, engine);
  RewrittenSql& walk = made.text_;
  while (!walk.done()) {
    if (walk.rest().starts_with(day_name)) {
      made.put_in(Variable::day, day_name.size());
      continue;
    }
    if (walk.rest().starts_with(moment_name)) {
      made.put_in(Variable::scheduled_for, moment_name.size());
      continue;
    }
    if (is_parameter(walk)) {
      return fail(made.misplaced("the statement has a parameter of its own",
                                 "write ${run.day} or ${run.scheduled_for}"));
    }
    const std::string_view piece = walk.piece();
    if (piece.size() > 1 && !walk.is_comment(piece) &&
        piece.find(any_variable) != std::string_view::npos) {
      return fail(made.misplaced("a run variable stands in quotes, where it is only text",
                                 "write it without quotes: it is a parameter, with its own type"));
    }
    walk.keep(piece.size());
  }
  return made;
}

void ServerSql::put_in(Variable variable, size_t bytes) {
  auto known = std::ranges::find(variables_, variable);
  if (known == variables_.end()) known = variables_.insert(known, variable);
  const auto number = known - variables_.begin() + 1;
  const std::string_view moment_type = engine_ == Engine::mysql ? "DATETIME(6)" : "timestamptz";
  text_.put(
      fmt::format("CAST(${} AS {})", number, variable == Variable::day ? "date" : moment_type),
      bytes);
}

Result<std::vector<server::Cell>> ServerSql::parameters(const Pipeline& pipeline,
                                                        Timestamp scheduled_for) const {
  std::vector<server::Cell> cells;
  for (const Variable variable : variables_) {
    if (variable == Variable::day) {
      cells.emplace_back(
          WEIR_TRY(fill_run_variables(std::string(day_name), pipeline, scheduled_for)));
      continue;
    }
    std::string moment = format_timestamp(scheduled_for);
    if (engine_ == Engine::mysql) moment.pop_back();  // its moments have no zone, and mean UTC
    cells.emplace_back(std::move(moment));
  }
  return cells;
}

Error ServerSql::misplaced(std::string message, std::string fix) const {
  return {ErrorCode::sql, std::move(message), std::move(fix), text_.place(text_.at())};
}

}  // namespace weir::pipeline
