#pragma once

#include "cases/case_result.h"
#include "model/project.h"
#include "pipeline/resources.h"

namespace weir::cases {

/// Every problem of every rejected row against those that the test lists; a listed one may name a
/// part of a problem. Errors: those of reading the quarantine.
Result<void> compare_rejects(const Project& scratch, pipeline::Resources& resources,
                             CaseResult& result);

}  // namespace weir::cases
