#include "mysql/load_target.h"

#include <map>

#include "mysql/type_fit.h"

namespace weir::mysql {
namespace {

/// "datetime(3)" → 3, "datetime" → 0.
int digits_of_second(const std::string& type) {
  const size_t open = type.find('(');
  return open == std::string::npos ? 0 : type[open + 1] - '0';
}

bool is_moment(TypeKind kind) {
  return kind == TypeKind::time || kind == TypeKind::timestamp || kind == TypeKind::timestamptz;
}

/// "enum('a','it''s')" → a, it's.
std::vector<std::string> enum_spellings(const std::string& type) {
  std::vector<std::string> spellings;
  for (size_t at = type.find('\''); at < type.size(); at = type.find('\'', at)) {
    std::string& spelling = spellings.emplace_back();
    for (++at; at < type.size(); ++at) {
      if (type[at] == '\'' && (at + 1 >= type.size() || type[++at] != '\'')) break;
      spelling += type[at];
    }
  }
  return spellings;
}

void note_bends(const std::string& type, RowColumn& column) {
  const bool is_text = column.type.kind == TypeKind::varchar;
  if (is_text && type.starts_with("char")) column.bends = RowColumn::Bends::drops_blanks;
  if (is_text && type.starts_with("enum")) {
    column.bends = RowColumn::Bends::respells;
    column.spellings = enum_spellings(type);
  }
  if (column.type.kind == TypeKind::bytes && type.starts_with("binary(")) {
    column.bends = RowColumn::Bends::fills_up;
    column.size = std::stoul(type.substr(7));
  }
}

Result<RowColumn> row_column(const server::BulkTarget::Column& column, const std::string& type) {
  // The server warns of what does not fit, but not of that.
  if (loses_digits(column.type, type)) {
    return fail(ErrorCode::invalid_input,
                "column '" + column.name + "' is " + type +
                    " on the server, which loses digits of " + column.type.to_string(),
                "change the column on the server, or the type in the project");
  }
  if (type.starts_with("set(")) {
    return fail(ErrorCode::invalid_input,
                "column '" + column.name +
                    "' is a set on the server, which puts values in its own "
                    "order",
                "change the column on the server to varchar");
  }
  RowColumn result{column.name, column.type};
  note_bends(type, result);
  const bool keeps_time =
      type.starts_with("datetime") || type.starts_with("timestamp") || type.starts_with("time");
  if (is_moment(column.type.kind) && keeps_time) result.fraction = digits_of_second(type);
  return result;
}

}  // namespace

Result<LoadTarget> load_target(Session& session, const server::BulkTarget& target) {
  LoadTarget result;
  if (!target.schema.empty()) result.table = session.quote_identifier(target.schema) + ".";
  result.table += session.quote_identifier(target.table);
  const server::Rows shown = WEIR_TRY(session.query("SHOW COLUMNS FROM " + result.table, {}));
  std::map<std::string, std::string> types;
  for (size_t i = 0; i < shown.size(); ++i) types[shown.text(i, 0)] = shown.text(i, 1);

  std::string names;
  for (const auto& column : target.columns) {
    const auto found = types.find(column.name);
    if (found == types.end()) {
      return fail(ErrorCode::invalid_input,
                  "table " + result.table + " has no column '" + column.name + "'",
                  "add it on the server; names count with their case");
    }
    result.columns.push_back(WEIR_TRY(row_column(column, found->second)));
    const std::string name = session.quote_identifier(column.name);
    names += (names.empty() ? "" : ", ") + name;
    const std::string variable = "@v" + std::to_string(result.columns.size());
    std::string value;
    // In a file of text bytes would be read as characters.
    if (column.type.kind == TypeKind::bytes) value = "UNHEX(" + variable + ")";
    if (found->second.starts_with("bit")) value = "CAST(" + variable + " AS UNSIGNED)";
    result.column_list +=
        (result.column_list.empty() ? "" : ", ") + (value.empty() ? name : variable);
    if (value.empty()) continue;
    result.assignments += (result.assignments.empty() ? " SET " : ", ") + name + " = " + value;
  }
  result.column_list = "(" + result.column_list + ")";
  result.insert = "INSERT INTO " + result.table + " (" + names + ") VALUES ";
  return result;
}

}  // namespace weir::mysql
