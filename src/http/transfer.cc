#include "http/transfer.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace weir::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr uint64_t progress_bytes = 1000;  // less than this in `stall` is none
constexpr milliseconds cancel_interval{100};
constexpr uint64_t most_redirect_body = 1 << 20;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

bool add_header(HeaderList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  static_cast<void>(list.release());
  list.reset(longer);
  return true;
}

std::optional<IpAddress> address_of(const sockaddr* address) {
  IpAddress out{};
  if (address->sa_family == AF_INET6) {
    const auto* six = reinterpret_cast<const sockaddr_in6*>(address);
    std::memcpy(out.data(), &six->sin6_addr, out.size());
    return out;
  }
  if (address->sa_family != AF_INET) return std::nullopt;
  const auto* four = reinterpret_cast<const sockaddr_in*>(address);
  out[10] = out[11] = 0xff;
  std::memcpy(out.data() + 12, &four->sin_addr, 4);
  return out;
}

bool is_certificate_error(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_INVALIDCERTSTATUS ||
         code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_PINNEDPUBKEYNOTMATCH;
}

}  // namespace

struct Transfer::State {
  State(const ClientRequest& its_request, const text::Url& its_parts, const std::string& its_url,
        bool is_own_origin, bool follows, ResponseSink& its_sink)
      : request(its_request),
        parsed(its_parts),
        url(its_url),
        own_origin(is_own_origin),
        follow(follows),
        sink(its_sink) {}

  const ClientRequest& request;
  const text::Url parsed;
  const std::string url;
  const bool own_origin;
  const bool follow;
  ResponseSink& sink;
  const ClientOptions* options = nullptr;

  HeadReader reader;
  ResponseHead head;
  std::string redirect;
  std::optional<Error> error;        // what a callback stopped the transfer for
  std::optional<Error> fence_error;  // an address that was not connected to
  bool connected = false;
  bool redirected = false;
  uint64_t received = 0;  // headers and body
  uint64_t body = 0;
  HeaderList headers;
  char message[CURL_ERROR_SIZE] = {};

  std::string shown() const { return parsed.shown(); }
  bool stop(Error why) {
    error = std::move(why);
    return false;
  }

  bool take_header(std::string_view line) {
    received += line.size();
    const bool before = reader.complete();
    if (auto added = reader.add(line); !added) {
      added.error().message = shown() + ": " + added.error().message;
      return stop(added.error());
    }
    if (before || !reader.complete()) return true;
    head = reader.head();
    head.url = shown();
    const int status = head.status;
    redirected = follow && (status == 301 || status == 302 || status == 303 || status == 307 ||
                            status == 308);
    if (redirected) return true;
    const auto taken = sink.head(head);
    return taken || stop(taken.error());
  }

  bool take_body(std::string_view bytes) {
    received += bytes.size();
    body += bytes.size();
    if (redirected) return body <= most_redirect_body;  // enough seen: it leads elsewhere
    const auto taken = sink.body(bytes);
    return taken || stop(taken.error());
  }

  static size_t on_header(char* bytes, size_t size, size_t count, void* state) {
    const std::string_view line(bytes, size * count);
    return static_cast<State*>(state)->take_header(line) ? line.size() : CURL_WRITEFUNC_ERROR;
  }
  static size_t on_body(char* bytes, size_t size, size_t count, void* state) {
    const std::string_view part(bytes, size * count);
    return static_cast<State*>(state)->take_body(part) ? part.size() : CURL_WRITEFUNC_ERROR;
  }
  /// The one place where connections are made: nothing is sent to an address behind the fence.
  static curl_socket_t on_socket(void* state, curlsocktype, curl_sockaddr* wanted) {
    auto* self = static_cast<State*>(state);
    const auto address = address_of(&wanted->addr);
    if (!address) return CURL_SOCKET_BAD;
    if (const auto checked = self->options->fence.check(self->parsed.host, *address); !checked) {
      self->fence_error = checked.error();
      return CURL_SOCKET_BAD;
    }
    return ::socket(wanted->family, wanted->socktype | SOCK_CLOEXEC, wanted->protocol);
  }
  /// Also asked for a connection that is used again, which was made for another host perhaps.
  static int on_request(void* state, char* address, char*, int, int) {
    auto* self = static_cast<State*>(state);
    self->connected = true;
    const auto parsed = parse_ip_address(address);
    if (!parsed) return CURL_PREREQFUNC_ABORT;
    if (const auto checked = self->options->fence.check(self->parsed.host, *parsed); !checked) {
      self->fence_error = checked.error();
      return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
  }

  bool set_headers();
  bool set_up(CURL* easy);
  Result<CURLcode> drive(CURLM* multi, Deadline deadline, const std::atomic<bool>& cancel);
  Result<void> verdict(CURLcode code) const;
  Error late(const std::string& why) const {
    return {ErrorCode::unavailable, "cannot get " + shown() + ": " + why};
  }
};

bool Transfer::State::set_headers() {
  bool all = add_header(headers, "Expect:") && add_header(headers, "Accept-Encoding: identity");
  const auto add = [&](const HeaderField& header) {
    // "Name;" is how libcurl is told of a header without a value.
    all = all && add_header(headers, header.value.empty() ? header.name + ";"
                                                          : header.name + ": " + header.value);
  };
  std::ranges::for_each(request.plain_headers, add);
  if (own_origin) std::ranges::for_each(request.headers, add);
  return all;
}

bool Transfer::State::set_up(CURL* easy) {
  if (!set_headers()) return false;
  bool all = true;
  const auto set = [&](CURLoption option, auto value) {
    all = all && curl_easy_setopt(easy, option, value) == CURLE_OK;
  };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L);  // do not wait for a name server at the end
  set(CURLOPT_USERAGENT, "weir/" WEIR_VERSION);
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!options->ca_file.empty()) set(CURLOPT_CAINFO, options->ca_file.c_str());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(CURLOPT_ERRORBUFFER, message);
  set(CURLOPT_HEADERFUNCTION, &State::on_header);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, &State::on_body);
  set(CURLOPT_WRITEDATA, this);
  set(CURLOPT_OPENSOCKETFUNCTION, &State::on_socket);
  set(CURLOPT_OPENSOCKETDATA, this);
  set(CURLOPT_PREREQFUNCTION, &State::on_request);
  set(CURLOPT_PREREQDATA, this);
  if (request.post) {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
  }
  return all;
}

