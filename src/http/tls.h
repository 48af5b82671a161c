#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace weir::http {

/// Where a listener's certificate comes from.
struct TlsFiles {
  std::filesystem::path certificate;  ///< PEM: its own, then those between it and the authority's
  std::filesystem::path key;          ///< PEM
};

/// What new TLS connections begin with: TLS 1.2 or later, the certificate as its files have it. It
/// is read again when they change; files that do not fit together leave the old one in use, and a
/// line in the log. One thread.
class TlsIdentity {
 public:
  /// Errors: io (a file cannot be read), invalid_project (it is no certificate or key, or the two
  /// do not belong together).
  static Result<std::unique_ptr<TlsIdentity>> load(TlsFiles files);

  /// Looks at the files first, at most once a second.
  std::shared_ptr<ssl_ctx_st> current();

 private:
  struct Stamp {
    std::filesystem::file_time_type certificate, key;
    bool operator==(const Stamp&) const = default;
  };
  explicit TlsIdentity(TlsFiles files) : files_(std::move(files)) {}
  Stamp stamp() const;

  const TlsFiles files_;
  Stamp loaded_;
  std::chrono::steady_clock::time_point looked_{};
  std::shared_ptr<ssl_ctx_st> context_;
};

}  // namespace weir::http
