#include <algorithm>
#include <array>

#include "base/edit_distance.h"
#include "config/rule.h"

namespace weir::config {
namespace {

constexpr std::string_view blanks = " \t\n";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
}

tl::unexpected<Error> broken(size_t offset, std::string message, std::string fix) {
  return fail(ErrorCode::invalid_project, std::move(message), std::move(fix), {"", 0, int(offset)});
}

/// Offset behind the quoted text that begins at `begin`; npos when it is never closed.
size_t quoted_end(std::string_view text, size_t begin) {
  const char quote = text[begin];
  for (size_t i = begin + 1; i < text.size(); ++i) {
    if (text[i] != quote) continue;
    if (i + 1 == text.size() || text[i + 1] != quote) return i + 1;
    ++i;
  }
  return std::string_view::npos;
}

bool is_quote(char c) { return c == '\'' || c == '"'; }

/// The text at `separator`s outside quotes and brackets.
Result<std::vector<ColumnPiece>> split(std::string_view text, char separator) {
  std::vector<ColumnPiece> pieces;
  std::vector<size_t> open;
  size_t begin = 0;
  const auto add = [&](size_t end) {
    const std::string_view piece = text.substr(begin, end - begin);
    const size_t lead = std::min(piece.find_first_not_of(blanks), piece.size());
    pieces.push_back({trimmed(piece), begin + lead});
    begin = end + 1;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_quote(c)) {
      const size_t end = quoted_end(text, i);
      if (end == std::string_view::npos) {
        return broken(i, "this quote is never closed", std::string("add the closing ") + c);
      }
      i = end - 1;
    } else if (c == '(') {
      open.push_back(i);
    } else if (c == ')') {
      if (open.empty()) return broken(i, "this ')' closes nothing", "remove it, or add the '('");
      open.pop_back();
    } else if (c == separator && open.empty()) {
      add(i);
    }
  }
  if (!open.empty()) return broken(open.back(), "this '(' is never closed", "add the ')'");
  add(text.size());
  return pieces;
}

/// `'it''s'` → it's; bare text stays.
Result<Operand> parse_operand(std::string_view text, size_t offset) {
  if (text.empty()) return broken(offset, "a value is missing here", "write it, or '' for empty");
  if (!is_quote(text[0])) return Operand{std::string(text), Operand::Quotes::no};
  const size_t end = quoted_end(text, 0);
  if (end != text.size()) {
    return broken(offset + std::min(end, text.size()), "text behind the closing quote",
                  "a quote inside quotes is written twice");
  }
  Operand out{{}, Operand::Quotes::yes};
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    out.text += text[i];
    if (text[i] == text[0]) ++i;
  }
  return out;
}

struct Comparison {
  std::string_view written;
  std::string_view sql;
};
constexpr std::array comparisons = {
    Comparison{">=", ">="}, Comparison{"<=", "<="}, Comparison{"!=", "<>"}, Comparison{"<>", "<>"},
    Comparison{"==", "="},  Comparison{"=", "="},   Comparison{">", ">"},   Comparison{"<", "<"}};

struct Keyword {
  std::string_view word;
  RuleKind kind;
};
constexpr std::array keywords = {Keyword{"required", RuleKind::required},
                                 Keyword{"key", RuleKind::key},
                                 Keyword{"unique", RuleKind::unique},
                                 Keyword{"references", RuleKind::references},
                                 Keyword{"in", RuleKind::in},
                                 Keyword{"matches", RuleKind::matches},
                                 Keyword{"default", RuleKind::default_},
                                 Keyword{"check", RuleKind::check}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? char(c | 32) : c;
  return out;
}

bool is_letter(char c) { return ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_'; }

Result<RuleEntry> parse_in(RuleEntry rule, std::string_view rest, size_t offset) {
  if (rest.size() < 2 || rest.front() != '(' || rest.back() != ')') {
    return broken(offset, "'in' needs its values in brackets", "write in (a, b)");
  }
  const std::string_view inner = rest.substr(1, rest.size() - 2);
  for (const ColumnPiece& piece : WEIR_TRY(split(inner, ','))) {
    rule.operands.push_back(WEIR_TRY(parse_operand(piece.text, offset + 1 + piece.offset)));
  }
  return rule;
}

/// What stands behind the rule's word.
Result<RuleEntry> parse_argument(RuleEntry rule, std::string_view word, std::string_view rest,
                                 size_t offset) {
  const std::string name(word);
  switch (rule.kind) {
    case RuleKind::required:
    case RuleKind::key:
    case RuleKind::unique:
      if (rest.empty()) return rule;
      return broken(offset, "'" + name + "' takes nothing behind it",
                    "separate rules with '|': " + name + " | " + std::string(rest));
    case RuleKind::in: return parse_in(std::move(rule), rest, offset);
    case RuleKind::check:
      if (rest.empty())
        return broken(offset, "'check' needs an SQL condition", "e.g. check (a < b)");
      rule.predicate = rest;
      return rule;
    case RuleKind::matches:
      if (rest.empty() || !is_quote(rest[0])) {
        return broken(offset, "'matches' needs a regular expression in quotes",
                      "e.g. matches '[A-Z]{2}'");
      }
      break;
    case RuleKind::references: {
      auto operands = parse_reference(rest);
      if (!operands) {
        Error error = operands.error();
        error.location.column += static_cast<int>(offset);
        return fail(std::move(error));
      }
      rule.operands = *std::move(operands);
      return rule;
    }
    case RuleKind::default_:
      if (rest.empty()) return broken(offset, "'default' needs a value", "e.g. default 0");
      if (is_quote(rest[0]) && quoted_end(rest, 0) == rest.size()) break;
      rule.operands.push_back({std::string(rest), Operand::Quotes::no});  // an SQL expression
      return rule;
    case RuleKind::compare: break;
  }
  rule.operands.push_back(WEIR_TRY(parse_operand(rest, offset)));
  return rule;
}

}  // namespace

