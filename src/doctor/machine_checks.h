#pragma once

#include "doctor/finding.h"
#include "doctor/machine.h"
#include "model/project.h"

namespace weir::doctor {

/// The file systems that the project's state, databases and buckets lie on.
Findings check_disks(const Project& project, const Machine& machine);
/// `memory:` against what the machine and the process's control group have.
Findings check_memory(const Project& project, const Machine& machine);
/// Whether the time is kept right, and no file of the project comes from the future.
Findings check_clock(const Project& project, const Machine& machine);
/// What the kernel lets weir watch, against the folders there are.
Findings check_watches(const Project& project, const Machine& machine);
Findings check_open_files(const Machine& machine);

}  // namespace weir::doctor
