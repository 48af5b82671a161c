#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/pipeline.h"

namespace weir::config {

/// What `weir init` calls a project: like its folder.
std::string project_name(const std::filesystem::path& folder);

/// Writes a small, commented project that validates and runs as it is: weir.yaml, landing/ with a
/// sample file, .gitignore. Creates the folder. Returns the files written;
/// `starter_project_pipeline` is what `weir run` takes. Errors: already_exists (before anything is
/// written), io.
Result<std::vector<std::filesystem::path>> write_starter_project(
    const std::filesystem::path& folder);

constexpr const char* starter_project_pipeline = "load-orders";

/// What a look at a sample file told.
struct InferredSource {
  Format format = Format::json;
  CsvDialect dialect;                         ///< of csv
  JsonLayout layout = JsonLayout::automatic;  ///< of json
  std::vector<ReadColumn> columns;            ///< the source's names and types, in order
  std::string sample_file_name;               ///< "orders.csv"; its ending becomes the trigger
  std::string table_name;                     ///< made an identifier where it is none
};

/// A commented weir.yaml for files like the sample: database, bucket, table, pipeline. Validates
/// whatever the names are; columns whose names differ in case only get a number.
std::string starter_project_yaml(const std::string& name, const InferredSource& source);

}  // namespace weir::config
