#include "text/json.h"

#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "base/json_text.h"

namespace weir::text {
namespace {

namespace bj = boost::json;

constexpr size_t max_depth = 100;

/// Builds the document from the parser's events. `problem` says why an event was refused.
class Builder {
 public:
  static constexpr size_t max_object_size = -1;
  static constexpr size_t max_array_size = -1;
  static constexpr size_t max_key_size = -1;
  static constexpr size_t max_string_size = -1;

  Json root;
  std::string problem;

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_array_begin(bj::error_code&) { return open(Kind::array); }
  bool on_array_end(size_t, bj::error_code&) {
    Json done(std::move(stack_.back().elements));
    stack_.pop_back();
    return add(std::move(done));
  }
  bool on_object_begin(bj::error_code&) { return open(Kind::object); }
  bool on_object_end(size_t, bj::error_code& error) {
    if (const std::string twice = repeated_name(stack_.back().members); !twice.empty()) {
      return refuse("member '" + twice + "' is there twice", error);
    }
    Json done(std::move(stack_.back().members));
    stack_.pop_back();
    return add(std::move(done));
  }
  bool on_key_part(bj::string_view part, size_t, bj::error_code&) { return append(part); }
  bool on_key(bj::string_view part, size_t, bj::error_code&) {
    append(part);
    stack_.back().name = std::exchange(pending_, {});
    return true;
  }
  bool on_string_part(bj::string_view part, size_t, bj::error_code&) { return append(part); }
  bool on_string(bj::string_view part, size_t, bj::error_code&) {
    append(part);
    return add(Json(std::exchange(pending_, {})));
  }
  bool on_number_part(bj::string_view part, bj::error_code&) { return append(part); }
  bool on_int64(int64_t value, bj::string_view, bj::error_code&) {
    pending_.clear();
    return add(Json(value));
  }
  bool on_uint64(uint64_t value, bj::string_view, bj::error_code& error) {
    pending_.clear();
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return refuse("integer is beyond 64 bits", error);
    }
    return add(Json(static_cast<int64_t>(value)));
  }
  bool on_double(double value, bj::string_view part, bj::error_code& error) {
    append(part);
    const std::string digits = std::exchange(pending_, {});
    if (digits.find_first_of(".eE") == std::string::npos) {
      return refuse("integer is beyond 64 bits", error);
    }
    if (!std::isfinite(value)) return refuse("number is beyond a double", error);
    return add(Json(value));
  }
  bool on_bool(bool value, bj::error_code&) { return add(Json(value)); }
  bool on_null(bj::error_code&) { return add(Json()); }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

 private:
  enum class Kind { array, object };
  struct Level {
    Kind kind;
    Json::Array elements;
    Json::Object members;
    std::string name;  // of the member being read
  };

  bool append(bj::string_view part) {
    pending_.append(part.data(), part.size());
    return true;
  }
  bool open(Kind kind) {
    stack_.push_back({kind, {}, {}, {}});
    return true;
  }
  bool add(Json value) {
    if (stack_.empty()) {
      root = std::move(value);
    } else if (Level& level = stack_.back(); level.kind == Kind::array) {
      level.elements.push_back(std::move(value));
    } else {
      level.members.emplace_back(std::exchange(level.name, {}), std::move(value));
    }
    return true;
  }
  bool refuse(std::string why, bj::error_code& error) {
    problem = std::move(why);
    error = bj::error::syntax;
    return false;
  }
  static std::string repeated_name(const Json::Object& members) {
    std::vector<std::string_view> names;
    names.reserve(members.size());
    for (const auto& member : members) names.push_back(member.first);
    std::sort(names.begin(), names.end());
    const auto twice = std::adjacent_find(names.begin(), names.end());
    return twice == names.end() ? std::string() : std::string(*twice);
  }

