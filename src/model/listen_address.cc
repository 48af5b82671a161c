#include "model/listen_address.h"

#include <arpa/inet.h>

#include <charconv>

namespace weir {
namespace {

bool is_address(int family, const std::string& text) {
  in6_addr ignored{};
  return ::inet_pton(family, text.c_str(), &ignored) == 1;
}

}  // namespace

bool ListenAddress::loopback() const { return host.starts_with("127.") || host == "::1"; }

std::string ListenAddress::to_string() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

std::optional<ListenAddress> parse_listen_address(std::string_view text) {
  ListenAddress address;
  const size_t colon = text.rfind(':');
  std::string_view port = text;
  if (colon != std::string_view::npos) {
    port = text.substr(colon + 1);
    address.host = text.substr(0, colon);
    if (address.host == "localhost") address.host = "127.0.0.1";
    const bool bracketed = address.host.starts_with('[') && address.host.ends_with(']');
    if (bracketed) address.host = address.host.substr(1, address.host.size() - 2);
    if (!is_address(bracketed ? AF_INET6 : AF_INET, address.host)) return std::nullopt;
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  return address;
}

}  // namespace weir
