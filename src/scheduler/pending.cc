#include "scheduler/pending.h"

#include <algorithm>
#include <map>
#include <set>

#include "base/log.h"
#include "scheduler/known_cursor.h"

namespace weir::scheduler {
namespace {

struct Found {
  ObjectRef object;
  int64_t mtime_ns = 0;
};

/// The bucket's patterns of one pipeline.
std::map<BucketName, std::vector<std::string>> patterns_of(const Pipeline& pipeline) {
  std::map<BucketName, std::vector<std::string>> patterns;
  for (const Trigger& trigger : pipeline.triggers) {
    if (const auto* object = std::get_if<ObjectTrigger>(&trigger)) {
      patterns[object->bucket].push_back(object->pattern);
    }
  }
  return patterns;
}

/// Finds the pending objects of one pipeline.
class PendingSearch {
 public:
  PendingSearch(const Pipeline& pipeline, pipeline::Resources& resources, runlog::RunLog& log,
                bool force)
      : pipeline_(pipeline), resources_(resources), log_(log), force_(force) {}

  /// Oldest change first, then by key.
  Result<std::vector<Found>> run() {
    if (!force_) {
      const auto failed = WEIR_TRY(log_.last_failed(pipeline_.name));
      failed_.insert(failed.begin(), failed.end());
    }
    for (const auto& [bucket, patterns] : patterns_of(pipeline_)) {
      WEIR_TRY(search(bucket, patterns));
    }
    std::ranges::sort(found_, [](const Found& a, const Found& b) {
      return std::tie(a.mtime_ns, a.object) < std::tie(b.mtime_ns, b.object);
    });
    return std::move(found_);
  }

 private:
  Result<void> search(const BucketName& name, const std::vector<std::string>& patterns) {
    const auto entry = resources_.buckets.find(name);
    if (entry == resources_.buckets.end()) {
      return fail(ErrorCode::not_found, "there is no bucket '" + name.value() + "'");
    }
    objects::Bucket& bucket = *entry->second;
    KnownCursor known(log_, pipeline_.name, name);
    Result<bool> pending = true;
    WEIR_TRY(bucket.list_any(patterns, [&](const objects::ObjectStat& stat) {
      pending = is_pending(name, stat, known);
      if (!pending) return false;
      if (!*pending) return true;
      if (bucket.is_being_written(stat.key)) {
        log::warning("{}/{} is left out: it is still being written", name.value(),
                     stat.key.value());
      } else {
        found_.push_back({{name, stat.key}, stat.mtime_ns});
      }
      return true;
    }));
    if (!pending) return fail(std::move(pending).error());
    return {};
  }

  Result<bool> is_pending(const BucketName& bucket, const objects::ObjectStat& stat,
                          KnownCursor& known) const {
    if (force_) return true;
    const bool knows = WEIR_TRY(known.knows(stat));
    return !knows || failed_.contains({bucket, stat.key});
  }

  const Pipeline& pipeline_;
  pipeline::Resources& resources_;
  runlog::RunLog& log_;
  const bool force_;
  std::set<ObjectRef> failed_;
  std::vector<Found> found_;
};

}  // namespace

Run make_manual_run(const Pipeline& pipeline, const std::optional<ObjectRef>& object,
                    Timestamp now) {
  Run run;
  run.id = new_run_id(now);
  run.pipeline = pipeline.name;
  run.object = object;
  run.trigger = "manual";
  run.priority = pipeline.priority;
  run.scheduled_for = now;
  run.created = now;
  return run;
}

Result<std::vector<Run>> pending_runs(const Pipeline& pipeline, pipeline::Resources& resources,
                                      runlog::RunLog& log, const Clock& clock, bool force) {
  const bool reads =
      std::any_of(pipeline.steps.begin(), pipeline.steps.end(),
                  [](const Step& step) { return std::holds_alternative<ReadStep>(step); });
  if (!reads) {
    std::vector runs = {make_manual_run(pipeline, std::nullopt, clock.now())};
    runs.front().force = force && pipeline.download() != nullptr;
    return runs;
  }

  if (patterns_of(pipeline).empty()) {
    return fail(ErrorCode::usage,
                "pipeline '" + pipeline.name.value() + "' reads, but no trigger names its objects",
                "say which with --object BUCKET/KEY", pipeline.location);
  }
  auto found = WEIR_TRY(PendingSearch(pipeline, resources, log, force).run());
  std::vector<Run> runs;
  for (Found& object : found) {
    Run& run = runs.emplace_back(make_manual_run(pipeline, std::move(object.object), clock.now()));
    run.force = force;
  }
  return runs;
}

}  // namespace weir::scheduler
