#include <cstdlib>
#include <vector>

#include "http/request_reader.h"

namespace weir::http {
namespace {

struct Outcome {
  std::vector<std::string> requests;
  int refused = 0;
};

/// The bytes of a connection, in pieces of `step`.
Outcome read_all(std::string_view bytes, size_t step) {
  constexpr uint64_t most_body_bytes = 1000;
  RequestReader reader({.head_bytes = 2000, .body_bytes = most_body_bytes});
  Outcome outcome;
  for (size_t at = 0; at < bytes.size(); at += step) {
    ReadState state = reader.feed(bytes.substr(at, step));
    for (;;) {
      if (state == ReadState::admitted) {
        state = reader.read_body();
      } else if (state == ReadState::complete) {
        const Request request = reader.take();
        if (!request.head.path.starts_with('/') || request.body.size() > most_body_bytes) abort();
        outcome.requests.push_back(request.head.method + " " + request.head.path + " " +
                                   request.body);
        state = reader.feed({});
      } else {
        break;
      }
    }
    if (state == ReadState::refused) {
      outcome.refused = reader.refusal().status;
      if (outcome.refused < 400) abort();
      break;
    }
  }
  return outcome;
}

}  // namespace
}  // namespace weir::http

/// The same bytes are the same requests, however the network cuts them.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::http;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size == 0) return 0;
  const Outcome whole = read_all(bytes, size);
  for (const size_t step : {size_t{1}, size_t{2}, size_t{13}}) {
    const Outcome cut = read_all(bytes, step);
    if (cut.requests != whole.requests || (cut.refused != 0) != (whole.refused != 0)) abort();
  }
  return 0;
}
