#include "pipeline/sql_fragment.h"

#include <strings.h>

#include "duckdb/sql_walk.h"

namespace weir::pipeline {

std::optional<Error> check_fragment(const std::string& sql) {
  duckdb::SqlWalk walk(sql);
  int depth = 0;
  while (!walk.done()) {
    const size_t begin = walk.position();
    const char first = walk.peek();
    walk.step();
    const std::string step = sql.substr(begin, walk.position() - begin);
    const bool comment = step.starts_with("--") || step.starts_with("/*");
    if (step.size() > 1 && !comment && step.find("${run.") != std::string::npos) {
      return Error{ErrorCode::sql, "a run variable stands in quotes, where it is only text",
                   "write it without quotes: ${run.day} is a DATE, ${run.scheduled_for} a "
                   "TIMESTAMPTZ"};
    }
    if (first == ';') {
      return Error{ErrorCode::sql, "a semicolon ends a statement, and this is a part of one",
                   "remove it"};
    }
    depth += first == '(' ? 1 : first == ')' ? -1 : 0;
    if (depth < 0) {
      return Error{ErrorCode::sql, "a bracket is closed that was never opened", "remove the ')'"};
    }
  }
  if (depth > 0) return Error{ErrorCode::sql, "a bracket is never closed", "add the ')'"};
  return std::nullopt;
}

bool is_reserved_name(const std::string& name) {
  return ::strncasecmp(name.c_str(), "weir_", 5) == 0;
}

bool same_name(const std::string& a, const std::string& b) {
  return ::strcasecmp(a.c_str(), b.c_str()) == 0;
}

bool NameLess::operator()(const std::string& a, const std::string& b) const {
  return ::strcasecmp(a.c_str(), b.c_str()) < 0;
}

bool reads_tables(const std::string& sql) {
  duckdb::SqlWalk walk(sql);
  while (!walk.done()) {
    walk.skip_blanks();
    if (walk.peek() == '(') {
      walk.step();
      walk.skip_blanks();
      for (const char* word : {"SELECT", "FROM", "WITH", "TABLE"}) {
        if (walk.skip_word(word)) return true;
      }
    } else {
      walk.step();
    }
  }
  return false;
}

}  // namespace weir::pipeline
