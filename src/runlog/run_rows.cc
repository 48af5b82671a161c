#include "runlog/run_rows.h"

namespace weir::runlog {

// The statements spell states as these numbers, and they are on disk: never renumber.
static_assert(static_cast<int>(RunState::queued) == 0 && static_cast<int>(RunState::running) == 1 &&
              static_cast<int>(RunState::succeeded) == 2 &&
              static_cast<int>(RunState::partial) == 3 && static_cast<int>(RunState::failed) == 4 &&
              static_cast<int>(RunState::skipped) == 5 && static_cast<int>(RunState::parked) == 6);

int64_t to_integer(RunState state) { return static_cast<int64_t>(state); }
int64_t to_integer(Timestamp time) { return time.time_since_epoch().count(); }
Timestamp to_time(int64_t microseconds) {
  return Timestamp(std::chrono::microseconds(microseconds));
}

std::string_view bucket_of(const std::optional<ObjectRef>& object) {
  return object ? std::string_view(object->bucket.value()) : std::string_view();
}

std::string_view key_of(const std::optional<ObjectRef>& object) {
  return object ? std::string_view(object->key.value()) : std::string_view();
}

std::optional<ObjectRef> object_from(std::string_view bucket, std::string_view key) {
  if (bucket.empty()) return std::nullopt;
  return ObjectRef{BucketName(std::string(bucket)), ObjectKey(std::string(key))};
}

Run read_run(const Query& row) {
  const auto time = [&row](int column) -> std::optional<Timestamp> {
    return row.is_null(column) ? std::nullopt : std::optional(to_time(row.integer(column)));
  };
  Run run;
  run.id = RunId(std::string(row.text(0)));
  run.pipeline = PipelineName(std::string(row.text(1)));
  run.object = object_from(row.text(2), row.text(3));
  run.trigger = row.text(4);
  run.force = row.integer(5) != 0;
  run.state = static_cast<RunState>(row.integer(6));
  run.tries = static_cast<int>(row.integer(7));
  run.failures = static_cast<int>(row.integer(8));
  run.priority = static_cast<int>(row.integer(9));
  run.scheduled_for = to_time(row.integer(10));
  run.created = to_time(row.integer(11));
  run.not_before = time(12);
  run.started = time(13);
  run.finished = time(14);
  run.error = row.text(15);
  run.receipt = row.text(16);
  return run;
}

}  // namespace weir::runlog
