#include "http/request_reader.h"

#include <algorithm>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <optional>

#include "base/check.h"
#include "http/chunked_body.h"

namespace weir::http {
namespace {

namespace beast = boost::beast::http;
/// Only heads: Beast asserts where a peer sends the end of a chunked body in small pieces.
using Parser = beast::request_parser<beast::empty_body>;

constexpr std::string_view head_end = "\r\n\r\n";

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
  return out;
}

bool is_digits(std::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         text.find_first_not_of("0123456789") == std::string_view::npos;
}

/// The first byte from `from` on that no head may hold where it stands: a control character, a bare
/// line feed or carriage return, the beginning of a folded line.
bool has_wrong_byte(std::string_view head, size_t from) {
  for (size_t i = from; i < head.size(); ++i) {
    const auto byte = static_cast<unsigned char>(head[i]);
    if (byte == '\r') {
      if (i + 1 < head.size() && head[i + 1] != '\n') return true;
    } else if (byte == '\n') {
      if (i == 0 || head[i - 1] != '\r') return true;
      if (i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t')) return true;
    } else if ((byte < 0x20 && byte != '\t') || byte == 0x7F) {
      return true;
    }
  }
  return false;
}

/// Nothing but a path and a query: proxies' absolute forms, `*` and fragments are refused.
bool is_plain_target(std::string_view target) {
  return target.starts_with('/') && std::ranges::all_of(target, [](char c) {
           return c > 0x20 && c < 0x7F && c != '#' && c != '\\' && c != '"' && c != '<' && c != '>';
         });
}

bool is_plain_host(std::string_view host) {
  return std::ranges::all_of(host, [](char c) {
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return word || std::string_view("-._~:[]%").find(c) != std::string_view::npos;
  });
}

size_t count(const std::vector<Header>& headers, std::string_view name) {
  return static_cast<size_t>(
      std::ranges::count_if(headers, [&](const Header& header) { return header.name == name; }));
}

/// What Beast lets pass and two servers may understand in two ways; none when there is no such
/// thing.
std::optional<Response> doubt(const RequestHead& head, bool http_1_1) {
  const auto bad = [](std::string_view why) { return std::optional(problem(400, why)); };
  const size_t hosts = count(head.headers, "host");
  if (hosts > 1 || (http_1_1 && hosts == 0)) return bad("a request has one Host header");
  if (hosts == 1 && !is_plain_host(*find_header(head.headers, "host"))) {
    return bad("the Host header names no host");
  }
  const std::string* length = find_header(head.headers, "content-length");
  const std::string* encoding = find_header(head.headers, "transfer-encoding");
  if (length != nullptr && encoding != nullptr) {
    return bad("a body has a length or an encoding, not both");
  }
  if (length != nullptr && (count(head.headers, "content-length") > 1 || !is_digits(*length))) {
    return bad("Content-Length is one number");
  }
  if (encoding != nullptr) {
    if (!http_1_1) return bad("HTTP/1.0 knows no Transfer-Encoding");
    if (count(head.headers, "transfer-encoding") > 1) return bad("Transfer-Encoding comes once");
    if (lower_case(*encoding) != "chunked") return problem(501, "only chunked bodies are read");
  }
  if (const std::string* expected = find_header(head.headers, "expect")) {
    if (lower_case(*expected) != "100-continue") return problem(417, "only 100-continue is known");
  }
  return std::nullopt;
}

}  // namespace

/// Of its buffer, between two requests of a connection.
constexpr size_t kept_bytes = 2048;

struct RequestReader::State {
  explicit State(const ReadLimits& given) : limits(given) {}

  void go_on() {
    if (state == ReadState::head) read_head();
    if (state == ReadState::body) parse_body();
  }
  void read_head();
  void parse_head(size_t head_length);
  void parse_body();
  Response too_long() const {
    return problem(413, "the body has more than " + std::to_string(most_body_bytes) + " bytes");
  }
  void refuse(Response why) {
    refusal = std::move(why);
    state = ReadState::refused;
  }

