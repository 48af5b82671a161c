#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/client.h"
#include "pipeline/executor.h"
#include "pipeline/part_file.h"

namespace weir::pipeline {

/// What an answer is held against.
struct PartWanted {
  std::string url_digest, target;  ///< as PartState has them
  uint64_t max_size = 0;
  bool resume = false;       ///< only what follows the part's bytes was asked for
  bool conditional = false;  ///< only what has changed was asked for
};

/// Writes an answer into a part file: judges its head, and begins the part anew or goes on with it.
class PartSink final : public http::ResponseSink {
 public:
  PartSink(PartFile& part, PartWanted wanted, const Clock& clock, Progress& progress)
      : part_(part), wanted_(std::move(wanted)), clock_(clock), progress_(progress) {}

  Result<void> head(const http::ResponseHead& head) override;
  Result<void> body(std::string_view bytes) override;

  /// The server says that nothing has changed.
  bool unchanged() const { return unchanged_; }
  /// The answer went on where the part had ended.
  bool went_on() const { return went_on_; }
  /// The part is no beginning of what is there now: ask for all of it.
  bool must_begin_anew() const { return begin_anew_; }
  std::optional<std::chrono::milliseconds> retry_after() const { return retry_after_; }

 private:
  Result<void> begin(const http::ResponseHead& head);
  Result<void> go_on(const http::ResponseHead& head);
  Result<void> refuse(const http::ResponseHead& head);
  Result<void> check_size(uint64_t bytes, const std::string& url) const;

  PartFile& part_;
  const PartWanted wanted_;
  const Clock& clock_;
  Progress& progress_;
  std::string url_;  // for people
  bool unchanged_ = false;
  bool went_on_ = false;
  bool begin_anew_ = false;
  std::optional<std::chrono::milliseconds> retry_after_;
};

}  // namespace weir::pipeline
