#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/request_target.h"

namespace weir::api {
namespace {

/// Takes a line off the text.
std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

void check_path(std::string_view path) {
  const Target target = parse_path(path);
  const bool known = target.kind != Target::Kind::unknown;
  if (known != !methods_of(target.kind).empty()) std::abort();
  if (known && target.name.empty()) std::abort();
  // A name is no longer than its spelling.
  if (target.name.size() > path.size()) std::abort();
  if (takes(target.kind, "") || takes(target.kind, ",")) std::abort();
}

void check_parameters(std::string_view query) {
  const auto parameters = Parameters::parse(query);
  if (!parameters) {
    if (query.find('%') == std::string_view::npos) std::abort();  // only that can be wrong
    return;
  }
  const std::string* misfit = parameters->misfit({"table", "mode"});
  if (misfit != nullptr && parameters->find(*misfit) == nullptr) std::abort();
  const bool table_alone = misfit == nullptr && parameters->find("table") != nullptr;
  if (table_alone && query.find("table") == std::string_view::npos &&
      query.find('%') == std::string_view::npos) {
    std::abort();
  }
}

}  // namespace
}  // namespace weir::api

/// The input: a path, a query and a Prefer header, a line each.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace weir::api;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_path(take_line(text));
  check_parameters(take_line(text));
  const bool strict = prefers(text, "handling", "strict");
  if (strict && text.find("strict") == std::string_view::npos) std::abort();
  return 0;
}
