#include "pipeline/value_limits.h"

#include <fmt/format.h>

#include <functional>

#include "duckdb/connection.h"
#include "mysql/types.h"

namespace weir::pipeline {
namespace {

/// What is asked of one value: SQL of its name that is true when it does not fit; empty: all fit.
struct Question {
  std::string broken;
  std::string message;
};
using AskType = std::function<Question(const DataType& type, const std::string& value, int depth)>;

/// Of a list all elements are asked.
Question ask(const AskType& ask_type, const DataType& type, const std::string& value, int depth) {
  if (type.kind != TypeKind::list) return ask_type(type, value, depth);
  const std::string element = fmt::format("e{}", depth);
  Question of_element = ask(ask_type, *type.element, element, depth + 1);
  if (of_element.broken.empty()) return of_element;
  return {fmt::format("list_bool_or(list_transform({}, lambda {}: {}))", value, element,
                      of_element.broken),
          of_element.message};
}

std::vector<ValueLimit> limits(const Column& column, std::string_view engine,
                               const AskType& ask_type) {
  const Question question = ask(ask_type, column.type, duckdb::quote_identifier(column.name), 0);
  if (question.broken.empty()) return {};
  return {{question.broken, fmt::format("{} on {}", column.type.to_string(), engine),
           question.message}};
}

Question outside(const std::string& value, std::string_view type, std::string_view first,
                 std::string_view last, std::string message) {
  return {fmt::format("{0} < {1} '{2}' OR {0} > {1} '{3}'", value, type, first, last),
          std::move(message)};
}

Question ask_postgres(const DataType& type, const std::string& value, int) {
  // Both have infinities, which are no dates and fit.
  const auto finite = [&](Question question) {
    question.broken = fmt::format("isfinite({}) AND ({})", value, question.broken);
    return question;
  };
  const std::string message = "'{}' is outside of the years that Postgres has";
  switch (type.kind) {
    case TypeKind::varchar:
      return {fmt::format("contains({}, chr(0))", value),
              "'{}' holds a NUL, which no text in Postgres can"};
    case TypeKind::date:
      return finite(outside(value, "DATE", "4713-11-24 (BC)", "5874897-12-31", message));
    case TypeKind::timestamp:
      return finite(outside(value, "TIMESTAMP", "4713-11-24 (BC) 00:00:00", "294247-01-01 00:00:00",
                            message));
    case TypeKind::timestamptz:
      return finite(outside(value, "TIMESTAMPTZ", "4713-11-24 (BC) 00:00:00+00",
                            "294247-01-01 00:00:00+00", message));
    default: return {};
  }
}

/// Whether a JSON text is nested deeper. Short ones, and those with few brackets, cannot be.
std::string nests_deeper(const std::string& json, int most) {
  const std::string text = fmt::format("CAST({} AS VARCHAR)", json);
  const std::string brackets = fmt::format(
      "list_transform(regexp_extract_all(regexp_replace({}, '\"(?:[^\"\\\\]|\\\\.)*\"', '', 'g'), "
      "'[\\[\\]{{}}]'), lambda b: CASE WHEN b IN ('[', '{{') THEN 1 ELSE -1 END)",
      text);
  // The deepest so far, and where it is now, in one number.
  const std::string deepest = fmt::format(
      "list_reduce({}, lambda a, b: greatest(a // 4096, a % 4096 + b) * 4096 + a % 4096 + b, 0)",
      brackets);
  return fmt::format(
      "CASE WHEN strlen({0}) > {2} THEN CASE WHEN strlen({0}) - strlen(replace(replace({0}, '[', "
      "''), '{{', '')) > {1} THEN {3} // 4096 > {1} ELSE FALSE END ELSE FALSE END",
      text, most, 2 * most, deepest);
}

Question ask_mysql(const DataType& type, const std::string& value, int json_depth) {
  const std::string message = "'{}' is outside of the years 1 to 9999 that MySQL has";
  switch (type.kind) {
    case TypeKind::real:
    case TypeKind::double_:
      return {fmt::format("NOT isfinite({})", value), "MySQL has no number '{}'"};
    case TypeKind::date: return outside(value, "DATE", "0001-01-01", "9999-12-31", message);
    case TypeKind::timestamp:
      return outside(value, "TIMESTAMP", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999",
                     message);
    case TypeKind::timestamptz:
      return outside(value, "TIMESTAMPTZ", "0001-01-01 00:00:00+00",
                     "9999-12-31 23:59:59.999999+00", message);
    case TypeKind::json:
      return {nests_deeper(value, json_depth),
              fmt::format("the server takes no json that is nested deeper than {}", json_depth)};
    default: return {};
  }
}

}  // namespace

std::vector<ValueLimit> postgres_limits(const Column& column) {
  return limits(column, "Postgres", ask_postgres);
}

std::vector<ValueLimit> mysql_limits(const Column& column, int json_depth, int key_columns) {
  auto found =
      limits(column, "MySQL", [&](const DataType& type, const std::string& value, int depth) {
        return ask_mysql(type, value, json_depth - depth);
      });
  const bool is_text = column.type.kind == TypeKind::varchar && column.type.length == 0;
  if (key_columns == 0 || (!is_text && column.type.kind != TypeKind::bytes)) return found;
  const int most = mysql::longest_key / (is_text ? 4 : 1) / key_columns;
  const std::string name = duckdb::quote_identifier(column.name);
  found.push_back(
      {is_text ? fmt::format("strlen({0}) > {1} AND length({0}) > {1}", name, most)
               : fmt::format("octet_length({}) > {}", name, most),
       "key on MySQL",
       fmt::format("the value has more than {} {}, which is what an index of the server's "
                   "takes",
                   most, is_text ? "characters" : "bytes")});
  return found;
}

}  // namespace weir::pipeline
