#pragma once

#include <string>

#include "base/result.h"
#include "model/project.h"

namespace weir {

/// What somebody asked for by name. Errors: usage, with a did-you-mean or the names there are.
Result<const Table*> named_table(const Project& project, const std::string& name);
Result<const Pipeline*> named_pipeline(const Project& project, const std::string& name);

}  // namespace weir
