#include "config/column_entry.h"

namespace weir::config {
namespace {

/// A value inside a rule, as a YAML scalar of any type.
Value<Located<Operand>> operand_value() {
  Value<Located<Operand>> out;
  out.outline.type = "a value";
  out.outline.schema = text::Json::object().set(
      "type", text::Json::array().push("string").push("number").push("boolean"));
  out.read = [type = out.outline.type](const YamlNode& node,
                                       Reader& reader) -> std::optional<Located<Operand>> {
    std::optional<std::string> text = reader.text(node, type);
    if (!text) return std::nullopt;
    return Located<Operand>{{*std::move(text), Operand::Quotes::no}, node.location};
  };
  return out;
}

RuleEntry flag(RuleKind kind, std::string text, const Location& location) {
  RuleEntry rule;
  rule.kind = kind;
  rule.text = std::move(text);
  rule.location = location;
  return rule;
}

void add_comparison(ColumnEntry& column, const std::optional<Located<Operand>>& operand,
                    std::string comparison) {
  if (!operand) return;
  RuleEntry rule =
      flag(RuleKind::compare, comparison + " " + operand->value.text, operand->location);
  rule.comparison = comparison == "!=" ? "<>" : std::move(comparison);
  rule.operands = {operand->value};
  column.rules.push_back(std::move(rule));
}

/// Writes the map form as the rules of the string form.
void make_rules(const YamlNode&, ColumnEntry& column, Reader& reader) {
  const auto add = [&](RuleEntry rule) { column.rules.push_back(std::move(rule)); };
  if (column.key.value) add(flag(RuleKind::key, "key", column.key.location));
  if (column.required.value) add(flag(RuleKind::required, "required", column.required.location));
  if (column.unique.value) add(flag(RuleKind::unique, "unique", column.unique.location));
  if (column.references) {
    const auto& [parent, location] = *column.references;
    RuleEntry rule = flag(RuleKind::references, "references " + parent, location);
    if (auto operands = parse_reference(parent)) {
      rule.operands = *std::move(operands);
      add(std::move(rule));
    } else {
      reader.error(location, operands.error().message + " (" + reader.subject() + ")",
                   operands.error().fix);
    }
  }
  if (column.in) {
    std::string list;
    RuleEntry rule = flag(RuleKind::in, "", {});
    for (const Located<Operand>& operand : *column.in) {
      if (list.empty()) rule.location = operand.location;
      list += (list.empty() ? "" : ", ") + operand.value.text;
      rule.operands.push_back(operand.value);
    }
    rule.text = "in (" + list + ")";
    add(std::move(rule));
  }
  if (column.matches) {
    const auto& [pattern, location] = *column.matches;
    RuleEntry rule = flag(RuleKind::matches, "matches '" + pattern + "'", location);
    rule.operands = {{pattern, Operand::Quotes::yes}};
    add(std::move(rule));
  }
  add_comparison(column, column.equal, "=");
  add_comparison(column, column.unequal, "!=");
  add_comparison(column, column.less, "<");
  add_comparison(column, column.at_most, "<=");
  add_comparison(column, column.greater, ">");
  add_comparison(column, column.at_least, ">=");
  if (column.default_) {
    const auto& [operand, location] = *column.default_;
    RuleEntry rule = flag(RuleKind::default_, "default " + operand.text, location);
    rule.operands = {operand};
    add(std::move(rule));
  }
  if (column.check) {
    RuleEntry rule =
        flag(RuleKind::check, "check (" + column.check->text + ")", column.check->location);
    rule.predicate = column.check->text;
    add(std::move(rule));
  }
}

/// Reports an error of a piece of the string form at its own column.
void report(const Error& error, size_t offset, const YamlNode& node, Reader& reader) {
  reader.error(offset_location(node, offset), error.message + " (" + reader.subject() + ")",
               error.fix);
}

std::optional<ColumnEntry> parse_short_form(const Located<std::string>& text, const YamlNode& node,
                                            Reader& reader) {
  const Result<std::vector<ColumnPiece>> pieces = split_column(text.value);
  if (!pieces) {
    report(pieces.error(), size_t(pieces.error().location.column), node, reader);
    return std::nullopt;
  }
  ColumnEntry column;
  const ColumnPiece& first = pieces->front();
  if (Result<DataType> type = parse_data_type(first.text)) {
    column.type = {*std::move(type), offset_location(node, first.offset)};
  } else {
    report(type.error(), first.offset, node, reader);
  }
  for (size_t i = 1; i < pieces->size(); ++i) {
    const ColumnPiece& piece = (*pieces)[i];
    Result<RuleEntry> rule = parse_rule(piece.text);
    if (!rule) {
      report(rule.error(), piece.offset + size_t(rule.error().location.column), node, reader);
      continue;
    }
    rule->location = offset_location(node, piece.offset);
    column.rules.push_back(*std::move(rule));
  }
  return column;
}

}  // namespace

Value<ColumnEntry> column_value() {
  const Value<Located<Operand>> operand = operand_value();
  const Value<Located<std::string>> text = text_value("text");
  const Value<ColumnEntry> full =
      Record<ColumnEntry>("column",
                          "A column of the dictionary: its type and its rules. The short "
                          "form is one text: `type | rule | rule`. In YAML, keys that are signs "
                          "need quotes: `\">=\": 0`.")
          .required("type", &ColumnEntry::type, data_type_value(), "The column's type.",
                    "\"decimal(20,0)\"")
          .optional("required", &ColumnEntry::required, boolean_value(),
                    "Rejects rows without a value.", "true")
          .optional("key", &ColumnEntry::key, boolean_value(),
                    "The column is part of the table's key.", "true")
          .optional("unique", &ColumnEntry::unique, boolean_value(),
                    "No two rows have the same value; rows without one do not count.", "true")
          .optional("references", &ColumnEntry::references, text,
                    "The table whose key the value must be, or table and column: "
                    "`customers(email)`.",
                    "customers")
          .optional("in", &ColumnEntry::in, list(operand), "The values allowed.", "[new, paid]")
          .optional("matches", &ColumnEntry::matches, text,
                    "A regular expression (RE2) that the whole text must match.", "\"[A-Z]{2}\"")
          .optional("=", &ColumnEntry::equal, operand, "The value must equal this.", "1")
          .optional("!=", &ColumnEntry::unequal, operand, "The value must differ from this.", "0")
          .optional("<", &ColumnEntry::less, operand, "The value must be less.", "100")
          .optional("<=", &ColumnEntry::at_most, operand, "The value must be this or less.", "100")
          .optional(">", &ColumnEntry::greater, operand, "The value must be greater.", "0")
          .optional(">=", &ColumnEntry::at_least, operand, "The value must be this or greater.",
                    "0")
          .optional("default", &ColumnEntry::default_, operand,
                    "What stands in for a value that is missing, where the read step says so: a "
                    "value or an SQL expression (DuckDB) without columns.",
                    "0")
          .optional(
              "check", &ColumnEntry::check, sql_value("an SQL condition"),
              "An SQL condition (DuckDB) over the table's columns; a row for which it is false "
              "is rejected.",
              "ends >= starts")
          .then(make_rules)
          .value();
  return with_short_form<ColumnEntry, Located<std::string>>(
      full, text_value("a type with its rules, such as bigint | required | >= 0"),
      [](Located<std::string> brief, const YamlNode& node, Reader& reader) {
        return parse_short_form(brief, node, reader);
      });
}

}  // namespace weir::config
