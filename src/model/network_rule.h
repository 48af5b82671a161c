#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace weir {

/// An address of either family; IPv4 ones as ::ffff:a.b.c.d.
using IpAddress = std::array<uint8_t, 16>;

/// "192.0.2.1", "2001:db8::1"; none when it is no address.
std::optional<IpAddress> parse_ip_address(std::string_view text);
std::string to_string(const IpAddress& address);

/// An entry of a network's `allow` or `deny`: hosts by name, or a range of addresses.
struct NetworkRule {
  std::string text;        ///< as written
  std::string host;        ///< lower case; "*.example.org" is every host below it; empty: a range
  IpAddress address = {};  ///< of a range: its first address
  int prefix = 0;          ///< of a range: leading bits that count, 0..128
  Location location = {};

  /// Whether the host's name is meant; upper and lower case are one. False for ranges.
  bool covers_host(std::string_view name) const;
  /// Whether the address lies in the range. False for names.
  bool covers_address(const IpAddress& each) const;
};

/// Parses "example.org", "*.example.org", "10.0.0.0/8", "192.0.2.7", "fd00::/8".
/// Errors: invalid_project.
Result<NetworkRule> parse_network_rule(std::string_view text);

/// Where weir may connect to. With `allow`, only there; `deny` has the last word.
struct NetworkRules {
  std::vector<NetworkRule> allow, deny;
};

}  // namespace weir
