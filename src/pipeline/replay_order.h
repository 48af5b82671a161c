#pragma once

#include <filesystem>
#include <string>

#include "pipeline/quarantine.h"

namespace weir::pipeline {

/// Which rejects are to be judged again, and how they were mended.
struct ReplayOrder {
  RejectedRun rejected;
  std::filesystem::path file;  ///< of mended rows; empty: as they are kept
  std::string file_name;       ///< what errors call it
  bool others = false;         ///< with a file: also the rejects that it does not hold
};

}  // namespace weir::pipeline
