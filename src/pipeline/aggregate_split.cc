#include "pipeline/aggregate_split.h"

#include <algorithm>
#include <string_view>

#include "pipeline/run_variables.h"

namespace weir::pipeline {
namespace {

using text::Json;

/// Their result depends on the order in which the rows come.
const std::set<std::string, std::less<>> ordered_aggregates = {"any_value",
                                                               "arbitrary",
                                                               "approx_quantile",
                                                               "arg_max",
                                                               "arg_max_null",
                                                               "arg_min",
                                                               "arg_min_null",
                                                               "array_agg",
                                                               "first",
                                                               "group_concat",
                                                               "last",
                                                               "list",
                                                               "listagg",
                                                               "max_by",
                                                               "min_by",
                                                               "mode",
                                                               "approx_top_k",
                                                               "string_agg",
                                                               "reservoir_quantile"};

/// In an expression a run variable is a column until the text is put back together: comments, which
/// mark its stand-in, do not survive the parser.
constexpr std::pair<std::string_view, std::string_view> variable_columns[] = {
    {"${run.day}", "weir_run_variable_day"},
    {"${run.scheduled_for}", "weir_run_variable_scheduled_for"}};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string variables_to_columns(std::string sql) {
  for (const auto& [variable, column] : variable_columns) {
    sql = replaced(std::move(sql), variable, column);
  }
  return sql;
}

std::string columns_to_stand_ins(std::string sql) {
  for (const auto& [variable, column] : variable_columns) {
    sql = replaced(std::move(sql), column, stand_in_run_variables(std::string(variable)));
  }
  return sql;
}

Json column_node(const std::string& name) {
  return Json::object()
      .set("class", "COLUMN_REF")
      .set("type", "COLUMN_REF")
      .set("alias", "")
      .set("query_location", 0)
      .set("column_names", Json::array().push(name));
}

bool holds_column(const Json& node) {
  if (node["class"].as_string() == "COLUMN_REF") return true;
  for (const auto& [key, member] : node.as_object()) {
    if (holds_column(member)) return true;
  }
  const auto& elements = node.as_array();
  return std::any_of(elements.begin(), elements.end(), holds_column);
}

Json order_by(Json expression) {
  return Json::object()
      .set("type", "ORDER_DEFAULT")
      .set("null_order", "ORDER_DEFAULT")
      .set("expression", std::move(expression));
}

/// DISTINCT leaves no order of the rows, only one of the values.
void put_in_order(Json& aggregate, bool distinct) {
  Json orders = Json::array();
  for (const Json& order : aggregate["order_bys"]["orders"].as_array()) orders.push(order);
  if (distinct && orders.as_array().empty() && !aggregate["children"].as_array().empty()) {
    orders.push(order_by(aggregate["children"].as_array().front()));
  } else if (!distinct) {
    orders.push(order_by(column_node("weir_row")));
  }
  Json order_bys = aggregate["order_bys"];
  aggregate.set("order_bys", order_bys.set("orders", std::move(orders)));
}

}  // namespace

Result<AggregateSplitter> AggregateSplitter::make(duckdb::Connection& connection, int& serial) {
  AggregateSplitter made(connection, serial);
  const auto rows = WEIR_TRY(connection.run(
      "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type = "
      "'aggregate'"));
  for (size_t i = 0; i < rows.size(); ++i) made.names_.insert(rows.text(i, 0));
  return made;
}

Result<SplitExpression> AggregateSplitter::split(const std::string& expression) {
  const duckdb::Parameter sql = "SELECT (" + variables_to_columns(expression) + "\n)";
  const auto rows = WEIR_TRY(connection_->run(
      "SELECT CAST(json_serialize_sql(CAST($1 AS VARCHAR)) AS VARCHAR)", {&sql, 1}));
  // An unknown location is the largest number there is; weir's JSON has signed ones.
  const std::string tree =
      replaced(rows.text(0, 0), "\"query_location\":18446744073709551615", "\"query_location\":0");
  statement_ = WEIR_TRY(Json::parse(tree));
  const auto& statements = statement_["statements"].as_array();
  if (statements.size() != 1 || statements[0]["node"]["select_list"].as_array().size() != 1) {
    return fail(ErrorCode::sql, "the expression cannot be taken apart");
  }
  SplitExpression out;
  error_.reset();
  Json root = statements[0]["node"]["select_list"].as_array().front();
  take_aggregates(root, out);
  out.value = text_of(root);
  if (error_) return fail(*error_);
  return out;
}

/// Aggregates inside a subquery are the subquery's own.
void AggregateSplitter::take_aggregates(Json& node, SplitExpression& out) {
  if (node["class"].as_string() == "SUBQUERY") return;
  if (node["class"].as_string() == "FUNCTION" &&
      names_.contains(node["function_name"].as_string())) {
    node = take_aggregate(node, out);
    return;
  }
  if (node.is_object()) {
    Json copy = Json::object();
    for (auto [key, member] : node.as_object()) {
      take_aggregates(member, out);
      copy.set(key, std::move(member));
    }
    node = std::move(copy);
  } else if (node.is_array()) {
    Json copy = Json::array();
    for (Json element : node.as_array()) {
      take_aggregates(element, out);
      copy.push(std::move(element));
    }
    node = std::move(copy);
  }
}

/// Gives the column that stands for the aggregate.
Json AggregateSplitter::take_aggregate(const Json& node, SplitExpression& out) {
  Json aggregate = node;
  Json children = Json::array();
  for (Json child : node["children"].as_array()) {
    take_argument(child, out);
    children.push(std::move(child));
  }
  aggregate.set("children", std::move(children));
  if (Json filter = node["filter"]; !filter.is_null()) {
    take_argument(filter, out);
    aggregate.set("filter", std::move(filter));
  }
  Json orders = Json::array();
  for (Json order : node["order_bys"]["orders"].as_array()) {
    Json expression = order["expression"];
    take_argument(expression, out);
    orders.push(order.set("expression", std::move(expression)));
  }
  Json order_bys = node["order_bys"];
  aggregate.set("order_bys", order_bys.set("orders", std::move(orders)));
  if (ordered_aggregates.contains(node["function_name"].as_string())) {
    put_in_order(aggregate, node["distinct"].as_bool());
  }
  const std::string name = "weir_g" + std::to_string(++*serial_);
  out.aggregates.emplace_back(name, text_of(aggregate.set("alias", "")));
  return column_node(name).set("alias", node["alias"].as_string());
}

void AggregateSplitter::take_argument(Json& node, SplitExpression& out) {
  if (node["class"].as_string() == "COLUMN_REF" || !holds_column(node)) return;
  const std::string name = "weir_a" + std::to_string(++*serial_);
  out.arguments.emplace_back(name, text_of(node));
  node = column_node(name);
}

std::string AggregateSplitter::text_of(const Json& node) {
  Json statement = statement_;
  Json one = statement["statements"].as_array().front();
  Json select = one["node"];
  select.set("select_list", Json::array().push(node));
  statement.set("statements", Json::array().push(one.set("node", std::move(select))));
  const duckdb::Parameter tree = statement.to_string();
  const auto rows = connection_->run(
      "SELECT json_deserialize_sql(CAST(CAST($1 AS VARCHAR) AS JSON))", {&tree, 1});
  constexpr std::string_view select_word = "SELECT ";
  if (!rows || !rows->text(0, 0).starts_with(select_word)) {
    error_ =
        rows ? Error{ErrorCode::sql, "the expression cannot be put together", ""} : rows.error();
    return {};
  }
  return columns_to_stand_ins(rows->text(0, 0).substr(select_word.size()));
}

}  // namespace weir::pipeline
