#include "model/network_rule.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace weir {
namespace {

constexpr int v4_prefix = 96;  // an IPv4 address is the last 32 bits

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
  return out;
}

bool is_host_name(std::string_view name) {
  if (name.empty() || name.size() > 253 || name.front() == '.' || name.back() == '.') return false;
  if (name.find("..") != std::string_view::npos) return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

bool is_v4(const IpAddress& address) {
  static constexpr uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(address.data(), mapped, sizeof mapped) == 0;
}

/// Clears what lies behind the first `prefix` bits; returns whether something did.
bool clear_behind(IpAddress& address, int prefix) {
  bool cleared = false;
  for (int bit = prefix; bit < 128; ++bit) {
    const auto mask = static_cast<uint8_t>(0x80u >> (bit % 8));
    uint8_t& byte = address[static_cast<size_t>(bit / 8)];
    cleared = cleared || (byte & mask) != 0;
    byte = static_cast<uint8_t>(byte & ~mask);
  }
  return cleared;
}

auto no_rule(std::string_view text, const std::string& why) {
  return fail(ErrorCode::invalid_project, "'" + std::string(text) + "' " + why,
              "write a host (example.org, *.example.org) or addresses (10.0.0.0/8, fd00::/8)");
}

}  // namespace

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  const std::string copy(text);
  IpAddress address{};
  if (::inet_pton(AF_INET6, copy.c_str(), address.data()) == 1) return address;
  in_addr four{};
  if (::inet_pton(AF_INET, copy.c_str(), &four) != 1) return std::nullopt;
  address[10] = address[11] = 0xff;
  std::memcpy(address.data() + 12, &four, 4);
  return address;
}

std::string to_string(const IpAddress& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_v4(address)) {
    ::inet_ntop(AF_INET, address.data() + 12, text, sizeof text);
  } else {
    ::inet_ntop(AF_INET6, address.data(), text, sizeof text);
  }
  return text;
}

bool NetworkRule::covers_host(std::string_view name) const {
  if (host.empty()) return false;
  std::string asked = lower(name);
  if (asked.ends_with('.')) asked.pop_back();  // the root may be spelled out
  if (!host.starts_with("*.")) return asked == host;
  const std::string_view below = std::string_view(host).substr(1);
  return asked.size() > below.size() && asked.ends_with(below);
}

bool NetworkRule::covers_address(const IpAddress& each) const {
  if (!host.empty()) return false;
  IpAddress start = each;
  clear_behind(start, prefix);
  return start == address;
}

Result<NetworkRule> parse_network_rule(std::string_view text) {
  NetworkRule rule;
  rule.text = text;
  const size_t slash = text.find('/');
  const auto address = parse_ip_address(text.substr(0, slash));
  if (!address) {
    const std::string name = lower(text);
    const std::string_view labels =
        name.starts_with("*.") ? std::string_view(name).substr(2) : std::string_view(name);
    if (!is_host_name(labels)) return no_rule(text, "is neither a host nor a range of addresses");
    const std::string_view last = labels.substr(labels.rfind('.') + 1);
    if (std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; })) {
      return no_rule(text, "looks like an address and is none");
    }
    rule.host = name;
    return rule;
  }
  const bool four = is_v4(*address);
  const int most = four ? 32 : 128;
  int bits = most;
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    if (!whole || bits < 0 || bits > most) {
      return no_rule(text, "has no prefix from 0 to " + std::to_string(most) + " behind its '/'");
    }
  }
  rule.address = *address;
  rule.prefix = bits + (four ? v4_prefix : 0);
  IpAddress start = rule.address;
  if (clear_behind(start, rule.prefix)) {
    return fail(ErrorCode::invalid_project,
                "'" + std::string(text) + "' does not begin where its range begins",
                "write " + to_string(start) + "/" + std::to_string(bits));
  }
  return rule;
}

}  // namespace weir