  std::vector<Level> stack_;
  std::string pending_;
};

Location location_of(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto last_break = before.rfind('\n');
  const size_t line_start = last_break == std::string_view::npos ? 0 : last_break + 1;
  Location location;
  location.line = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
  location.column = 1 + static_cast<int>(before.size() - line_start);
  return location;
}

std::string describe(const bj::error_code& error) {
  if (error == bj::error::incomplete) return "the document ends too early";
  if (error == bj::error::extra_data) return "there is more text behind the document";
  if (error == bj::error::too_deep) {
    return "more than " + std::to_string(max_depth) + " levels of nesting";
  }
  return error.message();
}

void write_double(double value, std::string& out) {
  if (!std::isfinite(value)) {
    out += "null";  // JSON has no spelling for it
    return;
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  const std::string_view text(digits, static_cast<size_t>(end - digits));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";  // stays a double
}

/// `indent` < 0: one line.
class Writer {
 public:
  Writer(std::string& out, bool pretty) : out_(out), pretty_(pretty) {}

  void write(const Json& value, int depth) {
    if (value.is_array()) {
      write_container('[', ']', value.as_array(), depth,
                      [&](const Json& element) { write(element, depth + 1); });
    } else if (value.is_object()) {
      write_container('{', '}', value.as_object(), depth, [&](const Json::Member& member) {
        append_json_quoted(member.first, out_);
        out_ += pretty_ ? ": " : ":";
        write(member.second, depth + 1);
      });
    } else if (value.is_string()) {
      append_json_quoted(value.as_string(), out_);
    } else if (value.is_bool()) {
      out_ += value.as_bool() ? "true" : "false";
    } else if (value.is_int()) {
      out_ += std::to_string(value.as_int());
    } else if (value.is_double()) {
      write_double(value.as_double(), out_);
    } else {
      out_ += "null";
    }
  }

 private:
  template <class Items, class WriteItem>
  void write_container(char open, char close, const Items& items, int depth, WriteItem write_item) {
    out_ += open;
    bool first = true;
    for (const auto& item : items) {
      if (!first) out_ += ',';
      first = false;
      break_line(depth + 1);
      write_item(item);
    }
    if (!items.empty()) break_line(depth);
    out_ += close;
  }
  void break_line(int depth) {
    if (!pretty_) return;
    out_ += '\n';
    out_.append(static_cast<size_t>(depth) * 2, ' ');
  }

  std::string& out_;
  bool pretty_;
};

}  // namespace

Json::Json(uint64_t value) : value_(static_cast<int64_t>(value)) {
  WEIR_CHECK(value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()),
             "a JSON integer is at most 2^63 - 1");
}

bool Json::as_bool(bool fallback) const {
  const bool* value = std::get_if<bool>(&value_);
  return value == nullptr ? fallback : *value;
}

int64_t Json::as_int(int64_t fallback) const {
  const int64_t* value = std::get_if<int64_t>(&value_);
  return value == nullptr ? fallback : *value;
}

double Json::as_double(double fallback) const {
  if (const int64_t* integer = std::get_if<int64_t>(&value_)) return static_cast<double>(*integer);
  const double* value = std::get_if<double>(&value_);
  return value == nullptr ? fallback : *value;
}

const std::string& Json::as_string() const {
  static const std::string empty;
  const std::string* value = std::get_if<std::string>(&value_);
  return value == nullptr ? empty : *value;
}

const Json::Array& Json::as_array() const {
  static const Array empty;
  const Array* value = std::get_if<Array>(&value_);
  return value == nullptr ? empty : *value;
}

const Json::Object& Json::as_object() const {
  static const Object empty;
  const Object* value = std::get_if<Object>(&value_);
  return value == nullptr ? empty : *value;
}

const Json& Json::operator[](std::string_view name) const {
  static const Json null;
  for (const Member& member : as_object()) {
    if (member.first == name) return member.second;
  }
  return null;
}

bool Json::has(std::string_view name) const {
  const Object& members = as_object();
  return std::any_of(members.begin(), members.end(),
                     [&](const Member& member) { return member.first == name; });
}

Json& Json::set(std::string name, Json value) {
  if (is_null()) value_ = Object{};
  WEIR_CHECK(is_object(), "Json::set needs an object");
  auto& members = std::get<Object>(value_);
  const auto there = std::find_if(members.begin(), members.end(),
                                  [&](const Member& member) { return member.first == name; });
  if (there != members.end()) {
    there->second = std::move(value);
  } else {
    members.emplace_back(std::move(name), std::move(value));
  }
  return *this;
}

Json& Json::push(Json value) {
  if (is_null()) value_ = Array{};
  WEIR_CHECK(is_array(), "Json::push needs an array");
  std::get<Array>(value_).push_back(std::move(value));
  return *this;
}

std::string Json::to_string() const {
  std::string out;
  Writer(out, false).write(*this, 0);
  return out;
}

std::string Json::to_pretty_string() const {
  std::string out;
  Writer(out, true).write(*this, 0);
  return out;
}

Result<Json> Json::parse(std::string_view text) {
  bj::parse_options options;
  options.max_depth = max_depth;
  bj::basic_parser<Builder> parser(options);
  bj::error_code error;
  const size_t consumed = parser.write_some(false, text.data(), text.size(), error);
  if (!error && consumed < text.size()) error = bj::error::extra_data;
  if (!error) return std::move(parser.handler().root);
  const std::string& problem = parser.handler().problem;
  return fail(ErrorCode::invalid_input,
              "not valid JSON: " + (problem.empty() ? describe(error) : problem), {},
              location_of(text, consumed));
}

}  // namespace weir::text
