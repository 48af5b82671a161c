#include "cli/asked_runs.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/project_lookup.h"
#include "scheduler/dispatch_rules.h"
#include "scheduler/pending.h"

namespace weir::cli {
namespace {

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

}  // namespace

Result<void> reach_databases(const PipelineName& pipeline, Services& services) {
  pipeline::Resources& resources = *WEIR_TRY(services.resources());
  const auto rules = scheduler::dispatch_rules(services.project());
  for (const DatabaseName& database : rules.of(pipeline).databases) {
    WEIR_TRY(resources.databases->open_workshop(database));
  }
  return {};
}

Result<AskedRuns> asked_runs(const text::Json& args, Services& services) {
  AskedRuns asked;
  asked.pipeline = WEIR_TRY(named_pipeline(services.project(), args["pipeline"].as_string()));
  const Pipeline& pipeline = *asked.pipeline;
  const bool force = args["force"].as_bool();
  const auto& objects = args["objects"].as_array();
  if (objects.empty()) {
    asked.runs = WEIR_TRY(services.pending_runs(pipeline, force));
    return asked;
  }
  if (!reads_objects(pipeline)) {
    return fail(ErrorCode::usage,
                fmt::format("pipeline '{}' reads no object", pipeline.name.value()),
                "leave --object out");
  }
  for (const text::Json& text : objects) {
    const ObjectRef object = WEIR_TRY(parse_object(services.project(), text.as_string()));
    Run run = scheduler::make_manual_run(pipeline, object, services.clock().now());
    run.force = force;
    asked.runs.push_back(std::move(run));
  }
  return asked;
}

}  // namespace weir::cli
