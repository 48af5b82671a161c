#include "trace/collector.h"

#include <memory>

#include "base/log.h"
#include "http/client.h"

namespace weir::trace {
namespace {

/// Of one request. A collector is near, or of no use.
constexpr std::chrono::milliseconds request_time{10'000};
constexpr std::chrono::milliseconds connect_time{3'000};
constexpr size_t most_answer_bytes = 64 * 1024;

/// The status decides; what the collector says besides is not read for long.
class Acknowledgement final : public http::ResponseSink {
 public:
  Result<void> head(const http::ResponseHead& head) override {
    status_ = head.status;
    return {};
  }
  Result<void> body(std::string_view bytes) override {
    received_ += bytes.size();
    if (received_ > most_answer_bytes) return fail(ErrorCode::invalid_input, "enough was said");
    return {};
  }
  int status() const { return status_; }

 private:
  int status_ = 0;
  size_t received_ = 0;
};

/// As the OTLP specification has it.
Delivery delivery_of(int status) {
  if (status >= 200 && status < 300) return Delivery::taken;
  const bool passing =
      status == 0 || status == 429 || status == 502 || status == 503 || status == 504;
  return passing ? Delivery::later : Delivery::refused;
}

class Collector {
 public:
  Collector(TracesConfig config, NetworkFence fence, std::string ca_file, FillIn fill_in)
      : config_(std::move(config)),
        fill_in_(std::move(fill_in)),
        client_({std::move(fence), std::move(ca_file)}) {}

  Delivery send(std::string body, const std::atomic<bool>& cancel) {
    auto request = request_with(std::move(body));
    if (!request) {
      log::debug("traces are not sent: {}", request.error().to_string());
      return Delivery::refused;
    }
    Acknowledgement answer;
    const auto sent = client_.send(*request, answer, cancel);
    const Delivery delivery = delivery_of(answer.status());
    if (delivery != Delivery::taken) {
      log::debug("traces are not taken: {}",
                 sent ? "status " + std::to_string(answer.status()) : sent.error().to_string());
    }
    return delivery;
  }

 private:
  Result<http::ClientRequest> request_with(std::string body) const {
    http::ClientRequest request;
    request.url = WEIR_TRY(fill_in_(config_.url));
    request.post = true;
    request.body = std::move(body);
    request.most_redirects = 0;
    request.timeout = request_time;
    request.connect_timeout = connect_time;
    request.headers = {{"Content-Type", "application/json"}};
    for (const HeaderSetting& header : config_.headers) {
      std::string value = WEIR_TRY(fill_in_(header.value));
      if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
        return fail(ErrorCode::invalid_input,
                    "the value of header '" + header.name + "' has more than one line",
                    "check the secret it is made of", config_.location);
      }
      request.headers.push_back({header.name, std::move(value)});
    }
    return request;
  }

  const TracesConfig config_;
  const FillIn fill_in_;
  http::Client client_;
};

}  // namespace

SendSpans send_to(TracesConfig config, NetworkFence fence, std::string ca_file, FillIn fill_in) {
  // A std::function can be copied, and a client cannot.
  const auto collector = std::make_shared<Collector>(std::move(config), std::move(fence),
                                                     std::move(ca_file), std::move(fill_in));
  return [collector](std::string body, const std::atomic<bool>& cancel) {
    return collector->send(std::move(body), cancel);
  };
}

}  // namespace weir::trace
