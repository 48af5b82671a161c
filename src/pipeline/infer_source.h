#pragma once

#include <filesystem>

#include "base/result.h"
#include "config/init_project.h"

namespace weir::pipeline {

/// Looks at the first megabytes of a sample once, so that `weir init --from` can write down what it
/// saw: format by the name's ending (.csv .tsv .json .ndjson .jsonl, also .gz and .zst), delimiter,
/// header, and per column the narrowest type whose spelling every value has. What could be an
/// identifier (leading zeros, more digits than a bigint) stays text.
/// Errors: not_found, io, invalid_input (no records, no known ending).
Result<config::InferredSource> infer_source(const std::filesystem::path& sample);

}  // namespace weir::pipeline
