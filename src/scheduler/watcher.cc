#include "scheduler/watcher.h"

#include <map>

#include "scheduler/bucket_watcher.h"

namespace weir::scheduler {
namespace {

class ProjectWatcher final : public Watcher {
 public:
  ProjectWatcher(const Project& project, pipeline::Resources& resources, runlog::RunLog& log,
                 Dispatcher& dispatcher, const Clock& clock, WatcherOptions options)
      : project_(project),
        resources_(resources),
        log_(log),
        dispatcher_(dispatcher),
        clock_(clock),
        options_(std::move(options)) {}

  Result<void> start() override {
    for (auto& [name, subscriptions] : subscriptions_by_bucket()) {
      const BucketConfig* config = project_.find_bucket(name);
      const auto bucket = resources_.buckets.find(name);
      if (config == nullptr || bucket == resources_.buckets.end()) {
        return fail(ErrorCode::not_found, "there is no bucket '" + name.value() + "'");
      }
      watchers_.push_back(std::make_unique<BucketWatcher>(
          *config, *bucket->second, std::move(subscriptions), log_, dispatcher_, clock_, options_));
      WEIR_TRY(watchers_.back()->start());
    }
    return {};
  }

  void stop() override {
    for (const auto& watcher : watchers_) watcher->stop();
  }

 private:
  std::map<BucketName, std::vector<Subscription>> subscriptions_by_bucket() const {
    std::map<BucketName, std::vector<Subscription>> buckets;
    for (const Pipeline& pipeline : project_.pipelines) {
      for (const Trigger& trigger : pipeline.triggers) {
        const auto* object = std::get_if<ObjectTrigger>(&trigger);
        if (object == nullptr) continue;
        auto& subscriptions = buckets[object->bucket];
        if (subscriptions.empty() || subscriptions.back().pipeline != &pipeline) {
          subscriptions.push_back({&pipeline, {}});
        }
        subscriptions.back().patterns.push_back(object->pattern);
      }
    }
    return buckets;
  }

  const Project& project_;
  pipeline::Resources& resources_;
  runlog::RunLog& log_;
  Dispatcher& dispatcher_;
  const Clock& clock_;
  const WatcherOptions options_;
  std::vector<std::unique_ptr<BucketWatcher>> watchers_;
};

}  // namespace

std::unique_ptr<Watcher> make_watcher(const Project& project, pipeline::Resources& resources,
                                      runlog::RunLog& log, Dispatcher& dispatcher,
                                      const Clock& clock, WatcherOptions options) {
  return std::make_unique<ProjectWatcher>(project, resources, log, dispatcher, clock,
                                          std::move(options));
}

}  // namespace weir::scheduler
