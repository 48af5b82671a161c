#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "cases/text_rows.h"
#include "model/project.h"
#include "model/test_case.h"

namespace weir::cases {

/// The bytes of a file that a case names. Errors: not_found (where the case names it), io.
Result<std::string> read_fixture(const CaseFile& file, const std::filesystem::path& root);

/// Files that the project's cases name and that are not there: one not_found per place.
std::vector<Error> missing_fixtures(const Project& project);

/// The rows of a file: JSON objects when it begins with [ or {, else CSV whose header names columns
/// of the table; there an empty cell without quotes is NULL.
/// Errors: not_found, io; invalid_input with file:line.
Result<TextRows> read_fixture_file(const CaseFile& file, const Table& table,
                                   const std::filesystem::path& root);

/// Whether its rows are JSON objects.
bool holds_json(std::string_view bytes);

}  // namespace weir::cases
