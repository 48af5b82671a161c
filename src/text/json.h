#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace weir::text {

/// A JSON document of weir's own (receipts, messages, schemas), not of row data.
/// Members keep their order. Built on Boost.JSON, which only json.cc sees.
class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  ///< null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(static_cast<int64_t>(value)) {}
  Json(int64_t value) : value_(value) {}
  Json(uint64_t value);  ///< at most 2^63 - 1: counts and sizes; aborts beyond
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  static Json array() { return Json(Array{}); }
  static Json object() { return Json(Object{}); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_double() const { return std::holds_alternative<double>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }

  /// The value when it has that kind, else the fallback.
  bool as_bool(bool fallback = false) const;
  int64_t as_int(int64_t fallback = 0) const;
  double as_double(double fallback = 0) const;
  const std::string& as_string() const;  ///< empty string when it is none
  const Array& as_array() const;         ///< empty when it is none
  const Object& as_object() const;       ///< empty when it is none

  /// The member called `name`; null when absent or when this is no object.
  const Json& operator[](std::string_view name) const;
  bool has(std::string_view name) const;
  /// Adds or replaces a member; turns null into an object.
  Json& set(std::string name, Json value);
  /// Appends an element; turns null into an array.
  Json& push(Json value);

  /// One line, valid UTF-8 and JSON whatever the strings hold: a byte that is not UTF-8 becomes
  /// U+FFFD, a double that is not finite becomes null.
  std::string to_string() const;
  std::string to_pretty_string() const;  ///< two-space indent, no final newline

  /// `1` is an integer and `1.0` a double; an integer outside int64 is refused, never rounded to a
  /// double; so are a member named twice and more than 100 levels of nesting.
  /// Errors: invalid_input with line and column in `location`.
  static Result<Json> parse(std::string_view text);

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

}  // namespace weir::text