Result<std::vector<ColumnPiece>> split_column(std::string_view text) { return split(text, '|'); }

Result<std::vector<Operand>> parse_reference(std::string_view text) {
  if (text.empty()) {
    return broken(0, "'references' needs the name of a table", "e.g. references customers");
  }
  const size_t quoted = is_quote(text[0]) ? quoted_end(text, 0) : 0;
  const size_t bracket = quoted == std::string_view::npos ? quoted : text.find('(', quoted);
  const std::string_view table = trimmed(text.substr(0, bracket));
  std::vector<Operand> operands = {WEIR_TRY(parse_operand(table, 0))};
  if (bracket == std::string_view::npos) return operands;
  const std::string_view rest = text.substr(bracket + 1);
  const std::string_view column = trimmed(rest.substr(0, rest.find_last_of(')')));
  if (!text.ends_with(')') || column.empty() ||
      (!is_quote(column[0]) && column.find_first_of(",()") != std::string_view::npos)) {
    return broken(bracket, "'references' takes one column in its brackets",
                  "e.g. references customers(email)");
  }
  operands.push_back(
      WEIR_TRY(parse_operand(column, static_cast<size_t>(column.data() - text.data()))));
  return operands;
}

namespace {

Result<RuleEntry> parse_bare_rule(std::string_view text) {
  RuleEntry rule;
  rule.text = text;
  if (text.empty()) return broken(0, "a rule is missing between two '|'", "remove one '|'");
  for (const Comparison& comparison : comparisons) {
    if (!text.starts_with(comparison.written)) continue;
    const size_t begin =
        std::min(text.find_first_not_of(blanks, comparison.written.size()), text.size());
    rule.kind = RuleKind::compare;
    rule.comparison = comparison.sql;
    if (begin == text.size()) {
      return broken(0, "'" + std::string(comparison.written) + "' needs a value behind it",
                    "e.g. " + std::string(comparison.written) + " 0");
    }
    const std::string_view rest = text.substr(begin);
    if (is_quote(rest[0]) && quoted_end(rest, 0) != rest.size()) {
      rule.operands.push_back({std::string(rest), Operand::Quotes::no});  // an SQL expression
    } else {
      rule.operands.push_back(WEIR_TRY(parse_operand(rest, begin)));
    }
    return rule;
  }
  size_t end = 0;
  while (end < text.size() && is_letter(text[end])) ++end;
  const std::string word = lower(text.substr(0, end));
  for (const Keyword& keyword : keywords) {
    if (keyword.word != word) continue;
    rule.kind = keyword.kind;
    const size_t begin = std::min(text.find_first_not_of(blanks, end), text.size());
    return parse_argument(std::move(rule), word, text.substr(begin), begin);
  }
  std::vector<std::string_view> known;
  for (const Keyword& keyword : keywords) known.push_back(keyword.word);
  const std::optional<std::string_view> near = nearest(word, known);
  return broken(0, "unknown rule '" + std::string(text.substr(0, 60)) + "'",
                near
                    ? "did you mean '" + std::string(*near) + "'?"
                    : "rules are required, key, unique, references T, in (…), matches '…', default "
                      "…, check (…), and comparisons such as >= 0");
}

}  // namespace

Result<RuleEntry> parse_rule(std::string_view text) {
  // No rule begins with a quote: around a whole rule they are there for YAML's or the reader's
  // sake.
  if (text.size() < 2 || text[0] != '"' || quoted_end(text, 0) != text.size()) {
    return parse_bare_rule(text);
  }
  const Operand inside = WEIR_TRY(parse_operand(text, 0));
  auto rule = parse_bare_rule(trimmed(inside.text));
  if (rule) return rule;
  Error error = rule.error();
  error.location.column = std::min(error.location.column + 1, static_cast<int>(text.size()));
  return fail(std::move(error));
}

}  // namespace weir::config
