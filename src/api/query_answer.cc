#include "api/query_answer.h"

#include <utility>

namespace weir::api {

bool QueryAnswer::flush() {
  std::shared_ptr<http::BodyWriter> body;
  {
    const std::lock_guard lock(mutex_);
    if (!body_) body_ = reply_.stream({200, {{"content-type", content_type_}}, {}});
    body = body_;
  }
  read_ = body->write(buffer_) && read_;
  buffer_.clear();
  return read_;
}

bool QueryAnswer::finish() {
  {
    const std::lock_guard lock(mutex_);
    if (!body_) {  // short: with a length
      held_.reset();
      reply_.send({200, {{"content-type", content_type_}}, std::move(buffer_)});
      return true;
    }
  }
  if (!buffer_.empty()) flush();
  if (!read_) return false;
  const std::lock_guard lock(mutex_);
  held_.reset();
  body_->finish();
  return true;
}

void QueryAnswer::fail(http::Response problem) {
  const std::lock_guard lock(mutex_);
  held_.reset();
  if (body_) return body_->cut();
  reply_.send(std::move(problem));
}

bool QueryAnswer::gone() const {
  const std::lock_guard lock(mutex_);
  return body_ ? body_->gone() : reply_.client_left();
}

void QueryAnswer::cut() {
  const std::lock_guard lock(mutex_);
  if (body_) body_->cut();
}

}  // namespace weir::api