Result<CURLcode> Transfer::State::drive(CURLM* multi, Deadline deadline,
                                        const std::atomic<bool>& cancel) {
  auto window = steady_clock::now();
  uint64_t window_bytes = 0;
  for (;;) {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) {
      return fail(ErrorCode::internal, "libcurl lost its way", "please report it");
    }
    int left = 0;
    while (const CURLMsg* done = curl_multi_info_read(multi, &left)) {
      if (done->msg == CURLMSG_DONE) return done->data.result;
    }
    if (cancel) return fail(ErrorCode::cancelled, "the request to " + shown() + " was stopped");
    const auto now = steady_clock::now();
    if (now >= deadline) return fail(late("it took longer than its timeout"));
    if (!connected || received - window_bytes >= progress_bytes) {
      window = now;
      window_bytes = received;
    } else if (request.stall.count() > 0 && now - window >= request.stall) {
      return fail(
          late("it stalls: less than 1 kB in " + std::to_string(request.stall.count()) + " ms"));
    }
    auto wait = std::min(cancel_interval, std::chrono::ceil<milliseconds>(deadline - now));
    curl_multi_poll(multi, nullptr, 0, static_cast<int>(wait.count()), nullptr);
  }
}

Result<void> Transfer::State::verdict(CURLcode code) const {
  if (error) return fail(*error);
  // libcurl takes a head that breaks off for a whole one.
  if (code == CURLE_OK && !reader.complete()) return fail(late("the answer breaks off"));
  if (code == CURLE_OK || (redirected && code == CURLE_WRITE_ERROR)) return {};
  if (fence_error && !connected) return fail(*fence_error);
  if (fence_error && code == CURLE_ABORTED_BY_CALLBACK) return fail(*fence_error);
  // libcurl's own words name hosts and ports, never paths or headers.
  std::string why = message[0] != '\0' ? message : curl_easy_strerror(code);
  if (is_certificate_error(code)) {
    return fail(ErrorCode::invalid_input, "cannot trust " + parsed.origin() + ": " + why,
                "its certificate must be valid for that name; one of your own authority is named "
                "by network: {ca_file: …}");
  }
  if (code == CURLE_PARTIAL_FILE || code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR) {
    why = "the answer breaks off after " + std::to_string(body) + " bytes (" + why + ")";
  }
  return fail(late(why));
}

Transfer::Transfer(const ClientRequest& request, const text::Url& parsed, const std::string& url,
                   bool own_origin, bool follow, ResponseSink& sink)
    : state_(std::make_unique<State>(request, parsed, url, own_origin, follow, sink)) {}
Transfer::~Transfer() = default;

const ResponseHead& Transfer::head() const { return state_->head; }
const std::string& Transfer::redirect() const { return state_->redirect; }

Result<void> Transfer::run(CURLM* multi, CURL* easy, const ClientOptions& options,
                           Deadline deadline, const std::atomic<bool>& cancel) {
  State& state = *state_;
  state.options = &options;
  curl_easy_reset(easy);
  if (!state.set_up(easy)) {
    return fail(ErrorCode::invalid_input, "libcurl does not take the request to " + state.shown(),
                "check its headers");
  }
  if (curl_multi_add_handle(multi, easy) != CURLM_OK) {
    return fail(ErrorCode::internal, "libcurl takes no request", "please report it");
  }
  const auto code = state.drive(multi, deadline, cancel);
  if (code && state.redirected) {
    const char* target = nullptr;
    curl_easy_getinfo(easy, CURLINFO_REDIRECT_URL, &target);
    if (target != nullptr) state.redirect = target;
  }
  curl_multi_remove_handle(multi, easy);
  curl_easy_reset(easy);  // nothing points at this transfer any more
  if (!code) return fail(code.error());
  return state.verdict(*code);
}

}  // namespace weir::http
