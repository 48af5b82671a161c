#include "scheduler/pending.h"

#include <algorithm>
#include <map>
#include <set>

namespace weir::scheduler {
namespace {

struct Found {
  ObjectRef object;
  int64_t mtime_ns = 0;
};

bool same_state(const runlog::KnownObject& known, const objects::ObjectStat& stat) {
  return known.size_bytes == stat.size_bytes && known.mtime_ns == stat.mtime_ns &&
         known.ctime_ns == stat.ctime_ns && known.inode == stat.inode;
}

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

Result<void> find_in_bucket(const Pipeline& pipeline, const BucketName& name,
                            const std::vector<std::string>& patterns,
                            pipeline::Resources& resources, runlog::RunLog& log, bool force,
                            std::vector<Found>& found) {
  const auto bucket = resources.buckets.find(name);
  if (bucket == resources.buckets.end()) {
    return fail(ErrorCode::not_found, "there is no bucket '" + name.value() + "'");
  }
  std::map<ObjectKey, runlog::KnownObject> known;
  std::set<ObjectRef> failed;
  if (!force) {
    WEIR_TRY(log.for_each_known(pipeline.name, name, [&](const runlog::KnownObject& object) {
      known.emplace(object.object.key, object);
    }));
    const auto objects = WEIR_TRY(log.last_failed(pipeline.name));
    failed.insert(objects.begin(), objects.end());
  }
  return bucket->second->list_any(patterns, [&](const objects::ObjectStat& stat) {
    const ObjectRef object{name, stat.key};
    const auto before = known.find(stat.key);
    const bool done =
        before != known.end() && same_state(before->second, stat) && !failed.contains(object);
    if (force || !done) found.push_back({object, stat.mtime_ns});
    return true;
  });
}

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
  if (!reads) return std::vector{make_manual_run(pipeline, std::nullopt, clock.now())};

  std::vector<Found> found;
  for (const auto& [bucket, patterns] : patterns_of(pipeline)) {
    WEIR_TRY(find_in_bucket(pipeline, bucket, patterns, resources, log, force, found));
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::tie(a.mtime_ns, a.object) < std::tie(b.mtime_ns, b.object);
  });
  std::vector<Run> runs;
  for (Found& object : found) {
    Run& run = runs.emplace_back(make_manual_run(pipeline, std::move(object.object), clock.now()));
    run.force = force;
  }
  return runs;
}

}  // namespace weir::scheduler
