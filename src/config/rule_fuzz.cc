// The short form of a column, `type | rule | rule`: whatever stands there, pieces lie inside the
// text and lose nothing but bars and blanks, errors point into it, a type reads back as it is
// spelled, and a rule that compiles names the column it is for.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "config/rule.h"

namespace weir::config {
namespace {

constexpr const char* types[] = {"bigint", "decimal(10,2)", "double", "varchar(5)", "boolean",
                                 "date",   "timestamptz",   "uuid",   "bytes",      "json[]"};

void check_pieces(std::string_view text, const std::vector<ColumnPiece>& pieces) {
  WEIR_CHECK(!pieces.empty(), "a column has a first piece");
  size_t end = 0;
  for (const ColumnPiece& piece : pieces) {
    WEIR_CHECK(piece.offset >= end && piece.offset + piece.text.size() <= text.size(),
               "pieces are in order and inside the text");
    WEIR_CHECK(text.substr(piece.offset, piece.text.size()) == piece.text,
               "a piece is where it says");
    WEIR_CHECK(text.substr(end, piece.offset - end).find_first_not_of("| \t\r\n") ==
                   std::string_view::npos,
               "only bars and blanks are lost");
    end = piece.offset + piece.text.size();
  }
  WEIR_CHECK(text.substr(end).find_first_not_of(" \t\r\n") == std::string_view::npos,
             "the end is not lost");
}

void check_type(std::string_view text) {
  const auto type = parse_data_type(text);
  if (!type) return;
  const auto again = parse_data_type(type->to_string());
  WEIR_CHECK(again && *again == *type, "a type reads back as it is spelled");
}

void check_rule(std::string_view text) {
  const auto rule = parse_rule(text);
  if (!rule) {
    const int column = rule.error().location.column;
    WEIR_CHECK(column >= 0 && static_cast<size_t>(column) <= text.size(),
               "an error points into the rule");
    WEIR_CHECK(!rule.error().message.empty(), "an error says what is wrong");
    return;
  }
  for (const char* type : types) {
    const auto compiled = compile_rule(*rule, "a \"b", *parse_data_type(type));
    if (!compiled) continue;
    WEIR_CHECK(compiled->kind == rule->kind && compiled->text == rule->text,
               "a compiled rule is the one that was written");
    const bool named = rule->kind == RuleKind::in || rule->kind == RuleKind::matches ||
                       rule->kind == RuleKind::compare;
    WEIR_CHECK(!named || compiled->predicate.find("\"a \"\"b\"") != std::string::npos,
               "a predicate names its column, quoted");
    WEIR_CHECK(compiled->kind != RuleKind::default_ || !compiled->argument.empty(),
               "a default has a value");
  }
}

}  // namespace
}  // namespace weir::config

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_type(text);
  check_rule(text);
  const auto pieces = split_column(text);
  if (!pieces) return 0;
  check_pieces(text, *pieces);
  check_type(pieces->front().text);
  for (size_t i = 1; i < pieces->size(); ++i) check_rule((*pieces)[i].text);
  return 0;
}
