#include <fmt/format.h>

#include <algorithm>

#include "base/edit_distance.h"
#include "cli/answer.h"
#include "cli/frames.h"
#include "cli/wait_for_runs.h"
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

}  // namespace

Result<void> answer_run(const text::Json& args, Services& services, owner::FrameSink& sink) {
  if (args.has("runs")) {
    scheduler::Dispatcher& dispatcher = *WEIR_TRY(services.dispatcher());
    WEIR_TRY(wait_for_runs(accepted_runs(args), dispatcher, sink));
    return {};
  }
  const std::vector<Run> runs = WEIR_TRY(asked_runs(args, services));
  if (runs.empty()) {
    sink.send(accepted_frame({}));
    return {};
  }
  scheduler::Dispatcher& dispatcher = *WEIR_TRY(services.dispatcher());
  WEIR_TRY(wait_for_runs(distinct(WEIR_TRY(dispatcher.submit(runs))), dispatcher, sink));
  return {};
}

}  // namespace weir::cli
