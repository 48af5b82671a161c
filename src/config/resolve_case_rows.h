#pragma once

#include <string>
#include <vector>

#include "config/resolve.h"
#include "model/test_case.h"

namespace weir::config {

/// A column that rows of a test may name.
struct CaseColumn {
  std::string name;
  DataType type;
};

/// Who the rows belong to, for messages: "table 'hired'", "test 'dirty history'".
struct CaseSubject {
  std::string rows;
  std::string test;
};

/// The rows as the model knows them, checked against the columns: names, and whether values have a
/// spelling of the type. With `any_value` values stay as they are written: they are to be judged.
enum class CaseValues { of_the_type, any };
std::vector<CaseRow> resolve_case_rows(const std::vector<Located<CaseRowEntry>>& entries,
                                       const std::vector<CaseColumn>& columns, CaseValues values,
                                       const CaseSubject& subject, Reader& reader);

CaseRows resolve_table_rows(const CaseRowsEntry& entry, const Table& table,
                            const CaseSubject& subject, Reader& reader);

/// Rows to be put into a table: those that are required must be named.
void check_given_rows(const CaseRows& rows, const Table& table, const CaseSubject& subject,
                      Reader& reader);
/// Rows to be compared: each names the same columns.
void check_same_columns(const CaseRows& rows, const CaseSubject& subject, Reader& reader);

/// A path below the project's folder.
CaseFile resolve_case_file(const Located<std::string>& file, const CaseSubject& subject,
                           Reader& reader);

}  // namespace weir::config
