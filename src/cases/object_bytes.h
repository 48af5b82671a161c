#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/pipeline.h"
#include "model/test_case.h"

namespace weir::cases {

/// The bytes of a given object: those of its file, its text, or its rows in the format and the
/// columns of the step that reads it. Text and rows are packed where that step will unpack them.
/// Errors: not_found, io; invalid_input (a value that the CSV dialect cannot hold).
Result<std::string> object_bytes(const GivenObject& object, const ReadStep& read,
                                 const std::vector<ReadColumn>& columns,
                                 const std::filesystem::path& root);

}  // namespace weir::cases
