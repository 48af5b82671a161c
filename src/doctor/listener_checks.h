#pragma once

#include "doctor/finding.h"
#include "model/project.h"

namespace weir::doctor {

/// Whether `weir up` could answer monitoring where the project says; one that already does, may.
/// Nothing for projects that do not say.
Findings check_admin_address(const Project& project);

}  // namespace weir::doctor
