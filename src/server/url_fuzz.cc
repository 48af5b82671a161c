#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "server/url.h"

/// The input: a database's URL. Whatever it is: no crash, and either all that a connection needs or
/// an error that says what is wrong.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto options = weir::server::parse_url({reinterpret_cast<const char*>(data), size});
  if (options && (options->host.empty() || options->database.empty())) std::abort();
  if (!options && options.error().message.empty()) std::abort();
  return 0;
}
