#include "config/row_step_entry.h"

namespace weir::config {
namespace {

/// The names of columns of the rows so far.
Value<std::vector<Located<std::string>>> columns_value() {
  return list(text_value("the name of a column"));
}

void check_dedupe(const YamlNode& node, DedupeEntry& entry, Reader& reader) {
  const DedupeKeep keep = entry.keep.value;
  const bool ordered = keep == DedupeKeep::newest || keep == DedupeKeep::oldest;
  if (ordered && node.find("order_by") == nullptr) {
    reader.error(entry.keep.location,
                 "'order_by' is missing: by what is a row the " +
                     std::string(keep == DedupeKeep::newest ? "newest" : "oldest") + "?",
                 "add order_by: an SQL expression, such as updated_at");
  }
  if (!ordered && entry.order_by) {
    reader.error(entry.order_by->location,
                 "'order_by' goes with keep: newest or oldest; first and last go by input order",
                 "remove it, or change keep");
  }
  if (node.find("by") != nullptr && entry.by.empty()) {
    reader.error(entry.location, "'by' of 'dedupe' names no column",
                 "name the columns that tell rows apart");
  }
}

Named<SqlText> unnamed_rule(SqlText sql) {
  Named<SqlText> rule;
  rule.name = sql.text;
  rule.location = sql.location;
  rule.value = std::move(sql);
  return rule;
}

}  // namespace

Value<UnnestEntry> unnest_value() {
  const Value<UnnestEntry> full =
      Record<UnnestEntry>("unnest",
                          "One row per element of a list column; the other columns are repeated.")
          .required("column", &UnnestEntry::column, text_value("the name of a column"),
                    "The list column; its elements take its place.", "hit")
          .optional("as", &UnnestEntry::as, text_value("the name of a column"),
                    "What the elements are called. Left out: as the list was.", "h")
          .optional("keep_empty", &UnnestEntry::keep_empty, boolean_value(),
                    "A row whose list is empty or null stays, with a null element; else it is "
                    "filtered.",
                    "true")
          .value();
  return with_short_form<UnnestEntry, Located<std::string>>(
      full, text_value("the name of a column"),
      [](Located<std::string> column, const YamlNode&, Reader&) -> std::optional<UnnestEntry> {
        UnnestEntry entry;
        entry.location = column.location;
        entry.column = std::move(column);
        return entry;
      });
}

Value<DedupeEntry> dedupe_value() {
  return Record<DedupeEntry>("dedupe",
                             "Of the rows of one input with equal `by` one stays; the others count "
                             "as deduplicated.")
      .required("by", &DedupeEntry::by, columns_value(), "The columns that tell rows apart.",
                "[id]")
      .optional("keep", &DedupeEntry::keep,
                choice_value<DedupeKeep>({{"first", DedupeKeep::first},
                                          {"last", DedupeKeep::last},
                                          {"newest", DedupeKeep::newest},
                                          {"oldest", DedupeKeep::oldest}}),
                "Which one: the first or last of the input, or the newest or oldest by `order_by`, "
                "where equal ones go by input order.",
                "newest")
      .optional("order_by", &DedupeEntry::order_by, sql_value("an SQL expression"),
                "How new a row is (DuckDB). A row for which it is null gives way to any other.",
                "updated_at")
      .then(check_dedupe)
      .value();
}

Value<AggregateEntry> aggregate_value() {
  return Record<AggregateEntry>("aggregate",
                                "One row per group of an input's rows; the others count as folded.")
      .optional("by", &AggregateEntry::by, columns_value(),
                "The columns that make a group; they stay. Left out: all rows are one group.",
                "[city]")
      .required("columns", &AggregateEntry::columns,
                named(any_name("output column"), sql_value("an SQL expression")),
                "The groups' new columns: `column: SQL expression` (DuckDB) of aggregates over "
                "the columns before.",
                "{rows: count(*), total: sum(amount)}")
      .value();
}

Value<CheckEntry> check_value() {
  const Value<SqlText> one = sql_value("an SQL condition");
  const auto many = list(one);
  const auto by_name = named(any_name("check"), one);
  Value<CheckEntry> out;
  out.outline = either_outline(either_outline(one.outline, many.outline), by_name.outline);
  out.read = [one, many, by_name](const YamlNode& node,
                                  Reader& reader) -> std::optional<CheckEntry> {
    CheckEntry entry;
    if (node.kind == YamlKind::map) {
      auto rules = by_name.read(node, reader);
      if (!rules) return std::nullopt;
      entry.rules = *std::move(rules);
    } else if (node.kind == YamlKind::sequence) {
      auto rules = many.read(node, reader);
      if (!rules) return std::nullopt;
      for (SqlText& rule : *rules) entry.rules.push_back(unnamed_rule(std::move(rule)));
    } else {
      auto rule = one.read(node, reader);
      if (!rule) return std::nullopt;
      entry.rules.push_back(unnamed_rule(*std::move(rule)));
    }
    return entry;
  };
  return out;
}

}  // namespace weir::config
