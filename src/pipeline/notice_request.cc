#include "pipeline/notice_request.h"

#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "pipeline/http_status.h"
#include "trace/tracer.h"

namespace weir::pipeline {
namespace {

constexpr std::string_view encoded_key = "whsec_";
constexpr size_t most_answer_bytes = 64 * 1024;

/// Looks at the status only.
class Acknowledgement final : public http::ResponseSink {
 public:
  Result<void> head(const http::ResponseHead& head) override {
    head_ = head;
    return {};
  }
  Result<void> body(std::string_view bytes) override {
    received_ += bytes.size();
    if (received_ > most_answer_bytes) return fail(ErrorCode::invalid_input, "enough was said");
    return {};
  }
  const http::ResponseHead& head() const { return head_; }

 private:
  http::ResponseHead head_;
  size_t received_ = 0;
};

Result<http::ClientRequest> request_for(const NoticeSending& with, const NotifyStep& step,
                                        const runlog::Notice& notice) {
  secrets::SecretStore& secrets = with.secrets;
  const int64_t timestamp =
      std::chrono::floor<std::chrono::seconds>(with.clock.now()).time_since_epoch().count();
  http::ClientRequest request;
  request.url = WEIR_TRY(secrets::fill_in(step.url, secrets));
  request.post = true;
  request.body = notice.body;
  request.most_redirects = 0;
  request.headers = {{"Content-Type", "application/json"},
                     {"webhook-id", notice.id},
                     {"webhook-timestamp", std::to_string(timestamp)}};
  if (with.tracer != nullptr) {
    const auto span = with.tracer->of_run(notice.run, 1);
    request.headers.push_back({"traceparent", trace::to_traceparent(span)});
  }
  if (!step.sign.empty()) {
    const std::string key = WEIR_TRY(secrets::fill_in(step.sign, secrets));
    request.headers.push_back(
        {"webhook-signature", WEIR_TRY(notice_signature(key, notice.id, timestamp, notice.body))});
  }
  for (const HeaderSetting& header : step.headers) {
    std::string value = WEIR_TRY(secrets::fill_in(header.value, secrets));
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return fail(ErrorCode::invalid_input,
                  "the value of header '" + header.name + "' has more than one line",
                  "check the secret it is made of", step.location);
    }
    request.headers.push_back({header.name, std::move(value)});
  }
  return request;
}

}  // namespace

const NotifyStep* notify_step(const Project& project, const runlog::Notice& notice) {
  const Pipeline* pipeline = project.find_pipeline(notice.pipeline);
  const auto index = static_cast<size_t>(notice.step) - 1;
  if (pipeline == nullptr || index >= pipeline->steps.size()) return nullptr;
  return std::get_if<NotifyStep>(&pipeline->steps[index]);
}

std::optional<RefusedNotice> send_notice(const NoticeSending& with, const NotifyStep& step,
                                         const runlog::Notice& notice,
                                         const std::atomic<bool>& cancel) {
  auto request = request_for(with, step, notice);
  if (!request) return RefusedNotice{request.error(), {}, false};
  request->timeout = request->connect_timeout = with.timeout;
  Acknowledgement answer;
  const auto sent = with.client.send(*request, answer, cancel);
  const int status = answer.head().status;
  if (status >= 200 && status < 300) return std::nullopt;  // whatever came behind it
  if (!sent) return RefusedNotice{sent.error(), {}, false};
  const RefusedAnswer refused = refused_answer(answer.head(), with.clock.now());
  return RefusedNotice{refused.error, refused.retry_after, status == 410};
}

Result<std::string> notice_signature(std::string_view key, std::string_view id, int64_t timestamp,
                                     std::string_view body) {
  std::string bytes(key);
  if (key.starts_with(encoded_key)) {
    const auto decoded = crypto::from_base64(key.substr(encoded_key.size()));
    if (!decoded) {
      return fail(ErrorCode::invalid_input, "the key of 'sign' begins with whsec_ and is no Base64",
                  "check the secret");
    }
    bytes = *decoded;
  }
  const std::string message =
      std::string(id) + "." + std::to_string(timestamp) + "." + std::string(body);
  const crypto::Sha256Digest digest = crypto::hmac_sha256(bytes, message);
  return "v1," + crypto::to_base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

}  // namespace weir::pipeline
