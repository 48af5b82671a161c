#pragma once

#include <vector>

#include "model/project.h"

namespace weir::doctor {

/// What the loads of a project do to a table, and so what their user has to be allowed.
struct NeededRights {
  const Table* table = nullptr;
  bool insert = false;
  bool update = false;
  bool remove = false;  ///< SELECT is always needed
};

/// Of each table in the database that a pipeline loads or a loaded table references.
std::vector<NeededRights> needed_rights(const Project& project, const DatabaseName& database);

}  // namespace weir::doctor
