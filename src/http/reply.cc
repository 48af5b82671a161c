#include "http/reply.h"

#include <utility>

#include "base/check.h"
#include "base/log.h"

namespace weir::http {

Reply::~Reply() { give_up(); }

Reply& Reply::operator=(Reply&& other) noexcept {
  if (this != &other) {
    give_up();
    sink_ = std::move(other.sink_);
  }
  return *this;
}

void Reply::give_up() {
  if (sink_) send(problem(500, "weir could not answer this; its log says why"));
}

void Reply::send(Response response) {
  WEIR_CHECK(sink_ != nullptr, "a request is answered once");
  std::exchange(sink_, nullptr)->send(std::move(response));
}

std::unique_ptr<BodyWriter> Reply::stream(Response head) {
  WEIR_CHECK(sink_ != nullptr, "a request is answered once");
  return std::exchange(sink_, nullptr)->stream(std::move(head));
}

Exchange answered_by(Handler handler) {
  const auto shared = std::make_shared<const Handler>(std::move(handler));
  return [shared](Request asked, Reply reply) -> std::function<void()> {
    // A std::function can be copied, and a reply cannot.
    const auto request = std::make_shared<Request>(std::move(asked));
    const auto to = std::make_shared<Reply>(std::move(reply));
    return [shared, request, to] {
      try {
        to->send((*shared)(*request));
      } catch (const std::exception& problem_met) {
        log::error("{} {}: {}", request->head.method, request->head.path, problem_met.what());
        *to = Reply(nullptr);
      }
    };
  };
}

}  // namespace weir::http
