#pragma once

#include <string>
#include <vector>

#include "model/network_rule.h"

namespace weir {

/// Which hosts and addresses may be talked to: a project's `network`, and a step's own `allow`,
/// which narrows it. What counts is the address a connection is made to, whatever name led there.
///
/// Without rules, everything but the addresses by which a machine is asked about itself:
/// link-local ones (169.254.0.0/16, fe80::/10) and the clouds' metadata services elsewhere
/// (fd00:ec2::254, 100.100.100.200). An `allow` of the project that names such addresses as a range
/// lets them through. An IPv4 address inside an IPv6 one (NAT64, 6to4) counts as both.
class NetworkFence {
 public:
  NetworkFence() = default;
  explicit NetworkFence(NetworkRules project, std::vector<NetworkRule> step_allow = {})
      : project_(std::move(project)), step_allow_(std::move(step_allow)) {}

  /// Before anything is sent: what the name alone tells. Errors: invalid_input.
  Result<void> check_host(const std::string& host) const;
  /// The whole question. `host` is the name, or the address as text, that the URL has.
  /// Errors: invalid_input.
  Result<void> check(const std::string& host, const IpAddress& address) const;

 private:
  Result<void> check_denied(const std::string& host, const IpAddress& address) const;

  NetworkRules project_;
  std::vector<NetworkRule> step_allow_;
};

}  // namespace weir
