#include "api/row_schema.h"

#include <fmt/format.h>

namespace weir::api {
namespace {

using text::Json;

/// A number, or a text with its digits: JSON readers lose those of long numbers.
Json number_schema(const char* pattern) {
  return Json::object()
      .set("type", Json::array().push("number").push("string"))
      .set("pattern", pattern);
}

Json integer_schema() {
  return Json::object()
      .set("type", Json::array().push("integer").push("string"))
      .set("pattern", "^[+-]?[0-9]+$");
}

Json text_schema(const char* format) {
  return Json::object().set("type", "string").set("format", format);
}

std::string rules_text(const Column& column) {
  std::string text = column.type.to_string();
  for (const Rule& rule : column.rules) text += " | " + rule.text;
  return text;
}

/// A default stands in for what is absent, and a key or required column may not be.
bool must_be_given(const Table& table, const Column& column) {
  for (const Rule& rule : column.rules) {
    if (rule.kind == RuleKind::default_) return false;
  }
  for (const std::string& name : table.key) {
    if (name == column.name) return true;
  }
  return column.required();
}

}  // namespace

Json type_schema(const DataType& type) {
  switch (type.kind) {
    case TypeKind::boolean:
      return Json::object().set("type", Json::array().push("boolean").push("string"));
    case TypeKind::tinyint:
    case TypeKind::smallint:
    case TypeKind::integer:
    case TypeKind::bigint:
    case TypeKind::hugeint: return integer_schema();
    case TypeKind::real:
    case TypeKind::double_: return number_schema("^[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?$");
    case TypeKind::decimal: return number_schema("^[+-]?[0-9]+(\\.[0-9]+)?$");
    case TypeKind::varchar: {
      Json schema = Json::object().set("type", Json::array().push("string").push("number"));
      if (type.length > 0) schema.set("maxLength", type.length);
      return schema;
    }
    case TypeKind::bytes:
      return Json::object().set("type", "string").set("pattern", "^\\\\x([0-9a-fA-F]{2})*$");
    case TypeKind::date: return text_schema("date");
    case TypeKind::time:
      return Json::object().set("type", "string").set("pattern", "^[0-9]{2}:[0-9]{2}");
    case TypeKind::timestamp:
      return Json::object().set("type", "string").set("pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]");
    case TypeKind::timestamptz: return text_schema("date-time");
    case TypeKind::uuid: return text_schema("uuid");
    case TypeKind::json: return Json::object();
    case TypeKind::list:
      return Json::object().set("type", "array").set("items", type_schema(*type.element));
  }
  return Json::object();
}

Json row_schema(const Table& table) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Column& column : table.columns) {
    Json schema = type_schema(column.type);
    const bool needed = must_be_given(table, column);
    if (needed) {
      required.push(column.name);
    } else if (schema["type"].is_array()) {
      Json types = schema["type"];
      schema.set("type", types.push("null"));
    } else if (schema["type"].is_string()) {
      schema.set("type", Json::array().push(schema["type"].as_string()).push("null"));
    }
    schema.set("description", rules_text(column));
    properties.set(column.name, std::move(schema));
  }
  Json out = Json::object().set("type", "object").set("properties", std::move(properties));
  if (!required.as_array().empty()) out.set("required", std::move(required));
  return out;
}

}  // namespace weir::api
