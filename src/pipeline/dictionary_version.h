#pragma once

#include <string>

#include "model/pipeline.h"
#include "model/table.h"

namespace weir::pipeline {

/// What a row was judged by, in 17 characters: "1f0c9a77-b2e4410d". The first half is a digest of
/// the table's columns, rules and key, the second of the pipeline's steps. Equal versions mean the
/// same contract; it does not change with comments, layout or where things stand in the file.
std::string dictionary_version(const Table& table, const Pipeline& pipeline);

/// The half about the steps.
std::string_view steps_version(std::string_view dictionary_version);

}  // namespace weir::pipeline
