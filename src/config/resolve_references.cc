#include <algorithm>

#include "config/resolve.h"

namespace weir::config {
namespace {

/// Types whose values can be compared without either losing anything.
int kind_of(const DataType& type) {
  switch (type.kind) {
    case TypeKind::tinyint:
    case TypeKind::smallint:
    case TypeKind::integer:
    case TypeKind::bigint:
    case TypeKind::hugeint: return static_cast<int>(TypeKind::integer);
    case TypeKind::real:
    case TypeKind::double_: return static_cast<int>(TypeKind::double_);
    default: return static_cast<int>(type.kind);
  }
}

/// One `references` rule.
class ReferenceCheck {
 public:
  ReferenceCheck(const Table& table, const Column& column, const Rule& rule,
                 const Resolving& resolving)
      : table_(table), column_(column), rule_(rule), resolving_(resolving) {}

  void run() const {
    if (find_entry(resolving_.entry.tables, rule_.argument) == nullptr) {
      return error("unknown table '" + rule_.argument + "' in " + place(),
                   suggestion(rule_.argument, names_of(resolving_.entry.tables)));
    }
    const Table* parent = resolving_.project.find_table(TableName(rule_.argument));
    if (parent == nullptr) return;  // its own errors are enough
    if (parent->database != table_.database) {
      return error(place() + " references table '" + rule_.argument + "' of another database",
                   "keep both in one database");
    }
    const std::string name = column_name(*parent);
    if (name.empty()) return;
    const Column* found = parent->find_column(name);
    if (found == nullptr) {
      return error("unknown column '" + name + "' of table '" + rule_.argument + "' in " + place(),
                   suggestion(name, names_of(parent->columns)));
    }
    if (column_.type.kind == TypeKind::json || column_.type.kind == TypeKind::list) {
      return error(place() + " is " + column_.type.to_string() +
                       ", and values of that type cannot be compared",
                   "take another column");
    }
    if (kind_of(found->type) != kind_of(column_.type)) {
      error(place() + " is " + column_.type.to_string() + " and references a " +
                found->type.to_string(),
            "make the two one kind of type");
    }
  }

 private:
  std::string place() const {
    return "column '" + column_.name + "' of table '" + table_.name.value() + "'";
  }
  void error(const std::string& message, const std::string& fix) const {
    resolving_.reader.error(rule_.location, message, fix);
  }
  /// Empty: reported.
  std::string column_name(const Table& parent) const {
    if (!rule_.column.empty()) return rule_.column;
    if (parent.key.size() == 1) return parent.key.front();
    const std::string fix = "name the column: references " + rule_.argument + "(COLUMN)";
    if (parent.key.empty()) {
      error("table '" + rule_.argument + "' has no key that " + place() + " could reference", fix);
    } else {
      error("the key of table '" + rule_.argument + "' has several columns, and " + place() +
                " can reference one",
            fix);
    }
    return {};
  }

  const Table& table_;
  const Column& column_;
  const Rule& rule_;
  const Resolving& resolving_;
};

}  // namespace

void check_references(const Resolving& resolving) {
  for (const Table& table : resolving.project.tables) {
    for (const Column& column : table.columns) {
      for (const Rule& rule : column.rules) {
        if (rule.kind != RuleKind::references) continue;
        ReferenceCheck(table, column, rule, resolving).run();
      }
    }
  }
}

}  // namespace weir::config
