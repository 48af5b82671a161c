#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "owner/protocol.h"

/// What any process of the same user may send to the owner's socket: a line is refused or survives
/// the way out and back unchanged.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::owner;
  const auto request = parse_request({reinterpret_cast<const char*>(data), size});
  if (!request) return 0;
  const auto again = parse_request(to_line(*request));
  if (!again || again->verb.empty() != request->verb.empty()) std::abort();
  if (to_line(*again) != to_line(*request)) std::abort();
  return 0;
}
