#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/project.h"
#include "pipeline/resources.h"

namespace weir::pipeline {

/// A load that a row came from, or may have come from.
struct RowOrigin {
  std::string run;
  std::string pipeline;
  std::string object;  ///< "bucket/key"; empty for a pipeline that begins with sql
  std::string version;
  std::string loaded_at;
  std::optional<uint64_t> element;  ///< ordinal of the record in the input, from 1
  std::optional<uint64_t> line;     ///< where the record stands, when the object can still say
  std::string raw;                  ///< the record's text, at most 4096 bytes
  std::string problem;              ///< it was rejected for this first …
  std::string mended;               ///< … and mended to this (a JSON object) …
  std::string replayed_by;          ///< … in this run
  std::string note;                 ///< what cannot be told, and why
};

struct RowHistory {
  bool lineage = false;  ///< false: the table does not say which; these are its latest loads
  std::vector<RowOrigin> origins;
};

/// Where the rows of a table with this key come from: row, run, object, version, record. `key` has
/// the values of the table's key in their order, or "column=value" for any columns.
/// Errors: usage (table or key do not fit), not_found (no such row), sql, io.
Result<RowHistory> trace_row(const Project& project, Resources& resources, const std::string& table,
                             const std::vector<std::string>& key);

}  // namespace weir::pipeline
