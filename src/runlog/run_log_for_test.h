#pragma once

#include <gtest/gtest.h>

#include <string>

#include "io/temporary_folder_for_test.h"
#include "runlog/run_log.h"

namespace weir::runlog::testing {

inline Timestamp at(int64_t second) { return Timestamp(std::chrono::seconds(second)); }

/// The value, or a failed test with the error's text.
template <class T>
T value(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << result.error().to_string();
    return T();
  }
  return *std::move(result);
}
inline void expect_ok(const Result<void>& result) {
  EXPECT_TRUE(result) << result.error().to_string();
}

inline weir::Run make_run(const std::string& pipeline, const std::string& key, int64_t second = 1) {
  weir::Run run;
  run.id = new_run_id(at(second));
  run.pipeline = PipelineName(pipeline);
  if (!key.empty()) run.object = ObjectRef{BucketName("landing"), ObjectKey(key)};
  run.trigger = "watch";
  run.created = at(second);
  run.scheduled_for = at(second);
  return run;
}

class RunLogTest : public ::testing::Test {
 protected:
  RunLogTest() { reopen(); }

  void reopen() {
    log_.reset();
    log_ = value(open_sqlite_run_log(path()));
  }
  std::string path() const { return folder_.path("env/run_log.sqlite"); }

  RunId add(const weir::Run& run) {
    const auto ids = value(log_->enqueue(std::span(&run, 1)));
    return ids.empty() ? RunId() : ids.front();
  }
  std::vector<std::string> lease_keys(size_t limit) {
    std::vector<std::string> keys;
    for (const weir::Run& run : value(log_->lease(limit, at(100)))) {
      keys.push_back(run.object ? run.object->key.value() : "");
    }
    return keys;
  }

  io::TemporaryFolder folder_;
  std::unique_ptr<RunLog> log_;
};

}  // namespace weir::runlog::testing
