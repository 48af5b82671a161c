#pragma once

#include <functional>
#include <mutex>
#include <utility>

namespace weir::http {

/// The way from other threads to the one that reads and writes; leads nowhere once that has ended.
/// Thread-safe.
class Door {
 public:
  using Work = std::function<void()>;

  /// `post` has work done on that thread.
  explicit Door(std::function<void(Work)> post) : post_(std::move(post)) {}

  void post(Work work) {
    const std::lock_guard lock(mutex_);
    if (post_) post_(std::move(work));
  }
  void shut() {
    const std::lock_guard lock(mutex_);
    post_ = nullptr;
  }

 private:
  std::mutex mutex_;
  std::function<void(Work)> post_;  // guarded by mutex_
};

}  // namespace weir::http
