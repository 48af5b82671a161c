#include "model/network_fence.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace weir {
namespace {

const std::vector<NetworkRule>& denied_by_default() {
  static const std::vector<NetworkRule> rules = [] {
    std::vector<NetworkRule> made;
    for (const char* text : {"169.254.0.0/16", "fe80::/10", "fd00:ec2::254", "100.100.100.200"}) {
      made.push_back(*parse_network_rule(text));
    }
    return made;
  }();
  return rules;
}

bool starts_with(const IpAddress& address, std::initializer_list<uint8_t> bytes) {
  return std::equal(bytes.begin(), bytes.end(), address.begin());
}

IpAddress from_v4(const uint8_t* four) {
  IpAddress address{};
  address[10] = address[11] = 0xff;
  std::memcpy(address.data() + 12, four, 4);
  return address;
}

/// All that the address means: connecting to "any" reaches the loopback, and some IPv6 addresses
/// are another spelling of an IPv4 one.
std::vector<IpAddress> meanings(const IpAddress& address) {
  std::vector<IpAddress> all = {address};
  static const IpAddress any_four = *parse_ip_address("0.0.0.0");
  static const IpAddress any_six = *parse_ip_address("::");
  static const IpAddress loop_six = *parse_ip_address("::1");
  if (address == any_four) all.push_back(*parse_ip_address("127.0.0.1"));
  if (address == any_six) all.push_back(loop_six);
  const bool nat64 = starts_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0});
  const bool compatible = starts_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) &&
                          address != any_six && address != loop_six;
  if (nat64 || compatible) all.push_back(from_v4(address.data() + 12));
  if (starts_with(address, {0x20, 0x02})) all.push_back(from_v4(address.data() + 2));
  return all;
}

const NetworkRule* covering(const std::vector<NetworkRule>& rules, const std::string& host,
                            const std::vector<IpAddress>& addresses) {
  const auto found = std::ranges::find_if(rules, [&](const NetworkRule& rule) {
    return rule.covers_host(host) || std::ranges::any_of(addresses, [&](const IpAddress& address) {
             return rule.covers_address(address);
           });
  });
  return found == rules.end() ? nullptr : &*found;
}

std::string shown(const std::string& host, const IpAddress& address) {
  const std::string text = to_string(address);
  return host == text ? host : host + " (" + text + ")";
}

auto denied(const std::string& who, const std::string& why, const std::string& fix) {
  return fail(ErrorCode::invalid_input, who + " is behind the fence: " + why, fix);
}

}  // namespace

Result<void> NetworkFence::check_host(const std::string& host) const {
  // A host that is spelled as an address needs no look-up.
  if (const auto address = parse_ip_address(host)) return check(host, *address);
  if (const NetworkRule* rule = covering(project_.deny, host, {})) {
    return denied(host, "network: deny has '" + rule->text + "'", "take it out of deny");
  }
  const auto hopeless = [&](const std::vector<NetworkRule>& allow) {
    return !allow.empty() && std::ranges::none_of(allow, [&](const NetworkRule& rule) {
      return rule.host.empty() || rule.covers_host(host);
    });
  };
  if (hopeless(project_.allow)) {
    return denied(host, "network: allow does not name it",
                  "add it to the project's network: allow");
  }
  if (hopeless(step_allow_)) {
    return denied(host, "the step's allow does not name it", "add it to the step's allow");
  }
  return {};
}

Result<void> NetworkFence::check_denied(const std::string& host, const IpAddress& address) const {
  const std::vector<IpAddress> addresses = meanings(address);
  if (const NetworkRule* rule = covering(project_.deny, host, addresses)) {
    return denied(shown(host, address), "network: deny has '" + rule->text + "'",
                  "take it out of deny");
  }
  const NetworkRule* rule = covering(denied_by_default(), "", addresses);
  if (rule == nullptr || covering(project_.allow, "", addresses) != nullptr) return {};
  return denied(shown(host, address),
                "'" + rule->text + "' is link-local or a machine's own metadata",
                "if it is meant, say so: network: {allow: [" + to_string(address) + ", …]}");
}

Result<void> NetworkFence::check(const std::string& host, const IpAddress& address) const {
  WEIR_TRY(check_denied(host, address));
  const std::vector<IpAddress> itself = {address};
  if (!project_.allow.empty() && covering(project_.allow, host, itself) == nullptr) {
    return denied(shown(host, address), "network: allow does not name it",
                  "add it to the project's network: allow");
  }
  if (!step_allow_.empty() && covering(step_allow_, host, itself) == nullptr) {
    return denied(shown(host, address), "the step's allow does not name it",
                  "add it to the step's allow");
  }
  return {};
}

}  // namespace weir
