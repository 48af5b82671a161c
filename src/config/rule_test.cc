#include "config/rule.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

DataType type_of(std::string_view text) {
  const Result<DataType> type = parse_data_type(text);
  EXPECT_TRUE(type) << text;
  return *type;
}

/// "predicate | argument", or "offset: message; fix".
std::string compiled(std::string_view text, std::string_view type = "varchar",
                     std::string_view column = "c") {
  Result<RuleEntry> entry = parse_rule(text);
  if (!entry) {
    const Error& error = entry.error();
    return std::to_string(error.location.column) + ": " + error.message + "; " + error.fix;
  }
  EXPECT_EQ(entry->text, text);
  const Result<Rule> rule = compile_rule(*entry, column, type_of(type));
  if (!rule) return rule.error().message + "; " + rule.error().fix;
  EXPECT_EQ(rule->text, text);
  return rule->argument.empty() ? rule->predicate : rule->predicate + "| " + rule->argument;
}

struct RuleCase {
  std::string_view text;
  std::string_view type;
  std::string expected;
};

TEST(Rule, CompilesToSqlByTheColumnsType) {
  const RuleCase cases[] = {
      {">= 0", "integer", R"("c" >= 0)"},
      {">=-1.5e3", "double", R"("c" >= (-1.5e3))"},
      {"!= 0", "bigint", R"("c" <> 0)"},
      {"<> 0", "bigint", R"("c" <> 0)"},
      {"== 1", "bigint", R"("c" = 1)"},
      {"< 100000000000000000000000000000000000000", "decimal(38,0)",
       R"("c" < 100000000000000000000000000000000000000)"},
      {"<= other + 1", "integer", R"("c" <= (other + 1))"},
      {"> '2024-01-01'", "date", R"("c" > CAST('2024-01-01' AS date))"},
      {"> 2024-01-01", "date", R"("c" > CAST('2024-01-01' AS date))"},
      {"<= current_date", "date", R"("c" <= (current_date))"},
      {">= 2024-01-01 10:00", "timestamp", R"("c" >= CAST('2024-01-01 10:00' AS timestamp))"},
      {"< 12:30:00", "time", R"("c" < CAST('12:30:00' AS time))"},
      {"= TRUE", "boolean", R"("c" = true)"},
      {"= a b", "varchar", R"("c" = 'a b')"},
      {"= 'it''s'", "varchar", R"("c" = 'it''s')"},
      {"= 5", "varchar(3)", R"("c" = '5')"},
      {"in (a, b)", "varchar", R"("c" IN ('a', 'b'))"},
      {"IN ('a, b', \"c|d\", e f)", "varchar", R"("c" IN ('a, b', 'c|d', 'e f'))"},
      {"in (1,-2 , 3.5)", "decimal(5,1)", R"("c" IN (1, (-2), 3.5))"},
      {"in(true,False)", "boolean", R"("c" IN (true, false))"},
      {"in ('')", "varchar", R"("c" IN (''))"},
      {"in (0b1f8b6e-7c6e-4b0e-9e0a-2c1d3e4f5a6b)", "uuid",
       R"("c" IN (CAST('0b1f8b6e-7c6e-4b0e-9e0a-2c1d3e4f5a6b' AS uuid)))"},
      {"matches '[A-Z]{2}|x''y'", "varchar", R"(regexp_full_match("c", '[A-Z]{2}|x''y'))"},
      {"check (a > b)", "json", "(a > b)"},
      {"required", "json", ""},
      {"unique", "bigint", ""},
      {"references customers", "bigint", "| customers"},
      {"references customers (email)", "varchar", "| customers"},
      {"references 'two words'( \"e (mail)\" )", "varchar", "| two words"},
      {"default 0", "bigint", "| 0"},
      {"default now()", "timestamp", "| now()"},
      {"default pending", "varchar", "| 'pending'"},
      {"default 'a''b'", "varchar", "| 'a''b'"},
      {"default upper('x')", "varchar", "| upper('x')"},
      {"default current_date", "varchar", "| current_date"},
      {"default 2024-01-01", "date", "| CAST('2024-01-01' AS date)"},
      {"default null", "varchar", "| null"},
  };
  for (const RuleCase& each : cases) {
    EXPECT_EQ(compiled(each.text, each.type), each.expected) << each.text;
  }
  EXPECT_EQ(compiled("> 0", "integer", "we\"ird"), R"("we""ird" > 0)");
}

