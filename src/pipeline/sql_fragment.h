#pragma once

#include <optional>
#include <string>

#include "base/error.h"

namespace weir::pipeline {

/// Whether `sql` can stand inside brackets in a larger statement without reaching out of them:
/// brackets that close, no semicolon, and no run variable in quotes, where nothing would replace
/// it by a value. Gives what is wrong. Its grammar is for DuckDB to judge.
std::optional<Error> check_fragment(const std::string& sql);

/// Names that begin with weir_, in any case, are weir's own columns and functions.
bool is_reserved_name(const std::string& name);

/// Whether two names are one to DuckDB, which takes upper and lower case of ASCII as the same.
bool same_name(const std::string& a, const std::string& b);
/// An order in which names that are the same are equal.
struct NameLess {
  bool operator()(const std::string& a, const std::string& b) const;
};

/// Whether the fragment looks into tables (has a subquery).
bool reads_tables(const std::string& sql);

}  // namespace weir::pipeline
