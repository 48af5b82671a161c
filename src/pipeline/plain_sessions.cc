#include "pipeline/plain_sessions.h"

#include <utility>

#include "base/log.h"

namespace weir::pipeline {
namespace {

/// Kept in all; each may be a connection of a server's.
constexpr size_t most_kept = 8;
/// After so long a table is looked at again: somebody may have given it its key.
constexpr std::chrono::minutes judged_for{1};

bool works(PlainSessions::Held& held) {
  server::Connection* server = held.lease->server();
  return server == nullptr || server->works();
}

}  // namespace

bool PlainSessions::is_judged(const PipelineName& pipeline) {
  const std::lock_guard lock(mutex_);
  const auto at = judged_until_.find(pipeline);
  return at != judged_until_.end() && Clock::now() < at->second;
}

std::unique_ptr<PlainSessions::Held> PlainSessions::take_idle(const PipelineName& pipeline) {
  const std::lock_guard lock(mutex_);
  auto& idle = idle_[pipeline];
  if (idle.empty()) return nullptr;
  auto held = std::move(idle.back());
  idle.pop_back();
  --kept_;
  return held;
}

std::unique_ptr<PlainSessions::Held> PlainSessions::take(const PipelineName& pipeline) {
  if (is_judged(pipeline)) return nullptr;
  while (auto held = take_idle(pipeline)) {
    if (databases_.is_open(held->lease.database) && works(*held)) return held;
  }
  auto lease = pool_.open(pipeline);
  if (!lease) return nullptr;
  auto held = std::make_unique<Held>();
  held->lease = *std::move(lease);
  auto load = PlainLoad::make(*held->lease.session);
  if (!load) {
    log::debug("rows of {} are judged: {}", pipeline.value(), load.error().to_string());
    return nullptr;
  }
  if (*load == nullptr) {
    pool_.give_back(std::move(held->lease));
    const std::lock_guard lock(mutex_);
    judged_until_[pipeline] = Clock::now() + judged_for;
    return nullptr;
  }
  held->load = *std::move(load);
  return held;
}

void PlainSessions::give_back(const PipelineName& pipeline, std::unique_ptr<Held> held) {
  std::unique_ptr<Held> dropped;  // closed without the lock
  held->fresh = false;
  if (!databases_.is_open(held->lease.database)) return;
  const std::lock_guard lock(mutex_);
  held->given_back = ++serial_;
  idle_[pipeline].push_back(std::move(held));
  if (++kept_ <= most_kept) return;
  std::vector<std::unique_ptr<Held>>* oldest = nullptr;
  for (auto& [name, idle] : idle_) {
    if (idle.empty()) continue;
    if (oldest == nullptr || idle.front()->given_back < oldest->front()->given_back) oldest = &idle;
  }
  dropped = std::move(oldest->front());
  oldest->erase(oldest->begin());
  --kept_;
}

void PlainSessions::drop_lost() {
  std::vector<std::unique_ptr<Held>> dropped;  // closed without the lock
  const std::lock_guard lock(mutex_);
  for (auto& [pipeline, idle] : idle_) {
    std::vector<std::unique_ptr<Held>> kept;
    for (auto& held : idle) {
      const bool keep = databases_.is_open(held->lease.database);
      if (!keep) --kept_;
      (keep ? kept : dropped).push_back(std::move(held));
    }
    idle = std::move(kept);
  }
}

}  // namespace weir::pipeline
