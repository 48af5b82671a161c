#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/edit_distance.h"
#include "cli/answer.h"
#include "cli/frames.h"
#include "cli/run_receipt.h"
#include "scheduler/pending.h"

namespace weir::cli {
namespace {

Result<const Pipeline*> find_pipeline(const Project& project, const std::string& name) {
  if (const Pipeline* pipeline = project.find_pipeline(PipelineName(name))) return pipeline;
  std::vector<std::string_view> names;
  for (const Pipeline& pipeline : project.pipelines) names.push_back(pipeline.name.value());
  const auto near = nearest(name, names);
  return fail(ErrorCode::usage, "there is no pipeline '" + name + "'",
              near ? fmt::format("did you mean '{}'?", *near)
                   : fmt::format("the project has: {}", fmt::join(names, ", ")));
}

Result<ObjectRef> parse_object(const Project& project, const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size()) {
    return fail(ErrorCode::usage, "--object '" + text + "' is no BUCKET/KEY",
                "for example --object landing/2017/a.json");
  }
  ObjectRef object{BucketName(text.substr(0, slash)), ObjectKey(text.substr(slash + 1))};
  if (project.find_bucket(object.bucket) == nullptr) {
    std::vector<std::string_view> names;
    for (const BucketConfig& bucket : project.buckets) names.push_back(bucket.name.value());
    return fail(
        ErrorCode::usage, "there is no bucket '" + object.bucket.value() + "'",
        fmt::format("--object is BUCKET/KEY, and the buckets are: {}", fmt::join(names, ", ")));
  }
  const std::string& key = object.key.value();
  const bool climbs = key == ".." || key.starts_with("../") || key.ends_with("/..") ||
                      key.find("/../") != std::string::npos;
  if (key.starts_with('/') || climbs) {
    return fail(ErrorCode::usage, "'" + key + "' is no key: it leaves its bucket");
  }
  return object;
}

bool reads_objects(const Pipeline& pipeline) {
  return std::any_of(pipeline.steps.begin(), pipeline.steps.end(),
                     [](const Step& step) { return std::holds_alternative<ReadStep>(step); });
}

Result<std::vector<Run>> asked_runs(const text::Json& args, Services& services) {
  const Pipeline& pipeline =
      *WEIR_TRY(find_pipeline(services.project(), args["pipeline"].as_string()));
  const bool force = args["force"].as_bool();
  const auto& objects = args["objects"].as_array();
  if (objects.empty()) return services.pending_runs(pipeline, force);
  if (!reads_objects(pipeline)) {
    return fail(ErrorCode::usage,
                fmt::format("pipeline '{}' reads no object", pipeline.name.value()),
                "leave --object out");
  }
  std::vector<Run> runs;
  for (const text::Json& text : objects) {
    const ObjectRef object = WEIR_TRY(parse_object(services.project(), text.as_string()));
    Run run = scheduler::make_manual_run(pipeline, object, services.clock().now());
    run.force = force;
    runs.push_back(std::move(run));
  }
  return runs;
}

/// Each id once, in order: two inputs may have been folded into one run.
std::vector<RunId> distinct(const std::vector<RunId>& ids) {
  std::set<RunId> seen;
  std::vector<RunId> out;
  for (const RunId& id : ids) {
    if (seen.insert(id).second) out.push_back(id);
  }
  return out;
}

/// Sends progress, not more often than a person can look.
class ProgressFrames {
 public:
  explicit ProgressFrames(owner::FrameSink& sink) : sink_(sink) {}
  /// False: nobody reads any more.
  bool send(const RunsProgress& progress) {
    const auto now = std::chrono::steady_clock::now();
    if (now - last_ < std::chrono::milliseconds(100)) return true;
    last_ = now;
    return sink_.send(progress_frame(progress));
  }

 private:
  owner::FrameSink& sink_;
  std::chrono::steady_clock::time_point last_{};
};

Result<void> wait_for(const std::vector<RunId>& ids, scheduler::Dispatcher& dispatcher,
                      owner::FrameSink& sink) {
  RunsProgress progress;
  progress.total = ids.size();
  ProgressFrames frames(sink);
  bool read = sink.send(accepted_frame(ids));
  for (const RunId& id : ids) {
    if (!read) return {};  // the runs are durable: they go on without a reader
    progress.run = id;
    progress.bytes_read = progress.bytes_total = progress.rows_read = 0;
    const Run run = WEIR_TRY(dispatcher.wait(id, [&](const scheduler::RunProgress& now) {
      progress.bytes_read = now.bytes_read;
      progress.bytes_total = now.bytes_total;
      progress.rows_read = now.rows_read;
      read = read && frames.send(progress);
    }));
    ++progress.done;
    read = read && sink.send(receipt_frame(receipt_of_run(run))) && frames.send(progress);
  }
  return {};
}

}  // namespace

Result<void> answer_run(const text::Json& args, Services& services, owner::FrameSink& sink) {
  if (args.has("runs")) {
    scheduler::Dispatcher& dispatcher = *WEIR_TRY(services.dispatcher());
    return wait_for(accepted_runs(args), dispatcher, sink);
  }
  const std::vector<Run> runs = WEIR_TRY(asked_runs(args, services));
  if (runs.empty()) {
    sink.send(accepted_frame({}));
    return {};
  }
  scheduler::Dispatcher& dispatcher = *WEIR_TRY(services.dispatcher());
  return wait_for(distinct(WEIR_TRY(dispatcher.submit(runs))), dispatcher, sink);
}

}  // namespace weir::cli