TEST(Rule, MayStandInDoubleQuotes) {
  const std::pair<const char*, const char*> cases[] = {
      {"\">= 1\"", ">= 1"},
      {"\"in ('a', \"\"b\"\")\"", "in ('a', \"b\")"},
      {"\" required \"", "required"},
      {"\"check (a < \"\"b\"\")\"", "check (a < \"b\")"}};
  for (const auto& [written, meant] : cases) {
    const auto quoted = parse_rule(written);
    const auto bare = parse_rule(meant);
    ASSERT_TRUE(quoted && bare) << written;
    EXPECT_EQ(quoted->text, meant);
    EXPECT_EQ(quoted->kind, bare->kind);
    EXPECT_EQ(quoted->comparison, bare->comparison);
    EXPECT_EQ(quoted->predicate, bare->predicate);
    EXPECT_EQ(quoted->operands.size(), bare->operands.size());
  }
  EXPECT_FALSE(parse_rule("\"\"\"required\"\"\""));
  EXPECT_FALSE(parse_rule("\"required\" key"));
}

TEST(Rule, TellsWhatIsWrong) {
  const RuleCase cases[] = {
      {"requierd", "varchar", "0: unknown rule 'requierd'; did you mean 'required'?"},
      {"frobnicate", "varchar",
       "0: unknown rule 'frobnicate'; rules are required, key, unique, references T, in (…), "
       "matches "
       "'…', default …, check (…), and comparisons such as >= 0"},
      {"", "varchar", "0: a rule is missing between two '|'; remove one '|'"},
      {"required key", "varchar",
       "9: 'required' takes nothing behind it; separate rules with '|': required | key"},
      {">=", "integer", "0: '>=' needs a value behind it; e.g. >= 0"},
      {"in a, b", "varchar", "3: 'in' needs its values in brackets; write in (a, b)"},
      {"in (a,,b)", "varchar", "6: a value is missing here; write it, or '' for empty"},
      {"in ('a'b)", "varchar",
       "7: text behind the closing quote; a quote inside quotes is written "
       "twice"},
      {"in (1, x)", "integer", "'x' is no integer; values of this column look like 42"},
      {"in (2024-1-1)", "date",
       "'2024-1-1' is no date; values of this column look like 2024-12-31"},
      {"> 'x'", "integer", "'x' is no integer; values of this column look like 42"},
      {"> 1", "json", "a column of type json cannot be compared; use check with an SQL condition"},
      {"in (a)", "json[]",
       "a column of type json[] cannot be compared; use check with an SQL condition"},
      {"matches x", "varchar",
       "8: 'matches' needs a regular expression in quotes; e.g. matches '[A-Z]{2}'"},
      {"matches 'x'", "integer",
       "'matches' fits text, not integer; use check with an SQL condition"},
      {"check", "varchar", "0: 'check' needs an SQL condition; e.g. check (a < b)"},
      {"default", "varchar", "0: 'default' needs a value; e.g. default 0"},
      {"\"default\"", "varchar", "8: 'default' needs a value; e.g. default 0"},
      {"references", "varchar",
       "0: 'references' needs the name of a table; e.g. references customers"},
  };
  for (const RuleCase& each : cases) {
    std::string got = compiled(each.text, each.type);
    // Behind the word, at the end of the text: the offset is not what is tested.
    if (each.expected.starts_with("0: '")) got = "0: " + got.substr(got.find(' ') + 1);
    EXPECT_EQ(got, each.expected) << each.text;
  }
}

std::string pieces(std::string_view text) {
  const Result<std::vector<ColumnPiece>> split = split_column(text);
  if (!split) {
    return std::to_string(split.error().location.column) + ": " + split.error().message + "; " +
           split.error().fix;
  }
  std::string out;
  for (const ColumnPiece& piece : *split) {
    out += "[" + std::string(piece.text) + "@" + std::to_string(piece.offset) + "]";
  }
  return out;
}

TEST(Rule, BarsSplitOutsideQuotesAndBrackets) {
  EXPECT_EQ(pieces("bigint"), "[bigint@0]");
  EXPECT_EQ(pieces(" decimal(5, 2)  |required"), "[decimal(5, 2)@1][required@17]");
  EXPECT_EQ(pieces("varchar | matches 'a|b' | in (x|y, \"p|q\")"),
            "[varchar@0][matches 'a|b'@10][in (x|y, \"p|q\")@26]");
  EXPECT_EQ(pieces("varchar | | x"), "[varchar@0][@10][x@12]");
  EXPECT_EQ(pieces("varchar | matches 'a"), "18: this quote is never closed; add the closing '");
  EXPECT_EQ(pieces("varchar | in (a"), "13: this '(' is never closed; add the ')'");
  EXPECT_EQ(pieces("varchar | a)"), "11: this ')' closes nothing; remove it, or add the '('");
}

}  // namespace
}  // namespace weir::config
