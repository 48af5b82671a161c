#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace weir {

/// What a key may do. An empty list: all of the kind.
struct KeyScopes {
  bool rows = true;                        ///< send rows …
  bool queries = true;                     ///< ask queries …
  bool admin = false;                      ///< start and read runs, read logs and metrics
  std::vector<std::string> tables;         ///< … to these tables alone
  std::vector<std::string> named_queries;  ///< … these alone
  bool operator==(const KeyScopes&) const = default;

  bool allows_rows(std::string_view table) const;
  bool allows_query(std::string_view query) const;
};

/// Who may ask the API. The key itself is shown when it is made, and kept by its digest alone.
struct ApiKey {
  std::string id;      ///< also the part of the key that may be shown
  std::string name;    ///< whose it is; several keys may have one name
  std::string digest;  ///< SHA-256 of the key, hexadecimal
  KeyScopes scopes;
  std::string plan;  ///< empty: that of what is asked for
  Timestamp created{};
  std::optional<Timestamp> revoked;
};

}  // namespace weir
