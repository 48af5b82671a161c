#pragma once

#include "config/api_entry.h"
#include "config/history_entry.h"
#include "config/operation_entry.h"
#include "config/pipeline_entry.h"
#include "config/storage_entry.h"
#include "config/table_entry.h"
#include "config/tests_entry.h"
#include "config/traces_entry.h"
#include "model/project.h"

namespace weir::config {

/// The least `memory:` weir works in.
constexpr uint64_t least_memory_bytes = 128'000'000;

/// The whole of weir.yaml as written.
struct ProjectEntry {
  Located<std::string> project;
  Located<uint64_t> memory{Project{}.memory_bytes, {}};
  LogEntry log;
  std::optional<AdminEntry> admin;
  std::optional<ApiEntry> api;
  HistoryEntry history;
  std::optional<TracesEntry> traces;
  NetworkEntry network;
  std::vector<Named<DatabaseEntry>> databases;
  std::vector<Named<BucketEntry>> buckets;
  std::vector<Named<TableEntry>> tables;
  std::vector<Named<PipelineEntry>> pipelines;
  std::vector<Named<TestEntry>> tests;
  std::optional<Later> later;
};

/// The description everything else derives from: parser, diagnostics, schema, reference.
const Value<ProjectEntry>& project_value();

}  // namespace weir::config
