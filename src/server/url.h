#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "server/options.h"

namespace weir::server {

/// Reads "postgres://user:password@host:port/database?name=value&…" (any scheme; mysql:// is the
/// same). Percent escapes are decoded; a `${…}` is one piece, whatever it holds, and stays. In
/// brackets a host is an IPv6 address. Names: `host` (a folder or file with a socket), `sslmode`
/// (disable, prefer, require, verify-ca, verify-full), `sslrootcert`, `sslcert`, `sslkey` (files),
/// `connect_timeout` and `silence` (seconds). Errors: invalid_project; no message quotes what could
/// be a password.
Result<Options> parse_url(std::string_view url);

/// Puts values in place of `${secret:…}`, each in the part that names it: a password with a '/' or
/// an '@' is no other URL. `fill_in` as secrets/secret_store.h; its errors.
Result<Options> with_secrets(
    Options options, const std::function<Result<std::string>(std::string_view text)>& fill_in);

}  // namespace weir::server
