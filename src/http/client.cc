#include "http/client.h"

#include <curl/curl.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "base/check.h"
#include "http/transfer.h"
#include "text/url.h"

namespace weir::http {
namespace {

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

struct Client::Connections {
  Connections() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    multi = curl_multi_init();
    easy = curl_easy_init();
    WEIR_CHECK(multi != nullptr && easy != nullptr, "libcurl has memory to begin with");
  }
  ~Connections() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);  // last: the connections live in it
  }
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  CURLM* multi = nullptr;
  CURL* easy = nullptr;
};

Client::Client(ClientOptions options)
    : options_(std::move(options)), connections_(std::make_unique<Connections>()) {}
Client::~Client() = default;

Result<ResponseHead> Client::send(const ClientRequest& request, ResponseSink& sink,
                                  const std::atomic<bool>& cancel) {
  const Deadline deadline = std::chrono::steady_clock::now() + request.timeout;
  const text::Url first = WEIR_TRY(text::parse_url(request.url));
  std::string url = request.url;
  std::set<std::string> visited;
  for (int redirects = 0;; ++redirects) {
    const text::Url parsed = WEIR_TRY(text::parse_url(url));
    WEIR_TRY(options_.fence.check_host(parsed.host));
    Transfer transfer(request, parsed, url, parsed.origin() == first.origin(),
                      request.most_redirects > 0, sink);
    WEIR_TRY(transfer.run(connections_->multi, connections_->easy, options_, deadline, cancel));
    const ResponseHead& head = transfer.head();
    if (request.most_redirects == 0 || !is_redirect(head.status)) return head;
    const std::string from = first.shown();
    visited.insert(url);
    url = transfer.redirect();
    const auto next = text::parse_url(url);
    if (!next) {
      return fail(ErrorCode::invalid_input,
                  from + " redirects to something that is no http:// or https:// URL",
                  "ask its operator, or write the URL it should lead to");
    }
    if (parsed.scheme == "https" && next->scheme == "http") {
      return fail(ErrorCode::invalid_input,
                  from + " redirects from https to http, to " + next->shown(),
                  "ask its operator, or write the URL it should lead to");
    }
    if (visited.contains(url) || redirects + 1 > request.most_redirects) {
      return fail(ErrorCode::invalid_input,
                  visited.contains(url) ? from + " redirects in a circle"
                                        : from + " redirects more than " +
                                              std::to_string(request.most_redirects) + " times",
                  "ask its operator, or write the URL it should lead to");
    }
  }
}

}  // namespace weir::http
