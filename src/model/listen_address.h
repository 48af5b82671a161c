#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Where a listener waits for connections: an IP address and a port; port 0 = any that is free.
struct ListenAddress {
  std::string host = "127.0.0.1";  ///< as numbers, IPv6 without brackets
  uint16_t port = 0;

  /// Only this machine reaches it.
  bool loopback() const;
  /// "127.0.0.1:9464", "[::1]:9464"
  std::string to_string() const;
  bool operator==(const ListenAddress&) const = default;
};

/// "9464" (this machine only), "127.0.0.1:9464", "localhost:9464", "[::1]:9464"; none for all else:
/// names are not looked up.
std::optional<ListenAddress> parse_listen_address(std::string_view text);

}  // namespace weir
