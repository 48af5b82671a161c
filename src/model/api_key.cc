#include "model/api_key.h"

#include <algorithm>

namespace weir {
namespace {

bool holds(const std::vector<std::string>& names, std::string_view wanted) {
  return names.empty() || std::ranges::find(names, wanted) != names.end();
}

}  // namespace

bool KeyScopes::allows_rows(std::string_view table) const { return rows && holds(tables, table); }

bool KeyScopes::allows_query(std::string_view query) const {
  return queries && holds(named_queries, query);
}

}  // namespace weir