  const ReadLimits limits;
  ReadState state = ReadState::head;
  std::string buffer;    // what came and is not parsed yet
  size_t looked_at = 0;  // of a head's bytes in `buffer`
  RequestHead head;
  std::string body;
  uint64_t length = 0;                // the body's, when it is not chunked
  bool chunked = false;               // is what the head says
  std::optional<ChunkedBody> chunks;  // while it is read
  uint64_t most_body_bytes = 0;
  uint64_t body_bytes = 0;  // that have come
  Response refusal;
};

void RequestReader::State::read_head() {
  const size_t from = looked_at < head_end.size() ? 0 : looked_at - head_end.size();
  const size_t end = buffer.find(head_end, from);
  const bool whole = end != std::string::npos;
  const size_t length = whole ? end + head_end.size() : buffer.size();
  if (has_wrong_byte(std::string_view(buffer).substr(0, length), from)) {
    return refuse(problem(400, "the request is not HTTP as RFC 9112 has it"));
  }
  if (length > limits.head_bytes) {
    return refuse(problem(431, "the request line and headers have more than " +
                                   std::to_string(limits.head_bytes) + " bytes"));
  }
  looked_at = length;
  if (whole) parse_head(length);
}

void RequestReader::State::parse_head(size_t head_length) {
  Parser parser;
  parser.header_limit(static_cast<uint32_t>(head_length + 1));
  parser.body_limit(boost::none);
  parser.eager(false);
  boost::system::error_code error;
  const size_t parsed = parser.put({buffer.data(), head_length}, error);
  if (error || parsed != head_length || !parser.is_header_done()) {
    return refuse(problem(400, "the request is not HTTP as RFC 9112 has it"));
  }
  const auto& message = parser.get();
  head = {};
  head.method = message.method_string();
  const std::string_view target(message.target().data(), message.target().size());
  if (!is_plain_target(target)) {
    return refuse(problem(400, "a request asks for a path, e.g. GET /healthz HTTP/1.1"));
  }
  const size_t mark = target.find('?');
  head.path = target.substr(0, mark);
  if (mark != std::string_view::npos) head.query = target.substr(mark + 1);
  for (const auto& field : message) {
    head.headers.push_back({lower_case({field.name_string().data(), field.name_string().size()}),
                            std::string(field.value())});
  }
  head.keep_alive = parser.keep_alive();
  head.http_1_1 = message.version() >= 11;
  head.expects_continue = count(head.headers, "expect") > 0 && head.http_1_1;
  if (auto why = doubt(head, head.http_1_1)) return refuse(*std::move(why));
  const std::string* stated = find_header(head.headers, "content-length");
  length = stated != nullptr ? std::stoull(*stated) : 0;
  chunked = count(head.headers, "transfer-encoding") > 0;
  buffer.erase(0, head_length);
  looked_at = 0;
  body_bytes = 0;
  state = ReadState::admitted;
}

void RequestReader::State::parse_body() {
  std::string_view rest = buffer;
  ChunkedBody::State reached = ChunkedBody::State::more;
  if (chunks) {
    reached = chunks->feed(rest, body);
  } else {
    const size_t part = static_cast<size_t>(std::min<uint64_t>(length - body.size(), rest.size()));
    body += rest.substr(0, part);
    rest.remove_prefix(part);
    if (body.size() == length) reached = ChunkedBody::State::done;
  }
  body_bytes += buffer.size() - rest.size();
  buffer.erase(0, buffer.size() - rest.size());
  switch (reached) {
    case ChunkedBody::State::more: return;
    case ChunkedBody::State::done: state = ReadState::complete; return;
    case ChunkedBody::State::too_long: return refuse(too_long());
    case ChunkedBody::State::wrong:
      return refuse(problem(400, "the body's chunks are not as RFC 9112 has them"));
  }
}

RequestReader::RequestReader(const ReadLimits& limits) : state_(std::make_unique<State>(limits)) {}
RequestReader::~RequestReader() = default;
RequestReader::RequestReader(RequestReader&&) noexcept = default;
RequestReader& RequestReader::operator=(RequestReader&&) noexcept = default;

ReadState RequestReader::feed(std::string_view bytes) {
  if (state_->state == ReadState::refused) return ReadState::refused;
  state_->buffer += bytes;
  state_->go_on();
  return state_->state;
}

ReadState RequestReader::state() const { return state_->state; }
bool RequestReader::begun() const {
  return state_->state != ReadState::head || !state_->buffer.empty();
}
const RequestHead& RequestReader::head() const { return state_->head; }
bool RequestReader::has_body() const { return state_->chunked || state_->length > 0; }
uint64_t RequestReader::body_received() const { return state_->body_bytes; }
const Response& RequestReader::refusal() const { return state_->refusal; }

ReadState RequestReader::read_body() { return read_body(state_->limits.body_bytes); }

ReadState RequestReader::read_body(uint64_t most_bytes) {
  State& state = *state_;
  WEIR_CHECK(state.state == ReadState::admitted, "a body is read behind its head");
  state.most_body_bytes = most_bytes;
  if (state.length > most_bytes) {
    state.refuse(state.too_long());
    return state.state;
  }
  if (state.chunked) state.chunks.emplace(most_bytes);
  // No more than has come already: a length is easily said.
  state.body.reserve(static_cast<size_t>(std::min<uint64_t>(state.length, state.buffer.size())));
  state.state = has_body() ? ReadState::body : ReadState::complete;
  state.go_on();
  return state.state;
}

Request RequestReader::take() {
  State& state = *state_;
  WEIR_CHECK(state.state == ReadState::complete, "a request is taken when it is complete");
  Request request{std::move(state.head), std::move(state.body), {}};
  state.head = {};
  state.body = {};
  state.chunks.reset();
  state.state = ReadState::head;
  // Of many idle connections what is kept adds up; a usual head's worth is used again at once.
  if (state.buffer.empty() && state.buffer.capacity() > kept_bytes) state.buffer.shrink_to_fit();
  return request;
}

}  // namespace weir::http
