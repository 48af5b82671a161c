#include "config/resolve_case_rows.h"

#include <algorithm>
#include <filesystem>

#include "text/written_value.h"

namespace weir::config {
namespace {

std::string of(const CaseSubject& subject) {
  return " of " + subject.rows + " in test '" + subject.test + "'";
}

/// SQL does not tell upper and lower case apart.
const CaseColumn* find_column(const std::vector<CaseColumn>& columns, const std::string& name) {
  const auto at = std::find_if(columns.begin(), columns.end(), [&](const CaseColumn& column) {
    return folded(column.name) == folded(name);
  });
  return at == columns.end() ? nullptr : &*at;
}

/// The cell in its type's spelling.
CaseValue typed_value(const CaseValue& written, const CaseColumn& column,
                      const CaseSubject& subject, Reader& reader) {
  CaseValue value = written;
  if (value.kind == CaseValue::Kind::null) return value;
  const bool holds_json = column.type.kind == TypeKind::json || column.type.kind == TypeKind::list;
  if (value.kind == CaseValue::Kind::json && !holds_json) {
    reader.error(value.location,
                 "column '" + column.name + "'" + of(subject) + " is " + column.type.to_string() +
                     ", and holds no list and no map",
                 "write one value");
    return value;
  }
  Result<std::string> spelled = text::written_value(column.type, value.text);
  if (!spelled) {
    reader.error(value.location,
                 spelled.error().message + " (column '" + column.name + "'" + of(subject) + ")",
                 spelled.error().fix);
    return value;
  }
  value.text = *std::move(spelled);
  return value;
}

CaseRow resolve_row(const Located<CaseRowEntry>& entry, const std::vector<CaseColumn>& columns,
                    CaseValues values, const CaseSubject& subject, Reader& reader) {
  CaseRow row;
  row.location = entry.location;
  for (const Named<CaseValue>& cell : entry.value) {
    const CaseColumn* column = find_column(columns, cell.name);
    if (column == nullptr) {
      reader.error(cell.location, "unknown column '" + cell.name + "'" + of(subject),
                   suggestion(cell.name, names_of(columns)));
      continue;
    }
    if (row.find(column->name) != nullptr) {
      reader.error(cell.location, "column '" + column->name + "'" + of(subject) + " is there twice",
                   "keep one of the two");
      continue;
    }
    CaseValue value =
        values == CaseValues::any ? cell.value : typed_value(cell.value, *column, subject, reader);
    row.cells.push_back({column->name, std::move(value), cell.location});
  }
  return row;
}

}  // namespace

std::vector<CaseRow> resolve_case_rows(const std::vector<Located<CaseRowEntry>>& entries,
                                       const std::vector<CaseColumn>& columns, CaseValues values,
                                       const CaseSubject& subject, Reader& reader) {
  std::vector<CaseRow> rows;
  for (const Located<CaseRowEntry>& entry : entries) {
    rows.push_back(resolve_row(entry, columns, values, subject, reader));
  }
  return rows;
}

CaseRows resolve_table_rows(const CaseRowsEntry& entry, const Table& table,
                            const CaseSubject& subject, Reader& reader) {
  CaseRows out;
  out.location = entry.location;
  if (entry.file) out.file = resolve_case_file(*entry.file, subject, reader);
  std::vector<CaseColumn> columns;
  for (const Column& column : table.columns) columns.push_back({column.name, column.type});
  if (entry.rows) {
    out.rows = resolve_case_rows(*entry.rows, columns, CaseValues::of_the_type, subject, reader);
  }
  return out;
}

void check_given_rows(const CaseRows& rows, const Table& table, const CaseSubject& subject,
                      Reader& reader) {
  for (const CaseRow& row : rows.rows) {
    for (const Column& column : table.columns) {
      const bool needed = column.required() || std::find(table.key.begin(), table.key.end(),
                                                         column.name) != table.key.end();
      const CaseCell* cell = row.find(column.name);
      if (!needed || (cell != nullptr && cell->value.kind != CaseValue::Kind::null)) continue;
      reader.error(cell != nullptr ? cell->value.location : row.location,
                   "a row" + of(subject) + " has no value for column '" + column.name +
                       "', which is required",
                   "add " + column.name + ": VALUE");
    }
  }
}

void check_same_columns(const CaseRows& rows, const CaseSubject& subject, Reader& reader) {
  if (rows.rows.empty()) return;
  const CaseRow& first = rows.rows.front();
  const auto lacking = [](const CaseRow& from, const CaseRow& other) -> const CaseCell* {
    const auto at = std::find_if(from.cells.begin(), from.cells.end(), [&](const CaseCell& cell) {
      return other.find(cell.column) == nullptr;
    });
    return at == from.cells.end() ? nullptr : &*at;
  };
  for (const CaseRow& row : rows.rows) {
    if (const CaseCell* cell = lacking(first, row)) {
      reader.error(row.location,
                   "a row" + of(subject) + " lacks the column '" + cell->column +
                       "', which the first row has",
                   "rows that are compared name the same columns: add " + cell->column + ": null");
    } else if (const CaseCell* more = lacking(row, first)) {
      reader.error(more->location,
                   "a row" + of(subject) + " has the column '" + more->column +
                       "', which the first row lacks",
                   "rows that are compared name the same columns: add it to the others");
    }
  }
}

CaseFile resolve_case_file(const Located<std::string>& file, const CaseSubject& subject,
                           Reader& reader) {
  const std::filesystem::path path = std::filesystem::path(file.value).lexically_normal();
  if (file.value.empty() || path.is_absolute() || *path.begin() == "..") {
    reader.error(
        file.location,
        "the file '" + file.value + "'" + of(subject) + " is not below the project's folder",
        "write a path like fixtures/rows.csv");
  }
  return {path.string(), file.location};
}

}  // namespace weir::config
