#include "pipeline/idle_connections.h"

#include <utility>

namespace weir::pipeline {

std::unique_ptr<server::Connection> IdleConnections::take(const DatabaseName& database) {
  const std::lock_guard lock(mutex_);
  std::vector<Idle>& idle = idle_[database];
  if (idle.empty()) return nullptr;
  auto connection = std::move(idle.back().connection);
  idle.pop_back();
  return connection;
}

void IdleConnections::keep(const DatabaseName& database,
                           std::unique_ptr<server::Connection> connection, Time now) {
  const std::lock_guard lock(mutex_);
  std::vector<Idle>& idle = idle_[database];
  if (idle.size() < most && connection->works()) idle.push_back({std::move(connection), now});
}

void IdleConnections::close_old(Time now) {
  std::vector<Idle> old;  // closed when the lock is given up: a server may be slow to part
  const std::lock_guard lock(mutex_);
  for (auto& [database, idle] : idle_) {
    while (!idle.empty() && now - idle.front().since > longest) {
      old.push_back(std::move(idle.front()));
      idle.erase(idle.begin());
    }
  }
}

}  // namespace weir::pipeline
