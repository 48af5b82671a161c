#pragma once

#include "doctor/finding.h"
#include "doctor/machine.h"
#include "model/project.h"
#include "secrets/key_file.h"

namespace weir::doctor {

/// `.weir/<env>`: there, ours, closed to others, writable. A problem here keeps every other verb
/// from working.
Findings check_state_folder(const Project& project);
/// Who owns the project now.
Findings check_owner(const Project& project);
/// Every secret that the project names can be had, and the key is safe.
Findings check_secrets(const Project& project, const secrets::SecretPlaces& places);
/// Each bucket can be listed and, as far as its rights say, written: one that a pipeline downloads
/// into has to be.
Findings check_buckets(const Project& project);
/// The zones of all schedules are known.
Findings check_time_zones(const Project& project);

}  // namespace weir::doctor
