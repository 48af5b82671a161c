#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/run.h"
#include "runlog/sqlite_connection.h"

namespace weir::runlog {

// How values lie in the file: times as microseconds since 1970, no object as bucket '' and key ''.

int64_t to_integer(RunState state);
int64_t to_integer(Timestamp time);
Timestamp to_time(int64_t microseconds);

std::string_view bucket_of(const std::optional<ObjectRef>& object);
std::string_view key_of(const std::optional<ObjectRef>& object);
std::optional<ObjectRef> object_from(std::string_view bucket, std::string_view key);

/// A row of sql::select_runs.
Run read_run(const Query& row);

}  // namespace weir::runlog
